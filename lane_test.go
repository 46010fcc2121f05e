package leasehold_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasehold/leasehold"
	"github.com/leasehold/leasehold/internal/consume/memstream"
	"github.com/leasehold/leasehold/lease"
)

// hang is a call that gets no answer.
func hang(ctx context.Context, op string) error {
	<-ctx.Done()
	return &lease.Error{Op: op, Kind: lease.ErrDependency, Retryable: true, Err: ctx.Err()}
}

// Looks at the table and everything that is not a write of a lease get no answer
// for minutes: the leases are renewed all the same, and their shards go on.
func TestNoRenewalWaitsForOtherCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 3)
		w := f.start(f.config("w"))
		time.Sleep(10 * time.Second)
		f.store.ask(func(ctx context.Context, op string) error {
			if op == "Change" {
				return nil
			}
			return hang(ctx, op)
		})
		time.Sleep(5 * time.Minute)
		for i := range 3 {
			f.stream.Put(memstream.ID(i), "a")
		}
		time.Sleep(time.Second)
		for i := range 3 {
			f.want(i, "a")
		}
		if n := f.log.count("lease.lost"); n != 0 {
			t.Errorf("lost %d leases, want none", n)
		}
		f.store.ask(nil)
		time.Sleep(30 * time.Second)
		w.stop()
	})
}

func TestLimitsOfCalls(t *testing.T) {
	for _, tt := range []struct {
		op    string
		limit int
		time  time.Duration
	}{
		{"Change", 64, time.Second},
		{"Scan", 1, 10 * time.Second},
		{"KeysOf", 8, time.Second},
	} {
		t.Run(tt.op, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, 100)
				var mu sync.Mutex // guards the next two
				running, most := 0, 0
				w := f.start(f.config("w"))
				time.Sleep(10 * time.Second)
				f.store.ask(func(ctx context.Context, op string) error {
					if op != tt.op {
						return nil
					}
					if at, ok := ctx.Deadline(); !ok || time.Until(at) != tt.time {
						t.Errorf("%s has until %v, want %v", op, time.Until(at), tt.time)
					}
					mu.Lock()
					running++
					most = max(most, running)
					mu.Unlock()
					time.Sleep(tt.time - time.Millisecond)
					mu.Lock()
					running--
					mu.Unlock()
					return nil
				})
				time.Sleep(time.Minute)
				mu.Lock()
				if most > tt.limit || tt.op == "Change" && most < 2 {
					t.Errorf("%d calls at a time, want at most %d", most, tt.limit)
				}
				mu.Unlock()
				f.store.ask(nil)
				time.Sleep(10 * time.Second)
				w.stop()
			})
		})
	}
}

// A shard that began at LATEST and brought nothing yet loses its term: what
// comes before the next term is not passed over.
func TestLatestPassesOverNothingBetweenTwoTerms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1)
		f.stream.Put(memstream.ID(0), "old")
		time.Sleep(time.Minute)
		cfg := f.config("w")
		cfg.Start = leasehold.Latest
		w := f.start(cfg)
		time.Sleep(20 * time.Second)
		f.store.ask(func(_ context.Context, op string) error { return errAway(op) })
		time.Sleep(20 * time.Second)
		if n := f.log.count("lease.lost"); n != 1 {
			t.Fatalf("%d leases lost in an outage of 20s, want 1", n)
		}
		f.stream.Put(memstream.ID(0), "new")
		time.Sleep(20 * time.Second)
		f.store.ask(nil)
		time.Sleep(20 * time.Second)
		f.want(0, "new")
		w.stop()
	})
}

func TestStartAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1)
		f.stream.Put(memstream.ID(0), "old")
		time.Sleep(time.Minute)
		cfg := f.config("w")
		cfg.Start = leasehold.At(time.Now())
		time.Sleep(time.Minute)
		f.stream.Put(memstream.ID(0), "new")
		w := f.start(cfg)
		time.Sleep(5 * time.Second)
		f.want(0, "new")
		w.stop()
		if l := f.lease(0); l.Checkpoint.String() != "2" {
			t.Errorf("checkpoint %v, want 2", l.Checkpoint)
		}
	})
}

// The lease says AT_TIMESTAMP, and this worker's configuration has no time: it
// reads all there is rather than too little.
func TestStartAtATimeThatOnlyAnotherWorkerKnows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1)
		f.stream.Put(memstream.ID(0), "a")
		f.store.inner.CreateClientVersion(t.Context(), lease.Version3X, "other", time.Now())
		f.store.inner.Create(t.Context(), lease.Lease{Key: memstream.ID(0), Checkpoint: lease.AtTimestamp})
		w := f.start(f.config("w"))
		time.Sleep(30 * time.Second)
		f.want(0, "a")
		w.stop()
		if calls := f.store.made(); slices.Contains(calls, "CreateTable") {
			t.Errorf("calls %v, want no CreateTable", calls)
		}
	})
}
