package leasehold_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leasehold/leasehold"
	"github.com/leasehold/leasehold/internal/consume/memstream"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/memlease"
)

// errAway is the failure of a store that cannot be reached.
func errAway(op string) error {
	return &lease.Error{Op: op, Kind: lease.ErrDependency, Retryable: true, Err: errors.New("connection refused")}
}

// store is a lease.Store that asks before each call whether it may be made.
type store struct {
	inner *memlease.Store
	// version, if set, is what the fleet's client version has become.
	version atomic.Pointer[lease.ClientVersion]

	mu     sync.Mutex // guards what follows
	before func(ctx context.Context, op string) error
	calls  []string
}

var _ lease.Store = (*store)(nil)

func (s *store) enter(ctx context.Context, op string) error {
	s.mu.Lock()
	s.calls = append(s.calls, op)
	before := s.before
	s.mu.Unlock()
	if before != nil {
		return before(ctx, op)
	}
	return nil
}

// ask has f asked before each call: it may wait, and may refuse the call.
func (s *store) ask(f func(ctx context.Context, op string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = f
}

func (s *store) made() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Name is the application's, and so that of its table.
func (s *store) Name() string { return fixtureApp }

func (s *store) CreateTable(ctx context.Context, r, w int64) (bool, error) {
	if err := s.enter(ctx, "CreateTable"); err != nil {
		return false, err
	}
	return s.inner.CreateTable(ctx, r, w)
}

func (s *store) DescribeTable(ctx context.Context) (lease.Table, error) {
	if err := s.enter(ctx, "DescribeTable"); err != nil {
		return lease.Table{}, err
	}
	return s.inner.DescribeTable(ctx)
}

func (s *store) CreateIndex(ctx context.Context) error {
	if err := s.enter(ctx, "CreateIndex"); err != nil {
		return err
	}
	return s.inner.CreateIndex(ctx)
}

func (s *store) Get(ctx context.Context, key string) (*lease.Lease, error) {
	if err := s.enter(ctx, "Get"); err != nil {
		return nil, err
	}
	return s.inner.Get(ctx, key)
}

func (s *store) Create(ctx context.Context, l lease.Lease) (lease.Lease, bool, error) {
	if err := s.enter(ctx, "Create"); err != nil {
		return lease.Lease{}, false, err
	}
	return s.inner.Create(ctx, l)
}

func (s *store) Change(ctx context.Context, key string, c lease.Cond, set lease.Set) (lease.Lease, bool, error) {
	if err := s.enter(ctx, "Change"); err != nil {
		return lease.Lease{}, false, err
	}
	return s.inner.Change(ctx, key, c, set)
}

func (s *store) Delete(ctx context.Context, key string, c lease.Cond) (bool, error) {
	if err := s.enter(ctx, "Delete"); err != nil {
		return false, err
	}
	return s.inner.Delete(ctx, key, c)
}

func (s *store) Scan(ctx context.Context) (*lease.Snapshot, error) {
	if err := s.enter(ctx, "Scan"); err != nil {
		return nil, err
	}
	return s.inner.Scan(ctx)
}

func (s *store) KeysOf(ctx context.Context, worker string) ([]string, error) {
	if err := s.enter(ctx, "KeysOf"); err != nil {
		return nil, err
	}
	return s.inner.KeysOf(ctx, worker)
}

func (s *store) PutWorker(ctx context.Context, w lease.Worker, over *lease.Worker) (*lease.Worker, bool, error) {
	if err := s.enter(ctx, "PutWorker"); err != nil {
		return nil, false, err
	}
	return s.inner.PutWorker(ctx, w, over)
}

func (s *store) DeleteWorker(ctx context.Context, id, nonce string) (bool, error) {
	if err := s.enter(ctx, "DeleteWorker"); err != nil {
		return false, err
	}
	return s.inner.DeleteWorker(ctx, id, nonce)
}

func (s *store) GetLock(ctx context.Context) (*lease.Lock, error) {
	if err := s.enter(ctx, "GetLock"); err != nil {
		return nil, err
	}
	return s.inner.GetLock(ctx)
}

func (s *store) TakeLock(ctx context.Context, l lease.Lock, seen string) (*lease.Lock, bool, error) {
	if err := s.enter(ctx, "TakeLock"); err != nil {
		return nil, false, err
	}
	return s.inner.TakeLock(ctx, l, seen)
}

func (s *store) RenewLock(ctx context.Context, l lease.Lock, seen string) (*lease.Lock, bool, error) {
	if err := s.enter(ctx, "RenewLock"); err != nil {
		return nil, false, err
	}
	return s.inner.RenewLock(ctx, l, seen)
}

func (s *store) ReleaseLock(ctx context.Context, owner, version string) (bool, error) {
	if err := s.enter(ctx, "ReleaseLock"); err != nil {
		return false, err
	}
	return s.inner.ReleaseLock(ctx, owner, version)
}

func (s *store) GetClientVersion(ctx context.Context) (lease.ClientVersion, error) {
	if err := s.enter(ctx, "GetClientVersion"); err != nil {
		return "", err
	}
	if v := s.version.Load(); v != nil {
		return *v, nil
	}
	return s.inner.GetClientVersion(ctx)
}

func (s *store) CreateClientVersion(ctx context.Context, v lease.ClientVersion, by string, at time.Time) (bool, error) {
	if err := s.enter(ctx, "CreateClientVersion"); err != nil {
		return false, err
	}
	return s.inner.CreateClientVersion(ctx, v, by, at)
}

// fixture is a stream, a table and what workers did with them.
type fixture struct {
	t      *testing.T
	stream *memstream.Stream
	store  *store
	log    *logs
	handle func(ctx context.Context, b *leasehold.Batch) error

	mu   sync.Mutex // guards seen
	seen map[string][]string
}

const fixtureApp = "orders-mailer"

func newFixture(t *testing.T, shards int) *fixture {
	return &fixture{
		t:      t,
		stream: memstream.New("orders", shards),
		store:  &store{inner: memlease.New(fixtureApp)},
		log:    &logs{},
		seen:   make(map[string][]string),
	}
}

func (f *fixture) config(name string) leasehold.Config {
	return leasehold.Config{
		Stream:  f.stream,
		Leases:  f.store,
		Worker:  name,
		Logger:  slog.New(slog.NewTextHandler(f.log, nil)),
		Handler: leasehold.HandlerFunc(f.record),
	}
}

func (f *fixture) record(ctx context.Context, b *leasehold.Batch) error {
	f.mu.Lock()
	for _, r := range b.Records {
		f.seen[b.Shard.ID] = append(f.seen[b.Shard.ID], string(r.Data))
	}
	f.mu.Unlock()
	if f.handle != nil {
		return f.handle(ctx, b)
	}
	return nil
}

// got returns the records of the i-th shard in the order of their delivery.
func (f *fixture) got(i int) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.seen[memstream.ID(i)], " ")
}

func (f *fixture) want(i int, want string) {
	f.t.Helper()
	if got := f.got(i); got != want {
		f.t.Errorf("shard %d delivered %q, want %q", i, got, want)
	}
}

// lease returns the stored lease of the i-th shard.
func (f *fixture) lease(i int) lease.Lease {
	f.t.Helper()
	l, err := f.store.inner.Get(context.Background(), memstream.ID(i))
	if err != nil || l == nil {
		f.t.Fatalf("lease %d: got %v, %v", i, l, err)
	}
	return *l
}

// running is a worker in a goroutine.
type running struct {
	t    *testing.T
	end  context.CancelFunc
	done chan error
}

func (f *fixture) start(cfg leasehold.Config) *running {
	f.t.Helper()
	w, err := leasehold.New(cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: f.t, end: cancel, done: make(chan error, 1)}
	go func() { r.done <- w.Run(ctx) }()
	return r
}

// stop stops the worker and wants it to return nil.
func (r *running) stop() {
	r.t.Helper()
	r.end()
	if err := <-r.done; err != nil {
		r.t.Errorf("Run: %v", err)
	}
}

// logs keeps what was logged.
type logs struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// count returns how many lines have all the parts.
func (l *logs) count(parts ...string) int {
	n := 0
	for line := range strings.Lines(l.String()) {
		if !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(line, p) }) {
			n++
		}
	}
	return n
}
