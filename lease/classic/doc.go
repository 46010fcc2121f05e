// Package classic is the lease contract under its original signatures, for
// programs that were written against them: without contexts, with durations in
// whole seconds and with leases behind the interface [ILease].
//
//	manager := classic.New(lease.NewManager(store))
//
// Results are those of [lease.Manager]. Errors are one of
// [*ProvisionedThroughputError], [*LeasingInvalidStateError] and
// [*LeasingDependencyError], each around the manager's error, which
// errors.Is and errors.As still find.
//
// After an error, a write may have been done. The same operation on the same
// [*Lease] finds out; on an [ILease] of another type it does not, for the manager
// does not know it again: get the lease then, and see what is stored.
//
// An operation cannot be cancelled: it ends after the manager's tries. New
// programs use [lease.Manager].
package classic
