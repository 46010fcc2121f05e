package coordinator

import (
	"maps"
	"testing"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// A leader with leases sleeps at each of its calls in turn, until others lead and
// have all its leases, and is told to stop before or when it wakes. What it gives
// up is not its own any more, and nothing that the others have goes with it.
func TestFailure_F07_ReleaseByTheWrongOne(t *testing.T) {
	for _, stopping := range []bool{false, true} {
		slept := 0
		for k := 0; k < 60; k++ {
			if testing.Short() && !stopping && k%7 != 0 {
				continue
			}
			if !sleepAndStop(t, k, stopping) {
				break
			}
			slept++
			if t.Failed() {
				t.Fatalf("asleep at call %d, stopping before: %v", k+1, stopping)
			}
		}
		if slept < 9 {
			t.Errorf("it slept in %d runs only, stopping before: %v", slept, stopping)
		}
	}
}

// sleepAndStop is one such run. It reports false if there were not so many calls.
func sleepAndStop(t *testing.T, k int, stopping bool) bool {
	w := newWorld(t, uint64(k), 4)
	a := w.worker("a")
	w.run(time.Second)
	w.worker("b")
	w.worker("c")
	w.run(20 * time.Second)
	if !a.core.lock.leading || w.holds()["a"] == 0 {
		t.Fatal("a does not lead and hold leases")
	}
	n := 0
	w.fault = func(by *actor, _ *Action) fault {
		if by != a {
			return fault{}
		}
		n++
		before := stopping || k%2 == 0
		return fault{pauseBefore: n == k+1 && before, pauseAfter: n == k+1 && !before}
	}
	if stopping {
		a.stop()
	} else {
		// It knows that it is to stop before it knows anything else.
		a.held = append(a.held, func() { a.deliver(Stop{}) })
	}
	w.until(time.Minute, "asleep", func() bool { return a.paused || a.stopped })
	if a.stopped {
		return false
	}
	w.run(35 * time.Second)
	leader, owners := w.lockOwner(), w.owners()
	if leader == "" || leader == "a" || w.holds()["a"] != 0 {
		t.Fatalf("a sleeps, %q leads, and the leases are %v", leader, owners)
	}
	repeats := w.repeats
	w.written = func(by string, before, after lease.Lease) {
		if by == "a" {
			t.Errorf("%v: a changed %+v to %+v", time.Duration(w.now), before, after)
		}
	}
	a.resume()
	w.until(10*time.Second, "a stopped", func() bool {
		if now := w.lockOwner(); now != leader {
			t.Fatalf("the lock of %s went to %q", leader, now)
		}
		return a.stopped
	})
	w.run(5 * time.Second)
	if now := w.owners(); !maps.Equal(now, owners) || w.lockOwner() != leader {
		t.Errorf("after the stop %q leads and the leases are %v, before it %q and %v", w.lockOwner(), now, leader, owners)
	}
	if !w.allDelivered(2*time.Second) || w.repeats != repeats {
		t.Errorf("after the stop %d records came again, and all were delivered: %v", w.repeats-repeats, w.allDelivered(2*time.Second))
	}
	return true
}

// Each call of a stopping worker in turn comes a minute late, when one of the same
// name has long begun anew, leads, and holds all leases.
func TestFailure_F07_ReleaseOfANamesake(t *testing.T) {
	late := make(map[Kind]bool)
	for k := 0; ; k++ {
		w := newWorld(t, uint64(k), 3)
		a := w.worker("a")
		w.run(7 * time.Second)
		n, arrives := 0, Never
		w.fault = func(by *actor, act *Action) fault {
			if by == a && a.core.stop.begun {
				if n++; n == k+1 {
					late[act.Kind] = true
					arrives = w.now.Add(w.latency/2 + time.Minute)
					return fault{delay: time.Minute}
				}
			}
			return fault{}
		}
		a.stop()
		w.until(40*time.Second, "a stopped", func() bool { return a.stopped })
		if arrives == Never {
			break
		}
		w.run(time.Second)
		again := w.worker("a")
		w.run(time.Duration(arrives-w.now) - 1)
		for range 2 {
			if w.lockOwner() != "a" || !again.core.lock.leading || w.holds()["a"] != 3 || again.reading() != 3 {
				t.Errorf("%q leads, the leases are %v, and a reads %d", w.lockOwner(), w.owners(), again.reading())
			}
			if item := w.item("a"); item == nil || item.Nonce != again.core.cfg.Nonce {
				t.Errorf("the item of a is %+v, want that of nonce %s", item, again.core.cfg.Nonce)
			}
			w.run(2) // the late call comes
		}
		w.settle(5 * time.Second)
		if again.failed != nil || t.Failed() {
			t.Fatalf("call %d of the stop came late: %v", k+1, again.failed)
		}
	}
	for _, kind := range []Kind{DeleteWorker, ReleaseLock, Change} {
		if !late[kind] {
			t.Errorf("no call of kind %d was late: %v", kind, late)
		}
	}
}
