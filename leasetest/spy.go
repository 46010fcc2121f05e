package leasetest

import (
	"context"
	"errors"
	"sync"

	"github.com/leasehold/leasehold/lease"
)

// A spy is the store under a rule's manager. It counts what the manager asks
// for, keeps why the store refused, and lets a rule act as soon as a call is
// over.
type spy struct {
	lease.Store

	mu    sync.Mutex // guards what follows
	calls int
	cause error
	then  func(calls int)
}

// watch forgets what was, and has then called after each call, with the number of
// calls so far. Nil calls nothing.
func (s *spy) watch(then func(calls int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls, s.cause, s.then = 0, nil, then
}

// seen returns the number of calls, and the cause of the last that failed.
func (s *spy) seen() (calls int, cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls, s.cause
}

func (s *spy) over(err error) {
	s.mu.Lock()
	s.calls++
	if e, ok := errors.AsType[*lease.Error](err); ok {
		s.cause = e.Err
	}
	calls, then := s.calls, s.then
	s.mu.Unlock()
	if then != nil {
		then(calls)
	}
}

func (s *spy) CreateTable(ctx context.Context, readCapacity, writeCapacity int64) (bool, error) {
	created, err := s.Store.CreateTable(ctx, readCapacity, writeCapacity)
	s.over(err)
	return created, err
}

func (s *spy) DescribeTable(ctx context.Context) (lease.Table, error) {
	table, err := s.Store.DescribeTable(ctx)
	s.over(err)
	return table, err
}

func (s *spy) Scan(ctx context.Context) (*lease.Snapshot, error) {
	look, err := s.Store.Scan(ctx)
	s.over(err)
	return look, err
}

func (s *spy) Get(ctx context.Context, key string) (*lease.Lease, error) {
	l, err := s.Store.Get(ctx, key)
	s.over(err)
	return l, err
}

func (s *spy) Create(ctx context.Context, l lease.Lease) (lease.Lease, bool, error) {
	image, applied, err := s.Store.Create(ctx, l)
	s.over(err)
	return image, applied, err
}

func (s *spy) Change(ctx context.Context, key string, cond lease.Cond, set lease.Set) (lease.Lease, bool, error) {
	image, applied, err := s.Store.Change(ctx, key, cond, set)
	s.over(err)
	return image, applied, err
}

func (s *spy) Delete(ctx context.Context, key string, cond lease.Cond) (bool, error) {
	applied, err := s.Store.Delete(ctx, key, cond)
	s.over(err)
	return applied, err
}
