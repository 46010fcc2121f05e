package coordinator

import (
	"slices"

	"github.com/leasehold/leasehold/internal/lineage"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// shardEnd is the way of a lease from its last acknowledged record to
// SHARD_END: the children's leases first, then SHARD_END, then the children
// start.
type shardEnd struct {
	children []*child
	retryT   *timer
	// waiting counts the calls of the present round that are under way; failed
	// says that one of them was in vain.
	waiting int
	failed  bool
	// rounds that failed.
	rounds int
	// ready says that all children have their leases.
	ready bool
}

// child is a shard that continues one that has ended.
type child struct {
	shard stream.Shard
	// alone says that all its other parents are finished.
	alone bool
	// lease is its row, once it is known to exist.
	lease *lease.Lease
	mark  string
	first Mono
	tried bool
}

func (h *held) beginEnd(children []stream.Shard) {
	h.phase = ending
	h.noticeT.stop()
	h.drainT.stop()
	e := &shardEnd{}
	e.retryT = h.c.newTimer(h.makeChildren)
	for _, s := range children {
		e.children = append(e.children, &child{shard: s, mark: h.c.mark()})
	}
	h.end = e
	h.makeChildren()
}

// makeChildren reads the other parents of the children, and creates the
// children's leases: owned by this worker where nobody else's parent is
// unfinished. What fails is tried again; each step can be repeated.
func (h *held) makeChildren() {
	if !h.is() {
		return
	}
	e := h.end
	e.failed = false
	e.waiting = 1
	for _, ch := range e.children {
		if ch.lease == nil {
			h.readOthers(ch, func() { h.createChild(ch) })
		}
	}
	h.childStep()
}

// childStep ends one of the calls that the present round waits for.
func (h *held) childStep() {
	e := h.end
	e.waiting--
	switch {
	case e.waiting > 0 || !h.is():
	case e.failed:
		e.rounds++
		e.retryT.setIn(h.c.backoff(2 + e.rounds))
	default:
		e.ready = true
		h.pump()
	}
}

// readOthers finds out whether all parents of the child but this one are
// finished, and goes on with then. A parent without a lease may be finished and
// cleaned up, or not begun: the leader, who knows the shards, decides that.
func (h *held) readOthers(ch *child, then func()) {
	e := h.end
	ch.alone = true
	others := slices.DeleteFunc(slices.Clone(ch.shard.Parents), func(p string) bool { return p == h.key })
	if len(others) == 0 {
		then()
		return
	}
	left := len(others)
	failed := false
	for _, p := range others {
		e.waiting++
		h.c.call(Action{Kind: Get, Key: p}, func(r Result) {
			if !h.is() {
				return
			}
			left--
			if r.Err != nil {
				e.failed, failed = true, true
			}
			if r.Lease == nil || !r.Lease.Finished() {
				ch.alone = false
			}
			if left == 0 && !failed {
				then()
			}
			h.childStep()
		})
	}
}

func (h *held) createChild(ch *child) {
	c := h.c
	l := lineage.Child(ch.shard)
	l.Counter = c.startCounter()
	l.Mark = ch.mark
	if ch.alone && !c.stop.begun {
		l.Owner = c.cfg.Worker
	}
	h.end.waiting++
	c.call(Action{Kind: Create, Key: l.Key, Lease: l}, func(r Result) {
		if !h.is() {
			return
		}
		if !ch.tried {
			ch.tried, ch.first = true, r.Sent
		}
		switch {
		case r.Err != nil:
			h.end.failed = true
		default:
			ch.lease = &r.Image
			if r.Applied {
				ch.lease = &l
			}
			c.watch.learn(*ch.lease)
			if ch.lease.Mark == ch.mark {
				c.note(l.Key, 0, Notice{Name: "lease.created", Other: l.Owner})
				h.holdChild(ch)
			}
		}
		h.childStep()
	})
}

// making reports whether the lease may be one that this worker is creating with
// itself as the owner. Until the outcome is known its row is left alone: a claim
// by the row could be over, and the lease with another, when a late reply of the
// creation begins a term.
func (c *Core) making(key string) bool {
	for _, h := range c.held {
		if h.phase != ending {
			continue
		}
		for _, ch := range h.end.children {
			if ch.shard.ID == key && ch.lease == nil {
				return true
			}
		}
	}
	return false
}

// holdChild keeps a child that was created with this worker as its owner. The
// creation is the first own write of its term; it is read once this shard's
// SHARD_END is stored.
func (h *held) holdChild(ch *child) {
	l := *ch.lease
	if l.Owner != h.c.cfg.Worker || h.c.held[l.Key] != nil {
		return
	}
	k := h.c.hold(l, "created", "")
	k.phase = waiting
	k.parentsT.setIn(parentsEvery)
	k.acked(ch.first, l)
	k.pump()
}

// pumpEnd stores SHARD_END once the children have their leases.
func (h *held) pumpEnd() {
	if !h.end.ready {
		return
	}
	c := h.c
	// A handoff that has begun, perhaps unseen, ends with it: there is nothing
	// left to hand over.
	set := lease.Set{Bump: true, Checkpoint: &lease.ShardEnd, Owners: new(c.me())}
	for _, ch := range h.end.children {
		set.Children = append(set.Children, ch.shard.ID)
	}
	h.write(set, lease.Cond{Counter: new(h.image.Counter)}, func(o outcome) {
		if gone := o.image.Key == "" && o.again; !o.applied && !gone {
			h.lost(o.image)
			return
		}
		// A lease that is gone after a try of unknown outcome was finished by it,
		// and then cleaned up.
		c.note(h.key, h.token, Notice{Name: "shard.ended"})
		c.own.finished[h.key] = true
		h.drop()
		c.watch.learn(o.image)
		for _, ch := range h.end.children {
			c.startChild(h.key, ch)
		}
	})
}

// startChild begins to read a child of a shard that is now finished, or takes
// it if nobody has it and this was its last parent.
func (c *Core) startChild(parent string, ch *child) {
	if k := c.held[ch.shard.ID]; k != nil {
		k.checkParents()
		return
	}
	if c.stop.begun || ch.lease == nil || ch.lease.Owner != "" {
		return
	}
	if ch.alone {
		c.claim(*ch.lease, lease.Set{Owners: new(c.me())}, "shard-end", "")
		return
	}
	// Another parent was unfinished before; it may have ended meanwhile, and
	// its owner may have thought the same of this one.
	others := slices.DeleteFunc(slices.Clone(ch.shard.Parents), func(p string) bool { return p == parent })
	left, done := len(others), true
	for _, p := range others {
		c.call(Action{Kind: Get, Key: p}, func(r Result) {
			left--
			done = done && r.Err == nil && r.Lease != nil && r.Lease.Finished()
			if left == 0 && done && c.held[ch.shard.ID] == nil && !c.stop.begun {
				c.claim(*ch.lease, lease.Set{Owners: new(c.me())}, "shard-end", "")
			}
		})
	}
}

// checkParents reads the parents of a waiting lease and starts its consumer
// once they are finished.
func (h *held) checkParents() {
	c := h.c
	if h.phase != waiting {
		return
	}
	if len(h.image.Parents) == 0 || h.image.Checkpoint.IsRecord() {
		h.parentsDone()
		return
	}
	h.parentsT.stop()
	got := make(map[string]*lease.Lease, len(h.image.Parents))
	left, failed := len(h.image.Parents), false
	for _, p := range h.image.Parents {
		c.call(Action{Kind: Get, Key: p}, func(r Result) {
			if !h.is() {
				return
			}
			left--
			failed = failed || r.Err != nil
			got[p] = r.Lease
			if left == 0 {
				h.parentsRead(got, failed)
			}
		})
	}
}

func (h *held) parentsRead(got map[string]*lease.Lease, failed bool) {
	if h.phase != waiting {
		return
	}
	again := func() { h.parentsT.setIn(parentsEvery) }
	if failed {
		again()
		return
	}
	lookup := func(shard string) *lease.Lease { return got[shard] }
	// A parent without a lease is asked of the stream only where there is one.
	if !slices.ContainsFunc(h.image.Parents, func(p string) bool { return got[p] == nil }) {
		if len(lineage.Unfinished(&h.image, lookup, func(string) bool { return true })) > 0 {
			again()
			return
		}
		h.parentsDone()
		return
	}
	c := h.c
	c.withShards(func(_ []stream.Shard, ok bool) {
		if !h.is() || h.phase != waiting {
			return
		}
		if !ok || len(lineage.Unfinished(&h.image, lookup, c.listed(h.key, h.since))) > 0 {
			again()
			return
		}
		h.parentsDone()
	})
}

func (h *held) parentsDone() {
	h.parentsT.stop()
	h.phase = running
	h.startConsumer()
}
