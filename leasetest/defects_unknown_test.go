package leasetest

import (
	"context"

	"github.com/leasehold/leasehold/lease"
)

// unknownDefects are those of writes whose outcome nobody knows.
func unknownDefects() []defect {
	const (
		renew  = "Manager/RenewLease/"
		take   = "Manager/TakeLease/"
		evict  = "Manager/EvictLease/"
		update = "Manager/UpdateLease/"
	)
	return []defect{
		{"a write is done again when its reply is lost", nil, nil, func(m *badManager) {
			again := func(do func(ctx context.Context, l *lease.Lease) (bool, error)) func(ctx context.Context, l *lease.Lease) (bool, error) {
				return func(ctx context.Context, l *lease.Lease) (bool, error) {
					ok, err := do(ctx, l)
					for range 4 {
						if err == nil {
							break
						}
						if stored, e := m.s.Get(ctx, l.Key); e == nil && stored != nil {
							try := l.Clone()
							try.Counter = stored.Counter
							if ok, err = do(ctx, &try); ok {
								l.Counter = try.Counter
							}
						}
					}
					return ok, err
				}
			}
			m.renew = again(func(ctx context.Context, l *lease.Lease) (bool, error) {
				return changed(ctx, m.s, l, lease.Cond{Counter: &l.Counter}, lease.Set{Bump: true, Mark: "m"})
			})
			m.update = again(func(ctx context.Context, l *lease.Lease) (bool, error) {
				return changed(ctx, m.s, l, lease.Cond{Counter: &l.Counter}, lease.Set{Bump: true, Mark: "m", Checkpoint: &l.Checkpoint})
			})
			m.evict = again(func(ctx context.Context, l *lease.Lease) (bool, error) {
				return changed(ctx, m.s, l, lease.Cond{}, lease.Set{Bump: true, Mark: "m", Owners: &lease.Owners{}})
			})
			m.take = func(ctx context.Context, l *lease.Lease, owner string) (bool, error) {
				return again(func(ctx context.Context, l *lease.Lease) (bool, error) {
					return changed(ctx, m.s, l, lease.Cond{Counter: &l.Counter}, lease.Set{Bump: true, Mark: "m", Owners: &lease.Owners{Owner: owner}})
				})(ctx, l)
			}
		}},
		{"a lost reply is a lost lease", []string{renew + "lost reply", take + "lost reply", evict + "lost reply", update + "lost reply"}, nil, func(m *badManager) {
			twice := func(ctx context.Context, l *lease.Lease, cond lease.Cond, set lease.Set) (bool, error) {
				ok, err := changed(ctx, m.s, l, cond, set)
				if err != nil {
					ok, err = changed(ctx, m.s, l, cond, set)
				}
				return ok, err
			}
			m.renew = func(ctx context.Context, l *lease.Lease) (bool, error) {
				return twice(ctx, l, lease.Cond{Counter: new(l.Counter)}, lease.Set{Bump: true, Mark: "m"})
			}
			m.take = func(ctx context.Context, l *lease.Lease, owner string) (bool, error) {
				return twice(ctx, l, lease.Cond{Counter: new(l.Counter)}, lease.Set{Bump: true, Mark: "m", Owners: &lease.Owners{Owner: owner}})
			}
			m.evict = func(ctx context.Context, l *lease.Lease) (bool, error) {
				return twice(ctx, l, lease.Cond{Owners: new(l.Owners())}, lease.Set{Bump: true, Mark: "m", Owners: &lease.Owners{Owner: l.NextOwner}})
			}
			m.update = func(ctx context.Context, l *lease.Lease) (bool, error) {
				return twice(ctx, l, lease.Cond{Counter: new(l.Counter)}, lease.Set{Bump: true, Mark: "m", Checkpoint: &l.Checkpoint})
			}
		}},
		{"a refused write is taken for done", []string{renew + "lost replies, then another owner", update + "lost replies, then another owner", take + "lost replies, then another owner", evict + "lost replies, then another owner"}, nil, func(m *badManager) {
			trust := func(do func(ctx context.Context, l *lease.Lease) (bool, error)) func(ctx context.Context, l *lease.Lease) (bool, error) {
				return func(ctx context.Context, l *lease.Lease) (bool, error) { _, err := do(ctx, l); return err == nil, err }
			}
			m.renew, m.update, m.evict = trust(m.operations.RenewLease), trust(m.operations.UpdateLease), trust(m.operations.EvictLease)
			m.take = func(ctx context.Context, l *lease.Lease, owner string) (bool, error) {
				_, err := m.operations.TakeLease(ctx, l, owner)
				return err == nil, err
			}
		}},
		{"a mark proves that a write is the last", []string{renew + "lost replies, then another write", update + "lost replies, then another write", take + "lost replies, then another write"}, nil, func(m *badManager) {
			twice := func(ctx context.Context, l *lease.Lease, mark string, set lease.Set) (bool, error) {
				set.Bump, set.Mark = true, mark
				image, ok, err := m.s.Change(ctx, l.Key, lease.Cond{Counter: new(l.Counter)}, set)
				if err != nil || !ok && image.Mark != mark {
					return false, err
				}
				l.Counter = image.Counter
				return true, nil
			}
			m.renew = func(ctx context.Context, l *lease.Lease) (bool, error) { return twice(ctx, l, "r", lease.Set{}) }
			m.update = func(ctx context.Context, l *lease.Lease) (bool, error) {
				return twice(ctx, l, "u", lease.Set{Checkpoint: &l.Checkpoint})
			}
			m.take = func(ctx context.Context, l *lease.Lease, owner string) (bool, error) {
				return twice(ctx, l, "t", lease.Set{Owners: &lease.Owners{Owner: owner}})
			}
		}},
		{"evict has no condition and no memory", []string{evict + "lost replies, then another write"}, nil, func(m *badManager) {
			m.evict = func(ctx context.Context, l *lease.Lease) (bool, error) {
				return changed(ctx, m.s, l, lease.Cond{}, lease.Set{Bump: true, Mark: "m", Owners: &lease.Owners{}})
			}
		}},
		{"a renewal goes on from any write of ours", []string{renew + "after a take of unknown outcome"}, nil, func(m *badManager) {
			m.renew = func(ctx context.Context, l *lease.Lease) (bool, error) {
				ok, err := m.operations.RenewLease(ctx, l)
				if stored, e := m.s.Get(ctx, l.Key); e == nil && stored != nil && err == nil && !ok && stored.Counter == l.Counter+1 {
					return m.operations.RenewLease(ctx, stored)
				}
				return ok, err
			}
		}},
		{"a renewal is repeated as it was", []string{renew + "read anew after lost replies"}, nil, func(m *badManager) {
			unknown := map[*lease.Lease]int64{}
			m.renew = func(ctx context.Context, l *lease.Lease) (bool, error) {
				from, again := unknown[l]
				if !again {
					from = l.Counter
				}
				image, ok, err := m.s.Change(ctx, l.Key, lease.Cond{Counter: &from}, lease.Set{Bump: true, Mark: "m"})
				if err != nil {
					unknown[l] = from
				} else if ok {
					l.Counter = image.Counter
				}
				return ok, err
			}
		}},
		{"an unknown outcome is forgotten", []string{
			renew + "lost replies, then again", take + "lost replies, then again", evict + "lost replies, then again", update + "lost replies, then again",
			update + "after a renewal of unknown outcome", update + "after another update of unknown outcome",
		}, nil, func(m *badManager) {
			forget := func(do func(ctx context.Context, l *lease.Lease) (bool, error)) func(ctx context.Context, l *lease.Lease) (bool, error) {
				return func(ctx context.Context, l *lease.Lease) (bool, error) {
					c := l.Clone()
					ok, err := do(ctx, &c)
					*l = c
					return ok, err
				}
			}
			m.renew, m.update, m.evict = forget(m.operations.RenewLease), forget(m.operations.UpdateLease), forget(m.operations.EvictLease)
			m.take = func(ctx context.Context, l *lease.Lease, owner string) (bool, error) {
				return forget(func(ctx context.Context, l *lease.Lease) (bool, error) { return m.operations.TakeLease(ctx, l, owner) })(ctx, l)
			}
		}},
	}
}
