package coordinator

import (
	"maps"
	"slices"

	"github.com/leasehold/leasehold/lease"
)

// ownName is what this worker knows of its own name.
//
// Another process of the same name waits until nothing of this one was seen to
// move for a failover time; then it puts its item in place of ours, and the rows
// that name us are its own. So once our last acknowledged write is older than the
// own deadline, or than a suspend, our rows may be somebody else's: no term begins
// or goes on, and no row is claimed or passed on, before our item was written
// again. The store refuses that if the name has gone.
type ownName struct {
	// proven is when the last acknowledged write left that the other would have
	// seen.
	proven Mono
	// rows name this worker and wait for the next proof.
	rows map[string]lease.Lease
}

func (c *Core) initName() {
	c.name = ownName{proven: longAgo, rows: make(map[string]lease.Lease)}
	if c.cfg.Claimed < 0 {
		c.name.proven = c.cfg.Claimed
	}
}

// nameSure reports whether this worker's name is surely its own.
func (c *Core) nameSure() bool {
	n := &c.name
	return c.now <= n.proven.Add(c.cfg.ownDeadline()) && (c.gapped < 0 || n.proven > c.gapped)
}

// wrote takes note of an acknowledged write of a lease, by when it left. It
// proves nothing once the name is in doubt: the other does not look again.
func (c *Core) wrote(sent Mono) {
	if c.nameSure() {
		c.name.proven = max(c.name.proven, sent)
	}
}

// proveName writes the item now.
func (c *Core) proveName() {
	if !c.worker.busy {
		c.putWorker()
	}
}

// proved takes an acknowledged write of the item, and goes on with what waited
// for it.
func (c *Core) proved(sent Mono) {
	n := &c.name
	n.proven = max(n.proven, sent)
	if !c.nameSure() {
		// It left before the machine slept.
		c.worker.timer.set(c.now)
		return
	}
	rows := n.rows
	n.rows = make(map[string]lease.Lease)
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		c.seeRow(rows[key])
	}
	for _, key := range c.keys() {
		if h := c.held[key]; h.unproven {
			h.unproven = false
			h.acked(h.acknowledged, h.image)
			h.pump()
		}
	}
}

// nameTaken ends a worker whose name is another's. What it holds without a term is
// left as it is: the other finds its name in the row. To release it would leave
// the lease to nobody.
func (c *Core) nameTaken() {
	c.name.proven = longAgo
	clear(c.name.rows)
	for _, key := range c.keys() {
		if h := c.held[key]; h.token == 0 {
			h.drop()
		}
	}
	c.order(Action{Kind: Fail, Err: &NameError{Worker: c.cfg.Worker}})
}

// awaitProof keeps a row that names this worker until its name is proven. A
// worker that stops proves nothing any more.
func (c *Core) awaitProof(l lease.Lease) {
	if !c.stop.begun {
		c.name.rows[l.Key] = l
		c.proveName()
	}
}

// waits reports whether the row is one of those that wait for the proof.
func (n *ownName) waits(key string) bool {
	_, ok := n.rows[key]
	return ok
}

// doubtful keeps the acknowledgement of a write, which left at a time, until the
// name is proven.
func (h *held) doubtful(sent Mono) bool {
	c := h.c
	if c.nameSure() || c.stop.begun && h.token == 0 {
		// A stop begins no term, and gives the lease up by a fenced write.
		return false
	}
	h.unproven, h.acknowledged = true, sent
	c.proveName()
	return true
}
