// Package memlease is a lease.Store in memory, for examples, tests and
// programs of one process.
//
// It keeps the promises of lease.Store as strictly as a store on DynamoDB:
// leases, workers and the lock share one space of keys, a missing table is an
// error, and nothing that is passed in or out shares memory with the store. It
// is stricter where DynamoDB is lax: scans, the index and the lock are never
// old.
package memlease
