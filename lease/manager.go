package lease

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	mathrand "math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
	"weak"
)

// A Manager does the thirteen operations of the lease contract over any
// [Store]. It is safe for concurrent use; a [*Lease] passed to it is not, for
// the operations that change it.
//
// A condition that does not hold is the result false with a nil error. After an
// error the write may have been done or not, and the passed lease is unchanged;
// the same operation on the same [*Lease] finds out. The package comment says
// what each does under each failure.
type Manager struct {
	// Try bounds one try of a request to the store. Reading the whole table
	// and creating it have thirty times as long. Set it before the first use.
	// Default 1s.
	Try time.Duration

	// Backoff is the pause after the first failed try; it doubles with each
	// further one, and half of it more or less is chance. Set it before the
	// first use. Default 50ms.
	Backoff time.Duration

	store  Store
	nonce  string
	writes atomic.Int64

	mu sync.Mutex // guards unknown
	// unknown holds the writes for a lease whose outcome nobody knows, until
	// the outcome of a later write for the same *Lease is known. It must not
	// keep a lease alive that its owner has dropped.
	unknown map[weak.Pointer[Lease]][]write
}

const (
	// tries bounds how often one operation calls the store.
	tries = 5

	// longer is how much longer than a try of one row may a try take that
	// reads a whole table, page after page, or creates one.
	longer = 30
)

// NewManager returns a Manager over s. It calls nobody.
func NewManager(s Store) *Manager {
	return &Manager{
		Try:     time.Second,
		Backoff: 50 * time.Millisecond,
		store:   s,
		// 13 characters are 65 bits, so that no two processes share a nonce.
		nonce:   rand.Text()[:13],
		unknown: map[weak.Pointer[Lease]][]write{},
	}
}

// mark names a new logical write.
func (m *Manager) mark() string {
	return m.nonce + "-" + strconv.FormatInt(m.writes.Add(1), 36)
}

// repeat calls try until it succeeds, up to five times, each with its own
// deadline. The error says what op was, in place of what the store's call was.
func (m *Manager) repeat(ctx context.Context, op, key string, limit time.Duration, try func(context.Context) error) error {
	return m.repeatUntil(ctx, op, key, limit, time.Time{}, try)
}

// repeatUntil is repeat without a pause that would go beyond end, if that is not
// zero.
func (m *Manager) repeatUntil(ctx context.Context, op, key string, limit time.Duration, end time.Time, try func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return ended(ctx, &Error{Op: op, Key: key, Kind: ErrDependency})
	}
	for n := 1; ; n++ {
		tctx, cancel := context.WithTimeout(ctx, limit)
		err := try(tctx)
		overdue := tctx.Err() != nil
		cancel()
		if err == nil {
			return nil
		}
		failure := named(op, key, err)
		switch {
		case ctx.Err() != nil:
			return ended(ctx, failure)
		case overdue:
			// The store may have seen only that its context ended, and cannot
			// know that the caller has time left.
			failure.Retryable = true
		}
		pause := jitter(m.Backoff << (n - 1))
		if n == tries || !failure.Retryable || !end.IsZero() && time.Until(end) < pause {
			return failure
		}
		select {
		case <-ctx.Done():
			return ended(ctx, failure)
		case <-time.After(pause):
		}
	}
}

// jitter spreads d evenly over [d/2, 3d/2), so that callers that failed
// together do not come back together.
func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return d/2 + mathrand.N(d)
}

// ended completes the error of an operation whose context is done: it is that
// which ended the operation, whatever failed before, and callers find the
// context's error in it.
func ended(ctx context.Context, e *Error) *Error {
	cause := ctx.Err()
	e.Kind = ErrDependency
	if !errors.Is(e.Err, cause) {
		e.Err = errors.Join(e.Err, cause)
	}
	e.Retryable = errors.Is(cause, context.DeadlineExceeded)
	return e
}

// named returns a store's error as the error of op. A store that breaks its
// promise and returns another error makes it ErrDependency.
func named(op, key string, err error) *Error {
	inner, ok := errors.AsType[*Error](err)
	if !ok {
		return &Error{Op: op, Key: key, Kind: ErrDependency, Err: err}
	}
	return &Error{Op: op, Key: key, Kind: inner.Kind, Retryable: inner.Retryable, Err: inner.Err}
}

// checkFence reports why no conditional write can be made for l.
func checkFence(op string, l *Lease) error {
	if l == nil {
		return refuse(op, "", errNoLease)
	}
	return refuse(op, l.Key, cmp.Or(CheckKey(l.Key), checkCounter(l.Counter), checkThroughput(l.Throughput)))
}

// checkWhole reports why l cannot be stored.
func checkWhole(op string, l *Lease) error {
	if l == nil {
		return refuse(op, "", errNoLease)
	}
	return refuse(op, l.Key, l.Check())
}

var errNoLease = errors.New("no lease was passed")

// refuse returns the error of a value that cannot be stored, nil if err is.
func refuse(op, key string, err error) error {
	if err == nil {
		return nil
	}
	if len(key) > MaxKey {
		key = key[:32] + "…"
	}
	return &Error{Op: op, Key: key, Kind: ErrDependency, Err: err}
}
