package lease

import (
	"errors"
	"fmt"
	"strconv"
)

// The kinds of failure. Every error of a [Store] and of a [Manager] matches
// exactly one, by errors.Is.
var (
	// ErrProvisionedThroughput reports that the service throttled the call, or
	// that a limit of the account forbids it.
	ErrProvisionedThroughput = errors.New("lease table is throttled")

	// ErrInvalidState reports that the lease table does not exist, or cannot be
	// used since it is being created or deleted.
	ErrInvalidState = errors.New("lease table does not exist")

	// ErrDependency reports every other failure of the service, the network or
	// the client, a cancelled context included.
	ErrDependency = errors.New("lease table cannot be used")
)

// An Error is a failed operation of a [Store] or a [Manager].
type Error struct {
	// Op is what was being done, such as "renew lease".
	Op string
	// Key is the lease's or worker's, empty for an operation on the table.
	Key string
	// Kind is one of the three kinds.
	Kind error
	// Retryable reports whether the same call may succeed later, with nothing
	// changed by anybody: so after throttling, a fault of the service, a
	// timeout or a broken connection, and not after a refused permission or an
	// invalid request.
	Retryable bool
	// Err is the cause.
	Err error
}

func (e *Error) Error() string {
	s := e.Op
	if e.Key != "" {
		s += " " + strconv.Quote(e.Key)
	}
	s += ": " + e.Kind.Error()
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// An UnreadableError is a row of the table that does not parse. Where it is
// returned as an error it comes inside an [*Error] of kind [ErrDependency].
type UnreadableError struct {
	// Key is the row's.
	Key string
	// Attribute is the one at fault.
	Attribute string
	// Reason says what is wrong with it.
	Reason string
	// NotLease says that the row is known to be no lease: a worker's, say, or of
	// a kind that this library does not know.
	NotLease bool
}

func (e *UnreadableError) Error() string {
	return fmt.Sprintf("row %q cannot be read: attribute %s %s", e.Key, e.Attribute, e.Reason)
}
