package leasetest

import (
	"context"
	"fmt"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// An operation is one of the thirteen, on a table with the lease full("k").
type operation struct {
	name string
	// op and key are what its errors say; op is enough of it.
	op, key string
	// done is its result where nothing fails; false if it has none.
	done bool
	// noTable is the kind of its error where there is no table, nil if that is
	// no error.
	noTable error
	// throttled is the kind of its error when the service throttles.
	throttled error
	do        func(ctx context.Context, m operations, l *lease.Lease) (bool, error)
}

func thirteen() []operation {
	return []operation{
		{"CreateLeaseTableIfNotExists", "create lease table", "", false, nil, lease.ErrProvisionedThroughput, func(ctx context.Context, m operations, l *lease.Lease) (bool, error) {
			return m.CreateLeaseTableIfNotExists(ctx, 0, 0)
		}},
		{"LeaseTableExists", "describe lease table", "", true, nil, lease.ErrDependency, func(ctx context.Context, m operations, l *lease.Lease) (bool, error) {
			return m.LeaseTableExists(ctx)
		}},
		{"WaitUntilLeaseTableExists", "lease table", "", true, nil, lease.ErrDependency, func(ctx context.Context, m operations, l *lease.Lease) (bool, error) {
			return m.WaitUntilLeaseTableExists(ctx, time.Millisecond, 500*time.Millisecond)
		}},
		{"ListLeases", "list leases", "", true, lease.ErrInvalidState, lease.ErrProvisionedThroughput, func(ctx context.Context, m operations, l *lease.Lease) (bool, error) {
			leases, err := m.ListLeases(ctx)
			return len(leases) > 0, err
		}},
		{"CreateLeaseIfNotExists", "create lease", "new", true, lease.ErrInvalidState, lease.ErrProvisionedThroughput, func(ctx context.Context, m operations, l *lease.Lease) (bool, error) {
			return m.CreateLeaseIfNotExists(ctx, l)
		}},
		{"GetLease", "get lease", "k", true, lease.ErrInvalidState, lease.ErrProvisionedThroughput, func(ctx context.Context, m operations, l *lease.Lease) (bool, error) {
			got, err := m.GetLease(ctx, "k")
			return got != nil, err
		}},
		{"RenewLease", "renew lease", "k", true, lease.ErrInvalidState, lease.ErrProvisionedThroughput, func(ctx context.Context, m operations, l *lease.Lease) (bool, error) {
			return m.RenewLease(ctx, l)
		}},
		{"TakeLease", "take lease", "k", true, lease.ErrInvalidState, lease.ErrProvisionedThroughput, func(ctx context.Context, m operations, l *lease.Lease) (bool, error) {
			return m.TakeLease(ctx, l, "b")
		}},
		{"EvictLease", "evict lease", "k", true, lease.ErrInvalidState, lease.ErrProvisionedThroughput, func(ctx context.Context, m operations, l *lease.Lease) (bool, error) {
			return m.EvictLease(ctx, l)
		}},
		{"DeleteLease", "delete lease", "k", false, lease.ErrInvalidState, lease.ErrProvisionedThroughput, func(ctx context.Context, m operations, l *lease.Lease) (bool, error) {
			return false, m.DeleteLease(ctx, l)
		}},
		{"DeleteAll", "delete all leases", "", false, lease.ErrInvalidState, lease.ErrProvisionedThroughput, func(ctx context.Context, m operations, l *lease.Lease) (bool, error) {
			return false, m.DeleteAll(ctx)
		}},
		{"UpdateLease", "update lease", "k", true, lease.ErrInvalidState, lease.ErrProvisionedThroughput, func(ctx context.Context, m operations, l *lease.Lease) (bool, error) {
			return m.UpdateLease(ctx, l)
		}},
		{"IsLeaseTableEmpty", "look for a lease", "", false, lease.ErrInvalidState, lease.ErrProvisionedThroughput, func(ctx context.Context, m operations, l *lease.Lease) (bool, error) {
			return m.IsLeaseTableEmpty(ctx)
		}},
	}
}

func managerFailureRules() []rule {
	var rules []rule
	for _, op := range thirteen() {
		rules = append(rules,
			rule{"Manager/" + op.name + "/no table", func(ctx context.Context, e *env) error {
				if err := dropTable(ctx, e); err != nil {
					return err
				}
				if op.noTable == nil {
					_, err := op.do(ctx, e.m, new(op.passed()))
					if err != nil {
						return fmt.Errorf("%s without table: got error %v, want none", op.name, err)
					}
					return nil
				}
				return op.fails(ctx, e, "without table", op.noTable)
			}},
			rule{"Manager/" + op.name + "/throttled", func(ctx context.Context, e *env) error {
				throttle, err := hook[Throttler](e)
				if err != nil {
					return err
				}
				if err := create(ctx, e.s, full("k")); err != nil {
					return err
				}
				throttle.Throttle(many)
				err = op.fails(ctx, e, "when throttled", op.throttled)
				throttle.Throttle(0)
				return first(err, untouched(ctx, e))
			}},
			rule{"Manager/" + op.name + "/throttled for a while", func(ctx context.Context, e *env) error {
				throttle, err := hook[Throttler](e)
				if err != nil {
					return err
				}
				if err := create(ctx, e.s, full("k")); err != nil {
					return err
				}
				throttle.Throttle(2)
				_, err = op.do(ctx, e.m, new(op.passed()))
				throttle.Throttle(0)
				if err != nil {
					return fmt.Errorf("%s when two requests are throttled: got %v, want no error", op.name, err)
				}
				return nil
			}},
			rule{"Manager/" + op.name + "/failure", func(ctx context.Context, e *env) error {
				fail, err := hook[Failer](e)
				if err != nil {
					return err
				}
				if err := create(ctx, e.s, full("k")); err != nil {
					return err
				}
				fail.Fail(many)
				err = op.fails(ctx, e, "when the service fails", lease.ErrDependency)
				fail.Fail(0)
				return first(err, untouched(ctx, e))
			}})
	}
	for _, w := range writes() {
		rules = append(rules,
			rule{"Manager/" + w.name + "/lost reply", func(ctx context.Context, e *env) error { return w.survives(ctx, e, 1) }},
			rule{"Manager/" + w.name + "/lost replies, then again", func(ctx context.Context, e *env) error { return w.survives(ctx, e, many) }},
			rule{"Manager/" + w.name + "/lost replies, then another owner", func(ctx context.Context, e *env) error {
				return w.yields(ctx, e, lease.Set{Bump: true, Owners: &lease.Owners{Owner: "z"}})
			}},
			rule{"Manager/" + w.name + "/lost replies, then another write", func(ctx context.Context, e *env) error {
				return w.yields(ctx, e, lease.Set{Bump: true})
			}})
	}
	return append(rules,
		rule{"Manager/CreateLeaseIfNotExists/lost reply", func(ctx context.Context, e *env) error {
			lose, err := hook[ReplyLoser](e)
			if err != nil {
				return err
			}
			lose.LoseReplies(1)
			ok, err := e.m.CreateLeaseIfNotExists(ctx, new(full("k")))
			return first(
				outcome("CreateLeaseIfNotExists whose reply was lost", ok, err, true),
				storedUnmarked(ctx, e, "CreateLeaseIfNotExists", full("k")))
		}},
		rule{"Manager/DeleteLease/lost reply", func(ctx context.Context, e *env) error {
			lose, err := hook[ReplyLoser](e)
			if err != nil {
				return err
			}
			if err := create(ctx, e.s, full("k")); err != nil {
				return err
			}
			lose.LoseReplies(1)
			if err := e.m.DeleteLease(ctx, new(full("k"))); err != nil {
				return fmt.Errorf("DeleteLease whose reply was lost: got %v, want nil", err)
			}
			return absent(ctx, e.s, "after it", "k")
		}},
		rule{"Manager/RenewLease/after a take of unknown outcome", func(ctx context.Context, e *env) error {
			lose, err := hook[ReplyLoser](e)
			if err != nil {
				return err
			}
			if err := create(ctx, e.s, full("k")); err != nil {
				return err
			}
			l, want := full("k"), writes()[1].want
			lose.LoseReplies(many)
			_, err = e.m.TakeLease(ctx, &l, "b")
			lose.LoseReplies(0)
			if err := failed("TakeLease whose replies are all lost", err, lease.ErrDependency); err != nil {
				return err
			}
			// For all that the caller knows, the lease is a's; and a has lost it.
			ok, err := e.m.RenewLease(ctx, &l)
			return first(
				outcome("RenewLease for the owner before", ok, err, false),
				same("passed lease", l, full("k")),
				storedUnmarked(ctx, e, "after it", want))
		}},
		rule{"Manager/RenewLease/read anew after lost replies", func(ctx context.Context, e *env) error {
			lose, err := hook[ReplyLoser](e)
			if err != nil {
				return err
			}
			if err := create(ctx, e.s, full("k")); err != nil {
				return err
			}
			l := full("k")
			lose.LoseReplies(many)
			_, err = e.m.RenewLease(ctx, &l)
			lose.LoseReplies(0)
			if err := failed("RenewLease whose replies are all lost", err, lease.ErrDependency); err != nil {
				return err
			}
			now, err := e.m.GetLease(ctx, "k")
			if err != nil || now == nil {
				return fmt.Errorf("GetLease: got %v, %v, want a lease, nil", now, err)
			}
			l = *now
			ok, err := e.m.RenewLease(ctx, &l)
			want := full("k")
			want.Counter, l.Mark = 43, want.Mark
			return first(
				outcome("RenewLease of what was read anew", ok, err, true),
				same("passed lease", l, want),
				storedUnmarked(ctx, e, "RenewLease", want))
		}},
		rule{"Manager/UpdateLease/after a renewal of unknown outcome", func(ctx context.Context, e *env) error {
			return e.afterUnknown(ctx, func(l *lease.Lease) (bool, error) { return e.m.RenewLease(ctx, l) })
		}},
		rule{"Manager/UpdateLease/after another update of unknown outcome", func(ctx context.Context, e *env) error {
			return e.afterUnknown(ctx, func(l *lease.Lease) (bool, error) {
				l.Checkpoint = lease.At(seq(7), 9)
				return e.m.UpdateLease(ctx, l)
			})
		}})
}

// fails checks that the operation fails, and changes nothing of what it was
// passed.
func (op operation) fails(ctx context.Context, e *env, when string, kind error) error {
	passed := op.passed()
	got, err := op.do(ctx, e.m, &passed)
	if got {
		return fmt.Errorf("%s %s: got true, %v", op.name, when, err)
	}
	return first(
		failed(op.name+" "+when, err, kind),
		same("lease passed to "+op.name+" "+when, passed, op.passed()))
}

// passed is the lease that the operation is passed: the stored one, or one that
// is not stored yet.
func (op operation) passed() lease.Lease {
	if op.key == "new" {
		return full("new")
	}
	return full("k")
}

// untouched checks that the table is as before the operations.
func untouched(ctx context.Context, e *env) error {
	return first(stored(ctx, e.s, "after it", full("k")), absent(ctx, e.s, "after it", "new"))
}

// A fencedWrite is an operation on full("k") that moves the counter, with what
// it makes of the lease, in the table and in memory.
type fencedWrite struct {
	name string
	do   func(ctx context.Context, m operations, l *lease.Lease) (bool, error)
	want lease.Lease
}

func writes() []fencedWrite {
	renewed, taken, evicted, updated := full("k"), full("k"), full("k"), full("k")
	for _, l := range []*lease.Lease{&renewed, &taken, &evicted, &updated} {
		l.Counter++
	}
	taken.Owner = "b"
	taken.Switches++
	evicted.Owner = ""
	updated.Checkpoint = lease.At(seq(8), 0)
	return []fencedWrite{
		{"RenewLease", func(ctx context.Context, m operations, l *lease.Lease) (bool, error) { return m.RenewLease(ctx, l) }, renewed},
		{"TakeLease", func(ctx context.Context, m operations, l *lease.Lease) (bool, error) { return m.TakeLease(ctx, l, "b") }, taken},
		{"EvictLease", func(ctx context.Context, m operations, l *lease.Lease) (bool, error) { return m.EvictLease(ctx, l) }, evicted},
		{"UpdateLease", func(ctx context.Context, m operations, l *lease.Lease) (bool, error) {
			l.Checkpoint = updated.Checkpoint
			return m.UpdateLease(ctx, l)
		}, updated},
	}
}

// survives checks that the write is done once, and known as done, when it is
// carried out and so many replies are lost. If all tries of one call lose
// theirs, the call fails and the next one finds out.
func (w fencedWrite) survives(ctx context.Context, e *env, replies int) error {
	lose, err := hook[ReplyLoser](e)
	if err != nil {
		return err
	}
	if err := create(ctx, e.s, full("k")); err != nil {
		return err
	}
	passed := full("k")
	lose.LoseReplies(replies)
	ok, err := w.do(ctx, e.m, &passed)
	lose.LoseReplies(0)
	if replies == many {
		before := full("k")
		before.Checkpoint = passed.Checkpoint
		if err := first(
			failed(w.name+" whose replies are all lost", err, lease.ErrDependency),
			same("passed lease", passed, before)); err != nil {
			return err
		}
		ok, err = w.do(ctx, e.m, &passed)
	}
	return first(
		outcome(w.name+" that was carried out while its reply was lost", ok, err, true),
		same("passed lease", passed, w.want),
		storedUnmarked(ctx, e, w.name, w.want))
}

// yields checks that the write is not taken for done when another library made
// a write after it, which moves the counter and keeps the mark.
func (w fencedWrite) yields(ctx context.Context, e *env, set lease.Set) error {
	lose, err := hook[ReplyLoser](e)
	if err != nil {
		return err
	}
	if err := create(ctx, e.s, full("k")); err != nil {
		return err
	}
	passed := full("k")
	lose.LoseReplies(many)
	_, err = w.do(ctx, e.m, &passed)
	lose.LoseReplies(0)
	if err := failed(w.name+" whose replies are all lost", err, lease.ErrDependency); err != nil {
		return err
	}
	image, applied, err := e.s.Change(ctx, "k", lease.Cond{Counter: new(w.want.Counter)}, set)
	if err := outcome("Change by another", applied, err, true); err != nil {
		return err
	}
	before := passed.Clone()
	ok, err := w.do(ctx, e.m, &passed)
	return first(
		outcome(w.name+" after another's write", ok, err, false),
		same("passed lease", passed, before),
		stored(ctx, e.s, "after it", image))
}

// afterUnknown checks that an update is done on top of a write of the same
// lease that was carried out without the caller knowing.
func (e *env) afterUnknown(ctx context.Context, unknown func(l *lease.Lease) (bool, error)) error {
	lose, err := hook[ReplyLoser](e)
	if err != nil {
		return err
	}
	if err := create(ctx, e.s, full("k")); err != nil {
		return err
	}
	l := full("k")
	lose.LoseReplies(many)
	_, err = unknown(&l)
	lose.LoseReplies(0)
	if err := failed("write whose replies are all lost", err, lease.ErrDependency); err != nil {
		return err
	}
	l.Checkpoint = lease.At(seq(8), 0)
	ok, err := e.m.UpdateLease(ctx, &l)
	want := full("k")
	want.Counter, want.Checkpoint = 43, l.Checkpoint
	return first(
		outcome("UpdateLease after a write of unknown outcome", ok, err, true),
		same("passed lease", l, want),
		storedUnmarked(ctx, e, "UpdateLease", want))
}
