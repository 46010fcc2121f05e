package lineage

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// An app is an application on a stream that splits, merges and forgets: a model
// with one step for each thing that a fleet of workers does to leases.
type app struct {
	start  lease.Position
	shards []stream.Shard // listed by the stream
	all    int            // shards made so far
	leases map[string]*lease.Lease
	synced bool           // the first sync is done, and nobody deletes leases
	afresh map[string]int // how often a shard was opened at its start
	opened map[string]bool
}

func newApp(start lease.Position, shards int) *app {
	a := &app{
		start: start, leases: map[string]*lease.Lease{},
		afresh: map[string]int{}, opened: map[string]bool{},
	}
	for i := range shards {
		low, high := i*1000/shards, (i+1)*1000/shards-1
		a.add(low, high)
	}
	return a
}

func (a *app) add(low, high int, parents ...string) {
	first, err := lease.ParseSequence(strconv.Itoa(a.all))
	if err != nil {
		panic(err)
	}
	a.shards = append(a.shards, stream.Shard{
		ID: fmt.Sprintf("s%03d", a.all), Parents: parents, First: first,
		HashRange: lease.HashRange{Start: strconv.Itoa(low), End: strconv.Itoa(high)},
	})
	a.all++
}

func keys(s stream.Shard) (low, high int) {
	low, _ = strconv.Atoi(s.HashRange.Start)
	high, _ = strconv.Atoi(s.HashRange.End)
	return low, high
}

func (a *app) shard(id string) *stream.Shard {
	if i := slices.IndexFunc(a.shards, func(s stream.Shard) bool { return s.ID == id }); i >= 0 {
		return &a.shards[i]
	}
	return nil
}

// open returns the open shards in the order of their keys.
func (a *app) open() []*stream.Shard {
	var open []*stream.Shard
	for i := range a.shards {
		if !a.shards[i].Closed {
			open = append(open, &a.shards[i])
		}
	}
	slices.SortFunc(open, func(x, y *stream.Shard) int {
		lx, _ := keys(*x)
		ly, _ := keys(*y)
		return lx - ly
	})
	return open
}

func (a *app) split(t *rapid.T) {
	s := rapid.SampledFrom(a.open()).Draw(t, "split")
	low, high := keys(*s)
	if low == high {
		return
	}
	s.Closed = true
	mid, id := rapid.IntRange(low, high-1).Draw(t, "at"), s.ID
	a.add(low, mid, id)
	a.add(mid+1, high, id)
}

func (a *app) merge(t *rapid.T) {
	open := a.open()
	if len(open) < 2 {
		return
	}
	i := rapid.IntRange(0, len(open)-2).Draw(t, "merge")
	x, y := open[i], open[i+1]
	x.Closed, y.Closed = true, true
	low, _ := keys(*x)
	_, high := keys(*y)
	a.add(low, high, x.ID, y.ID)
}

// trim forgets the oldest shard, if it is closed.
func (a *app) trim() {
	if a.shards[0].Closed {
		a.shards = a.shards[1:]
	}
}

func (a *app) list() []lease.Lease {
	var have []lease.Lease
	for _, l := range a.leases {
		have = append(have, l.Clone())
	}
	return have
}

func (a *app) lookup(id string) *lease.Lease  { return a.leases[id] }
func (a *app) inStream(id string) bool        { return a.shard(id) != nil }
func (a *app) waits(l *lease.Lease) []string  { return Unfinished(l, a.lookup, a.inStream) }
func (a *app) create(l lease.Lease)           { a.leases[l.Key] = &l }
func (a *app) progressed(id string) bool      { l := a.leases[id]; return l != nil && progressed(l) }
func (a *app) readable(l *lease.Lease) bool   { return !l.Finished() && len(a.waits(l)) == 0 }
func (a *app) descendants(id string) []string { return a.reach(id, a.children) }
func (a *app) ancestors(id string) []string   { return a.reach(id, a.parents) }

func (a *app) reach(id string, next func(string) []string) []string {
	var found []string
	todo := next(id)
	for len(todo) > 0 {
		id, todo = todo[0], todo[1:]
		if !slices.Contains(found, id) {
			found = append(found, id)
			todo = append(todo, next(id)...)
		}
	}
	return found
}

func (a *app) children(id string) []string {
	var c []string
	for _, s := range a.shards {
		if slices.Contains(s.Parents, id) {
			c = append(c, s.ID)
		}
	}
	for k, l := range a.leases {
		if slices.Contains(l.Parents, id) && !slices.Contains(c, k) {
			c = append(c, k)
		}
	}
	return c
}

func (a *app) parents(id string) []string {
	if s := a.shard(id); s != nil {
		return s.Parents
	}
	if l := a.leases[id]; l != nil {
		return l.Parents
	}
	return nil
}

// sync applies Missing, at most n leases of it, and checks what it says.
func (a *app) sync(t *rapid.T, n int) {
	missing := Missing(a.shards, a.list(), a.start)
	for i, l := range missing {
		if a.leases[l.Key] != nil {
			t.Fatalf("%s has a lease already", l.Key)
		}
		for _, later := range missing[i+1:] {
			if slices.Contains(l.Parents, later.Key) {
				t.Fatalf("%s comes before its parent %s", l.Key, later.Key)
			}
		}
		if l.Finished() {
			continue // a mark: nothing is read
		}
		for _, d := range a.descendants(l.Key) {
			if a.progressed(d) {
				t.Fatalf("%s is to be read, and its descendant %s is at %v", l.Key, d, a.leases[d].Checkpoint)
			}
		}
		if l.Checkpoint == lease.Latest {
			for _, p := range a.ancestors(l.Key) {
				if a.leases[p] != nil {
					t.Fatalf("%s is to be at LATEST, and its ancestor %s has a lease", l.Key, p)
				}
			}
			if a.synced && !a.shard(l.Key).Closed {
				t.Fatalf("%s is to be at LATEST, long after the first sync", l.Key)
			}
		}
	}
	for _, l := range missing[:min(n, len(missing))] {
		a.create(l)
	}
	if n < len(missing) {
		return
	}
	if again := Missing(a.shards, a.list(), a.start); len(again) > 0 {
		t.Fatalf("once more: %v at %v", again[0].Key, again[0].Checkpoint)
	}
}

// begin reads the first records of a shard whose lease waits for nothing.
func (a *app) begin(l *lease.Lease) {
	if l.Checkpoint == lease.TrimHorizon || l.Checkpoint == lease.AtTimestamp {
		a.afresh[l.Key]++
	}
	a.opened[l.Key] = true
	l.Checkpoint = lease.At(lease.Sequence{}, 0)
}

// end ends a shard: children first, then SHARD_END.
func (a *app) end(l *lease.Lease) {
	for _, s := range a.shards {
		if slices.Contains(s.Parents, l.Key) && a.leases[s.ID] == nil {
			a.create(Child(s))
		}
	}
	l.Checkpoint = lease.ShardEnd
}

// work lets the owner of one lease do what it can, and reports whether it did.
func (a *app) work(l *lease.Lease) bool {
	if !a.readable(l) {
		return false
	}
	s := a.shard(l.Key)
	switch {
	case s == nil: // the stream has forgotten it
		a.end(l)
	case s.Closed && l.Checkpoint == lease.Latest:
		a.end(l)
	case !l.Checkpoint.IsRecord():
		a.begin(l)
	case s.Closed:
		a.end(l)
	default:
		return false
	}
	return true
}

// clean deletes a finished lease whose children all have progressed, the oldest
// generation first.
func (a *app) clean(l *lease.Lease) {
	if !l.Finished() {
		return
	}
	for _, p := range l.Parents {
		if a.leases[p] != nil {
			return
		}
	}
	for _, s := range a.shards {
		if slices.Contains(s.Parents, l.Key) && !a.progressed(s.ID) {
			return
		}
	}
	delete(a.leases, l.Key)
}

// drain works until nothing more can be done, and checks that all is read.
func (a *app) drain(t *rapid.T) {
	for moved := true; moved; {
		moved = false
		a.sync(t, 1<<30)
		for _, id := range sortedKeys(a.leases) {
			moved = a.work(a.leases[id]) || moved
		}
	}
	for _, s := range a.open() {
		l := a.leases[s.ID]
		if l == nil {
			t.Fatalf("open shard %s has no lease", s.ID)
		}
		if w := a.waits(l); len(w) > 0 {
			t.Fatalf("%s waits for ever for %v", s.ID, w)
		}
	}
	for id, l := range a.leases {
		if s := a.shard(id); s != nil && s.Closed && !l.Finished() {
			t.Fatalf("closed shard %s stays at %v", id, l.Checkpoint)
		}
	}
}

func sortedKeys(m map[string]*lease.Lease) []string {
	var ids []string
	for id := range m {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// steps are what may happen, apart from the deletion of leases.
func (a *app) steps(t *rapid.T) map[string]func(*rapid.T) {
	some := func(t *rapid.T) *lease.Lease {
		ids := sortedKeys(a.leases)
		if len(ids) == 0 {
			return nil
		}
		return a.leases[rapid.SampledFrom(ids).Draw(t, "lease")]
	}
	return map[string]func(*rapid.T){
		"split": a.split,
		"merge": a.merge,
		"sync":  func(t *rapid.T) { a.sync(t, 1<<30) },
		"work": func(t *rapid.T) {
			if l := some(t); l != nil {
				a.work(l)
			}
		},
		"end in part": func(t *rapid.T) { // a crash before SHARD_END
			if l := some(t); l != nil && a.readable(l) && l.Checkpoint.IsRecord() {
				for _, c := range a.children(l.Key) {
					if s := a.shard(c); s != nil && a.leases[c] == nil && rapid.Bool().Draw(t, "child") {
						a.create(Child(*s))
					}
				}
			}
		},
		"clean": func(t *rapid.T) {
			if l := some(t); l != nil {
				a.clean(l)
			}
		},
		"drain": func(t *rapid.T) { a.drain(t) },
	}
}

func drawStart(t *rapid.T) lease.Position {
	return rapid.SampledFrom([]lease.Position{lease.TrimHorizon, lease.Latest, lease.AtTimestamp}).Draw(t, "start")
}

// An application whose leases nobody else touches reads each shard that it has
// to read once, from its start, though its first sync may be torn.
func TestHistoriesAreReadOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := newApp(drawStart(t), rapid.IntRange(1, 4).Draw(t, "shards"))
		for range rapid.IntRange(0, 4).Draw(t, "history") {
			if rapid.Bool().Draw(t, "split") {
				a.split(t)
			} else {
				a.merge(t)
			}
		}
		first := a.all // shards that the start position speaks of
		a.sync(t, rapid.IntRange(0, 6).Draw(t, "torn after"))
		for _, id := range sortedKeys(a.leases) {
			if rapid.Bool().Draw(t, "early") {
				a.work(a.leases[id])
			}
		}
		a.sync(t, 1<<30)
		a.synced = true
		steps := a.steps(t)
		if rapid.Bool().Draw(t, "forgets") {
			steps["trim"] = func(*rapid.T) { a.trim() }
		}
		t.Repeat(steps)
		a.drain(t)
		for i := range a.all {
			id := fmt.Sprintf("s%03d", i)
			want := 1
			if a.start == lease.Latest && i < first {
				want = 0
				if a.afresh[id] > 0 && !slices.ContainsFunc(a.ancestors(id), func(p string) bool { return a.opened[p] || a.leases[p] != nil }) {
					t.Fatalf("%s is older than a start at LATEST and was read from its start", id)
				}
				continue
			}
			if a.shard(id) == nil && a.afresh[id] == 0 {
				continue // forgotten before it could be read
			}
			if got := a.afresh[id]; got != want {
				t.Fatalf("%s was read from its start %d times, want %d", id, got, want)
			}
		}
	})
}

// Whatever somebody deletes and the stream forgets, all shards are read on, and
// none is read again below which there was progress.
func TestHistoriesWithDeletedLeases(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := newApp(drawStart(t), rapid.IntRange(1, 4).Draw(t, "shards"))
		steps := a.steps(t)
		steps["trim"] = func(*rapid.T) { a.trim() }
		steps["delete"] = func(t *rapid.T) {
			ids := sortedKeys(a.leases)
			if len(ids) == 0 {
				return
			}
			id := rapid.SampledFrom(ids).Draw(t, "deleted")
			delete(a.leases, id)
		}
		t.Repeat(steps)
		a.drain(t)
	})
}
