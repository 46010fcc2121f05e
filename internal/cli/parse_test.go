package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

func TestTemplate(t *testing.T) {
	seq, err := lease.ParseSequence("4958")
	if err != nil {
		t.Fatal(err)
	}
	r := &stream.Record{Data: []byte("da\x1bta\nx"), PartitionKey: "k\x07", Sequence: seq, Sub: 3, Arrived: time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC).UnixMilli()}
	for _, tt := range []struct {
		name, template, data string
		terminal             bool
		want                 string
	}{
		{"all fields", `%t|%p|%s|%S|%l%%\\\n\t`, "auto", false, "2026-01-02T03:04:05.006Z|7|4958|3|7%\\\n\t"},
		{"text as it is into a pipe", `%k %d`, "auto", false, "k\x07 da\x1bta\nx"},
		{"text made harmless on a terminal", `%k %d`, "auto", true, "k\\x07 da\\x1bta\nx"},
		{"base64", `%d`, "base64", false, "ZGEbdGEKeA=="},
		{"none", `<%d>`, "none", false, "<>"},
		{"one sign at the end", `%d%`, "none", false, "%"},
	} {
		var out bytes.Buffer
		w := bufio.NewWriter(&out)
		p := &program{stdout: &screen{w: w, terminal: tt.terminal}}
		p.flags.output = "table"
		printer, err := p.recordPrinter(w, "orders", consumeFlags{format: tt.template, data: tt.data}, true)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if err := printer.record("shardId-000000000007", &stream.Batch{}, r); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		if out.String() != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, out.String(), tt.want)
		}
	}
	for _, bad := range []string{"", "json", `%q`, `\x`, "%%"} {
		if _, err := parseTemplate(bad); err == nil {
			t.Errorf("template %q is taken", bad)
		}
	}
}

func TestKeys(t *testing.T) {
	for _, tt := range []struct{ rule, line, key, data, err string }{
		{"line", "x y", "x y", "x y", ""},
		{"tab", "k\tv\tw", "k", "v\tw", ""},
		{"tab", "kv", "", "", "it has no tab"},
		{"field:a.b", `{"a":{"b":"k"}}`, "k", `{"a":{"b":"k"}}`, ""},
		{"field:n", `{"n":12345678901234567890}`, "12345678901234567890", `{"n":12345678901234567890}`, ""},
		{"field:n", `{"n":true}`, "true", `{"n":true}`, ""},
		{"field:a.b", `{"a":"x"}`, "", "", "it has no field a.b"},
		{"field:a", `{"a":null}`, "", "", "its field a is neither a text nor a number"},
		{"field:a", `{"a"`, "", "", "it is not JSON"},
		{"u-1", "x", "u-1", "x", ""},
	} {
		key, data, err := keyRule(tt.rule)([]byte(tt.line))
		if tt.err != "" {
			if err == nil || !strings.HasPrefix(err.Error(), tt.err) {
				t.Errorf("%s of %s: got %v, want %q", tt.rule, tt.line, err, tt.err)
			}
			continue
		}
		if err != nil || key != tt.key || string(data) != tt.data {
			t.Errorf("%s of %s: got %q, %q, %v, want %q, %q", tt.rule, tt.line, key, data, err, tt.key, tt.data)
		}
	}
	for key, ok := range map[string]bool{"": false, "k": true, strings.Repeat("ä", 256): true, strings.Repeat("ä", 257): false, "\xff": false} {
		if err := checkKey(key); (err == nil) != ok {
			t.Errorf("key %.10q of %d bytes: %v", key, len(key), err)
		}
	}
}

func TestSplitAt(t *testing.T) {
	for _, tt := range []struct{ start, end, at, want string }{
		{"0", "340282366920938463463374607431768211455", "", "170141183460469231731687303715884105728"},
		{"0", "1", "", "1"},
		{"10", "20", "", "15"},
		{"10", "20", "11", "11"},
		{"10", "20", "20", "20"},
		{"10", "20", "10", ""},
		{"10", "20", "21", ""},
		{"10", "20", "0x11", ""},
		{"10", "20", "-11", ""},
		{"10", "10", "", ""},
		{"", "", "", ""},
	} {
		got, err := splitAt(stream.Shard{HashRange: lease.HashRange{Start: tt.start, End: tt.end}}, tt.at)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("split %s to %s at %q: got %q, %v, want %q", tt.start, tt.end, tt.at, got, err, tt.want)
		}
	}
}

func TestSizesAndRates(t *testing.T) {
	for in, want := range map[string]int{"": 0, "1": 1, "1k": 1024, "2K": 2048, "10M": 10 << 20, "11M": -1, "0": -1, "-1": -1, "k": -1, "1.5k": -1, "99999999999999999999": -1} {
		got, err := parseSize(in)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("size %q: got %d, want %d", in, got, want)
		}
	}
	for in, want := range map[string]float64{"": 0, "500/s": 500, "500": 500, "0.5/s": 0.5, "0": -1, "-1": -1, "NaN": -1, "Inf": -1, "/s": -1, "5/m": -1} {
		got, err := parseRate(in, false)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("rate %q: got %v, want %v", in, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1536: "1.5 KiB", 12268339: "11.7 MiB", 3 << 30: "3.0 GiB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestClassify(t *testing.T) {
	api := func(code string) error { return &smithy.GenericAPIError{Code: code, Message: "said so"} }
	in := func(words, code string) error { return &Error{Why: words, Err: api(code)} }
	for _, tt := range []struct {
		err  error
		want code
		why  string
	}{
		{errors.New("odd"), failed, "odd"},
		{api("AccessDeniedException"), denied, "said so"},
		{api("ResourceNotFoundException"), notFound, "said so"},
		{api("LimitExceededException"), tryAgain, "said so"},
		{api("SomethingNew"), failed, "said so"},
		{&smithy.GenericAPIError{Code: "ThrottlingException"}, tryAgain, "ThrottlingException"},
		{fmt.Errorf("list: %w: %w", stream.ErrNoStream, api("ResourceNotFoundException")), notFound, "the stream does not exist (said so)"},
		{fmt.Errorf("read: %w", stream.ErrDenied), denied, "access is denied"},
		{&lease.Error{Op: "scan", Kind: lease.ErrInvalidState}, notFound, "the lease table does not exist"},
		{&lease.Error{Op: "scan", Kind: lease.ErrProvisionedThroughput, Err: in("calm down", "RequestLimitExceeded")}, tryAgain, "the lease table is throttled (calm down)"},
		// A store has one kind for a refused permission and all other failures,
		// and knows what the permission is for.
		{&lease.Error{Op: "scan", Kind: lease.ErrDependency, Err: in("Scan must be allowed", "AccessDeniedException")}, denied, "Scan must be allowed"},
		{&lease.Error{Op: "scan", Kind: lease.ErrDependency, Err: context.DeadlineExceeded}, tryAgain, "timed out"},
		{errors.New("get identity: get credentials: no EC2 IMDS role found"), denied, "no credentials were found"},
	} {
		got := classify(tt.err)
		if got.Code != tt.want || got.Why != tt.why {
			t.Errorf("%v: got %d %q, want %d %q", tt.err, got.Code, got.Why, tt.want, tt.why)
		}
	}
	// What is said around it keeps the code.
	e, ok := while(while(stream.ErrNoShard, "shard 7"), "read stream %s", "orders").(*Error)
	if !ok || e.Code != notFound || e.Error() != "read stream orders: shard 7: the stream no longer has the shard" {
		t.Errorf("got %v", e)
	}
	if while(nil, "nothing") != nil {
		t.Error("no error has become one")
	}
}

// A permission that a lease table's store lacks is named. What else is denied may
// be the fault of the credentials.
func TestHintsOfWhatIsDenied(t *testing.T) {
	call := func(op, code string) error {
		return &smithy.OperationError{ServiceID: "DynamoDB", OperationName: op, Err: &smithy.GenericAPIError{Code: code}}
	}
	store := func(err error) error { return &lease.Error{Op: "o", Kind: lease.ErrDependency, Err: err} }
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"a call of the store", store(call("PutItem", "AccessDeniedException")), "allow dynamodb:PutItem on the application's tables and their indexes"},
		{"the call that may be about another table", store(call("GetItem", "AccessDeniedException")), "allow dynamodb:GetItem on the table with the application's name and on the one with -CoordinatorState after it; if the application never had the second, --single-table does without"},
		{"bad credentials", store(call("GetItem", "UnrecognizedClientException")), hints[denied]},
		{"a call of the stream", fmt.Errorf("%w: %w", stream.ErrDenied, call("ListShards", "AccessDeniedException")), hints[denied]},
		{"no call that is known", store(&smithy.GenericAPIError{Code: "AccessDeniedException"}), hints[denied]},
	} {
		if e := classify(tt.err); e.Code != denied || e.Hint != tt.want {
			t.Errorf("%s: code %d, hint %q, want %d, %q", tt.name, e.Code, e.Hint, denied, tt.want)
		}
	}
}

// Whoever reads the help learns every exit code.
func TestExitCodesAreInTheHelp(t *testing.T) {
	_, help, _ := run(t, environment(), "--help")
	for _, c := range []code{done, failed, wrongUsage, refused, notFound, denied, tryAgain} {
		if !strings.Contains(help, fmt.Sprintf("\n  %d      ", c)) {
			t.Errorf("exit code %d is not in the help:\n%s", c, help)
		}
	}
}
