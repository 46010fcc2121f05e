package lease

import "time"

// A Snapshot is one look at a whole table. Its rows may have been read at
// different times.
type Snapshot struct {
	Leases  []Lease
	Workers []Worker
	// Lock is the leader's lock, nil if there is none.
	Lock *Lock
	// Version is the fleet's client-version state, empty if there is none.
	Version ClientVersion
	// Unreadable rows are leases or workers that do not parse, or items of a
	// kind that this package does not know.
	Unreadable []UnreadableError
	// Units is what the look cost, in read capacity units; 0 if the store has
	// no such cost.
	Units float64
}

// A Worker is the item by which a worker shows that it lives and takes leases.
type Worker struct {
	// ID is the worker's name, as leases store it.
	ID string
	// Reported is when the worker wrote the item by its own wall clock, to the
	// second.
	Reported time.Time
	// Nonce is different for each process; empty for a worker of another
	// library.
	Nonce string
	// Version is the library and its version, such as "leasehold 0.1"; empty
	// for a worker of another library.
	Version string
}

// Ours reports whether the worker runs this library.
func (w Worker) Ours() bool { return w.Nonce != "" }

// A Lock says who leads.
type Lock struct {
	// Owner is the name of the worker that leads, as its item has it.
	Owner string
	// Duration is how long Version may stand still, by an observer's own
	// clock, before another may take the lock. It is stored in milliseconds.
	Duration time.Duration
	// Version is a random text, new with every write.
	Version string
	// Deputy is the worker that watches beside the leader; empty if there is
	// none or the leader runs another library.
	Deputy string
}

// ClientVersion is the state by which a fleet agrees how leases are assigned,
// as Java KCL stores it.
type ClientVersion string

// The client-version states. A worker of this library may join the first two. A
// table with leases and no state is one of Java KCL 2.x, which it may not.
const (
	// Version3X is a fleet that a leader assigns leases to, for good. A new
	// application has it.
	Version3X ClientVersion = "CLIENT_VERSION_3X"
	// Version3XWithRollback is the same, and may go back to [Version2X] at any
	// time: whoever joins keeps looking.
	Version3XWithRollback ClientVersion = "CLIENT_VERSION_3X_WITH_ROLLBACK"
	// VersionUpgradeFrom2X is a fleet of workers of 3.x that still take leases as
	// those of 2.x do, until all of them are ready.
	VersionUpgradeFrom2X ClientVersion = "CLIENT_VERSION_UPGRADE_FROM_2X"
	// Version2X is a fleet that was rolled back to that way of taking leases.
	Version2X ClientVersion = "CLIENT_VERSION_2X"
)
