package coordinator

import (
	"context"
	"slices"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// A book keeps every applied write of a lease, to tell afterwards what each
// delivery was allowed to be.
type book struct {
	w      *world
	writes []entry
	// stopping are workers that the test has told to stop.
	stopping map[string]bool
}

type entry struct {
	at    Mono
	by    string
	lease lease.Lease // as stored by the write
}

// keepBook lets the world write down what is stored from now on.
func (w *world) keepBook() *book {
	b := &book{w: w, stopping: make(map[string]bool)}
	w.written = func(by string, _, after lease.Lease) { b.writes = append(b.writes, entry{w.now, by, after}) }
	return b
}

// check compares the deliveries with the writes: each belongs to a term that a
// write of its worker began, a term's first delivery starts right after the
// checkpoint that it began with, and only what was not stored comes again.
func (b *book) check() {
	b.w.t.Helper()
	type term struct {
		shard, worker string
		token         int64
	}
	began := make(map[term]lease.Position)
	delivered := make(map[term]int) // the next record of each term that delivered
	stored := make(map[string]int)  // the next by the stored checkpoint
	next := make(map[string]int)    // the next to be delivered for the first time
	writes := b.writes
	read := func(e entry) {
		l := e.lease
		if e.by == l.Owner {
			began[term{l.Key, l.Owner, l.Counter}] = l.Checkpoint
		}
		stored[l.Key] = recordAfter(l.Checkpoint)
	}
	for _, d := range b.w.deliveries {
		for len(writes) > 0 && writes[0].at <= d.at {
			read(writes[0])
			writes = writes[1:]
		}
		in := term{d.shard, d.worker, d.token}
		from, ok := began[in]
		switch {
		case !ok:
			b.w.t.Errorf("%v: %s delivers %s in term %d, which no write of its began", time.Duration(d.at), d.worker, d.shard, d.token)
		case delivered[in] == 0 && d.first != recordAfter(from):
			b.w.t.Errorf("%v: term %d of %s at %s begins with record %d, want %d", time.Duration(d.at), d.token, d.shard, d.worker, d.first, recordAfter(from))
		case d.first < next[d.shard] && d.first < stored[d.shard]:
			b.w.t.Errorf("%v: %s delivers record %d of %s again, though all before %d were stored as done", time.Duration(d.at), d.worker, d.first, d.shard, stored[d.shard])
		}
		delivered[in] = d.last + 1
		next[d.shard] = max(next[d.shard], d.last+1)
	}
}

// recordAfter is the first record after a position.
func recordAfter(p lease.Position) int {
	if p.IsRecord() {
		return index(p) + 1
	}
	return 0
}

// row is a lease as stored, the zero Lease if there is none.
func (w *world) row(key string) lease.Lease {
	l, err := w.store.Get(context.Background(), key)
	if err != nil {
		w.t.Fatal(err)
	}
	if l == nil {
		return lease.Lease{}
	}
	return *l
}

// purpose names what a write is for, more closely than describe does.
func purpose(a *actor, act *Action) string {
	switch kind := describe(act); {
	case kind == "transfer" && act.Cond.Owners != nil && act.Cond.Owners.Owner != a.name:
		return "take"
	case kind == "renew" && act.Cond.Owners != nil:
		return "adopt"
	default:
		return kind
	}
}

// An archive keeps the writes of leases that left their senders, and sends them
// again: a request may arrive whenever it likes.
type archive struct {
	w    *world
	old  []oldWrite
	seen map[string]bool // marks: each logical write once
	sent int             // how many arrived again
}

type oldWrite struct {
	by  *actor
	act Action
}

func (w *world) keepWrites() *archive { return &archive{w: w, seen: make(map[string]bool)} }

// keep takes a call, if it is a write that moves the counter of a lease. What
// only begins a handoff holds for as long as its owner does.
func (x *archive) keep(a *actor, act *Action) {
	if act.Kind == Change && act.Set.Bump && !x.seen[act.Set.Mark] {
		x.seen[act.Set.Mark] = true
		x.old = append(x.old, oldWrite{a, *act})
	}
}

// arrive lets all the old writes of a lease arrive. None may change anything.
func (x *archive) arrive(key string) {
	x.w.t.Helper()
	for _, o := range x.old {
		if o.act.Key != key {
			continue
		}
		before := x.w.row(key)
		x.sent++
		_, applied, err := x.w.store.Change(context.Background(), key, o.act.Cond, o.act.Set)
		if err != nil {
			x.w.t.Fatal(err)
		}
		if applied {
			x.w.t.Fatalf("%v: an old %s of %s by %s arrives, and changes %+v to %+v", time.Duration(x.w.now), purpose(o.by, &o.act), key, o.by.name, before, x.w.row(key))
		}
	}
}

// keysOf are the unfinished leases of a worker, in order.
func keysOf(w *world, owner string) []string {
	var keys []string
	for key, o := range w.owners() {
		if o == owner {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// remove deletes a lease past all workers.
func (w *world) remove(key string) {
	w.t.Helper()
	if ok, err := w.store.Delete(context.Background(), key, lease.Cond{}); !ok || err != nil {
		w.t.Fatalf("deletion of %s: applied %v, %v", key, ok, err)
	}
}

// leading is the living worker that leads, nil if there is none.
func (w *world) leading() *actor {
	for _, a := range w.actors {
		if !a.dead && a.core.lock.leading {
			return a
		}
	}
	return nil
}

// lockOwner is the owner of the lock, empty if there is none.
func (w *world) lockOwner() string {
	l, err := w.store.GetLock(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	if l == nil {
		return ""
	}
	return l.Owner
}

// item is a worker's item, nil if there is none.
func (w *world) item(id string) *lease.Worker {
	s, err := w.store.Scan(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, item := range s.Workers {
		if item.ID == id {
			return &item
		}
	}
	return nil
}
