// Package leasehold shares the shards of a stream among any number of
// processes: each shard is processed by one of them at a time, and by another
// when that one stops or dies.
//
// # Model
//
// A [Worker] has a name. For each shard there is a lease in a table that all
// workers of the application share; the worker that holds it processes the
// shard, renews the lease every few seconds and stores in it how far it is, the
// checkpoint. All writes are conditional, so that a worker that was
// cut off or put to sleep cannot change what belongs to another by now.
//
// Start as many workers as you like, anywhere, whenever you like; each has its
// share within seconds. There is nothing else to run.
//
// # Guarantees
//
// Every record is processed at least once: the checkpoint passes a record only
// when the handler has returned nil for it and for all before it. Records of a
// shard come in order, and those of a shard's children after all of its own.
// A handoff and a clean stop repeat nothing. After a crash the records since the
// last checkpoint come again, by default up to five seconds' worth; [EveryBatch]
// makes it the last batch, for more writes.
//
// # When things fail
//
// A handler that fails gets the same batch again, for ever; its shard waits and
// the others do not. A worker that dies is followed within Config.FailoverTime
// and 2.5 seconds. A worker that cannot reach the table ends the contexts of its
// handlers before others may take its leases, and goes on by itself when the
// table is back. A machine that was suspended delivers nothing after it wakes
// until it has asked the table what it still owns.
//
// # Tables shared with Java
//
// Package dynamolease stores leases as AWS's Java KCL 3 does. Workers of both may
// share a table.
package leasehold
