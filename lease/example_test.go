package lease_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/memlease"
)

// Two workers read the same lease. Only the first to write takes it.
func ExampleManager() {
	ctx := context.Background()
	m := lease.NewManager(memlease.New("app"))
	m.CreateLeaseIfNotExists(ctx, &lease.Lease{Key: "orders/0", Checkpoint: lease.TrimHorizon})

	forA, _ := m.GetLease(ctx, "orders/0")
	forB, _ := m.GetLease(ctx, "orders/0")
	a, _ := m.TakeLease(ctx, forA, "a")
	b, _ := m.TakeLease(ctx, forB, "b")
	fmt.Println("a:", a, "b:", b)
	// Output:
	// a: true b: false
}

func ExampleManager_CreateLeaseTableIfNotExists() {
	ctx := context.Background()
	m := lease.NewManager(memlease.NewMissing("app"))

	created, err := m.CreateLeaseTableIfNotExists(ctx, 0, 0) // paid by request
	fmt.Println(created, err)
	usable, err := m.WaitUntilLeaseTableExists(ctx, time.Second, time.Minute)
	fmt.Println(usable, err)

	created, err = m.CreateLeaseTableIfNotExists(ctx, 0, 0)
	fmt.Println(created, err)
	// Output:
	// true <nil>
	// true <nil>
	// false <nil>
}

// A table that is not there is an error for whoever wants its leases, and an
// answer for whoever asks for it.
func ExampleManager_LeaseTableExists() {
	ctx := context.Background()
	m := lease.NewManager(memlease.NewMissing("app"))

	exists, err := m.LeaseTableExists(ctx)
	fmt.Println(exists, err)
	_, err = m.GetLease(ctx, "shardId-000000000000")
	fmt.Println(errors.Is(err, lease.ErrInvalidState))
	// Output:
	// false <nil>
	// true
}

func ExampleManager_ListLeases() {
	ctx := context.Background()
	store := memlease.New("app")
	m := lease.NewManager(store)
	for _, key := range []string{"shardId-000000000000", "shardId-000000000001"} {
		m.CreateLeaseIfNotExists(ctx, &lease.Lease{Key: key, Checkpoint: lease.Latest})
	}
	store.PlantUnreadable(lease.UnreadableError{Key: "shardId-000000000002", Attribute: "leaseCounter", Reason: "is missing"})

	leases, err := m.ListLeases(ctx)
	for _, l := range leases {
		fmt.Println(l.Key, l.Checkpoint)
	}
	if u, ok := errors.AsType[*lease.UnreadableError](err); ok {
		fmt.Println("besides:", u)
	}
	// Output:
	// shardId-000000000000 LATEST
	// shardId-000000000001 LATEST
	// besides: row "shardId-000000000002" cannot be read: attribute leaseCounter is missing
}

func ExampleManager_CreateLeaseIfNotExists() {
	ctx := context.Background()
	m := lease.NewManager(memlease.New("app"))
	l := &lease.Lease{Key: "shardId-000000000000", Checkpoint: lease.TrimHorizon}

	fmt.Println(m.CreateLeaseIfNotExists(ctx, l))
	fmt.Println(m.CreateLeaseIfNotExists(ctx, l))
	// Output:
	// true <nil>
	// false <nil>
}

func ExampleManager_GetLease() {
	ctx := context.Background()
	m := lease.NewManager(memlease.New("app"))

	l, err := m.GetLease(ctx, "shardId-000000000000")
	fmt.Println(l, err)
	// Output: <nil> <nil>
}

// A renewal fails, without an error, when another worker has taken the lease.
func ExampleManager_RenewLease() {
	ctx := context.Background()
	m := lease.NewManager(memlease.New("app"))
	mine := &lease.Lease{Key: "shardId-000000000000", Owner: "a", Checkpoint: lease.TrimHorizon}
	m.CreateLeaseIfNotExists(ctx, mine)

	held, err := m.RenewLease(ctx, mine)
	fmt.Println(held, err, mine.Counter)

	seen, _ := m.GetLease(ctx, mine.Key)
	m.TakeLease(ctx, seen, "b")

	held, err = m.RenewLease(ctx, mine)
	fmt.Println(held, err, mine.Counter)
	// Output:
	// true <nil> 1
	// false <nil> 1
}

func ExampleManager_TakeLease() {
	ctx := context.Background()
	m := lease.NewManager(memlease.New("app"))
	m.CreateLeaseIfNotExists(ctx, &lease.Lease{Key: "shardId-000000000000", Owner: "a", Checkpoint: lease.TrimHorizon})

	l, _ := m.GetLease(ctx, "shardId-000000000000")
	taken, err := m.TakeLease(ctx, l, "b")
	fmt.Println(taken, err, l.Owner, l.Counter, l.Switches)
	// Output: true <nil> b 1 1
}

// An eviction asks for the owner only: the counter may have moved since the
// lease was read.
func ExampleManager_EvictLease() {
	ctx := context.Background()
	m := lease.NewManager(memlease.New("app"))
	held := &lease.Lease{Key: "shardId-000000000000", Owner: "a", Checkpoint: lease.TrimHorizon}
	m.CreateLeaseIfNotExists(ctx, held)

	seen, _ := m.GetLease(ctx, held.Key)
	m.RenewLease(ctx, held)

	evicted, err := m.EvictLease(ctx, seen)
	fmt.Printf("%v %v %q %d\n", evicted, err, seen.Owner, seen.Counter)
	// Output: true <nil> "" 2
}

// An update stores a checkpoint, if the lease is still held.
func ExampleManager_UpdateLease() {
	ctx := context.Background()
	m := lease.NewManager(memlease.New("app"))
	l := &lease.Lease{Key: "shardId-000000000000", Owner: "a", Checkpoint: lease.TrimHorizon}
	m.CreateLeaseIfNotExists(ctx, l)

	seq, _ := lease.ParseSequence("49590338271490256608559692538361571095921575989136588898")
	l.Checkpoint = lease.At(seq, 0)
	held, err := m.UpdateLease(ctx, l)
	fmt.Println(held, err)

	stored, _ := m.GetLease(ctx, l.Key)
	fmt.Println(stored.Checkpoint, stored.Counter)
	// Output:
	// true <nil>
	// 49590338271490256608559692538361571095921575989136588898 1
}

func ExampleManager_DeleteLease() {
	ctx := context.Background()
	m := lease.NewManager(memlease.New("app"))
	l := &lease.Lease{Key: "shardId-000000000000", Checkpoint: lease.ShardEnd}
	m.CreateLeaseIfNotExists(ctx, l)

	fmt.Println(m.DeleteLease(ctx, l))
	fmt.Println(m.DeleteLease(ctx, l)) // it is gone, as was wanted
	// Output:
	// <nil>
	// <nil>
}

func ExampleManager_DeleteAll() {
	ctx := context.Background()
	m := lease.NewManager(memlease.New("app"))
	m.CreateLeaseIfNotExists(ctx, &lease.Lease{Key: "shardId-000000000000", Checkpoint: lease.Latest})

	fmt.Println(m.IsLeaseTableEmpty(ctx))
	fmt.Println(m.DeleteAll(ctx))
	fmt.Println(m.IsLeaseTableEmpty(ctx))
	// Output:
	// false <nil>
	// <nil>
	// true <nil>
}

// Positions are ordered as numbers, not as text, between the sentinels.
func ExamplePosition_Compare() {
	nine, _ := lease.ParsePosition("9", 0)
	ten, _ := lease.ParsePosition("10", 0)
	fmt.Println(nine.Compare(ten), lease.TrimHorizon.Compare(nine), lease.ShardEnd.Compare(ten))
	// Output: -1 -1 1
}

// A worker waits for a table that somebody else creates.
func ExampleManager_WaitUntilLeaseTableExists() {
	ctx := context.Background()
	m := lease.NewManager(memlease.NewMissing("orders-mailer"))

	exists, err := m.WaitUntilLeaseTableExists(ctx, 100*time.Millisecond, 0) // looks once
	fmt.Println(exists, err)

	m.CreateLeaseTableIfNotExists(ctx, 0, 0)
	exists, err = m.WaitUntilLeaseTableExists(ctx, 100*time.Millisecond, time.Minute)
	fmt.Println(exists, err)
	// Output:
	// false <nil>
	// true <nil>
}

// Only leases count: a worker that has shown itself leaves the table empty.
func ExampleManager_IsLeaseTableEmpty() {
	ctx := context.Background()
	store := memlease.New("orders-mailer")
	m := lease.NewManager(store)
	store.PutWorker(ctx, lease.Worker{ID: "w-1", Nonce: "n"}, nil)
	fmt.Println(m.IsLeaseTableEmpty(ctx))

	m.CreateLeaseIfNotExists(ctx, &lease.Lease{Key: "shardId-000000000000", Checkpoint: lease.TrimHorizon})
	fmt.Println(m.IsLeaseTableEmpty(ctx))
	// Output:
	// true <nil>
	// false <nil>
}
