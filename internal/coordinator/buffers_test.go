package coordinator

import (
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// lastWritten reports whether the last write that moved the lease's counter was
// one of this worker's.
func (a *actor) lastWritten(l lease.Lease) bool {
	return strings.HasPrefix(l.Mark, a.core.cfg.Nonce+"-")
}

// checkBelief compares what the core believes of its leases with what is stored,
// where no write of its own is under way or of unknown outcome. It returns the
// number of leases that it could compare.
func (a *actor) checkBelief() int {
	n := 0
	if a.dead || a.stopped {
		return 0
	}
	for key, h := range a.core.held {
		if h.w != nil {
			continue
		}
		stored := a.w.row(key)
		if !a.lastWritten(stored) {
			continue // others have the lease by now
		}
		n++
		if h.image.Counter != stored.Counter || h.image.Checkpoint != stored.Checkpoint {
			a.w.t.Errorf("%v: %s believes that %s has counter %d and checkpoint %v, stored are %d and %v", time.Duration(a.w.now),
				a.name, key, h.image.Counter, h.image.Checkpoint, stored.Counter, stored.Checkpoint)
		}
	}
	return n
}

// each runs for d and calls f before each event.
func (w *world) each(d time.Duration, f func()) {
	end := w.now.Add(d)
	w.at(end, func() {})
	w.until(d, "over", func() bool { f(); return w.now >= end })
}

// Checkpoints and renewals at once, of which many fail in every way that a write
// can: what a worker believes of its leases follows what is stored.
func TestFailure_F10_MemoryAheadOfTheStore(t *testing.T) {
	runs := 40
	if testing.Short() {
		runs = 8
	}
	for seed := range uint64(runs) {
		w := newWorld(t, seed, 3)
		b := w.keepBook()
		w.worker("a")
		w.run(time.Second)
		w.worker("b")
		w.run(15 * time.Second)
		odds := 2 + w.rnd.IntN(8)
		w.fault = func(_ *actor, act *Action) fault {
			if act.Kind != Change && act.Kind != Create || w.rnd.IntN(odds) != 0 {
				return fault{}
			}
			// Up to twice the time that a caller waits.
			late := time.Duration(w.rnd.IntN(2000)) * time.Millisecond
			return []fault{{refuse: true}, {loseReply: true}, {delay: late}, {reply: late}, {delay: 5 * late}}[w.rnd.IntN(5)]
		}
		compared := 0
		look := func() {
			for _, a := range w.actors {
				for _, c := range a.runs {
					// Of some shards each batch is a checkpoint.
					c.flush = c.key != shardID(0)
				}
				compared += a.checkBelief()
			}
		}
		w.each(20*time.Second, look)
		w.split(shardID(1))
		w.worker("c")
		w.each(20*time.Second, look)
		w.fault = nil
		w.each(10*time.Second, look)
		w.settle(30 * time.Second)
		b.check()
		if compared < 1000 {
			t.Errorf("only %d leases could be compared", compared)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// Progress waits for the next renewal to be stored, and the lease goes, at each
// moment between two renewals. Where its owner gives it up, the progress is stored
// with that, and nothing comes twice. Where the owner loses it, the progress is
// never stored, and comes again.
func TestFailure_F77_BufferOfCheckpoints(t *testing.T) {
	key := shardID(0)
	for _, tt := range []struct {
		name  string
		alone bool // nobody is there to follow
		kept  bool
		lose  func(w *world, owner *actor)
	}{
		{"handoff", false, true, func(w *world, owner *actor) {
			was, is := lease.Owners{Owner: "a"}, lease.Owners{Owner: "a", Next: "b"}
			w.change(key, lease.Cond{Owners: &was}, lease.Set{Owners: &is})
		}},
		{"stop", false, true, func(_ *world, owner *actor) { owner.stop() }},
		{"stop of the last", true, true, func(w *world, owner *actor) {
			owner.stop()
			w.in(3*time.Second, func() { w.worker("b") })
		}},
		{"cut off", false, false, func(w *world, owner *actor) {
			w.fault = func(a *actor, _ *Action) fault { return fault{refuse: a == owner} }
		}},
		{"sleep", false, false, func(_ *world, owner *actor) { owner.pause() }},
		{"crash", false, false, func(_ *world, owner *actor) { owner.kill() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			waited, lost := 0, 0 // runs
			for k := range 24 {
				w := newWorld(t, uint64(k), 1)
				b := w.keepBook()
				owner := w.worker("a")
				w.run(time.Second)
				if !tt.alone {
					w.worker("b")
				}
				w.run(20*time.Second + time.Duration(k)*230*time.Millisecond)
				if h := owner.core.held[key]; h == nil || h.token == 0 || w.repeats != 0 {
					t.Fatalf("a does not own %s: %v", key, w.owners())
				} else if h.w == nil && h.ahead() {
					waited++
				}
				gone, owed := false, 0
				book := w.written
				w.written = func(by string, before, after lease.Lease) {
					book(by, before, after)
					switch {
					case before.Owner == "a" && after.Owner != "a":
						gone = true
						owed = w.shards[key].next - recordAfter(after.Checkpoint)
					case gone && by == "a" && before.Owner != "a":
						t.Errorf("%v: a, which has lost it, changes %+v to %+v", time.Duration(w.now), before, after)
					}
				}
				tt.lose(w, owner)
				w.until(20*time.Second, "b reads", func() bool { return w.firstAfter(key, 0, "a") != Never })
				w.settle(10 * time.Second)
				b.check()
				if w.repeats != owed || tt.kept && owed != 0 {
					t.Errorf("%d records came again, and %d were delivered and not stored when the lease went", w.repeats, owed)
				}
				if owed > 0 {
					lost++
				}
				if t.Failed() {
					t.Fatalf("%d ms later", k*230)
				}
			}
			if waited < 20 || lost < 20 && !tt.kept {
				t.Errorf("progress waited for a renewal in %d of 24 runs, and came again in %d", waited, lost)
			}
		})
	}
}
