package memlease

import (
	"context"

	"github.com/leasehold/leasehold/lease"
)

// put stores l and keeps the index.
func (s *Store) put(l lease.Lease) {
	s.remove(l.Key)
	s.rows[l.Key] = row{lease: &l}
	if owner := indexed(&l); owner != "" {
		if s.index[owner] == nil {
			s.index[owner] = map[string]struct{}{}
		}
		s.index[owner][l.Key] = struct{}{}
	}
}

func (s *Store) remove(key string) {
	if old := s.rows[key].lease; old != nil {
		owner := indexed(old)
		delete(s.index[owner], key)
		if len(s.index[owner]) == 0 {
			delete(s.index, owner)
		}
	}
	delete(s.rows, key)
}

// indexed is the owner by whom the index finds l. During a handoff it is the
// next one, who learns of the handoff in this way; the owner learns of it by
// no longer finding the lease.
func indexed(l *lease.Lease) string {
	if l.NextOwner != "" {
		return l.NextOwner
	}
	return l.Owner
}

// Get implements [lease.Store].
func (s *Store) Get(ctx context.Context, key string) (*lease.Lease, error) {
	const op = "get lease"
	if err := s.begin(ctx, op, key); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	r := s.rows[key]
	switch err := lease.CheckKey(key); {
	case err != nil:
		return nil, invalid(op, key, err)
	case r.lease != nil:
		return new(r.lease.Clone()), nil
	case r.broken():
		return nil, invalid(op, key, new(*r.unreadable))
	}
	return nil, nil
}

// broken reports whether r is a lease that does not parse.
func (r row) broken() bool { return r.unreadable != nil && !r.unreadable.NotLease }

// Create implements [lease.Store].
func (s *Store) Create(ctx context.Context, l lease.Lease) (lease.Lease, bool, error) {
	const op = "create lease"
	if err := s.begin(ctx, op, l.Key); err != nil {
		return lease.Lease{}, false, err
	}
	defer s.mu.Unlock()
	if err := l.Check(); err != nil {
		return lease.Lease{}, false, invalid(op, l.Key, err)
	}
	if r, ok := s.rows[l.Key]; ok {
		if r.lease == nil {
			return lease.Lease{}, false, nil
		}
		return r.lease.Clone(), false, nil
	}
	l = l.Clone()
	l.Throughput = lease.RoundThroughput(l.Throughput)
	s.put(l)
	return l.Clone(), true, nil
}

// Change implements [lease.Store].
func (s *Store) Change(ctx context.Context, key string, cond lease.Cond, set lease.Set) (lease.Lease, bool, error) {
	const op = "change lease"
	if err := s.begin(ctx, op, key); err != nil {
		return lease.Lease{}, false, err
	}
	defer s.mu.Unlock()
	if err := lease.CheckChange(key, cond, set); err != nil {
		return lease.Lease{}, false, invalid(op, key, err)
	}
	r := s.rows[key]
	old := r.lease
	switch {
	case r.broken():
		return lease.Lease{}, false, invalid(op, key, new(*r.unreadable))
	case old == nil:
		return lease.Lease{}, false, nil
	}
	if !cond.Holds(old) {
		return old.Clone(), false, nil
	}
	// Apply on one copy and store another, since Apply keeps what set holds.
	l := old.Clone()
	set.Apply(&l)
	s.put(l.Clone())
	return s.rows[key].lease.Clone(), true, nil
}

// Delete implements [lease.Store]. A lease that does not parse is removed if
// cond is empty.
func (s *Store) Delete(ctx context.Context, key string, cond lease.Cond) (bool, error) {
	const op = "delete lease"
	if err := s.begin(ctx, op, key); err != nil {
		return false, err
	}
	defer s.mu.Unlock()
	if err := lease.CheckChange(key, cond, lease.Set{}); err != nil {
		return false, invalid(op, key, err)
	}
	r, ok := s.rows[key]
	switch {
	case !ok:
		return true, nil
	case r.lease != nil && !cond.Holds(r.lease):
		return false, nil
	case r.lease == nil && (!r.broken() || cond != lease.Cond{}):
		return false, nil
	}
	s.remove(key)
	return true, nil
}
