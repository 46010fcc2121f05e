package coordinator

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/leasehold/leasehold/internal/assign"
	"github.com/leasehold/leasehold/lease"
)

// stopper is the way of a worker out of the fleet: its item goes first, so that
// nobody gives it anything more; every lease goes to a named successor; then it
// looks once more for what was given to it meanwhile.
type stopper struct {
	begun, done bool
	endT, planT *timer
	// deleted is when the deletion of the item was acknowledged, -1 before.
	deleted Mono
	// planned says that successors are named, or that there are none.
	planned bool
	// peers are the possible successors.
	peers []string
	// alone says that surely nobody gives this worker anything.
	alone bool
	// passing counts rows of others that are being passed on.
	passing int
	turn    int
}

// planTime is how long a stop waits for its look at the table.
const planTime = 3 * time.Second

func (c *Core) initStop() {
	c.stop = stopper{deleted: -1, endT: c.newTimer(c.overrun), planT: c.newTimer(func() { c.planned(nil) })}
}

func (c *Core) beginStop() {
	if c.stop.begun {
		return
	}
	c.stop.begun = true
	c.stop.endT.setIn(c.cfg.StopTime + c.cfg.FailoverTime)
	c.stop.planT.setIn(planTime)
	c.worker.timer.stop()
	if !c.worker.busy {
		// Else a write of the item that is under way would bring it back.
		c.deleteWorker(1)
	}
	c.releaseLock()
	c.endWatch()
	c.planStop(1)
	c.own.timer.setIn(0)
}

// deleteWorker removes the own item, as often as it takes.
func (c *Core) deleteWorker(try int) {
	c.call(Action{Kind: DeleteWorker, Worker: c.self()}, func(r Result) {
		if r.Err != nil {
			c.after(c.backoff(try), func() { c.deleteWorker(try + 1) })
			return
		}
		c.stop.deleted = c.now
	})
}

// after calls f once.
func (c *Core) after(d time.Duration, f func()) { c.newTimer(f).setIn(d) }

// releaseLock gives the lock up. If the reply is lost, others wait for the
// lock's duration: nothing but balance stops meanwhile.
func (c *Core) releaseLock() {
	k := &c.lock
	k.timer.stop()
	k.endT.stop()
	if !k.leading || k.busy {
		// A write under way changes the version; its answer comes back here.
		return
	}
	k.leading = false
	k.busy = true
	c.call(Action{Kind: ReleaseLock, Lock: *k.present, Seen: k.present.Version}, func(Result) { k.busy = false })
}

// planStop looks once at the table and names a successor for each lease. If that
// takes too long there are none, and whoever watches finds the leases free.
func (c *Core) planStop(try int) {
	c.call(Action{Kind: Look}, func(r Result) {
		switch {
		case c.stop.planned:
		case r.Err == nil:
			moves := c.successors(r.Snapshot)
			c.stop.alone = len(c.stop.peers) == 0 && !c.othersHold(r.Snapshot)
			c.planned(moves)
		case try < 3:
			c.after(c.backoff(try), func() { c.planStop(try + 1) })
		default:
			c.planned(nil)
		}
	})
}

// planned begins the end of every lease.
func (c *Core) planned(moves []assign.Move) {
	c.stop.planned = true
	c.stop.planT.stop()
	for _, m := range moves {
		if h := c.held[m.Key]; h != nil {
			h.successor = m.To
		}
	}
	for _, key := range c.keys() {
		c.held[key].stopNow()
	}
}

// drainBy is when a handler of a stopping worker that drains now must have
// finished: some time before the stop is cut short, so that the last write of the
// lease can be made and repeated.
func (c *Core) drainBy() Mono {
	return min(c.now.Add(c.cfg.StopTime), c.stop.endT.at.Add(-c.cfg.FailoverTime/2))
}

// successors are who should have this worker's leases: living workers of ours,
// else any other.
func (c *Core) successors(s *lease.Snapshot) []assign.Move {
	w := &c.watch
	watched := w.looked >= 0 && c.now-w.looked < Mono(c.cfg.FailoverTime) && c.now-w.began > Mono(c.cfg.FailoverTime)
	holds := make(map[string]bool)
	for _, l := range s.Leases {
		if !l.Finished() {
			holds[l.Owner] = true
		}
	}
	var ours, foreign []string
	for _, item := range s.Workers {
		if item.ID == c.cfg.Worker {
			continue
		}
		// An item that is new, or changed since the last look, is a sign of life.
		p := w.peers[item.ID]
		live := w.alive(item.ID) || p == nil || p.item != item
		if !watched {
			// A wrong guess costs a shard a failover time, as a crash does. One
			// that holds leases writes its item seldom, one without often.
			every := workerIdleEvery
			if holds[item.ID] {
				every = workerEvery
			}
			live = c.reportedWithin(item, every+c.cfg.FailoverTime) || c.leads(item.ID)
		}
		switch {
		case !live:
		case item.Ours():
			ours = append(ours, item.ID)
		default:
			foreign = append(foreign, item.ID)
		}
	}
	c.stop.peers = ours
	if len(ours) == 0 {
		c.stop.peers = foreign
	}
	slices.Sort(c.stop.peers)
	workers := make([]assign.Worker, 0, len(c.stop.peers))
	for _, id := range c.stop.peers {
		workers = append(workers, assign.Worker{ID: id, Receives: true})
	}
	var leases []assign.Lease
	for _, l := range s.Leases {
		if l.Finished() {
			continue
		}
		a := assign.Lease{Key: l.Key, Owner: cmp.Or(l.NextOwner, l.Owner)}
		if h := c.held[l.Key]; h != nil {
			a.Owner = cmp.Or(h.image.NextOwner, c.cfg.Worker)
		}
		leases = append(leases, a)
	}
	return assign.Successors(leases, c.cfg.Worker, workers)
}

// othersHold reports whether an unfinished lease names another worker. One that
// is stopping too may have named this one as its successor.
func (c *Core) othersHold(s *lease.Snapshot) bool {
	for _, l := range s.Leases {
		if namesOther(&l, c.cfg.Worker) {
			return true
		}
	}
	return false
}

// leads reports whether the worker holds a lock that was lately renewed, or is
// its deputy.
func (c *Core) leads(id string) bool {
	k := &c.lock
	return k.present != nil && (k.present.Owner == id || k.present.Deputy == id) && c.now < k.since.Add(k.present.Duration)
}

// stopNow begins the end of one lease of a stopping worker.
func (h *held) stopNow() {
	switch {
	case h.phase == draining:
		// A handoff that began before has no more time than the stop.
		h.drainT.set(min(h.drainT.at, h.c.drainBy()))
	case h.phase != waiting && h.phase != running:
	case h.successor == "" && !h.image.HandingOff():
		h.drain()
	case h.image.HandingOff():
		h.lookAtOwners()
	default:
		h.pump()
	}
}

// passOn sends a row that was given to a stopping worker to another, or back to
// the owner that still has it.
func (c *Core) passOn(l lease.Lease) {
	me := c.cfg.Worker
	if !c.stop.planned {
		// The next answer of the index shows it again.
		return
	}
	cond := lease.Cond{Owners: new(l.Owners())}
	var set lease.Set
	switch {
	case l.Owner == me:
		cond.Counter = new(l.Counter)
		set = lease.Set{Bump: true, Mark: c.mark(), Owners: &lease.Owners{Owner: cmp.Or(l.NextOwner, c.peer(me))}}
	case l.NextOwner == me:
		set = lease.Set{Owners: &lease.Owners{Owner: l.Owner, Next: c.peer(l.Owner)}}
	default:
		return
	}
	c.stop.passing++
	c.call(Action{Kind: Change, Key: l.Key, Cond: cond, Set: set}, func(r Result) {
		c.stop.passing--
		if r.Err != nil {
			// The worker does not go before another answer of the index.
			c.own.sent = -1
			return
		}
		if !r.Applied && r.Image.Owners() != *set.Owners {
			c.seeRow(r.Image)
		}
	})
}

// peer is a successor other than the worker named, in turn; empty if there is
// none.
func (c *Core) peer(not string) string {
	s := &c.stop
	for range s.peers {
		s.turn++
		if p := s.peers[s.turn%len(s.peers)]; p != not {
			return p
		}
	}
	return ""
}

// finishStop ends the worker when nothing is left to do.
func (c *Core) finishStop() {
	s := &c.stop
	if !s.begun || s.done || !s.planned || s.deleted < 0 || c.lock.busy || len(c.held) > 0 || s.passing > 0 || len(c.own.getting) > 0 || len(c.own.incoming) > 0 {
		return
	}
	if !s.alone {
		// A watcher may have acted on a look from before the deletion.
		if last := s.deleted.Add(indexRest); c.own.sent < last {
			// Later than that the pace is as usual: an index that cannot be
			// asked is not asked more often.
			if !c.own.asking && c.now < last && c.own.timer.at > last {
				c.own.timer.set(last)
			}
			return
		}
	}
	c.stopped()
}

// errNoAnswer says that a write left and that nobody knows what became of it.
var errNoAnswer = errors.New("the last write has no answer")

// overrun ends a stop that takes too long, such as during an outage of the
// table: the leases that are left expire.
func (c *Core) overrun() {
	for _, key := range c.keys() {
		h := c.held[key]
		var err error
		if h.w != nil {
			err = cmp.Or(h.w.err, errNoAnswer)
		}
		c.note(key, h.token, Notice{Name: "lease.abandoned", Warn: true, Cause: "stop", Err: err})
		h.cancel(Stopping)
	}
	c.stopped()
}

func (c *Core) stopped() {
	c.stop.done = true
	c.order(Action{Kind: Stopped})
}
