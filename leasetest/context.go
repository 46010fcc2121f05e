package leasetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// An ending is a way in which a context ends.
type ending struct {
	name string
	err  error
	// retryable is what errors say then: a caller whose time is over may try
	// again with more of it.
	retryable bool
	// after returns a context that ends then.
	after func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)
}

func endings() []ending {
	return []ending{
		{"cancelled", context.Canceled, false, func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			if d <= 0 {
				cancel()
			}
			timer := time.AfterFunc(d, cancel)
			return ctx, func() { timer.Stop(); cancel() }
		}},
		{"deadline", context.DeadlineExceeded, true, context.WithTimeout},
	}
}

// An endable is a context that ends when a rule says so, and as it says: also a
// deadline need not be guessed.
type endable struct {
	context.Context
	how  ending
	once sync.Once
	done chan struct{}
}

func (how ending) whenever(ctx context.Context) *endable {
	e := &endable{Context: ctx, how: how, done: make(chan struct{})}
	context.AfterFunc(ctx, e.end)
	return e
}

// end ends the context. It may be called again.
func (e *endable) end() { e.once.Do(func() { close(e.done) }) }

func (e *endable) Done() <-chan struct{} { return e.done }

func (e *endable) Err() error {
	select {
	case <-e.done:
		return e.how.err
	default:
		return nil
	}
}

// soon is when contexts end that end in the middle of an operation.
const soon = 10 * time.Millisecond

// ended checks the error of an operation whose context is done. If something
// failed before, cause is what.
func ended(what string, err error, how ending, cause error) error {
	if err := first(failed(what, err, lease.ErrDependency), retryable(what, err, how.retryable)); err != nil {
		return err
	}
	if !errors.Is(err, how.err) {
		return fmt.Errorf("%s: error %q does not match %q", what, err, how.err)
	}
	if cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("%s: error %q has not in it what failed before, %q", what, err, cause)
	}
	return nil
}

// ends checks the operation with a context that ends.
func (op operation) ends(ctx context.Context, e *env, when string, how ending) error {
	passed := op.passed()
	what := op.name + ", " + how.name + " " + when
	start := time.Now()
	done, err := op.do(ctx, e.m, &passed)
	if done {
		return fmt.Errorf("%s: got true, %v", what, err)
	}
	_, cause := e.spy.seen()
	return first(ended(what, err, how, cause), promptly(what, start), same("lease passed to "+what, passed, op.passed()))
}

// promptly checks that what began at start, and had little time, is over.
func promptly(what string, start time.Time) error {
	if took := time.Since(start); took > 5*time.Second {
		return fmt.Errorf("%s: took %v", what, took)
	}
	return nil
}

// A trouble makes every request fail until it is over.
type trouble struct {
	name  string
	start func(ctx context.Context) error
	stop  func()
}

// troubles are those after which an operation is tried again.
func troubles(e *env) ([]trouble, error) {
	throttle, err := hook[Throttler](e)
	if err != nil {
		return nil, err
	}
	fail, err := hook[Failer](e)
	if err != nil {
		return nil, err
	}
	return []trouble{
		{"when throttled", func(context.Context) error { throttle.Throttle(many); return nil }, func() { throttle.Throttle(0) }},
		{"when the service fails", func(context.Context) error { fail.Fail(many); return nil }, func() { fail.Fail(0) }},
	}, nil
}

func contextRules() []rule {
	var rules []rule
	for _, how := range endings() {
		for _, op := range thirteen() {
			name := "Manager/" + op.name + "/" + how.name
			rules = append(rules,
				rule{name, func(ctx context.Context, e *env) error {
					if err := create(ctx, e.s, full("k")); err != nil {
						return err
					}
					done, cancel := how.after(ctx, -time.Second)
					defer cancel()
					if err := op.ends(done, e, "before it begins", how); err != nil {
						return err
					}
					if calls, _ := e.spy.seen(); calls != 0 {
						return fmt.Errorf("%s, %s before it begins: asked the store %d times, want never", op.name, how.name, calls)
					}
					return untouched(ctx, e)
				}},
				rule{name + " in a try", func(ctx context.Context, e *env) error { return op.endsInTry(ctx, e, how) }},
				rule{name + " as a try fails", func(ctx context.Context, e *env) error { return op.endsAtFailure(ctx, e, how) }},
				rule{name + " in a pause", func(ctx context.Context, e *env) error { return op.endsInPause(ctx, e, how) }})
		}
		for _, c := range calls() {
			rules = append(rules, rule{"Store/" + c.name + "/" + how.name + " in the middle", func(ctx context.Context, e *env) error {
				hang, err := hook[Hanger](e)
				if err != nil {
					return err
				}
				soonDone, cancel := how.after(ctx, soon)
				defer cancel()
				hang.Hang(many)
				start := time.Now()
				err = c.do(soonDone, e.s)
				hang.Hang(0)
				what := c.name + ", " + how.name + " in the middle"
				return first(ended(what, err, how, nil), promptly(what, start), clean(ctx, c, e))
			}})
		}
		rules = append(rules, rule{"Manager/DeleteAll/" + how.name + " between deletions", func(ctx context.Context, e *env) error {
			var all []lease.Lease
			for i := range 5 {
				all = append(all, full(fmt.Sprint("k", i)))
				if err := create(ctx, e.s, all[i]); err != nil {
					return err
				}
			}
			if err := eventually(ctx, func() error { return listed(ctx, e, all...) }); err != nil {
				return err
			}
			ending := how.whenever(ctx)
			e.spy.watch(func(calls int) {
				if calls == 3 { // the table is read, and two are gone
					ending.end()
				}
			})
			err := e.m.DeleteAll(ending)
			e.spy.watch(nil)
			if err := ended("DeleteAll, "+how.name+" between deletions", err, how, nil); err != nil {
				return err
			}
			left := 0
			for _, l := range all {
				got, err := e.s.Get(ctx, l.Key)
				if err != nil {
					return err
				}
				if got != nil {
					left++
				}
			}
			if left != 3 {
				return fmt.Errorf("DeleteAll, %s after two deletions: %d of 5 leases are left, want 3", how.name, left)
			}
			return nil
		}})
	}
	return append(rules, rule{"Manager/WaitUntilLeaseTableExists/deadline in its sleep", func(ctx context.Context, e *env) error {
		if err := dropTable(ctx, e); err != nil {
			return err
		}
		how := endings()[1]
		soonDone, cancel := how.after(ctx, 2*soon)
		defer cancel()
		exists, err := e.m.WaitUntilLeaseTableExists(soonDone, time.Hour, time.Hour)
		if exists {
			return fmt.Errorf("WaitUntilLeaseTableExists after its deadline: got true, %v", err)
		}
		return ended("WaitUntilLeaseTableExists after its deadline", err, how, nil)
	}})
}

// endsInTry checks the operation when its context ends while the service does not
// answer.
func (op operation) endsInTry(ctx context.Context, e *env, how ending) error {
	hang, err := hook[Hanger](e)
	if err != nil {
		return err
	}
	if err := create(ctx, e.s, full("k")); err != nil {
		return err
	}
	soonDone, cancel := how.after(ctx, soon)
	defer cancel()
	hang.Hang(many)
	err = op.ends(soonDone, e, "in a try", how)
	hang.Hang(0)
	return first(err, untouched(ctx, e))
}

// endsAtFailure checks the operation when its context ends before it knows that a
// try has failed. The context is why it is over, and the failure is told too.
func (op operation) endsAtFailure(ctx context.Context, e *env, how ending) error {
	all, err := troubles(e)
	if err != nil {
		return err
	}
	if err := create(ctx, e.s, full("k")); err != nil {
		return err
	}
	all = append(all, trouble{"without table", func(ctx context.Context) error { return dropTable(ctx, e) }, func() {}})
	for _, trouble := range all {
		if err := trouble.start(ctx); err != nil {
			return err
		}
		if trouble.name == "without table" && op.noTable == nil {
			return nil
		}
		ending := how.whenever(ctx)
		e.spy.watch(func(int) { ending.end() })
		err := op.ends(ending, e, "as a try fails "+trouble.name, how)
		_, cause := e.spy.seen()
		trouble.stop()
		if err != nil {
			return err
		}
		if cause == nil {
			return fmt.Errorf("%s, %s as a try fails %s: no try did", op.name, how.name, trouble.name)
		}
		e.spy.watch(nil)
	}
	return nil
}

// endsInPause checks the operation when its context ends in the pause that comes
// after a failed try.
func (op operation) endsInPause(ctx context.Context, e *env, how ending) error {
	all, err := troubles(e)
	if err != nil {
		return err
	}
	if err := create(ctx, e.s, full("k")); err != nil {
		return err
	}
	e.manager.Backoff = 200 * time.Millisecond // less than what a wait for the table has
	for _, trouble := range all {
		if err := trouble.start(ctx); err != nil {
			return err
		}
		e.spy.watch(nil)
		soonDone, cancel := how.after(ctx, soon)
		err := op.ends(soonDone, e, "in the pause "+trouble.name, how)
		cancel()
		trouble.stop()
		if err := first(err, untouched(ctx, e)); err != nil {
			return err
		}
	}
	return nil
}
