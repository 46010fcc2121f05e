package dynamolease

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/leasehold/leasehold/awsfake"
	"github.com/leasehold/leasehold/internal/emul"
	"github.com/leasehold/leasehold/lease"
)

// A meter makes a client ask for the units of its writes, and keeps those of the
// last one. The requests are otherwise what they are.
type meter struct{ last *types.ConsumedCapacity }

func (m *meter) on(cfg aws.Config) aws.Config {
	cfg.APIOptions = append(cfg.APIOptions, func(s *middleware.Stack) error {
		return s.Initialize.Add(middleware.InitializeMiddlewareFunc("meter", m.handle), middleware.Before)
	})
	return cfg
}

func (m *meter) handle(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	switch p := in.Parameters.(type) {
	case *dynamodb.UpdateItemInput:
		p.ReturnConsumedCapacity = types.ReturnConsumedCapacityIndexes
	case *dynamodb.PutItemInput:
		p.ReturnConsumedCapacity = types.ReturnConsumedCapacityIndexes
	case *dynamodb.DeleteItemInput:
		p.ReturnConsumedCapacity = types.ReturnConsumedCapacityIndexes
	}
	out, meta, err := next.HandleInitialize(ctx, in)
	switch r := out.Result.(type) {
	case *dynamodb.UpdateItemOutput:
		m.last = r.ConsumedCapacity
	case *dynamodb.PutItemOutput:
		m.last = r.ConsumedCapacity
	case *dynamodb.DeleteItemOutput:
		m.last = r.ConsumedCapacity
	}
	return out, meta, err
}

// units is what the last write cost, "table+index", and empties the meter.
func (m *meter) units() string {
	c := m.last
	m.last = nil
	if c == nil {
		return "not told"
	}
	of := func(c *types.Capacity) float64 {
		if c == nil || c.CapacityUnits == nil {
			return 0
		}
		return *c.CapacityUnits
	}
	index := 0.0
	for _, c := range c.GlobalSecondaryIndexes {
		index += of(&c)
	}
	return fmt.Sprintf("%g+%g", of(c.Table), index)
}

// A cost is a write, and what DynamoDB bills for it: units of the table, and of
// the owner index. An item of up to 1 kB is a unit; an index is written only
// where its key changes, once to remove the old and once to store the new.
// (Amazon DynamoDB Developer Guide, "Capacity unit consumption" and "Provisioned
// throughput considerations for global secondary indexes".)
type cost struct {
	name  string
	units string
	// but is what emulators tell instead, by their names.
	but map[string]string
	do  func(ctx context.Context, s *Store) (applied bool, err error)
}

// costs are writes that each go on from what the one before has left.
func costs(t *testing.T) []cost {
	const key = "shardId-000000000007"
	seq := "49680519890916628484268698367474917806902183999664291842"
	create := func(l lease.Lease) func(context.Context, *Store) (bool, error) {
		return func(ctx context.Context, s *Store) (bool, error) {
			_, applied, err := s.Create(ctx, l)
			return applied, err
		}
	}
	change := func(set lease.Set) func(context.Context, *Store) (bool, error) {
		set.Bump, set.Mark = true, "ABCDEFGHIJKLM-1a"
		return func(ctx context.Context, s *Store) (bool, error) {
			_, applied, err := s.Change(ctx, key, lease.Cond{}, set)
			return applied, err
		}
	}
	owners := func(owner, next string) lease.Set { return lease.Set{Owners: &lease.Owners{Owner: owner, Next: next}} }
	remove := func(ctx context.Context, s *Store) (bool, error) { return s.Delete(ctx, key, lease.Cond{}) }
	lock := lease.Lock{Owner: "w-1", Version: "v1", Duration: time.Second}
	worker := lease.Worker{ID: "w-1", Reported: time.Unix(1, 0), Nonce: "n"}

	l := usualLease(t)
	l.Owner = ""
	ended := owners("w-3", "")
	ended.Checkpoint = &l.Checkpoint
	// dynalite bills no index.
	noIndex := map[string]string{emul.Dynalite: "1+0"}
	return []cost{
		{"create, nobody's", "1+0", nil, create(l)},
		{"assign, nobody's before", "1+1", noIndex, change(owners("w-1", ""))},
		{"renew", "1+0", nil, change(lease.Set{})},
		{"renew, and tell the throughput", "1+0", nil, change(lease.Set{Throughput: new(2.5)})},
		{"checkpoint", "1+0", nil, change(lease.Set{Checkpoint: new(position(t, seq, 3))})},
		{"prepare a checkpoint", "1+0", nil, change(lease.Set{Pending: new(position(t, seq, 5)), PendingState: []byte("state")})},
		{"assign, another's before", "1+2", noIndex, change(owners("w-2", ""))},
		{"assign to its owner", "1+0", nil, change(owners("w-2", ""))},
		{"begin a handoff", "1+2", noIndex, change(owners("w-2", "w-3"))},
		{"renew during a handoff", "1+0", nil, change(lease.Set{})},
		{"end a handoff", "1+0", nil, change(ended)},
		{"release", "1+1", noIndex, change(owners("", ""))},
		{"end of the shard", "1+0", nil, change(lease.Set{Checkpoint: &lease.ShardEnd, Children: []string{"shardId-000000000008", "shardId-000000000009"}})},
		{"delete, nobody's", "1+0", nil, remove},
		{"create, owned", "1+1", noIndex, create(usualLease(t))},
		{"prepare a checkpoint with much state", "2+0", nil, change(lease.Set{Pending: &l.Checkpoint, PendingState: make([]byte, 1000)})},
		{"renew a lease of more than 1 kB", "2+0", nil, change(lease.Set{})},
		{"checkpoint without the state, the larger counts", "2+0", nil, change(lease.Set{Checkpoint: &l.Checkpoint})},
		{"renew it, small again", "1+0", nil, change(lease.Set{})},
		{"delete, owned", "1+1", noIndex, remove},
		{"first report of a worker", "1+0", nil, func(ctx context.Context, s *Store) (bool, error) {
			_, applied, err := s.PutWorker(ctx, worker, nil)
			return applied, err
		}},
		{"report of a worker", "1+0", nil, func(ctx context.Context, s *Store) (bool, error) {
			_, applied, err := s.PutWorker(ctx, worker, nil)
			return applied, err
		}},
		{"take the lock", "1+0", nil, func(ctx context.Context, s *Store) (bool, error) {
			_, applied, err := s.TakeLock(ctx, lock, "")
			return applied, err
		}},
		{"renew the lock", "1+0", nil, func(ctx context.Context, s *Store) (bool, error) {
			_, applied, err := s.RenewLock(ctx, lease.Lock{Owner: "w-1", Version: "v2", Duration: time.Second}, "v1")
			return applied, err
		}},
	}
}

// testCosts makes the writes on a service and compares what it tells.
func testCosts(t *testing.T, service string, cfg aws.Config, table string) {
	m := &meter{}
	tt := newTarget(t, m.on(cfg), table)
	for _, c := range costs(t) {
		applied, err := c.do(t.Context(), tt.store)
		if !applied || err != nil {
			t.Fatalf("%s: got %v, %v", c.name, applied, err)
		}
		got := m.units()
		switch but, differs := c.but[service]; {
		case differs && got == c.units:
			t.Errorf("%s: costs %s units as it should: the known difference is gone", c.name, got)
		case differs && got != but:
			t.Errorf("%s: costs %s units, which should be %s, and was known to be %s", c.name, got, c.units, but)
		case !differs && got != c.units:
			t.Errorf("%s: costs %s units, want %s", c.name, got, c.units)
		}
	}
}

func TestCostsOfWrites(t *testing.T) {
	testCosts(t, "fake", awsfake.Config(&awsfake.DynamoDB{}, "w-1"), "orders")
}

func TestEmulatorCostsOfWrites(t *testing.T) {
	for _, s := range emul.DynamoDBs(t) {
		t.Run(s.Name, func(t *testing.T) { testCosts(t, s.Name, s.Config(), emul.Name(t)) })
	}
}

// A refused write costs as much as one that is carried out, by the larger of the
// item and what it would have become; the answer does not say so, but the bill.
func TestCostsOfRefusedWrites(t *testing.T) {
	var last awsfake.Result
	tt := newTarget(t, awsfake.Config(&awsfake.DynamoDB{Trace: func(r awsfake.Result) { last = r }}, "w-1"), "orders")
	l := usualLease(t)
	mustCreate(t, tt.store, l)
	_, applied, err := tt.store.Change(t.Context(), l.Key, lease.Cond{Counter: new(l.Counter + 1)}, lease.Set{Bump: true, Mark: "m", Owners: &lease.Owners{Owner: "w-2"}})
	if applied || err != nil {
		t.Fatalf("Change by another counter: got %v, %v", applied, err)
	}
	if last.Call.Operation != "UpdateItem" || last.WriteUnits != 1 || last.ReadUnits != 0 {
		t.Errorf("the last call is %s and costs %g write and %g read units, want UpdateItem, 1 and 0", last.Call.Operation, last.WriteUnits, last.ReadUnits)
	}
}
