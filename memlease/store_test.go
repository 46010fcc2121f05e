package memlease_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/leasetest"
	"github.com/leasehold/leasehold/memlease"
)

// target is the store with the hooks that it has itself. Failing calls are not
// among them: the store has none.
type target struct{ s *memlease.Store }

func (t target) Store() lease.Store { return t.s }

func (t target) PlantBroken(_ context.Context, key string) error {
	t.s.PlantUnreadable(lease.UnreadableError{Key: key, Attribute: "leaseCounter", Reason: "is missing"})
	return nil
}

func (t target) PlantForeign(_ context.Context, key string) error {
	t.s.PlantUnreadable(lease.UnreadableError{Key: key, Attribute: "entityType", Reason: `is "NEW"`, NotLease: true})
	return nil
}

func (t target) SetTableStatus(_ context.Context, s lease.TableStatus) error {
	t.s.SetTable(lease.Table{Status: s, Index: lease.Active})
	return nil
}

func (t target) DropTable(context.Context) error {
	t.s.Drop()
	return nil
}

func (t target) DropIndex(context.Context) error {
	t.s.SetTable(lease.Table{Status: lease.Active})
	return nil
}

func (t target) ReadRow(_ context.Context, key string) (string, error) { return t.s.ShowRow(key), nil }

func (t target) KeysOfOthers(worker string) []string {
	return []string{worker, "Leader", "Migration3.0"}
}

// faulty adds failing calls, by the store that makes any store fail.
type faulty struct {
	*leasetest.Faulty
	target
}

func (f faulty) Store() lease.Store { return f.Faulty }

func TestStore(t *testing.T) {
	leasetest.TestStore(t, func(*testing.T) leasetest.Target {
		s := memlease.New("app")
		return faulty{leasetest.NewFaulty(s), target{s}}
	})
}

// Without CreateTable a store made by NewMissing is like a table that does not
// exist.
func TestNewMissing(t *testing.T) {
	ctx := t.Context()
	s := memlease.NewMissing("app")
	if _, err := s.Scan(ctx); !errors.Is(err, lease.ErrInvalidState) {
		t.Errorf("Scan: got %v, want %v", err, lease.ErrInvalidState)
	}
	if created, err := s.CreateTable(ctx, 0, 0); !created || err != nil {
		t.Errorf("CreateTable: got %v, %v, want true, nil", created, err)
	}
	if look, err := s.Scan(ctx); err != nil || len(look.Leases) != 0 {
		t.Errorf("Scan after CreateTable: got %+v, %v, want nothing, nil", look, err)
	}
}

// Rows of all kinds share one space of keys.
func TestNamesInUse(t *testing.T) {
	ctx := t.Context()
	s := memlease.New("app")
	if _, _, err := s.Create(ctx, lease.Lease{Key: "Leader", Checkpoint: lease.Latest}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.PutWorker(ctx, lease.Worker{ID: "Leader"}, nil); !errors.Is(err, lease.ErrDependency) {
		t.Errorf("PutWorker with the key of a lease: got %v, want %v", err, lease.ErrDependency)
	}
	lock := lease.Lock{Owner: "a", Version: "v", Duration: time.Second}
	if _, ok, err := s.TakeLock(ctx, lock, ""); ok || !errors.Is(err, lease.ErrDependency) {
		t.Errorf("TakeLock where a lease has its key: got %v, %v, want false, %v", ok, err, lease.ErrDependency)
	}
	if l, err := s.Get(ctx, "Leader"); err != nil || l == nil {
		t.Errorf("Get: got %v, %v, want the lease", l, err)
	}
}

// A row that does not parse can be removed, if no condition speaks of what
// cannot be read.
func TestDeleteUnreadable(t *testing.T) {
	ctx := t.Context()
	s := memlease.New("app")
	s.PlantUnreadable(lease.UnreadableError{Key: "k", Attribute: "leaseCounter", Reason: "is missing"})
	if ok, err := s.Delete(ctx, "k", lease.Cond{Counter: new(int64(0))}); ok || err != nil {
		t.Errorf("Delete on a counter: got %v, %v, want false, nil", ok, err)
	}
	if ok, err := s.Delete(ctx, "k", lease.Cond{}); !ok || err != nil {
		t.Errorf("Delete: got %v, %v, want true, nil", ok, err)
	}
	if l, err := s.Get(ctx, "k"); l != nil || err != nil {
		t.Errorf("Get: got %v, %v, want nil, nil", l, err)
	}
}

// The index agrees with the table after any changes.
func TestIndexFollowsTheTable(t *testing.T) {
	ctx := t.Context()
	s := memlease.New("app")
	for i := range 9 {
		owner := fmt.Sprint("w", i%3)
		if _, _, err := s.Create(ctx, lease.Lease{Key: fmt.Sprint("k", i), Owner: owner, Checkpoint: lease.Latest}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 9 {
		next := lease.Owners{Owner: fmt.Sprint("w", (i+1)%3)}
		if i%2 == 0 {
			next.Next = "w9"
		}
		if _, ok, err := s.Change(ctx, fmt.Sprint("k", i), lease.Cond{}, lease.Set{Owners: &next}); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	if _, err := s.Delete(ctx, "k8", lease.Cond{}); err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"w0": {"k5"}, "w1": {"k3"}, "w2": {"k1", "k7"}, "w9": {"k0", "k2", "k4", "k6"}}
	for worker, want := range want {
		if got, err := s.KeysOf(ctx, worker); err != nil || !slices.Equal(got, want) {
			t.Errorf("KeysOf(%q): got %q, %v, want %q", worker, got, err, want)
		}
	}
}

func ExampleNew() {
	ctx := context.Background()
	store := memlease.New("orders-mailer") // its table exists
	store.Create(ctx, lease.Lease{Key: "shardId-000000000000", Checkpoint: lease.TrimHorizon})

	// Take it, on condition that nobody wrote since.
	image, applied, _ := store.Change(ctx, "shardId-000000000000",
		lease.Cond{Counter: new(int64(0))},
		lease.Set{Bump: true, Owners: &lease.Owners{Owner: "worker-1"}, Mark: "example-1"})
	fmt.Println(applied, image.Owner, image.Counter)
	// Output: true worker-1 1
}
