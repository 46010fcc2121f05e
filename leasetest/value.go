package leasetest

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// A misfit gives a lease a value that could not be read again, and a change the
// same; a change has no such value if set is nil.
type misfit struct {
	name string
	give func(l *lease.Lease)
	set  *lease.Set
}

func misfits() []misfit {
	ranges := func(name, start, end string) misfit {
		r := lease.HashRange{Start: start, End: end}
		return misfit{name, func(l *lease.Lease) { l.HashRange = r }, &lease.Set{HashRange: &r}}
	}
	before := lease.At(seq(7), -1)
	return []misfit{
		ranges("hash key with a sign", "+5", "9"),
		ranges("negative hash key", "-1", "9"),
		ranges("hash key with a letter", "1x", "9"),
		ranges("last hash key with a sign", "5", "+9"),
		ranges("last hash key with a letter", "5", "0x9"),
		{"checkpoint before its record", func(l *lease.Lease) { l.Checkpoint = before }, &lease.Set{Checkpoint: &before}},
		{"pending checkpoint before its record", func(l *lease.Lease) { l.Pending = before }, &lease.Set{Pending: &before, PendingState: []byte("s")}},
	}
}

// noRates are numbers that are no throughput.
func noRates() []float64 { return []float64{math.NaN(), -3, 1e15, math.Inf(1), math.Inf(-1)} }

// rateMisfits are leases with such a throughput.
func rateMisfits() []misfit {
	var all []misfit
	for _, f := range noRates() {
		all = append(all, misfit{fmt.Sprintf("throughput of %v", f), func(l *lease.Lease) { l.Throughput = &f }, nil})
	}
	return all
}

// valueRules are about values at the edge of what can be stored.
func valueRules() []rule {
	whole := append(misfits(), rateMisfits()...)
	return []rule{
		{"Store/Create/could not be read again", func(ctx context.Context, e *env) error {
			for _, misfit := range whole {
				l := full("k")
				misfit.give(&l)
				what := "Create with a " + misfit.name
				_, applied, err := e.s.Create(ctx, l)
				if applied {
					return fmt.Errorf("%s: got true, %v", what, err)
				}
				if err := first(failed(what, err, lease.ErrDependency), retryable(what, err, false)); err != nil {
					return err
				}
			}
			return absent(ctx, e.s, "after them", "k")
		}},
		{"Store/Change/could not be read again", func(ctx context.Context, e *env) error {
			if err := create(ctx, e.s, full("k")); err != nil {
				return err
			}
			for _, misfit := range misfits() {
				set := *misfit.set
				set.Bump, set.Mark = true, "m"
				what := "Change to a " + misfit.name
				_, applied, err := e.s.Change(ctx, "k", lease.Cond{}, set)
				if applied {
					return fmt.Errorf("%s: got true, %v", what, err)
				}
				if err := first(failed(what, err, lease.ErrDependency), retryable(what, err, false)); err != nil {
					return err
				}
			}
			return stored(ctx, e.s, "after them", full("k"))
		}},
		{"Store/Change/throughput that is none", func(ctx context.Context, e *env) error {
			// It is a hint, for which no renewal fails: the one before stays.
			bare := fresh("bare")
			for _, l := range []lease.Lease{full("full"), bare} {
				if err := create(ctx, e.s, l); err != nil {
					return err
				}
				for _, f := range noRates() {
					image, applied, err := e.s.Change(ctx, l.Key, lease.Cond{Counter: &l.Counter}, lease.Set{Bump: true, Mark: "m", Throughput: &f})
					l.Counter, l.Mark = l.Counter+1, "m"
					if err := first(
						outcome(fmt.Sprintf("Change with a throughput of %v", f), applied, err, true),
						same("image", image, l),
						stored(ctx, e.s, "Change", l)); err != nil {
						return err
					}
				}
			}
			return nil
		}},
		{"Store/Change/throughput with many decimals", func(ctx context.Context, e *env) error {
			l := full("k")
			if err := create(ctx, e.s, l); err != nil {
				return err
			}
			for _, tt := range decimals() {
				image, applied, err := e.s.Change(ctx, "k", lease.Cond{}, lease.Set{Throughput: &tt.given})
				l.Throughput = &tt.stored
				if err := first(
					outcome("Change", applied, err, true),
					same("image", image, l),
					stored(ctx, e.s, "Change", l)); err != nil {
					return err
				}
			}
			return nil
		}},
		{"Store/Create/throughput with many decimals", func(ctx context.Context, e *env) error {
			for i, tt := range decimals() {
				l := full(fmt.Sprint("k", i))
				l.Throughput = &tt.given
				image, applied, err := e.s.Create(ctx, l)
				l.Throughput = &tt.stored
				if err := first(outcome("Create", applied, err, true), same("image", image, l), stored(ctx, e.s, "Create", l)); err != nil {
					return err
				}
			}
			return nil
		}},
		{"Manager/RenewLease/throughput with many decimals", func(ctx context.Context, e *env) error {
			l := full("k")
			if err := create(ctx, e.s, l); err != nil {
				return err
			}
			for _, tt := range decimals() {
				passed := l.Clone()
				passed.Throughput = &tt.given
				ok, err := e.m.RenewLease(ctx, &passed)
				l.Counter++
				l.Throughput = &tt.stored
				if err := first(outcome("RenewLease", ok, err, true), storedUnmarked(ctx, e, "RenewLease", l)); err != nil {
					return err
				}
			}
			return nil
		}},
		{"Manager/CreateLeaseIfNotExists/could not be read again", func(ctx context.Context, e *env) error {
			return e.refuses(ctx, "CreateLeaseIfNotExists", "new", whole, e.m.CreateLeaseIfNotExists)
		}},
		{"Manager/UpdateLease/could not be read again", func(ctx context.Context, e *env) error {
			return e.refuses(ctx, "UpdateLease", "k", whole, e.m.UpdateLease)
		}},
		{"Manager/RenewLease/throughput that is none", func(ctx context.Context, e *env) error {
			return e.refuses(ctx, "RenewLease", "k", rateMisfits(), e.m.RenewLease)
		}},
		{"Manager/WaitUntilLeaseTableExists/timeout of 0 tries once", func(ctx context.Context, e *env) error {
			all, err := troubles(e)
			if err != nil {
				return err
			}
			e.manager.Backoff = time.Hour
			for _, trouble := range all {
				if err := trouble.start(ctx); err != nil {
					return err
				}
				e.spy.watch(nil)
				what := "WaitUntilLeaseTableExists with a timeout of 0 " + trouble.name
				start := time.Now()
				exists, err := e.m.WaitUntilLeaseTableExists(ctx, time.Hour, 0)
				trouble.stop()
				if exists {
					return fmt.Errorf("%s: got true, %v", what, err)
				}
				if err := first(failed(what, err, lease.ErrDependency), promptly(what, start)); err != nil {
					return err
				}
				if calls, _ := e.spy.seen(); calls != 1 {
					return fmt.Errorf("%s: asked the store %d times, want once", what, calls)
				}
			}
			return nil
		}},
		{"Manager/WaitUntilLeaseTableExists/no pause past the end", func(ctx context.Context, e *env) error {
			throttle, err := hook[Throttler](e)
			if err != nil {
				return err
			}
			e.manager.Backoff = 2 * time.Hour
			throttle.Throttle(many)
			start := time.Now()
			exists, err := e.m.WaitUntilLeaseTableExists(ctx, time.Hour, 2*soon)
			throttle.Throttle(0)
			if exists {
				return fmt.Errorf("WaitUntilLeaseTableExists when throttled: got true, %v", err)
			}
			return first(
				failed("WaitUntilLeaseTableExists when throttled", err, lease.ErrDependency),
				retryable("WaitUntilLeaseTableExists when throttled", err, true),
				promptly("WaitUntilLeaseTableExists when throttled", start))
		}},
	}
}

// A decimal is a throughput and what is stored of it: six decimals, as Java KCL
// has them.
type decimal struct{ given, stored float64 }

func decimals() []decimal {
	return []decimal{{1.23456789, 1.234568}, {0.0000004, 0}, {0.0000006, 0.000001}, {123456.7654321, 123456.765432}, {1e14 + 0.5, 1e14 + 0.5}}
}

// refuses checks that an operation refuses leases before it asks for anything.
func (e *env) refuses(ctx context.Context, what, key string, misfits []misfit, do func(ctx context.Context, l *lease.Lease) (bool, error)) error {
	if err := create(ctx, e.s, full("k")); err != nil {
		return err
	}
	for _, misfit := range misfits {
		what := what + " with a " + misfit.name
		l := full(key)
		misfit.give(&l)
		passed := l.Clone()
		e.spy.watch(nil)
		ok, err := do(ctx, &passed)
		if ok {
			return fmt.Errorf("%s: got true, %v", what, err)
		}
		if calls, _ := e.spy.seen(); calls != 0 {
			return fmt.Errorf("%s: asked the store %d times, want never", what, calls)
		}
		if err := first(
			failed(what, err, lease.ErrDependency),
			retryable(what, err, false),
			says(what, err, strings.ToLower(what[:5]), key)); err != nil {
			return err
		}
		if l.Throughput == nil || *l.Throughput == *l.Throughput { // NaN is not the same as itself
			if err := same("passed lease", passed, l); err != nil {
				return err
			}
		}
	}
	return untouched(ctx, e)
}
