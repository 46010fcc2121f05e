package coordinator

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/leasehold/leasehold/internal/assign"
	"github.com/leasehold/leasehold/internal/lineage"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// leader is what only a leader keeps.
type leader struct {
	auditT    *timer
	auditDue  bool
	tidyAfter time.Duration
	deadAfter time.Duration

	// shards is the last list of the stream's shards, and when it was asked for.
	shards   []stream.Shard
	shardIDs map[string]bool
	listedAt Mono
	// unread are the open shards with a finished lease that were reported.
	unread map[string]bool
	// waiting are those who want the list that is being asked for.
	waiting []func([]stream.Shard, bool)
}

// shardsAge is how old a list of shards may be for those who ask.
const shardsAge = 10 * time.Second

// listLag is more than a list of shards may be out of date.
const listLag = time.Minute

func (c *Core) initLead() {
	c.lead = leader{
		auditT:    c.newTimer(func() { c.lead.auditDue = true; c.audit() }),
		listedAt:  -1,
		tidyAfter: tidyAfter,
		deadAfter: deadAfter,
	}
}

func (c *Core) beginLeading() {
	c.lead.auditDue = true
	if c.watch.on {
		// The deputy goes on from what it has seen.
		c.watch.lookT.setIn(0)
	} else {
		c.beginWatch()
	}
	c.withShards(func([]stream.Shard, bool) { c.audit() })
}

func (c *Core) endLeading() {
	c.lead.auditT.stop()
	c.endWatch()
}

// withShards gives f the stream's shards, from a list that is at most shardsAge
// old. One call serves all who wait.
func (c *Core) withShards(f func(shards []stream.Shard, ok bool)) {
	d := &c.lead
	if d.listedAt >= 0 && c.now-d.listedAt < Mono(shardsAge) && d.waiting == nil {
		f(d.shards, true)
		return
	}
	d.waiting = append(d.waiting, f)
	if len(d.waiting) > 1 {
		return
	}
	c.call(Action{Kind: Shards}, func(r Result) {
		if r.Err == nil {
			d.shards, d.listedAt = r.Shards, r.Sent
			d.shardIDs = make(map[string]bool, len(r.Shards))
			for _, s := range r.Shards {
				d.shardIDs[s.ID] = true
			}
		}
		waiting := d.waiting
		d.waiting = nil
		for _, f := range waiting {
			f(d.shards, r.Err == nil)
		}
	})
}

// listed tells which shards the stream has by the last list, for the sake of a
// child that was known at a time. A list without the child is older than the
// child, and then its parents are believed to be there; unless the list is so
// much younger that the child must have gone too.
func (c *Core) listed(child string, known Mono) func(shard string) bool {
	d := &c.lead
	if d.listedAt >= 0 && (d.shardIDs[child] || d.listedAt > known.Add(listLag)) {
		return func(shard string) bool { return d.shardIDs[shard] }
	}
	return func(string) bool { return true }
}

// audit creates the leases that must exist and do not: all of them at the first
// start, with their owners in the same write.
func (c *Core) audit() {
	w, d := &c.watch, &c.lead
	if !d.auditDue || !w.on || !w.fresh() || c.stop.begun || !c.mayDecide() || w.looked < w.began {
		return
	}
	d.auditDue = false
	asked := c.now
	c.withShards(func(shards []stream.Shard, ok bool) {
		if !ok {
			d.auditT.setIn(lookEvery)
			return
		}
		d.auditT.set(asked.Add(auditEvery))
		if c.mayDecide() && !c.stop.begun {
			c.createMissing(shards)
			c.reportUnread(shards)
		}
	})
}

func (c *Core) createMissing(shards []stream.Shard) {
	w := &c.watch
	have := make([]lease.Lease, 0, len(w.rows))
	for _, r := range w.rows {
		have = append(have, r.lease)
	}
	missing := lineage.Missing(shards, have, c.cfg.Initial)
	if len(missing) == 0 {
		return
	}
	// A lease whose parents are to be created in the same round is blocked by
	// them: they count as there.
	fresh := make(map[string]*lease.Lease, len(missing))
	for i := range missing {
		fresh[missing[i].Key] = &missing[i]
	}
	lookup := func(shard string) *lease.Lease {
		if l := fresh[shard]; l != nil {
			return l
		}
		return w.lookup(shard)
	}
	var plan []assign.Lease
	for _, r := range w.rows {
		if l := &r.lease; !l.Finished() && l.Owner != "" {
			plan = append(plan, assign.Lease{Key: l.Key, Owner: cmp.Or(l.NextOwner, l.Owner), Fixed: true})
		}
	}
	for _, l := range missing {
		// One that is made as finished only closes a gap in the lineage.
		if !l.Finished() && len(lineage.Unfinished(&l, lookup, c.listed(l.Key, c.now))) == 0 {
			plan = append(plan, assign.Lease{Key: l.Key})
		}
	}
	owners := make(map[string]string)
	for _, m := range assign.Plan(plan, w.receivers(longAgo)) {
		owners[m.Key] = m.To
	}
	for _, l := range missing {
		l.Owner = owners[l.Key]
		l.Counter = c.startCounter()
		if was, ok := w.gone[l.Key]; ok {
			// Its owner may not know yet that it was deleted, and go on: nobody
			// else begins meanwhile. Whatever our clock says, tokens grow.
			l.Counter = max(l.Counter, was.Counter+1)
			if w.alive(was.Owner) {
				l.Owner = was.Owner
			}
			delete(w.gone, l.Key)
		}
		l.Mark = c.mark()
		c.createLease(l)
	}
}

// reportUnread tells of shards that take records while their lease is finished,
// each once. Nobody reads such a shard: a stream that is deleted and made again
// gives its shards the same names, and the leases are those of the old ones.
func (c *Core) reportUnread(shards []stream.Shard) {
	d := &c.lead
	before := d.unread
	d.unread = make(map[string]bool)
	for _, s := range shards {
		r := c.watch.rows[s.ID]
		switch {
		case s.Closed || r == nil || r.finished < 0:
		case d.listedAt <= r.finished.Add(listLag):
			// The list may be from before the end of the shard. The next is not.
			d.auditT.setIn(listLag + lookEvery)
		default:
			d.unread[s.ID] = true
			if !before[s.ID] {
				c.note(s.ID, 0, Notice{Name: "shard.unread", Warn: true, Cause: "its lease is finished and the shard is open"})
			}
		}
	}
}

// tidyAfter is how long a lease stays after it was seen finished: longer than a
// request that creates it can be under way, which would bring it back unfinished.
const tidyAfter = 5 * time.Minute

// tidyAtOnce bounds how many leases, and how many items, are deleted after one look.
const tidyAtOnce = 8

// tidy deletes leases that are spent, on condition of the counter seen. What is
// not deleted now is seen again by the next look.
func (c *Core) tidy() {
	w := &c.watch
	if !w.on || c.stop.begun || !c.mayDecide() {
		return
	}
	n := 0
	for _, key := range slices.Sorted(maps.Keys(w.rows)) {
		r := w.rows[key]
		l := r.lease
		if w.moving[key] != "" || r.finished < 0 || c.now-r.finished < Mono(c.lead.tidyAfter) || !lineage.Spent(&l, w.lookup) {
			continue
		}
		w.moving[key] = c.cfg.Worker
		c.call(Action{Kind: Delete, Key: key, Cond: lease.Cond{Counter: new(l.Counter)}}, func(r Result) {
			delete(w.moving, key)
			if r.Err == nil && r.Applied {
				delete(w.rows, key)
				c.note(key, 0, Notice{Name: "lease.deleted", Cause: "finished"})
			}
		})
		if n++; n == tidyAtOnce {
			return
		}
	}
}

// deadAfter is how long an item of a worker stays after the leader last saw
// anything of the worker: so long that whoever looks for it has looked.
const deadAfter = 24 * time.Hour

// deleteRetry is the time until a deletion that failed is tried again.
const deleteRetry = time.Minute

// tidyWorkers deletes the items of workers of ours that are long dead: each process
// has a name of its own by default, and those that crashed would stay in the table
// for ever. The nonce sees to it that a process which has taken the name since keeps
// its item; one that slept for so long writes its own again.
func (c *Core) tidyWorkers() {
	w := &c.watch
	if !w.on || c.stop.begun || !c.mayDecide() {
		return
	}
	n := 0
	for _, id := range slices.Sorted(maps.Keys(w.peers)) {
		p := w.peers[id]
		if !p.item.Ours() || p.deleting || w.alive(id) || c.now-p.still < Mono(c.lead.deadAfter) {
			continue
		}
		p.deleting = true
		c.call(Action{Kind: DeleteWorker, Worker: p.item}, func(r Result) {
			p.deleting = false
			switch {
			case r.Err != nil:
				// It may be denied, and is no reason to try at every look.
				p.still = c.now.Add(deleteRetry) - Mono(c.lead.deadAfter)
			case r.Applied:
				c.note("", 0, Notice{Name: "worker.deleted", Cause: "dead", Other: id})
			}
		})
		if n++; n == tidyAtOnce {
			return
		}
	}
}

// createLease creates a missing lease. One of this worker's own begins its term
// by that write.
func (c *Core) createLease(l lease.Lease) {
	if l.Owner == c.cfg.Worker && c.held[l.Key] == nil {
		h := c.hold(l, "created", "")
		h.w = &write{create: &l, set: lease.Set{Mark: l.Mark}, stored: l.Counter, owner: l.Owner, done: h.claimed}
		h.send()
		return
	}
	c.call(Action{Kind: Create, Key: l.Key, Lease: l}, func(r Result) {
		if r.Err != nil {
			c.lead.auditDue = true
			return
		}
		if r.Applied {
			c.note(l.Key, 0, Notice{Name: "lease.created", Other: l.Owner})
		}
		c.watch.learn(r.Image)
	})
}

// mayBalance reports whether the leader knows enough of the fleet to move what
// is held: a worker of which only leases have been seen so far shows within a
// renewal whether it lives.
func (c *Core) mayBalance() bool {
	w := &c.watch
	if !c.mayDecide() {
		return false
	}
	if c.now-w.began > Mono(c.cfg.renewWithin()+2*lookEvery) {
		return true
	}
	for _, r := range w.rows {
		l := &r.lease
		if !l.Finished() && l.Owner != "" && !w.alive(l.Owner) {
			return false
		}
	}
	return true
}

// handOver begins a handoff between two workers. It is conditional on the owner
// pair and leaves the counter, so that the owner goes on undisturbed.
func (c *Core) handOver(r *row, to string) {
	l := r.lease
	if h := c.held[l.Key]; h != nil {
		h.successor = to
		h.pump()
		return
	}
	pair := lease.Owners{Owner: l.Owner, Next: to}
	c.move(l, lease.Cond{Owners: new(l.Owners())}, lease.Set{Owners: &pair}, to, "balance")
}
