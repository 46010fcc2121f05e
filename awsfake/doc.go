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
// [Fault]: the call never arrives, its reply is lost, it is late, applied twice,
// or refused with an error of the service. The same script works in process and
// over HTTP, where a connection that breaks really does. Each call is then told
// to Trace, as a [Result] with the capacity units that AWS would bill.
//
// A call passes these stages, in this order:
//
//	arrival (numbered, script asked) → half of Latency, Delay → Refuse or Code
//	→ applied → DelayReply, half of Latency → reply, or LoseReply
//
// A caller that gives up before the call is applied stops it, unless the fault
// is Late; one that gives up afterwards does not undo it.
package awsfake
