package leasehold_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasehold/leasehold"
	"github.com/leasehold/leasehold/internal/consume/memstream"
	"github.com/leasehold/leasehold/lease"
)

func TestWorkerDeliversAndStores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 2)
		f.stream.Put(memstream.ID(0), "a", "b")
		f.stream.Put(memstream.ID(1), "c")
		w := f.start(f.config("w"))
		time.Sleep(5 * time.Second)
		f.want(0, "a b")
		f.want(1, "c")
		f.stream.Put(memstream.ID(0), "d")
		time.Sleep(time.Second)
		f.want(0, "a b d")
		w.stop()
		if l := f.lease(0); l.Checkpoint.String() != "4" || l.Owner != "" {
			t.Errorf("lease after the stop: %+v, want checkpoint 4 and no owner", l)
		}
		if n := f.log.count("worker.stopped"); n != 1 {
			t.Errorf("worker.stopped logged %d times, want 1:\n%s", n, f.log)
		}
	})
}

func TestNextWorkerGoesOnWithoutRepeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1)
		f.stream.Put(memstream.ID(0), "a", "b")
		w := f.start(f.config("w1"))
		time.Sleep(2 * time.Second)
		w.stop()
		f.stream.Put(memstream.ID(0), "c")
		w = f.start(f.config("w2"))
		time.Sleep(5 * time.Second)
		w.stop()
		f.want(0, "a b c")
	})
}

func TestShardEndsAndItsChildrenFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1)
		f.stream.Put(memstream.ID(0), "a")
		w := f.start(f.config("w"))
		time.Sleep(2 * time.Second)
		f.stream.Split(memstream.ID(0))
		f.stream.Put(memstream.ID(1), "b")
		f.stream.Put(memstream.ID(2), "c")
		time.Sleep(5 * time.Second)
		f.want(1, "b")
		f.want(2, "c")
		w.stop()
		if l := f.lease(0); !l.Finished() {
			t.Errorf("parent's lease %+v, want finished", l)
		}
	})
}

// With a checkpoint after every batch, the shard's next batch waits until the
// checkpoint of the one before is stored, whatever that takes.
func TestEveryBatchWaitsForItsCheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1)
		cfg := f.config("w")
		cfg.Checkpoint = leasehold.EveryBatch
		w := f.start(cfg)
		time.Sleep(time.Second)
		f.store.ask(func(ctx context.Context, op string) error {
			if op == "Change" {
				return errAway(op)
			}
			return nil
		})
		f.stream.Put(memstream.ID(0), "a")
		time.Sleep(time.Second)
		f.stream.Put(memstream.ID(0), "b")
		time.Sleep(3 * time.Second)
		f.want(0, "a")
		f.store.ask(nil)
		time.Sleep(3 * time.Second)
		f.want(0, "a b")
		w.stop()
	})
}

func TestEveryBatchStoresAtOnce(t *testing.T) {
	for _, tt := range []struct {
		mode leasehold.Checkpoint
		want string
	}{{leasehold.WithRenewals, "TRIM_HORIZON"}, {leasehold.EveryBatch, "1"}} {
		t.Run(fmt.Sprint(tt.mode), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, 1)
				cfg := f.config("w")
				cfg.Checkpoint = tt.mode
				w := f.start(cfg)
				time.Sleep(10 * time.Second)
				f.stream.Put(memstream.ID(0), "a")
				for f.got(0) == "" {
					time.Sleep(10 * time.Millisecond)
				}
				time.Sleep(10 * time.Millisecond)
				if got := f.lease(0).Checkpoint.String(); got != tt.want {
					t.Errorf("checkpoint just after the batch %s, want %s", got, tt.want)
				}
				time.Sleep(6 * time.Second)
				if got := f.lease(0).Checkpoint.String(); got != "1" {
					t.Errorf("checkpoint after a renewal %s, want 1", got)
				}
				w.stop()
			})
		})
	}
}

func TestFailure_F69_FailingHandlerHoldsItsShardOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 2)
		var failing atomic.Bool
		failing.Store(true)
		f.handle = func(_ context.Context, b *leasehold.Batch) error {
			if failing.Load() && b.Shard.ID == memstream.ID(0) {
				panic("poison")
			}
			return nil
		}
		f.stream.Put(memstream.ID(0), "bad")
		f.stream.Put(memstream.ID(1), "good")
		w := f.start(f.config("w"))
		time.Sleep(time.Minute)
		f.want(1, "good")
		if l := f.lease(0); l.Checkpoint != lease.TrimHorizon || l.Owner != "w" {
			t.Errorf("lease of the failing shard %+v, want held at TRIM_HORIZON", l)
		}
		if n := f.log.count("handler.panic", "attempt=3", "stack="); n != 1 {
			t.Errorf("third panic logged %d times, want 1", n)
		}
		failing.Store(false)
		time.Sleep(2 * time.Minute)
		w.stop()
		if l := f.lease(0); l.Checkpoint.String() != "1" {
			t.Errorf("checkpoint %v, want 1", l.Checkpoint)
		}
	})
}

func TestFailure_F80_StopBeforeStartTwiceAndDuring(t *testing.T) {
	t.Run("before", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, 1)
			w, err := leasehold.New(f.config("w"))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			if err := w.Run(ctx); err != nil {
				t.Errorf("Run: %v", err)
			}
			if calls := f.store.made(); len(calls) != 0 {
				t.Errorf("calls %v, want none", calls)
			}
			if err := w.Run(context.Background()); err == nil {
				t.Error("a second Run returned nil, want an error")
			}
		})
	})
	// During the start and the first seconds: at each k-th call, which may be
	// one that hangs.
	for _, hang := range []bool{false, true} {
		for _, missing := range []bool{false, true} {
			for k := 1; k <= 25; k++ {
				t.Run(fmt.Sprintf("at call %d/hang=%v/missing=%v", k, hang, missing), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						f := newFixture(t, 2)
						if missing {
							f.store.inner.Drop()
						}
						f.stream.Put(memstream.ID(0), "a")
						w, err := leasehold.New(f.config("w"))
						if err != nil {
							t.Fatal(err)
						}
						ctx, cancelNow := context.WithCancel(context.Background())
						defer cancelNow()
						var once sync.Once
						var stopped time.Time
						cancel := func() {
							once.Do(func() { stopped = time.Now() })
							cancelNow()
						}
						f.store.ask(func(ctx context.Context, op string) error {
							if len(f.store.made()) < k {
								return nil
							}
							first := len(f.store.made()) == k
							cancel()
							if hang && first {
								<-ctx.Done()
								return &lease.Error{Op: op, Kind: lease.ErrDependency, Err: ctx.Err()}
							}
							return nil
						})
						time.AfterFunc(time.Minute, cancel)
						err = w.Run(ctx)
						if err != nil {
							t.Errorf("Run: %v", err)
						}
						// A look that hangs has ten seconds.
						if d := time.Since(stopped); d > 13*time.Second {
							t.Errorf("stop took %v, want at most 13s", d)
						}
						made := len(f.store.made())
						time.Sleep(10 * time.Minute)
						if n := len(f.store.made()); n != made {
							t.Errorf("%d calls after Run returned", n-made)
						}
						snap, err := f.store.inner.Scan(context.Background())
						if err != nil {
							if missing && errors.Is(err, lease.ErrInvalidState) {
								return
							}
							t.Fatal(err)
						}
						if len(snap.Workers) != 0 {
							t.Errorf("left worker items %v", snap.Workers)
						}
						for _, l := range snap.Leases {
							if l.Owner != "" && !l.Finished() {
								t.Errorf("left lease %s owned by %s", l.Key, l.Owner)
							}
						}
					})
				})
			}
		}
	}
}

func TestFailure_F81_NothingRunsAfterReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 4)
		for i := range 4 {
			f.stream.Put(memstream.ID(i), "a", "b")
		}
		ws := []*running{f.start(f.config("w1")), f.start(f.config("w2"))}
		time.Sleep(30 * time.Second)
		for _, w := range ws {
			w.stop()
		}
		made, got := len(f.store.made()), f.got(0)
		f.stream.Put(memstream.ID(0), "c")
		time.Sleep(time.Hour)
		if n := len(f.store.made()); n != made {
			t.Errorf("%d calls of the store after Run returned", n-made)
		}
		f.want(0, got)
		// The bubble fails if a goroutine is left.
	})
}

func TestFailure_F83_StuckHandlerDoesNotHoldTheStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 2)
		release := make(chan struct{})
		cause := make(chan error, 1)
		f.handle = func(ctx context.Context, b *leasehold.Batch) error {
			if b.Shard.ID == memstream.ID(1) {
				<-release
				cause <- context.Cause(ctx)
				return ctx.Err()
			}
			return nil
		}
		f.stream.Put(memstream.ID(0), "a")
		f.stream.Put(memstream.ID(1), "b")
		w := f.start(f.config("w"))
		time.Sleep(10 * time.Second)
		began := time.Now()
		w.end()
		err := <-w.done
		if d := time.Since(began); d < 20*time.Second || d > 32*time.Second {
			t.Errorf("stop took %v, want 20s to 32s", d)
		}
		stuck, ok := errors.AsType[*leasehold.StuckError](err)
		if !ok || len(stuck.Shards) != 1 || stuck.Shards[0].String() != "orders/"+memstream.ID(1) {
			t.Errorf("Run: %v, want a StuckError that names shard 1", err)
		}
		made := len(f.store.made())
		close(release)
		if err := <-cause; !errors.Is(err, leasehold.ErrStopping) {
			t.Errorf("cause %v, want %v", err, leasehold.ErrStopping)
		}
		time.Sleep(time.Minute)
		if n := len(f.store.made()); n != made {
			t.Errorf("%d calls after Run returned", n-made)
		}
		if l := f.lease(1); l.Checkpoint != lease.TrimHorizon {
			t.Errorf("checkpoint of the stuck shard %v, want TRIM_HORIZON", l.Checkpoint)
		}
		f.stream.Put(memstream.ID(1), "c")
		time.Sleep(time.Minute)
		f.want(1, "b")
	})
}

func TestStopEndsWhenTheTableIsAway(t *testing.T) {
	for _, how := range []string{"refuses", "hangs"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, 3)
				w := f.start(f.config("w"))
				time.Sleep(10 * time.Second)
				f.store.ask(func(ctx context.Context, op string) error {
					if how == "hangs" {
						<-ctx.Done()
						return &lease.Error{Op: op, Kind: lease.ErrDependency, Retryable: true, Err: ctx.Err()}
					}
					return errAway(op)
				})
				began := time.Now()
				w.end()
				err := <-w.done
				if d := time.Since(began); d > 32*time.Second {
					t.Errorf("stop took %v, want at most 32s", d)
				}
				if err == nil {
					t.Fatal("Run returned nil, want an error that names the leases left")
				}
				why := map[string]string{"refuses": "connection refused", "hangs": "context deadline exceeded"}[how]
				for _, want := range []string{memstream.ID(2), fixtureApp, why} {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("Run: %v, want %q in it", err, want)
					}
				}
				if n := f.log.count("lease.abandoned", why); n != 3 {
					t.Errorf("lease.abandoned logged %d times with what became of the write, want 3:\n%s", n, f.log)
				}
			})
		})
	}
}

func TestHandlerEndsWhenTheTableIsAwayAndGoesOnAfterwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1)
		causes := make(chan error, 1)
		var waited atomic.Bool
		f.handle = func(ctx context.Context, b *leasehold.Batch) error {
			if string(b.Records[0].Data) == "wait" && !waited.Swap(true) {
				<-ctx.Done()
				causes <- context.Cause(ctx)
				return ctx.Err()
			}
			return nil
		}
		w := f.start(f.config("w"))
		time.Sleep(10 * time.Second)
		f.stream.Put(memstream.ID(0), "wait")
		time.Sleep(time.Second)
		away := time.Now()
		f.store.ask(func(_ context.Context, op string) error {
			if time.Since(away) < time.Minute {
				return errAway(op)
			}
			return nil
		})
		time.Sleep(9 * time.Second)
		synctest.Wait()
		select {
		case cause := <-causes:
			if !errors.Is(cause, leasehold.ErrLost) {
				t.Errorf("cause %v, want %v", cause, leasehold.ErrLost)
			}
		default:
			t.Error("9s after the table went away the handler's context is alive")
		}
		f.stream.Put(memstream.ID(0), "next")
		time.Sleep(50 * time.Second)
		f.want(0, "wait")
		time.Sleep(30 * time.Second)
		f.want(0, "wait wait next")
		w.stop()
	})
}

func TestStreamThatGoesAwayEndsTheWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1)
		w := f.start(f.config("w"))
		time.Sleep(10 * time.Second)
		f.stream.Delete()
		if err := <-w.done; err == nil || !strings.Contains(err.Error(), "stream does not exist") {
			t.Errorf("Run: %v, want that the stream does not exist", err)
		}
	})
}

func TestShardOpenerAndCloser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1)
		h := &openCloser{}
		cfg := f.config("w")
		cfg.Handler = h
		w := f.start(cfg)
		time.Sleep(5 * time.Second)
		f.stream.Split(memstream.ID(0))
		time.Sleep(5 * time.Second)
		w.stop()
		for _, want := range []string{
			"open " + memstream.ID(0) + " TRIM_HORIZON",
			"close " + memstream.ID(0) + " <nil>",
			"open " + memstream.ID(1) + " TRIM_HORIZON",
			"close " + memstream.ID(1) + " worker is stopping",
		} {
			if n := strings.Count(h.log, want+"\n"); n != 1 {
				t.Errorf("%q %d times, want once, in:\n%s", want, n, h.log)
			}
		}
	})
}

type openCloser struct {
	mu  sync.Mutex // guards log
	log string
}

func (*openCloser) Handle(context.Context, *leasehold.Batch) error { return nil }

func (h *openCloser) OpenShard(_ context.Context, t leasehold.Term) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.log += fmt.Sprintln("open", t.Shard.ID, t.From)
	return nil
}

func (h *openCloser) CloseShard(_ context.Context, t leasehold.Term, why error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.log += fmt.Sprintln("close", t.Shard.ID, why)
	return nil
}

func TestOnProgressTellsWhenCaughtUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1)
		f.stream.Batch = 1
		f.stream.Put(memstream.ID(0), "a", "b")
		time.Sleep(time.Minute)
		var all []leasehold.Progress
		cfg := f.config("w")
		cfg.OnProgress = func(p leasehold.Progress) { all = append(all, p) }
		w := f.start(cfg)
		time.Sleep(5 * time.Second)
		w.stop()
		if len(all) < 3 {
			t.Fatalf("%d reports, want 3 at least", len(all))
		}
		if p := all[0]; p.Records != 1 || p.Behind < time.Minute || p.Shard.ID != memstream.ID(0) {
			t.Errorf("first report %+v, want one record, a minute behind", p)
		}
		if p := all[2]; p.Records != 0 || p.Behind != 0 {
			t.Errorf("third report %+v, want no record and caught up", p)
		}
	})
}
