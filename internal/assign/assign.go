// Package assign says which worker should hold which lease. It is pure:
// leases and workers in, moves out, and the same answer for the same question
// whatever the order in which it is asked.
//
// It balances counts. Among all ways to end equally even it picks one with the
// least number of moves, so a fleet that is even is left alone, and a worker
// that joins or leaves moves exactly the leases that it must.
package assign

import (
	"cmp"
	"maps"
	"slices"
)

// A Lease is one lease to be held by somebody.
type Lease struct {
	Key string
	// Owner is the worker where the lease is or is going; empty if it is free.
	Owner string
	// Fixed says that the lease is counted where it is and not moved: a handoff
	// is under way, or its owner does not obey handoffs.
	Fixed bool
}

// A Worker is one that may hold leases.
type Worker struct {
	ID string
	// Receives is false for a worker that keeps and gives leases, and gets none.
	Receives bool
}

// A Move gives a lease to a worker.
type Move struct {
	Key string
	// From is the owner, empty for a free lease.
	From string
	To   string
}

// Plan gives every free lease a receiver and then evens the counts with the
// least number of moves: each worker ends with the floor or the ceiling of the
// mean, as far as Receives and Fixed allow. Free leases come first in the plan.
//
// Leases whose owner is not among the workers are left alone and not counted;
// so is a free lease that is fixed. Without a receiver the plan is empty.
func Plan(leases []Lease, workers []Worker) []Move {
	f := newFleet(workers)
	var free []Lease
	for _, l := range byKey(leases) {
		if l.Owner == "" && !l.Fixed {
			free = append(free, l)
		} else {
			f.add(l)
		}
	}
	for _, h := range f.holders {
		h.least, h.most = h.fixed, h.count()
	}
	if !f.level(len(free)) {
		return nil
	}
	moving := free
	for _, h := range f.holders {
		// The last keys go: which ones does not matter, but it must be the same
		// ones whoever computes it.
		surplus := max(0, h.count()-h.target)
		moving = append(moving, h.movable[len(h.movable)-surplus:]...)
	}
	return f.deal(moving)
}

// Successors names for each lease of a stopping worker a receiver, evenly by
// count; no other lease moves. Fixed leases are left out, and without a receiver
// there are no successors.
func Successors(leases []Lease, from string, workers []Worker) []Move {
	others := slices.DeleteFunc(slices.Clone(workers), func(w Worker) bool { return w.ID == from })
	f := newFleet(others)
	var moving []Lease
	for _, l := range byKey(leases) {
		if l.Owner != from {
			f.add(l)
		} else if !l.Fixed {
			moving = append(moving, l)
		}
	}
	for _, h := range f.holders {
		h.least, h.most = h.count(), h.count()
	}
	if !f.level(len(moving)) {
		return nil
	}
	return f.deal(moving)
}

// byKey returns the leases in the order of their keys.
func byKey(leases []Lease) []Lease {
	return slices.SortedFunc(slices.Values(leases), func(a, b Lease) int { return cmp.Compare(a.Key, b.Key) })
}

// A holder is a worker with what it holds and what it should.
type holder struct {
	Worker
	fixed   int
	movable []Lease
	// least and most bound the target; a receiver has no most.
	least, most int
	target      int
}

func (h *holder) count() int { return h.fixed + len(h.movable) }

// at returns the holder's share when the fleet is filled up to a level.
func (h *holder) at(level int) int {
	if !h.Receives {
		level = min(level, h.most)
	}
	return max(level, h.least)
}

// A fleet is all workers, in the order of their IDs.
type fleet struct {
	holders []*holder
	byID    map[string]*holder
}

func newFleet(workers []Worker) *fleet {
	f := &fleet{byID: make(map[string]*holder, len(workers))}
	for _, w := range workers {
		f.byID[w.ID] = &holder{Worker: w}
	}
	for _, id := range slices.Sorted(maps.Keys(f.byID)) {
		f.holders = append(f.holders, f.byID[id])
	}
	return f
}

// add counts a lease with its owner, if that is one of the fleet.
func (f *fleet) add(l Lease) {
	h := f.byID[l.Owner]
	switch {
	case h == nil:
	case l.Fixed:
		h.fixed++
	default:
		h.movable = append(h.movable, l)
	}
}

// level sets the targets so that they hold all leases and those more, and are as
// even as the bounds allow. It reports false if nobody receives.
//
// It fills all workers to one level, as water would, each within its bounds. The
// leases that are left then, fewer than the workers that could go one higher,
// stay with those that hold so many already: each saves a move.
func (f *fleet) level(more int) bool {
	if !slices.ContainsFunc(f.holders, func(h *holder) bool { return h.Receives }) {
		return false
	}
	total := more
	for _, h := range f.holders {
		total += h.count()
	}
	sum := func(level int) (n int) {
		for _, h := range f.holders {
			n += h.at(level)
		}
		return n
	}
	low, high := 0, total+1 // sum(low) <= total < sum(high), since one receives
	for high-low > 1 {
		if mid := (low + high) / 2; sum(mid) <= total {
			low = mid
		} else {
			high = mid
		}
	}
	rest := total - sum(low)
	for _, keeps := range []bool{true, false} {
		for _, h := range f.holders {
			if keeps != (h.count() > low) {
				continue
			}
			h.target = h.at(low)
			if rest > 0 && h.at(low+1) > h.target {
				h.target++
				rest--
			}
		}
	}
	return true
}

// deal hands the leases out to those below their targets, one to each in turn,
// so that neighbours go to different workers.
func (f *fleet) deal(leases []Lease) []Move {
	moves := make([]Move, 0, len(leases))
	for round := 0; len(moves) < len(leases); round++ {
		for _, h := range f.holders {
			if h.target-h.count() > round {
				l := leases[len(moves)]
				moves = append(moves, Move{Key: l.Key, From: l.Owner, To: h.ID})
			}
		}
	}
	return moves
}
