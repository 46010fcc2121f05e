// Package proctest has tests only: the built command, as real processes, over
// the emulators, with signals that no process can refuse, and beside a real Java
// KCL worker on the same table.
package proctest
