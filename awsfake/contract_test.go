package awsfake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leasehold/leasehold/internal/emul"
)

// A contractTarget is a server under the contract, with a table of its own for
// each case.
type contractTarget struct {
	url    string
	client *http.Client
	table  string
}

// call returns the answer, and the name of its error or an empty string.
func (c contractTarget) call(operation, body string) (code string, out map[string]any, err error) {
	status, b, err := c.send(operation, body)
	if err != nil {
		return "", nil, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		return "", nil, fmt.Errorf("%s answered %d %q", operation, status, b)
	}
	if status != http.StatusOK {
		code, _ = out["__type"].(string)
		code = code[strings.LastIndex(code, "#")+1:]
		if code == "" {
			code = http.StatusText(status)
		}
	}
	return code, out, nil
}

// send returns the answer as it is.
func (c contractTarget) send(operation, body string) (status int, answer []byte, err error) {
	body = strings.NewReplacer("TABLE", c.table, "TOKEN", c.table[len(c.table)-12:]).Replace(body)
	r, err := http.NewRequest("POST", c.url, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	r.Header.Set("X-Amz-Date", time.Now().UTC().Format("20060102T150405Z"))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+emul.AccessKey+"/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := c.client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// A step is a call and a part of what it is to answer, as JSON: objects may
// have more, and "absent" is what must not be there. An error is "!", its name,
// and perhaps a part of it.
type step struct{ operation, body, want string }

func (c contractTarget) do(steps ...step) error {
	for _, s := range steps {
		if err := c.one(s); err != nil {
			return err
		}
	}
	return nil
}

func (c contractTarget) one(s step) error {
	code, out, err := c.call(s.operation, s.body)
	if err != nil {
		return err
	}
	wantCode, want := "", s.want
	if strings.HasPrefix(s.want, "!") {
		wantCode, want, _ = strings.Cut(s.want[1:], " ")
	}
	if code != wantCode {
		return fmt.Errorf("%s: got %q %v, want %q", s.operation, code, out, wantCode)
	}
	if want == "" {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(strings.ReplaceAll(want, "TABLE", c.table)))
	d.UseNumber()
	var w any
	if err := d.Decode(&w); err != nil {
		return fmt.Errorf("%s in %s", err, want)
	}
	if !contains(any(out), w) {
		got, _ := json.Marshal(out)
		return fmt.Errorf("%s: got %s, want %s", s.operation, got, want)
	}
	return nil
}

func contains(got, want any) bool {
	switch want := want.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		for k, w := range want {
			g, there := got[k]
			switch {
			case w == "absent":
				ok = ok && !there
			case k == "GlobalSecondaryIndexes":
				ok = ok && sameIndexes(g, w)
			default:
				ok = ok && contains(g, w)
			}
		}
		return ok
	case []any:
		got, ok := got.([]any)
		return ok && slices.EqualFunc(got, want, contains)
	case json.Number:
		got, ok := got.(json.Number)
		if !ok {
			return false
		}
		a, errA := got.Float64()
		b, errB := want.Float64()
		return errA == nil && errB == nil && a == b
	}
	return got == want
}

// sameIndexes compares descriptions of indexes, which come in any order, if
// they are a list of them.
func sameIndexes(got, want any) bool {
	g, ok1 := got.([]any)
	w, ok2 := want.([]any)
	if !ok1 || !ok2 {
		return contains(got, want)
	}
	for _, x := range w {
		if !slices.ContainsFunc(g, func(y any) bool { return contains(y, x) }) {
			return false
		}
	}
	return len(g) == len(w)
}

// until repeats a step until it holds: a table that changes takes its time.
func (c contractTarget) until(s step) error {
	var err error
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if err = c.one(s); err == nil {
			return nil
		}
	}
	return fmt.Errorf("for 20 s: %w", err)
}

// create makes the table of a case: key k, and an index of the keys by o.
func (c contractTarget) create() error {
	return errors.Join(c.do(step{"CreateTable", contractTable, ``}), c.until(isActive))
}

var isActive = step{"DescribeTable", `{"TableName": "TABLE"}`, `{"Table": {"TableStatus": "ACTIVE"}}`}

const contractTable = `{"TableName": "TABLE", "BillingMode": "PAY_PER_REQUEST",
	"KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
	"AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}, {"AttributeName": "o", "AttributeType": "S"}],
	"GlobalSecondaryIndexes": [{"IndexName": "byO", "KeySchema": [{"AttributeName": "o", "KeyType": "HASH"}, {"AttributeName": "k", "KeyType": "RANGE"}], "Projection": {"ProjectionType": "KEYS_ONLY"}}]}`

// runContract checks every case. A difference is the name of a case that the
// target is known to fail, and why; when it no longer fails, the test does.
func runContract(t *testing.T, target func(*testing.T) contractTarget, differences map[string]string) {
	known := map[string]bool{}
	for _, tt := range contract {
		known[tt.name] = true
		t.Run(tt.name, func(t *testing.T) {
			c := target(t)
			err := error(nil)
			if !tt.bare {
				err = c.create()
			}
			if err == nil {
				err = tt.check(c)
			}
			why, differs := differences[tt.name]
			switch {
			case differs && err == nil:
				t.Errorf("it holds, but was known not to (%s)", why)
			case differs:
				t.Logf("known difference: %s: %v", why, err)
			case err != nil:
				t.Error(err)
			}
		})
	}
	for name := range differences {
		if !known[name] {
			t.Errorf("there is no case %q to differ in", name)
		}
	}
}

// The fake differs in nothing: its tables take some time, and its limits hold.
func TestContract(t *testing.T) {
	db := &DynamoDB{TableTakes: 5 * time.Millisecond, IndexTakes: 5 * time.Millisecond, Limits: true}
	runContract(t, func(t *testing.T) contractTarget {
		return contractTarget{"http://awsfake.invalid", Client(db), emul.Name(t)}
	}, nil)
}

// differences are what each emulator is known to do otherwise.
var differences = map[string]map[string]string{
	emul.DynamoDBLocal: {
		"a new table is CREATING":       "tables are there at once",
		"a table is UPDATING":           "it is ACTIVE while an index is added",
		"tags":                          "unknown operations",
		"point-in-time recovery":        "unknown operations",
		"a provisioned table throttles": "nothing ever does",
	},
	emul.Dynalite: {
		"the keys of an index are limited": "it limits those of the table only",
		"old item with a failed condition": "a newer parameter than it knows",
		"transactions":                     "unknown operations",
		"a cancelled transaction":          "unknown operations",
		"a transaction under its token":    "unknown operations",
		"a transaction costs double":       "unknown operations",
		"an index costs units":             "it does not count indexes",
		"an index is added":                "it wants throughput for a table on demand",
		"a table is UPDATING":              "it wants throughput for a table on demand",
		"time to live":                     "unknown operations",
		"deletion protection":              "a newer parameter than it knows",
		"tags":                             "not there after creation",
		"point-in-time recovery":           "unknown operations",
		"a provisioned table throttles":    "nothing ever does",
	},
}

func TestEmulatorContract(t *testing.T) {
	for _, s := range emul.DynamoDBs(t) {
		t.Run(s.Name, func(t *testing.T) {
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
			runContract(t, func(t *testing.T) contractTarget {
				return contractTarget{s.URL, client, emul.Name(t)}
			}, differences[s.Name])
		})
	}
}

// together runs f in n goroutines and returns their errors.
func together(n int, f func(i int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
