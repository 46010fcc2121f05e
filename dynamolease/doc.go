// Package dynamolease is a [lease.Store] on Amazon DynamoDB. Its tables are
// those of AWS's Java KCL 3.5: workers of both may share one.
//
// # The table
//
// One table holds everything, under the one key leaseKey (S): a lease for each
// shard, an item for each worker, the leader's lock ("Leader") and the fleet's
// client-version state ("Migration3.0"). The attribute entityType tells them
// apart; an item without one is a lease, since versions before 3.5 wrote none.
// An index, LeaseOwnerToLeaseKeyIndex, has the leases by owner. Some applications
// have more tables, see below.
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
// A new table is paid by request unless it is given capacities, and has the tags
// and the deletion protection of the [Config]. [Store.ProtectTable] switches
// point-in-time recovery on, also for a table that was there before.
//
// [Store.Scan] reads a table of more than 1 MiB in segments at once, one for each
// MiB, so that the time of a look does not grow with the table. It costs what one
// read after the other does.
//
// # Separate tables
//
// An application that began with Java KCL 3.0 to 3.4 keeps the lock and the
// client-version state in a table of their own (key), and the workers in another
// (wid), until its Java workers of version 3.5 have moved all that into the lease
// table. Their leader keeps account of the move in the coordinator table, in the
// item TableMigration3.5. A Store reads that item before its first use of a lock,
// a worker or a state, beside another call where it can, and goes by it:
//
//	coordinator table missing, or COMPLETE    everything is in the lease table
//	no item, or INIT, or DEPLOYED             separate tables are used
//	PENDING, or a state not known             an error, not retryable
//
// In separate tables nothing but leases is written to the lease table, which
// older Java workers could not read otherwise, and the workers of this library do
// not say that they support one table (sup): they take no part in the move, and
// Java's leader does not complete it while they run. So migrate with Java workers
// alone, and start those of this library when it is COMPLETE. PENDING is an error
// because then each Java worker's configuration says where its items go.
//
// Items that Java has moved early, or has left behind when the move was given up,
// are read in either table: a state that the coordinator table lacks, and of two
// items of one worker the one reported later. What is known of the layout lasts
// as long as the Store; a scan that finds the move in another state corrects it.
//
// An application that never ran Java KCL 3.0 to 3.4 has one table.
// [Config].SingleTable says so, and saves the question.
//
// # Permissions
//
// These actions, of dynamodb, are what a worker needs:
//
//	lease table       DescribeTable, GetItem, PutItem, UpdateItem, DeleteItem, Scan
//	its index         Query
//	if it is to make  CreateTable, and TagResource if there are Tags; UpdateTable
//	  table or index
//	if PointInTime-   UpdateContinuousBackups
//	  Recovery is set
//	coordinator       GetItem, also where there is no such table, unless
//	  table           SingleTable is set; where there is one, also
//	                  PutItem, UpdateItem, DeleteItem, Scan
//	worker table,     GetItem, UpdateItem, DeleteItem, Scan
//	  if there is one
//
// DynamoDB tells only those who may read a table that it is not there: without the
// permission for the coordinator table the answer is AccessDeniedException, and an
// error that names what to allow. docs/permissions.md has a policy.
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
