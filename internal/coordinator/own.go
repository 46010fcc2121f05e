package coordinator

import (
	"slices"

	"github.com/leasehold/leasehold/lease"
)

// ownRows is what this worker knows of the rows that name it.
type ownRows struct {
	timer  *timer
	asking bool
	// noIndex says that the owner index cannot be asked: then the table is
	// looked at instead.
	noIndex bool
	// finished are rows with our name of shards that are done; they are not
	// read again while they stay in the answers.
	finished map[string]bool
	// getting are rows that are being read.
	getting map[string]bool
	// incoming are leases that are being handed to this worker.
	incoming map[string]*timer
	// sent is when the last answered question left.
	sent Mono
}

func (c *Core) initOwn() {
	c.own = ownRows{
		timer:    c.newTimer(c.askOwn),
		finished: make(map[string]bool),
		getting:  make(map[string]bool),
		incoming: make(map[string]*timer),
		sent:     -1,
	}
}

// askOwn asks for the rows that name this worker. The answer is a hint: nothing
// starts without a first own write.
func (c *Core) askOwn() {
	o := &c.own
	if o.asking {
		return
	}
	o.asking = true
	if o.noIndex {
		c.call(Action{Kind: Look}, func(r Result) {
			var keys []string
			if r.Err == nil {
				keys = rowsOf(r.Snapshot.Leases, c.cfg.Worker)
			}
			c.ownAnswer(r, keys)
		})
		return
	}
	c.call(Action{Kind: Own}, func(r Result) { c.ownAnswer(r, r.Keys) })
}

// rowsOf is what the owner index would answer.
func rowsOf(leases []lease.Lease, worker string) []string {
	var keys []string
	for _, l := range leases {
		if l.NextOwner == worker || l.NextOwner == "" && l.Owner == worker {
			keys = append(keys, l.Key)
		}
	}
	return keys
}

func (c *Core) ownAnswer(r Result, keys []string) {
	o := &c.own
	o.asking = false
	o.timer.set(max(c.now, r.Sent+c.ownPace()))
	if r.Err != nil {
		return
	}
	o.sent = r.Sent
	named := make(map[string]bool, len(keys))
	for _, k := range keys {
		named[k] = true
	}
	for k := range o.finished {
		if !named[k] {
			delete(o.finished, k)
		}
	}
	for _, k := range c.keys() {
		h := c.held[k]
		switch {
		case named[k]:
			h.indexed = true
		case h.indexed && (h.phase == waiting || h.phase == running) && !h.image.HandingOff():
			// The row names somebody else now: a handoff has begun, or the
			// lease is lost. The renewal tells which.
			h.indexed = false
			h.renewNow()
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		c.named(k)
	}
}

// named follows up a hint that a row names this worker.
func (c *Core) named(key string) {
	if c.held[key] == nil && !c.making(key) && !c.own.finished[key] && c.own.incoming[key] == nil && !c.name.waits(key) {
		c.readRow(key)
	}
}

func (c *Core) ownPace() Mono {
	switch {
	case c.stop.begun:
		return Mono(ownEvery)
	case c.own.noIndex:
		return Mono(ownAloneEvery)
	case c.alone():
		return Mono(ownAloneEvery)
	case c.now < Mono(ownFirst) && len(c.held) == 0:
		return Mono(ownFirstEvery)
	}
	return Mono(ownEvery)
}

// readRow reads a row that is said to name this worker.
func (c *Core) readRow(key string) {
	if c.own.getting[key] {
		return
	}
	c.own.getting[key] = true
	c.call(Action{Kind: Get, Key: key}, func(r Result) {
		delete(c.own.getting, key)
		if r.Err == nil && r.Lease != nil {
			c.seeRow(*r.Lease)
		}
	})
}

// seeRow acts on a row that was read from the table itself.
func (c *Core) seeRow(l lease.Lease) {
	switch {
	case l.Key == "" || c.held[l.Key] != nil || c.making(l.Key):
	case l.Owner != c.cfg.Worker && l.NextOwner != c.cfg.Worker:
	case l.Finished():
		c.own.finished[l.Key] = true
	case !c.nameSure():
		c.awaitProof(l)
	case c.stop.begun:
		c.passOn(l)
	case c.isStuck(l.Key):
		c.decline(l)
	case l.Owner == c.cfg.Worker:
		c.claim(l, lease.Set{}, "assigned", "")
	case l.NextOwner == c.cfg.Worker:
		c.expect(l.Key)
	}
}

// claim makes the first own write of a lease: of one that names this worker, or
// of one that is to do so by this very write.
func (c *Core) claim(l lease.Lease, set lease.Set, cause, from string) {
	c.forgetIncoming(l.Key)
	h := c.hold(l, cause, from)
	if l.HandingOff() && set.Owners == nil {
		// It is ours to hand over and nothing of it runs here.
		h.phase = leaving
		h.pump()
		return
	}
	set.Bump = true
	h.write(set, lease.Cond{Counter: new(l.Counter), Owners: new(l.Owners())}, h.claimed)
}

// claimed takes the outcome of a first own write.
func (h *held) claimed(o outcome) {
	if o.current {
		h.acked(o.first, o.image)
		h.c.watch.learn(o.image)
		return
	}
	h.drop()
	h.c.watch.learn(o.image)
	h.c.seeRow(o.image)
}

// expect re-reads a lease that is being handed to this worker until it is.
func (c *Core) expect(key string) {
	if c.own.incoming[key] != nil {
		return
	}
	// An owner of another library may take its time, or never come to it.
	patience := c.now.Add(2 * c.cfg.DrainTime)
	t := c.newTimer(nil)
	t.fire = func() {
		c.call(Action{Kind: Get, Key: key}, func(r Result) {
			if c.own.incoming[key] != t {
				return
			}
			l := r.Lease
			if r.Err != nil || l != nil && l.NextOwner == c.cfg.Worker && !l.Finished() && !c.stop.begun {
				every := incomingEvery
				if c.now > patience {
					every = parentsEvery
				}
				t.set(max(c.now, r.Sent.Add(every)))
				return
			}
			c.forgetIncoming(key)
			if l != nil {
				c.seeRow(*l)
			}
		})
	}
	c.own.incoming[key] = t
	t.setIn(incomingEvery)
}

func (c *Core) forgetIncoming(key string) {
	if t := c.own.incoming[key]; t != nil {
		t.stop()
		delete(c.own.incoming, key)
	}
}
