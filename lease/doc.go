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
// A lease is in one of three states:
//
//	unowned      Owner and NextOwner are empty; whoever takes it first has it
//	owned        Owner may write: renew, update, give it up
//	handing off  Owner may still write; NextOwner owns it after the last checkpoint
//
// Taking makes any of them owned by the taker. Evicting makes an owned lease
// unowned, and one that is handing off the next owner's. An owner sees that it is
// to hand off when it gets the lease: NextOwner is set. It then stores its last
// checkpoint with an update and evicts itself.
//
// A lease is finished once its Checkpoint is [ShardEnd], which an update stores;
// there is nothing left to read. It keeps its owners, and can be taken as before.
//
// # Results and errors
//
// A condition that does not hold is a result, (false, nil), and never an error.
// An error is an [*Error] and matches exactly one of
//
//	ErrProvisionedThroughput  throttled, or a limit of the account
//	ErrInvalidState           there is no table, or it is being created or deleted
//	ErrDependency             all else: the service, the network, the client, a context
//	                          that ended, a row that does not parse, a value that
//	                          cannot be stored
//
// It names the operation and the key, wraps the cause, and says in
// [Error.Retryable] whether the same call may succeed later with nothing changed
// by anybody. ErrInvalidState is not retryable, although a table that is being
// created will be there: wait with WaitUntilLeaseTableExists.
//
// An error never means that a condition did not hold, and it does not say whether
// the write was done. A value that cannot be stored, such as an empty key, is
// refused before any request. After every other error assume that the write may
// have been done.
//
// After an error and after false, the lease that was passed is as it was. After
// success it has what the write stored, as each operation says.
//
// # Tries and time
//
// An operation makes up to five tries, as long as what failed is retryable and its
// context has not ended. A try ends after [Manager.Try], and one that reads or
// creates a whole table after thirty times as long. At the defaults an operation
// on one lease takes about 6 seconds at most, and one on the table 150. EvictLease
// does that for each time that the owner's renewal came first, up to sixteen times,
// and DeleteAll for each lease; give them a context.
//
// A context that has ended ends the operation, at once, with ErrDependency and the
// context's own error among the causes, whatever else had failed before.
//
// # When the network fails in the middle
//
// A write can be carried out and its reply be lost, and a request that was given
// up can arrive late. A write that moves the counter carries a mark that stays the
// same over its tries ([Set.Mark]): a try that is refused by the operation's own
// earlier try knows it by the mark, the counter and the owner in the lease that
// came back, and reports true.
//
// If all tries fail, nobody knows the outcome. The Manager remembers such writes
// for the *Lease that was passed, and then
//
//   - the same operation on the same *Lease goes on with the same mark, finds out,
//     and does the write at most once (but see EvictLease);
//   - another one after a creation, a renewal or an update is done on top of it,
//     or refused because somebody else wrote;
//   - another one after a take or an eviction that was done is refused, since the
//     owner is not who the *Lease says. There, false does not mean that somebody
//     else wrote: repeat the take or the eviction, or get the lease.
//
// False for a repeated call says that the lease is lost, and not that nothing was
// done: the call before may have been, until somebody else wrote.
//
// Whoever has no such *Lease any more, after a restart say, gets the lease: what
// is stored there is what was done.
//
// A write that arrives late is refused if anything was written since, because
// its counter is old. That holds for a lease that was deleted and created anew
// too, if the new counter is beyond every old one; an application that deletes
// leases starts them with the Unix time in milliseconds, say. Only a creation
// and a deletion have no counter to be fenced by: a creation that arrives after
// a deletion makes the lease again, with the counter that it began with, and a
// deletion that arrives after a creation removes it.
//
// # Rows that are not leases, or do not parse
//
// The table has other rows: workers, the lock, and kinds that other libraries
// know. Their keys are no leases: getting one is nil, creating one false, writing
// one false, deleting one nil, and the row is untouched. Lists pass them over.
//
// A row of a lease that does not parse, which somebody wrote by hand, say, is an
// ErrDependency with an [*UnreadableError] that names key, attribute and reason,
// for GetLease and for RenewLease, TakeLease, EvictLease and UpdateLease; these
// may have been done if their condition held. CreateLeaseIfNotExists is false.
// ListLeases and DeleteAll do what they can with the others and report it, and
// DeleteLease, which has a key and no condition, deletes it.
//
// # The operations, one by one
//
// What was said above holds for all of them: throttling is
// ErrProvisionedThroughput, a failing service or network ErrDependency, and no
// table ErrInvalidState. The three operations on the table itself have their own
// rules.
//
// CreateLeaseTableIfNotExists: true if this call created the table; false if it
// was there, in any state, or somebody else was first. ErrProvisionedThroughput is
// throttling or an account's limit, all else ErrDependency. If the reply was lost,
// the next try finds the table and says false though this call created it:
// creation leaves no mark. Nothing depends on who did.
//
// LeaseTableExists: true if the table can be used, which is while it is active
// or being updated; false if there is none, or it is being created or deleted.
// Every failure, throttling included, is ErrDependency. So is a table that
// cannot be a lease table, since it has another key.
//
// WaitUntilLeaseTableExists: true as soon as the table can be used, at once if
// it can be; false when the time is over. It looks at least once, and no pause goes
// beyond the end, neither between looks nor between the tries of one. The first
// look that fails ends it, with the error of LeaseTableExists.
//
// ListLeases: every lease, or an error; never a part with a nil error. It reads
// what was true a moment ago. Leases that do not parse come as an ErrDependency
// beside the leases that do; with any other error there are no leases.
//
// CreateLeaseIfNotExists: true if this call created the lease, or an earlier one
// on the same *Lease with the same content of which that was not known; false if
// its key is in use. A lost reply is known by the mark, unless the lease has been
// written since by a library that leaves marks, as this one does: then false.
//
// GetLease: the lease as it is now; nil with a nil error if there is none. Reading
// changes nothing and can be repeated.
//
// RenewLease: true if the stored counter was the passed lease's; then it is one
// more, in the table and in the passed lease, and l.Throughput, if known, is
// stored. False if it was not, or there is no lease: it is lost. If the reply was
// lost and then somebody took the lease, false, as it should be.
//
// TakeLease: true if the stored counter was the passed lease's; then the owner
// is the taker, a handoff is over, and the counter one more, in both. False if
// the counter has moved: the owner lives, or another was first. A take of this
// process is told from that of another of the same name.
//
// EvictLease: true if the stored owner was the passed lease's, whatever the
// counter; then nobody owns it, or the next owner does if a handoff was under
// way. False if the owner is another, or there is no lease. Each try is
// conditional on the counter that it saw, so that a late one cannot evict an
// owner who came back since. But a call that repeats one of unknown outcome finds
// an owner who came back under its name meanwhile, and evicts it again. An owner
// who renews before every try, sixteen times, is an ErrDependency. Afterwards the
// passed lease has the stored counter and owner, and still its own, maybe older,
// checkpoint: get it again before an update.
//
// UpdateLease: true if the stored counter was the passed lease's; then the
// checkpoint and the application's other fields are stored and the counter is one
// more, in both. False if it was not, or there is no lease: it is lost, and this
// call stored nothing. The checkpoint may go back, and Switches is stored as it is in l, not
// reset. The owners, the parents, the throughput and attributes of other libraries
// stay.
//
// DeleteLease: nil once there is no lease with this key, also if there was none.
// It is not conditional: it deletes whoever owns the lease. After an error the
// lease may be gone, and deleting again is safe.
//
// DeleteAll: nil once every lease that was listed is gone. It stops at the first
// error, with some deleted; call it again. Leases that do not parse stay, and are
// reported when the others are gone.
//
// IsLeaseTableEmpty: true if there is no lease; rows of other kinds do not count.
// It reads the whole table as ListLeases does, so that it may miss a lease created
// a moment ago. If a lease does not parse and no other does, it is an error, since
// nobody knows.
package lease
