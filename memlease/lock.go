package memlease

import (
	"context"
	"errors"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// lock returns a copy of the present lock, nil if there is none.
func (s *Store) lock() *lease.Lock {
	if l := s.rows[lockKey].lock; l != nil {
		return new(*l)
	}
	return nil
}

// replace stores l if holds says so of the present lock.
func (s *Store) replace(ctx context.Context, op string, l lease.Lock, holds func(present *lease.Lock) bool) (*lease.Lock, bool, error) {
	if err := s.begin(ctx, op, ""); err != nil {
		return nil, false, err
	}
	defer s.mu.Unlock()
	if l.Owner == "" || l.Version == "" {
		return nil, false, invalid(op, "", errors.New("the lock has no owner or no version"))
	}
	if r, ok := s.rows[lockKey]; ok && r.lock == nil {
		return nil, false, invalid(op, lockKey, errors.New("the row is not a lock"))
	}
	if present := s.lock(); !holds(present) {
		return present, false, nil
	}
	l.Duration = l.Duration.Truncate(time.Millisecond)
	s.rows[lockKey] = row{lock: &l}
	return s.lock(), true, nil
}

// GetLock implements [lease.Store]. The answer is never old.
func (s *Store) GetLock(ctx context.Context) (*lease.Lock, error) {
	if err := s.begin(ctx, "get lock", ""); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	return s.lock(), nil
}

// TakeLock implements [lease.Store].
func (s *Store) TakeLock(ctx context.Context, l lease.Lock, seen string) (*lease.Lock, bool, error) {
	return s.replace(ctx, "take lock", l, func(present *lease.Lock) bool {
		if present == nil {
			return seen == ""
		}
		return seen != "" && present.Version == seen
	})
}

// RenewLock implements [lease.Store].
func (s *Store) RenewLock(ctx context.Context, l lease.Lock, seen string) (*lease.Lock, bool, error) {
	return s.replace(ctx, "renew lock", l, func(present *lease.Lock) bool {
		return present != nil && present.Version == seen && present.Owner == l.Owner
	})
}

// ReleaseLock implements [lease.Store].
func (s *Store) ReleaseLock(ctx context.Context, owner, version string) (bool, error) {
	if err := s.begin(ctx, "release lock", ""); err != nil {
		return false, err
	}
	defer s.mu.Unlock()
	if l := s.lock(); l == nil || l.Owner != owner || l.Version != version {
		return false, nil
	}
	delete(s.rows, lockKey)
	return true, nil
}
