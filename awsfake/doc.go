// Package awsfake is Kinesis and DynamoDB in memory, for tests and for a first
// run without AWS.
//
// [Kinesis] and [DynamoDB] are http.Handlers that speak the services' own
// protocols, so that the code under test keeps its real SDK client. [Services]
// is both at one address. [Client] and [Config] connect an SDK client to a
// handler in process, without sockets:
//
//	db := &awsfake.DynamoDB{}
//	client := dynamodb.NewFromConfig(awsfake.Config(db, "worker1"))
//
// # Time
//
// The fakes read time with time.Now and wait with timers, so they run in a
// testing/synctest bubble: an hour of latency costs nothing there. What changes
// with time, such as a table that is being created, is worked out when somebody
// looks. A call is served in its caller's goroutine; only a Late fault and a
// reply that streams have one of their own, and it ends with them.
//
// # Faults
//
// Each call is first shown to the fake's [Script], which answers with a
// [Fault]: the call never arrives, its reply is lost or cut in half, it is late,
// applied twice, or refused with an error of the service; a read is stale, a
// scan torn, a batch left unfinished. [Random] draws faults by a seed, [Policy]
// denies calls as IAM does, [Times] and [First] join scripts. The same script
// works in process and over HTTP, where a connection that breaks really does, and
// before another server, such as DynamoDB Local, with [Faults]. Each call is then
// told to Trace, as a [Result] with the capacity units that AWS would bill.
//
// A call passes these stages, in this order:
//
//	arrival (numbered, script asked) → half of Latency, Delay → Refuse or Code
//	→ applied → DelayReply, half of Latency → reply, or LoseReply or CutBody
//
// A caller that gives up before the call is applied stops it, unless the fault
// is Late; one that gives up afterwards does not undo it.
//
// # What is faithful
//
// DynamoDB's items, expressions, conditions, indexes, transactions, errors and
// capacity units are the service's: a public suite of 601 cases and a contract
// suite that also runs against DynamoDB Local and dynalite check them. The zero
// value is the service at its best: nothing lasts, lags or is limited. Real ones
// are slower, and code that works with the zero value only does not work: set
// Latency, TableTakes, IndexTakes, IndexLag, ReadLag and Limits.
//
// Not there are streams, PartiQL, global tables and backups. Partitions do not
// split, and credentials are not checked. docs/fakes.md has the whole list.
package awsfake
