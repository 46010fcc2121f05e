package emul

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	ktypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// A verdict is a testing.TB that remembers how it was ended.
type verdict struct {
	testing.TB
	how, why string
}

func (v *verdict) Helper() {}
func (v *verdict) Skipf(format string, args ...any) {
	v.how, v.why = "skipped", fmt.Sprintf(format, args...)
	runtime.Goexit()
}
func (v *verdict) Fatalf(format string, args ...any) {
	v.how, v.why = "failed", fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func TestFind(t *testing.T) {
	const ddb, dyn = "LEASEHOLD_TEST_DYNAMODB_LOCAL", "LEASEHOLD_TEST_DYNALITE"
	for _, tt := range []struct {
		name string
		env  map[string]string
		want string // how it ended, or the services
		why  string // part of the reason
	}{
		{"none at a user's", nil, "skipped", ".ci/emulators"},
		{"none in CI", map[string]string{"CI": "true"}, "failed", ddb},
		{"one at a user's", map[string]string{dyn: "http://b"}, "dynalite http://b", ""},
		{"one in CI", map[string]string{"CI": "true", ddb: "http://a"}, "failed", dyn},
		{"both in CI, trailing slash", map[string]string{"CI": "true", ddb: "http://a/", dyn: "http://b"},
			"dynamodb-local http://a, dynalite http://b", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := &verdict{TB: t}
			done := make(chan struct{})
			go func() {
				defer close(done)
				var got []string
				for _, s := range find(v, func(k string) string { return tt.env[k] }, DynamoDBLocal, Dynalite) {
					got = append(got, s.Name+" "+s.URL)
				}
				v.how = strings.Join(got, ", ")
			}()
			<-done
			if v.how != tt.want || !strings.Contains(v.why, tt.why) {
				t.Errorf("got %q (%s), want %q and a reason with %q", v.how, v.why, tt.want, tt.why)
			}
		})
	}
}

func TestNameIsShortPlainAndItsOwn(t *testing.T) {
	t.Run("a name/with strange: characters, and far too long for a table's name", func(t *testing.T) {
		a, b := Name(t), Name(t)
		if a == b {
			t.Errorf("two names are equal: %q", a)
		}
		for _, n := range []string{a, b} {
			odd := strings.Trim(n, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")
			if len(n) > 60 || odd != "" {
				t.Errorf("name %q: got %d characters and odd ones %q, want at most 60 and none", n, len(n), odd)
			}
		}
	})
}

// earlyEnd is a body as the SDK's: its WriteTo says io.EOF.
type earlyEnd struct {
	io.Reader
	wroteTo *atomic.Bool
}

func (earlyEnd) Close() error { return nil }
func (e earlyEnd) WriteTo(io.Writer) (int64, error) {
	e.wroteTo.Store(true)
	return 0, io.EOF
}

func TestConfigHidesWriteTo(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, r.Body)
	}))
	defer srv.Close()

	var wroteTo atomic.Bool
	body := earlyEnd{strings.NewReader("four"), &wroteTo}
	r, err := http.NewRequest("POST", srv.URL, body)
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = 4
	res, err := Service{URL: srv.URL}.Config().HTTPClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got, err := io.ReadAll(res.Body); string(got) != "four" || err != nil {
		t.Errorf("the server got %q, %v, want the body", got, err)
	}
	if wroteTo.Load() {
		t.Error("the transport called the body's WriteTo")
	}
	if r.Body != io.ReadCloser(body) {
		t.Error("the request's body was changed, not a copy's")
	}
}

// Every emulator keeps an item or a record and gives it back.
func TestEmulatorsAnswer(t *testing.T) {
	t.Run("dynamodb", func(t *testing.T) {
		for _, s := range DynamoDBs(t) {
			t.Run(s.Name, func(t *testing.T) { keepsAnItem(t, s) })
		}
	})
	t.Run("kinesis", func(t *testing.T) {
		for _, s := range Kinesises(t) {
			t.Run(s.Name, func(t *testing.T) { keepsRecords(t, s) })
		}
	})
}

func keepsAnItem(t *testing.T, s Service) {
	ctx, d, table := t.Context(), dynamodb.NewFromConfig(s.Config()), aws.String(Name(t))
	if _, err := d.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:   table,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("k"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("k"), KeyType: types.KeyTypeHash}},
	}); err != nil {
		t.Fatalf("create table: %v", err)
	}
	w := dynamodb.NewTableExistsWaiter(d, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = activeWithin/600, activeWithin/30
	})
	if err := w.Wait(ctx, &dynamodb.DescribeTableInput{TableName: table}, activeWithin); err != nil {
		t.Fatalf("wait for table: %v", err)
	}

	item := map[string]types.AttributeValue{"k": &types.AttributeValueMemberS{Value: "a"}}
	put := &dynamodb.PutItemInput{TableName: table, Item: item, ConditionExpression: aws.String("attribute_not_exists(k)")}
	if _, err := d.PutItem(ctx, put); err != nil {
		t.Errorf("first conditional put: %v", err)
	}
	if _, err := d.PutItem(ctx, put); err == nil || !strings.Contains(err.Error(), "ConditionalCheckFailed") {
		t.Errorf("second conditional put: got %v, want ConditionalCheckFailedException", err)
	}
	got, err := d.GetItem(ctx, &dynamodb.GetItemInput{TableName: table, Key: item, ConsistentRead: aws.Bool(true)})
	if err != nil || len(got.Item) != 1 {
		t.Errorf("get item: got %v, %v, want the item", got, err)
	}
}

func keepsRecords(t *testing.T, s Service) {
	ctx, k, stream := t.Context(), kinesis.NewFromConfig(s.Config()), aws.String(CreateStream(t, s, 1))
	// A reply of this size is what a body with WriteTo breaks.
	const n = 200
	var entries []ktypes.PutRecordsRequestEntry
	for i := range n {
		entries = append(entries, ktypes.PutRecordsRequestEntry{
			PartitionKey: aws.String("key"), Data: bytes.Repeat([]byte{byte(i)}, 1000)})
	}
	if out, err := k.PutRecords(ctx, &kinesis.PutRecordsInput{StreamName: stream, Records: entries}); err != nil || *out.FailedRecordCount != 0 {
		t.Fatalf("put records: %v, %v", out, err)
	}
	it, err := k.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{
		StreamName: stream, ShardId: aws.String("shardId-000000000000"), ShardIteratorType: ktypes.ShardIteratorTypeTrimHorizon})
	if err != nil {
		t.Fatalf("get iterator: %v", err)
	}
	var got, want []byte
	for i := range n {
		want = append(want, byte(i))
	}
	for iterator := it.ShardIterator; len(got) < n; {
		out, err := k.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: iterator})
		if err != nil {
			t.Fatalf("get records: %v", err)
		}
		if len(out.Records) == 0 {
			break
		}
		for _, r := range out.Records {
			got = append(got, r.Data[0])
		}
		iterator = out.NextShardIterator
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %d records, first bytes %v, want %d in order", len(got), got, n)
	}
}
