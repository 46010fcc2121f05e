// Package coordinator decides for one worker: which leases to renew, take, hand
// over and give up, who leads, and who should hold what.
//
// # Shape
//
// A [Core] is a state machine. [Core.Step] takes what happened and returns what
// is to be done; [Core.Next] says when to call it again if nothing happens. It
// does no I/O, starts no goroutine, reads no clock and holds no lock, so a test
// of a failover is a list of calls, and the same events give the same actions.
//
// Time is [Mono], since the worker's start. Wall time comes in only as a base
// for what the table shows to people and for the first counter of a new lease.
//
// # Terms
//
// A term is one worker's unbroken ownership of one lease. It begins with the
// first own write of a lease that names this worker, and the counter which that
// write stored is the term's token. It ends when another owner is found, when
// the lease is handed over or finished, or when OwnDeadline has passed since the
// last acknowledged write was sent: then the handler's context ends, but the
// worker goes on trying to renew, and the first success is a new term.
//
// # Writes
//
// A held lease has one write in flight. A write of unknown outcome is repeated,
// with the same mark, until its outcome is known; only then comes the next. A
// refused write whose present row carries the mark was applied by an earlier
// try whose reply was lost.
//
// # Rooms
//
// Each file is one duty: terms and renewals (term.go), rows that name this worker
// (own.go), handing over (handoff.go), the end of a shard (shardend.go), leases that
// a worker cannot read since a handler does not return (stuck.go), stopping
// (stop.go), the leader's lock (lock.go), looking at the table and failover
// (watch.go), and what only a leader does: balance, leases that are missing, and
// what is to be cleaned up (lead.go).
package coordinator
