// Package linear has tests only. They show that the operations of a
// [lease.Manager] on a lease are linearizable: whatever several Managers do at
// the same time, each operation takes effect at one moment between its call and
// its return, once, as if there were nobody else; and they show it with requests
// that are refused, late or carried out twice, and with replies that are lost.
//
// # What is checked
//
// The contract is a sequential specification of one key, in model_test.go: what
// each operation does to a lease, when it refuses, and what its caller then knows.
// The checker is Porcupine. A write of several calls, all but the last of which
// ended in an error, is one operation; one whose outcome nobody was told may take
// effect at any later time or never. Besides, a passed lease changes by a success
// only, and then to what was stored, and no counter is the success of two writes.
//
// Listing and deleting all leases, and the operations on the table, are not
// there: the contract does not promise more of a list than that it was true a
// moment ago.
//
// # Histories
//
// TestHistoriesInMemory, TestHistoriesOnTheFake and TestEmulatorHistories make
// histories of three or four Managers and up to three leases, about eighty
// operations for each lease, at random: over memlease, and over awsfake, DynamoDB
// Local and dynalite behind the real client. A failure names the seed, the first
// operation that makes no sense, and a file with a picture of the history.
//
//	go test ./internal/linear -run Histories -linear.from 1000 -linear.seeds 20000
//
// A seed repeats what each caller does and what befalls it. In memory and on the
// fake, which run in a bubble with a clock of its own, it repeats the order too,
// but for what happens at one instant; one seed of four has much of that. Over an
// emulator it does not repeat the order.
//
// # Every order
//
// TestFailure_F02_EveryOrder executes pairs of short programs over one lease in
// every order of the requests' arrivals, with at most one lost reply and at most
// one request that arrives late, at any time until after everything else; after
// such a fault the Manager either tries again or must give up. It does all pairs
// of one operation each from four starting points (45,347 executions, and 121,709
// with replies that come back at any time), two operations of the owner beside
// one of somebody else (149,722), and three with one copy of the lease (44,909).
// That takes some ten seconds on two cores. All pairs of two operations each from
// the same four starting points are nearly thirty million executions and take
// half an hour:
//
//	go test ./internal/linear -run EveryOrder -linear.all -timeout 2h
//
// # What does not hold
//
// A create and a delete have no counter for a fence. A request of theirs that
// arrives late is carried out, after whatever was done since; the model allows
// it, and TestNotOnce shows what it would find otherwise. Nor is the counter a
// fence after it has begun anew with the same number: TestCounterComesAgain.
package linear
