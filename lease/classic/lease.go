package classic

import (
	"fmt"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// An ILease is a lease as callers of the original contract see it. [*Lease] is
// the one of this package.
type ILease interface {
	// GetLeaseKey returns the key, such as a shard's ID; empty if it is not
	// set.
	GetLeaseKey() string

	// SetLeaseKey sets the key. It may be set once: another key afterwards is
	// an error.
	SetLeaseKey(leaseKey string) error

	// GetLeaseOwner returns the worker that may write now; empty for nobody.
	GetLeaseOwner() string
	SetLeaseOwner(leaseOwner string)

	// GetLeaseCounter returns the counter, on which writes are conditional.
	GetLeaseCounter() int64
	SetLeaseCounter(leaseCounter int64)

	// GetConcurrencyToken returns what the holder named this acquisition of
	// the lease. It is in memory only.
	GetConcurrencyToken() string
	SetConcurrencyToken(concurrencyToken string)

	// GetLastCounterIncrementNanos returns when the observer last saw the
	// counter move, in nanoseconds by its own monotonic clock; 0 if it never
	// said. It is in memory only.
	GetLastCounterIncrementNanos() int64
	SetLastCounterIncrementNanos(lastCounterIncrementNanos int64)

	// IsExpired reports whether the counter had stood still for longer than
	// the duration at the time asOfNanos of the same clock, or was never seen
	// to move.
	IsExpired(leaseDurationNanos, asOfNanos int64) bool
}

// A Lease is an ILease with all that the table has of a lease: checkpoint,
// parents and so on are the fields of the embedded lease. It is not safe for
// concurrent use.
type Lease struct {
	lease.Lease

	token string
	nanos *int64
}

var _ ILease = (*Lease)(nil)

// NewLease returns a lease that nobody owns and that starts at the given
// checkpoint.
func NewLease(leaseKey string, checkpoint lease.Position) *Lease {
	return &Lease{Lease: lease.Lease{Key: leaseKey, Checkpoint: checkpoint}}
}

// GetLeaseKey implements [ILease].
func (l *Lease) GetLeaseKey() string { return l.Key }

// SetLeaseKey implements [ILease].
func (l *Lease) SetLeaseKey(leaseKey string) error {
	if l.Key != "" && l.Key != leaseKey {
		return fmt.Errorf("lease %q cannot be renamed to %q", l.Key, leaseKey)
	}
	l.Key = leaseKey
	return nil
}

// GetLeaseOwner implements [ILease].
func (l *Lease) GetLeaseOwner() string { return l.Owner }

// SetLeaseOwner implements [ILease].
func (l *Lease) SetLeaseOwner(leaseOwner string) { l.Owner = leaseOwner }

// GetLeaseCounter implements [ILease].
func (l *Lease) GetLeaseCounter() int64 { return l.Counter }

// SetLeaseCounter implements [ILease].
func (l *Lease) SetLeaseCounter(leaseCounter int64) { l.Counter = leaseCounter }

// GetConcurrencyToken implements [ILease].
func (l *Lease) GetConcurrencyToken() string { return l.token }

// SetConcurrencyToken implements [ILease].
func (l *Lease) SetConcurrencyToken(concurrencyToken string) { l.token = concurrencyToken }

// GetLastCounterIncrementNanos implements [ILease].
func (l *Lease) GetLastCounterIncrementNanos() int64 {
	if l.nanos == nil {
		return 0
	}
	return *l.nanos
}

// SetLastCounterIncrementNanos implements [ILease].
func (l *Lease) SetLastCounterIncrementNanos(lastCounterIncrementNanos int64) {
	l.nanos = &lastCounterIncrementNanos
}

// maxAge is the age from which on a time is taken for that of another clock. A
// monotonic clock may start anywhere, and wrap.
const maxAge = 365 * 24 * time.Hour

// IsExpired implements [ILease]. It is strict: a lease whose age is the
// duration is not expired.
func (l *Lease) IsExpired(leaseDurationNanos, asOfNanos int64) bool {
	if l.nanos == nil {
		return true
	}
	age := asOfNanos - *l.nanos
	overflows := (asOfNanos >= *l.nanos) != (age >= 0)
	return overflows || age > int64(maxAge) || age < -int64(maxAge) || age > leaseDurationNanos
}

// itself finds the Lease in a type that embeds it.
func (l *Lease) itself() *Lease { return l }
