// Package javakcl runs real workers of the Java Kinesis Client Library beside
// ours in a test. It is imported by tests only.
//
// The worker is a small Java program in the folder worker, over the library's
// release 3.5.1. It reads one stream by polling, checkpoints after each batch, and
// prints what happens to it, which a test reads as [Event] values. [Start] starts
// one; two with the same application and different names make a fleet.
//
// It needs Java 17, and Maven once, to build the program:
//
//	go run ./internal/javakcl/prepare
//
// The build is kept in the user's cache folder under a name made from the sources,
// so tests themselves need no network. Without it they are skipped; where CI is set,
// they fail. Such a test is named TestJava... and runs under .ci/emulators.
//
// A Java worker is slow to start a new application: it waits for its index for
// 10 s and for its first leases for up to 30 s, and sleeps for 60 s after it has made
// them. A worker that finds leases named after itself has them within 4 s.
package javakcl
