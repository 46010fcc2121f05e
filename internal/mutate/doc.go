// Mutate plants known defects, one at a time, and checks that the tests which
// guard against them fail.
//
//	go run ./internal/mutate [-run REGEXP] [-j N]
//
// A test that has never been seen to fail proves nothing, and a later change can
// make it blind. So each defect that a test was written for is kept as a file in
// internal/mutate/defects, and planted again by every run:
//
//	# A late renewal must not count: its lease may be somebody else's by now.
//	test: ./memlease TestRenewOfAnOldCounter
//	file: memlease/store.go
//	-	if l.Counter != want {
//	+	if l.Counter < want {
//
// After the reasons (#) come one or more tests, each a package and the name of a
// test or subtest in it, one file or more, and for each file one block or more of
// lines to remove (-) and lines to put in their place (+). The lines
// after - are whole lines of the file, tabs and all, and together occur in it
// exactly once; an empty line separates blocks.
//
// A defect is killed when each of its tests fails with an assertion of its own. If
// one passes, the defect has survived. Everything else is a mistake in the list,
// and fails the run too: a change that does not compile or no longer applies, a
// test that does not exist, is skipped or fails without the defect, that hangs, or
// that panics. Where a panic is how the test is meant to notice (a deadlock in a
// synctest bubble is one), the line "how: panic" says so.
//
// Nothing is written into the work tree: the changed file is an overlay of the
// build.
package main
