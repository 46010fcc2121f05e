package lease

import (
	"context"
	"errors"
)

// GetLease returns the lease with this key, nil with a nil error where there is
// none or where the key belongs to a row that is not a lease. The read is
// consistent. A row that does not parse is an [*UnreadableError] in an error of
// kind [ErrDependency].
func (m *Manager) GetLease(ctx context.Context, key string) (*Lease, error) {
	const op = "get lease"
	if err := CheckKey(key); err != nil {
		return nil, refuse(op, key, err)
	}
	var l *Lease
	err := m.repeat(ctx, op, key, m.Try, func(ctx context.Context) (err error) {
		l, err = m.store.Get(ctx, key)
		return err
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// CreateLeaseIfNotExists stores l and reports whether it did, by this call or by
// an earlier one with the same *Lease and content whose outcome was not known.
// False is a key that is in use, by a lease or another row, which is left as it
// is. The passed lease does not change.
func (m *Manager) CreateLeaseIfNotExists(ctx context.Context, l *Lease) (bool, error) {
	const op = "create lease"
	if err := checkWhole(op, l); err != nil {
		return false, err
	}
	w := m.resume(l, write{
		op:  op,
		new: new(l.Clone()),
		// As if it had moved the counter to where it begins.
		base:  l.Counter,
		from:  new(l.Counter - 1),
		owner: l.Owner,
	})
	w.new.Mark = w.set.Mark
	var image Lease
	var applied bool
	err := m.repeat(ctx, op, l.Key, m.Try, func(ctx context.Context) (err error) {
		image, applied, err = m.store.Create(ctx, *w.new)
		return err
	})
	if err != nil {
		m.remember(l, w)
		return false, err
	}
	m.drop(l, func(v *write) bool { return v.set.Mark == w.set.Mark })
	return applied || image.Mark == w.set.Mark, nil
}

// RenewLease adds one to the stored counter if it still equals l.Counter, and
// then to l.Counter, and to nothing else of l. False means that another write
// came first, or that the lease is gone: it is lost. If l.Throughput is known,
// it is stored too.
func (m *Manager) RenewLease(ctx context.Context, l *Lease) (bool, error) {
	const op = "renew lease"
	if err := checkFence(op, l); err != nil {
		return false, err
	}
	c := l.Clone()
	image, applied, err := m.change(ctx, l, write{
		op:    op,
		set:   Set{Bump: true, Throughput: c.Throughput},
		owner: l.Owner,
	})
	if err != nil || !applied {
		return false, err
	}
	l.Counter = image.Counter
	return true, nil
}

// TakeLease makes owner the owner of the lease and adds one to the counter, if
// the stored counter still equals l.Counter; whoever owned the lease has lost
// it. A handoff that was under way is over. After success l says so: its
// owners, its counter, and its count of switches if it had another owner.
func (m *Manager) TakeLease(ctx context.Context, l *Lease, owner string) (bool, error) {
	const op = "take lease"
	if err := checkFence(op, l); err != nil {
		return false, err
	}
	if owner == "" {
		return false, refuse(op, l.Key, errors.New("owner is empty"))
	}
	if err := (Owners{Owner: owner}).Check(); err != nil {
		return false, refuse(op, l.Key, err)
	}
	switched := l.Owner != "" && l.Owner != owner
	image, applied, err := m.change(ctx, l, write{
		op:    op,
		set:   Set{Bump: true, Owners: &Owners{Owner: owner}, AddSwitch: switched},
		owner: owner,
	})
	if err != nil || !applied {
		return false, err
	}
	l.Counter, l.Owner, l.NextOwner = image.Counter, owner, ""
	if switched {
		l.Switches++
	}
	return true, nil
}

// EvictLease removes the owner of the lease and adds one to the counter, if the
// stored owner still is l.Owner, whatever the counter. During a handoff the
// next owner stays, as the owner. After success l has the new counter and
// owner. A lease that nobody owns can be evicted if l.Owner is empty.
func (m *Manager) EvictLease(ctx context.Context, l *Lease) (bool, error) {
	const op = "evict lease"
	if err := checkFence(op, l); err != nil {
		return false, err
	}
	from, owners := l.Counter, Owners{Owner: l.Owner}
	if l.Owner != "" {
		owners.Next = l.NextOwner
	}
	// The write is conditional on the counter too, and repeated with the one
	// that is stored. Without it a try that the network delays could evict an
	// owner of the same name who came back long after.
	for range rounds {
		image, applied, err := m.change(ctx, l, write{
			op:     op,
			from:   &from,
			owners: &owners,
			set:    Set{Bump: true, Owners: &Owners{Owner: owners.Next}},
			owner:  owners.Next,
		})
		switch {
		case err != nil:
			return false, err
		case applied:
			l.Counter, l.Owner, l.NextOwner = image.Counter, image.Owner, ""
			return true, nil
		case image.Key == "" || image.Owner != l.Owner:
			return false, nil
		}
		from, owners = image.Counter, image.Owners()
	}
	return false, &Error{Op: op, Key: l.Key, Kind: ErrDependency, Retryable: true, Err: errBusy}
}

// rounds bounds how often an eviction begins again because the owner renewed
// since. Owners renew every few seconds, and a round takes milliseconds.
const rounds = 16

var errBusy = errors.New("its owner writes it too often to be overtaken")

// UpdateLease stores what the application knows of the lease, and adds one to
// the counter, if the stored counter still equals l.Counter: the checkpoint,
// the pending checkpoint and its state (removed where l has none), the count of
// switches, and, where l has them, the children and the hash range. It never
// writes the key, the owners, the parents or the throughput. After success l has the new
// counter. False means that the lease is lost, and nothing was stored.
func (m *Manager) UpdateLease(ctx context.Context, l *Lease) (bool, error) {
	const op = "update lease"
	if err := checkWhole(op, l); err != nil {
		return false, err
	}
	// What is remembered of a write must not change with the caller's lease.
	c := l.Clone()
	set := Set{Bump: true, Checkpoint: &c.Checkpoint, Switches: &c.Switches, Children: c.Children}
	if !c.Pending.IsZero() {
		set.Pending, set.PendingState = &c.Pending, c.PendingState
	}
	if !c.HashRange.IsZero() {
		set.HashRange = &c.HashRange
	}
	image, applied, err := m.change(ctx, l, write{op: op, set: set, owner: l.Owner})
	if err != nil || !applied {
		return false, err
	}
	l.Counter = image.Counter
	return true, nil
}

// DeleteLease deletes the lease with l's key, whoever owns it and whatever its
// counter, also one that does not parse. A lease that is not there is no error. A
// row of this key that is not a lease stays.
func (m *Manager) DeleteLease(ctx context.Context, l *Lease) error {
	const op = "delete lease"
	if l == nil {
		return refuse(op, "", errNoLease)
	}
	if err := CheckKey(l.Key); err != nil {
		return refuse(op, l.Key, err)
	}
	return m.delete(ctx, op, l.Key)
}

func (m *Manager) delete(ctx context.Context, op, key string) error {
	return m.repeat(ctx, op, key, m.Try, func(ctx context.Context) error {
		_, err := m.store.Delete(ctx, key, Cond{})
		return err
	})
}
