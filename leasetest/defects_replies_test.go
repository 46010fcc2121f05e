package leasetest

import (
	"context"
	"errors"

	"github.com/leasehold/leasehold/lease"
)

// again gives an operation another way once it has failed for a lease.
func again(do, after func(ctx context.Context, l *lease.Lease) (bool, error)) func(ctx context.Context, l *lease.Lease) (bool, error) {
	failed := map[*lease.Lease]bool{}
	return func(ctx context.Context, l *lease.Lease) (bool, error) {
		if failed[l] {
			return after(ctx, l)
		}
		ok, err := do(ctx, l)
		failed[l] = err != nil
		return ok, err
	}
}

func replyDefects() []defect {
	const (
		create = "Manager/CreateLeaseIfNotExists/"
		table  = "Manager/CreateLeaseTableIfNotExists/"
	)
	return []defect{
		{"a creation of unknown outcome is forgotten", []string{create + "lost replies, then again"}, nil, func(m *badManager) {
			m.create = func(ctx context.Context, l *lease.Lease) (bool, error) {
				return m.operations.CreateLeaseIfNotExists(ctx, new(l.Clone()))
			}
		}},
		{"a lease that looks like one's own is", []string{create + "lost replies, then another lease"}, nil, func(m *badManager) {
			m.create = func(ctx context.Context, l *lease.Lease) (bool, error) {
				ok, err := m.operations.CreateLeaseIfNotExists(ctx, l)
				if present, e := m.s.Get(ctx, l.Key); err == nil && !ok && e == nil && present != nil {
					present.Mark = l.Mark
					ok = same("", *present, *l) == nil
				}
				return ok, err
			}
		}},
		{"a creation of unknown outcome was one", []string{create + "lost replies, then gone"}, nil, func(m *badManager) {
			m.create = again(m.operations.CreateLeaseIfNotExists, func(ctx context.Context, l *lease.Lease) (bool, error) {
				_, err := m.operations.GetLease(ctx, l.Key)
				return err == nil, err
			})
		}},
		{"a creation of unknown outcome is done over", []string{create + "lost replies, then another owner"}, nil, func(m *badManager) {
			m.create = again(m.operations.CreateLeaseIfNotExists, func(ctx context.Context, l *lease.Lease) (bool, error) {
				if _, err := m.s.Delete(ctx, l.Key, lease.Cond{}); err != nil {
					return false, err
				}
				return m.operations.CreateLeaseIfNotExists(ctx, l)
			})
		}},
		{"create changes its lease when it fails", []string{create + "throttled", create + "failure", create + "no table", create + "cancelled"}, nil, func(m *badManager) {
			m.create = func(ctx context.Context, l *lease.Lease) (bool, error) {
				ok, err := m.operations.CreateLeaseIfNotExists(ctx, l)
				if err != nil {
					l.Mark = "mine"
				}
				return ok, err
			}
		}},
		{"what failed is created all the same", []string{create + "throttled", create + "failure"}, nil, func(m *badManager) {
			m.create = func(ctx context.Context, l *lease.Lease) (bool, error) {
				ok, err := m.operations.CreateLeaseIfNotExists(ctx, l)
				if err != nil && ctx.Err() == nil {
					inner(m.s).Create(ctx, *l)
				}
				return ok, err
			}
		}},
		{"a table whose creation got no reply is an error", []string{table + "lost reply"}, nil, func(m *badManager) {
			m.createTable = func(ctx context.Context, r, w int64) (bool, error) {
				created, err := m.operations.CreateLeaseTableIfNotExists(ctx, r, w)
				if err == nil && !created {
					if _, cause := m.spy.seen(); errors.Is(cause, errReply) {
						err = raw("create table")
					}
				}
				return created, err
			}
		}},
		{"a table whose creation got no reply is created by the next", []string{"Store/CreateTable/lost reply", table + "lost replies, then again"}, func(b *badStore) {
			lost := false
			b.createTable = func(ctx context.Context, r, w int64) (bool, error) {
				created, err := b.Store.CreateTable(ctx, r, w)
				created = err == nil && (created || lost)
				lost = errors.Is(err, errReply)
				return created, err
			}
		}, nil},
		{"an owner who comes back is not evicted", []string{"Manager/EvictLease/lost replies, then its owner again"}, nil, func(m *badManager) {
			m.evict = again(m.operations.EvictLease, func(ctx context.Context, l *lease.Lease) (bool, error) {
				if stored, err := m.s.Get(ctx, l.Key); err != nil || stored != nil && stored.Counter > l.Counter+1 && stored.Owner == l.Owner {
					return false, err
				}
				return m.operations.EvictLease(ctx, l)
			})
		}},
		{"a refused update forgets what came before", []string{"Manager/TakeLease/lost replies, then an update, then again", "Manager/EvictLease/lost replies, then an update, then again"}, nil, func(m *badManager) {
			forgotten := map[*lease.Lease]bool{}
			m.update = func(ctx context.Context, l *lease.Lease) (bool, error) {
				ok, err := m.operations.UpdateLease(ctx, l)
				forgotten[l] = err == nil && !ok
				return ok, err
			}
			m.evict = func(ctx context.Context, l *lease.Lease) (bool, error) {
				if forgotten[l] {
					return m.operations.EvictLease(ctx, new(l.Clone()))
				}
				return m.operations.EvictLease(ctx, l)
			}
			m.take = func(ctx context.Context, l *lease.Lease, owner string) (bool, error) {
				if forgotten[l] {
					return m.operations.TakeLease(ctx, new(l.Clone()), owner)
				}
				return m.operations.TakeLease(ctx, l, owner)
			}
		}},
	}
}
