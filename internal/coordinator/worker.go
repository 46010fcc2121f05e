package coordinator

import (
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

func (c *Core) putWorker() {
	w := &c.worker
	if w.busy || c.stop.begun {
		return
	}
	w.busy = true
	item := lease.Worker{ID: c.cfg.Worker, Nonce: c.cfg.Nonce, Version: c.cfg.Version}
	c.call(Action{Kind: PutWorker, Worker: item}, func(r Result) {
		w.busy = false
		if c.stop.begun {
			c.deleteWorker(1)
			return
		}
		if r.Err != nil {
			w.timer.setIn(c.backoff(5))
			return
		}
		w.sent = r.Sent
		w.plan()
	})
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
