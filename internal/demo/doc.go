// Package demo tells the story of a fleet: it serves both services of its own
// process, writes numbered records, and starts worker processes that join, die,
// sleep past their leases and stop, while the stream's shards split and merge.
// It reads every line that the workers print and checks that no record is lost
// and that the records of each key come in order.
//
// # What it signals
//
// A demo signals the processes that it started and no others. When it ends, they
// have ended. When it is killed, they notice that their stdin ended and end at
// once; on Linux the kernel also ends one that is stopped.
//
// # What it prints
//
// Every figure is measured while the story runs: holdings and takeovers by what
// the workers print, writes and refusals by what reaches the table.
package demo
