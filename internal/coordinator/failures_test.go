package coordinator

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// life is a scenario that makes every kind of write: a first start, a second
// worker, a split, a merge, a clean stop.
func life(w *world) {
	w.worker("a")
	w.run(7 * time.Second)
	b := w.worker("b")
	w.run(15 * time.Second)
	w.split(shardID(0))
	w.run(8 * time.Second)
	w.merge(shardID(1), shardID(2))
	w.run(8 * time.Second)
	b.stop()
	w.run(8 * time.Second)
}

// settle lets the world recover from its faults and checks that it does: each
// shard is read and nothing is missing.
func (w *world) settle(limit time.Duration) {
	w.t.Helper()
	w.fault = nil
	for _, a := range w.actors {
		if a.paused {
			a.resume()
		}
	}
	w.until(limit, "everything delivered", func() bool { return w.allDelivered(2 * time.Second) })
	// Whoever died last, the leader and the deputy included.
	w.run(45 * time.Second)
	if !w.allDelivered(2 * time.Second) {
		w.t.Errorf("records stand still after the faults: %v", w.owners())
	}
}

// lost counts the leases that a worker believed to have lost.
func (w *world) lost() int {
	n := 0
	for _, a := range w.actors {
		n += a.noted("lease.lost", "")
	}
	return n
}

// A worker sleeps for three failover times, at every call in turn, after the
// call has left. Its late writes change nothing.
func TestFailure_F01_LateOwner(t *testing.T) {
	sleepAtEveryCall(t, fault{pauseAfter: true})
}

// The same, with the sleep between the decision and the call: the call leaves
// when another has long taken the lease.
func TestFailure_F02_SleepBetweenCheckAndWrite(t *testing.T) {
	sleepAtEveryCall(t, fault{pauseBefore: true})
}

func sleepAtEveryCall(t *testing.T, f fault) {
	taken := 0
	for k := range 60 {
		w := newWorld(t, uint64(k), 4)
		a := w.worker("a")
		w.run(time.Second)
		w.worker("b")
		w.run(20 * time.Second)
		n := 0
		w.fault = func(by *actor, _ *Action) fault {
			if by != a {
				return fault{}
			}
			if n++; n == k+1 {
				return f
			}
			return fault{}
		}
		w.until(time.Minute, "asleep", func() bool { return a.paused })
		w.run(30 * time.Second)
		if w.holds()["a"] == 0 {
			taken++
		}
		w.settle(30 * time.Second)
		if t.Failed() {
			t.Fatalf("asleep at call %d", k+1)
		}
	}
	if taken < 50 {
		t.Errorf("all leases were taken from the sleeper in %d of 60 runs, want nearly all", taken)
	}
}

// Each write in turn is applied while its reply is lost. No lease is lost by it,
// and no record comes twice.
func TestFailure_F04_ReplyLost(t *testing.T) {
	kinds := make(map[string]int)
	for k := 0; ; k++ {
		w := newWorld(t, 4, 4)
		n, hit := 0, ""
		w.fault = func(_ *actor, act *Action) fault {
			if act.Kind != Change && act.Kind != Create {
				return fault{}
			}
			if n++; n == k+1 {
				hit = describe(act)
				return fault{loseReply: true}
			}
			return fault{}
		}
		life(w)
		if hit == "" {
			break
		}
		kinds[hit]++
		if w.repeats != 0 || w.lost() != 0 {
			t.Errorf("reply %d (%s) lost: %d records came twice, %d leases were believed lost", k+1, hit, w.repeats, w.lost())
		}
		w.settle(20 * time.Second)
		if t.Failed() {
			t.Fatalf("with the reply of write %d (%s) lost", k+1, hit)
		}
	}
	for _, want := range []string{"create", "renew", "checkpoint", "handoff", "transfer", "end"} {
		if kinds[want] == 0 {
			t.Errorf("no reply of a write of kind %q was lost: %v", want, kinds)
		}
	}
}

// describe names the kind of a write.
func describe(a *Action) string {
	switch {
	case a.Kind == Create:
		return "create"
	case a.Set.Checkpoint != nil && *a.Set.Checkpoint == lease.ShardEnd:
		return "end"
	case a.Set.Owners != nil && a.Set.Owners.Next != "":
		return "handoff"
	case a.Set.Owners != nil:
		return "transfer"
	case a.Set.Checkpoint != nil:
		return "checkpoint"
	}
	return "renew"
}

// An owner that cannot reach the table stops before another can begin.
func TestFailure_F11_OldOwnerStopsFirst(t *testing.T) {
	for seed := range uint64(50) {
		w := newWorld(t, seed, 4)
		a := w.worker("a")
		w.run(time.Second)
		w.worker("b")
		w.run(time.Duration(20_000+w.rnd.IntN(5000)) * time.Millisecond)
		cut := w.now
		w.fault = func(by *actor, _ *Action) fault { return fault{refuse: by == a} }
		w.run(15 * time.Second)
		if a.reading() != 0 {
			t.Errorf("seed %d: %d consumers of the cut-off worker still run", seed, a.reading())
		}
		for id := range w.shards {
			if at := w.firstAfter(id, cut.Add(9*time.Second), "a"); at == Never {
				t.Errorf("seed %d: %s stands still", seed, id)
			}
		}
		w.settle(20 * time.Second)
	}
}

// A thousand handoffs under load repeat nothing.
func TestFailure_F12_HandoffsRepeatNothing(t *testing.T) {
	w := newWorld(t, 12, 8)
	a := w.worker("a")
	w.run(5 * time.Second)
	want := 1000
	if testing.Short() {
		want = 80
	}
	handed := func() int {
		n := 0
		for _, x := range w.actors {
			n += x.noted("lease.released", "handoff") + x.noted("lease.released", "stop")
		}
		return n
	}
	for i := 0; handed() < want; i++ {
		b := w.worker(fmt.Sprintf("b%d", i))
		w.until(12*time.Second, "the newcomer reads its half", func() bool { return b.reading() == 4 })
		w.run(time.Duration(w.rnd.IntN(2000)) * time.Millisecond)
		b.stop()
		w.until(12*time.Second, "all leases are back", func() bool { return b.stopped && a.reading() == 8 })
	}
	if w.repeats != 0 {
		t.Errorf("%d records were delivered twice in %d handoffs", w.repeats, handed())
	}
	w.settle(5 * time.Second)
}

// Exactly one call fails, each in turn.
func TestFailure_F14_OneCallFails(t *testing.T) {
	step := 1
	if testing.Short() {
		step = 7
	}
	for k := 0; ; k += step {
		w := newWorld(t, 14, 4)
		hit := false
		w.fault = func(*actor, *Action) fault {
			if w.calls == k+1 {
				hit = true
				return fault{refuse: true}
			}
			return fault{}
		}
		life(w)
		if !hit {
			return
		}
		w.settle(20 * time.Second)
		if t.Failed() {
			t.Fatalf("with call %d refused", k+1)
		}
	}
}

// A term is counted from when its last acknowledged write was sent, however
// late the reply came.
func TestFailure_F17_CountedFromSending(t *testing.T) {
	w := newWorld(t, 17, 1)
	a := w.worker("a")
	w.run(3 * time.Second)
	const late = 900 * time.Millisecond
	var sent Mono
	w.fault = func(_ *actor, act *Action) fault {
		if act.Kind == Change {
			if sent != 0 {
				return fault{refuse: true}
			}
			sent = w.now
			return fault{reply: late}
		}
		return fault{}
	}
	w.until(6*time.Second, "a renewal was sent", func() bool { return sent != 0 })
	end := sent.Add(8 * time.Second) // 0.8 of the failover time
	w.run(time.Duration(end-w.now) - 1)
	if got := a.noted("lease.lost", "deadline"); got != 0 || a.reading() != 1 {
		t.Errorf("the nanosecond before the deadline the term was over %d times and %d consumers ran, want 0 and 1", got, a.reading())
	}
	w.run(1)
	if got := a.noted("lease.lost", "deadline"); got != 1 {
		t.Errorf("at the deadline the term was over %d times, want once", got)
	}
	w.settle(5 * time.Second)
}

// Wall clocks an hour apart change nothing: neither who is alive nor how fast a
// dead worker is followed.
func TestFailure_F24_WallClocksDisagree(t *testing.T) {
	off := func(d time.Duration) func(*Config) { return func(c *Config) { c.Wall = c.Wall.Add(d) } }
	w := newWorld(t, 24, 6)
	w.worker("a", off(time.Hour))
	w.run(time.Second)
	w.worker("b", off(-time.Hour))
	w.run(time.Second)
	c := w.worker("c")
	w.until(20*time.Second, "balanced", func() bool { h := w.holds(); return h["a"] == 2 && h["b"] == 2 && h["c"] == 2 })
	w.run(time.Minute)
	if w.repeats != 0 || w.lost() != 0 {
		t.Errorf("%d records came twice and %d leases were lost while nobody died", w.repeats, w.lost())
	}
	for _, a := range w.actors {
		a.deliver(Gap{Wall: epoch.Add(-30 * time.Minute)})
	}
	w.run(time.Minute)
	if w.repeats != 0 || w.lost() != 0 {
		t.Errorf("%d records came twice and %d leases were lost when the clocks jumped", w.repeats, w.lost())
	}
	died := w.now
	var mine []string
	for key, o := range w.owners() {
		if o == "c" {
			mine = append(mine, key)
		}
	}
	c.kill()
	w.run(13 * time.Second)
	for _, key := range mine {
		if took := time.Duration(w.firstAfter(key, died, "c") - died); took > 12500*time.Millisecond {
			t.Errorf("%s stood still for %v", key, took)
		}
	}
}

// The leader dies at each of its calls. Another leads within 20 s, and no shard
// waits for that.
func TestFailure_F29_LeaderDies(t *testing.T) {
	step := 1
	if testing.Short() {
		step = 11
	}
	for k := 0; k < 150; k += step {
		w := newWorld(t, uint64(k), 4)
		a := w.worker("a")
		w.run(2 * time.Second)
		w.worker("b")
		w.worker("c")
		w.run(25 * time.Second)
		if !a.core.lock.leading {
			t.Fatal("a does not lead")
		}
		n := 0
		w.fault = func(by *actor, _ *Action) fault {
			if by == a {
				if n++; n == k+1 {
					a.kill()
				}
			}
			return fault{}
		}
		w.until(2*time.Minute, "the leader died", func() bool { return a.dead })
		died := w.now
		w.run(20*time.Second + 100*time.Millisecond)
		if !w.actors[1].core.lock.leading && !w.actors[2].core.lock.leading {
			t.Errorf("call %d: nobody leads 20 s after the leader's death", k+1)
		}
		for id := range w.shards {
			if at := w.firstAfter(id, died.Add(12500*time.Millisecond), ""); at == Never {
				t.Errorf("call %d: %s stands still after the leader's death", k+1, id)
			}
		}
		w.settle(20 * time.Second)
		if t.Failed() {
			return
		}
	}
}

// Random splits and merges under faults: the oracle sees to it that no child is
// delivered before its parents are finished.
func TestFailure_F41_ParentsFirst(t *testing.T) {
	seeds := 150
	if testing.Short() {
		seeds = 15
	}
	for seed := range uint64(seeds) {
		w := newWorld(t, seed, 3)
		w.fault = func(*actor, *Action) fault {
			switch w.rnd.IntN(40) {
			case 0:
				return fault{refuse: true}
			case 1:
				return fault{loseReply: true}
			case 2:
				return fault{delay: time.Duration(w.rnd.IntN(3000)) * time.Millisecond}
			}
			return fault{}
		}
		for i := range 3 {
			w.worker(string(rune('a' + i)))
		}
		for step := range 12 {
			w.run(time.Duration(w.rnd.IntN(6000)) * time.Millisecond)
			var open []string
			for _, s := range w.list() {
				if !s.Closed {
					open = append(open, s.ID)
				}
			}
			a := open[w.rnd.IntN(len(open))]
			switch b := open[w.rnd.IntN(len(open))]; {
			case w.rnd.IntN(5) == 0:
				x := w.actors[w.rnd.IntN(len(w.actors))]
				if !x.dead && len(w.actors) < 8 {
					x.kill()
					w.worker(fmt.Sprintf("n%d", step))
				}
			case a != b && len(open) > 3:
				w.merge(a, b)
			default:
				w.split(a)
			}
		}
		w.settle(90 * time.Second)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// A shard without records ends at each moment of its consumer's life.
func TestFailure_F42_EmptyShardEnds(t *testing.T) {
	for k := range 120 {
		w := newWorld(t, 42, 1)
		w.every = Mono(time.Hour)
		w.worker("a")
		w.run(time.Duration(k) * 7 * time.Millisecond)
		x, y := w.split(shardID(0))
		w.every = Mono(100 * time.Millisecond)
		w.run(6 * time.Second)
		for _, id := range []string{x, y} {
			if w.firstAfter(id, 0, "") == Never {
				t.Errorf("split after %d ms: child %s is not read", k*7, id)
			}
		}
	}
}

// The write of SHARD_END fails again and again.
func TestFailure_F43_ShardEndFails(t *testing.T) {
	for _, f := range []fault{{refuse: true}, {loseReply: true}} {
		for _, times := range []int{1, 2, 5, 20, 100} {
			w := newWorld(t, 43, 2)
			a := w.worker("a")
			w.run(5 * time.Second)
			failed := 0
			w.fault = func(_ *actor, act *Action) fault {
				if act.Kind == Change && describe(act) == "end" && failed < times {
					failed++
					return f
				}
				return fault{}
			}
			x, y := w.split(shardID(0))
			w.run(time.Duration(times)*1500*time.Millisecond + 10*time.Second)
			if want := times; f.refuse && failed != want {
				t.Errorf("%d writes of SHARD_END failed, want %d", failed, want)
			}
			for _, id := range []string{x, y} {
				if w.firstAfter(id, 0, "") == Never {
					t.Errorf("SHARD_END failed %d times: child %s is not read", times, id)
				}
			}
			if n := a.noted("shard.ended", ""); n != 1 {
				t.Errorf("SHARD_END failed %d times: the shard ended %d times, want once", times, n)
			}
		}
	}
}

// A rolling restart of the whole fleet: no shard waits out the failover time.
func TestFailure_F82_RollingRestart(t *testing.T) {
	for seed := range uint64(10) {
		w := newWorld(t, seed, 10)
		w.every = Mono(20 * time.Millisecond)
		for i := range 5 {
			w.worker(fmt.Sprintf("w%d", i))
			w.run(time.Second)
		}
		w.run(40 * time.Second)
		w.repeats = 0
		from := w.now
		for i := range 5 {
			old := w.actors[i]
			old.stop()
			w.until(10*time.Second, "stopped", func() bool { return old.stopped })
			w.run(500 * time.Millisecond)
			w.worker(fmt.Sprintf("w%d-new", i))
			w.run(10 * time.Second)
		}
		for id := range w.shards {
			last := from
			for _, d := range w.deliveries {
				if d.shard != id || d.at < from {
					continue
				}
				if gap := time.Duration(d.at - last); gap > time.Second {
					t.Errorf("seed %d: %s stood still for %v", seed, id, gap)
				}
				last = d.at
			}
		}
		if w.repeats != 0 {
			t.Errorf("seed %d: %d records were delivered twice", seed, w.repeats)
		}
		w.settle(5 * time.Second)
	}
}

// A list of shards from before a child's time does not have its parent either:
// it must not be read as "the parent is gone".
func TestListOfShardsFromBefore(t *testing.T) {
	w := newWorld(t, 41, 1)
	a := w.worker("a")
	w.run(5 * time.Second)
	c := a.core
	child, parent := shardID(2), shardID(1)
	if !c.listed(child, c.now)(parent) {
		t.Error("by a list without the child its parent is gone")
	}
	c.lead.shardIDs[child] = true
	if c.listed(child, c.now)(parent) {
		t.Error("by a list with the child and without the parent the parent is there")
	}
	delete(c.lead.shardIDs, child)
	if c.lead.listedAt = c.now.Add(listLag + 1); c.listed(child, c.now)(parent) {
		t.Error("by a list from long after, without the child, the parent is there")
	}
}

// A worker that died before leaves its item behind. The last one to stop does
// not name it as its successor: whoever comes next has the leases at once.
func TestStopNamesNoDeadWorker(t *testing.T) {
	w := newWorld(t, 5, 4)
	a := w.worker("a")
	w.run(5 * time.Second)
	b := w.worker("b")
	w.run(15 * time.Second)
	a.kill()
	w.until(13*time.Second, "b has all", func() bool { return b.reading() == 4 })
	w.run(6 * time.Second)
	b.stop()
	w.run(10 * time.Second)
	for key, owner := range w.owners() {
		if owner != "" {
			t.Errorf("%s is left to %s", key, owner)
		}
	}
	c := w.worker("c")
	w.until(2*time.Second, "the next has all", func() bool { return c.reading() == 4 })
}

// A worker of another library looks for what it was given every ten seconds: a
// lease that it has not written yet is not taken from it after a mere failover
// time, and is taken from it if it never comes.
func TestForeignWorkerIsGivenTime(t *testing.T) {
	w := newWorld(t, 6, 2)
	w.worker("a")
	w.run(5 * time.Second)
	var report func()
	report = func() {
		item := lease.Worker{ID: "java", Reported: epoch.Add(time.Duration(w.now)).Truncate(time.Second)}
		if _, _, err := w.store.PutWorker(t.Context(), item, nil); err != nil {
			t.Fatal(err)
		}
		w.in(30*time.Second, report)
	}
	report()
	w.until(12*time.Second, "java was given a lease", func() bool { return w.holds()["java"] == 1 })
	w.run(24 * time.Second)
	if w.holds()["java"] != 1 {
		t.Error("the lease was taken from java within 24 s")
	}
	w.run(3 * time.Second)
	if w.holds()["a"] != 2 {
		t.Errorf("27 s after java was given a lease it stands still: %v", w.owners())
	}
}

// A row that cannot be read is told of once, and again when it changes; the other
// leases are read.
func TestFailure_F20_UnreadableRowIsReported(t *testing.T) {
	w := newWorld(t, 20, 3)
	bad := lease.UnreadableError{Key: shardID(1), Attribute: "leaseCounter", Reason: "is missing"}
	w.store.PlantUnreadable(bad)
	a := w.worker("a")
	w.run(30 * time.Second)
	if n := a.noted("row.unreadable", ""); n != 1 {
		t.Errorf("told %d times of a row that cannot be read, want once", n)
	}
	if n := w.holds()["a"]; n != 2 {
		t.Errorf("%d leases are read beside it, want 2", n)
	}
	bad.Reason = "has type S, not N"
	w.store.PlantUnreadable(bad)
	w.run(10 * time.Second)
	if n := a.noted("row.unreadable", ""); n != 2 {
		t.Errorf("told %d times after it changed, want once more", n)
	}
	for _, note := range a.notes {
		if u, ok := errors.AsType[*lease.UnreadableError](note.Event.Err); note.Event.Name == "row.unreadable" && (!ok || u.Attribute != "leaseCounter" || note.Key != shardID(1)) {
			t.Errorf("told %+v, want the row and the attribute at fault", note)
		}
	}
}
