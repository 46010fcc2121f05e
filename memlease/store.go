package memlease

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// The keys of the rows that are there once, as Java KCL names them. A worker
// or a lease cannot use them.
const (
	lockKey    = "Leader"
	versionKey = "Migration3.0"
)

// A Store is a lease table in memory. All workers of an application share one
// Store. It is safe for concurrent use.
type Store struct {
	app string

	mu    sync.Mutex // guards everything below
	table lease.Table
	rows  map[string]row
	// index has the keys of the leases that name an owner.
	index map[string]map[string]struct{}
}

// A row has exactly one field that is not nil.
type row struct {
	lease      *lease.Lease
	worker     *lease.Worker
	lock       *lease.Lock
	version    *lease.ClientVersion
	unreadable *lease.UnreadableError
}

var _ lease.Store = (*Store)(nil)

// New returns the store of the application app, whose table exists, is active
// and empty.
func New(app string) *Store {
	s := NewMissing(app)
	s.table = lease.Table{Status: lease.Active, Index: lease.Active}
	return s
}

// NewMissing returns the store of the application app, whose table does not
// exist: CreateTable makes it, and it is active at once.
func NewMissing(app string) *Store {
	s := &Store{app: app}
	s.clear()
	return s
}

// Name returns the name of the application.
func (s *Store) Name() string { return s.app }

func (s *Store) clear() {
	s.table = lease.Table{}
	s.rows = map[string]row{}
	s.index = map[string]map[string]struct{}{}
}

// begin locks the store for an operation on its rows. Unless it returns an
// error, the caller unlocks.
func (s *Store) begin(ctx context.Context, op, key string) error {
	if err := live(ctx, op, key); err != nil {
		return err
	}
	s.mu.Lock()
	if !s.table.Usable() {
		defer s.mu.Unlock()
		return &lease.Error{Op: op, Key: key, Kind: lease.ErrInvalidState, Err: fmt.Errorf("table %q is %v", s.app, s.table.Status)}
	}
	return nil
}

// live returns an error if ctx is done.
func live(ctx context.Context, op, key string) error {
	err := ctx.Err()
	if err == nil {
		return nil
	}
	return &lease.Error{Op: op, Key: key, Kind: lease.ErrDependency, Retryable: errors.Is(err, context.DeadlineExceeded), Err: err}
}

// CreateTable implements [lease.Store]. The capacities are not looked at.
func (s *Store) CreateTable(ctx context.Context, _, _ int64) (bool, error) {
	if err := live(ctx, "create table", ""); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.table.Status != lease.Missing {
		return false, nil
	}
	s.table = lease.Table{Status: lease.Active, Index: lease.Active}
	return true, nil
}

// DescribeTable implements [lease.Store].
func (s *Store) DescribeTable(ctx context.Context) (lease.Table, error) {
	if err := live(ctx, "describe table", ""); err != nil {
		return lease.Table{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.table, nil
}

// CreateIndex implements [lease.Store]. The index is active at once.
func (s *Store) CreateIndex(ctx context.Context) error {
	if err := s.begin(ctx, "create index", ""); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if s.table.Index == lease.Missing {
		s.table.Index = lease.Active
	}
	return nil
}

// Scan implements [lease.Store]. Everything is sorted by key.
func (s *Store) Scan(ctx context.Context) (*lease.Snapshot, error) {
	if err := s.begin(ctx, "scan table", ""); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	look := &lease.Snapshot{}
	for _, key := range slices.Sorted(maps.Keys(s.rows)) {
		switch r := s.rows[key]; {
		case r.lease != nil:
			look.Leases = append(look.Leases, r.lease.Clone())
		case r.worker != nil:
			look.Workers = append(look.Workers, *r.worker)
		case r.lock != nil:
			look.Lock = new(*r.lock)
		case r.version != nil:
			look.Version = *r.version
		case r.unreadable != nil:
			look.Unreadable = append(look.Unreadable, *r.unreadable)
		}
	}
	return look, nil
}

// KeysOf implements [lease.Store]. The keys are sorted, and never old.
func (s *Store) KeysOf(ctx context.Context, worker string) ([]string, error) {
	const op = "query owner index"
	if err := s.begin(ctx, op, worker); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	if err := lease.CheckKey(worker); err != nil {
		return nil, invalid(op, worker, err)
	}
	if s.table.Index != lease.Active {
		return nil, &lease.Error{Op: op, Key: worker, Kind: lease.ErrDependency, Err: fmt.Errorf("index is %v", s.table.Index)}
	}
	return slices.Sorted(maps.Keys(s.index[worker])), nil
}

// PutWorker implements [lease.Store].
func (s *Store) PutWorker(ctx context.Context, w lease.Worker, over *lease.Worker) (*lease.Worker, bool, error) {
	const op = "put worker"
	if err := s.begin(ctx, op, w.ID); err != nil {
		return nil, false, err
	}
	defer s.mu.Unlock()
	if err := lease.CheckWorker(w.ID); err != nil {
		return nil, false, invalid(op, w.ID, err)
	}
	r, ok := s.rows[w.ID]
	if ok && r.worker == nil {
		return nil, false, invalid(op, w.ID, errors.New("the name cannot be used for a worker"))
	}
	w.Reported = w.Reported.Truncate(time.Second)
	if old := r.worker; old != nil && old.Nonce != w.Nonce &&
		(over == nil || old.Nonce != over.Nonce || old.Reported.Unix() != over.Reported.Unix()) {
		return new(*old), false, nil
	}
	s.rows[w.ID] = row{worker: &w}
	return new(w), true, nil
}

// DeleteWorker implements [lease.Store].
func (s *Store) DeleteWorker(ctx context.Context, id, nonce string) (bool, error) {
	const op = "delete worker"
	if err := s.begin(ctx, op, id); err != nil {
		return false, err
	}
	defer s.mu.Unlock()
	if err := lease.CheckKey(id); err != nil {
		return false, invalid(op, id, err)
	}
	w := s.rows[id].worker
	if w != nil && w.Nonce != nonce {
		return false, nil
	}
	if w != nil {
		delete(s.rows, id)
	}
	return true, nil
}

// GetClientVersion implements [lease.Store].
func (s *Store) GetClientVersion(ctx context.Context) (lease.ClientVersion, error) {
	if err := s.begin(ctx, "get client version", ""); err != nil {
		return "", err
	}
	defer s.mu.Unlock()
	if v := s.rows[versionKey].version; v != nil {
		return *v, nil
	}
	return "", nil
}

// CreateClientVersion implements [lease.Store].
func (s *Store) CreateClientVersion(ctx context.Context, v lease.ClientVersion, _ string, _ time.Time) (bool, error) {
	if err := s.begin(ctx, "create client version", ""); err != nil {
		return false, err
	}
	defer s.mu.Unlock()
	if _, ok := s.rows[versionKey]; ok {
		return false, nil
	}
	s.rows[versionKey] = row{version: &v}
	return true, nil
}

func invalid(op, key string, err error) error {
	return &lease.Error{Op: op, Key: key, Kind: lease.ErrDependency, Err: err}
}
