// Package consume processes one shard during one term: it reads, delivers to a
// handler, tries again what failed, and reports what is acknowledged.
//
// # Promises
//
// Batches come to the handler in the shard's order, one at a time. A batch is
// acknowledged when the handler returns nil, and only then does the next one
// come: a batch that failed is delivered again, for ever, with growing pauses.
//
// A term has an end, which [Consumer.Extend] moves. It is looked at before every
// delivery, also after each wait: once it has passed, nothing is delivered until
// it is moved again. The same holds when the machine was suspended and the owner
// of the term has not heard of it yet, see [Clock].
//
// # Goroutines
//
// A consumer has two: the one that calls [Consumer.Run], which also calls the
// handler, and one that reads a single batch ahead of it. Neither ever waits for
// the worker that started it.
package consume
