package coordinator

import (
	"cmp"

	"github.com/leasehold/leasehold/lease"
)

// lookAtOwners acts on the owner pair of an image: a handoff begins, is
// renamed, or is given back.
func (h *held) lookAtOwners() {
	if !h.image.HandingOff() {
		// Given back before the drain began.
		if h.noticeT.isSet() && !h.c.stop.begun {
			h.noticeT.stop()
		}
		return
	}
	if h.phase != waiting && h.phase != running || h.noticeT.isSet() {
		return
	}
	h.c.note(h.key, h.token, Notice{Name: "handoff.started", Other: h.image.NextOwner})
	wait := noticeTime
	if h.run == 0 || h.c.watch.foreign(h.image.NextOwner) {
		// Nothing runs that the next owner could be made to wait for, or the
		// next owner looks at its rows so seldom that waiting gains nothing.
		wait = 0
	}
	h.noticeT.setIn(wait)
}

// see takes the row as it is stored now.
func (h *held) see(image lease.Lease) {
	if h.image.HandingOff() && !image.HandingOff() {
		// Who gives a handoff back is on the way out, or cannot read the shard:
		// nobody to be named again.
		h.successor = ""
		if h.image.Owner == h.c.cfg.Worker {
			// A handoff that this worker's claim ended was refused by nobody.
			h.c.watch.refused(h.key, h.image.NextOwner)
		}
	}
	h.image = image
}

// drain ends the reading: the batch in hand may be finished, no other starts.
func (h *held) drain() {
	c := h.c
	switch h.phase {
	case waiting, running:
	default:
		return
	}
	if h.run == 0 {
		h.phase = leaving
		h.pump()
		return
	}
	h.phase = draining
	c.order(Action{Kind: Drain, Key: h.key, Run: h.run, Token: h.token})
	h.drainT.setIn(c.cfg.DrainTime)
	if c.stop.begun {
		h.drainT.set(c.drainBy())
	}
}

// overdue ends a drain that takes too long: the handler's context ends, and the
// lease is given up all the same.
func (h *held) overdue() {
	if h.phase != draining {
		return
	}
	cause := HandedOver
	if h.c.stop.begun {
		cause = Stopping
	}
	h.c.note(h.key, h.token, Notice{Name: "handoff.overdue", Warn: true, Other: h.image.NextOwner})
	h.cancel(cause)
	h.phase = leaving
	h.pump()
}

// leave makes the last write of the lease: the last checkpoint and the transfer
// to the next owner in one, or, where nobody is named, the release.
func (h *held) leave() {
	c := h.c
	next := cmp.Or(h.image.NextOwner, h.successor)
	if next == "" && !c.stop.begun && !h.stuck {
		// The handoff was given back: the lease stays here. Its term may have
		// ended, or not have begun.
		h.drainT.stop()
		h.phase = waiting
		h.due = h.due || h.token == 0
		h.checkParents()
		return
	}
	set := lease.Set{Bump: true, Owners: &lease.Owners{Owner: next}, Checkpoint: h.checkpoint()}
	cond := lease.Cond{Counter: new(h.image.Counter), Owners: new(h.image.Owners())}
	h.write(set, cond, func(o outcome) {
		switch {
		case o.applied, next != "" && o.image.Owner == next && o.image.Checkpoint.Compare(h.watermark) >= 0:
			// The next owner may have written, and its mark stands where ours did,
			// before we learn that our write was applied.
			c.note(h.key, h.token, Notice{Name: "lease.released", Warn: h.stuck, Other: next, Cause: h.releaseCause(next)})
			h.drop()
			c.watch.learn(o.image)
		case o.image.Owner == c.cfg.Worker && o.image.Counter == h.image.Counter:
			// Only the pair was changed under us: obey the stored one.
			h.see(o.image)
		default:
			h.lost(o.image)
		}
	})
}

func (h *held) releaseCause(next string) string {
	switch {
	case h.stuck:
		return "stuck handler"
	case !h.c.stop.begun:
		return "handoff"
	case next == "":
		return "stop, no successor"
	}
	return "stop"
}

// nameSuccessor begins a handoff of an own lease, as long as this worker was the
// last to write it. It leaves the counter and has no mark: it is known as done by
// the owner pair.
func (h *held) nameSuccessor() {
	pair := lease.Owners{Owner: h.c.cfg.Worker, Next: h.successor}
	cond := lease.Cond{Counter: new(h.image.Counter), Owners: new(h.image.Owners())}
	h.write(lease.Set{Owners: &pair}, cond, func(o outcome) {
		switch {
		case o.image.Owner == h.c.cfg.Worker && o.image.Counter == h.image.Counter:
			// Ours still, with this successor or another that came first.
			h.image = o.image
			if !h.c.stop.begun {
				h.successor = ""
			}
			h.lookAtOwners()
		default:
			h.lost(o.image)
		}
	})
}
