// Package lease is the contract by which many processes share the shards of a
// stream: one lease for each shard, stored where all can see it, changed only
// by conditional writes.
//
// # Model
//
// A lease has a key, an owner, a counter and a checkpoint. Every write that
// keeps or changes ownership adds one to the counter and is conditional on the
// counter seen before, so that a process that slept through the loss of its
// lease cannot write: its counter is old. The counter is the only fence; no
// clock of any machine is compared with that of another.
//
// Whoever wants to know whether an owner lives looks twice: a counter that
// stands still for a failover time, by the observer's own clock, belongs to a
// dead owner.
//
// During a handoff a lease names two workers. [Lease.Owner] is the one that may
// write now, and [Lease.NextOwner] the one that will own the lease when the
// owner has stored its last checkpoint.
//
// # Contracts
//
// [Store] is what a backend implements: a table of leases, workers and one
// lock, with one fenced write, [Store.Change]. Packages memlease and
// dynamolease implement it; package leasetest tests any implementation.
//
// [Manager] is for people who build their own coordination: thirteen
// operations over any Store, each with an exact result. A condition that does
// not hold is a result, (false, nil), and never an error. An error matches
// exactly one of [ErrProvisionedThroughput], [ErrInvalidState] and
// [ErrDependency]; after it, the write may have happened or not.
package lease
