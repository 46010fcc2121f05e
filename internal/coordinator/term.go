package coordinator

import (
	"time"

	"github.com/leasehold/leasehold/lease"
)

// phase is where a held lease stands.
type phase uint8

const (
	// claiming: the first own write is under way; there is no term yet.
	claiming phase = iota
	// waiting: parents are not finished; the lease is renewed and not read.
	waiting
	// running: the consumer runs, or will as soon as it may.
	running
	// draining: the consumer was told to finish its batch.
	draining
	// ending: the shard is at its end and all of it is acknowledged.
	ending
	// leaving: nothing runs; the last write gives the lease up.
	leaving
)

// held is a lease of this worker.
type held struct {
	c   *Core
	key string

	phase phase
	// image is the lease as stored, as far as this worker knows.
	image lease.Lease
	// token is the term's, 0 while there is none.
	token int64
	// run is the consumer, 0 if there is none.
	run uint64
	// watermark is the last position acknowledged.
	watermark lease.Position
	// flush asks for a checkpoint now; due, for a renewal.
	flush, due bool
	// indexed says that the row was in an answer of the owner index in this
	// term, so that its absence means something.
	indexed bool
	// successor is who is to have the lease when this worker stops.
	successor string
	// stuck says that the lease is given up since it cannot be read here.
	stuck bool
	// since is when the lease came here.
	since Mono
	// cause and from say how the lease came here.
	cause, from string

	// unproven says that a write which left at acknowledged counts only once
	// the worker's name is proven.
	unproven     bool
	acknowledged Mono

	w   *write
	end *shardEnd

	renewT, termT, retryT, parentsT, noticeT, drainT *timer
}

// write is one logical write of a held lease. It has the same mark over all its
// tries.
type write struct {
	cond lease.Cond
	set  lease.Set
	// create is the lease to create, for the write that does.
	create *lease.Lease
	// stored and owner are the counter and the owner that the write stores.
	stored int64
	owner  string
	// first is when the first try was sent: a term is counted from there.
	first Mono
	tries int
	// err is what became of the last try, nil if it has no answer yet.
	err  error
	done func(o outcome)
}

// outcome is what became of a write.
type outcome struct {
	// applied says that the write took effect, perhaps by an earlier try.
	applied bool
	// current says that it is also the last that did: nobody wrote after it.
	current bool
	// image is the present lease.
	image lease.Lease
	// first is when the first try was sent.
	first Mono
	// again says that there was more than one try.
	again bool
}

func (c *Core) hold(image lease.Lease, cause, from string) *held {
	h := &held{c: c, key: image.Key, image: image, since: c.now, cause: cause, from: from}
	h.renewT = c.newTimer(func() { h.due = true; h.pump() })
	h.termT = c.newTimer(h.lapse)
	h.retryT = c.newTimer(h.send)
	h.parentsT = c.newTimer(h.checkParents)
	h.noticeT = c.newTimer(h.drain)
	h.drainT = c.newTimer(h.overdue)
	c.held[h.key] = h
	c.worker.heldChanged()
	return h
}

// drop forgets the lease: this worker has nothing to do with it any more.
func (h *held) drop() {
	for _, t := range []*timer{h.renewT, h.termT, h.retryT, h.parentsT, h.noticeT, h.drainT} {
		t.stop()
	}
	delete(h.c.held, h.key)
	h.c.worker.heldChanged()
}

// is reports whether h is still what its key stands for: a late result may
// belong to a lease that was dropped.
func (h *held) is() bool { return h.c.held[h.key] == h }

// write begins a logical write, repeated until its outcome is known. There must
// be none under way.
func (h *held) write(set lease.Set, cond lease.Cond, done func(outcome)) {
	w := &write{cond: cond, set: set, stored: h.image.Counter, owner: h.image.Owner, done: done}
	if set.Bump {
		w.set.Mark = h.c.mark()
		w.stored++
	}
	if set.Owners != nil {
		w.owner = set.Owners.Owner
	}
	h.w = w
	h.send()
}

func (h *held) send() {
	w := h.w
	a := Action{Kind: Change, Key: h.key, Cond: w.cond, Set: w.set}
	if w.create != nil {
		a = Action{Kind: Create, Key: h.key, Lease: *w.create}
	}
	h.c.call(a, func(r Result) {
		if !h.is() || h.w != w {
			return
		}
		w.tries++
		if w.tries == 1 {
			w.first = r.Sent
		}
		if w.err = r.Err; w.err != nil {
			if w.tries == 1 {
				h.c.note(h.key, h.token, Notice{Name: "table.unreachable", Warn: true, Err: r.Err})
			}
			h.retryT.setIn(h.c.backoff(w.tries))
			return
		}
		h.w = nil
		w.done(w.outcome(r))
		if h.is() {
			h.pump()
		}
	})
}

// outcome reads the store's answer. A refused write was applied by an earlier
// try if the present row carries its mark; it is also the last write only if
// the counter and the owner are those that it stored, since other libraries
// move the counter and keep our mark.
func (w *write) outcome(r Result) outcome {
	o := outcome{applied: r.Applied, current: r.Applied, image: r.Image, first: w.first, again: w.tries > 1}
	if r.Applied {
		if w.create != nil {
			o.image = *w.create
		}
		return o
	}
	switch {
	case r.Image.Key == "":
	case w.set.Mark != "":
		o.applied = r.Image.Mark == w.set.Mark
		o.current = o.applied && r.Image.Counter == w.stored && r.Image.Owner == w.owner
	case w.set.Owners != nil:
		// The writes without a mark set the owner pair and are known by it.
		o.applied = r.Image.Owners() == *w.set.Owners
		o.current = o.applied
	}
	return o
}

// backoff is the pause before try n + 1 of a call.
func (c *Core) backoff(n int) time.Duration {
	d := 50 * time.Millisecond << min(n-1, 4)
	return d/2 + time.Duration(c.cfg.Rand.Int64N(int64(d)))
}

// pump sends the write that the lease needs next, if none is under way.
func (h *held) pump() {
	if h.w != nil {
		return
	}
	switch {
	case h.phase == ending:
		h.pumpEnd()
	case h.phase == leaving:
		h.leave()
	case h.successor != "" && !h.image.HandingOff() && h.phase <= running:
		h.nameSuccessor()
	}
	if h.is() && h.w == nil && (h.due || h.flush && h.ahead()) {
		h.renew()
	}
}

// renewNow asks for a renewal as soon as no other write is under way.
func (h *held) renewNow() {
	h.due = true
	h.pump()
}

// ahead reports whether more is acknowledged than is stored.
func (h *held) ahead() bool {
	return h.watermark.IsRecord() && h.watermark.Compare(h.image.Checkpoint) > 0
}

// checkpoint is the checkpoint to store with the next write, nil if the stored
// one is right.
func (h *held) checkpoint() *lease.Position {
	if !h.ahead() {
		return nil
	}
	return new(h.watermark)
}

// renew keeps the lease and stores the checkpoint on the way. It is conditional
// on the counter alone: the beginning of a handoff leaves the counter, and the
// image that comes back tells of it.
func (h *held) renew() {
	h.due, h.flush = false, false
	h.write(lease.Set{Bump: true, Checkpoint: h.checkpoint()}, lease.Cond{Counter: new(h.image.Counter)}, h.kept)
}

// kept takes the outcome of a write that was to keep the lease.
func (h *held) kept(o outcome) {
	if !o.current {
		h.lost(o.image)
		return
	}
	h.acked(o.first, o.image)
}

// acked takes a write that was the last one of the lease, by its image. The term
// lasts from the sending of its first try.
func (h *held) acked(first Mono, image lease.Lease) {
	c := h.c
	h.see(image)
	h.renewT.set(first + c.jitter(Mono(c.cfg.RenewEvery)))
	until := first.Add(c.cfg.ownDeadline())
	if until <= c.now || first <= c.gapped {
		// The reply took so long, or the machine slept since, that others may
		// have seen the counter stand still; only a quicker write begins a term.
		h.renewT.set(c.now)
		return
	}
	if c.wrote(first); h.doubtful(first) {
		return
	}
	h.termT.set(until)
	if h.token == 0 {
		h.beginTerm()
	} else if h.run != 0 {
		c.order(Action{Kind: Extend, Key: h.key, Run: h.run, Token: h.token, From: image.Checkpoint, Until: until})
	}
	h.lookAtOwners()
}

// beginTerm begins a term with the counter just stored as its token.
func (h *held) beginTerm() {
	h.token = h.image.Counter
	h.watermark = h.image.Checkpoint
	h.indexed = false
	h.c.note(h.key, h.token, Notice{Name: "lease.gained", Cause: h.cause, Other: h.from})
	switch {
	case h.c.stop.begun && h.run == 0 && h.phase <= running:
		// Nothing of it was read in this term: whoever is next reads it.
		h.phase = leaving
	case h.phase == claiming:
		h.phase = waiting
		h.checkParents()
	default:
		h.startConsumer()
	}
}

// lapse ends a term whose last acknowledged write is too old. Others may own the
// lease by now; the next success is a new term.
func (h *held) lapse() {
	if h.token == 0 {
		return
	}
	h.c.note(h.key, h.token, Notice{Name: "lease.lost", Warn: true, Cause: "deadline"})
	h.cancel(Lost)
	h.token = 0
	h.cause, h.from = "renewed", ""
	if h.phase == draining {
		h.phase = leaving
		h.pump()
	}
}

// lost ends a term because the table says so, and looks at the row that was
// found instead.
func (h *held) lost(image lease.Lease) {
	h.c.note(h.key, h.token, Notice{Name: "lease.lost", Warn: true, Cause: lossCause(image), Other: image.Owner})
	h.cancel(Lost)
	h.drop()
	h.c.watch.learn(image)
	h.c.seeRow(image)
}

func lossCause(image lease.Lease) string {
	if image.Key == "" {
		return "deleted"
	}
	return "taken"
}

// startConsumer starts the consumer if the lease may be read and no earlier
// consumer of this shard is still ending. If that one does not end, another worker
// may read it.
func (h *held) startConsumer() {
	c := h.c
	if h.phase != running || h.token == 0 || h.run != 0 {
		return
	}
	if c.zombies[h.key] != nil {
		if c.isStuck(h.key) {
			h.giveUp()
		}
		return
	}
	until := h.termT.at
	if until.Add(-c.cfg.ownDeadline()) <= c.gapped {
		// The lease was not renewed since the machine woke.
		until = c.now
	}
	c.lastRun++
	h.run = c.lastRun
	c.order(Action{Kind: Start, Key: h.key, Run: h.run, Token: h.token, Lease: h.image, From: h.watermark, Until: until})
}

// cancel ends the consumer's context, if one runs. It still has to return.
func (h *held) cancel(cause Cause) {
	if h.run == 0 {
		return
	}
	h.c.order(Action{Kind: Cancel, Key: h.key, Run: h.run, Token: h.token, Cause: cause})
	h.c.outlive(h.key, h.run)
	h.run = 0
}

func (h *held) progress(ev Progress) {
	h.advance(ev.Position)
	if ev.Flush {
		h.flush = true
		h.pump()
	}
}

func (h *held) advance(p lease.Position) {
	if p.Compare(h.watermark) > 0 {
		h.watermark = p
	}
}

func (c *Core) exited(ev Exited) {
	h := c.held[ev.Key]
	if z := c.zombies[ev.Key]; z != nil && z.run == ev.Run {
		delete(c.zombies, ev.Key)
		if h != nil {
			h.startConsumer()
		}
		return
	}
	if h == nil || h.run != ev.Run {
		return
	}
	h.run = 0
	h.advance(ev.Position)
	switch {
	case ev.End:
		h.beginEnd(ev.Children)
	case h.phase == draining:
		h.phase = leaving
	default:
		// A consumer that ends by itself is started again: a lease is never
		// held without anybody reading.
		h.startConsumer()
	}
	h.pump()
}
