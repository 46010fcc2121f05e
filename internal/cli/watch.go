package cli

import (
	"context"
	"errors"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// A watch is what one or more looks at a lease table showed.
//
// A lease holds no time, so that one look cannot tell a living owner from a
// dead one. A watch tells them apart by its own clock: a counter that moved
// under the same owner was written by it, and one that stood still for longer
// than the failover time was not.
type watch struct {
	last        *lease.Snapshot
	began, seen time.Time
	sightings   map[string]sighting
	// units is what all looks cost, in read capacity units.
	units float64
}

// A sighting is what was seen of one lease's counter.
type sighting struct {
	owners  lease.Owners
	counter int64
	// since is when this counter was first seen, moved when the counter was
	// last seen to have moved under the same owners; zero if never.
	since, moved time.Time
}

// add adds a look that was made at a time.
func (w *watch) add(s *lease.Snapshot, at time.Time) {
	if w.last == nil {
		w.began, w.sightings = at, map[string]sighting{}
	}
	w.last, w.seen = s, at
	w.units += s.Units
	for i := range s.Leases {
		l := &s.Leases[i]
		before, ok := w.sightings[l.Key]
		now := sighting{owners: l.Owners(), counter: l.Counter, since: at}
		switch {
		case ok && before.owners == now.owners && before.counter == now.counter:
			now = before
		case ok && before.owners == now.owners:
			now.moved = at
		}
		w.sightings[l.Key] = now
	}
}

// state says what is known of a lease's owner alone.
func (w *watch) state(l *lease.Lease, failover time.Duration) (s leaseState, alive *bool, moved time.Time) {
	seen := w.sightings[l.Key]
	switch {
	case l.Owner == "":
		return stateUnowned, nil, time.Time{}
	case w.seen.Sub(seen.since) > failover:
		return stateExpired, new(false), seen.moved
	case !seen.moved.IsZero():
		return stateOK, new(true), seen.moved
	}
	return stateUnknown, nil, time.Time{}
}

// settled reports whether more looks can tell nothing new: every owned lease's
// counter has moved, or stood still for longer than the failover time.
func (w *watch) settled(failover time.Duration) bool {
	for i := range w.last.Leases {
		l := &w.last.Leases[i]
		if s, _, _ := w.state(l, failover); s == stateUnknown && !l.Finished() {
			return false
		}
	}
	return true
}

// lookEvery is the time between two looks.
const lookEvery = time.Second

// look watches a table for as long as it takes to tell which owners live, and
// no longer than length; 0 is one look.
func (p *program) look(ctx context.Context, store lease.Store, length time.Duration) (*watch, error) {
	w := &watch{}
	for {
		s, err := scan(ctx, store)
		if err != nil {
			return nil, err
		}
		w.add(s, time.Now())
		p.verbose("a look at the table: %d leases, %g read units so far", len(s.Leases), w.units)
		left := length - w.seen.Sub(w.began)
		if left <= 0 || w.settled(p.flags.failover) {
			return w, nil
		}
		if w.seen == w.began && p.stderr.terminal {
			p.say("watching the counters for up to %v", length)
		}
		if err := sleep(ctx, min(lookEvery, left)); err != nil {
			return nil, err
		}
	}
}

// scan reads the table, and again if that may help: a store makes one try.
func scan(ctx context.Context, store lease.Store) (*lease.Snapshot, error) {
	var b backoff
	for {
		s, err := store.Scan(ctx)
		if err == nil {
			return s, nil
		}
		e, ok := errors.AsType[*lease.Error](err)
		if !ok || !e.Retryable || b.n >= 4 || ctx.Err() != nil {
			return nil, err
		}
		b.next()
		if err := b.sleep(ctx); err != nil {
			return nil, err
		}
	}
}
