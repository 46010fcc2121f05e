package leasetest

import (
	"context"
	"errors"
	"strings"

	"github.com/leasehold/leasehold/lease"
)

// isBroken reports whether err is that of a row that does not parse.
func isBroken(err error) bool {
	_, ok := errors.AsType[*lease.UnreadableError](err)
	return ok
}

// spoilForeign changes a row that is not a lease.
func spoilForeign(s lease.Store, key string) {
	row := inner(s).ShowRow(key)
	if row != "" && !strings.HasPrefix(row, "lease ") && !strings.Contains(row, "leaseCounter") {
		inner(s).PlantUnreadable(lease.UnreadableError{Key: key, Attribute: "entityType", Reason: "is spoilt", NotLease: true})
	}
}

func rowDefects() []defect {
	const broken, foreign = "/broken row", "/key of another kind"
	return []defect{
		{"a scan reads twice what is between pages", []string{"Store/Scan" + onLargeTable, "Manager/ListLeases" + onLargeTable}, func(b *badStore) {
			looked(b, func(look *lease.Snapshot) {
				if n := len(look.Leases); n > 5000 {
					look.Leases[n-1] = look.Leases[5000].Clone()
				}
			})
		}, nil},
		{"a scan ends too early", []string{"Store/Scan" + onLargeTable, "Manager/ListLeases" + onLargeTable, "Manager/DeleteAll" + onLargeTable}, func(b *badStore) {
			looked(b, func(look *lease.Snapshot) { look.Leases = look.Leases[:min(len(look.Leases), largeTable-1)] })
		}, nil},
		{"delete-all deletes so many and no more", []string{"Manager/DeleteAll" + onLargeTable}, nil, func(m *badManager) {
			m.deleteAll = func(ctx context.Context) error {
				leases, err := m.operations.ListLeases(ctx)
				if len(leases) < 5000 {
					return m.operations.DeleteAll(ctx)
				}
				for _, l := range leases[:5000] {
					err = errors.Join(err, m.operations.DeleteLease(ctx, l))
				}
				return err
			}
		}},
		{"a large table is empty", []string{"Manager/IsLeaseTableEmpty" + onLargeTable}, nil, func(m *badManager) {
			m.empty = func(ctx context.Context) (bool, error) {
				look, err := inner(m.s).Scan(context.Background())
				if err == nil && len(look.Leases) > 5000 {
					return true, nil
				}
				return m.operations.IsLeaseTableEmpty(ctx)
			}
		}},

		{"a change of a broken row is refused", []string{"Store/Change" + broken, "Manager/RenewLease" + broken, "Manager/TakeLease" + broken, "Manager/EvictLease" + broken, "Manager/UpdateLease" + broken}, func(b *badStore) {
			b.change = func(ctx context.Context, key string, cond lease.Cond, set lease.Set) (lease.Lease, bool, error) {
				image, ok, err := b.Store.Change(ctx, key, cond, set)
				if isBroken(err) {
					return lease.Lease{}, false, nil
				}
				return image, ok, err
			}
		}, nil},
		{"a broken row is a lost lease", []string{"Manager/RenewLease" + broken, "Manager/UpdateLease" + broken}, nil, func(m *badManager) {
			lost := func(do func(ctx context.Context, l *lease.Lease) (bool, error)) func(ctx context.Context, l *lease.Lease) (bool, error) {
				return func(ctx context.Context, l *lease.Lease) (bool, error) {
					ok, err := do(ctx, l)
					if isBroken(err) {
						return false, nil
					}
					return ok, err
				}
			}
			m.renew, m.update = lost(m.operations.RenewLease), lost(m.operations.UpdateLease)
		}},
		{"a broken row cannot be deleted", []string{"Store/Delete" + broken, "Manager/DeleteLease" + broken}, func(b *badStore) {
			b.delete = func(ctx context.Context, key string, cond lease.Cond) (bool, error) {
				if _, err := inner(b).Get(ctx, key); isBroken(err) {
					return false, nil
				}
				return b.Store.Delete(ctx, key, cond)
			}
		}, nil},
		{"a broken row satisfies every condition", []string{"Store/Delete" + broken}, func(b *badStore) {
			b.delete = func(ctx context.Context, key string, cond lease.Cond) (bool, error) {
				if _, err := inner(b).Get(ctx, key); isBroken(err) {
					cond = lease.Cond{}
				}
				return b.Store.Delete(ctx, key, cond)
			}
		}, nil},
		{"create mends a broken row", []string{"Manager/CreateLeaseIfNotExists" + broken}, nil, func(m *badManager) {
			m.create = func(ctx context.Context, l *lease.Lease) (bool, error) {
				if _, err := inner(m.s).Get(ctx, l.Key); isBroken(err) {
					inner(m.s).PlantUnreadable(lease.UnreadableError{Key: l.Key, Attribute: "checkpoint", Reason: "is missing"})
				}
				return m.operations.CreateLeaseIfNotExists(ctx, l)
			}
		}},

		{"a read changes what is not a lease", []string{"Store/Get" + foreign, "Manager/GetLease" + foreign}, func(b *badStore) {
			b.get = func(ctx context.Context, key string) (*lease.Lease, error) {
				spoilForeign(b, key)
				return b.Store.Get(ctx, key)
			}
		}, nil},
		{"a creation changes what is not a lease", []string{"Store/Create" + foreign, "Manager/CreateLeaseIfNotExists" + foreign}, func(b *badStore) {
			b.create = func(ctx context.Context, l lease.Lease) (lease.Lease, bool, error) {
				spoilForeign(b, l.Key)
				return b.Store.Create(ctx, l)
			}
		}, nil},
		{"a change changes what is not a lease", []string{
			"Store/Change" + foreign, "Manager/RenewLease" + foreign, "Manager/TakeLease" + foreign, "Manager/EvictLease" + foreign, "Manager/UpdateLease" + foreign,
		}, func(b *badStore) {
			b.change = func(ctx context.Context, key string, cond lease.Cond, set lease.Set) (lease.Lease, bool, error) {
				spoilForeign(b, key)
				return b.Store.Change(ctx, key, cond, set)
			}
		}, nil},
		{"a deletion changes what is not a lease", []string{"Store/Delete" + foreign, "Manager/DeleteLease" + foreign}, func(b *badStore) {
			b.delete = func(ctx context.Context, key string, cond lease.Cond) (bool, error) {
				spoilForeign(b, key)
				return b.Store.Delete(ctx, key, cond)
			}
		}, nil},
		{"the lock can be deleted as a lease", []string{"Store/Delete" + foreign, "Manager/DeleteLease" + foreign}, func(b *badStore) {
			b.delete = func(ctx context.Context, key string, cond lease.Cond) (bool, error) {
				if lock, err := inner(b).GetLock(ctx); err == nil && lock != nil && strings.HasPrefix(inner(b).ShowRow(key), "lock ") {
					return inner(b).ReleaseLock(ctx, lock.Owner, lock.Version)
				}
				return b.Store.Delete(ctx, key, cond)
			}
		}, nil},
		{"delete-all releases the lock", []string{"Manager/DeleteAll" + foreign}, nil, func(m *badManager) {
			m.deleteAll = func(ctx context.Context) error {
				if lock, err := inner(m.s).GetLock(ctx); err == nil && lock != nil {
					inner(m.s).ReleaseLock(ctx, lock.Owner, lock.Version)
				}
				return m.operations.DeleteAll(ctx)
			}
		}},
		{"a worker cannot be a lost lease", []string{"Manager/RenewLease" + foreign, "Manager/EvictLease" + foreign}, nil, func(m *badManager) {
			strict := func(do func(ctx context.Context, l *lease.Lease) (bool, error)) func(ctx context.Context, l *lease.Lease) (bool, error) {
				return func(ctx context.Context, l *lease.Lease) (bool, error) {
					if strings.HasPrefix(inner(m.s).ShowRow(l.Key), "worker ") {
						return false, raw("change lease")
					}
					return do(ctx, l)
				}
			}
			m.renew, m.evict = strict(m.operations.RenewLease), strict(m.operations.EvictLease)
		}},
	}
}
