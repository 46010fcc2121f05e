package coordinator

import (
	"slices"
	"time"

	"github.com/leasehold/leasehold/internal/assign"
	"github.com/leasehold/leasehold/lease"
)

// A zombie is a consumer that was told to end and has not: its handler has not
// returned. No other consumer of that shard starts here before it has, so that a
// lease that is held meanwhile is one that nobody reads.
type zombie struct {
	run uint64
	// stuck says that the handler has had its time to return. Until it does, this
	// worker gives the lease up, and gives it back if it is given it.
	stuck bool
}

// stuckAfter is how long a handler whose context has ended may take to return.
const stuckAfter = 10 * time.Second

// refusedFor is how long a worker that gave a lease back is not given that lease
// again. It tells nobody when its handler has returned at last.
const refusedFor = 10 * time.Minute

// outlive keeps the run of a cancelled consumer until it has ended.
func (c *Core) outlive(key string, run uint64) {
	z := &zombie{run: run}
	c.zombies[key] = z
	c.after(stuckAfter, func() {
		if c.zombies[key] != z {
			return
		}
		z.stuck = true
		if h := c.held[key]; h != nil {
			h.startConsumer()
		}
		if c.own.incoming[key] != nil {
			c.forgetIncoming(key)
			c.readRow(key)
		}
	})
}

// isStuck reports whether this worker cannot read the shard, since a handler of an
// earlier term does not return.
func (c *Core) isStuck(key string) bool {
	z := c.zombies[key]
	return z != nil && z.stuck
}

// giveUp gives up a lease that this worker holds and cannot read.
func (h *held) giveUp() {
	h.stuck = true
	h.phase = leaving
	h.pump()
}

// decline gives back a lease that this worker is given and cannot read: to the owner
// that still has it, or to nobody, and whoever watches gives it to another.
func (c *Core) decline(l lease.Lease) {
	c.forgetIncoming(l.Key)
	cond := lease.Cond{Owners: new(l.Owners())}
	set := lease.Set{Owners: &lease.Owners{Owner: l.Owner}}
	if l.Owner == c.cfg.Worker {
		cond.Counter = new(l.Counter)
		set = lease.Set{Bump: true, Mark: c.mark(), Owners: &lease.Owners{Owner: l.NextOwner}}
	}
	// The row is not read again before the answer is here.
	c.own.getting[l.Key] = true
	c.call(Action{Kind: Change, Key: l.Key, Cond: cond, Set: set}, func(r Result) {
		delete(c.own.getting, l.Key)
		switch {
		case r.Err != nil:
			// The next answer of the index shows it again.
		case r.Applied:
			c.note(l.Key, 0, Notice{Name: "lease.declined", Warn: true, Cause: "stuck handler", Other: set.Owners.Owner})
			c.watch.learn(r.Image)
		default:
			c.seeRow(r.Image)
		}
	})
}

// A refusal says that a worker did not keep a lease: it gave it up or back, or
// somebody took it from it by hand. The nonce is the worker's, since the next process
// of its name may keep it.
type refusal struct {
	worker, nonce string
	at            Mono
}

// offer is a handoff as last seen.
type offer struct {
	from, to string
	counter  int64
}

// sawOwners compares two sights of a lease, the later of which may be the older: no
// look is newer than the one before for sure, but a counter is.
func (w *watcher) sawOwners(r *row, is *lease.Lease) {
	was := &r.lease
	switch {
	case is.Finished():
		r.offer = offer{}
	case is.HandingOff():
		if is.Counter >= r.offer.counter {
			r.offer = offer{is.Owner, is.NextOwner, is.Counter}
		}
	case is.Counter <= r.offer.counter && is.Owner == r.offer.from:
		// From before the handoff, or it was given back: the owner's next write
		// tells.
	case r.offer.to != "" && is.Owner == r.offer.from:
		w.refused(is.Key, r.offer.to)
		r.offer = offer{}
	case is.Counter > r.offer.counter:
		r.offer = offer{}
	}
	if is.Owner != "" || is.Finished() || is.Counter <= was.Counter {
		return
	}
	if was.HandingOff() {
		w.refused(is.Key, was.NextOwner)
	} else {
		w.refused(is.Key, was.Owner)
	}
}

// refused takes note of a worker of ours that did not keep a lease.
func (w *watcher) refused(key, worker string) {
	nonce := w.nonce(worker)
	if !w.on || nonce == "" {
		return
	}
	others := slices.DeleteFunc(w.refusals[key], func(r refusal) bool { return r.worker == worker || w.over(r) })
	w.refusals[key] = append(others, refusal{worker, nonce, w.c.now})
}

// nonce is that of a worker of ours, empty if it is not known.
func (w *watcher) nonce(id string) string {
	if id == w.c.cfg.Worker {
		return w.c.cfg.Nonce
	}
	if p := w.peers[id]; p != nil {
		return p.item.Nonce
	}
	return ""
}

// over reports whether a refusal counts no more.
func (w *watcher) over(r refusal) bool {
	return w.c.now-r.at >= Mono(w.refusedFor) || w.nonce(r.worker) != r.nonce
}

// disputed reports whether somebody did not keep the lease of late. It stays where it
// is then: balance is made with others.
func (w *watcher) disputed(key string) bool {
	return w.c.isStuck(key) || slices.ContainsFunc(w.refusals[key], func(r refusal) bool { return !w.over(r) })
}

// refuses reports whether a worker is not to be given the lease.
func (w *watcher) refuses(key, id string) bool {
	if id == w.c.cfg.Worker && w.c.isStuck(key) {
		return true
	}
	return slices.ContainsFunc(w.refusals[key], func(r refusal) bool { return r.worker == id && !w.over(r) })
}

// untaken reports whether there is nobody who can read the shard.
func (w *watcher) untaken(key string) bool {
	return w.c.isStuck(key) && w.taker(key, "", w.receivers(longAgo)) == ""
}

// taker is who gets a lease that nobody holds: the worker whose turn it is, or else
// another that does not refuse it. Rather than leave it this worker takes one that it
// did not keep itself, if it can read it. Empty if there is nobody.
func (w *watcher) taker(key, turn string, workers []assign.Worker) string {
	if turn != "" && !w.refuses(key, turn) {
		return turn
	}
	other := ""
	for _, x := range workers {
		if x.Receives && !w.refuses(key, x.ID) && (other == "" || x.ID < other) {
			other = x.ID
		}
	}
	if other == "" && !w.c.isStuck(key) {
		return w.c.cfg.Worker
	}
	return other
}
