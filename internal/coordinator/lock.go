package coordinator

import (
	"encoding/binary"
	"fmt"

	"github.com/leasehold/leasehold/lease"
)

// lockState is the leader's lock as this worker knows it. The lock decides only
// who balances and makes what is missing; nothing safe depends on it.
type lockState struct {
	timer *timer
	busy  bool

	// present is the lock as last read, nil if there was none, and since when
	// its version was first seen. Known says that it was read at all.
	present *lease.Lock
	since   Mono
	known   bool

	// leading says that the lock is ours; sent is when its last acknowledged
	// write left, and endT when we stop to believe in it.
	leading bool
	sent    Mono
	endT    *timer

	// wish is what the write under way stores, and seen the version that it
	// replaces; both stay the same over its tries.
	wish *lease.Lock
	seen string
	// first is when the first try of that write left.
	first Mono
	tries int
}

func (c *Core) initLock() {
	c.lock = lockState{
		timer: c.newTimer(c.lockTurn),
		endT:  c.newTimer(c.lockLapsed),
	}
}

// lockTurn is the lock's next turn: a heartbeat of the leader, a look of a
// follower.
func (c *Core) lockTurn() {
	switch {
	case c.stop.begun:
	case c.lock.wish != nil:
		c.writeLock()
	case c.lock.leading:
		c.heartbeat()
	default:
		c.readLock()
	}
}

// readLock is the follower's look. The answer may be old, which only delays.
func (c *Core) readLock() {
	k := &c.lock
	if k.busy {
		return
	}
	k.busy = true
	c.call(Action{Kind: GetLock}, func(r Result) {
		k.busy = false
		k.timer.set(max(c.now, r.Sent.Add(lockEvery)))
		if r.Err != nil {
			return
		}
		c.sawLock(r.Lock)
		if l := r.Lock; l != nil && l.Deputy == "" && l.Duration <= lockDuration && k.timer.isSet() {
			// One of ours leads and is about to name a deputy: it may be this
			// worker, and until it knows, nobody watches beside the leader.
			k.timer.set(min(k.timer.at, max(c.now, r.Sent.Add(lookEvery))))
		}
	})
}

// sawLock takes the lock as somebody read it, and takes it over if it is absent
// or its version has stood still for its duration.
func (c *Core) sawLock(l *lease.Lock) {
	k := &c.lock
	if k.leading || c.stop.begun {
		return
	}
	if !k.known || (l == nil) != (k.present == nil) || l != nil && l.Version != k.present.Version {
		k.since = c.now
	}
	k.known, k.present = true, l
	switch {
	case l == nil:
		// Whoever takes it names a deputy; this one goes on until then.
	case l.Deputy == c.cfg.Worker:
		c.watchIf(true)
	case l.Deputy != "" || l.Duration > lockDuration:
		// There is another deputy, or a leader of another library, which knows
		// none. A leader of ours that has just come names one soon: until then
		// the old deputy goes on, since it has seen what the leader has not.
		c.watchIf(false)
	}
	if k.wish != nil {
		return
	}
	if l == nil {
		c.wishLock("")
		return
	}
	if end := k.since.Add(l.Duration); c.now >= end {
		c.wishLock(l.Version)
	} else if k.timer.at > end {
		k.timer.set(end)
	}
}

func (c *Core) wishLock(seen string) {
	k := &c.lock
	if k.busy {
		return
	}
	k.wish = &lease.Lock{Owner: c.cfg.Worker, Duration: lockDuration, Version: c.uuid()}
	if k.present != nil && k.present.Deputy != c.cfg.Worker {
		k.wish.Deputy = k.present.Deputy
	}
	k.seen, k.tries = seen, 0
	c.writeLock()
}

// writeLock makes one try of the write that is wished.
func (c *Core) writeLock() {
	k := &c.lock
	if k.busy {
		return
	}
	k.busy = true
	kind := TakeLock
	if k.leading {
		kind = RenewLock
	}
	c.call(Action{Kind: kind, Lock: *k.wish, Seen: k.seen}, func(r Result) {
		k.busy = false
		if k.wish == nil {
			// The lock lapsed meanwhile; as a follower we look at what is there.
			if !c.stop.begun {
				k.timer.setIn(0)
			}
			return
		}
		k.tries++
		if k.tries == 1 {
			k.first = r.Sent
		}
		if r.Err != nil {
			if !k.leading && c.now > k.first.Add(decideFor) {
				// A lock that was asked for so long ago is over when it comes.
				k.wish = nil
			}
			if !c.stop.begun {
				k.timer.setIn(c.backoff(k.tries))
			}
			return
		}
		wish := k.wish
		k.wish = nil
		if c.stop.begun {
			// It was written after the worker had begun to stop.
			if r.Applied {
				k.present, k.leading = wish, true
			}
			c.releaseLock()
			return
		}
		if !r.Applied && (r.Lock == nil || r.Lock.Version != wish.Version) {
			c.lockLost()
			k.timer.setIn(lockEvery)
			c.sawLock(r.Lock)
			return
		}
		k.present, k.known, k.sent = wish, true, k.first
		k.timer.set(max(c.now, k.sent.Add(lockEvery)))
		k.endT.set(k.sent.Add(lockDuration))
		if !k.leading {
			k.leading = true
			c.note("", 0, Notice{Name: "leader.elected"})
			c.beginLeading()
		}
	})
}

// heartbeat renews the lock, if the leader's work goes on: a leader that cannot
// look at the table lets the lock go.
func (c *Core) heartbeat() {
	k := &c.lock
	if !c.watch.fresh() {
		k.timer.setIn(lookEvery)
		return
	}
	k.wish = &lease.Lock{Owner: c.cfg.Worker, Duration: lockDuration, Version: c.uuid(), Deputy: c.watch.deputy(k.present.Deputy)}
	k.seen, k.tries = k.present.Version, 0
	c.writeLock()
}

// hurryDeputy has the leader name a deputy now, where the lock names none or one
// that is gone: until then a dead leader is followed late.
func (c *Core) hurryDeputy() {
	k := &c.lock
	if k.leading && k.wish == nil && k.present.Deputy != c.watch.deputy(k.present.Deputy) && !c.stop.begun {
		k.timer.setIn(0)
	}
}

// lockLapsed is the end of a lock whose last acknowledged write is too old.
func (c *Core) lockLapsed() {
	if c.lock.leading {
		// A heartbeat of unknown outcome may still be applied; as a follower
		// we would then wait for our own lock to end.
		c.lock.wish = nil
		c.lockLost()
		c.lock.timer.setIn(0)
	}
}

func (c *Core) lockLost() {
	k := &c.lock
	k.known = false
	if !k.leading {
		return
	}
	k.leading = false
	k.endT.stop()
	c.note("", 0, Notice{Name: "leader.resigned", Warn: true, Cause: "lost"})
	c.endLeading()
}

// mayDecide reports whether this worker leads, surely enough to act on it.
func (c *Core) mayDecide() bool {
	return c.lock.leading && c.now <= c.lock.sent.Add(decideFor)
}

// uuid returns a random version 4 UUID: Java KCL's versions of the lock are.
func (c *Core) uuid() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], c.cfg.Rand.Uint64())
	binary.BigEndian.PutUint64(b[8:], c.cfg.Rand.Uint64())
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// watchVersion follows the fleet's client-version state while it may change.
func (c *Core) watchVersion() {
	if c.cfg.Watched != lease.Version3XWithRollback {
		return
	}
	var t *timer
	t = c.newTimer(func() {
		c.call(Action{Kind: GetVersion}, func(r Result) {
			switch {
			case c.stop.begun, r.Err == nil && r.Version == lease.Version3X:
			case r.Err == nil && r.Version != lease.Version3XWithRollback:
				c.order(Action{Kind: Fail, Err: &VersionError{Version: r.Version}})
			default:
				t.setIn(versionEvery)
			}
		})
	})
	t.setIn(versionEvery)
}

// A VersionError says that the fleet assigns leases in a way that this library
// does not take part in.
type VersionError struct {
	Version lease.ClientVersion
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("the fleet is in client-version state %q, which cannot be joined", e.Version)
}
