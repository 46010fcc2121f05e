package lineage

import (
	"cmp"
	"slices"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// Missing returns the leases that must exist for an application that starts at
// initial, and do not: complete but without owner and counter, parents first.
// Shards is what the stream has, have what the table has of this stream.
//
// With an empty table these are all shards at initial for TRIM_HORIZON and
// AT_TIMESTAMP, and for LATEST the open shards.
//
// Otherwise a shard without a lease gets one unless
//
//   - a descendant of it has progressed: it was read, or is older than the start;
//   - a parent has a lease, or gets one, that is unfinished: its owner makes this
//     one at the parent's end. So a list that shows the children of a shard that
//     it still shows as open does no harm;
//   - the start is LATEST, the shard is closed and nothing waits for it.
//
// It is at TRIM_HORIZON if an ancestor has a lease: what came before the shard
// was read or will be, so all of the shard is new. Else it is at initial.
//
// Two kinds of lease are only marks by which a child can start. Where one parent
// of a merge is older than a start at LATEST, it gets a lease at LATEST, which
// ends at once. And where a shard has a descendant that has progressed and also
// a child that has not, and its own lease is gone, it gets a lease at SHARD_END:
// the child would otherwise wait for ever, or the shard would be read again.
func Missing(shards []stream.Shard, have []lease.Lease, initial lease.Position) []lease.Lease {
	if len(have) == 0 && initial != lease.Latest {
		leases := make([]lease.Lease, 0, len(shards))
		for _, s := range parentsFirst(shards) {
			leases = append(leases, leaseAt(s, initial))
		}
		return leases
	}
	g := newGraph(shards, have)
	g.markPast()
	for {
		fates := g.decide(initial)
		marks := g.marks(fates, initial)
		if len(marks) == 0 {
			return g.collect(fates)
		}
		// A mark is a lease like any other, and can change what its relatives
		// need. Each round adds at least one, so this ends.
		for id, p := range marks {
			g.leases[id] = new(leaseAt(*g.shards[id], p))
			g.made[id] = p
		}
	}
}

// A graph is the lineage of all shards that are listed or have a lease.
type graph struct {
	order   []stream.Shard // listed shards, parents first
	shards  map[string]*stream.Shard
	leases  map[string]*lease.Lease // by shard, marks included
	made    map[string]lease.Position
	parents map[string][]string
	// past are the shards of which a descendant has progressed.
	past map[string]bool
	// gone are the leases whose shards are not listed.
	gone []*lease.Lease
	// kin remembers what inherits found in this round.
	kin map[string]bool
}

func newGraph(shards []stream.Shard, have []lease.Lease) *graph {
	g := &graph{
		order:   parentsFirst(shards),
		shards:  make(map[string]*stream.Shard, len(shards)),
		leases:  make(map[string]*lease.Lease, len(have)),
		made:    map[string]lease.Position{},
		parents: make(map[string][]string, len(shards)+len(have)),
		past:    map[string]bool{},
	}
	for i := range g.order {
		s := &g.order[i]
		g.shards[s.ID] = s
		g.link(s.ID, s.Parents...)
	}
	for i := range have {
		l := &have[i]
		id := shardOf(l)
		g.leases[id] = l
		g.link(id, l.Parents...)
		for _, c := range l.Children {
			g.link(c, id)
		}
		if g.shards[id] == nil {
			g.gone = append(g.gone, l)
		}
	}
	return g
}

// shardOf returns the shard that a lease is for.
func shardOf(l *lease.Lease) string { return cmp.Or(l.Shard, l.Key) }

func (g *graph) link(child string, parents ...string) {
	for _, p := range parents {
		if !slices.Contains(g.parents[child], p) {
			g.parents[child] = append(g.parents[child], p)
		}
	}
}

// markPast finds all ancestors of leases that have progressed.
func (g *graph) markPast() {
	var climb []string
	for id, l := range g.leases {
		if progressed(l) {
			climb = append(climb, g.parents[id]...)
		}
	}
	for len(climb) > 0 {
		id := climb[len(climb)-1]
		climb = climb[:len(climb)-1]
		if !g.past[id] {
			g.past[id] = true
			climb = append(climb, g.parents[id]...)
		}
	}
}

// A fate is what becomes of a listed shard without a lease. The zero fate is
// that it needs none.
type fate struct {
	// position is where its lease is to be made, zero if it is not.
	position lease.Position
	// later says that a parent's owner will make the lease.
	later bool
}

// decide gives each listed shard without a lease its fate.
func (g *graph) decide(initial lease.Position) map[string]fate {
	fates := make(map[string]fate, len(g.order))
	g.kin = make(map[string]bool, len(g.parents))
	for _, s := range g.order { // parents first: their fates are known
		if g.leases[s.ID] != nil || g.past[s.ID] {
			continue
		}
		var f fate
		switch led, had := g.descent(s, fates); {
		case led:
			f.later = true
		case had:
			f.position = lease.TrimHorizon
		case initial != lease.Latest || !s.Closed:
			f.position = initial
		}
		fates[s.ID] = f
	}
	return fates
}

// descent looks at the parents of s. Led says that the owner of one will make
// the lease of s. Had says that s continues a shard that was read.
func (g *graph) descent(s stream.Shard, fates map[string]fate) (led, had bool) {
	cut := false
	for _, p := range g.parents[s.ID] {
		l, f, listed := g.leases[p], fates[p], g.shards[p] != nil
		switch {
		case l != nil && (l.Finished() || !listed):
			// The end of a shard that the stream no longer has tells nobody
			// its children, so their leases are not left to its owner.
			had = true
		case l != nil, f.later, !f.position.IsZero():
			led = true
		case g.inherits(p):
			had = true
		case !listed:
			cut = true
		}
	}
	if !cut || had {
		return led, had
	}
	// A parent of s is gone without a lease, perhaps with generations before
	// it. Hash keys still tell the descent: two shards that served the same key
	// at different times descend from one another.
	for _, l := range g.gone {
		if overlap(l.HashRange, s.HashRange) && !slices.Contains(g.parents[shardOf(l)], s.ID) {
			return led, true
		}
	}
	return led, false
}

// inherits reports whether a shard or an ancestor of it has a lease.
func (g *graph) inherits(shard string) bool {
	if g.leases[shard] != nil {
		return true
	}
	if known, ok := g.kin[shard]; ok {
		return known
	}
	g.kin[shard] = false // ends a cycle, which a sane stream does not have
	for _, p := range g.parents[shard] {
		if g.inherits(p) {
			g.kin[shard] = true
			break
		}
	}
	return g.kin[shard]
}

// marks returns the shards for which something waits, or will, though they need
// no lease for themselves, with the checkpoints of their leases.
func (g *graph) marks(fates map[string]fate, initial lease.Position) map[string]lease.Position {
	marks := map[string]lease.Position{}
	need := func(child string) {
		for _, p := range g.parents[child] {
			if g.shards[p] == nil || g.leases[p] != nil || fates[p] != (fate{}) {
				continue
			}
			if g.past[p] {
				marks[p] = lease.ShardEnd
			} else {
				marks[p] = initial
			}
		}
	}
	for id, l := range g.leases {
		if !progressed(l) {
			need(id)
		}
	}
	for id, f := range fates {
		if f.later || !f.position.IsZero() && f.position != lease.Latest {
			need(id)
		}
	}
	return marks
}

// collect returns the leases to be made, parents first.
func (g *graph) collect(fates map[string]fate) []lease.Lease {
	var leases []lease.Lease
	for _, s := range g.order {
		p, ok := g.made[s.ID]
		if !ok {
			p = fates[s.ID].position
		}
		if !p.IsZero() {
			leases = append(leases, leaseAt(s, p))
		}
	}
	return leases
}

// parentsFirst returns the shards so ordered that none comes before a parent of
// it, and otherwise by their first sequence number and ID.
func parentsFirst(shards []stream.Shard) []stream.Shard {
	sorted := slices.SortedFunc(slices.Values(shards), func(a, b stream.Shard) int {
		return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.ID, b.ID))
	})
	index := make(map[string]int, len(sorted))
	for i, s := range sorted {
		index[s.ID] = i
	}
	order := make([]stream.Shard, 0, len(sorted))
	seen := make([]bool, len(sorted))
	var visit func(i int)
	visit = func(i int) {
		if seen[i] {
			return
		}
		seen[i] = true
		for _, p := range sorted[i].Parents {
			if j, ok := index[p]; ok {
				visit(j)
			}
		}
		order = append(order, sorted[i])
	}
	for i := range sorted {
		if index[sorted[i].ID] == i { // a shard listed twice counts once
			visit(i)
		}
	}
	return order
}

// overlap reports whether two ranges of hash keys have a key in common. A range
// that is not known has none.
func overlap(a, b lease.HashRange) bool {
	if a.IsZero() || b.IsZero() {
		return false
	}
	return !decimalLess(a.End, b.Start) && !decimalLess(b.End, a.Start)
}

// decimalLess compares two decimal numbers without leading zeros.
func decimalLess(a, b string) bool {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) < 0
}
