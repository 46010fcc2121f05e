package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/leasehold/leasehold/awsfake"
	"github.com/leasehold/leasehold/dynamolease"
)

var update = flag.Bool("update", false, "rewrite the golden files inside the scripts")

// TestMain lets scripts run the command as a process of its own, with signals,
// pipes and an exit code.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"leasehold": func() {
			ctx, stop := Signals(context.Background())
			status := Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv)
			stop()
			os.Exit(status)
		},
	})
}

// TestScript runs the scripts, each against services of its own.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			s := newFakes()
			server := httptest.NewServer(s.services)
			env.Defer(server.Close)
			env.Setenv("AWS_ENDPOINT_URL", server.URL)
			// What a developer has at home is not for a test.
			env.Setenv("AWS_CONFIG_FILE", env.WorkDir+"/.aws/config")
			env.Setenv("AWS_SHARED_CREDENTIALS_FILE", env.WorkDir+"/.aws/credentials")
			env.Values["fakes"] = s
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": cmdStatus,
			"like":   cmdLike,
			"refuse": cmdRefuse,
			"table":  cmdTable,
			"item":   cmdItem,
			"renew":  cmdRenew,
			"made":   cmdMade,

			"other-server": cmdOtherServer,
		},
	})
}

// fakes are the services of one script.
type fakes struct {
	services *awsfake.Services
	dynamo   *dynamodb.Client

	mu sync.Mutex
	// refused are the calls to answer with an error code, by operation, with
	// how many of them are left.
	refused map[string]*refusal
	// renewed are the leases to renew before each scan but the first.
	renewed []types.AttributeValue
	table   string
	scans   int
}

type refusal struct {
	code string
	left int
	// on is the table or stream that it is about, empty for every one.
	on string
}

func newFakes() *fakes {
	f := &fakes{refused: map[string]*refusal{}}
	f.services = &awsfake.Services{
		Kinesis:  &awsfake.Kinesis{Script: f.script},
		DynamoDB: &awsfake.DynamoDB{Script: f.script},
	}
	f.dynamo = dynamodb.NewFromConfig(awsfake.Config(f.services, "test"))
	return f
}

func (f *fakes) script(c awsfake.Call) awsfake.Fault {
	if c.Operation == "Scan" {
		f.mu.Lock()
		f.scans++
		table, renewed := f.table, f.renewed
		if f.scans == 1 {
			renewed = nil
		}
		f.mu.Unlock()
		// These calls come here too.
		for _, key := range renewed {
			f.renewOne(table, key)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.refused[c.Operation]
	if r == nil || r.left == 0 || r.on != "" && r.on != c.Resource {
		return awsfake.Fault{}
	}
	r.left--
	return awsfake.Fail(r.code)
}

func (f *fakes) renewOne(table string, key types.AttributeValue) {
	f.dynamo.UpdateItem(context.Background(), &dynamodb.UpdateItemInput{
		TableName:                 &table,
		Key:                       map[string]types.AttributeValue{"leaseKey": key},
		UpdateExpression:          new("ADD leaseCounter :one"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":one": &types.AttributeValueMemberN{Value: "1"}},
	})
}

func fakesOf(ts *testscript.TestScript) *fakes { return ts.Value("fakes").(*fakes) }

// status N COMMAND... runs a command that must end with exit code N.
func cmdStatus(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// varying is what differs from run to run: sequence numbers, times and
// addresses.
var varying = []struct {
	re   *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`\b[0-9]{56}\b`), "SEQUENCE"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`), "TIME"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "ADDRESS"},
	{regexp.MustCompile(`\d+/s`), "RATE/s"},
}

// like FILE GOLDEN [sorted] compares as cmp does, but for what varies; sorted:
// and for the order of lines.
func cmdLike(ts *testscript.TestScript, neg bool, args []string) {
	got := ts.ReadFile(args[0])
	for _, v := range varying {
		got = v.re.ReplaceAllString(got, v.with)
	}
	want := ts.ReadFile(args[1])
	if len(args) > 2 {
		got, want = sortLines(got), sortLines(want)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		ts.Fatalf("%s differs from %s (-want +got):\n%s", args[0], args[1], diff)
	}
}

func sortLines(s string) string {
	lines := strings.SplitAfter(s, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// refuse OPERATION CODE TIMES [RESOURCE] makes the next calls fail, or those on a
// table or stream.
func cmdRefuse(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	f := fakesOf(ts)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refused[args[0]] = &refusal{args[1], n, strings.Join(args[3:], "")}
}

// table NAME [KEY] makes a lease table, or one with another key.
func cmdTable(ts *testscript.TestScript, neg bool, args []string) {
	f := fakesOf(ts)
	if len(args) == 1 {
		_, err := dynamolease.New(f.dynamo, args[0]).CreateTable(context.Background(), 0, 0)
		ts.Check(err)
		return
	}
	_, err := f.dynamo.CreateTable(context.Background(), &dynamodb.CreateTableInput{
		TableName:            &args[0],
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: &args[1], AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: &args[1], KeyType: types.KeyTypeHash}},
	})
	ts.Check(err)
}

// made TABLE FILE writes how a table was made into a file: its tags, and whether
// it is protected from deletion and has point-in-time recovery.
func cmdMade(ts *testscript.TestScript, neg bool, args []string) {
	ctx, db := context.Background(), fakesOf(ts).dynamo
	table, err := db.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &args[0]})
	ts.Check(err)
	tags, err := db.ListTagsOfResource(ctx, &dynamodb.ListTagsOfResourceInput{ResourceArn: table.Table.TableArn})
	ts.Check(err)
	backups, err := db.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: &args[0]})
	ts.Check(err)
	var b strings.Builder
	for _, tag := range tags.Tags {
		fmt.Fprintf(&b, "%s=%s\n", *tag.Key, *tag.Value)
	}
	fmt.Fprintf(&b, "protected %v\n", aws.ToBool(table.Table.DeletionProtectionEnabled))
	fmt.Fprintf(&b, "recovery %s\n", backups.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(b.String()), 0o644))
}

// item TABLE KEY NAME=VALUE... stores an item of a lease table. A value is a
// text as Go quotes it, a number after "N:", or a set of texts after "SS:".
func cmdItem(ts *testscript.TestScript, neg bool, args []string) {
	item := map[string]types.AttributeValue{"leaseKey": &types.AttributeValueMemberS{Value: unquote(ts, args[1])}}
	for _, arg := range args[2:] {
		name, value, ok := strings.Cut(arg, "=")
		if !ok {
			ts.Fatalf("%q is not NAME=VALUE", arg)
		}
		switch {
		case strings.HasPrefix(value, "N:"):
			item[name] = &types.AttributeValueMemberN{Value: value[2:]}
		case strings.HasPrefix(value, "SS:"):
			item[name] = &types.AttributeValueMemberSS{Value: strings.Split(value[3:], ",")}
		default:
			item[name] = &types.AttributeValueMemberS{Value: unquote(ts, value)}
		}
	}
	_, err := fakesOf(ts).dynamo.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: &args[0], Item: item})
	ts.Check(err)
}

func unquote(ts *testscript.TestScript, s string) string {
	u, err := strconv.Unquote(`"` + s + `"`)
	ts.Check(err)
	return u
}

// other-server starts a server that is neither service, at $OTHER, and sets
// $OTHER_TLS to its address as if it had a certificate.
func cmdOtherServer(ts *testscript.TestScript, neg bool, args []string) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotImplemented)
		fmt.Fprint(w, "<html>")
	}))
	ts.Defer(server.Close)
	ts.Setenv("OTHER", server.URL)
	ts.Setenv("OTHER_TLS", strings.Replace(server.URL, "http:", "https:", 1))
}

// renew TABLE KEY... renews leases before each scan but the first.
func cmdRenew(ts *testscript.TestScript, neg bool, args []string) {
	f := fakesOf(ts)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.table, f.scans, f.renewed = args[0], 0, nil
	for _, key := range args[1:] {
		f.renewed = append(f.renewed, &types.AttributeValueMemberS{Value: key})
	}
}
