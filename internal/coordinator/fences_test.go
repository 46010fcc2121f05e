package coordinator

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// Each write in turn arrives up to ten failover times late. Its sender cannot
// reach the table meanwhile and gives up the lease, or sends it again with success.
func TestFailure_F03_RequestArrivesLate(t *testing.T) {
	for _, tt := range []struct {
		name  string
		every time.Duration // between two records of a shard
		cut   bool
		kinds []string
	}{
		{"cut off", 100 * time.Millisecond, true, []string{"create", "adopt", "checkpoint", "handoff", "transfer", "end", "take"}},
		{"cut off, few records", 20 * time.Second, true, []string{"create", "adopt", "renew", "handoff", "transfer", "end", "take"}},
		{"sent again", 100 * time.Millisecond, false, []string{"create", "adopt", "checkpoint", "handoff", "transfer", "end"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			step := 1
			if testing.Short() {
				step = 4
			}
			runs, moved := 0, 0
			kinds := make(map[string]int)
			for k := 0; ; k += step {
				w := newWorld(t, uint64(k), 4)
				w.every = Mono(tt.every)
				b := w.keepBook()
				late := &lateWrite{w: w, skip: k, cut: tt.cut}
				w.fault = late.fault
				w.busyLife(late)
				if late.sender == nil {
					break
				}
				kinds[late.what]++
				w.run(time.Duration(max(0, late.arrives+1-w.now)))
				w.settle(30 * time.Second)
				late.check()
				b.check()
				if runs++; late.moved {
					moved++
				}
				if t.Failed() {
					t.Fatalf("write %d (%s of %s by %s) arrived %v late", k+1, late.what, late.key, late.sender.name, late.delay)
				}
			}
			if moved*2 < runs {
				t.Errorf("in %d of %d runs only somebody else had written when the write arrived", moved, runs)
			}
			for _, kind := range tt.kinds {
				if kinds[kind] == 0 && !testing.Short() {
					t.Errorf("no write of kind %q was late: %v", kind, kinds)
				}
			}
		})
	}
}

// busyLife makes every kind of write, a takeover included.
func (w *world) busyLife(late *lateWrite) {
	for _, n := range []string{"a", "b", "c", "d"} {
		w.worker(n)
		w.run(time.Second)
	}
	w.run(15 * time.Second)
	late.armed = true
	w.byRole(0).kill()
	w.run(13 * time.Second)
	w.split(shardID(0))
	w.run(4 * time.Second)
	w.worker("e")
	w.run(6 * time.Second)
	w.merge(shardID(1), shardID(2))
	w.run(6 * time.Second)
	for _, a := range w.actors {
		if !a.dead {
			a.stop()
			break
		}
	}
	w.run(6 * time.Second)
}

// lateWrite is the one write of a run that arrives late.
type lateWrite struct {
	w     *world
	armed bool
	skip  int  // writes to let pass
	cut   bool // its sender cannot reach the table for a while

	sender       *actor
	what, key    string
	delay        time.Duration
	back         Mono        // when the sender reaches the table again
	sent, before lease.Lease // the lease when it was sent, and before it arrived
	arrives      Mono
	moved        bool // the lease was written meanwhile
	repeats      int
	lost         int
}

// outage is how long the sender of a late write cannot reach the table: longer
// than others wait before they take its leases.
const outage = 15 * time.Second

func (x *lateWrite) fault(a *actor, act *Action) fault {
	w := x.w
	switch {
	case x.sender != nil:
		return fault{refuse: a == x.sender && w.now < x.back}
	case !x.armed || act.Kind != Change && act.Kind != Create:
		return fault{}
	case x.skip > 0:
		x.skip--
		return fault{}
	}
	if x.cut {
		x.back = w.now.Add(outage)
	}
	// A nanosecond more, so that nothing else happens at that time.
	x.delay = time.Duration(2000+w.rnd.IntN(98_000))*time.Millisecond + 1
	x.sender, x.what, x.key = a, purpose(a, act), act.Key
	x.arrives = w.now.Add(w.latency/2 + x.delay)
	x.sent = w.row(x.key)
	w.at(x.arrives, func() {
		x.before = w.row(x.key)
		x.repeats, x.lost = w.repeats, w.lost()
		w.at(w.now, x.arrived)
	})
	return fault{delay: x.delay}
}

// arrived looks at the lease right after the write has come.
func (x *lateWrite) arrived() {
	after := x.w.row(x.key)
	if x.moved = x.before.Counter != x.sent.Counter; !x.moved {
		// The write may still do what it was for.
		return
	}
	if x.what == "handoff" {
		// It begins a handoff if the same worker owns the lease, again or still,
		// and changes nothing else.
		after.NextOwner = x.before.NextOwner
	}
	if !reflect.DeepEqual(after, x.before) {
		x.w.t.Errorf("the late write changed %+v to %+v", x.before, after)
	}
}

// check says that what came late cost nothing that its sender's absence had not.
func (x *lateWrite) check() {
	w := x.w
	if (!x.cut || x.delay > outage+5*time.Second) && (w.repeats != x.repeats || w.lost() != x.lost) {
		w.t.Errorf("after the late write %d records came again, and %d leases were lost", w.repeats-x.repeats, w.lost()-x.lost)
	}
	for _, a := range w.actors {
		if n := a.noted("lease.lost", ""); n != 0 && (a != x.sender || !x.cut) {
			w.t.Errorf("%s lost %d leases, and could reach the table all the time", a.name, n)
		}
	}
}

// A worker loses its leases, and wins them again while old writes of its own are
// still under way: the owner is the same, and only the counter tells the terms
// apart. Whenever they arrive, they are refused.
func TestFailure_F05_SameWorkerNextTerm(t *testing.T) {
	for _, tt := range []struct {
		name string
		out  string // the kind of write that does not come through
		lose func(*actor)
		back func(w *world, a *actor) *actor
	}{
		{"cut off", "checkpoint", func(*actor) {}, func(_ *world, a *actor) *actor { return a }},
		{"killed", "checkpoint", (*actor).kill, func(w *world, _ *actor) *actor { return w.worker("a") }},
		{"stopped", "transfer", (*actor).stop, func(w *world, _ *actor) *actor { return w.worker("a") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, 5, 4)
			book := w.keepBook()
			a := w.worker("a")
			w.run(time.Second)
			b := w.worker("b")
			w.run(20 * time.Second)
			mine := keysOf(w, "a")
			old, out := w.keepWrites(), false
			w.fault = func(by *actor, act *Action) fault {
				if by == a {
					old.keep(by, act)
				}
				return fault{refuse: out && by == a && act.Kind == Change && describe(act) == tt.out}
			}
			w.run(12 * time.Second)
			out = true
			w.run(6 * time.Second)
			tt.lose(a)
			w.until(40*time.Second, "b reads all", func() bool { return b.reading() == 4 && (!a.core.stop.begun || a.stopped || a.dead) })
			w.fault = nil
			if !slices.ContainsFunc(old.old, func(o oldWrite) bool { return describe(&o.act) == tt.out }) {
				t.Errorf("no %s is under way", tt.out)
			}
			again := tt.back(w, a)
			w.run(2 * time.Second)
			b.stop()
			w.until(20*time.Second, "a reads all", func() bool { return again.reading() == 4 })
			arrive := func() {
				for _, key := range mine {
					old.arrive(key)
				}
			}
			for end := w.now.Add(time.Minute); w.now < end; w.run(250 * time.Millisecond) {
				arrive()
			}
			// The owners are as they were at each step of a handoff too.
			w.worker("b")
			w.each(20*time.Second, arrive)
			again.stop()
			w.each(5*time.Second, arrive)
			if len(mine) != 2 || old.sent < 2*2*100 {
				t.Errorf("old writes of %d leases arrived %d times in all", len(mine), old.sent)
			}
			w.settle(5 * time.Second)
			book.check()
		})
	}
}

// Leases are deleted, under a fleet that goes on or before another starts, and are
// made again. Counters begin at the time of day, so that no old condition on the
// counter comes true again, however far the new leases advance.
func TestFailure_F06_CounterBeginsAgain(t *testing.T) {
	for _, anew := range []bool{false, true} {
		w := newWorld(t, 6, 3)
		w.every = Mono(time.Second)
		w.worker("a")
		w.run(time.Second)
		w.worker("b")
		old := w.keepWrites()
		w.fault = func(by *actor, act *Action) fault {
			old.keep(by, act)
			return fault{}
		}
		w.run(30 * time.Second)
		w.fault = nil
		if anew {
			w.actors[0].kill()
			w.actors[1].kill()
		}
		was := w.leases()
		for key := range was {
			w.remove(key)
			old.arrive(key)
		}
		if anew {
			w.worker("a")
			w.worker("b")
		}
		w.until(20*time.Second, "made again", func() bool { return len(w.leases()) == 3 })
		first := w.leases()
		w.written = func(_ string, _, after lease.Lease) { old.arrive(after.Key) }
		w.run(4 * time.Minute)
		w.written = nil
		for key, l := range w.leases() {
			if first[key].Counter <= was[key].Counter || l.Counter < first[key].Counter+40 {
				t.Errorf("%s had counter %d, began again with %d, and has %d", key, was[key].Counter, first[key].Counter, l.Counter)
			}
		}
		if old.sent < 3*40*3 {
			t.Errorf("old writes arrived %d times only", old.sent)
		}
		w.settle(5 * time.Second)
	}
}

// The tokens of a lease only grow, though it is deleted again and again while it
// is read, and each leader that makes it again has another wall clock. Nor do two
// read it meanwhile.
func TestFailure_F06_TokensOnlyGrow(t *testing.T) {
	runs, deleted := 16, 0
	if testing.Short() {
		runs = 5
	}
	for seed := range uint64(runs) {
		w := newWorld(t, seed, 3)
		w.every = Mono(time.Second)
		for i := range 8 {
			off := time.Duration(w.rnd.IntN(7200)-3600) * time.Second
			w.worker(fmt.Sprintf("w%d", i), func(c *Config) { c.Wall = c.Wall.Add(off) })
			w.run(time.Duration(w.rnd.IntN(9000)) * time.Millisecond)
			if leader := w.leading(); leader != nil && i > 1 {
				leader.kill()
			}
			for range 3 {
				key := shardID(w.rnd.IntN(3))
				// A leader that has not seen it could go by its clock alone.
				if leader := w.leading(); leader != nil && leader.core.watch.rows[key] != nil && w.row(key).Key != "" {
					w.remove(key)
					deleted++
				}
				w.run(time.Duration(5000+w.rnd.IntN(15_000)) * time.Millisecond)
			}
		}
		w.settle(90 * time.Second)
		last := make(map[string]delivery)
		for _, d := range w.deliveries {
			if l := last[d.shard]; d.token < l.token || d.token == l.token && d.worker != l.worker {
				t.Errorf("%s has token %d at %s after %d at %s", d.shard, d.token, d.worker, l.token, l.worker)
			}
			last[d.shard] = d
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if deleted < 10*runs {
		t.Errorf("only %d leases were deleted in %d runs", deleted, runs)
	}
}
