package classic

import (
	"context"
	"math"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// An ILeaseManager does the thirteen operations of the contract. What each
// does to the table and to the lease it is passed is written at the method of
// [lease.Manager] that has its name.
type ILeaseManager interface {
	// CreateLeaseTableIfNotExists creates the table and reports whether this
	// call did. Capacities of 0 mean a table that is paid by request.
	CreateLeaseTableIfNotExists(readCapacity, writeCapacity int64) (bool, error)

	// LeaseTableExists reports whether the table exists and is usable.
	LeaseTableExists() (bool, error)

	// WaitUntilLeaseTableExists looks at the table until it exists, which is
	// true, or until the time is over, which is false.
	WaitUntilLeaseTableExists(secondsBetweenPolls, timeoutSeconds int64) (bool, error)

	// ListLeases returns all leases of the table. If rows cannot be read, it
	// returns the others together with the error.
	ListLeases() ([]ILease, error)

	// CreateLeaseIfNotExists stores a lease and reports whether it did. A
	// lease must have a checkpoint.
	CreateLeaseIfNotExists(lease ILease) (bool, error)

	// GetLease returns the lease with this key, nil where there is none.
	GetLease(shardId string) (ILease, error)

	// RenewLease adds one to the counter; false means that the lease is lost.
	RenewLease(lease ILease) (bool, error)

	// TakeLease makes owner the owner; false means that the counter moved.
	TakeLease(lease ILease, owner string) (bool, error)

	// EvictLease removes the owner; false means that it is another by now.
	EvictLease(lease ILease) (bool, error)

	// DeleteLease deletes the lease, whoever owns it.
	DeleteLease(lease ILease) error

	// DeleteAll deletes all leases.
	DeleteAll() error

	// UpdateLease stores the application's fields; false means that the
	// counter moved.
	UpdateLease(lease ILease) (bool, error)

	// IsLeaseTableEmpty reports whether the table has no lease.
	IsLeaseTableEmpty() (bool, error)
}

// New returns m under the original signatures. The leases that it returns are
// of type [*Lease].
//
// It also accepts other implementations of ILease. Of one that embeds a *Lease
// it works on that; of any other it knows the key, the owner and the counter
// only, so that it can renew, take, evict and delete such a lease, and cannot
// create or update it.
func New(m *lease.Manager) ILeaseManager { return manager{m} }

type manager struct{ m *lease.Manager }

func (c manager) CreateLeaseTableIfNotExists(readCapacity, writeCapacity int64) (bool, error) {
	created, err := c.m.CreateLeaseTableIfNotExists(context.Background(), readCapacity, writeCapacity)
	return created, classify(err)
}

func (c manager) LeaseTableExists() (bool, error) {
	exists, err := c.m.LeaseTableExists(context.Background())
	return exists, classify(err)
}

func (c manager) WaitUntilLeaseTableExists(secondsBetweenPolls, timeoutSeconds int64) (bool, error) {
	exists, err := c.m.WaitUntilLeaseTableExists(context.Background(), seconds(secondsBetweenPolls), seconds(timeoutSeconds))
	return exists, classify(err)
}

func (c manager) ListLeases() ([]ILease, error) {
	leases, err := c.m.ListLeases(context.Background())
	var all []ILease
	for _, l := range leases {
		all = append(all, &Lease{Lease: *l})
	}
	return all, classify(err)
}

func (c manager) CreateLeaseIfNotExists(l ILease) (bool, error) {
	return c.write(l, c.m.CreateLeaseIfNotExists)
}

func (c manager) GetLease(shardId string) (ILease, error) {
	l, err := c.m.GetLease(context.Background(), shardId)
	if err != nil || l == nil {
		return nil, classify(err)
	}
	return &Lease{Lease: *l}, nil
}

func (c manager) RenewLease(l ILease) (bool, error) { return c.write(l, c.m.RenewLease) }

func (c manager) TakeLease(l ILease, owner string) (bool, error) {
	return c.write(l, func(ctx context.Context, l *lease.Lease) (bool, error) { return c.m.TakeLease(ctx, l, owner) })
}

func (c manager) EvictLease(l ILease) (bool, error) { return c.write(l, c.m.EvictLease) }

func (c manager) DeleteLease(l ILease) error {
	_, err := c.write(l, func(ctx context.Context, l *lease.Lease) (bool, error) { return false, c.m.DeleteLease(ctx, l) })
	return err
}

func (c manager) DeleteAll() error { return classify(c.m.DeleteAll(context.Background())) }

func (c manager) UpdateLease(l ILease) (bool, error) { return c.write(l, c.m.UpdateLease) }

func (c manager) IsLeaseTableEmpty() (bool, error) {
	empty, err := c.m.IsLeaseTableEmpty(context.Background())
	return empty, classify(err)
}

// write does an operation on the lease in l.
func (c manager) write(l ILease, do func(context.Context, *lease.Lease) (bool, error)) (bool, error) {
	if has, ok := l.(interface{ itself() *Lease }); ok {
		// The manager knows a lease again by its address; so pass the same.
		var inner *lease.Lease
		if own := has.itself(); own != nil {
			inner = &own.Lease
		}
		done, err := do(context.Background(), inner)
		return done, classify(err)
	}
	if l == nil {
		done, err := do(context.Background(), nil)
		return done, classify(err)
	}
	inner := &lease.Lease{Key: l.GetLeaseKey(), Owner: l.GetLeaseOwner(), Counter: l.GetLeaseCounter()}
	done, err := do(context.Background(), inner)
	if done && err == nil {
		l.SetLeaseOwner(inner.Owner)
		l.SetLeaseCounter(inner.Counter)
	}
	return done, classify(err)
}

// seconds returns n seconds, or the longest duration if that is shorter.
func seconds(n int64) time.Duration {
	if n > math.MaxInt64/int64(time.Second) {
		return math.MaxInt64
	}
	return time.Duration(max(n, 0)) * time.Second
}
