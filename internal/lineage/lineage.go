// Package lineage says which leases must exist for a stream's shards, and for
// which parents a lease waits. It is pure: lists in, lists out.
//
// # Model
//
// Shards form a graph: a split gives a shard two children, a merge gives two
// shards one child. Every record of a parent is older than every record of its
// children with the same key, so a child is read only when its parents are done.
//
// The owner of a parent makes its children's leases when it has read the parent
// to its end, at TRIM_HORIZON ([Child]). What cannot come about that way is
// [Missing]: the first leases of an application, and whatever somebody deleted
// or a crash left out. [Unfinished] says what a lease still waits for, and
// [Spent] when it may go.
//
// # Guarantees
//
// If the leases that Missing names are made, and each owner makes the leases of
// its shard's children at the shard's end, then
//
//   - every shard that the initial position reaches is read, and read once;
//   - a shard is never read again after one of its descendants has progressed;
//   - no lease waits for ever for a parent that will never have one;
//   - Missing then returns nothing.
package lineage

import (
	"slices"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// Child returns the lease of a child shard made at its parent's end, at
// TRIM_HORIZON: nobody has read the child before.
func Child(s stream.Shard) lease.Lease { return leaseAt(s, lease.TrimHorizon) }

// leaseAt returns the lease of a shard, without owner and counter. It names all
// parents, also those that the stream no longer has: whether they still matter
// is decided when the lease is to be read.
func leaseAt(s stream.Shard, p lease.Position) lease.Lease {
	return lease.Lease{
		Key:        s.ID,
		Parents:    slices.Clone(s.Parents),
		HashRange:  s.HashRange,
		Checkpoint: p,
	}
}

// Unfinished returns the parents of l that are not done: those whose lease is
// unfinished, and those whose lease is missing though the stream still has the
// shard and l has not progressed past TRIM_HORIZON. The latter must not be read
// as done: their lease may just not have been made, or have been deleted, and
// [Missing] will name it.
//
// Lookup returns a shard's lease, nil if there is none. InStream reports whether
// the stream still lists a shard.
func Unfinished(l *lease.Lease, lookup func(shard string) *lease.Lease, inStream func(shard string) bool) []string {
	var waiting []string
	for _, p := range l.Parents {
		if parent := lookup(p); parent != nil {
			if !parent.Finished() {
				waiting = append(waiting, p)
			}
		} else if !progressed(l) && inStream(p) {
			waiting = append(waiting, p)
		}
	}
	return waiting
}

// Spent reports whether a lease may be deleted: its shard is finished, each of
// the shard's children has a lease and was read from, and no parent's lease is
// left. Until then somebody may still ask whether the shard is done; and going
// from the oldest down, no finished lease is left between two that are gone.
func Spent(l *lease.Lease, lookup func(shard string) *lease.Lease) bool {
	if !l.Finished() || l.HandingOff() || len(l.Children) == 0 {
		return false
	}
	for _, p := range l.Parents {
		if lookup(p) != nil {
			return false
		}
	}
	for _, c := range l.Children {
		if child := lookup(c); child == nil || !child.Checkpoint.IsRecord() && !child.Finished() {
			return false
		}
	}
	return true
}

// progressed reports whether somebody decided that l's shard is to be read from
// past its start, or has read of it. LATEST is such a decision.
func progressed(l *lease.Lease) bool { return l.Checkpoint.Compare(lease.TrimHorizon) > 0 }
