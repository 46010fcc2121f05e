package lease

import "slices"

// A Lease says who may make durable progress on one shard, and how far that
// progress is.
type Lease struct {
	// Key names the lease. For an application with one stream it is the
	// shard's ID, such as "shardId-000000000007"; for one with several streams
	// it is [StreamID.Key].
	Key string

	// Owner is the worker that may write now, empty if nobody may.
	Owner string

	// NextOwner is the worker that will own the lease when Owner has stored
	// its last checkpoint; empty unless a handoff is under way.
	NextOwner string

	// Counter grows by one with every write of an owner and with every change
	// of owner. It is the fence: each such write is conditional on it.
	Counter int64

	// Checkpoint is the last record processed, or a sentinel. It is the zero
	// Position if the row has none, which other libraries can leave so.
	Checkpoint Position

	// Pending is a prepared checkpoint, the zero Position if there is none,
	// and PendingState what the application stored with it.
	Pending      Position
	PendingState []byte

	// Switches counts changes of owner since the last checkpoint.
	Switches int64

	// Parents and Children are shard IDs. Children are known once the shard
	// has ended.
	Parents, Children []string

	// HashRange is the part of the hash keys that the shard serves; zero if it
	// is not known.
	HashRange HashRange

	// Throughput is what the owner lately read, in KiB a second; nil if it
	// never said. See [RoundThroughput].
	Throughput *float64

	// Stream and Shard are set in tables that serve several streams only; see
	// [StreamID] and [Lease.CheckStream].
	Stream, Shard string

	// Mark names the logical write that last moved the counter, if that was
	// one of ours; see [Set.Mark].
	Mark string
}

// HashRange is a range of hash keys, both ends included, as decimal numbers of
// up to 39 digits.
type HashRange struct {
	Start, End string
}

// IsZero reports whether the range is not known.
func (r HashRange) IsZero() bool { return r == HashRange{} }

// Finished reports whether all records of the lease's shard are processed.
func (l *Lease) Finished() bool { return l.Checkpoint == ShardEnd }

// HandingOff reports whether a handoff is under way.
func (l *Lease) HandingOff() bool { return l.NextOwner != "" }

// Owners returns both owners.
func (l *Lease) Owners() Owners { return Owners{Owner: l.Owner, Next: l.NextOwner} }

// Clone returns a copy that shares nothing with l.
func (l *Lease) Clone() Lease {
	c := *l
	c.PendingState = slices.Clone(l.PendingState)
	c.Parents = slices.Clone(l.Parents)
	c.Children = slices.Clone(l.Children)
	if l.Throughput != nil {
		c.Throughput = new(*l.Throughput)
	}
	return c
}
