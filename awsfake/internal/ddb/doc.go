// Package ddb is the engine of the DynamoDB fake: values, expressions, tables,
// indexes, and the operations over them. It knows nothing of HTTP, faults and
// callers.
//
// A [DB] decodes a request with [Decode] and serves it with [DB.Do]. It starts
// no goroutine and never waits. What takes time at the service (a table being
// created, an index behind its table) is worked out from time.Now when
// somebody looks.
//
// Items are never changed in place: a write stores a new one, so that a reader
// may keep what it was given without a lock.
package ddb
