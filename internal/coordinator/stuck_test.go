package coordinator

import (
	"fmt"
	"testing"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// evict takes a lease from its owner by hand. The owner learns of it when it next
// asks for its rows, and others may be quicker.
func (w *world) evict(key string) {
	w.t.Helper()
	w.evicted[key] = w.now
	w.change(key, lease.Cond{}, lease.Set{Bump: true, Mark: "by-hand", Owners: &lease.Owners{}})
}

// pauses is the longest time in which nothing of a shard was delivered, from then
// on.
func (w *world) pauses(key string, from Mono) (longest time.Duration) {
	last := from
	for _, d := range w.deliveries {
		if d.shard == key && d.at >= from {
			longest, last = max(longest, time.Duration(d.at-last)), d.at
		}
	}
	return max(longest, time.Duration(w.now-last))
}

// heldBy is a shard that a worker reads.
func heldBy(a *actor) string {
	for _, key := range a.core.keys() {
		return key
	}
	a.w.t.Fatalf("%s holds nothing", a.name)
	return ""
}

// A handler does not return, and somebody takes its lease by hand; or the table is
// out, so that the term ends. Another worker reads the shard soon, and goes on doing
// so: the worker with the handler keeps no lease that it cannot read, and is not
// given it again and again.
func TestStuckHandlersLeaseGoesToAnother(t *testing.T) {
	roles := []string{"plain worker", "deputy", "leader"}
	for role := range roles {
		for _, how := range []string{"evicted", "table out"} {
			t.Run(fmt.Sprintf("%s/%s", roles[role], how), func(t *testing.T) {
				seeds := uint64(6)
				if testing.Short() {
					seeds = 1
				}
				for seed := range seeds {
					w := newWorld(t, seed, 6)
					for _, name := range []string{"a", "b", "c"} {
						w.worker(name)
						w.run(time.Duration(3000+w.rnd.IntN(5000)) * time.Millisecond)
					}
					w.run(20 * time.Second)
					v := w.byRole(role)
					key := heldBy(v)
					v.stuck[key] = w.now.Add(15 * time.Minute)
					w.run(time.Second) // it takes a batch
					began := w.now
					limit := 5 * time.Second
					if how == "evicted" {
						w.evict(key)
					} else {
						limit = 45 * time.Second
						w.fault = func(*actor, *Action) fault { return fault{refuse: w.now < began.Add(25*time.Second)} }
					}
					moves := 0
					w.written = func(_ string, before, after lease.Lease) {
						if after.Key == key && before.Owner != after.Owner {
							moves++
						}
					}
					w.run(limit)
					from := w.now
					w.run(13 * time.Minute)
					if got := w.pauses(key, from); got > 2*time.Second {
						t.Errorf("seed %d: %s stood still for %v although others live", seed, key, got)
					}
					for _, d := range w.deliveries {
						if d.shard == key && d.worker == v.name && d.at >= began {
							t.Errorf("seed %d: %s delivers %s, of which it has a handler left", seed, v.name, key)
							break
						}
					}
					if moves > 3 {
						t.Errorf("seed %d: the owner of %s changed %d times, want 3 at most", seed, key, moves)
					}
					w.run(13 * time.Minute) // it returns
					if n := w.holds(); n["a"] != 2 || n["b"] != 2 || n["c"] != 2 {
						t.Errorf("seed %d: the leases are not shared evenly once the handler has returned: %v", seed, w.owners())
					}
					w.settle(time.Second)
				}
			})
		}
	}
}

// A leader that knows nothing of it offers the leases of stuck handlers to their
// worker again, since it has the fewest. It gives them back before anybody waits.
func TestStuckWorkerDeclines(t *testing.T) {
	for role, name := range []string{1: "deputy", 2: "leader"} {
		if name == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 3, 2)
			w.refusedFor = 30 * time.Second
			w.worker("a")
			w.run(15 * time.Second)
			w.worker("b")
			w.run(20 * time.Second)
			v := w.byRole(role)
			// One handler after the other, until it has none that returns.
			for i := range 2 {
				v.stuck[shardID(i)] = w.now.Add(time.Hour)
			}
			w.run(time.Second)
			w.evict(heldBy(v))
			w.run(2 * time.Minute)
			if len(v.core.held) > 0 {
				w.evict(heldBy(v))
			}
			w.run(time.Minute)
			from, repeats := w.now, w.repeats
			w.run(20 * time.Minute)
			for i := range 2 {
				if got := w.pauses(shardID(i), from); got > 2*time.Second {
					t.Errorf("%s stood still for %v", shardID(i), got)
				}
			}
			if w.repeats != repeats {
				t.Errorf("%d records came twice by handoffs that are given back", w.repeats-repeats)
			}
			if n := v.noted("lease.declined", "stuck handler"); role == 1 && (n < 40 || n > 90) {
				t.Errorf("%s declined %d leases in 20 minutes, want each of two every 30 s", v.name, n)
			}
			if n := w.holds()[v.name]; n != 0 {
				t.Errorf("%s holds %d leases whose handlers are stuck: %v", v.name, n, w.owners())
			}
		})
	}
}

// Where nobody else is, the lease is nobody's, and is written no more; it is read
// when there is another worker, or when the handler has returned.
func TestStuckWorkerIsAlone(t *testing.T) {
	for _, then := range []string{"another joins", "the handler returns"} {
		t.Run(then, func(t *testing.T) {
			w := newWorld(t, 4, 2)
			a := w.worker("a")
			w.run(20 * time.Second)
			key := shardID(1)
			a.stuck[key] = w.now.Add(10 * time.Minute)
			w.run(time.Second)
			w.evict(key)
			w.run(30 * time.Second)
			if l := w.row(key); l.Owner != "" {
				t.Errorf("%s is held by %q, want nobody", key, l.Owner)
			}
			before := w.writes[key]
			w.run(5 * time.Minute)
			if n := w.writes[key] - before; n != 0 {
				t.Errorf("the lease of a shard that nobody can read was written %d times, want 0", n)
			}
			if got := w.pauses(shardID(0), w.now.Add(-5*time.Minute)); got > 2*time.Second {
				t.Errorf("the other shard stood still for %v", got)
			}
			if then == "another joins" {
				w.worker("b")
				w.run(15 * time.Second)
			} else {
				w.run(5 * time.Minute)
			}
			w.settle(5 * time.Second)
			if n := len(w.owners()); n != 2 || w.row(key).Owner == "" {
				t.Errorf("leases %v, want both held", w.owners())
			}
		})
	}
}

// A lease that is taken from a worker by hand goes to another, whoever has the
// fewest, and stays there for a while: that is what was wanted. Where there is no
// other, it comes back.
func TestEvictedLeaseGoesToAnother(t *testing.T) {
	for role, name := range []string{"plain worker", "deputy", "leader"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, uint64(role), 6)
			for _, name := range []string{"a", "b", "c"} {
				w.worker(name)
				w.run(10 * time.Second)
			}
			w.run(20 * time.Second)
			v := w.byRole(role)
			key := heldBy(v)
			w.evict(key)
			evicted := w.now
			w.run(5 * time.Second)
			if at := w.firstAfter(key, evicted, v.name); at > evicted.Add(4*time.Second) {
				t.Errorf("the first to read %s besides its owner did so after %v", key, time.Duration(at-evicted))
			}
			w.run(5 * time.Minute)
			for _, d := range w.deliveries {
				if d.shard == key && d.worker == v.name && d.at > evicted.Add(2*time.Second) {
					t.Fatalf("%v after the eviction %s has %s again", time.Duration(d.at-evicted), v.name, key)
				}
			}
			if n := w.holds(); n["a"] != 2 || n["b"] != 2 || n["c"] != 2 {
				t.Errorf("the leases are not shared evenly: %v", w.owners())
			}
		})
	}
	t.Run("alone", func(t *testing.T) {
		w := newWorld(t, 9, 2)
		a := w.worker("a")
		w.run(20 * time.Second)
		w.evict(shardID(0))
		w.run(15 * time.Second)
		if a.reading() != 2 || w.row(shardID(0)).Owner != "a" {
			t.Errorf("a reads %d shards, want 2: %v", a.reading(), w.owners())
		}
	})
}

// A look may be older than the handoff that its leader has just begun. That the row
// names no next owner then does not mean that the worker gave the lease back.
func TestOldLookIsNoRefusal(t *testing.T) {
	w := newWorld(t, 8, 9)
	a := w.worker("a")
	w.run(15 * time.Second)
	w.worker("b")
	w.run(15 * time.Second)
	b := w.keepBook()
	w.read = func(_ *actor, act Action, r *Result) {
		if act.Kind == Look && r.Snapshot != nil {
			old := *r.Snapshot
			old.Leases = b.leasesAt(w.now.Add(-1500 * time.Millisecond))
			if len(old.Leases) == len(r.Snapshot.Leases) {
				r.Snapshot = &old
			}
		}
	}
	w.run(10 * time.Second) // each lease is in the book
	w.worker("c")
	w.each(30*time.Second, func() {
		if n := len(a.core.watch.refusals); n != 0 {
			t.Fatalf("%d workers are believed to have refused leases: %v", n, a.core.watch.refusals)
		}
	})
	if n := w.holds(); n["a"] != 3 || n["b"] != 3 || n["c"] != 3 {
		t.Errorf("leases %v, want three each", w.owners())
	}
}

// A worker that takes a dead owner's lease in the middle of a handoff ends that
// handoff: nobody refused it, and the lease is in balance with the others.
func TestHandoffThatAClaimEndsIsNoRefusal(t *testing.T) {
	w := newWorld(t, 5, 12)
	w.worker("a")
	w.run(15 * time.Second)
	b := w.worker("b")
	w.run(20 * time.Second)
	b.kill()
	for _, key := range b.core.keys() {
		w.change(key, lease.Cond{}, lease.Set{Owners: &lease.Owners{Owner: "b", Next: "a"}})
	}
	w.run(25 * time.Second)
	w.worker("c")
	w.run(15 * time.Second)
	w.worker("d")
	w.until(2*time.Minute, "four leases each", func() bool {
		h := w.holds()
		return h["a"] == 4 && h["c"] == 4 && h["d"] == 4
	})
}
