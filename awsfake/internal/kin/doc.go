// Package kin is the engine of the Kinesis fake: streams, shards and records in
// memory, with the rules of the service and without its wire formats.
//
// An [Account] holds streams. A stream has one lock, which is never held while
// waiting. There is no goroutine and no timer: whatever lasts (a stream being
// created, a split, retention) has a time at which it is over, and the next
// call after that time does what was due. So the engine runs in a testing/synctest
// bubble as it runs outside.
//
// Records lie in a slice per shard, each with its payload once. A read returns
// a part of that slice; the slice only grows at its end and is copied before
// its front is given up, so a page stays valid without the lock.
package kin
