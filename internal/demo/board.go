package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// A board is what is known of the fleet, from what the workers print and from
// what reaches the table.
type board struct {
	mu sync.Mutex // guards what follows
	// changed is closed and replaced whenever something changes.
	changed chan struct{}
	check   *checker
	// holders has the terms that have begun and not ended, by shard.
	holders map[string]term
	// readers has the newest term that delivered something, by shard.
	readers map[string]reading
	// ended are the shards that were read to their end.
	ended map[string]bool
	// started are the workers that have begun.
	started map[string]bool
	// lost are the terms that their workers know to have lost.
	lost map[termID]bool
	// refused counts the writes of a lease that the table refused, by worker and
	// lease.
	refused map[[2]string]int
	// writes counts the workers' writes to the table.
	writes int
	// broken is why the story cannot go on.
	broken error
}

// A term is a worker's hold of a shard.
type term struct {
	worker string
	token  int64
}

// A reading is what a term has delivered so far.
type reading struct {
	term
	// since is when its first record was seen.
	since time.Time
	// last is the last record.
	last lease.Sequence
}

func newBoard() *board {
	return &board{
		changed: make(chan struct{}),
		check:   newChecker(),
		holders: map[string]term{},
		readers: map[string]reading{},
		ended:   map[string]bool{},
		started: map[string]bool{},
		lost:    map[termID]bool{},
		refused: map[[2]string]int{},
	}
}

// update changes the board and wakes who waits for it.
func (b *board) update(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
	close(b.changed)
	b.changed = make(chan struct{})
}

// read looks at the board.
func (b *board) read(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

// A LateError says that a step of the story did not happen in its time.
type LateError struct {
	// What was waited for, and how long.
	What  string
	Limit time.Duration
	// Seen is what was there instead.
	Seen string
}

func (e *LateError) Error() string {
	return fmt.Sprintf("%s: not within %v; %s", e.What, e.Limit, e.Seen)
}

// await waits until the board fulfils ok, which is called with the board locked.
func (b *board) await(ctx context.Context, limit time.Duration, what string, ok func() bool) error {
	over := time.NewTimer(limit)
	defer over.Stop()
	for {
		b.mu.Lock()
		met, broken, changed := ok(), b.broken, b.changed
		b.mu.Unlock()
		switch {
		case broken != nil:
			return broken
		case met:
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-over.C:
			return &LateError{what, limit, b.String()}
		}
	}
}

// sleep waits until t, unless the story breaks before.
func (b *board) sleep(ctx context.Context, t time.Time) error {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	for {
		b.mu.Lock()
		broken, changed := b.broken, b.changed
		b.mu.Unlock()
		if broken != nil {
			return broken
		}
		select {
		case <-timer.C:
			return nil
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// String says who holds what, and what is missing.
func (b *board) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := fmt.Sprintf("%d of %d records are missing; held:", b.check.missing(), b.check.total())
	shards := make([]string, 0, len(b.holders))
	for shard := range b.holders {
		shards = append(shards, shard)
	}
	slices.Sort(shards)
	for _, shard := range shards {
		h, r := b.holders[shard], b.readers[shard]
		s += fmt.Sprintf(" %s by %s (token %d, last read by %s under %d)", short(shard), h.worker, h.token, r.worker, r.token)
	}
	return s
}

// fail ends the story.
func (b *board) fail(err error) {
	b.update(func() {
		if b.broken == nil {
			b.broken = err
		}
	})
}

// delivered takes a line of a worker's stdout.
func (b *board) delivered(d delivery) {
	now := time.Now()
	b.update(func() {
		if !b.check.deliver(d) {
			b.broken = cmp.Or(b.broken, fmt.Errorf("worker %s printed record %d of key %q, which was never written", d.worker, d.number, d.key))
			return
		}
		r, ok := b.readers[d.shard]
		switch {
		case !ok || d.token > r.token:
			r = reading{term: term{d.worker, d.token}, since: now, last: d.sequence}
		case d.token < r.token:
			return
		case d.sequence.Compare(r.last) > 0:
			r.last = d.sequence
		}
		b.readers[d.shard] = r
	})
}

// happened takes a line of a worker's stderr.
func (b *board) happened(worker, event, shard string, token int64) {
	b.update(func() {
		h, held := b.holders[shard]
		switch event {
		case "worker.started":
			b.started[worker] = true
			return
		case "lease.gained":
			if !held || token > h.token {
				b.holders[shard] = term{worker, token}
			}
			return
		case "lease.lost":
			if token != 0 {
				b.lost[termID{shard, token}] = true
				b.check.excuse(shard, token, lostExcuse, lease.Position{})
			}
		case "shard.ended":
			b.ended[shard] = true
		case "lease.released", "lease.abandoned":
		default:
			return
		}
		// An older line of another worker says nothing about the present term.
		if held && h.worker == worker && (token == 0 || token == h.token) {
			delete(b.holders, shard)
		}
	})
}

// forget removes what a dead worker held. The board is locked.
func (b *board) forget(worker string) {
	for shard, h := range b.holders {
		if h.worker == worker {
			delete(b.holders, shard)
		}
	}
}

// heldBy returns the terms of a worker. The board is locked.
func (b *board) heldBy(worker string) []termID {
	var terms []termID
	for shard, h := range b.holders {
		if h.worker == worker {
			terms = append(terms, termID{shard, h.token})
		}
	}
	slices.SortFunc(terms, func(x, y termID) int { return compareShards(x.shard, y.shard) })
	return terms
}

// readOn reports whether later terms have delivered all that these terms had and
// more. The board is locked.
func (b *board) readOn(terms []termID) bool {
	for _, id := range terms {
		r, ok := b.readers[id.shard]
		if !ok || r.token <= id.token {
			return false
		}
		if t := b.check.terms[id]; t != nil && t.worker != "" && r.last.Compare(t.last) <= 0 {
			return false
		}
	}
	return true
}

// takenOver returns when the last of the terms' shards was read by a later term,
// and by whom. The board is locked, and readOn is true.
func (b *board) takenOver(terms []termID) (at time.Time, by []string) {
	for _, id := range terms {
		r := b.readers[id.shard]
		if r.since.After(at) {
			at = r.since
		}
		by = append(by, r.worker)
	}
	slices.Sort(by)
	return at, slices.Compact(by)
}

// errExit says that a worker ended though nobody asked it to.
var errExit = errors.New("a worker ended by itself")
