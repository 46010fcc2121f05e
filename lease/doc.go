// Package lease is the contract by which many processes share the shards of a
// stream: one lease for each shard, stored where all can see it, changed only
// by conditional writes.
//
// [Store] is what a backend implements: a table of leases, workers and one
// lock, with one fenced write, [Store.Change]. Packages memlease and
// dynamolease are two; package leasetest tests any. [Manager] is for people who
// build their own coordination: thirteen operations over any Store, each with
// an exact result. Package lease/classic has them under the signatures of other
// Kinesis client libraries.
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
// A lease is in one of four states:
//
//	unowned     Owner and NextOwner are empty; whoever takes it first has it
//	owned       Owner may write: renew, update, give it up
//	handing off Owner may still write; NextOwner owns it after the last checkpoint
//	finished    Checkpoint is SHARD_END; there is nothing left to do
//
// Taking makes any of them owned by the taker. Evicting makes an owned lease
// unowned, and one that is handing off the next owner's. Finishing is an update
// whose checkpoint is [ShardEnd]; the owners stay.
//
// # Results and errors
//
// A condition that does not hold is a result, (false, nil), and never an error.
// An error is an [*Error]; it matches exactly one of [ErrProvisionedThroughput]
// (throttled, or a limit of the account), [ErrInvalidState] (there is no table,
// or not yet) and [ErrDependency] (everything else: the service, the network,
// the client, a context that ended, a value that cannot be stored), wraps its
// cause, names the operation and the key, and says in [Error.Retryable] whether
// the same call may succeed later with nothing changed by anybody. An error
// never means that a condition did not hold.
//
// After an error and after false, the lease that was passed is as it was. After
// success it has what the write stored, as each operation says.
//
// # When the network fails in the middle
//
// A write can be carried out and its reply be lost, and a request that was given
// up can arrive late. Each operation of a Manager is tried up to five times, and
// each try ends after [Manager.Try]. A write that moves the counter carries a
// mark that stays the same over its tries ([Set.Mark]): a try that is refused by
// the operation's own earlier try knows it by the mark, the counter and the
// owner in the lease that came back, and reports true. If all tries fail, the
// error says that the outcome is not known; the same operation on the same
// *Lease goes on with the same mark, finds out, and does the write at most once.
// Another operation on that *Lease settles it too: it is done on top of the
// write that was in doubt, or refused because somebody else wrote.
//
// A write that arrives late is refused if anything was written since, because
// its counter is old. That holds for a lease that was deleted and created anew
// too, if the new counter is beyond every old one; an application that deletes
// leases starts them with the Unix time in milliseconds, say. Only a creation
// and a deletion have no counter to be fenced by: a creation that arrives after
// a deletion makes the lease again, with the counter that it began with, and a
// deletion that arrives after a creation removes it.
//
// # The operations, one by one
//
// In all of them, a context that has ended is ErrDependency with the context's
// own error as a cause, at once; throttling is ErrProvisionedThroughput and a
// failing service or network ErrDependency, after five tries; and no table is
// ErrInvalidState, unless the operation is about the table itself.
//
// CreateLeaseTableIfNotExists: true if this call created the table; false if it
// was there, in any state, or somebody else was first. An account's limit is
// ErrProvisionedThroughput. If the reply was lost, the next try finds the table
// and says false though this call created it: creation leaves no mark. Nothing
// depends on who did.
//
// LeaseTableExists: true if the table can be used, which is while it is active
// or being updated; false if there is none, or it is being created or deleted.
// Every failure, throttling included, is ErrDependency. So is a table that
// cannot be a lease table, since it has another key.
//
// WaitUntilLeaseTableExists: true as soon as the table can be used, at once if
// it can be; false when the time is over. It looks at least once, and never
// sleeps past the end. The first error ends it, and is as above.
//
// ListLeases: every lease, or an error; never a part with a nil error. It reads
// what was true a moment ago. Rows that do not parse come as an ErrDependency
// with an [*UnreadableError] for each, beside the leases that do. Rows of other
// kinds, such as workers, are passed over.
//
// CreateLeaseIfNotExists: true if this call created the lease; false if its key
// is in use, by a lease, by a row of another kind or by one that does not parse;
// that row is untouched. A lost reply is known by the mark, unless the lease has
// been written by somebody else since: then false.
//
// GetLease: the lease as it is now; nil with a nil error if there is none, or if
// the key is another kind of row's. A row that does not parse is ErrDependency
// with an [*UnreadableError]. Reading changes nothing and can be repeated.
//
// RenewLease: true if the stored counter was the passed lease's; then it is one
// more, in the table and in the passed lease. False if it was not, or there is
// no lease: it is lost. A lost reply is known by the mark. If it was lost and
// then somebody took the lease, false, as it should be.
//
// TakeLease: true if the stored counter was the passed lease's; then the owner
// is the taker, a handoff is over, and the counter one more, in both. False if
// the counter has moved: the owner lives, or another was first. A lost reply is
// known by the mark, and so is one process's take from that of another process
// of the same name.
//
// EvictLease: true if the stored owner was the passed lease's, whatever the
// counter; then nobody owns it, or the next owner does if a handoff was under
// way. False if the owner is another, or there is no lease. Each try is
// conditional on the counter that it saw, so that a late one cannot evict an
// owner who came back since. Afterwards the passed lease has the stored counter
// and still its own, maybe older, checkpoint: get it again before an update.
//
// UpdateLease: true if the stored counter was the passed lease's; then the
// checkpoint and the application's other fields are stored and the counter is
// one more, in both. False if it was not: the lease is lost and nothing of it was
// stored. The owners, the parents and attributes of other libraries stay. A lost
// reply is known by the mark.
//
// DeleteLease: nil once there is no lease with this key, also if there was none.
// It is not conditional: it deletes whoever owns the lease. A row of another
// kind stays. After an error the lease may be gone, and deleting again is safe.
//
// DeleteAll: nil once every lease that was listed is gone. It stops at the first
// error, with some deleted; call it again. Rows of other kinds stay, rows that do
// not parse stay and are reported when the others are gone.
//
// IsLeaseTableEmpty: true if there is no lease; rows of other kinds do not count.
// If a row does not parse and no lease does, it is an error, since nobody knows.
package lease
