package dynamolease

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leasehold/leasehold/lease"
)

// storable draws a lease that can be stored under this key, in a table of these
// keys.
func storable(t *rapid.T, keys Keys, key string) lease.Lease {
	l := genLease.Draw(t, "lease")
	l.Key, l.Counter, l.Switches = key, l.Counter&(math.MaxInt64>>1), l.Switches>>1 // both can grow
	if keys == ByStreamAndShard {
		l.Key, l.Stream, l.Shard = streamID+":"+key, streamID, key
	}
	return l
}

// wantRead checks that the lease is want, however it is read.
func wantRead(ctx context.Context, s *Store, want lease.Lease) error {
	same := func(how string, got lease.Lease) error {
		if diff := cmp.Diff(want, got, compare, nilIsEmpty); diff != "" {
			return fmt.Errorf("%s (-want +got):\n%s", how, diff)
		}
		return nil
	}
	one, err := s.Get(ctx, want.Key)
	if err != nil || one == nil {
		return fmt.Errorf("Get: got %v, %v", one, err)
	}
	snap, err := s.Scan(ctx)
	if err != nil {
		return err
	}
	if len(snap.Leases) != 1 || len(snap.Unreadable) != 0 {
		return fmt.Errorf("Scan: got %+v, want one lease", snap)
	}
	changed, applied, err := s.Change(ctx, want.Key, lease.Cond{}, lease.Set{Mark: want.Mark})
	if !applied || err != nil {
		return fmt.Errorf("Change of nothing: got %v, %v", applied, err)
	}
	present, applied, err := s.Change(ctx, want.Key, lease.Cond{Counter: new(want.Counter + 1)}, lease.Set{Bump: true, Mark: "m"})
	if applied || err != nil {
		return fmt.Errorf("Change of another counter: got %v, %v", applied, err)
	}
	return errors.Join(same("Get", *one), same("Scan", snap.Leases[0]), same("Change of nothing", changed), same("refused Change", present))
}

// Every field of a lease is stored under a name of its own and read from there:
// what was created is what everybody reads, in whatever way.
func TestFailure_F78_EveryFieldRoundTrips(t *testing.T) {
	for name, keys := range map[string]Keys{"one stream": ByShard, "several streams": ByStreamAndShard} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			tt := fake(t)
			s, err := NewWithConfig(tt.client, tt.store.table, Config{Keys: keys})
			if err != nil {
				t.Fatal(err)
			}
			roundTrip := func(l lease.Lease) error {
				// One that failed leaves its lease.
				if applied, err := s.Delete(ctx, l.Key, lease.Cond{}); !applied || err != nil {
					return fmt.Errorf("Delete: got %v, %v", applied, err)
				}
				image, applied, err := s.Create(ctx, l)
				if !applied || err != nil {
					return fmt.Errorf("Create: got %v, %v", applied, err)
				}
				if diff := cmp.Diff(l, image, compare); diff != "" {
					return fmt.Errorf("Create (-want +got):\n%s", diff)
				}
				return wantRead(ctx, s, l)
			}
			if err := roundTrip(fullLease(t, keys, "shardId-000000000007")); err != nil {
				t.Fatal(err)
			}
			rapid.Check(t, func(rt *rapid.T) {
				if err := roundTrip(storable(rt, keys, "shardId-000000000007")); err != nil {
					rt.Fatal(err)
				}
			})
		})
	}
}

// A checkpoint that one owner prepared is what the next one finds, with its
// state, however the lease came to it. The next checkpoint removes it.
func TestFailure_F78_TheNextOwnerFindsWhatWasPrepared(t *testing.T) {
	tt := fake(t)
	ctx := t.Context()
	m := lease.NewManager(tt.store)
	genState := rapid.SliceOfN(rapid.Byte(), 0, 200)
	rapid.Check(t, func(rt *rapid.T) {
		l := storable(rt, ByShard, "k")
		l.Owner, l.NextOwner = "a", ""
		if err := m.DeleteLease(ctx, &l); err != nil { // of one that failed
			rt.Fatal(err)
		}
		if ok, err := m.CreateLeaseIfNotExists(ctx, &l); !ok || err != nil {
			rt.Fatalf("create: got %v, %v", ok, err)
		}
		// look returns what is stored, which is prepared as these say.
		look := func(what string, pending lease.Position, state []byte) lease.Lease {
			rt.Helper()
			got, err := m.GetLease(ctx, "k")
			if err != nil || got == nil {
				rt.Fatalf("%s: got %v, %v", what, got, err)
			}
			if got.Pending != pending || string(got.PendingState) != string(state) {
				rt.Fatalf("%s: prepared are %v and %q, want %v and %q", what, got.Pending, got.PendingState, pending, state)
			}
			if err := wantRead(ctx, tt.store, *got); err != nil {
				rt.Fatalf("%s: %v", what, err)
			}
			row := describe(tt.raw(t, "k"))
			want := describe(item{"pendingCheckpoint": text(pending.Text()), "pendingCheckpointSubSequenceNumber": number(pending.Sub()), "pendingCheckpointState": binary(state)})
			for attr, v := range want {
				if pending.IsZero() || attr == "pendingCheckpointState" && len(state) == 0 {
					v = ""
				}
				if row[attr] != v {
					rt.Fatalf("%s: %s is %q, want %q", what, attr, row[attr], v)
				}
			}
			return *got
		}
		prepare := func(l lease.Lease, label string) (lease.Position, []byte) {
			l.Pending, l.PendingState = genPosition.Draw(rt, label), genState.Draw(rt, label+" state")
			if ok, err := m.UpdateLease(ctx, &l); !ok || err != nil {
				rt.Fatalf("prepare: got %v, %v", ok, err)
			}
			return l.Pending, l.PendingState
		}
		change := func(what string, cond lease.Cond, set lease.Set) {
			if _, applied, err := tt.store.Change(ctx, "k", cond, set); !applied || err != nil {
				rt.Fatalf("%s: got %v, %v", what, applied, err)
			}
		}

		mine := *mustLease(rt, m)
		pending, state := prepare(mine, "prepared")
		mine = look("after the owner prepared", pending, state)
		switch way := rapid.SampledFrom([]string{"take", "evict and take", "hand over"}).Draw(rt, "way"); way {
		case "take":
			if ok, err := m.TakeLease(ctx, &mine, "b"); !ok || err != nil {
				rt.Fatalf("take: got %v, %v", ok, err)
			}
		case "evict and take":
			if ok, err := m.EvictLease(ctx, &mine); !ok || err != nil {
				rt.Fatalf("evict: got %v, %v", ok, err)
			}
			look("nobody's", pending, state)
			if ok, err := m.TakeLease(ctx, &mine, "b"); !ok || err != nil {
				rt.Fatalf("take: got %v, %v", ok, err)
			}
		case "hand over":
			change("begin a handoff", lease.Cond{Owners: &lease.Owners{Owner: "a"}}, lease.Set{Owners: &lease.Owners{Owner: "a", Next: "b"}})
			look("during the handoff", pending, state)
			change("end the handoff", lease.Cond{Counter: &mine.Counter}, lease.Set{Bump: true, Mark: "m", Owners: &lease.Owners{Owner: "b"}})
		}
		theirs := look("the next owner's", pending, state)
		if theirs.Owner != "b" || theirs.NextOwner != "" {
			rt.Fatalf("owners are %v, want b", theirs.Owners())
		}
		if rapid.Bool().Draw(rt, "again?") {
			pending, state = prepare(theirs, "prepared again")
			theirs = look("prepared again", pending, state)
		}
		checkpoint := genPosition.Draw(rt, "checkpoint")
		if rapid.Bool().Draw(rt, "as an application?") {
			theirs.Checkpoint, theirs.Pending, theirs.PendingState = checkpoint, lease.Position{}, nil
			if ok, err := m.UpdateLease(ctx, &theirs); !ok || err != nil {
				rt.Fatalf("checkpoint: got %v, %v", ok, err)
			}
		} else {
			change("checkpoint", lease.Cond{Counter: &theirs.Counter}, lease.Set{Bump: true, Mark: "m", Checkpoint: &checkpoint})
		}
		if got := look("after the checkpoint", lease.Position{}, nil); got.Checkpoint != checkpoint {
			rt.Fatalf("checkpoint is %v, want %v", got.Checkpoint, checkpoint)
		}
	})
}

func mustLease(t *rapid.T, m *lease.Manager) *lease.Lease {
	l, err := m.GetLease(context.Background(), "k")
	if err != nil || l == nil {
		t.Fatalf("get lease: got %v, %v", l, err)
	}
	return l
}
