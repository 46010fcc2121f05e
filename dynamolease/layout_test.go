package dynamolease

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leasehold/leasehold/lease"
)

func mustCreate(t testing.TB, s *Store, l lease.Lease) {
	t.Helper()
	if _, applied, err := s.Create(t.Context(), l); !applied || err != nil {
		t.Fatalf("Create(%q): got %v, %v", l.Key, applied, err)
	}
}

func (t *target) raw(tb testing.TB, key string) item {
	tb.Helper()
	out, err := t.client.GetItem(tb.Context(), &dynamodb.GetItemInput{
		TableName: &t.store.table, ConsistentRead: new(true), Key: item{"leaseKey": text(key)}})
	if err != nil {
		tb.Fatal(err)
	}
	return out.Item
}

func (t *target) mustPlant(tb testing.TB, row item) {
	tb.Helper()
	if err := t.plant(tb.Context(), row); err != nil {
		tb.Fatal(err)
	}
}

// testLayout tests what a store on DynamoDB does besides the contract: how it
// gets on with rows that it has not written, and with other writers.
func testLayout(t *testing.T, fresh func(*testing.T) *target) {
	t.Run("changes keep what others stored", func(t *testing.T) {
		tt := fresh(t)
		row := rowWith(item{"entityType": nil, "leaseOwner": text("a"), "of others": text("x")})
		tt.mustPlant(t, row)
		_, applied, err := tt.store.Change(t.Context(), "k", lease.Cond{Counter: new(int64(5))},
			lease.Set{Bump: true, Mark: "m", Checkpoint: new(lease.ShardEnd)})
		if !applied || err != nil {
			t.Fatalf("got %v, %v", applied, err)
		}
		want := maps.Clone(row)
		want["leaseCounter"], want["ownerSwitchesSinceCheckpoint"] = decimal("6"), decimal("0")
		want["checkpoint"], want["lhw"] = text("SHARD_END"), text("m")
		if diff := cmp.Diff(describe(want), describe(tt.raw(t, "k"))); diff != "" {
			t.Errorf("row (-want +got):\n%s", diff)
		}
	})

	t.Run("owners of odd rows can be conditions", func(t *testing.T) {
		tt := fresh(t)
		for name, owners := range map[string]item{
			"itself": {"leaseOwner": text("a"), "checkpointOwner": text("a")},
			"nobody": {"leaseOwner": nil, "checkpointOwner": text("a")},
		} {
			tt.mustPlant(t, rowWith(owners))
			for _, o := range []lease.Owners{{}, {Owner: "b"}, {Owner: "a", Next: "b"}, {Owner: "b", Next: "a"}} {
				if image, applied, err := tt.store.Change(t.Context(), "k", lease.Cond{Owners: &o}, lease.Set{Bump: true}); applied || err != nil || image.Owner != "a" {
					t.Errorf("handoff to %s, owners %v: got %v, %v, %v, want refused", name, o, image.Owner, applied, err)
				}
			}
			image, applied, err := tt.store.Change(t.Context(), "k", lease.Cond{Owners: &lease.Owners{Owner: "a"}}, lease.Set{Owners: &lease.Owners{Owner: "b"}})
			if !applied || err != nil || image.Owner != "b" || image.NextOwner != "" {
				t.Errorf("handoff to %s: got %+v, %v, %v, want owner b", name, image, applied, err)
			}
			if _, odd := tt.raw(t, "k")["checkpointOwner"]; odd {
				t.Errorf("handoff to %s: checkpointOwner is still there", name)
			}
		}
	})

	t.Run("nothing but leases is changed or removed", func(t *testing.T) {
		tt := fresh(t)
		ctx := t.Context()
		for key, row := range map[string]item{
			"worker": {"entityType": text("WORKER_METRIC_STATS"), "lut": decimal("1")},
			"Leader": {"entityType": text("LEADER"), "ownerName": text("a"), "leaseDuration": text("1"), "recordVersionNumber": text("r")},
			"ticket": {"entityType": text("PARKING_TICKET"), "leaseCounter": decimal("5"), "ownerSwitchesSinceCheckpoint": decimal("5")},
			"broken": {"entityType": text("LEASE"), "leaseOwner": text("a")},
		} {
			row["leaseKey"] = text(key)
			tt.mustPlant(t, row)
			for _, c := range []lease.Cond{{}, {Counter: new(int64(5))}, {Owners: &lease.Owners{Owner: "a"}}, {Owners: &lease.Owners{}}} {
				_, applied, err := tt.store.Change(ctx, key, c, lease.Set{Bump: true, Mark: "m", Owners: &lease.Owners{Owner: "x"}})
				unreadable := errors.Is(err, lease.ErrDependency)
				if applied || unreadable != (key == "broken") {
					t.Errorf("Change(%q): got %v, %v", key, applied, err)
				}
				if c == (lease.Cond{}) && key == "broken" {
					continue // it may be removed
				}
				if applied, err := tt.store.Delete(ctx, key, c); applied || err != nil {
					t.Errorf("Delete(%q): got %v, %v, want false, nil", key, applied, err)
				}
			}
			if diff := cmp.Diff(describe(row), describe(tt.raw(t, key))); diff != "" {
				t.Errorf("%s changed (-want +got):\n%s", key, diff)
			}
		}
		if applied, err := tt.store.Delete(ctx, "broken", lease.Cond{}); !applied || err != nil {
			t.Errorf("Delete of a broken lease: got %v, %v, want true, nil", applied, err)
		}
	})

	t.Run("a worker cannot take a lease's key", func(t *testing.T) {
		tt := fresh(t)
		mustCreate(t, tt.store, lease.Lease{Key: "k", Checkpoint: lease.Latest})
		before := tt.raw(t, "k")
		if _, _, err := tt.store.PutWorker(t.Context(), lease.Worker{ID: "k", Reported: time.Now()}, nil); !errors.Is(err, lease.ErrDependency) {
			t.Errorf("PutWorker: got %v, want an error", err)
		}
		if applied, err := tt.store.DeleteWorker(t.Context(), "k", ""); applied || err != nil {
			t.Errorf("DeleteWorker: got %v, %v, want refused", applied, err)
		}
		if diff := cmp.Diff(describe(before), describe(tt.raw(t, "k"))); diff != "" {
			t.Errorf("the lease changed (-want +got):\n%s", diff)
		}
	})

	t.Run("a worker's item keeps what others stored", func(t *testing.T) {
		tt := fresh(t)
		tt.mustPlant(t, item{"leaseKey": text("w"), "entityType": text("WORKER_METRIC_STATS"), "lut": decimal("1"), "of others": text("x")})
		if _, _, err := tt.store.PutWorker(t.Context(), lease.Worker{ID: "w", Reported: time.Unix(77, 999), Nonce: "n"}, &lease.Worker{Reported: time.Unix(1, 0)}); err != nil {
			t.Fatal(err)
		}
		want := item{"leaseKey": text("w"), "entityType": text("WORKER_METRIC_STATS"), "lut": decimal("77"), "slu": decimal("77"), "sup": decimal("1"),
			"sts": object(item{}), "opr": object(item{}), "properties": object(item{"nonce": text("n")}), "of others": text("x")}
		if diff := cmp.Diff(describe(want), describe(tt.raw(t, "w"))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})

	t.Run("a released lock is none", func(t *testing.T) {
		tt := fresh(t)
		ctx := t.Context()
		released := item{"leaseKey": text("Leader"), "entityType": text("LEADER"), "ownerName": text("a"),
			"leaseDuration": text("1000"), "recordVersionNumber": text("r1"), "isReleased": text("1")}
		tt.mustPlant(t, released)
		l := lease.Lock{Owner: "a", Version: "r2", Duration: time.Second}
		if got, err := tt.store.GetLock(ctx); got != nil || err != nil {
			t.Errorf("GetLock: got %v, %v, want nil, nil", got, err)
		}
		if got, applied, err := tt.store.RenewLock(ctx, l, "r1"); got != nil || applied || err != nil {
			t.Errorf("RenewLock: got %v, %v, %v, want refused", got, applied, err)
		}
		if got, applied, err := tt.store.TakeLock(ctx, l, "r1"); got != nil || applied || err != nil {
			t.Errorf("TakeLock on its version: got %v, %v, %v, want refused", got, applied, err)
		}
		if applied, err := tt.store.ReleaseLock(ctx, "a", "r1"); applied || err != nil {
			t.Errorf("ReleaseLock: got %v, %v, want refused", applied, err)
		}
		if got, applied, err := tt.store.TakeLock(ctx, l, ""); got == nil || !applied || err != nil {
			t.Errorf("TakeLock: got %v, %v, %v, want taken", got, applied, err)
		}
		if got, err := tt.store.GetLock(ctx); err != nil || got == nil || *got != l {
			t.Errorf("GetLock: got %+v, %v, want %+v", got, err, l)
		}
	})

	t.Run("a table of another shape is foreign", func(t *testing.T) {
		tt := fresh(t)
		ctx := t.Context()
		for key, schema := range map[string][]types.KeySchemaElement{
			"id":       {{AttributeName: new("id"), KeyType: types.KeyTypeHash}},
			"leaseKey": {{AttributeName: new("leaseKey"), KeyType: types.KeyTypeHash}, {AttributeName: new("id"), KeyType: types.KeyTypeRange}},
		} {
			s := New(tt.client, tt.store.table+"-"+key)
			in := &dynamodb.CreateTableInput{TableName: &s.table, KeySchema: schema, BillingMode: types.BillingModePayPerRequest}
			for _, k := range schema {
				in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: k.AttributeName, AttributeType: types.ScalarAttributeTypeS})
			}
			if _, err := tt.client.CreateTable(ctx, in); err != nil {
				t.Fatal(err)
			}
			got, err := s.DescribeTable(ctx)
			if err != nil || got.Foreign == "" || got.Index != lease.Missing {
				t.Errorf("%s: got %+v, %v, want a foreign table without index", key, got, err)
			}
		}
	})

	t.Run("a table of many pages", func(t *testing.T) {
		tt := fresh(t)
		ctx := t.Context()
		big := make([]byte, 300_000) // 5 rows are more than a page of 1 MiB
		want := map[string]bool{}
		for i := range 5 {
			l := lease.Lease{Key: fmt.Sprint("k", i), Owner: "a", Checkpoint: lease.Latest, PendingState: big}
			mustCreate(t, tt.store, l)
			want[l.Key] = true
		}
		snap, err := tt.store.Scan(ctx)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, l := range snap.Leases {
			got[l.Key] = true
		}
		if !maps.Equal(got, want) || tt.count("Scan") < 2 {
			t.Errorf("got %v in %d pages, want %v", got, tt.count("Scan"), want)
		}
		if snap.Units < 150 {
			t.Errorf("1.5 MB cost %v units, want 180 or so", snap.Units)
		}
	})

	// Change does to the row what Set.Apply does to a lease.
	t.Run("changes are those of Set.Apply", func(t *testing.T) {
		tt := fresh(t)
		n := 0
		rapid.Check(t, func(rt *rapid.T) {
			n++
			l := genLease.Draw(rt, "lease")
			l.Key = fmt.Sprintf("k%d", n)
			l.Counter, l.Switches = max(l.Counter/4, -(l.Counter/4)), l.Switches/4 // room for one more
			set := genSet.Draw(rt, "set")
			if _, applied, err := tt.store.Create(context.Background(), l); !applied || err != nil {
				rt.Fatalf("Create: %v, %v", applied, err)
			}
			cond := lease.Cond{}
			if rapid.Bool().Draw(rt, "counter?") {
				cond.Counter = new(l.Counter + rapid.SampledFrom([]int64{0, 0, 1}).Draw(rt, "off"))
			}
			if rapid.Bool().Draw(rt, "owners?") {
				cond.Owners = new(rapid.OneOf(rapid.Just(l.Owners()), genOwners).Draw(rt, "owners"))
			}
			want := l.Clone()
			if cond.Holds(&l) {
				set.Apply(&want)
			}
			want.Children = slices.Sorted(slices.Values(want.Children))
			got, applied, err := tt.store.Change(context.Background(), l.Key, cond, set)
			if err != nil || applied != cond.Holds(&l) {
				rt.Fatalf("Change: got %v, %v, want %v", applied, err, cond.Holds(&l))
			}
			if diff := cmp.Diff(want, got, compare, nilIsEmpty); diff != "" {
				rt.Fatalf("image (-want +got):\n%s", diff)
			}
			if stored, err := tt.store.Get(context.Background(), l.Key); err != nil || cmp.Diff(*stored, got, compare) != "" {
				rt.Fatalf("stored %+v, %v, image %+v", stored, err, got)
			}
		})
	})
}

var nilIsEmpty = cmp.Options{
	cmp.Transformer("nil", func(s []string) string { return fmt.Sprint(len(s), s) }),
	cmp.Transformer("nil", func(s []byte) string { return string(s) }),
}

// genSet generates changes, also senseless ones.
var genSet = rapid.Custom(func(t *rapid.T) lease.Set {
	pointer := func(label string) bool { return rapid.Bool().Draw(t, label+"?") }
	s := lease.Set{
		Mark: maybe(t, "mark", genName), Bump: rapid.Bool().Draw(t, "bump"), AddSwitch: rapid.Bool().Draw(t, "add switch"),
		Children: maybe(t, "children", genShards), Throughput: maybe(t, "throughput", genThroughput),
	}
	if pointer("owners") {
		s.Owners = new(genOwners.Draw(t, "owners"))
	}
	if pointer("checkpoint") {
		s.Checkpoint = new(genPosition.Draw(t, "checkpoint"))
	}
	if pointer("pending") {
		s.Pending = new(maybe(t, "pending", genPosition))
		s.PendingState = rapid.SliceOfN(rapid.Byte(), 0, 4).Draw(t, "state")
	}
	if pointer("switches") {
		s.Switches = new(rapid.Int64().Draw(t, "switches"))
	}
	if pointer("hash range") {
		s.HashRange = new(maybe(t, "hash range", genHashRange))
	}
	return s
})

// describe returns a row as text, for comparing and for people.
func describe(row item) map[string]string {
	m := make(map[string]string)
	for attr, v := range row {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			m[attr] = "S " + v.Value
		case *types.AttributeValueMemberN:
			m[attr] = "N " + v.Value
		case *types.AttributeValueMemberM:
			m[attr] = "M " + fmt.Sprint(describe(v.Value))
		default:
			m[attr] = fmt.Sprintf("%T %v", v, v)
		}
	}
	return m
}
