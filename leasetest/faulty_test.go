package leasetest_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/leasetest"
	"github.com/leasehold/leasehold/memlease"
)

// A store that carries out a write and loses the reply: the manager finds out
// by itself that the lease is still held.
func ExampleFaulty() {
	ctx := context.Background()
	store := leasetest.NewFaulty(memlease.New("app"))
	m := lease.NewManager(store)
	l := &lease.Lease{Key: "shardId-000000000000", Owner: "a", Checkpoint: lease.TrimHorizon}
	m.CreateLeaseIfNotExists(ctx, l)

	store.LoseReplies(1)
	ok, err := m.RenewLease(ctx, l)
	fmt.Println(ok, err, l.Counter)

	store.Throttle(100)
	_, err = m.RenewLease(ctx, l)
	fmt.Println(errors.Is(err, lease.ErrProvisionedThroughput), l.Counter)
	// Output:
	// true <nil> 1
	// true 1
}
