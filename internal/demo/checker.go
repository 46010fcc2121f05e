package demo

import (
	"slices"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// A delivery is one line that a worker printed.
type delivery struct {
	worker   string
	shard    string
	token    int64
	sequence lease.Sequence
	// key has number as its so-manieth record, counted from 1.
	key    string
	number int
	// at is when the worker printed it, by the clock that all share.
	at time.Time
}

// A checker compares what was delivered with what was written. Deliveries of
// one worker come to it in the order of its lines; those of different workers in
// any order, since their lines come through different pipes.
type checker struct {
	written map[string]int // by key
	keys    map[string]*keyState
	terms   map[termID]*termState

	distinct, repeated, disordered int
}

// keyState is what was delivered of a key: everything from 1 to highest, but
// for the gaps.
type keyState struct {
	highest int
	gaps    []gap
}

// A gap is a range of records that were not delivered though later ones were.
type gap struct {
	from, to int
	// after are the deliveries of later records.
	after []mark
}

type mark struct {
	worker string
	at     time.Time
}

// before reports whether d came later than m. Two workers' deliveries within one
// millisecond count as simultaneous; those of one worker come in order.
func (m mark) before(d *delivery) bool { return m.worker == d.worker || m.at.Before(d.at) }

// A termID names a term.
type termID struct {
	shard string
	token int64
}

// termState is what a term delivered, and what it repeated or left to repeat.
type termState struct {
	worker      string
	first, last lease.Sequence
	// again are the records of this term that another term delivered too.
	again []lease.Sequence
	// excuse says why that may be: "crash", "pause" or "lost".
	excuse string
	// done is the checkpoint when the term came to its end: what is at or before
	// it must not come again.
	done lease.Position
}

func newChecker() *checker {
	return &checker{written: map[string]int{}, keys: map[string]*keyState{}, terms: map[termID]*termState{}}
}

// write notes the next record of a key and returns its number.
func (c *checker) write(key string) int {
	c.written[key]++
	return c.written[key]
}

// deliver takes a delivery, and reports whether it is of a record that was
// written.
func (c *checker) deliver(d delivery) bool {
	if d.number < 1 || d.number > c.written[d.key] {
		return false
	}
	k := c.keys[d.key]
	if k == nil {
		k = &keyState{}
		c.keys[d.key] = k
	}
	switch {
	case d.number > k.highest:
		if d.number > k.highest+1 {
			k.gaps = append(k.gaps, gap{k.highest + 1, d.number - 1, []mark{{d.worker, d.at}}})
		}
		k.highest = d.number
		c.distinct++
	case k.fill(c, &d):
		c.distinct++
	default:
		c.repeated++
		c.blame(&d)
	}
	c.extend(&d)
	return true
}

// fill takes a record out of the gap that it is in, and reports whether it was
// in one.
func (k *keyState) fill(c *checker, d *delivery) bool {
	i := slices.IndexFunc(k.gaps, func(g gap) bool { return g.from <= d.number && d.number <= g.to })
	if i < 0 {
		return false
	}
	g := k.gaps[i]
	if slices.ContainsFunc(g.after, func(m mark) bool { return m.before(d) }) {
		c.disordered++
	}
	var rest []gap
	if g.from < d.number {
		// What is still missing before this record is now late for it too.
		rest = append(rest, gap{g.from, d.number - 1, append(slices.Clone(g.after), mark{d.worker, d.at})})
	}
	if d.number < g.to {
		rest = append(rest, gap{d.number + 1, g.to, g.after})
	}
	k.gaps = slices.Replace(k.gaps, i, i+1, rest...)
	return true
}

// extend notes what the delivery's term has delivered.
func (c *checker) extend(d *delivery) {
	t := c.term(d.shard, d.token)
	if t.worker == "" {
		t.worker, t.first, t.last = d.worker, d.sequence, d.sequence
		return
	}
	if d.sequence.Compare(t.last) > 0 {
		t.last = d.sequence
	}
	if d.sequence.Compare(t.first) < 0 {
		t.first = d.sequence
	}
}

func (c *checker) term(shard string, token int64) *termState {
	id := termID{shard, token}
	t := c.terms[id]
	if t == nil {
		t = &termState{}
		c.terms[id] = t
	}
	return t
}

// blame finds the term that left the record to be repeated: the older one of the
// two that delivered it.
func (c *checker) blame(d *delivery) {
	older := d.token
	for id, t := range c.terms {
		if id.shard == d.shard && id.token < d.token && (older == d.token || id.token > older) &&
			t.worker != "" && t.first.Compare(d.sequence) <= 0 && t.last.Compare(d.sequence) >= 0 {
			older = id.token
		}
	}
	t := c.term(d.shard, older)
	t.again = append(t.again, d.sequence)
}

// excuse says why records of a term may come again: those after the checkpoint
// done. The first excuse of a term counts.
func (c *checker) excuse(shard string, token int64, why string, done lease.Position) {
	if t := c.term(shard, token); t.excuse == "" {
		t.excuse, t.done = why, done
	}
}

// repeats counts the repeats by their excuse, "" for those without one.
func (c *checker) repeats() map[string]int {
	n := map[string]int{}
	for _, t := range c.terms {
		for _, q := range t.again {
			if t.excuse != "" && lease.At(q, 0).Compare(t.done) > 0 {
				n[t.excuse]++
			} else {
				n[""]++
			}
		}
	}
	return n
}

// repeatsOf counts the repeats of what these terms had delivered.
func (c *checker) repeatsOf(terms []termID) int {
	n := 0
	for _, id := range terms {
		if t := c.terms[id]; t != nil {
			n += len(t.again)
		}
	}
	return n
}

// total is how many records were written.
func (c *checker) total() int {
	n := 0
	for _, k := range c.written {
		n += k
	}
	return n
}

// missing is how many records were written and not delivered yet; at the end
// they are lost.
func (c *checker) missing() int { return c.total() - c.distinct }
