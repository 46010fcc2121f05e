package leasehold_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasehold/leasehold"
	"github.com/leasehold/leasehold/lease"
)

// A Java worker left its checkpoint inside an aggregated record. That record
// comes again, whole, and is before the stored checkpoint: that stays where it is
// until the next record, and nobody waits for it to move.
func TestFailure_F74_CheckpointInsideAnAggregate(t *testing.T) {
	for _, mode := range []leasehold.Checkpoint{leasehold.WithRenewals, leasehold.EveryBatch} {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t, 1, time.Millisecond)
			const key = "shardId-000000000000"
			store := f.store("test")
			put := func(data string) lease.Position {
				_, number := f.kinesis.Put(fleetStream, "k", []byte(data))
				seq, err := lease.ParseSequence(number)
				if err != nil {
					t.Fatal(err)
				}
				return lease.At(seq, 0)
			}
			var mu sync.Mutex
			var got []string
			start := func(name string) {
				f.start(name, func(cfg *leasehold.Config) {
					cfg.Checkpoint = mode
					cfg.Handler = leasehold.HandlerFunc(func(_ context.Context, b *leasehold.Batch) error {
						mu.Lock()
						defer mu.Unlock()
						for _, r := range b.Records {
							got = append(got, name+" "+string(r.Data))
						}
						return nil
					})
				})
			}
			delivered := func(when string, want ...string) {
				t.Helper()
				mu.Lock()
				defer mu.Unlock()
				if !slices.Equal(got, want) {
					t.Errorf("mode %v, %s: delivered %q, want %q", mode, when, got, want)
				}
			}
			stored := func(when string, want lease.Position) {
				t.Helper()
				l, err := store.Get(t.Context(), key)
				if err != nil || l == nil {
					t.Fatal(l, err)
				}
				if l.Checkpoint != want {
					t.Errorf("mode %v, %s: checkpoint %v, want %v", mode, when, l.Checkpoint, want)
				}
			}

			// The table as a fleet has left it.
			start("before")
			time.Sleep(5 * time.Second)
			f.stop("before")
			inside := lease.At(put("whole").Sequence(), 3)
			l, err := store.Get(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			if _, ok, err := store.Change(t.Context(), key, lease.Cond{Counter: &l.Counter}, lease.Set{Bump: true, Mark: "test.1", Checkpoint: &inside}); !ok || err != nil {
				t.Fatal(ok, err)
			}

			// A worker that does not get further.
			start("a")
			time.Sleep(20 * time.Second)
			delivered("after some renewals", "a whole")
			stored("after some renewals", inside)
			f.stop("a")
			stored("after a stop", inside)

			start("b")
			time.Sleep(2 * time.Second)
			delivered("in the next term", "a whole", "b whole")
			next := put("next")
			time.Sleep(time.Second) // the next renewal is later
			delivered("after the next record", "a whole", "b whole", "b next")
			if mode == leasehold.EveryBatch {
				stored("after the next record", next)
			}
			f.stop("b")
			stored("at the end", next)
		})
	}
}
