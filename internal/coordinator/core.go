package coordinator

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/leasehold/leasehold/lease"
)

// A Core is the state machine of one worker. It is used by one goroutine at a
// time.
type Core struct {
	cfg Config

	now Mono
	// gapped is when the machine was last known to wake from a suspend: a time
	// before says nothing about how long ago it is.
	gapped  Mono
	actions []Action
	timers  timers
	calls   map[uint64]func(Result)
	lastID  uint64
	lastRun uint64
	marks   uint64

	// held are the leases of this worker, from the first write that claims one
	// to the last that gives it up.
	held map[string]*held
	// zombies are consumers that were told to end and have not yet, by key.
	zombies map[string]*zombie

	own    ownRows
	name   ownName
	worker workerItem
	lock   lockState
	watch  watcher
	lead   leader
	stop   stopper
}

// New returns the core of a worker that has not begun.
func New(cfg Config) *Core {
	c := &Core{
		cfg:     cfg.withDefaults(),
		gapped:  -1,
		calls:   make(map[uint64]func(Result)),
		held:    make(map[string]*held),
		zombies: make(map[string]*zombie),
	}
	c.initOwn()
	c.initName()
	c.initWorker()
	c.initLock()
	c.initWatch()
	c.initLead()
	c.initStop()
	return c
}

// Begin starts the worker: it shows itself, asks for its rows and for the lock.
func (c *Core) Begin(now Mono) []Action {
	c.enter(now)
	c.beginWorker()
	c.askOwn()
	c.readLock()
	c.watchVersion()
	return c.actions
}

// Step takes an event and returns what is to be done. The slice is used again
// by the next call.
func (c *Core) Step(now Mono, ev Event) []Action {
	c.enter(now)
	if c.stop.done {
		return nil
	}
	switch ev := ev.(type) {
	case Tick:
	case Result:
		// A result of a call that nobody waits for any more has no entry.
		if f := c.calls[ev.ID]; f != nil {
			delete(c.calls, ev.ID)
			f(ev)
		}
	case Progress:
		if h := c.held[ev.Key]; h != nil && h.run == ev.Run {
			h.progress(ev)
		}
	case Exited:
		c.exited(ev)
	case Stop:
		c.beginStop()
	case Gap:
		c.gap(ev)
	case Index:
		c.own.noIndex = !ev.Active
		c.own.timer.setIn(0)
	default:
		panic(fmt.Sprintf("coordinator: unknown event %T", ev))
	}
	c.timers.run(c.now)
	c.finishStop()
	return c.actions
}

func (c *Core) enter(now Mono) {
	// Time never goes back, whatever order the caller's events come in.
	c.now = max(c.now, now)
	// What the slice holds would otherwise keep the leases of a past step alive.
	clear(c.actions)
	c.actions = c.actions[:0]
}

// Next is when to call Step with a [Tick] at the latest.
func (c *Core) Next() Mono { return c.timers.next() }

// gap answers a suspend: nothing is delivered before ownership is verified, and
// what was seen standing still was not watched.
func (c *Core) gap(ev Gap) {
	c.gapped = c.now
	c.cfg.Wall = ev.Wall.Add(-dur(c.now))
	c.watch.slept()
	for _, key := range c.keys() {
		h := c.held[key]
		if h.run != 0 {
			c.order(Action{Kind: Extend, Key: h.key, Run: h.run, Until: c.now})
		}
		h.renewNow()
	}
}

// keys returns the keys of the held leases in order, so that the same events
// give the same actions.
func (c *Core) keys() []string {
	keys := make([]string, 0, len(c.held))
	for k := range c.held {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// call asks for a call of the store or the stream, whose result goes to f.
func (c *Core) call(a Action, f func(Result)) {
	c.lastID++
	a.ID = c.lastID
	c.calls[a.ID] = f
	c.actions = append(c.actions, a)
}

// order gives an order that has no result.
func (c *Core) order(a Action) { c.actions = append(c.actions, a) }

func (c *Core) note(key string, token int64, n Notice) {
	c.order(Action{Kind: Note, Key: key, Token: token, Event: n})
}

// mark names a new logical write.
func (c *Core) mark() string {
	c.marks++
	return c.cfg.Nonce + "-" + strconv.FormatUint(c.marks, 36)
}

// startCounter is the counter of a lease that is created now. Unix milliseconds
// keep tokens growing over a deletion and a new creation.
func (c *Core) startCounter() int64 { return c.cfg.Wall.Add(dur(c.now)).UnixMilli() }

// jitter spreads d over [d, 1.1 d).
func (c *Core) jitter(d Mono) Mono { return d + Mono(c.cfg.Rand.Int64N(int64(d)/10+1)) }

// me returns the owner pair of a lease that this worker simply owns.
func (c *Core) me() lease.Owners { return lease.Owners{Owner: c.cfg.Worker} }
