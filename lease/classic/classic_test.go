package classic_test

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/lease/classic"
	"github.com/leasehold/leasehold/leasetest"
	"github.com/leasehold/leasehold/memlease"
)

// original is the contract as programs have it that were written against it:
// the same signatures, under their own types.
type original interface {
	CreateLeaseTableIfNotExists(readCapacity, writeCapacity int64) (bool, error)
	LeaseTableExists() (bool, error)
	WaitUntilLeaseTableExists(secondsBetweenPolls, timeoutSeconds int64) (bool, error)
	ListLeases() ([]classic.ILease, error)
	CreateLeaseIfNotExists(lease classic.ILease) (bool, error)
	GetLease(shardId string) (classic.ILease, error)
	RenewLease(lease classic.ILease) (bool, error)
	TakeLease(lease classic.ILease, owner string) (bool, error)
	EvictLease(lease classic.ILease) (bool, error)
	DeleteLease(lease classic.ILease) error
	DeleteAll() error
	UpdateLease(lease classic.ILease) (bool, error)
	IsLeaseTableEmpty() (bool, error)
}

type originalLease interface {
	GetLeaseKey() string
	SetLeaseKey(leaseKey string) error
	GetLeaseOwner() string
	SetLeaseOwner(leaseOwner string)
	GetLeaseCounter() int64
	SetLeaseCounter(leaseCounter int64)
	GetConcurrencyToken() string
	SetConcurrencyToken(concurrencyToken string)
	GetLastCounterIncrementNanos() int64
	SetLastCounterIncrementNanos(lastCounterIncrementNanos int64)
	IsExpired(leaseDurationNanos, asOfNanos int64) bool
}

// Assignable both ways: no method is missing, and none is more.
var (
	_ original              = classic.ILeaseManager(nil)
	_ classic.ILeaseManager = original(nil)
	_ originalLease         = classic.ILease(nil)
	_ classic.ILease        = originalLease(nil)
)

// program is a program written against the original contract: it creates what
// is missing, takes what nobody owns, renews and evicts.
func program(m original, shards []string, worker string) (counters map[string]int64, err error) {
	if _, err := m.CreateLeaseTableIfNotExists(10, 10); err != nil {
		return nil, err
	}
	if ok, err := m.WaitUntilLeaseTableExists(1, 60); !ok || err != nil {
		return nil, fmt.Errorf("no table: %w", err)
	}
	for _, shard := range shards {
		if _, err := m.CreateLeaseIfNotExists(classic.NewLease(shard, lease.TrimHorizon)); err != nil {
			return nil, err
		}
	}
	leases, err := m.ListLeases()
	if err != nil {
		return nil, err
	}
	counters = map[string]int64{}
	for _, l := range leases {
		if l.GetLeaseOwner() != "" {
			continue
		}
		for _, step := range []func() (bool, error){
			func() (bool, error) { return m.TakeLease(l, worker) },
			func() (bool, error) { return m.RenewLease(l) },
			func() (bool, error) {
				l.(*classic.Lease).Checkpoint = lease.ShardEnd
				return m.UpdateLease(l)
			},
			func() (bool, error) { return m.EvictLease(l) },
		} {
			if ok, err := step(); !ok || err != nil {
				return nil, fmt.Errorf("lease %s: %v, %w", l.GetLeaseKey(), ok, err)
			}
		}
		counters[l.GetLeaseKey()] = l.GetLeaseCounter()
	}
	return counters, nil
}

func TestProgramOfTheOriginalContract(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := classic.New(lease.NewManager(memlease.NewMissing("app")))
		if exists, err := m.LeaseTableExists(); exists || err != nil {
			t.Errorf("LeaseTableExists before: got %v, %v, want false, nil", exists, err)
		}
		counters, err := program(m, []string{"s0", "s1"}, "w")
		if err != nil {
			t.Fatal(err)
		}
		for _, shard := range []string{"s0", "s1"} {
			l, err := m.GetLease(shard)
			if err != nil || l == nil {
				t.Fatalf("GetLease(%q): got %v, %v", shard, l, err)
			}
			if counters[shard] != 4 || l.GetLeaseCounter() != 4 || l.GetLeaseOwner() != "" {
				t.Errorf("%s: counter %d and %d stored, owner %q, want 4, 4 and nobody", shard, counters[shard], l.GetLeaseCounter(), l.GetLeaseOwner())
			}
			if c := l.(*classic.Lease).Checkpoint; c != lease.ShardEnd {
				t.Errorf("%s: checkpoint %v, want %v", shard, c, lease.ShardEnd)
			}
		}
		if empty, err := m.IsLeaseTableEmpty(); empty || err != nil {
			t.Errorf("IsLeaseTableEmpty: got %v, %v, want false, nil", empty, err)
		}
		s0, _ := m.GetLease("s0")
		if err := m.DeleteLease(s0); err != nil {
			t.Errorf("DeleteLease: got %v, want nil", err)
		}
		if l, err := m.GetLease("s0"); l != nil || err != nil {
			t.Errorf("GetLease after DeleteLease: got %v, %v, want nil, nil", l, err)
		}
		if err := m.DeleteAll(); err != nil {
			t.Errorf("DeleteAll: got %v, want nil", err)
		}
		if empty, err := m.IsLeaseTableEmpty(); !empty || err != nil {
			t.Errorf("IsLeaseTableEmpty after DeleteAll: got %v, %v, want true, nil", empty, err)
		}
	})
}

// named embeds a lease, and other knows only what the interface has.
type named struct {
	*classic.Lease
	name string
}

type other struct {
	key, owner, token string
	counter, nanos    int64
}

func (o *other) GetLeaseKey() string                  { return o.key }
func (o *other) SetLeaseKey(k string) error           { o.key = k; return nil }
func (o *other) GetLeaseOwner() string                { return o.owner }
func (o *other) SetLeaseOwner(s string)               { o.owner = s }
func (o *other) GetLeaseCounter() int64               { return o.counter }
func (o *other) SetLeaseCounter(n int64)              { o.counter = n }
func (o *other) GetConcurrencyToken() string          { return o.token }
func (o *other) SetConcurrencyToken(s string)         { o.token = s }
func (o *other) GetLastCounterIncrementNanos() int64  { return o.nanos }
func (o *other) SetLastCounterIncrementNanos(n int64) { o.nanos = n }
func (o *other) IsExpired(duration, asOf int64) bool  { return asOf-o.nanos > duration }

func TestOtherLeases(t *testing.T) {
	m := classic.New(lease.NewManager(memlease.New("app")))
	n := named{classic.NewLease("k", lease.Latest), "n"}
	if ok, err := m.CreateLeaseIfNotExists(n); !ok || err != nil {
		t.Fatalf("CreateLeaseIfNotExists of a lease that embeds one: got %v, %v, want true, nil", ok, err)
	}
	if ok, err := m.TakeLease(n, "a"); !ok || err != nil || n.Owner != "a" || n.Counter != 1 {
		t.Errorf("TakeLease of it: got %v, %v, owner %q, counter %d, want true, nil, a, 1", ok, err, n.Owner, n.Counter)
	}
	o := &other{key: "k", owner: "a", counter: 1}
	if ok, err := m.RenewLease(o); !ok || err != nil || o.counter != 2 {
		t.Errorf("RenewLease of another implementation: got %v, %v, counter %d, want true, nil, 2", ok, err, o.counter)
	}
	if ok, err := m.RenewLease(n); ok || err != nil || n.Counter != 1 {
		t.Errorf("RenewLease with the old counter: got %v, %v, counter %d, want false, nil, 1", ok, err, n.Counter)
	}
	if ok, err := m.EvictLease(o); !ok || err != nil || o.owner != "" || o.counter != 3 {
		t.Errorf("EvictLease: got %v, %v, owner %q, counter %d, want true, nil, nobody, 3", ok, err, o.owner, o.counter)
	}
	for _, l := range []classic.ILease{nil, (*classic.Lease)(nil), o} {
		ok, err := m.UpdateLease(l)
		if _, is := errors.AsType[*classic.LeasingDependencyError](err); ok || !is {
			t.Errorf("UpdateLease of %v, which has no checkpoint: got %v, %v, want false and a dependency error", l, ok, err)
		}
	}
}

func TestErrors(t *testing.T) {
	mem := memlease.New("app")
	store := leasetest.NewFaulty(mem)
	inner := lease.NewManager(store)
	inner.Backoff = time.Nanosecond
	m := classic.New(inner)
	l := classic.NewLease("k", lease.Latest)
	if _, err := m.CreateLeaseIfNotExists(l); err != nil {
		t.Fatal(err)
	}

	store.Throttle(1000)
	_, err := m.RenewLease(l)
	if _, ok := errors.AsType[*classic.ProvisionedThroughputError](err); !ok || !errors.Is(err, lease.ErrProvisionedThroughput) {
		t.Errorf("throttled: got %v, want a ProvisionedThroughputError", err)
	}
	store.Throttle(0)
	store.Fail(1000)
	_, err = m.ListLeases()
	if _, ok := errors.AsType[*classic.LeasingDependencyError](err); !ok || !errors.Is(err, lease.ErrDependency) {
		t.Errorf("failed: got %v, want a LeasingDependencyError", err)
	}
	store.Fail(0)
	mem.Drop()
	_, err = m.GetLease("k")
	if _, ok := errors.AsType[*classic.LeasingInvalidStateError](err); !ok || !errors.Is(err, lease.ErrInvalidState) {
		t.Errorf("no table: got %v, want a LeasingInvalidStateError", err)
	}
}

// A renewal that was given up without a reply is known by the next one, since
// the manager is passed the same lease.
func TestLostReplies(t *testing.T) {
	store := leasetest.NewFaulty(memlease.New("app"))
	inner := lease.NewManager(store)
	inner.Backoff = time.Nanosecond
	m := classic.New(inner)
	l := classic.NewLease("k", lease.Latest)
	if _, err := m.CreateLeaseIfNotExists(l); err != nil {
		t.Fatal(err)
	}
	store.LoseReplies(1000)
	if ok, err := m.RenewLease(l); ok || err == nil {
		t.Fatalf("RenewLease without replies: got %v, %v, want an error", ok, err)
	}
	store.LoseReplies(0)
	if ok, err := m.RenewLease(l); !ok || err != nil || l.Counter != 1 {
		t.Errorf("RenewLease again: got %v, %v, counter %d, want true, nil, 1", ok, err, l.Counter)
	}
}

func TestLeaseKeyIsSetOnce(t *testing.T) {
	l := &classic.Lease{}
	for _, tt := range []struct {
		key string
		ok  bool
	}{{"a", true}, {"a", true}, {"b", false}, {"", false}} {
		if err := l.SetLeaseKey(tt.key); (err == nil) != tt.ok {
			t.Errorf("SetLeaseKey(%q): got %v, want success %v", tt.key, err, tt.ok)
		}
	}
	if l.GetLeaseKey() != "a" {
		t.Errorf("key: got %q, want a", l.GetLeaseKey())
	}
}

func TestIsExpired(t *testing.T) {
	const year = int64(365 * 24 * time.Hour)
	for _, tt := range []struct {
		name           string
		seen           *int64
		duration, asOf int64
		want           bool
	}{
		{"never seen to move", nil, math.MaxInt64, 0, true},
		{"age is the duration", new(int64(100)), 10, 110, false},
		{"a nanosecond more", new(int64(100)), 10, 111, true},
		{"seen in the future", new(int64(100)), 10, 50, false},
		{"seen at 0", new(int64(0)), 10, 11, true},
		{"a year old", new(int64(0)), math.MaxInt64, year, false},
		{"more than a year old", new(int64(0)), math.MaxInt64, year + 1, true},
		{"more than a year in the future", new(year + 1), math.MaxInt64, 0, true},
		{"clock wrapped", new(int64(math.MaxInt64)), math.MaxInt64, math.MinInt64 + 5, true},
	} {
		l := classic.NewLease("k", lease.Latest)
		if tt.seen != nil {
			l.SetLastCounterIncrementNanos(*tt.seen)
		}
		if got := l.IsExpired(tt.duration, tt.asOf); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func ExampleNew() {
	m := classic.New(lease.NewManager(memlease.New("app")))
	m.CreateLeaseIfNotExists(classic.NewLease("shardId-000000000000", lease.TrimHorizon))

	l, _ := m.GetLease("shardId-000000000000")
	ok, err := m.TakeLease(l, "worker-1")
	fmt.Println(ok, err, l.GetLeaseOwner(), l.GetLeaseCounter())
	// Output: true <nil> worker-1 1
}
