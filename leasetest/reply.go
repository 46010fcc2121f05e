package leasetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/leasehold/leasehold/lease"
)

// replyRules are about writes whose replies are lost, beyond those that have a
// rule for each write: see [fencedWrite].
func replyRules() []rule {
	return []rule{
		{"Store/CreateTable/lost reply", func(ctx context.Context, e *env) error {
			lose, err := hook[ReplyLoser](e)
			if err != nil {
				return err
			}
			if err := dropTable(ctx, e); err != nil {
				return err
			}
			lose.LoseReplies(1)
			_, err = e.s.CreateTable(ctx, 0, 0)
			lose.LoseReplies(0)
			if err := first(failed("CreateTable whose reply is lost", err, lease.ErrDependency), retryable("CreateTable whose reply is lost", err, true)); err != nil {
				return err
			}
			created, err := e.s.CreateTable(ctx, 0, 0)
			return first(
				outcome("CreateTable after one whose reply was lost", created, err, false),
				eventually(ctx, func() error { return usable(ctx, e.s) }))
		}},
		{"Manager/CreateLeaseTableIfNotExists/lost reply", func(ctx context.Context, e *env) error {
			return e.tableReplies(ctx, 1, func(err error) error {
				if err != nil {
					return fmt.Errorf("CreateLeaseTableIfNotExists whose reply was lost: got %v, want no error", err)
				}
				return nil
			})
		}},
		{"Manager/CreateLeaseTableIfNotExists/lost replies, then again", func(ctx context.Context, e *env) error {
			return e.tableReplies(ctx, many, func(err error) error {
				// A store that looks first knows after one of them.
				if err == nil {
					return nil
				}
				return failed("CreateLeaseTableIfNotExists whose replies are all lost", err, lease.ErrDependency)
			})
		}},
		{"Manager/CreateLeaseIfNotExists/lost replies, then again", func(ctx context.Context, e *env) error {
			for _, l := range []lease.Lease{full("k1"), fresh("k2")} {
				passed, err := e.createUnknown(ctx, l)
				if err != nil {
					return err
				}
				ok, err := e.m.CreateLeaseIfNotExists(ctx, passed)
				if err := first(
					outcome("CreateLeaseIfNotExists that was carried out while all replies were lost", ok, err, true),
					same("passed lease", *passed, l),
					storedUnmarked(ctx, e, "CreateLeaseIfNotExists", l)); err != nil {
					return err
				}
				// It is known now. Once more is no creation.
				ok, err = e.m.CreateLeaseIfNotExists(ctx, passed)
				if err := outcome("CreateLeaseIfNotExists of what was created", ok, err, false); err != nil {
					return err
				}
			}
			return nil
		}},
		{"Manager/CreateLeaseIfNotExists/lost replies, then another lease", func(ctx context.Context, e *env) error {
			// Who passes another lease did not create the one that is there.
			if _, err := e.createUnknown(ctx, full("k")); err != nil {
				return err
			}
			ok, err := e.m.CreateLeaseIfNotExists(ctx, new(full("k")))
			return first(
				outcome("CreateLeaseIfNotExists of a present key", ok, err, false),
				storedUnmarked(ctx, e, "after it", full("k")))
		}},
		{"Manager/CreateLeaseIfNotExists/lost replies, then gone", func(ctx context.Context, e *env) error {
			passed, err := e.createUnknown(ctx, full("k"))
			if err != nil {
				return err
			}
			if _, err := e.s.Delete(ctx, "k", lease.Cond{}); err != nil {
				return err
			}
			ok, err := e.m.CreateLeaseIfNotExists(ctx, passed)
			return first(
				outcome("CreateLeaseIfNotExists after another's deletion", ok, err, true),
				storedUnmarked(ctx, e, "CreateLeaseIfNotExists", full("k")))
		}},
		{"Manager/CreateLeaseIfNotExists/lost replies, then another owner", func(ctx context.Context, e *env) error {
			passed, err := e.createUnknown(ctx, full("k"))
			if err != nil {
				return err
			}
			image, applied, err := e.s.Change(ctx, "k", lease.Cond{}, lease.Set{Bump: true, Owners: &lease.Owners{Owner: "z"}, AddSwitch: true})
			if err := outcome("Change by another", applied, err, true); err != nil {
				return err
			}
			_, err = e.m.CreateLeaseIfNotExists(ctx, passed)
			if err != nil {
				return fmt.Errorf("CreateLeaseIfNotExists after another's write: %w", err)
			}
			return first(
				same("passed lease", *passed, full("k")),
				stored(ctx, e.s, "after it", image))
		}},
		{"Manager/EvictLease/lost replies, then its owner again", func(ctx context.Context, e *env) error {
			// The call says whom to evict, and is done for whoever has the name by then.
			l, err := e.unknown(ctx, func(l *lease.Lease) (bool, error) { return e.m.EvictLease(ctx, l) })
			if err != nil {
				return err
			}
			_, applied, err := e.s.Change(ctx, "k", lease.Cond{Owners: &lease.Owners{}}, lease.Set{Bump: true, Mark: "z-1", Owners: &lease.Owners{Owner: "a"}})
			if err := outcome("Change by the owner who comes back", applied, err, true); err != nil {
				return err
			}
			ok, err := e.m.EvictLease(ctx, l)
			want := full("k")
			want.Owner, want.Counter = "", 44
			return first(
				outcome("EvictLease when the owner is back", ok, err, true),
				same("passed lease", *l, want),
				storedUnmarked(ctx, e, "EvictLease", want))
		}},
		{"Manager/TakeLease/lost replies, then an update, then again", func(ctx context.Context, e *env) error {
			l, err := e.unknown(ctx, func(l *lease.Lease) (bool, error) { return e.m.TakeLease(ctx, l, "b") })
			if err != nil {
				return err
			}
			return e.refusedBetween(ctx, l, writes()[1])
		}},
		{"Manager/EvictLease/lost replies, then an update, then again", func(ctx context.Context, e *env) error {
			l, err := e.unknown(ctx, func(l *lease.Lease) (bool, error) { return e.m.EvictLease(ctx, l) })
			if err != nil {
				return err
			}
			return e.refusedBetween(ctx, l, writes()[2])
		}},
	}
}

// tableReplies checks the creation of a table when so many replies are lost.
func (e *env) tableReplies(ctx context.Context, replies int, check func(err error) error) error {
	lose, err := hook[ReplyLoser](e)
	if err != nil {
		return err
	}
	if err := dropTable(ctx, e); err != nil {
		return err
	}
	lose.LoseReplies(replies)
	_, err = e.m.CreateLeaseTableIfNotExists(ctx, 0, 0)
	lose.LoseReplies(0)
	if err := check(err); err != nil {
		return err
	}
	created, err := e.m.CreateLeaseTableIfNotExists(ctx, 0, 0)
	return first(
		outcome("CreateLeaseTableIfNotExists of the table that was created", created, err, false),
		wait(ctx, e, soon, patience, true),
		create(ctx, e.s, fresh("k")))
}

// createUnknown creates a lease without its caller knowing.
func (e *env) createUnknown(ctx context.Context, l lease.Lease) (*lease.Lease, error) {
	lose, err := hook[ReplyLoser](e)
	if err != nil {
		return nil, err
	}
	passed := new(l.Clone())
	lose.LoseReplies(many)
	ok, err := e.m.CreateLeaseIfNotExists(ctx, passed)
	lose.LoseReplies(0)
	if ok {
		return nil, errors.New("CreateLeaseIfNotExists whose replies are all lost: got true")
	}
	return passed, first(
		failed("CreateLeaseIfNotExists whose replies are all lost", err, lease.ErrDependency),
		same("passed lease", *passed, l),
		storedUnmarked(ctx, e, "CreateLeaseIfNotExists", l))
}

// unknown makes a write on full("k") without its caller knowing.
func (e *env) unknown(ctx context.Context, write func(l *lease.Lease) (bool, error)) (*lease.Lease, error) {
	lose, err := hook[ReplyLoser](e)
	if err != nil {
		return nil, err
	}
	if err := create(ctx, e.s, full("k")); err != nil {
		return nil, err
	}
	l := new(full("k"))
	lose.LoseReplies(many)
	_, err = write(l)
	lose.LoseReplies(0)
	return l, failed("write whose replies are all lost", err, lease.ErrDependency)
}

// refusedBetween checks that an update is refused after w changed the owner
// without the caller knowing, and that w repeated still finds out.
func (e *env) refusedBetween(ctx context.Context, l *lease.Lease, w fencedWrite) error {
	ok, err := e.m.UpdateLease(ctx, l)
	if err := first(
		outcome("UpdateLease after "+w.name+" of unknown outcome", ok, err, false),
		same("passed lease", *l, full("k")),
		storedUnmarked(ctx, e, "after it", w.want)); err != nil {
		return err
	}
	ok, err = w.do(ctx, e.m, l)
	return first(
		outcome(w.name+" again", ok, err, true),
		same("passed lease", *l, w.want),
		storedUnmarked(ctx, e, w.name, w.want))
}
