package cli

import (
	"slices"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// A lineup says which shards of a stream may be read now: a shard whose parents
// are all read to their end. It does no reading itself.
type lineup struct {
	places map[string]*place
	// children is where shards begin that are found later.
	children stream.Start
	// fixed keeps shards that are found later out.
	fixed bool
}

// A place is what a lineup knows of one shard.
type place struct {
	parents []string
	start   stream.Start
	state   placeState
	// closed says that the shard has an end, so that it is not caught up before.
	closed   bool
	caughtUp bool
}

type placeState uint8

const (
	waiting placeState = iota
	reading
	passed // read to its end, or not to be read at all
)

// newLineup lines up the shards to read from a start. From latest, the closed
// shards are passed over. Fixed says that these shards are all: their children
// are not read.
func newLineup(shards []stream.Shard, from stream.Start, fixed bool) *lineup {
	l := &lineup{places: map[string]*place{}, children: afterReshard(from), fixed: fixed}
	for _, s := range shards {
		pl := &place{parents: s.Parents, start: from, closed: s.Closed}
		if from.Position == lease.Latest && s.Closed && !fixed {
			pl.state = passed
		}
		l.places[s.ID] = pl
	}
	if from.Position != lease.Latest && !from.Position.IsRecord() && !fixed {
		return l
	}
	// What is read from its tip or from a record does not wait for parents.
	for _, pl := range l.places {
		pl.parents = nil
	}
	return l
}

// ready returns the shards that may be read now and were not before, and counts
// them as being read.
func (l *lineup) ready() []string {
	var ids []string
	for id, pl := range l.places {
		if pl.state == waiting && !slices.ContainsFunc(pl.parents, l.blocks) {
			ids = append(ids, id)
		}
	}
	for _, id := range ids {
		l.places[id].state = reading
	}
	slices.Sort(ids)
	return ids
}

// blocks reports whether a shard that is to be read is not read to its end. One
// that the stream no longer has blocks nobody.
func (l *lineup) blocks(parent string) bool {
	pl, ok := l.places[parent]
	return ok && pl.state != passed
}

// end says that a shard is read to its end and which shards continue it. It
// reports whether one of those has a parent that the lineup has not heard of:
// then the stream is to be listed again before anything else is read.
func (l *lineup) end(id string, children []stream.Shard) (unknown bool) {
	l.places[id].state = passed
	l.add(children)
	if l.fixed {
		return false
	}
	for _, c := range children {
		for _, parent := range c.Parents {
			if _, ok := l.places[parent]; !ok {
				unknown = true
			}
		}
	}
	return unknown
}

// add lines up shards that were not known before. They are all descendants of
// known ones.
func (l *lineup) add(shards []stream.Shard) {
	if l.fixed {
		return
	}
	for _, s := range shards {
		if _, ok := l.places[s.ID]; !ok {
			l.places[s.ID] = &place{parents: s.Parents, start: l.children, closed: s.Closed}
		}
	}
}

// caughtUp says that a shard was read to its tip.
func (l *lineup) caughtUp(id string) {
	if pl := l.places[id]; !pl.closed {
		pl.caughtUp = true
	}
}

// allCaughtUp reports whether nothing is left to read but what will come.
func (l *lineup) allCaughtUp() bool {
	for _, pl := range l.places {
		if pl.state == waiting || pl.state == reading && !pl.caughtUp {
			return false
		}
	}
	return true
}

// over reports whether all shards are read to their end.
func (l *lineup) over() bool {
	for _, pl := range l.places {
		if pl.state != passed {
			return false
		}
	}
	return true
}
