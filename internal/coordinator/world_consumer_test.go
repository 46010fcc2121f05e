package coordinator

import "time"

// testConsumer stands for a shard's consumer: it polls, and its handler takes
// some time.
type testConsumer struct {
	a         *actor
	key       string
	run       uint64
	token     int64
	next      int
	until     Mono // the actor's
	flush     bool
	busy      bool
	draining  bool
	cancelled bool
	exited    bool
}

const (
	testPoll    = 500 * time.Millisecond
	testHandler = 20 * time.Millisecond
)

func (c *testConsumer) exitIfIdle() {
	if !c.busy {
		c.exit(Exited{})
	}
}

func (c *testConsumer) exit(ev Exited) {
	if c.exited {
		return
	}
	c.exited = true
	delete(c.a.runs, c.run)
	ev.Key, ev.Run = c.key, c.run
	if ev.Position.IsZero() && c.next > 0 {
		ev.Position = position(c.next - 1)
	}
	c.a.w.at(c.a.w.now, func() { c.a.deliver(ev) })
}

func (c *testConsumer) poll() {
	a, w := c.a, c.a.w
	if c.exited || c.busy || a.dead || a.paused || a.stopped {
		return
	}
	if a.mono() >= c.until {
		// The term is over, as far as this worker may believe.
		w.in(50*time.Millisecond, c.poll)
		return
	}
	s := w.shards[c.key]
	tip := w.tip(s)
	if c.next > tip {
		if s.Closed {
			c.exit(Exited{End: true, Children: w.children(c.key)})
			return
		}
		w.in(testPoll, c.poll)
		return
	}
	first, last := c.next, tip
	w.delivered(c, first, last)
	c.busy = true
	w.at(max(w.now.Add(w.handler), a.stuck[c.key]), func() { c.handled(last) })
}

func (c *testConsumer) handled(last int) {
	a, w := c.a, c.a.w
	if a.dead {
		return
	}
	if a.paused {
		a.held = append(a.held, func() { c.handled(last) })
		return
	}
	if until := a.stuck[c.key]; until > w.now {
		w.at(until, func() { c.handled(last) })
		return
	}
	c.busy = false
	if c.cancelled {
		c.exit(Exited{})
		return
	}
	c.next = last + 1
	a.deliver(Progress{Key: c.key, Run: c.run, Position: position(last), Flush: c.flush})
	if c.draining {
		c.exit(Exited{})
		return
	}
	w.in(testPoll, c.poll)
}
