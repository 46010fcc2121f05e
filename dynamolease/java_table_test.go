package dynamolease

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/leasehold/leasehold/awsfake"
	"github.com/leasehold/leasehold/lease"
)

// javaTables are about the table and its index.
var javaTables = []behaviour{
	{1, "a new table is on demand, has the key leaseKey, and is waited for", inBubble(func(t *testing.T) {
		e := newTableless(t)
		e.creates(0, 0, true)
		if ok, err := e.m.WaitUntilLeaseTableExists(t.Context(), time.Second, 30*time.Second); !ok || err != nil {
			t.Errorf("WaitUntilLeaseTableExists: got %v, %v, want true, nil", ok, err)
		}
		d := e.describe()
		if got := schema(d.KeySchema, d.AttributeDefinitions); got != "leaseKey S HASH" || d.BillingModeSummary.BillingMode != types.BillingModePayPerRequest {
			t.Errorf("got key %s, billing %s, want leaseKey S HASH, on demand", got, d.BillingModeSummary.BillingMode)
		}
		// Java adds it when its first worker of version 3 starts.
		if ownerIndex(d) == nil {
			t.Error("the table is without its index")
		}
	}), ""},
	{2, "a table on demand has no capacities", func(t *testing.T) {
		e := newTableless(t)
		e.creates(0, 0, true)
		e.capacities(types.BillingModePayPerRequest, 0, 0)
	}, ""},
	{3, "a provisioned table has the capacities asked for", func(t *testing.T) {
		e := newTableless(t)
		e.creates(100, 200, true)
		e.capacities(types.BillingModeProvisioned, 100, 200)
	}, ""},
	{4, "the capacities of the call make a table provisioned that would be on demand", func(t *testing.T) {
		e := newTableless(t)
		e.creates(50, 100, true)
		e.capacities(types.BillingModeProvisioned, 50, 100)
	}, ""},
	{5, "the capacities of the call come before those of the configuration", nil,
		"there are no others than the call's"},
	{6, "a new table has the deletion protection of the configuration", func(t *testing.T) {
		e := newTableless(t)
		e.s.cfg.DeletionProtection = true
		e.creates(0, 0, true)
		if !settings(t, e.client, "orders").Protected {
			t.Error("the table can be deleted")
		}
	}, ""},
	{7, "a table that exists in any state is not created", func(t *testing.T) {
		for _, status := range []string{"CREATING", "ACTIVE", "UPDATING", "DELETING"} {
			createOnWire(t, "DescribeTable", false, nil, ok(`{"Table":{"TableStatus":"`+status+`"}}`))
		}
	}, ""},
	{8, "a look that fails is not an answer: the table is created", func(t *testing.T) {
		createOnWire(t, "DescribeTable CreateTable", true, nil, failed(500, "InternalServerError"), ok(`{}`))
	}, ""},
	{9, "a table that another creates meanwhile is no error", func(t *testing.T) {
		createOnWire(t, "DescribeTable CreateTable", false, nil, failed(400, "ResourceNotFoundException"), failed(400, "ResourceInUseException"))
	}, ""},
	{10, "a limit of the account is reported as throttling", func(t *testing.T) {
		createOnWire(t, "DescribeTable CreateTable", false, lease.ErrProvisionedThroughput, failed(400, "ResourceNotFoundException"), failed(400, "LimitExceededException"))
	}, ""},
	{11, "who has created the table says so again when it is called again", nil,
		"the result is about this call: true if it created the table, and so true once"},
	{12, "point-in-time recovery is switched on for a table that was there", func(t *testing.T) {
		e := newTableless(t)
		e.creates(0, 0, true)
		e.s.cfg.PointInTimeRecovery = true
		e.creates(0, 0, false)
		// Java does it as part of the creation, and fails if the table is not
		// active yet.
		if err := e.s.ProtectTable(t.Context()); err != nil || !settings(t, e.client, "orders").Recoverable {
			t.Errorf("ProtectTable: got %v, want recovery switched on", err)
		}
	}, ""},
	{13, "waiting sleeps no longer than its time", inBubble(func(t *testing.T) {
		e := newTableless(t)
		began := time.Now()
		ok, err := e.m.WaitUntilLeaseTableExists(t.Context(), 2*time.Second, time.Second)
		if took := time.Since(began); ok || err != nil || took != time.Second || e.calls["DescribeTable"] != 2 {
			t.Errorf("got %v, %v after %v and %d looks, want false, nil after 1s and 2", ok, err, took, e.calls["DescribeTable"])
		}
	}), ""},
	{14, "a table exists while it is ACTIVE or UPDATING", func(t *testing.T) {
		const key = `"AttributeDefinitions":[{"AttributeName":"leaseKey","AttributeType":"S"}],"KeySchema":[{"AttributeName":"leaseKey","KeyType":"HASH"}]`
		for reply, want := range map[reply]bool{
			ok(`{"Table":{"TableStatus":"ACTIVE",` + key + `}}`):   true,
			ok(`{"Table":{"TableStatus":"UPDATING",` + key + `}}`): true,
			ok(`{"Table":{"TableStatus":"CREATING",` + key + `}}`): false,
			ok(`{"Table":{"TableStatus":"DELETING",` + key + `}}`): false,
			failed(400, "ResourceNotFoundException"):               false,
		} {
			s, _ := newWire(reply)
			if got, err := lease.NewManager(s).LeaseTableExists(t.Context()); got != want || err != nil {
				t.Errorf("%s: got %v, %v, want %v, nil", reply.body, got, err, want)
			}
		}
	}, ""},
	{15, "who has created the table is called back when it is there", nil,
		"there are no callbacks: the caller has the result of the creation and of the waiting, and tags and protection are configuration"},
	{16, "who has not created the table is not called back", nil, "as 15"},
	{17, "the index is missing, made, and active", inBubble(func(t *testing.T) {
		e := newTableless(t)
		e.service.IndexTakes = 3 * time.Second
		e.withoutIndex(nil)
		e.index(lease.Missing)
		if err := e.s.CreateIndex(t.Context()); err != nil {
			t.Fatalf("CreateIndex: %v", err)
		}
		e.index(lease.Creating)
		time.Sleep(e.service.IndexTakes)
		e.index(lease.Active)
		if d := e.describe(); len(d.GlobalSecondaryIndexes) != 1 || *d.GlobalSecondaryIndexes[0].IndexName != "LeaseOwnerToLeaseKeyIndex" {
			t.Errorf("got indexes %v, want one LeaseOwnerToLeaseKeyIndex", d.GlobalSecondaryIndexes)
		}
	}), ""},
	{18, "the index of a table that is deleted is missing, and no error", func(t *testing.T) {
		newTableless(t).index(lease.Missing)
	}, ""},
	{19, "the index is told from others, and active only when it is", func(t *testing.T) {
		other := `{"IndexName":"other","IndexStatus":"ACTIVE"}`
		owner := func(status string) string {
			return `{"IndexName":"LeaseOwnerToLeaseKeyIndex","IndexStatus":"` + status + `"}`
		}
		for _, tt := range []struct {
			indexes string
			want    lease.TableStatus
		}{
			{`[]`, lease.Missing},
			{`[` + other + `]`, lease.Missing},
			{`[` + owner("CREATING") + `]`, lease.Creating},
			{`[` + other + `,` + owner("ACTIVE") + `]`, lease.Active},
		} {
			s, _ := newWire(ok(`{"Table":{"TableStatus":"ACTIVE","GlobalSecondaryIndexes":` + tt.indexes + `}}`))
			if got, err := s.DescribeTable(t.Context()); got.Index != tt.want || err != nil {
				t.Errorf("%s: got %v, %v, want %v", tt.indexes, got.Index, err, tt.want)
			}
		}
	}, ""},
	{20, "the index of a provisioned table has the table's capacities", func(t *testing.T) {
		e := newTableless(t)
		e.withoutIndex(&types.ProvisionedThroughput{ReadCapacityUnits: new(int64(100)), WriteCapacityUnits: new(int64(200))})
		e.indexCapacities(100, 200)
	}, ""},
	{21, "the index of a table on demand has none", func(t *testing.T) {
		e := newTableless(t)
		e.withoutIndex(nil)
		e.indexCapacities(0, 0)
	}, ""},
	{22, "an index that is being deleted is not made anew", func(t *testing.T) {
		s, w := newWire(ok(`{"Table":{"TableStatus":"UPDATING","GlobalSecondaryIndexes":[{"IndexName":"LeaseOwnerToLeaseKeyIndex","IndexStatus":"DELETING"}]}}`))
		if err := s.CreateIndex(t.Context()); err != nil || len(w.requests) != 1 {
			t.Errorf("CreateIndex: got %v after %d calls, want nil after a look", err, len(w.requests))
		}
	}, ""},
	{23, "a worker does not start before the index is active", nil,
		"it starts, and looks at the whole table until the index is active"},
}

// inBubble makes f a test with virtual time.
func inBubble(f func(*testing.T)) func(*testing.T) {
	return func(t *testing.T) { synctest.Test(t, f) }
}

// tableless is a service without the table. It is not safe for concurrent use.
type tableless struct {
	t       *testing.T
	service *awsfake.DynamoDB
	client  *dynamodb.Client
	s       *Store
	m       *lease.Manager
	calls   map[string]int
}

func newTableless(t *testing.T) *tableless {
	e := &tableless{t: t, calls: map[string]int{}}
	e.service = &awsfake.DynamoDB{TableTakes: time.Millisecond, Trace: func(r awsfake.Result) { e.calls[r.Call.Operation]++ }}
	e.client = dynamodb.NewFromConfig(awsfake.Config(e.service, "w-1"))
	e.s = storeWith(t, e.client, Config{SingleTable: true})
	e.m = lease.NewManager(e.s)
	return e
}

func (e *tableless) creates(read, write int64, want bool) {
	e.t.Helper()
	if got, err := e.m.CreateLeaseTableIfNotExists(e.t.Context(), read, write); got != want || err != nil {
		e.t.Fatalf("CreateLeaseTableIfNotExists(%d, %d): got %v, %v, want %v, nil", read, write, got, err, want)
	}
	time.Sleep(e.service.TableTakes)
}

func (e *tableless) describe() *types.TableDescription {
	e.t.Helper()
	d, err := e.client.DescribeTable(e.t.Context(), &dynamodb.DescribeTableInput{TableName: new("orders")})
	if err != nil {
		e.t.Fatal(err)
	}
	return d.Table
}

func (e *tableless) capacities(mode types.BillingMode, read, write int64) {
	e.t.Helper()
	d := e.describe()
	got := fmt.Sprint(*d.ProvisionedThroughput.ReadCapacityUnits, " ", *d.ProvisionedThroughput.WriteCapacityUnits)
	// A table without billing mode is provisioned.
	onDemand := d.BillingModeSummary != nil && d.BillingModeSummary.BillingMode == types.BillingModePayPerRequest
	if want := fmt.Sprint(read, " ", write); got != want || onDemand != (mode == types.BillingModePayPerRequest) {
		e.t.Errorf("got capacities %s, on demand %v, want %s, %s", got, onDemand, want, mode)
	}
}

// withoutIndex makes a table as Java KCL 2 left it.
func (e *tableless) withoutIndex(units *types.ProvisionedThroughput) {
	e.t.Helper()
	in := &dynamodb.CreateTableInput{
		TableName: new("orders"), BillingMode: types.BillingModePayPerRequest, ProvisionedThroughput: units,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: new("leaseKey"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: new("leaseKey"), KeyType: types.KeyTypeHash}},
	}
	if units != nil {
		in.BillingMode = types.BillingModeProvisioned
	}
	if _, err := e.client.CreateTable(e.t.Context(), in); err != nil {
		e.t.Fatal(err)
	}
	time.Sleep(e.service.TableTakes)
}

func (e *tableless) index(want lease.TableStatus) {
	e.t.Helper()
	if got, err := e.s.DescribeTable(e.t.Context()); got.Index != want || err != nil {
		e.t.Errorf("index: got %v, %v, want %v", got.Index, err, want)
	}
}

// indexCapacities makes the index and looks at its capacities.
func (e *tableless) indexCapacities(read, write int64) {
	e.t.Helper()
	if err := e.s.CreateIndex(e.t.Context()); err != nil {
		e.t.Fatal(err)
	}
	index := ownerIndex(e.describe())
	if index == nil {
		e.t.Fatal("no index was made")
	}
	var got [2]int64
	if p := index.ProvisionedThroughput; p != nil {
		got = [2]int64{*p.ReadCapacityUnits, *p.WriteCapacityUnits}
	}
	if want := [2]int64{read, write}; got != want {
		e.t.Errorf("index: got capacities %d, want %d", got, want)
	}
}

// createOnWire creates a table on a service with these replies.
func createOnWire(t *testing.T, calls string, created bool, kind error, replies ...reply) {
	t.Helper()
	s, w := newWire(replies...)
	got, err := s.CreateTable(t.Context(), 0, 0)
	if got != created || !errors.Is(err, kind) {
		t.Errorf("CreateTable: got %v, %v, want %v, %v", got, err, created, kind)
	}
	var ops []string
	for _, r := range w.requests {
		ops = append(ops, r.op)
	}
	if want := strings.Fields(calls); !slices.Equal(ops, want) {
		t.Errorf("calls: got %v, want %v", ops, want)
	}
}
