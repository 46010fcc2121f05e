package coordinator

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// A worker sleeps for longer than the failover time, and another process takes
// its name, which it does on what it has seen: the item still being the one from
// before. The sleeper wakes at every moment around that. Whoever has the name in
// the end, the two never deliver one shard at once, and of a lease that the new one
// has written the old one writes nothing more.
func TestFailure_F08_SleeperAndItsNamesake(t *testing.T) {
	const other = "twin"
	taken, kept := 0, 0
	for d := -20 * time.Millisecond; d <= 60*time.Millisecond; d += 500 * time.Microsecond {
		w := newWorld(t, 1, 3)
		a := w.worker("a")
		w.run(17 * time.Second)
		seen := w.item("a")
		a.pause()
		now := w.now.Add(a.core.cfg.FailoverTime)
		var b *actor
		w.at(now, func() {
			item := lease.Worker{ID: "a", Nonce: other, Reported: seen.Reported.Add(12 * time.Second)}
			if _, ok, err := w.store.PutWorker(context.Background(), item, seen); ok && err == nil {
				b = w.worker("a", func(c *Config) { c.Nonce, c.Claimed = other, -1 })
			}
		})
		w.at(now.Add(d), a.resume)
		theirs := make(map[string]bool)
		w.written = func(_ string, before, after lease.Lease) {
			mine := strings.HasPrefix(after.Mark, other)
			if !mine && theirs[after.Key] {
				t.Errorf("woken %v after the takeover: the old process wrote %+v over %+v", d, after, before)
			}
			theirs[after.Key] = theirs[after.Key] || mine
		}
		w.run(dur(now-w.now) + 45*time.Second)

		err, lost := errors.AsType[*NameError](a.failed)
		switch {
		case b == nil:
			kept++
			if a.failed != nil || a.stopped || a.reading() != 3 {
				t.Errorf("woken %v after the other tried: failed with %v, reads %d shards, want 3", d, a.failed, a.reading())
			}
		default:
			taken++
			if !lost || err.Worker != "a" || !a.stopped {
				t.Errorf("woken %v after the takeover: failed with %v, stopped %v", d, a.failed, a.stopped)
			}
			if b.failed != nil || b.reading() != 3 || w.holds()["a"] != 3 {
				t.Errorf("woken %v after the takeover: the new process failed with %v, reads %d, leases %v", d, b.failed, b.reading(), w.owners())
			}
			if item := w.item("a"); item == nil || item.Nonce != other {
				t.Errorf("woken %v after the takeover: the item is %+v", d, item)
			}
		}
		if !w.allDelivered(2 * time.Second) {
			t.Errorf("woken %v after the takeover: not everything was delivered", d)
		}
		if t.Failed() {
			return
		}
	}
	if taken < 50 || kept < 10 {
		t.Errorf("the name was taken %d times and kept %d times", taken, kept)
	}
}

// A worker that is about to name a successor for its lease sleeps, and its namesake
// adopts the lease meanwhile: the owner is the same by name, and the lease stays.
func TestFailure_F08_StopOfASleeper(t *testing.T) {
	w := newWorld(t, 1, 2)
	a := w.worker("a")
	w.worker("b")
	w.run(20 * time.Second)
	if a.reading() != 1 {
		t.Fatalf("a reads %d shards, want 1", a.reading())
	}
	wrote := Never
	w.written = func(by string, _, _ lease.Lease) {
		if by == "a" {
			wrote = w.now
		}
	}
	w.until(6*time.Second, "a renews", func() bool { return wrote != Never })
	w.run(w.latency)
	// The look's answer is the first thing that it finds when it wakes.
	w.fault = func(by *actor, act *Action) fault {
		switch {
		case by != a || !a.core.stop.begun:
			return fault{}
		case act.Kind == Look:
			return fault{pauseAfter: true}
		}
		return fault{reply: 100 * time.Millisecond}
	}
	a.stop()
	w.run(dur(wrote.Add(a.core.cfg.FailoverTime) - w.now))
	b := w.worker("a")
	w.until(time.Second, "the namesake reads", func() bool { return b.reading() == 1 })
	w.written = func(by string, before, after lease.Lease) {
		if by == "a" && !strings.HasPrefix(after.Mark, b.core.cfg.Nonce) || after.HandingOff() {
			t.Errorf("%v: the sleeper wrote %+v over %+v", time.Duration(w.now), after, before)
		}
	}
	a.resume()
	w.until(30*time.Second, "the sleeper stopped", func() bool { return a.stopped })
	if b.reading() != 1 {
		t.Errorf("the namesake reads %d shards, want 1", b.reading())
	}
}

// A worker whose item was replaced while its leases are its own gives these up as
// in any stop, and touches no row that was not its own before.
func TestNameTakenFromTheLiving(t *testing.T) {
	w := newWorld(t, 1, 2)
	a := w.worker("a")
	w.run(20 * time.Second)
	if _, ok, err := w.store.PutWorker(t.Context(), lease.Worker{ID: "a", Reported: epoch}, w.item("a")); !ok || err != nil {
		t.Fatal(ok, err)
	}
	w.until(31*time.Second, "a failed", func() bool { return a.failed != nil })
	// The namesake is given a row.
	given := lease.Lease{Key: shardID(99), Owner: "a", Counter: 7, Checkpoint: lease.TrimHorizon}
	if _, ok, err := w.store.Create(t.Context(), given); !ok || err != nil {
		t.Fatal(ok, err)
	}
	w.until(40*time.Second, "a stopped", func() bool { return a.stopped })
	for key, l := range w.leases() {
		if key != given.Key && l.Owner != "" {
			t.Errorf("a has stopped and left %+v", l)
		}
	}
	if l := w.leases()[given.Key]; l.Owner != "a" || l.Counter != given.Counter {
		t.Errorf("the namesake's row became %+v", l)
	}
}
