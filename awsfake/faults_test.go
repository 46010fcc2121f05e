package awsfake

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leasehold/leasehold/internal/emul"
)

// testFaultLayer has every fault befall a renewal through the layer. C goes
// through it and sure goes past it.
func testFaultLayer(t *testing.T, layer *Faults, c, sure *dynamodb.Client, table string, scale time.Duration) {
	t.Helper()
	var mu sync.Mutex // guards traced
	var traced []Result
	layer.Trace = func(r Result) {
		mu.Lock()
		defer mu.Unlock()
		traced = append(traced, r)
	}
	for _, tt := range faults {
		item := attributes(dbItem{"leaseKey": "s0", "leaseCounter": 1})
		if _, err := sure.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: item}); err != nil {
			t.Fatal(err)
		}
		f := tt.fault
		f.Delay, f.DelayReply = f.Delay/scale, f.DelayReply/scale
		layer.SetScript(on("UpdateItem", f))
		_, err := c.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName:                 &table,
			Key:                       attributes(dbItem{"leaseKey": "s0"}),
			UpdateExpression:          new("SET leaseCounter = :new"),
			ConditionExpression:       new("leaseCounter = :old"),
			ExpressionAttributeValues: attributes(dbItem{":old": 1, ":new": 2}),
			ReturnConsumedCapacity:    "TOTAL",
		})
		if tt.err == "connection" {
			if isCode(err) || err == nil {
				t.Errorf("%s: got %v, want a connection error", tt.name, err)
			}
		} else {
			wantCode(t, err, tt.err)
		}
		mu.Lock()
		got := traced
		traced = nil
		mu.Unlock()
		if len(got) == 0 {
			t.Fatalf("%s: nothing was traced", tt.name)
		}
		units := tt.units
		if tt.name == "duplicate" {
			units = 1 // the refused one does not say its units
		}
		want := []Result{{Call: Call{Service: "DynamoDB", Operation: "UpdateItem", Resource: table, Key: "s0", Caller: got[0].Call.Caller}, Err: tt.result, WriteUnits: units}}
		if d := cmp.Diff(want, got, cmpopts.IgnoreFields(Call{}, "Number", "At"), cmpopts.IgnoreUnexported(Call{}), cmpopts.IgnoreFields(Result{}, "Took")); d != "" {
			t.Errorf("%s: trace (-want +got):\n%s", tt.name, d)
		}
		out, err := sure.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table, Key: attributes(dbItem{"leaseKey": "s0"}), ConsistentRead: new(true)})
		wantCode(t, err, "")
		wantItem(t, out.Item, dbItem{"leaseKey": "s0", "leaseCounter": tt.counter})
	}
}

func TestFaultLayer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &DynamoDB{}
		layer := &Faults{Next: db}
		testFaultLayer(t, layer, once(layer, "a"), newTable(t, db), "app", 1)
	})
}

func TestFaultLayerOverLoopback(t *testing.T) {
	db := &DynamoDB{}
	layer := &Faults{Next: behind(t, httptest.NewServer(db))}
	testFaultLayer(t, layer, through(t, layer), newTable(t, db), "app", 1000)
}

// behind is a proxy to a server, which ends with the test.
func behind(t *testing.T, srv *httptest.Server) http.Handler {
	t.Cleanup(srv.Close)
	return proxyTo(t, srv.URL)
}

func proxyTo(t *testing.T, address string) http.Handler {
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(u) },
		Transport: &http.Transport{},
	}
}

// through returns a client over HTTP of the layer, which does not repeat calls.
func through(t *testing.T, layer *Faults) *dynamodb.Client {
	srv := httptest.NewServer(layer)
	t.Cleanup(srv.Close)
	cfg := Config(layer, emul.AccessKey)
	cfg.HTTPClient, cfg.BaseEndpoint = srv.Client(), &srv.URL
	return dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 })
}

// The layer does before DynamoDB Local what it does before the fake.
func TestEmulatorBehindTheFaultLayer(t *testing.T) {
	t.Run(emul.DynamoDBLocal, func(t *testing.T) {
		s := emul.One(t, emul.DynamoDBLocal)
		sure := dynamodb.NewFromConfig(s.Config())
		in := leaseTable(emul.Name(t))
		if _, err := sure.CreateTable(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		layer := &Faults{Next: proxyTo(t, s.URL)}
		testFaultLayer(t, layer, through(t, layer), sure, *in.TableName, 1000)
	})
}

func TestFaultLayerLearnsKeysAndRefusesWhatItCannot(t *testing.T) {
	db := &DynamoDB{}
	layer := &Faults{Next: db}
	c := newClient(layer, "a")
	var last Result
	layer.Trace = func(r Result) { last = r }
	_, err := c.CreateTable(t.Context(), leaseTable("app"))
	wantCode(t, err, "")
	put(t, c, dbItem{"leaseKey": "x", "leaseOwner": "a"})
	if last.Call.Key != "x" || last.Call.Resource != "app" {
		t.Errorf("got %+v, want item x of app", last.Call)
	}
	layer.SetScript(every("Scan", Fault{Stale: time.Second}))
	_, err = once(layer, "a").Scan(t.Context(), &dynamodb.ScanInput{TableName: new("app")})
	wantCode(t, err, "InternalServerError")
}

func TestFaultLayerBeforeKinesis(t *testing.T) {
	layer := &Faults{Next: &Kinesis{}}
	c := kinesis.NewFromConfig(Config(layer, "a"), func(o *kinesis.Options) { o.RetryMaxAttempts = 1 })
	_, err := c.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: new("s"), ShardCount: new(int32(1))})
	wantCode(t, err, "")
	layer.SetScript(every("PutRecord", Throttle()))
	_, err = c.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: new("s"), Data: []byte("x"), PartitionKey: new("k")})
	wantCode(t, err, "ProvisionedThroughputExceededException")
}
