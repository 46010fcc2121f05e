package leasetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// changed is what a careless manager makes of a change: it sends it once.
func changed(ctx context.Context, s lease.Store, l *lease.Lease, cond lease.Cond, set lease.Set) (bool, error) {
	image, ok, err := s.Change(ctx, l.Key, cond, set)
	if ok {
		l.Counter, l.Owner, l.NextOwner, l.Switches = image.Counter, image.Owner, image.NextOwner, image.Switches
	}
	return ok, err
}

// after spoils a lease after an operation of the manager.
func after(do func(context.Context, *lease.Lease) (bool, error), spoil func(before lease.Lease, l *lease.Lease, ok bool)) func(context.Context, *lease.Lease) (bool, error) {
	return func(ctx context.Context, l *lease.Lease) (bool, error) {
		before := l.Clone()
		ok, err := do(ctx, l)
		spoil(before, l, ok)
		return ok, err
	}
}

func managerDefects() []defect {
	const (
		table  = "Manager/CreateLeaseTableIfNotExists/"
		exists = "Manager/LeaseTableExists/"
		wait   = "Manager/WaitUntilLeaseTableExists/"
		list   = "Manager/ListLeases/"
		create = "Manager/CreateLeaseIfNotExists/"
		get    = "Manager/GetLease/"
		renew  = "Manager/RenewLease/"
		take   = "Manager/TakeLease/"
		evict  = "Manager/EvictLease/"
		del    = "Manager/DeleteLease/"
		all    = "Manager/DeleteAll/"
		update = "Manager/UpdateLease/"
		empty  = "Manager/IsLeaseTableEmpty/"
	)
	return []defect{
		{"C1: a table exists while it is created or deleted", []string{exists + "each status", wait + "becomes usable"}, nil, func(m *badManager) {
			m.exists = func(ctx context.Context) (bool, error) {
				t, err := m.s.DescribeTable(ctx)
				return t.Status != lease.Missing, err
			}
			m.wait = func(ctx context.Context, _, _ time.Duration) (bool, error) { return m.exists(ctx) }
		}},
		{"an updating table does not exist", []string{exists + "each status"}, nil, func(m *badManager) {
			m.exists = func(ctx context.Context) (bool, error) {
				t, err := m.s.DescribeTable(ctx)
				return t.Status == lease.Active, err
			}
		}},
		{"no table exists", []string{exists + "active table"}, nil, func(m *badManager) {
			m.exists = func(ctx context.Context) (bool, error) {
				_, err := m.operations.LeaseTableExists(ctx)
				return false, err
			}
		}},
		{"every table exists", []string{exists + "missing table"}, nil, func(m *badManager) {
			m.exists = func(ctx context.Context) (bool, error) {
				_, err := m.operations.LeaseTableExists(ctx)
				return err == nil, err
			}
		}},
		{"a missing table is an error", []string{exists + "missing table", exists + "no table", wait + "no table"}, nil, func(m *badManager) {
			m.exists = func(ctx context.Context) (bool, error) {
				ok, err := m.operations.LeaseTableExists(ctx)
				if err == nil && !ok {
					err = &lease.Error{Op: "describe", Kind: lease.ErrInvalidState}
				}
				return ok, err
			}
			m.wait = func(ctx context.Context, _, _ time.Duration) (bool, error) { return m.exists(ctx) }
		}},
		{"C2: failing to look is no", []string{exists + "throttled", exists + "failure", exists + "cancelled"}, nil, func(m *badManager) {
			m.exists = func(ctx context.Context) (bool, error) { ok, _ := m.operations.LeaseTableExists(ctx); return ok, nil }
		}},
		{"C3: a lost creation race is an error", []string{table + "lost race", table + "present table", table + "no table"}, nil, func(m *badManager) {
			m.createTable = func(ctx context.Context, r, w int64) (bool, error) {
				ok, err := m.operations.CreateLeaseTableIfNotExists(ctx, r, w)
				if !ok && err == nil {
					err = raw("create table")
				}
				if ok && r == 0 {
					err = raw("create table") // and so is a table that is paid by request
				}
				return ok, err
			}
		}},
		{"a table is always created", []string{table + "present table", table + "lost race"}, nil, func(m *badManager) {
			m.createTable = func(ctx context.Context, r, w int64) (bool, error) {
				_, err := m.operations.CreateLeaseTableIfNotExists(ctx, r, w)
				return err == nil, err
			}
		}},
		{"a table is never created", []string{table + "missing table"}, nil, func(m *badManager) {
			m.createTable = func(ctx context.Context, r, w int64) (bool, error) {
				_, err := m.operations.LeaseTableExists(ctx)
				return false, err
			}
		}},
		{"C4: a timeout of 0 never looks", []string{wait + "timeout of 0 looks once"}, nil, func(m *badManager) {
			m.wait = func(ctx context.Context, poll, timeout time.Duration) (bool, error) {
				if timeout == 0 {
					return false, nil
				}
				return m.operations.WaitUntilLeaseTableExists(ctx, poll, timeout)
			}
		}},
		{"the wait begins with a sleep", []string{wait + "at once"}, nil, func(m *badManager) {
			m.wait = func(ctx context.Context, poll, timeout time.Duration) (bool, error) {
				select {
				case <-ctx.Done():
				case <-time.After(min(poll, timeout)):
				}
				return m.operations.WaitUntilLeaseTableExists(ctx, poll, timeout)
			}
		}},
		{"C5: the wait sleeps past its end", []string{wait + "time is over"}, nil, func(m *badManager) {
			m.wait = func(ctx context.Context, poll, timeout time.Duration) (bool, error) {
				return m.operations.WaitUntilLeaseTableExists(ctx, poll, max(poll, timeout))
			}
		}},
		{"the wait does not wait", []string{wait + "time is over", wait + "becomes usable"}, nil, func(m *badManager) {
			m.wait = func(ctx context.Context, poll, timeout time.Duration) (bool, error) {
				return m.operations.LeaseTableExists(ctx)
			}
		}},
		{"the wait cannot be cancelled", []string{wait + "cancelled in its sleep", wait + "cancelled"}, nil, func(m *badManager) {
			m.wait = func(ctx context.Context, poll, timeout time.Duration) (bool, error) {
				return m.operations.WaitUntilLeaseTableExists(context.WithoutCancel(ctx), poll, timeout)
			}
		}},
		{"the wait takes an error for no", []string{wait + "throttled", wait + "failure"}, nil, func(m *badManager) {
			m.wait = func(ctx context.Context, poll, timeout time.Duration) (bool, error) {
				ok, _ := m.operations.WaitUntilLeaseTableExists(ctx, poll, timeout)
				return ok, nil
			}
		}},

		{"C6: half a list without an error", []string{list + "failure in the middle", list + "throttled", list + "failure", list + "no table"}, nil, func(m *badManager) {
			m.list = func(ctx context.Context) ([]*lease.Lease, error) {
				look, err := m.s.Scan(ctx)
				if err != nil {
					return nil, nil
				}
				var all []*lease.Lease
				for i := range look.Leases {
					all = append(all, &look.Leases[i])
				}
				return all, nil
			}
		}},
		{"the list is short of one", []string{list + "all leases", list + "rows of an unknown kind"}, nil, func(m *badManager) {
			m.list = func(ctx context.Context) ([]*lease.Lease, error) {
				all, err := m.operations.ListLeases(ctx)
				return all[:max(len(all)-1, 0)], err
			}
		}},
		{"the list hides what cannot be read", []string{list + "rows that do not parse"}, nil, func(m *badManager) {
			m.list = func(ctx context.Context) ([]*lease.Lease, error) {
				all, err := m.operations.ListLeases(ctx)
				if _, ok := errors.AsType[*lease.UnreadableError](err); ok {
					err = nil
				}
				return all, err
			}
		}},
		{"a row of another kind is an error", []string{list + "rows of an unknown kind", empty + "rows of an unknown kind"}, nil, func(m *badManager) {
			unknown := func(ctx context.Context) error {
				look, err := m.s.Scan(ctx)
				if err == nil && len(look.Unreadable) > 0 {
					return raw("list")
				}
				return err
			}
			m.list = func(ctx context.Context) ([]*lease.Lease, error) {
				if err := unknown(ctx); err != nil {
					return nil, err
				}
				return m.operations.ListLeases(ctx)
			}
			m.empty = func(ctx context.Context) (bool, error) {
				if err := unknown(ctx); err != nil {
					return false, err
				}
				return m.operations.IsLeaseTableEmpty(ctx)
			}
		}},

		{"C7: create says the contrary", []string{create + "new", create + "present"}, nil, func(m *badManager) {
			m.create = func(ctx context.Context, l *lease.Lease) (bool, error) {
				ok, err := m.operations.CreateLeaseIfNotExists(ctx, l)
				if err == nil && !ok {
					return true, raw("create lease")
				}
				return false, err
			}
		}},
		{"what cannot be created is there already", []string{create + "cannot be stored"}, nil, func(m *badManager) {
			m.create = func(ctx context.Context, l *lease.Lease) (bool, error) {
				_, ok, err := m.s.Create(ctx, *l)
				return ok, service(err)
			}
		}},
		{"create changes what it is passed", []string{create + "new", create + "present"}, nil, func(m *badManager) {
			m.create = after(m.operations.CreateLeaseIfNotExists, func(_ lease.Lease, l *lease.Lease, ok bool) { l.Counter++ })
		}},
		{"create does not know its own lease", []string{create + "lost reply"}, nil, func(m *badManager) {
			m.create = func(ctx context.Context, l *lease.Lease) (bool, error) {
				_, ok, err := m.s.Create(ctx, *l)
				if err != nil {
					_, ok, err = m.s.Create(ctx, *l)
				}
				return ok, err
			}
		}},

		{"C8: get has no invalid state and raw errors", []string{get + "no table", get + "throttled", get + "failure", get + "cancelled"}, nil, func(m *badManager) {
			m.get = func(ctx context.Context, key string) (*lease.Lease, error) {
				l, err := m.s.Get(ctx, key)
				if err != nil {
					err = fmt.Errorf("get: %s", err)
				}
				return l, err
			}
		}},
		{"C9: get drops the checkpoint", []string{get + "all fields"}, nil, func(m *badManager) {
			m.get = func(ctx context.Context, key string) (*lease.Lease, error) {
				l, err := m.operations.GetLease(ctx, key)
				if l != nil {
					l.Checkpoint, l.Pending = lease.TrimHorizon, lease.Position{}
				}
				return l, err
			}
		}},
		{"no lease is an error", []string{get + "no lease"}, nil, func(m *badManager) {
			m.get = func(ctx context.Context, key string) (*lease.Lease, error) {
				l, err := m.operations.GetLease(ctx, key)
				if l == nil && err == nil {
					err = raw("get lease")
				}
				return l, err
			}
		}},
		{"a broken row is no lease", []string{get + "broken row", all + "rows that do not parse"}, nil, func(m *badManager) {
			m.get = func(ctx context.Context, key string) (*lease.Lease, error) {
				l, err := m.operations.GetLease(ctx, key)
				if _, ok := errors.AsType[*lease.UnreadableError](err); ok {
					return nil, nil
				}
				return l, err
			}
		}},

		{"C10: renew updates nothing", []string{renew + "again and again", renew + "throughput", renew + "during a handoff"}, nil, func(m *badManager) {
			m.renew = func(ctx context.Context, l *lease.Lease) (bool, error) {
				ok, err := changed(ctx, m.s, l, lease.Cond{Counter: &l.Counter}, lease.Set{})
				if ok {
					l.Counter++
				}
				return ok, err
			}
		}},
		{"C11: renew takes every error for lost", []string{renew + "throttled", renew + "failure", renew + "no table", renew + "cancelled"}, nil, func(m *badManager) {
			m.renew = func(ctx context.Context, l *lease.Lease) (bool, error) {
				ok, _ := m.operations.RenewLease(ctx, l)
				return ok, nil
			}
		}},
		{"renew has no condition", []string{renew + "counter moved", renew + "lost replies, then another owner"}, nil, func(m *badManager) {
			m.renew = func(ctx context.Context, l *lease.Lease) (bool, error) {
				return changed(ctx, m.s, l, lease.Cond{}, lease.Set{Bump: true, Mark: "m"})
			}
		}},
		{"renew counts before it is sure", []string{renew + "counter moved", renew + "no lease", renew + "throttled"}, nil, func(m *badManager) {
			m.renew = after(m.operations.RenewLease, func(b lease.Lease, l *lease.Lease, _ bool) { l.Counter = b.Counter + 1 })
		}},
		{"renew stops at a handoff", []string{renew + "during a handoff"}, nil, func(m *badManager) {
			m.renew = func(ctx context.Context, l *lease.Lease) (bool, error) {
				return changed(ctx, m.s, l, lease.Cond{Counter: &l.Counter, Owners: new(l.Owners())}, lease.Set{Bump: true, Mark: "m"})
			}
		}},
		{"renew drops the throughput", []string{renew + "throughput"}, nil, func(m *badManager) {
			m.renew = func(ctx context.Context, l *lease.Lease) (bool, error) {
				t := l.Throughput
				l.Throughput = nil
				defer func() { l.Throughput = t }()
				return m.operations.RenewLease(ctx, l)
			}
		}},

		{"C12: take writes the old owner", []string{take + "owned by another", take + "unowned", take + "during a handoff"}, nil, func(m *badManager) {
			m.take = func(ctx context.Context, l *lease.Lease, owner string) (bool, error) {
				ok, err := changed(ctx, m.s, l, lease.Cond{Counter: &l.Counter}, lease.Set{Bump: true, Mark: "m", Owners: new(l.Owners())})
				if ok {
					l.Owner = owner
				}
				return ok, err
			}
		}},
		{"C13: an unowned lease cannot be taken", []string{take + "unowned"}, nil, func(m *badManager) {
			m.take = func(ctx context.Context, l *lease.Lease, owner string) (bool, error) {
				if l.Owner == "" {
					return false, raw("take lease")
				}
				return m.operations.TakeLease(ctx, l, owner)
			}
		}},
		{"take always says true", []string{take + "counter moved", take + "no lease", take + "many at once"}, nil, func(m *badManager) {
			m.take = func(ctx context.Context, l *lease.Lease, owner string) (bool, error) {
				_, err := m.operations.TakeLease(ctx, l, owner)
				return err == nil, err
			}
		}},
		{"take is not conditional on the counter", []string{take + "many at once", take + "counter moved"}, nil, func(m *badManager) {
			m.take = func(ctx context.Context, l *lease.Lease, owner string) (bool, error) {
				set := lease.Set{Bump: true, Mark: "m", Owners: &lease.Owners{Owner: owner}, AddSwitch: l.Owner != "" && l.Owner != owner}
				return changed(ctx, m.s, l, lease.Cond{}, set)
			}
		}},
		{"take counts a switch to oneself", []string{take + "own"}, nil, func(m *badManager) {
			m.take = func(ctx context.Context, l *lease.Lease, owner string) (bool, error) {
				return changed(ctx, m.s, l, lease.Cond{Counter: &l.Counter}, lease.Set{Bump: true, Mark: "m", Owners: &lease.Owners{Owner: owner}, AddSwitch: true})
			}
		}},
		{"take leaves the handoff", []string{take + "during a handoff"}, nil, func(m *badManager) {
			m.take = func(ctx context.Context, l *lease.Lease, owner string) (bool, error) {
				return changed(ctx, m.s, l, lease.Cond{Counter: &l.Counter}, lease.Set{
					Bump: true, Mark: "m", Owners: &lease.Owners{Owner: owner, Next: l.NextOwner}, AddSwitch: l.Owner != "" && l.Owner != owner,
				})
			}
		}},

		{"C14: evict is conditional on the counter", []string{evict + "counter moved"}, nil, func(m *badManager) {
			m.evict = func(ctx context.Context, l *lease.Lease) (bool, error) {
				return changed(ctx, m.s, l, lease.Cond{Counter: &l.Counter}, lease.Set{Bump: true, Mark: "m", Owners: &lease.Owners{Owner: l.NextOwner}})
			}
		}},
		{"evict has no condition", []string{evict + "other owner"}, nil, func(m *badManager) {
			m.evict = func(ctx context.Context, l *lease.Lease) (bool, error) {
				return changed(ctx, m.s, l, lease.Cond{}, lease.Set{Bump: true, Mark: "m", Owners: &lease.Owners{Owner: l.NextOwner}})
			}
		}},
		{"evict needs to know of the handoff", []string{evict + "handoff not known", evict + "handoff over"}, nil, func(m *badManager) {
			m.evict = func(ctx context.Context, l *lease.Lease) (bool, error) {
				return changed(ctx, m.s, l, lease.Cond{Owners: new(l.Owners())}, lease.Set{Bump: true, Mark: "m", Owners: &lease.Owners{Owner: l.NextOwner}})
			}
		}},
		{"evict removes the next owner too", []string{evict + "during a handoff"}, nil, func(m *badManager) {
			m.evict = func(ctx context.Context, l *lease.Lease) (bool, error) {
				return changed(ctx, m.s, l, lease.Cond{Owners: new(l.Owners())}, lease.Set{Bump: true, Mark: "m", Owners: &lease.Owners{}})
			}
		}},
		{"evict does not move the counter", []string{evict + "owner as known", evict + "unowned"}, nil, func(m *badManager) {
			m.evict = func(ctx context.Context, l *lease.Lease) (bool, error) {
				return changed(ctx, m.s, l, lease.Cond{Owners: new(l.Owners())}, lease.Set{Owners: &lease.Owners{Owner: l.NextOwner}})
			}
		}},
		{"evict does not tell the lease", []string{evict + "owner as known"}, nil, func(m *badManager) {
			m.evict = after(m.operations.EvictLease, func(b lease.Lease, l *lease.Lease, _ bool) { *l = b })
		}},
		{"evict of a lost lease is an error", []string{evict + "other owner", evict + "no lease"}, nil, func(m *badManager) {
			m.evict = func(ctx context.Context, l *lease.Lease) (bool, error) {
				ok, err := m.operations.EvictLease(ctx, l)
				if !ok && err == nil {
					err = raw("evict lease")
				}
				return ok, err
			}
		}},

		{"C15: deletion errors are raw", []string{del + "throttled", del + "failure", del + "no table", all + "a deletion fails"}, nil, func(m *badManager) {
			m.delete = func(ctx context.Context, l *lease.Lease) error {
				if err := m.operations.DeleteLease(ctx, l); err != nil {
					return errors.New(err.Error())
				}
				return nil
			}
			m.deleteAll = func(ctx context.Context) error {
				if err := m.operations.DeleteAll(ctx); err != nil {
					return errors.New(err.Error())
				}
				return nil
			}
		}},
		{"delete only deletes one's own", []string{del + "whoever owns it"}, nil, func(m *badManager) {
			m.delete = func(ctx context.Context, l *lease.Lease) error {
				_, err := m.s.Delete(ctx, l.Key, lease.Cond{Counter: &l.Counter})
				return err
			}
		}},
		{"deleting nothing is an error", []string{del + "no lease", del + "key of a worker", del + "lost reply"}, nil, func(m *badManager) {
			m.delete = func(ctx context.Context, l *lease.Lease) error {
				if present, err := m.s.Get(ctx, l.Key); err == nil && present == nil {
					return raw("delete lease")
				}
				if err := dropWorker(ctx, m.s, l.Key); err != nil {
					return err
				}
				_, err := m.s.Delete(ctx, l.Key, lease.Cond{})
				return err
			}
		}},
		{"C16: delete-all is silent when the table cannot be reached", []string{all + "throttled", all + "failure", all + "no table", all + "a deletion fails", all + "rows that do not parse"}, nil, func(m *badManager) {
			m.deleteAll = func(ctx context.Context) error { m.operations.DeleteAll(ctx); return nil }
		}},
		{"delete-all leaves one", []string{all + "leases only"}, nil, func(m *badManager) {
			m.deleteAll = func(ctx context.Context) error {
				leases, err := m.operations.ListLeases(ctx)
				for _, l := range leases[:max(len(leases)-1, 0)] {
					err = errors.Join(err, m.operations.DeleteLease(ctx, l))
				}
				return err
			}
		}},
		{"delete-all deletes workers", []string{all + "leases only"}, nil, func(m *badManager) {
			m.deleteAll = func(ctx context.Context) error {
				if look, err := m.s.Scan(ctx); err == nil {
					for _, w := range look.Workers {
						m.s.DeleteWorker(ctx, w.ID, w.Nonce)
					}
				}
				return m.operations.DeleteAll(ctx)
			}
		}},
		{"deleting all of nothing is an error", []string{all + "no lease"}, nil, func(m *badManager) {
			m.deleteAll = func(ctx context.Context) error {
				if leases, err := m.operations.ListLeases(ctx); err == nil && len(leases) == 0 {
					return raw("delete all")
				}
				return m.operations.DeleteAll(ctx)
			}
		}},

		{"C17: update writes no checkpoint", []string{update + "application's fields", update + "every kind of checkpoint", update + "during a handoff"}, nil, func(m *badManager) {
			m.update = m.operations.RenewLease
		}},
		{"C18: a stale update is an error", []string{update + "counter moved", update + "no lease"}, nil, func(m *badManager) {
			m.update = func(ctx context.Context, l *lease.Lease) (bool, error) {
				ok, err := m.operations.UpdateLease(ctx, l)
				if !ok && err == nil {
					err = raw("update lease")
				}
				return ok, err
			}
		}},
		{"update writes the owners", []string{update + "application's fields", update + "during a handoff"}, nil, func(m *badManager) {
			m.update = func(ctx context.Context, l *lease.Lease) (bool, error) {
				return changed(ctx, m.s, l, lease.Cond{Counter: &l.Counter}, lease.Set{
					Bump: true, Mark: "m", Owners: new(l.Owners()), Checkpoint: &l.Checkpoint, Switches: &l.Switches, Children: l.Children,
				})
			}
		}},
		{"update keeps the pending checkpoint", []string{update + "removes pending, keeps children and range"}, nil, func(m *badManager) {
			m.update = func(ctx context.Context, l *lease.Lease) (bool, error) {
				stored, err := m.s.Get(ctx, l.Key)
				if err != nil || stored == nil {
					return false, err
				}
				return changed(ctx, m.s, l, lease.Cond{Counter: &l.Counter}, lease.Set{
					Bump: true, Mark: "m", Checkpoint: &l.Checkpoint, Switches: &l.Switches, Pending: &stored.Pending, PendingState: stored.PendingState,
				})
			}
		}},
		{"update resets the count of switches", []string{update + "application's fields"}, nil, func(m *badManager) {
			m.update = func(ctx context.Context, l *lease.Lease) (bool, error) {
				switches := l.Switches
				l.Switches = 0
				defer func() { l.Switches = switches }()
				return m.operations.UpdateLease(ctx, l)
			}
		}},

		{"C19: empty says the contrary", []string{empty + "no lease", empty + "a lease", empty + "rows of an unknown kind"}, nil, func(m *badManager) {
			m.empty = func(ctx context.Context) (bool, error) {
				ok, err := m.operations.IsLeaseTableEmpty(ctx)
				return !ok && err == nil, err
			}
		}},
		{"C20: empty answers on an error", []string{empty + "throttled", empty + "failure", empty + "no table", empty + "cancelled", empty + "rows that do not parse"}, nil, func(m *badManager) {
			m.empty = func(ctx context.Context) (bool, error) {
				ok, err := m.operations.IsLeaseTableEmpty(ctx)
				return ok || err != nil, nil
			}
		}},
		{"workers make a table not empty", []string{empty + "no lease"}, nil, func(m *badManager) {
			m.empty = func(ctx context.Context) (bool, error) {
				if look, err := m.s.Scan(ctx); err == nil && len(look.Workers) > 0 {
					return false, nil
				}
				return m.operations.IsLeaseTableEmpty(ctx)
			}
		}},

		{"values that cannot be stored are taken for lost", []string{renew + "cannot be stored", take + "cannot be stored", evict + "cannot be stored", update + "cannot be stored"}, nil, func(m *badManager) {
			m.renew = func(ctx context.Context, l *lease.Lease) (bool, error) {
				ok, err := changed(ctx, m.s, l, lease.Cond{Counter: new(l.Counter)}, lease.Set{Bump: true, Mark: "m"})
				return ok, service(err)
			}
			m.take = func(ctx context.Context, l *lease.Lease, owner string) (bool, error) {
				ok, err := changed(ctx, m.s, l, lease.Cond{Counter: new(l.Counter)}, lease.Set{Bump: true, Mark: "m", Owners: &lease.Owners{Owner: owner}})
				return ok, service(err)
			}
			m.evict = m.renew
			m.update = m.renew
		}},
		{"errors are the client's own", nil, nil, func(m *badManager) { m.out = func(err error) error { return errors.New(err.Error()) } }},
		{"errors are left out", nil, nil, func(m *badManager) { m.out = func(error) error { return nil } }},
		{"the context is not looked at", nil, nil, func(m *badManager) { m.in = deaf }},
		{"nothing is tried twice", nil, nil, func(m *badManager) {
			m.operations = lease.NewManager(&badStore{Store: m.s, out: func(err error) error {
				e, _ := errors.AsType[*lease.Error](err)
				return &lease.Error{Op: e.Op, Key: e.Key, Kind: e.Kind, Err: e.Err}
			}})
		}},
	}
}

// service is err unless the store itself refused a value.
func service(err error) error {
	if e, ok := errors.AsType[*lease.Error](err); ok && e.Kind == lease.ErrDependency && !e.Retryable {
		return nil
	}
	return err
}
