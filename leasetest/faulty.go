package leasetest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// A Faulty store does what the Store in it does, until it is told to fail.
// It is a [Throttler], a [Failer], a [ReplyLoser], a [ScanBreaker] and a
// [Hanger], in which each call is one request, and a [CauseFinder]. It is safe
// for concurrent use.
type Faulty struct {
	lease.Store

	mu       sync.Mutex // guards what follows
	throttle int
	fail     int
	lose     int
	hang     int
	scan     bool
}

// NewFaulty returns a store that does what s does.
func NewFaulty(s lease.Store) *Faulty { return &Faulty{Store: s} }

// Throttle implements [Throttler].
func (f *Faulty) Throttle(calls int) { f.set(&f.throttle, calls) }

// Fail implements [Failer].
func (f *Faulty) Fail(calls int) { f.set(&f.fail, calls) }

// LoseReplies implements [ReplyLoser].
func (f *Faulty) LoseReplies(writes int) { f.set(&f.lose, writes) }

// Hang implements [Hanger].
func (f *Faulty) Hang(calls int) { f.set(&f.hang, calls) }

// BreakScan implements [ScanBreaker].
func (f *Faulty) BreakScan() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scan = true
}

func (f *Faulty) set(n *int, value int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	*n = value
}

// spend reports whether n is not used up, and uses one.
func (f *Faulty) spend(n *int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if *n == 0 {
		return false
	}
	*n--
	return true
}

// The causes of the errors that a Faulty store makes.
var (
	errThrottled = errors.New("the rate of requests is too high")
	errInternal  = errors.New("internal server error")
	errReply     = errors.New("connection reset by peer")
)

// FindCause implements [CauseFinder]. Where there is no table, the cause is
// whatever the Store gave as one.
func (f *Faulty) FindCause(err error) error {
	for _, cause := range []error{errThrottled, errInternal, errReply} {
		if errors.Is(err, cause) {
			return cause
		}
	}
	if e, ok := errors.AsType[*lease.Error](err); ok && e.Kind == lease.ErrInvalidState {
		return e.Err
	}
	return nil
}

func (f *Faulty) read(ctx context.Context, op, key string, call func() error) error {
	switch {
	case ctx.Err() != nil: // the store's own error
	case f.spend(&f.hang):
		<-ctx.Done() // and then the store's own error
	case f.spend(&f.throttle):
		return &lease.Error{Op: op, Key: key, Kind: lease.ErrProvisionedThroughput, Retryable: true, Err: errThrottled}
	case f.spend(&f.fail):
		return &lease.Error{Op: op, Key: key, Kind: lease.ErrDependency, Retryable: true, Err: errInternal}
	}
	return call()
}

func (f *Faulty) write(ctx context.Context, op, key string, call func() error) error {
	return f.read(ctx, op, key, func() error {
		err := call()
		if f.spend(&f.lose) {
			return &lease.Error{Op: op, Key: key, Kind: lease.ErrDependency, Retryable: true, Err: errReply}
		}
		return err
	})
}

// CreateTable implements [lease.Store].
func (f *Faulty) CreateTable(ctx context.Context, readCapacity, writeCapacity int64) (bool, error) {
	var created bool
	err := f.write(ctx, "create table", "", func() (err error) {
		created, err = f.Store.CreateTable(ctx, readCapacity, writeCapacity)
		return err
	})
	return created && err == nil, err
}

// DescribeTable implements [lease.Store].
func (f *Faulty) DescribeTable(ctx context.Context) (table lease.Table, err error) {
	err = f.read(ctx, "describe table", "", func() (err error) {
		table, err = f.Store.DescribeTable(ctx)
		return err
	})
	return table, err
}

// CreateIndex implements [lease.Store].
func (f *Faulty) CreateIndex(ctx context.Context) error {
	return f.write(ctx, "create index", "", func() error { return f.Store.CreateIndex(ctx) })
}

// Get implements [lease.Store].
func (f *Faulty) Get(ctx context.Context, key string) (l *lease.Lease, err error) {
	err = f.read(ctx, "get lease", key, func() (err error) {
		l, err = f.Store.Get(ctx, key)
		return err
	})
	return l, err
}

// changed is the result of a write of a lease.
func (f *Faulty) changed(ctx context.Context, op, key string, call func() (lease.Lease, bool, error)) (lease.Lease, bool, error) {
	var image lease.Lease
	var applied bool
	err := f.write(ctx, op, key, func() (err error) {
		image, applied, err = call()
		return err
	})
	if err != nil {
		return lease.Lease{}, false, err
	}
	return image, applied, nil
}

// Create implements [lease.Store].
func (f *Faulty) Create(ctx context.Context, l lease.Lease) (lease.Lease, bool, error) {
	return f.changed(ctx, "create lease", l.Key, func() (lease.Lease, bool, error) { return f.Store.Create(ctx, l) })
}

// Change implements [lease.Store].
func (f *Faulty) Change(ctx context.Context, key string, cond lease.Cond, set lease.Set) (lease.Lease, bool, error) {
	return f.changed(ctx, "change lease", key, func() (lease.Lease, bool, error) { return f.Store.Change(ctx, key, cond, set) })
}

// applied is the result of a write that has no image.
func (f *Faulty) applied(ctx context.Context, op, key string, call func() (bool, error)) (bool, error) {
	var applied bool
	err := f.write(ctx, op, key, func() (err error) {
		applied, err = call()
		return err
	})
	return applied && err == nil, err
}

// Delete implements [lease.Store].
func (f *Faulty) Delete(ctx context.Context, key string, cond lease.Cond) (bool, error) {
	return f.applied(ctx, "delete lease", key, func() (bool, error) { return f.Store.Delete(ctx, key, cond) })
}

// Scan implements [lease.Store].
func (f *Faulty) Scan(ctx context.Context) (look *lease.Snapshot, err error) {
	err = f.read(ctx, "scan table", "", func() (err error) {
		f.mu.Lock()
		breaks := f.scan
		f.scan = false
		f.mu.Unlock()
		if breaks {
			return &lease.Error{Op: "scan table", Kind: lease.ErrDependency, Err: errInternal}
		}
		look, err = f.Store.Scan(ctx)
		return err
	})
	return look, err
}

// KeysOf implements [lease.Store].
func (f *Faulty) KeysOf(ctx context.Context, worker string) (keys []string, err error) {
	err = f.read(ctx, "query owner index", worker, func() (err error) {
		keys, err = f.Store.KeysOf(ctx, worker)
		return err
	})
	return keys, err
}

// PutWorker implements [lease.Store].
func (f *Faulty) PutWorker(ctx context.Context, w lease.Worker, over *lease.Worker) (*lease.Worker, bool, error) {
	var present *lease.Worker
	applied, err := f.applied(ctx, "put worker", w.ID, func() (applied bool, err error) {
		present, applied, err = f.Store.PutWorker(ctx, w, over)
		return applied, err
	})
	if err != nil {
		return nil, false, err
	}
	return present, applied, nil
}

// DeleteWorker implements [lease.Store].
func (f *Faulty) DeleteWorker(ctx context.Context, id, nonce string) (bool, error) {
	return f.applied(ctx, "delete worker", id, func() (bool, error) { return f.Store.DeleteWorker(ctx, id, nonce) })
}

// GetLock implements [lease.Store].
func (f *Faulty) GetLock(ctx context.Context) (l *lease.Lock, err error) {
	err = f.read(ctx, "get lock", "", func() (err error) {
		l, err = f.Store.GetLock(ctx)
		return err
	})
	return l, err
}

// locked is the result of a write of the lock.
func (f *Faulty) locked(ctx context.Context, op string, call func() (*lease.Lock, bool, error)) (*lease.Lock, bool, error) {
	var present *lease.Lock
	var applied bool
	err := f.write(ctx, op, "", func() (err error) {
		present, applied, err = call()
		return err
	})
	if err != nil {
		return nil, false, err
	}
	return present, applied, nil
}

// TakeLock implements [lease.Store].
func (f *Faulty) TakeLock(ctx context.Context, l lease.Lock, seen string) (*lease.Lock, bool, error) {
	return f.locked(ctx, "take lock", func() (*lease.Lock, bool, error) { return f.Store.TakeLock(ctx, l, seen) })
}

// RenewLock implements [lease.Store].
func (f *Faulty) RenewLock(ctx context.Context, l lease.Lock, seen string) (*lease.Lock, bool, error) {
	return f.locked(ctx, "renew lock", func() (*lease.Lock, bool, error) { return f.Store.RenewLock(ctx, l, seen) })
}

// ReleaseLock implements [lease.Store].
func (f *Faulty) ReleaseLock(ctx context.Context, owner, version string) (bool, error) {
	return f.applied(ctx, "release lock", "", func() (bool, error) { return f.Store.ReleaseLock(ctx, owner, version) })
}

// GetClientVersion implements [lease.Store].
func (f *Faulty) GetClientVersion(ctx context.Context) (v lease.ClientVersion, err error) {
	err = f.read(ctx, "get client version", "", func() (err error) {
		v, err = f.Store.GetClientVersion(ctx)
		return err
	})
	return v, err
}

// CreateClientVersion implements [lease.Store].
func (f *Faulty) CreateClientVersion(ctx context.Context, v lease.ClientVersion, by string, at time.Time) (bool, error) {
	return f.applied(ctx, "create client version", "", func() (bool, error) { return f.Store.CreateClientVersion(ctx, v, by, at) })
}
