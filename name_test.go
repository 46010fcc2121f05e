package leasehold_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/leasehold/leasehold"
	"github.com/leasehold/leasehold/internal/consume/memstream"
	"github.com/leasehold/leasehold/lease"
)

// dead gives the table of f what a process of that name has left that died: its
// item, and a lease.
func dead(f *fixture, name string) lease.Lease {
	f.t.Helper()
	ctx := context.Background()
	l := lease.Lease{Key: memstream.ID(0), Owner: name, Counter: 41, Checkpoint: lease.TrimHorizon}
	_, ok1, err1 := f.store.inner.PutWorker(ctx, lease.Worker{ID: name, Nonce: "theirs", Reported: time.Now()}, nil)
	_, ok2, err2 := f.store.inner.Create(ctx, l)
	ok3, err3 := f.store.inner.CreateClientVersion(ctx, lease.Version3X, name, time.Now())
	if !ok1 || !ok2 || !ok3 {
		f.t.Fatal(err1, err2, err3)
	}
	return l
}

// Whenever a worker is stopped that waits for a name, it goes at once, and leaves
// nothing behind of its own and everything of the other's.
func TestStopDuringTheClaimOfAName(t *testing.T) {
	for _, hang := range []bool{false, true} {
		for k := 1; k <= 40; k++ {
			t.Run(fmt.Sprintf("at call %d/hang=%v", k, hang), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := newFixture(t, 1)
					theirs := dead(f, "w")
					w, err := leasehold.New(f.config("w"))
					if err != nil {
						t.Fatal(err)
					}
					ctx, cancelNow := context.WithCancel(t.Context())
					var once sync.Once
					var stopped time.Time
					cancel := func() {
						once.Do(func() { stopped = time.Now() })
						cancelNow()
					}
					f.store.ask(func(ctx context.Context, op string) error {
						n := len(f.store.made())
						if n >= k {
							cancel()
						}
						if hang && n == k {
							<-ctx.Done()
							return &lease.Error{Op: op, Kind: lease.ErrDependency, Err: ctx.Err()}
						}
						return nil
					})
					time.AfterFunc(time.Minute, cancel)
					if err := w.Run(ctx); err != nil {
						t.Errorf("Run: %v", err)
					}
					began := f.log.count("worker.started") > 0
					// A worker that has begun may have a look that hangs.
					if d := time.Since(stopped); d > 13*time.Second || d > 0 && !began {
						t.Errorf("the stop took %v", d)
					}
					made := len(f.store.made())
					time.Sleep(10 * time.Minute)
					if n := len(f.store.made()); n != made {
						t.Errorf("%d calls after Run returned", n-made)
					}
					snap, err := f.store.inner.Scan(context.Background())
					if err != nil {
						t.Fatal(err)
					}
					if n := len(snap.Workers); n > 1 || n == 1 && (began || snap.Workers[0].Nonce != "theirs") {
						t.Errorf("left the items %v", snap.Workers)
					}
					// Released by us, or not touched.
					l := f.lease(0)
					if as := l.Owner == theirs.Owner && l.Counter == theirs.Counter; !as && !(began && l.Owner == "") {
						t.Errorf("the dead one's lease became %+v", l)
					}
				})
			})
		}
	}
}

// What may pass is tried again until the worker has its name.
func TestClaimOfANameTriesAgain(t *testing.T) {
	for _, op := range []string{"PutWorker", "KeysOf", "Scan"} {
		t.Run(op, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, 1)
				dead(f, "w")
				f.stream.Put(memstream.ID(0), "a")
				var refused atomic.Int64
				began := time.Now()
				f.store.ask(func(_ context.Context, o string) error {
					if o == op && time.Since(began) < time.Minute {
						refused.Add(1)
						return errAway(o)
					}
					return nil
				})
				w, err := leasehold.New(f.config("w"))
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error)
				go func() { done <- w.Run(ctx) }()
				time.Sleep(80 * time.Second)
				f.want(0, "a")
				if w.Name() != "w" {
					t.Errorf("the worker is called %s, want w", w.Name())
				}
				// A look or a query that fails is not asked for before its turn.
				if n := refused.Load(); n > 100 || op != "KeysOf" && n < 10 {
					t.Errorf("%d tries in a minute, want 10 to 100", n)
				}
				cancel()
				if err := <-done; err != nil {
					t.Errorf("Run: %v", err)
				}
			})
		})
	}
}

// Every other look at the dead one fails: what was seen before still counts.
func TestClaimOfANameGoesOnAfterAFailedLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1)
		dead(f, "w")
		f.stream.Put(memstream.ID(0), "a")
		var looks atomic.Int64
		f.store.ask(func(_ context.Context, op string) error {
			if op == "Scan" {
				if looks.Add(1)%2 == 0 {
					return errAway(op)
				}
			}
			return nil
		})
		w := f.start(f.config("w"))
		time.Sleep(20 * time.Second)
		f.want(0, "a")
		w.stop()
	})
}

// A name of any length leaves room for what makes it another.
func TestAnotherNameFits(t *testing.T) {
	for _, name := range []string{"w", strings.Repeat("w", 1024), strings.Repeat("é", 512), strings.Repeat("w", 1015) + "世界世"} {
		t.Run(fmt.Sprint(len(name)), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, 3)
				if _, ok, err := f.store.inner.PutWorker(t.Context(), lease.Worker{ID: name, Reported: time.Now()}, nil); !ok || err != nil {
					t.Fatal(ok, err)
				}
				w, err := leasehold.New(f.config(name))
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				var asking sync.WaitGroup
				asking.Go(func() {
					// Anybody may ask at any time.
					for ctx.Err() == nil {
						w.Name()
						time.Sleep(time.Millisecond)
					}
				})
				done := make(chan error)
				go func() { done <- w.Run(ctx) }()
				time.Sleep(3 * time.Second)
				got := w.Name()
				own, random, ok := strings.Cut(got, "~")
				if !ok || len(random) != 7 || !strings.HasPrefix(name, own) || len(got) > 1024 || !utf8.ValidString(got) {
					t.Errorf("the worker is called %q", got)
				}
				if keys, err := f.store.inner.KeysOf(ctx, got); len(keys) == 0 {
					t.Errorf("no lease is of %q (%v)", got, err)
				}
				cancel()
				asking.Wait()
				if err := <-done; err != nil {
					t.Errorf("Run: %v", err)
				}
			})
		})
	}
}
