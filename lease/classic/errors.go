package classic

import (
	"errors"

	"github.com/leasehold/leasehold/lease"
)

// A ProvisionedThroughputError reports that the service throttled the
// operation, or that limits of the account forbid it.
type ProvisionedThroughputError struct{ Err error }

func (e *ProvisionedThroughputError) Error() string { return e.Err.Error() }

// Unwrap returns the manager's error.
func (e *ProvisionedThroughputError) Unwrap() error { return e.Err }

// A LeasingInvalidStateError reports that the lease table does not exist.
type LeasingInvalidStateError struct{ Err error }

func (e *LeasingInvalidStateError) Error() string { return e.Err.Error() }

// Unwrap returns the manager's error.
func (e *LeasingInvalidStateError) Unwrap() error { return e.Err }

// A LeasingDependencyError reports every other failure of the service, the
// network or the client.
type LeasingDependencyError struct{ Err error }

func (e *LeasingDependencyError) Error() string { return e.Err.Error() }

// Unwrap returns the manager's error.
func (e *LeasingDependencyError) Unwrap() error { return e.Err }

// classify returns err, if it is not nil, as one of the three.
func classify(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, lease.ErrProvisionedThroughput):
		return &ProvisionedThroughputError{err}
	case errors.Is(err, lease.ErrInvalidState):
		return &LeasingInvalidStateError{err}
	}
	return &LeasingDependencyError{err}
}
