package coordinator

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// change makes a write past all workers.
func (w *world) change(key string, cond lease.Cond, set lease.Set) {
	w.t.Helper()
	if _, ok, err := w.store.Change(context.Background(), key, cond, set); !ok || err != nil {
		w.t.Fatalf("change of %s: applied %v, %v", key, ok, err)
	}
}

// A first write that comes through only when its term would be over is followed
// by another, and is not the last one of the lease.
func TestClaimAfterOutage(t *testing.T) {
	w := newWorld(t, 1, 3)
	w.fault = func(_ *actor, act *Action) fault {
		return fault{refuse: act.Kind == Create && w.now < Mono(9*time.Second)}
	}
	a := w.worker("a")
	w.until(15*time.Second, "a reads all", func() bool { return a.reading() == 3 })
}

// The reply of a child's creation comes late, when the worker has found the row
// and has handed the lease on. That reply is not the beginning of another term.
func TestChildWhoseCreationIsAnsweredLate(t *testing.T) {
	for k := range 40 {
		w := newWorld(t, uint64(k), 4)
		w.worker("a")
		w.run(time.Second)
		w.worker("b")
		w.run(20 * time.Second)
		late := false
		w.fault = func(by *actor, act *Action) fault {
			if act.Kind == Look && by.name == "a" && !late {
				// From now on its looks come between its questions for its rows.
				late = true
				return fault{reply: 1400 * time.Millisecond}
			}
			return fault{}
		}
		w.run(10*time.Second + time.Duration(k)*25*time.Millisecond)
		w.fault = func(_ *actor, act *Action) fault {
			if act.Kind == Create {
				return fault{reply: 950 * time.Millisecond}
			}
			return fault{}
		}
		for _, x := range w.list() {
			if w.owners()[x.ID] == "a" {
				w.split(x.ID)
				break
			}
		}
		w.run(10 * time.Second)
		w.fault = nil
		w.settle(20 * time.Second)
		if w.repeats != 0 {
			t.Errorf("%d: %d records were delivered twice", k, w.repeats)
		}
	}
}

// A handoff begins in the moment in which the shard ends. The one who was to have
// the lease does not ask for it for ever.
func TestHandoffOfAShardThatEnds(t *testing.T) {
	w := newWorld(t, 2, 2)
	w.worker("a")
	w.run(time.Second)
	w.worker("b")
	w.run(20 * time.Second)
	ended, gets := "", 0
	w.fault = func(by *actor, act *Action) fault {
		switch {
		case act.Kind == Get && act.Key == ended:
			gets++
		case act.Kind == Change && describe(act) == "end" && ended == "":
			ended = act.Key
			other := "a"
			if by.name == "a" {
				other = "b"
			}
			w.change(act.Key, lease.Cond{}, lease.Set{Owners: &lease.Owners{Owner: by.name, Next: other}})
		}
		return fault{}
	}
	w.split(shardID(0))
	w.run(30 * time.Second)
	if ended == "" {
		t.Fatal("the shard did not end")
	}
	// Those of its children are a few.
	if gets > 8 {
		t.Errorf("the lease of the ended shard was read %d times", gets)
	}
	for _, a := range w.actors {
		if n := len(a.core.own.incoming); n != 0 {
			t.Errorf("%s still waits for %d leases", a.name, n)
		}
	}
}

// The same with a row that stays so: another library does not end the handoff.
func TestFinishedLeaseThatNamesANextOwner(t *testing.T) {
	w := newWorld(t, 3, 2)
	a := w.worker("a")
	w.run(5 * time.Second)
	gets := 0
	w.fault = func(_ *actor, act *Action) fault {
		if act.Kind == Get && act.Key == shardID(7) {
			gets++
		}
		return fault{}
	}
	l := lease.Lease{Key: shardID(7), Owner: "java", NextOwner: "a", Checkpoint: lease.AtTimestamp}
	if _, _, err := w.store.Create(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	w.until(20*time.Second, "a waits for it", func() bool { return len(a.core.own.incoming) == 1 })
	w.change(l.Key, lease.Cond{}, lease.Set{Checkpoint: &lease.ShardEnd})
	gets = 0
	w.run(30 * time.Second)
	if gets > 2 || len(a.core.own.incoming) != 0 {
		t.Errorf("the finished lease was read %d times, and a waits for %d", gets, len(a.core.own.incoming))
	}
}

// The only worker restarts under its name while its leases are being handed to
// one that is no more.
func TestRestartDuringHandoffToTheDead(t *testing.T) {
	w := newWorld(t, 4, 2)
	a := w.worker("a")
	w.run(5 * time.Second)
	a.kill()
	for id := range w.shards {
		w.change(id, lease.Cond{}, lease.Set{Owners: &lease.Owners{Owner: "a", Next: "gone"}})
	}
	a = w.worker("a")
	w.until(45*time.Second, "a reads all again", func() bool { return a.reading() == 2 })
}

// A worker restarts under its name during a handoff, which is given back when it
// is about to make it.
func TestRestartDuringHandoffThatIsGivenBack(t *testing.T) {
	w := newWorld(t, 5, 1)
	a := w.worker("a")
	w.run(5 * time.Second)
	a.kill()
	key := shardID(0)
	w.change(key, lease.Cond{}, lease.Set{Owners: &lease.Owners{Owner: "a", Next: "b"}})
	back := false
	w.fault = func(_ *actor, act *Action) fault {
		if act.Kind == Change && act.Set.Owners != nil && act.Set.Owners.Owner == "b" && !back {
			back = true
			w.change(key, lease.Cond{}, lease.Set{Owners: &lease.Owners{Owner: "a"}})
		}
		return fault{}
	}
	a = w.worker("a")
	// It learns of the row from its first look, as the new leader.
	w.until(45*time.Second, "a reads again", func() bool { return a.reading() == 1 })
}

// All workers stop at about the same time: none leaves its leases to another that
// is gone, and whoever comes next has them at once.
func TestAllStop(t *testing.T) {
	for k := range 60 {
		w := newWorld(t, uint64(k), 6)
		a := w.worker("a")
		w.run(time.Second)
		b := w.worker("b")
		w.run(time.Duration(20_000+w.rnd.IntN(5000)) * time.Millisecond)
		a.stop()
		w.run(time.Duration(k) * 25 * time.Millisecond)
		b.stop()
		w.until(10*time.Second, "both stopped", func() bool { return a.stopped && b.stopped })
		for key, owner := range w.owners() {
			if owner != "" {
				t.Errorf("%d ms apart: %s is left to %s", k*25, key, owner)
			}
		}
		if w.repeats != 0 {
			t.Errorf("%d ms apart: %d records were delivered twice", k*25, w.repeats)
		}
	}
}

// A worker that has just come is a successor too.
func TestStopRightAfterAJoin(t *testing.T) {
	for k := range 30 {
		w := newWorld(t, uint64(k), 4)
		a := w.worker("a")
		w.run(20500 * time.Millisecond) // its next look comes in 4.5 s
		b := w.worker("b")
		w.run(time.Duration(50+k*40) * time.Millisecond)
		a.stop()
		w.until(4*time.Second, "b reads all", func() bool { return b.reading() == 4 })
	}
}

// A stop gives the handler of a handoff that began before it no more time than
// its own, and the lease is handed over.
func TestStopDuringALongDrain(t *testing.T) {
	w := newWorld(t, 6, 2)
	a := w.worker("a", func(c *Config) { c.DrainTime = 5 * time.Minute })
	w.run(10 * time.Second)
	w.handler = 3 * time.Minute
	w.run(time.Second)
	w.worker("b")
	w.until(12*time.Second, "a drains", func() bool {
		for _, h := range a.core.held {
			if h.phase == draining {
				return true
			}
		}
		return false
	})
	a.stop()
	w.until(29*time.Second, "a stopped", func() bool { return a.stopped })
	if n := a.noted("lease.abandoned", ""); n != 0 {
		t.Errorf("%d leases were abandoned", n)
	}
}

// The table answers everything but looks: a stop does not wait for them.
func TestStopWithoutALook(t *testing.T) {
	w := newWorld(t, 7, 4)
	a := w.worker("a")
	w.run(time.Second)
	b := w.worker("b")
	w.run(20 * time.Second)
	w.fault = func(by *actor, act *Action) fault {
		if by == a && act.Kind == Look {
			return fault{delay: time.Minute}
		}
		return fault{}
	}
	a.stop()
	w.until(8*time.Second, "a stopped", func() bool { return a.stopped })
	if n := a.noted("lease.abandoned", ""); n != 0 {
		t.Errorf("%d leases were abandoned", n)
	}
	w.until(8*time.Second, "b reads all", func() bool { return b.reading() == 4 })
}

// An index that cannot be asked is not asked more often for that.
func TestStopWithoutTheIndex(t *testing.T) {
	w := newWorld(t, 8, 4)
	a := w.worker("a")
	w.run(time.Second)
	w.worker("b")
	w.run(20 * time.Second)
	asked := 0
	w.fault = func(by *actor, act *Action) fault {
		if by == a && act.Kind == Own {
			asked++
			return fault{refuse: true}
		}
		return fault{}
	}
	a.stop()
	w.until(31*time.Second, "a stopped", func() bool { return a.stopped })
	if asked > 35 {
		t.Errorf("the index was asked %d times in %d s", asked, 30)
	}
}

// A row that is given to a stopping worker is passed on, though not at the first
// try.
func TestPassedOnAtTheSecondTry(t *testing.T) {
	w := newWorld(t, 9, 4)
	a := w.worker("a")
	w.run(time.Second)
	w.worker("b")
	w.run(20 * time.Second)
	given, failed := "", false
	w.fault = func(by *actor, act *Action) fault {
		switch {
		case by != a:
		case act.Kind == Own && given == "" && a.core.stop.deleted >= 0 && a.core.now >= a.core.stop.deleted.Add(indexRest):
			for key, owner := range w.owners() {
				if owner == "b" {
					given = key
				}
			}
			w.change(given, lease.Cond{}, lease.Set{Bump: true, Mark: "x", Owners: &lease.Owners{Owner: "a"}})
		case act.Kind == Change && act.Key == given && !failed:
			failed = true
			return fault{refuse: true}
		}
		return fault{}
	}
	a.stop()
	w.until(10*time.Second, "a stopped", func() bool { return a.stopped })
	if !failed {
		t.Fatal("nothing was passed on")
	}
	if owner := w.owners()[given]; owner == "a" {
		t.Errorf("%s is left to a, which is gone", given)
	}
}

// A look takes longer than three looks should: a dead worker is followed all the
// same.
func TestTakeoverWithSlowLooks(t *testing.T) {
	w := newWorld(t, 10, 6)
	for _, n := range []string{"a", "b", "c"} {
		w.worker(n)
		w.run(time.Second)
	}
	w.run(30 * time.Second)
	w.fault = func(_ *actor, act *Action) fault {
		if act.Kind == Look {
			return fault{reply: 4 * time.Second}
		}
		return fault{}
	}
	w.run(20 * time.Second)
	died := w.now
	victim := w.byRole(0)
	victim.kill()
	w.run(25 * time.Second)
	for id := range w.shards {
		if w.firstAfter(id, died.Add(20*time.Second), victim.name) == Never {
			t.Errorf("%s stands still 25 s after its reader's death", id)
		}
	}
}

// A renewal leaves, the machine is suspended, the lease is taken, the machine
// wakes, and then the reply comes: it says nothing about the present.
func TestReplyFromBeforeASuspend(t *testing.T) {
	w := newWorld(t, 11, 2)
	a := w.worker("a")
	w.run(time.Second)
	b := w.worker("b")
	w.run(20 * time.Second)
	w.fault = func(by *actor, act *Action) fault {
		if by == a && act.Kind == Change && !a.paused {
			w.fault = nil
			return fault{pauseAfter: true}
		}
		return fault{}
	}
	w.until(10*time.Second, "a asleep", func() bool { return a.paused })
	slept := w.now
	w.until(20*time.Second, "b reads all", func() bool { return b.reading() == 2 })
	w.run(time.Second)
	a.start += w.now - slept
	a.paused = false
	w.fault = func(by *actor, act *Action) fault {
		if by == a && act.Kind == Change {
			// Not this write is to tell that the lease is lost.
			return fault{delay: 2 * time.Second}
		}
		return fault{}
	}
	a.deliver(Gap{Wall: epoch.Add(time.Duration(w.now))})
	a.resume()
	w.run(10 * time.Second) // the oracle looks for two readers of one shard
	w.settle(10 * time.Second)
}

// A leader that wakes knows nothing of the fleet before it has looked.
func TestLeaderWakes(t *testing.T) {
	w := newWorld(t, 14, 4)
	a := w.worker("a")
	w.run(time.Second)
	w.worker("b")
	w.run(20 * time.Second)
	c := a.core
	if !c.watch.fresh() || !c.watch.alive("b") {
		t.Fatal("the leader does not know the fleet")
	}
	a.deliver(Gap{Wall: epoch.Add(time.Duration(w.now))})
	if c.watch.fresh() || c.watch.alive("b") {
		t.Error("the leader believes what it saw before the suspend")
	}
	w.run(7 * time.Second)
	if !c.watch.fresh() || !c.watch.alive("b") {
		t.Error("the leader does not know the fleet 7 s later")
	}
	w.settle(10 * time.Second)
}

// An outage begins when a worker asks for the lock of a dead leader. After it
// there is a leader soon, and not only when the lock ends that was asked for so
// long ago.
func TestLeaderAfterOutage(t *testing.T) {
	for seed := range uint64(20) {
		w := newWorld(t, seed, 2)
		a := w.worker("a")
		w.run(time.Second)
		w.worker("b")
		w.run(20 * time.Second)
		a.kill()
		out := false
		w.fault = func(_ *actor, act *Action) fault {
			out = out || act.Kind == TakeLock
			return fault{refuse: out}
		}
		w.until(25*time.Second, "asked for", func() bool { return out })
		w.run(time.Minute + time.Duration(w.rnd.IntN(5000))*time.Millisecond)
		w.fault = nil
		w.run(7 * time.Second)
		if !w.actors[1].core.lock.leading {
			t.Errorf("seed %d: nobody leads 7 s after the outage", seed)
		}
	}
}

// A finished lease is set back by hand: its owner reads the shard again.
func TestFinishedLeaseIsSetBack(t *testing.T) {
	w := newWorld(t, 12, 2)
	w.every = Mono(time.Hour) // the oracle knows no setting back
	a := w.worker("a")
	w.run(5 * time.Second)
	w.split(shardID(0))
	w.until(5*time.Second, "the shard is finished", func() bool { return a.noted("shard.ended", "") == 1 })
	w.run(3 * time.Second)
	w.change(shardID(0), lease.Cond{}, lease.Set{Bump: true, Mark: "x", Checkpoint: &lease.TrimHorizon})
	w.until(15*time.Second, "the shard is finished again", func() bool { return a.noted("shard.ended", "") == 2 })
}

// A lease that its new owner has not written yet is not handed on: the owner
// would not find it any more.
func TestNoHandoffBeforeTheFirstWrite(t *testing.T) {
	for seed := range uint64(20) {
		w := newWorld(t, seed, 9)
		w.worker("a")
		w.run(time.Second)
		b := w.worker("b")
		w.run(time.Second)
		c := w.worker("c")
		w.run(30 * time.Second)
		// b does not see its index for a while, in which it is given leases.
		w.fault = func(by *actor, act *Action) fault { return fault{refuse: by == b && act.Kind == Own} }
		given := func(l lease.Lease) bool { return l.Owner == "b" && !strings.HasPrefix(l.Mark, "b-") }
		w.written = func(by string, before, after lease.Lease) {
			if given(before) && after.HandingOff() {
				t.Errorf("%v: %s hands %s on before b has it", time.Duration(w.now), by, after.Key)
			}
		}
		c.kill()
		w.until(13*time.Second, "b was given a lease", func() bool {
			look, err := w.store.Scan(t.Context())
			return err == nil && slices.ContainsFunc(look.Leases, given)
		})
		w.worker("d")
		w.run(4 * time.Second)
		w.fault = nil
		w.settle(20 * time.Second)
		if got := fmt.Sprint(w.holds()); got != "map[a:3 b:3 d:3]" {
			t.Errorf("leases %s, want three for each", got)
		}
	}
}

// The table is away for an hour for many workers, of which some die meanwhile and
// some come. Handlers stop, nobody asks without pause, and after it all shards are
// read within two failover times, and are shared soon.
func TestTableAwayForAnHour(t *testing.T) {
	w := newWorld(t, 15, 30)
	for i := range 8 {
		w.worker(fmt.Sprintf("w%d", i))
		w.run(300 * time.Millisecond)
	}
	w.run(time.Minute)
	calls := 0
	w.fault = func(*actor, *Action) fault {
		calls++
		return fault{refuse: true}
	}
	w.run(10 * time.Second)
	for _, a := range w.actors {
		if a.reading() != 0 {
			t.Errorf("%s reads %d shards", a.name, a.reading())
		}
	}
	w.actors[0].kill()
	w.actors[5].kill()
	w.run(30 * time.Minute)
	w.worker("late")
	w.run(30 * time.Minute)
	// A write of each lease, and what each worker and the watchers do.
	if n := calls / 3610; n > 80 {
		t.Errorf("%d calls a second while the table was away", n)
	}
	w.fault = nil
	back := w.now
	w.run(20 * time.Second)
	for id := range w.shards {
		if w.firstAfter(id, back, "") == Never {
			t.Errorf("%s is not read 20 s after", id)
		}
	}
	w.run(25 * time.Second)
	for _, a := range w.actors {
		if n := w.holds()[a.name]; !a.dead && (n < 4 || n > 5) {
			t.Errorf("%s holds %d leases", a.name, n)
		}
	}
	if len(w.holds()) != 7 {
		t.Errorf("leases are held by %v", w.holds())
	}
}

// A worker that does not watch goes by the items alone when it stops: one that
// holds nothing and was not written lately is a dead worker's.
func TestStopOfAPlainWorkerNamesNoDeadOne(t *testing.T) {
	w := newWorld(t, 16, 8)
	for _, n := range []string{"a", "b", "c"} {
		w.worker(n)
		w.run(time.Second)
	}
	d := w.worker("d")
	w.run(20 * time.Second)
	d.kill()
	w.run(15 * time.Second)
	c := w.byRole(0)
	if c == nil || c == d || w.holds()["d"] != 0 {
		t.Fatalf("no plain worker, or the dead one still has leases: %v", w.owners())
	}
	w.written = func(_ string, _, after lease.Lease) {
		if after.Owner == "d" || after.NextOwner == "d" {
			t.Errorf("%s goes to d, which is dead", after.Key)
		}
	}
	c.stop()
	w.until(5*time.Second, "stopped", func() bool { return c.stopped })
	w.settle(5 * time.Second)
}

// The leases of finished shards go once their children are read from, and not
// before: a split or a merge may not lose a shard, and a table does not grow for
// ever.
func TestFailure_F46_SpentLeasesGo(t *testing.T) {
	w := newWorld(t, 46, 2)
	w.worker("a")
	w.run(2 * time.Second)
	w.worker("b")
	w.run(10 * time.Second)
	x, y := w.split(shardID(0))
	w.run(5 * time.Second)
	z := w.merge(x, y)
	w.run(5 * time.Second)
	if n := len(w.leases()); n != 5 {
		t.Fatalf("%d leases after a split and a merge, want 5", n)
	}
	w.run(tidyAfter - 20*time.Second)
	if w.deleted != 0 {
		t.Errorf("%d leases were deleted before their time", w.deleted)
	}
	// The next split has children without records: its parent's lease stays.
	w.every = Mono(time.Hour)
	p, q := w.split(z)
	w.run(10 * time.Minute)
	for _, key := range []string{shardID(0), x, y} {
		if w.leases()[key] != nil {
			t.Errorf("%s, spent long ago, still has its lease", key)
		}
	}
	for _, key := range []string{z, p, q, shardID(1)} {
		if w.leases()[key] == nil {
			t.Errorf("%s has lost its lease", key)
		}
	}
}

// A leader names a deputy as soon as there is somebody, and the deputy knows at
// once: a fleet is not young for long.
func TestYoungFleetHasADeputy(t *testing.T) {
	for seed := range uint64(50) {
		w := newWorld(t, seed, 4)
		a := w.worker("a")
		w.run(time.Duration(1+w.rnd.IntN(12_000)) * time.Millisecond)
		b := w.worker("b")
		w.until(12*time.Second, "b reads its half", func() bool { return b.reading() == 2 })
		w.run(time.Second)
		died := w.now
		a.kill()
		w.run(13 * time.Second)
		for id := range w.shards {
			if took := time.Duration(w.firstAfter(id, died, "a") - died); took > 12500*time.Millisecond {
				t.Errorf("seed %d: %s stood still for %v after the leader of a young fleet died", seed, id, took)
			}
		}
	}
}
