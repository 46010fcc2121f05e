package lease

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// CreateLeaseTableIfNotExists creates the lease table, with its owner index,
// and reports whether this call did. False is a table that was there, whatever
// its state, or that somebody else created first. Capacities, in units a
// second, are both 0 for a table that is paid by request, or both greater. It
// does not wait until the table is usable: [Manager.WaitUntilLeaseTableExists]
// does.
//
// The error matches [ErrProvisionedThroughput] if the call is throttled or limits
// of the account forbid the table, else [ErrDependency]. When a reply was lost, false may be said of
// a table that this call created.
func (m *Manager) CreateLeaseTableIfNotExists(ctx context.Context, readCapacity, writeCapacity int64) (bool, error) {
	const op = "create lease table"
	if readCapacity < 0 || writeCapacity < 0 || (readCapacity == 0) != (writeCapacity == 0) {
		return false, refuse(op, "", fmt.Errorf("capacities are %d and %d, which are neither both 0 nor both greater", readCapacity, writeCapacity))
	}
	var created bool
	err := m.repeat(ctx, op, "", longer*m.Try, func(ctx context.Context) (err error) {
		created, err = m.store.CreateTable(ctx, readCapacity, writeCapacity)
		return err
	})
	if err != nil {
		return false, without(err, ErrInvalidState)
	}
	return created, nil
}

// LeaseTableExists reports whether the table exists and is usable. A table
// that is being created or deleted does not. The error matches
// [ErrDependency]; so does that of a table that cannot be a lease table, such
// as one with another key.
func (m *Manager) LeaseTableExists(ctx context.Context) (bool, error) {
	return m.exists(ctx, time.Time{})
}

// exists is LeaseTableExists without a pause beyond end, if that is not zero.
func (m *Manager) exists(ctx context.Context, end time.Time) (bool, error) {
	const op = "describe lease table"
	var table Table
	err := m.repeatUntil(ctx, op, "", m.Try, end, func(ctx context.Context) (err error) {
		table, err = m.store.DescribeTable(ctx)
		return err
	})
	if err != nil {
		return false, without(err, ErrInvalidState, ErrProvisionedThroughput)
	}
	if table.Foreign != "" {
		return false, refuse(op, "", fmt.Errorf("not a lease table: %s", table.Foreign))
	}
	return table.Usable(), nil
}

// WaitUntilLeaseTableExists looks at the table every poll until it exists and
// is usable, which is true, or until timeout is over, which is false. It looks
// at once, also with a timeout of 0, and never sleeps past the end, neither
// between looks nor between the tries of one. A poll of 0 is one second. Errors
// are those of [Manager.LeaseTableExists]; the first ends the waiting.
func (m *Manager) WaitUntilLeaseTableExists(ctx context.Context, poll, timeout time.Duration) (bool, error) {
	if poll <= 0 {
		poll = time.Second
	}
	end := time.Now().Add(timeout)
	for {
		exists, err := m.exists(ctx, end)
		if exists || err != nil {
			return exists, err
		}
		left := time.Until(end)
		if left <= 0 {
			return false, nil
		}
		select {
		case <-ctx.Done():
			return false, ended(ctx, &Error{Op: "wait for lease table", Kind: ErrDependency})
		case <-time.After(min(poll, left)):
		}
	}
}

// ListLeases returns every lease of the table, in no order. The read is
// eventually consistent. Rows that are not leases are passed over.
//
// If rows cannot be read, it returns the readable leases and an error of kind
// [ErrDependency] in which errors.AsType finds an [*UnreadableError]. With any
// other error the list is nil: it is never a part of the table with a nil
// error.
func (m *Manager) ListLeases(ctx context.Context) ([]*Lease, error) {
	return m.list(ctx, "list leases")
}

func (m *Manager) list(ctx context.Context, op string) ([]*Lease, error) {
	var look *Snapshot
	err := m.repeat(ctx, op, "", longer*m.Try, func(ctx context.Context) (err error) {
		look, err = m.store.Scan(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	leases := make([]*Lease, len(look.Leases))
	for i := range look.Leases {
		leases[i] = &look.Leases[i]
	}
	var unreadable []error
	for i, u := range look.Unreadable {
		if !u.NotLease {
			unreadable = append(unreadable, &look.Unreadable[i])
		}
	}
	if len(unreadable) > 0 {
		return leases, &Error{Op: op, Kind: ErrDependency, Err: errors.Join(unreadable...)}
	}
	return leases, nil
}

// IsLeaseTableEmpty reports whether the table has no lease. Other rows do not
// count. On an error, and so also where there is no readable lease but a row
// that cannot be read, nothing is known.
func (m *Manager) IsLeaseTableEmpty(ctx context.Context) (bool, error) {
	leases, err := m.list(ctx, "look for a lease")
	switch {
	case len(leases) > 0:
		return false, nil
	case err != nil:
		return false, err
	}
	return true, nil
}

// DeleteAll deletes every lease that [Manager.ListLeases] returns, whoever
// owns it, and stops at the first error. Rows that are not leases stay. Rows
// that cannot be read stay too, and are reported as by ListLeases when the
// readable leases are gone.
func (m *Manager) DeleteAll(ctx context.Context) error {
	const op = "delete all leases"
	leases, unreadable := m.list(ctx, op)
	for _, l := range leases {
		if err := m.delete(ctx, op, l.Key); err != nil {
			return err
		}
	}
	return unreadable
}

// without makes an error of one of kinds an ErrDependency, for operations
// whose contract has no such kind.
func without(err error, kinds ...error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	for _, kind := range kinds {
		if e.Kind == kind {
			e.Kind = ErrDependency
		}
	}
	return e
}
