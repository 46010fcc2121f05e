package lease_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/leasetest"
	"github.com/leasehold/leasehold/memlease"
)

// newLease stores a lease of owner and returns it.
func newLease(t *testing.T, s lease.Store, owner string) *lease.Lease {
	t.Helper()
	l := &lease.Lease{Key: "k", Owner: owner, Checkpoint: lease.TrimHorizon}
	if _, ok, err := s.Create(t.Context(), *l); !ok || err != nil {
		t.Fatalf("Create: got %v, %v, want true, nil", ok, err)
	}
	return l
}

// A slow store answers each change after a while, unless the try is over
// before. It counts the calls.
type slow struct {
	lease.Store
	after time.Duration
	calls int
}

func (s *slow) Change(ctx context.Context, key string, cond lease.Cond, set lease.Set) (lease.Lease, bool, error) {
	s.calls++
	select {
	case <-time.After(s.after):
		return s.Store.Change(ctx, key, cond, set)
	case <-ctx.Done():
		// As a client does that knows only that its call was cut off.
		return lease.Lease{}, false, &lease.Error{Op: "change lease", Key: key, Kind: lease.ErrDependency, Err: ctx.Err()}
	}
}

func TestEachTryHasItsOwnDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{Store: memlease.New("app"), after: time.Hour}
		l := newLease(t, s, "a")
		start := time.Now()
		ok, err := lease.NewManager(s).RenewLease(t.Context(), l)
		if ok || !errors.Is(err, lease.ErrDependency) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("RenewLease on a store that hangs: got %v, %v, want false and a deadline", ok, err)
		}
		// Five tries of 1s, and pauses of 50, 100, 200 and 400 ms, give or take
		// a half.
		if took := time.Since(start); s.calls != 5 || took < 5375*time.Millisecond || took >= 6125*time.Millisecond {
			t.Errorf("RenewLease on a store that hangs: %d tries in %v, want 5 in 5.375s to 6.125s", s.calls, took)
		}
		if l.Counter != 0 {
			t.Errorf("counter of the passed lease: got %d, want 0", l.Counter)
		}
	})
}

func TestATryMayTakeItsTime(t *testing.T) {
	for _, tt := range []struct {
		after time.Duration
		ok    bool
	}{{time.Second - 1, true}, {time.Second + 1, false}} {
		synctest.Test(t, func(t *testing.T) {
			s := &slow{Store: memlease.New("app"), after: tt.after}
			l := newLease(t, s, "a")
			if ok, err := lease.NewManager(s).RenewLease(t.Context(), l); ok != tt.ok || (err == nil) != tt.ok {
				t.Errorf("RenewLease on a store that takes %v: got %v, %v", tt.after, ok, err)
			}
		})
	}
}

func TestCallersContextEndsTheTries(t *testing.T) {
	for _, tt := range []struct {
		name  string
		after time.Duration // of the store
		end   time.Duration // of the caller
		calls int
	}{
		{"in a try", time.Hour, 300 * time.Millisecond, 1},
		{"in a pause", time.Hour, time.Second + 10*time.Millisecond, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &slow{Store: memlease.New("app"), after: tt.after}
			l := newLease(t, s, "a")
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(tt.end, cancel)
			start := time.Now()
			_, err := lease.NewManager(s).RenewLease(ctx, l)
			if !errors.Is(err, context.Canceled) || !errors.Is(err, lease.ErrDependency) {
				t.Errorf("%s: got %v, want an error that matches context.Canceled", tt.name, err)
			}
			if took := time.Since(start); took != tt.end || s.calls != tt.calls {
				t.Errorf("%s: %d tries in %v, want %d in %v", tt.name, s.calls, took, tt.calls, tt.end)
			}
		})
	}
}

func TestWhatCannotSucceedIsNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memlease.New("app")
		l := newLease(t, s, "a")
		s.Drop()
		start := time.Now()
		if _, err := lease.NewManager(s).RenewLease(t.Context(), l); !errors.Is(err, lease.ErrInvalidState) {
			t.Errorf("RenewLease without table: got %v, want %v", err, lease.ErrInvalidState)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("RenewLease without table: took %v, want no pause", took)
		}
	})
}

// A store that returns errors which are not the contract's: the manager's are,
// all the same.
type rude struct {
	lease.Store
}

func (rude) Get(context.Context, string) (*lease.Lease, error) { return nil, errors.New("boom") }

func TestErrorsOfARudeStore(t *testing.T) {
	_, err := lease.NewManager(rude{}).GetLease(t.Context(), "k")
	if e, ok := errors.AsType[*lease.Error](err); !ok || !errors.Is(err, lease.ErrDependency) || e.Key != "k" {
		t.Errorf("GetLease: got %v, want a *lease.Error of kind %q", err, lease.ErrDependency)
	}
	if got, want := err.Error(), `get lease "k": lease table cannot be used: boom`; got != want {
		t.Errorf("text: got %q, want %q", got, want)
	}
}

// A foreign table is neither there nor missing.
type foreign struct{ lease.Store }

func (foreign) DescribeTable(context.Context) (lease.Table, error) {
	return lease.Table{Status: lease.Active, Foreign: "its key is id"}, nil
}

func TestForeignTable(t *testing.T) {
	m := lease.NewManager(foreign{})
	if ok, err := m.LeaseTableExists(t.Context()); ok || !errors.Is(err, lease.ErrDependency) {
		t.Errorf("LeaseTableExists: got %v, %v, want false, %v", ok, err, lease.ErrDependency)
	}
	if ok, err := m.WaitUntilLeaseTableExists(t.Context(), time.Hour, time.Hour); ok || !errors.Is(err, lease.ErrDependency) {
		t.Errorf("WaitUntilLeaseTableExists: got %v, %v, want false, %v", ok, err, lease.ErrDependency)
	}
}

func TestCapacities(t *testing.T) {
	m := lease.NewManager(memlease.NewMissing("app"))
	for _, c := range [][2]int64{{-1, 1}, {1, -1}, {0, 1}, {1, 0}} {
		if ok, err := m.CreateLeaseTableIfNotExists(t.Context(), c[0], c[1]); ok || !errors.Is(err, lease.ErrDependency) {
			t.Errorf("CreateLeaseTableIfNotExists(%d, %d): got %v, %v, want false, %v", c[0], c[1], ok, err, lease.ErrDependency)
		}
	}
}

func TestWaitLooksEveryPoll(t *testing.T) {
	for _, tt := range []struct {
		poll, timeout, want time.Duration
	}{
		{time.Second, 10 * time.Second, 4 * time.Second},    // usable after 3.5s, seen at the next look
		{0, 10 * time.Second, 4 * time.Second},              // 0 is 1s
		{3 * time.Second, 5 * time.Second, 5 * time.Second}, // the last pause is cut short
	} {
		synctest.Test(t, func(t *testing.T) {
			s := memlease.NewMissing("app")
			time.AfterFunc(3500*time.Millisecond, func() { s.CreateTable(context.Background(), 0, 0) })
			start := time.Now()
			ok, err := lease.NewManager(s).WaitUntilLeaseTableExists(t.Context(), tt.poll, tt.timeout)
			if took := time.Since(start); !ok || err != nil || took != tt.want {
				t.Errorf("WaitUntilLeaseTableExists(%v, %v): got %v, %v after %v, want true, nil after %v", tt.poll, tt.timeout, ok, err, took, tt.want)
			}
			time.Sleep(5 * time.Second)
		})
	}
}

// A delayed store carries out the first change, but only when it is released:
// a try that the network keeps while the caller has gone on.
type delayed struct {
	lease.Store
	once sync.Once
	late func() (lease.Lease, bool, error)
}

func (d *delayed) Change(ctx context.Context, key string, cond lease.Cond, set lease.Set) (image lease.Lease, applied bool, err error) {
	first := false
	d.once.Do(func() {
		first = true
		d.late = func() (lease.Lease, bool, error) { return d.Store.Change(context.WithoutCancel(ctx), key, cond, set) }
	})
	if first {
		return lease.Lease{}, false, &lease.Error{Op: "change lease", Key: key, Kind: lease.ErrDependency, Retryable: true}
	}
	return d.Store.Change(ctx, key, cond, set)
}

// An eviction is conditional on the owner's name only. A try of it that arrives
// late must not evict the owner who came back.
func TestLateTryDoesNotEvictAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &delayed{Store: memlease.New("app")}
		m := lease.NewManager(s)
		l := newLease(t, s, "a")
		if ok, err := m.EvictLease(t.Context(), l); !ok || err != nil {
			t.Fatalf("EvictLease: got %v, %v, want true, nil", ok, err)
		}
		if ok, err := m.TakeLease(t.Context(), l, "a"); !ok || err != nil {
			t.Fatalf("TakeLease: got %v, %v, want true, nil", ok, err)
		}
		if _, applied, err := s.late(); applied || err != nil {
			t.Errorf("the late try of the eviction: got applied %v, %v, want false, nil", applied, err)
		}
		if got, _ := m.GetLease(t.Context(), "k"); got.Owner != "a" || got.Counter != 2 {
			t.Errorf("lease: got owner %q, counter %d, want a, 2", got.Owner, got.Counter)
		}
	})
}

// An eviction finds the owner even while that one renews again and again.
func TestEvictARenewingOwner(t *testing.T) {
	s := memlease.New("app")
	m := lease.NewManager(s)
	l := newLease(t, s, "a")
	evict := l.Clone()
	done := make(chan error)
	go func() {
		for {
			if ok, err := m.RenewLease(context.Background(), l); !ok || err != nil {
				done <- err
				return
			}
			runtime.Gosched()
		}
	}()
	if ok, err := m.EvictLease(t.Context(), &evict); !ok || err != nil {
		t.Fatalf("EvictLease: got %v, %v, want true, nil", ok, err)
	}
	if err := <-done; err != nil {
		t.Errorf("the owner's renewals end with %v, want a lost lease", err)
	}
	if got, _ := m.GetLease(t.Context(), "k"); got.Owner != "" || got.Counter != l.Counter+1 {
		t.Errorf("lease: got owner %q, counter %d, want nobody, %d", got.Owner, got.Counter, l.Counter+1)
	}
}

// Every third reply is lost, and the owner notices nothing of it.
func TestFailure_F04_LostRepliesLoseNoLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		s := leasetest.NewFaulty(memlease.New("app"))
		m := lease.NewManager(s)
		l := newLease(t, s, "")
		for i := range 60 {
			if i%3 == 2 {
				s.LoseReplies(1)
			}
			var ok bool
			var err error
			switch i % 4 {
			case 0:
				ok, err = m.TakeLease(ctx, l, "a")
			case 1:
				ok, err = m.RenewLease(ctx, l)
			case 2:
				l.Switches = int64(i)
				ok, err = m.UpdateLease(ctx, l)
			case 3:
				ok, err = m.EvictLease(ctx, l)
			}
			got, _ := m.GetLease(ctx, "k")
			if !ok || err != nil || l.Counter != int64(i+1) || got.Counter != l.Counter || got.Owner != l.Owner {
				t.Fatalf("write %d: got %v, %v, lease %+v, stored %+v, want true, nil and counter %d", i, ok, err, l, got, i+1)
			}
		}
	})
}

// Workers, each with its own manager, compete for a lease while replies are
// lost at random. No value of the counter may be the success of two.
func TestFailure_F04_OneSuccessForEachCounter(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			s := leasetest.NewFaulty(memlease.New("app"))
			newLease(t, s, "")
			var mu sync.Mutex
			success := map[int64]string{}
			var wg sync.WaitGroup
			for w := range 4 {
				wg.Go(func() {
					rnd := rand.New(rand.NewPCG(seed, uint64(w)))
					m := lease.NewManager(s)
					name := fmt.Sprint("w", w)
					var l *lease.Lease
					for range 50 {
						time.Sleep(time.Duration(rnd.IntN(20)) * time.Millisecond)
						if rnd.IntN(3) == 0 {
							s.LoseReplies(rnd.IntN(8))
						}
						if l == nil || rnd.IntN(8) == 0 {
							l, _ = m.GetLease(t.Context(), "k")
							if l == nil {
								continue
							}
						}
						var ok bool
						var err error
						switch rnd.IntN(4) {
						case 0:
							ok, err = m.TakeLease(t.Context(), l, name)
						case 1:
							ok, err = m.RenewLease(t.Context(), l)
						case 2:
							l.Switches++
							ok, err = m.UpdateLease(t.Context(), l)
						case 3:
							ok, err = m.EvictLease(t.Context(), l)
						}
						if ok && err == nil {
							mu.Lock()
							if other, twice := success[l.Counter]; twice {
								t.Errorf("seed %d: counter %d is the success of %s and of %s", seed, l.Counter, other, name)
							}
							success[l.Counter] = name
							mu.Unlock()
						}
					}
				})
			}
			wg.Wait()
			s.LoseReplies(0)
			got, err := s.Get(t.Context(), "k")
			if err != nil || int64(len(success)) > got.Counter || len(success) < 20 {
				t.Errorf("seed %d: %d successes, lease %+v, %v, want at least 20 and at most the counter", seed, len(success), got, err)
			}
		})
	}
}

// A store that refuses what it shows to be right must not keep an eviction busy
// for ever.
func TestEvictLeaseEnds(t *testing.T) {
	s := &refusing{Store: memlease.New("app")}
	m := lease.NewManager(s)
	l := &lease.Lease{Key: "k", Owner: "a", Checkpoint: lease.Latest}
	if ok, err := m.CreateLeaseIfNotExists(t.Context(), l); !ok || err != nil {
		t.Fatal(ok, err)
	}
	before := *l
	ok, err := m.EvictLease(t.Context(), l)
	if e, isError := errors.AsType[*lease.Error](err); ok || !isError || e.Kind != lease.ErrDependency || !e.Retryable {
		t.Errorf("got %v, %v, want an error that may pass", ok, err)
	}
	if !reflect.DeepEqual(*l, before) {
		t.Errorf("passed lease is %+v afterwards, want %+v", *l, before)
	}
}

// A refusing store refuses every change and shows the lease as it is.
type refusing struct{ lease.Store }

func (s *refusing) Change(ctx context.Context, key string, _ lease.Cond, _ lease.Set) (lease.Lease, bool, error) {
	l, err := s.Get(ctx, key)
	if l == nil {
		return lease.Lease{}, false, err
	}
	return *l, false, err
}
