package leasetest

import (
	"context"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// A badStore is a store with a planted defect: a method, if its field is not
// nil, and what becomes of every context and every error.
type badStore struct {
	lease.Store

	createTable   func(ctx context.Context, r, w int64) (bool, error)
	describe      func(ctx context.Context) (lease.Table, error)
	createIndex   func(ctx context.Context) error
	get           func(ctx context.Context, key string) (*lease.Lease, error)
	create        func(ctx context.Context, l lease.Lease) (lease.Lease, bool, error)
	change        func(ctx context.Context, key string, cond lease.Cond, set lease.Set) (lease.Lease, bool, error)
	delete        func(ctx context.Context, key string, cond lease.Cond) (bool, error)
	scan          func(ctx context.Context) (*lease.Snapshot, error)
	keysOf        func(ctx context.Context, worker string) ([]string, error)
	putWorker     func(ctx context.Context, w lease.Worker, over *lease.Worker) (*lease.Worker, bool, error)
	deleteWorker  func(ctx context.Context, id, nonce string) (bool, error)
	getLock       func(ctx context.Context) (*lease.Lock, error)
	takeLock      func(ctx context.Context, l lease.Lock, seen string) (*lease.Lock, bool, error)
	renewLock     func(ctx context.Context, l lease.Lock, seen string) (*lease.Lock, bool, error)
	releaseLock   func(ctx context.Context, owner, version string) (bool, error)
	getVersion    func(ctx context.Context) (lease.ClientVersion, error)
	createVersion func(ctx context.Context, v lease.ClientVersion, by string, at time.Time) (bool, error)

	in  func(ctx context.Context) context.Context
	out func(err error) error
}

// or returns f, or otherwise if f is nil.
func or[F any](f *F, isNil bool, otherwise F) F {
	if isNil {
		return otherwise
	}
	return *f
}

func (b *badStore) ctx(ctx context.Context) context.Context {
	if b.in != nil {
		return b.in(ctx)
	}
	return ctx
}

func (b *badStore) err(err error) error {
	if b.out != nil && err != nil {
		return b.out(err)
	}
	return err
}

func (b *badStore) CreateTable(ctx context.Context, r, w int64) (bool, error) {
	ok, err := or(&b.createTable, b.createTable == nil, b.Store.CreateTable)(b.ctx(ctx), r, w)
	return ok, b.err(err)
}

func (b *badStore) DescribeTable(ctx context.Context) (lease.Table, error) {
	t, err := or(&b.describe, b.describe == nil, b.Store.DescribeTable)(b.ctx(ctx))
	return t, b.err(err)
}

func (b *badStore) CreateIndex(ctx context.Context) error {
	return b.err(or(&b.createIndex, b.createIndex == nil, b.Store.CreateIndex)(b.ctx(ctx)))
}

func (b *badStore) Get(ctx context.Context, key string) (*lease.Lease, error) {
	l, err := or(&b.get, b.get == nil, b.Store.Get)(b.ctx(ctx), key)
	return l, b.err(err)
}

func (b *badStore) Create(ctx context.Context, l lease.Lease) (lease.Lease, bool, error) {
	image, ok, err := or(&b.create, b.create == nil, b.Store.Create)(b.ctx(ctx), l)
	return image, ok, b.err(err)
}

func (b *badStore) Change(ctx context.Context, key string, cond lease.Cond, set lease.Set) (lease.Lease, bool, error) {
	image, ok, err := or(&b.change, b.change == nil, b.Store.Change)(b.ctx(ctx), key, cond, set)
	return image, ok, b.err(err)
}

func (b *badStore) Delete(ctx context.Context, key string, cond lease.Cond) (bool, error) {
	ok, err := or(&b.delete, b.delete == nil, b.Store.Delete)(b.ctx(ctx), key, cond)
	return ok, b.err(err)
}

func (b *badStore) Scan(ctx context.Context) (*lease.Snapshot, error) {
	look, err := or(&b.scan, b.scan == nil, b.Store.Scan)(b.ctx(ctx))
	if err = b.err(err); err == nil && look == nil {
		look = new(lease.Snapshot) // a nil would stop the test, not break a rule
	}
	return look, err
}

func (b *badStore) KeysOf(ctx context.Context, worker string) ([]string, error) {
	keys, err := or(&b.keysOf, b.keysOf == nil, b.Store.KeysOf)(b.ctx(ctx), worker)
	return keys, b.err(err)
}

func (b *badStore) PutWorker(ctx context.Context, w lease.Worker, over *lease.Worker) (*lease.Worker, bool, error) {
	p, ok, err := or(&b.putWorker, b.putWorker == nil, b.Store.PutWorker)(b.ctx(ctx), w, over)
	return p, ok, b.err(err)
}

func (b *badStore) DeleteWorker(ctx context.Context, id, nonce string) (bool, error) {
	ok, err := or(&b.deleteWorker, b.deleteWorker == nil, b.Store.DeleteWorker)(b.ctx(ctx), id, nonce)
	return ok, b.err(err)
}

func (b *badStore) GetLock(ctx context.Context) (*lease.Lock, error) {
	l, err := or(&b.getLock, b.getLock == nil, b.Store.GetLock)(b.ctx(ctx))
	return l, b.err(err)
}

func (b *badStore) TakeLock(ctx context.Context, l lease.Lock, seen string) (*lease.Lock, bool, error) {
	p, ok, err := or(&b.takeLock, b.takeLock == nil, b.Store.TakeLock)(b.ctx(ctx), l, seen)
	return p, ok, b.err(err)
}

func (b *badStore) RenewLock(ctx context.Context, l lease.Lock, seen string) (*lease.Lock, bool, error) {
	p, ok, err := or(&b.renewLock, b.renewLock == nil, b.Store.RenewLock)(b.ctx(ctx), l, seen)
	return p, ok, b.err(err)
}

func (b *badStore) ReleaseLock(ctx context.Context, owner, version string) (bool, error) {
	ok, err := or(&b.releaseLock, b.releaseLock == nil, b.Store.ReleaseLock)(b.ctx(ctx), owner, version)
	return ok, b.err(err)
}

func (b *badStore) GetClientVersion(ctx context.Context) (lease.ClientVersion, error) {
	v, err := or(&b.getVersion, b.getVersion == nil, b.Store.GetClientVersion)(b.ctx(ctx))
	return v, b.err(err)
}

func (b *badStore) CreateClientVersion(ctx context.Context, v lease.ClientVersion, by string, at time.Time) (bool, error) {
	ok, err := or(&b.createVersion, b.createVersion == nil, b.Store.CreateClientVersion)(b.ctx(ctx), v, by, at)
	return ok, b.err(err)
}

// A badManager is a manager with a planted defect.
type badManager struct {
	operations
	s   lease.Store // for what a defect does in place of the manager
	spy *spy        // the manager's own

	createTable func(ctx context.Context, r, w int64) (bool, error)
	exists      func(ctx context.Context) (bool, error)
	wait        func(ctx context.Context, poll, timeout time.Duration) (bool, error)
	list        func(ctx context.Context) ([]*lease.Lease, error)
	create      func(ctx context.Context, l *lease.Lease) (bool, error)
	get         func(ctx context.Context, key string) (*lease.Lease, error)
	renew       func(ctx context.Context, l *lease.Lease) (bool, error)
	take        func(ctx context.Context, l *lease.Lease, owner string) (bool, error)
	evict       func(ctx context.Context, l *lease.Lease) (bool, error)
	delete      func(ctx context.Context, l *lease.Lease) error
	deleteAll   func(ctx context.Context) error
	update      func(ctx context.Context, l *lease.Lease) (bool, error)
	empty       func(ctx context.Context) (bool, error)

	in  func(ctx context.Context) context.Context
	out func(err error) error
}

func (b *badManager) ctx(ctx context.Context) context.Context {
	if b.in != nil {
		return b.in(ctx)
	}
	return ctx
}

func (b *badManager) err(err error) error {
	if b.out != nil && err != nil {
		return b.out(err)
	}
	return err
}

func (b *badManager) CreateLeaseTableIfNotExists(ctx context.Context, r, w int64) (bool, error) {
	ok, err := or(&b.createTable, b.createTable == nil, b.operations.CreateLeaseTableIfNotExists)(b.ctx(ctx), r, w)
	return ok, b.err(err)
}

func (b *badManager) LeaseTableExists(ctx context.Context) (bool, error) {
	ok, err := or(&b.exists, b.exists == nil, b.operations.LeaseTableExists)(b.ctx(ctx))
	return ok, b.err(err)
}

func (b *badManager) WaitUntilLeaseTableExists(ctx context.Context, poll, timeout time.Duration) (bool, error) {
	ok, err := or(&b.wait, b.wait == nil, b.operations.WaitUntilLeaseTableExists)(b.ctx(ctx), poll, timeout)
	return ok, b.err(err)
}

func (b *badManager) ListLeases(ctx context.Context) ([]*lease.Lease, error) {
	all, err := or(&b.list, b.list == nil, b.operations.ListLeases)(b.ctx(ctx))
	return all, b.err(err)
}

func (b *badManager) CreateLeaseIfNotExists(ctx context.Context, l *lease.Lease) (bool, error) {
	ok, err := or(&b.create, b.create == nil, b.operations.CreateLeaseIfNotExists)(b.ctx(ctx), l)
	return ok, b.err(err)
}

func (b *badManager) GetLease(ctx context.Context, key string) (*lease.Lease, error) {
	l, err := or(&b.get, b.get == nil, b.operations.GetLease)(b.ctx(ctx), key)
	return l, b.err(err)
}

func (b *badManager) RenewLease(ctx context.Context, l *lease.Lease) (bool, error) {
	ok, err := or(&b.renew, b.renew == nil, b.operations.RenewLease)(b.ctx(ctx), l)
	return ok, b.err(err)
}

func (b *badManager) TakeLease(ctx context.Context, l *lease.Lease, owner string) (bool, error) {
	ok, err := or(&b.take, b.take == nil, b.operations.TakeLease)(b.ctx(ctx), l, owner)
	return ok, b.err(err)
}

func (b *badManager) EvictLease(ctx context.Context, l *lease.Lease) (bool, error) {
	ok, err := or(&b.evict, b.evict == nil, b.operations.EvictLease)(b.ctx(ctx), l)
	return ok, b.err(err)
}

func (b *badManager) DeleteLease(ctx context.Context, l *lease.Lease) error {
	return b.err(or(&b.delete, b.delete == nil, b.operations.DeleteLease)(b.ctx(ctx), l))
}

func (b *badManager) DeleteAll(ctx context.Context) error {
	return b.err(or(&b.deleteAll, b.deleteAll == nil, b.operations.DeleteAll)(b.ctx(ctx)))
}

func (b *badManager) UpdateLease(ctx context.Context, l *lease.Lease) (bool, error) {
	ok, err := or(&b.update, b.update == nil, b.operations.UpdateLease)(b.ctx(ctx), l)
	return ok, b.err(err)
}

func (b *badManager) IsLeaseTableEmpty(ctx context.Context) (bool, error) {
	ok, err := or(&b.empty, b.empty == nil, b.operations.IsLeaseTableEmpty)(b.ctx(ctx))
	return ok, b.err(err)
}
