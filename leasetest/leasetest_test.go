package leasetest

import (
	"context"
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
	m.mem.PlantUnreadable(lease.UnreadableError{Key: key, Attribute: "entityType", Reason: "is unknown"})
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

func TestStoreInMemory(t *testing.T) {
	TestStore(t, func(*testing.T) Target { return newMemory() })
}
