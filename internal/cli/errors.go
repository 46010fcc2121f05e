package cli

import (
	"errors"
	"fmt"
)

// A code is how the command ends.
type code int

// The exit codes.
const (
	done code = 0
	// failed is every failure that has no code of its own.
	failed code = 1
	// wrongUsage: the command line or a setting cannot be understood.
	wrongUsage code = 2
	// refused: a safety rule forbids it.
	refused code = 4
	// notFound: no such table, stream, shard or lease.
	notFound code = 6
	// denied: no credentials, or they do not allow it.
	denied code = 7
	// tryAgain: throttled or timed out.
	tryAgain code = 8
)

// exitCodes are the codes as the help prints them.
const exitCodes = `Exit codes:
  0      done
  1      failed
  2      wrong usage
  4      refused by a safety rule
  6      not found: table, stream, shard or lease
  7      no credentials, or denied
  8      throttled or timed out: worth another try
  128+n  cut short by signal n
`

// An Error is why the command failed: one line, perhaps a hint, and how the
// process ends.
type Error struct {
	// Code is the exit code.
	Code code
	// What was being done, to what; empty for a mistake on the command line.
	What string
	// Why it failed.
	Why string
	// Hint is what to type or look at next; it may be empty.
	Hint string
	// Err is the cause; it may be nil.
	Err error
}

func (e *Error) Error() string {
	if e.What == "" {
		return e.Why
	}
	return e.What + ": " + e.Why
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// usage is a mistake on the command line.
func usage(format string, args ...any) *Error {
	return &Error{Code: wrongUsage, Why: fmt.Sprintf(format, args...)}
}

// hinted returns e with a hint.
func (e *Error) hinted(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// while says what was being done when err came. It keeps the code of an error
// that has one and finds one for every other.
func while(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	what := fmt.Sprintf(format, args...)
	if e, ok := errors.AsType[*Error](err); ok {
		c := *e
		c.What, c.Err = what, err
		if e.What != "" {
			c.Why = e.What + ": " + e.Why
		}
		return &c
	}
	e := classify(err)
	e.What = what
	return e
}
