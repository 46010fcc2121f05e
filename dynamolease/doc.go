// Package dynamolease is a [lease.Store] on Amazon DynamoDB. Its tables are
// those of AWS's Java KCL 3.5: workers of both may share one.
//
// # The table
//
// One table holds everything, under the one key leaseKey (S): a lease for each
// shard, an item for each worker, the leader's lock ("Leader") and the fleet's
// client-version state ("Migration3.0"). The attribute entityType tells them
// apart; an item without one is a lease, since versions before 3.5 wrote none.
// An index, LeaseOwnerToLeaseKeyIndex, has the leases by owner.
//
// During a handoff the row's leaseOwner is the next owner and checkpointOwner
// the present one, so [lease.Lease.Owner] is checkpointOwner where there is
// one, and leaseOwner else. A row whose checkpointOwner stands alone, or equals
// leaseOwner, hands over to nobody: it reads as owned by that worker, and so do
// conditions on its owners.
//
// Attributes that this package does not know stay as they are: no write
// replaces a whole lease or worker. Of its own it adds lhw to leases (the mark
// of the last write that moved the counter), properties to workers and deputy
// to the lock; Java keeps the first two and ignores the third.
//
// # Writes
//
// A lease is changed by one UpdateItem, conditional on what the caller has
// seen and on the item being a lease. A condition that does not hold is an
// outcome, and the answer carries the present lease: the service returns the
// old item with the refusal, and where it does not, as when there is none, one
// consistent read follows.
//
// Every call is tried once, whatever retryer the client has: a retry inside the
// client would hide how long a write of unknown outcome has been under way,
// and spend time that the caller counts against its lease.
package dynamolease
