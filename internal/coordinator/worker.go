package coordinator

import (
	"fmt"

	"github.com/leasehold/leasehold/lease"
)

// workerItem keeps this worker's item fresh: it shows that the worker lives and
// takes leases.
type workerItem struct {
	c     *Core
	timer *timer
	busy  bool
	// sent is when the last acknowledged write left.
	sent Mono
	idle bool
}

func (c *Core) initWorker() {
	c.worker = workerItem{c: c, timer: c.newTimer(c.putWorker), idle: true}
}

// beginWorker shows the worker, unless the caller has just done so.
func (c *Core) beginWorker() {
	if c.cfg.Claimed < 0 {
		c.worker.sent = c.cfg.Claimed
		c.worker.plan()
		return
	}
	c.putWorker()
}

func (c *Core) putWorker() {
	w := &c.worker
	if w.busy || c.stop.begun {
		return
	}
	w.busy = true
	c.call(Action{Kind: PutWorker, Worker: c.self()}, func(r Result) {
		w.busy = false
		switch {
		case c.stop.begun:
			c.deleteWorker(1)
		case r.Err != nil:
			w.timer.setIn(c.backoff(5))
		case !r.Applied:
			c.nameTaken()
		default:
			w.sent = r.Sent
			w.plan()
			c.proved(r.Sent)
		}
	})
}

// self is this worker as its item names it.
func (c *Core) self() lease.Worker {
	return lease.Worker{ID: c.cfg.Worker, Nonce: c.cfg.Nonce, Version: c.cfg.Version}
}

// A NameError says that another process has this worker's name now: it took the
// name over while nothing was seen of this worker for a failover time. Two
// workers of one name would take each other's leases for their own.
type NameError struct {
	Worker string
}

func (e *NameError) Error() string {
	return fmt.Sprintf("worker %q: another process goes by this name now", e.Worker)
}

// heldChanged is told whenever a lease comes or goes: a worker without leases
// has only its item to show that it lives.
func (w *workerItem) heldChanged() {
	if idle := len(w.c.held) == 0; idle != w.idle {
		w.idle = idle
		if !w.busy && w.timer.isSet() {
			w.plan()
		}
	}
}

func (w *workerItem) plan() {
	every := workerEvery
	if w.idle {
		// Within the failover time, or it is taken for dead between two.
		every = min(workerIdleEvery, w.c.cfg.RenewEvery)
	}
	w.timer.set(max(w.c.now, w.sent.Add(every)))
}
