package leasetest

import (
	"context"
	"errors"
	"testing"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/memlease"
)

// memory is the store in memory with every hook.
type memory struct {
	*Faulty
	mem *memlease.Store
}

func newMemory() memory {
	mem := memlease.New("app")
	return memory{NewFaulty(mem), mem}
}

func (m memory) Store() lease.Store { return m.Faulty }

func (m memory) PlantBroken(_ context.Context, key string) error {
	m.mem.PlantUnreadable(lease.UnreadableError{Key: key, Attribute: "leaseCounter", Reason: "is missing"})
	return nil
}

func (m memory) PlantForeign(_ context.Context, key string) error {
	m.mem.PlantUnreadable(lease.UnreadableError{Key: key, Attribute: "entityType", Reason: "is unknown", NotLease: true})
	return nil
}

func (m memory) SetTableStatus(_ context.Context, s lease.TableStatus) error {
	m.mem.SetTable(lease.Table{Status: s, Index: lease.Active})
	return nil
}

func (m memory) DropTable(context.Context) error {
	m.mem.Drop()
	return nil
}

func (m memory) DropIndex(context.Context) error {
	m.mem.SetTable(lease.Table{Status: lease.Active})
	return nil
}

func (m memory) ReadRow(_ context.Context, key string) (string, error) {
	return m.mem.ShowRow(key), nil
}

func (m memory) KeysOfOthers(worker string) []string {
	return []string{worker, "Leader", "Migration3.0"}
}

func TestStoreInMemory(t *testing.T) {
	TestStore(t, func(*testing.T) Target { return newMemory() })
}

// A known difference must be one: a rule that is kept cannot hide in the list.
func TestVerdict(t *testing.T) {
	broken := errors.New("broken")
	for _, tt := range []struct {
		name      string
		result    error
		known     bool
		skip, bad bool
	}{
		{"kept", nil, false, false, false},
		{"broken", broken, false, false, true},
		{"hook missing", missingHook{"Failer"}, false, true, false},
		{"known, broken", broken, true, true, false},
		{"known, hook missing", missingHook{"Failer"}, true, true, false},
		{"known, kept", nil, true, false, true},
	} {
		skip, err := verdict(tt.result, "the service does not", tt.known)
		if (skip != "") != tt.skip || (err != nil) != tt.bad {
			t.Errorf("%s: got skip %q, error %v, want skipped %v, failed %v", tt.name, skip, err, tt.skip, tt.bad)
		}
	}
}
