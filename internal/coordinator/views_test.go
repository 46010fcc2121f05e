package coordinator

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// leasesAt are the leases as they were stored at a time, by what is in the book.
func (b *book) leasesAt(t Mono) []lease.Lease {
	last := make(map[string]int)
	for i, e := range b.writes {
		if e.at <= t {
			last[e.lease.Key] = i
		}
	}
	var leases []lease.Lease
	for _, i := range last {
		leases = append(leases, b.writes[i].lease)
	}
	return leases
}

// oldIndex lets the owner index show some workers what was stored a time ago.
func (b *book) oldIndex(age func(worker string) time.Duration) {
	b.w.read = func(a *actor, act Action, r *Result) {
		if d := age(a.name); act.Kind == Own && d > 0 {
			r.Keys = rowsOf(b.leasesAt(b.w.now.Add(-d)), a.name)
		}
	}
}

// checkGivings compares each lease that somebody was given with what followed: it
// is read in time, by whom it was given to or by another; and who did not come for
// a lease is given none for a while, but by workers that stop: they know little of
// the others.
func (b *book) checkGivings(from Mono, limit, rest time.Duration) (missed int) {
	w := b.w
	w.t.Helper()
	left := make(map[string]Mono) // when a worker was last given what it left
	for i, e := range b.writes {
		l := e.lease
		if e.at < from || l.Owner == "" || l.Owner == e.by || l.Finished() || b.before(i).Owner == l.Owner {
			continue
		}
		if took := time.Duration(w.firstAfter(l.Key, e.at, "") - e.at); took > limit {
			w.t.Errorf("%v: %s gives %s to %s, and it is read %v later", time.Duration(e.at), e.by, l.Key, l.Owner, took)
		}
		if since, ok := left[l.Owner]; ok && !b.stopping[e.by] && e.at > since.Add(limit) && e.at < since.Add(rest) {
			w.t.Errorf("%v: %s gives %s to %s, which %v ago did not come for another", time.Duration(e.at), e.by, l.Key, l.Owner, time.Duration(e.at-since))
		}
		if !b.adopted(i) {
			missed++
			if _, ok := left[l.Owner]; !ok || e.at > left[l.Owner].Add(rest) {
				left[l.Owner] = e.at
			}
		}
	}
	return missed
}

// before is the lease before a write.
func (b *book) before(i int) lease.Lease {
	for j := i - 1; j >= 0; j-- {
		if b.writes[j].lease.Key == b.writes[i].lease.Key {
			return b.writes[j].lease
		}
	}
	return lease.Lease{}
}

// adopted reports whether the next write of a lease that was given was its new
// owner's.
func (b *book) adopted(i int) bool {
	for _, e := range b.writes[i+1:] {
		if e.lease.Key == b.writes[i].lease.Key {
			return e.by == b.writes[i].lease.Owner
		}
	}
	return true // it is still time
}

// The owner index is up to a minute old, for all workers or for one: it shows
// leases that were lost long ago, and hides those that were given. Nothing starts
// by it, and what it hides is read without it.
func TestFailure_F18_OldIndex(t *testing.T) {
	runs := 12
	if testing.Short() {
		runs = 3
	}
	missed := 0
	for seed := range uint64(runs) {
		w := newWorld(t, seed, 12)
		b := w.keepBook()
		for _, n := range []string{"a", "b", "c", "d"} {
			w.worker(n)
			w.run(time.Second)
		}
		w.run(30 * time.Second)
		from := w.now
		age := time.Duration(15_000+w.rnd.IntN(45_000)) * time.Millisecond
		b.oldIndex(func(worker string) time.Duration {
			if w.now > from.Add(90*time.Second) || seed%3 == 0 && worker != "e" {
				return 0
			}
			return age
		})
		w.run(time.Duration(w.rnd.IntN(5000)) * time.Millisecond)
		w.worker("e")
		w.run(time.Duration(20_000+w.rnd.IntN(10_000)) * time.Millisecond)
		w.byRole(0).kill()
		w.run(time.Duration(25_000+w.rnd.IntN(10_000)) * time.Millisecond)
		for _, a := range w.actors {
			if !a.dead && !a.core.watch.on {
				b.stopping[a.name] = true
				a.stop()
				break
			}
		}
		w.run(100 * time.Second)
		b.check()
		missed += b.checkGivings(from, 12500*time.Millisecond, time.Minute)
		w.settle(5 * time.Second)
		if t.Failed() {
			t.Fatalf("seed %d: the index is %v old", seed, age)
		}
	}
	if missed < runs {
		t.Errorf("only %d leases were hidden by the index in %d runs", missed, runs)
	}
}

// tornLooks makes each look a mixture of rows of different ages, none older than
// what age says. It keeps what it needs for that from now on.
func (w *world) tornLooks(oldest time.Duration, age func(row, rows int) time.Duration) {
	const step = 100 * time.Millisecond
	var past []*lease.Snapshot // the youngest first
	var keep func()
	keep = func() {
		now, err := w.store.Scan(context.Background())
		if err != nil {
			w.t.Fatal(err)
		}
		past = append([]*lease.Snapshot{now}, past...)
		past = past[:min(len(past), int(oldest/step)+1)]
		w.in(step, keep)
	}
	keep()
	w.read = func(_ *actor, act Action, r *Result) {
		if act.Kind != Look {
			return
		}
		now := r.Snapshot
		r.Snapshot = &lease.Snapshot{Version: now.Version}
		// A row that is gone by now may still show.
		keys := make(map[string]bool)
		for _, s := range append([]*lease.Snapshot{now}, past...) {
			for _, l := range s.Leases {
				keys["lease "+l.Key] = true
			}
			for _, item := range s.Workers {
				keys["worker "+item.ID] = true
			}
		}
		sorted := slices.Sorted(maps.Keys(keys))
		at := func(row int) *lease.Snapshot {
			if i := int(age(row, len(sorted)) / step); i > 0 {
				return past[min(i, len(past)-1)]
			}
			return now
		}
		for i, key := range sorted {
			s := at(i)
			for _, l := range s.Leases {
				if key == "lease "+l.Key {
					r.Snapshot.Leases = append(r.Snapshot.Leases, l.Clone())
				}
			}
			for _, item := range s.Workers {
				if key == "worker "+item.ID {
					r.Snapshot.Workers = append(r.Snapshot.Workers, item)
				}
			}
		}
		r.Snapshot.Lock = at(0).Lock
	}
}

// The rows of a look are up to five seconds apart: since it takes as long, or since
// some of them are old. What is decided by it is refused where it is not true any
// more, no lease stays behind, and once looks are whole again nothing moves.
func TestFailure_F19_TornScan(t *testing.T) {
	const most = 5 * time.Second
	runs := 12
	if testing.Short() {
		runs = 4
	}
	stale := 0
	for seed := range uint64(runs) {
		w := newWorld(t, seed, 12)
		b := w.keepBook()
		for _, n := range []string{"a", "b", "c", "d"} {
			w.worker(n)
			w.run(time.Second)
		}
		w.run(30 * time.Second)
		slow := seed%2 == 0
		w.tornLooks(most, func(row, rows int) time.Duration {
			if slow {
				return most * time.Duration(rows-row) / time.Duration(rows)
			}
			return time.Duration(w.rnd.Int64N(int64(most)))
		})
		w.fault = func(a *actor, act *Action) fault {
			if act.Kind == Look && slow {
				return fault{delay: most}
			}
			if n := act.Cond.Counter; act.Kind == Change && purpose(a, act) == "take" && n != nil && *n != w.row(act.Key).Counter {
				stale++
			}
			return fault{}
		}
		w.run(20 * time.Second)
		w.worker("e")
		w.run(time.Duration(10_000+w.rnd.IntN(10_000)) * time.Millisecond)
		w.byRole(0).kill()
		w.run(time.Duration(25_000+w.rnd.IntN(10_000)) * time.Millisecond)
		w.split(shardID(3))
		for _, a := range w.actors {
			if !a.dead {
				a.stop()
				break
			}
		}
		w.run(30 * time.Second)
		w.fault, w.read = nil, nil
		w.run(30 * time.Second)
		rest := w.now
		w.run(time.Minute)
		if n := b.moves(rest, w.now); n != 0 {
			t.Errorf("%d leases moved in rest", n)
		}
		b.check()
		b.checkTakes(10 * time.Second)
		w.settle(5 * time.Second)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if stale < runs {
		t.Errorf("only %d decisions were made on what was not true any more", stale)
	}
}

// moves counts the changes of owner between two times.
func (b *book) moves(from, to Mono) int {
	n := 0
	for i, e := range b.writes {
		if e.at >= from && e.at < to && b.before(i).Owner != e.lease.Owner {
			n++
		}
	}
	return n
}

// checkTakes sees to it that a lease was taken from its owner only after nobody
// had written it for a failover time.
func (b *book) checkTakes(failover time.Duration) {
	b.w.t.Helper()
	last := make(map[string]entry)
	for _, e := range b.writes {
		was := last[e.lease.Key]
		if e.lease.Counter != was.lease.Counter {
			last[e.lease.Key] = e
		}
		if from := was.lease.Owner; from != "" && from != e.by && e.lease.Owner != from && e.at < was.at.Add(failover) {
			b.w.t.Errorf("%v: %s takes %s from %s, which wrote it %v ago", time.Duration(e.at), e.by, e.lease.Key, from, time.Duration(e.at-was.at))
		}
	}
}
