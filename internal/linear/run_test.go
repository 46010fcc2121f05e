package linear

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/memlease"
)

// A run is one execution of a few programs, each with a Manager of its own, over
// one table. Nothing happens by itself: a request waits at the gate until the run
// lets it arrive, and then until the run lets the reply through. So at most one
// program goes on at any time, no clock decides anything, and what happens is a
// function of the choices.
type run struct {
	h       *history
	store   *memlease.Store
	callers []*caller
	waiting []*request    // of each caller, nil if it has come to its end
	stopped chan struct{} // the caller that went on waits, or has come to its end

	// straight says that a reply comes back as soon as its request has arrived.
	straight bool
	// losses and delays are how many more there may be.
	losses, delays int
	// stray is the request that its sender gave up and that will arrive yet.
	stray *request

	// begun are the counters with which leases were created, and anew says that
	// one of them came twice.
	begun []int64
	anew  bool

	choices []choice
	next    int // index of the next choice
	options []action
	told    bool // trace is wanted
	trace   []string
}

// A choice is which of several things happened next.
type choice struct{ taken, of int }

// A request is a call of the store that waits at the gate.
type request struct {
	caller int
	write  *write // it is a try of
	first  bool   // of its call
	begins bool   // it is the first of the write too
	reads  bool
	call   func() string // carries it out and says what came of it
	gone   bool          // it was decided upon
	err    error
	resume chan error
}

// An action is what can happen next, to the request of a caller or to the stray
// one.
type action struct {
	kind   deed
	caller int
}

type deed uint8

const (
	arrive      deed = iota
	loseRepeat       // it arrives and its reply is lost; the Manager tries again
	loseEnd          // the same, but the error ends the operation
	delayRepeat      // its sender gives it up and tries again; it arrives later
	delayEnd         // the same, but the error ends the operation
	answer           // the reply, or the error, comes back
	arriveLate       // the stray request arrives
)

func (d deed) String() string {
	return [...]string{"arrives", "arrives, its reply is lost and it may be repeated", "arrives, its reply is lost",
		"is given up and may be repeated", "is given up", "is answered", "arrives late"}[d]
}

// A gate is the store of one caller.
type gate struct {
	lease.Store
	*run
	number int
}

// pass waits until the run has decided what becomes of a request.
func (g *gate) pass(reads bool, call func(*write) string) error {
	c := g.callers[g.number]
	r := &request{caller: g.number, write: c.now, first: c.first, begins: c.began, reads: reads, resume: make(chan error)}
	r.call = func() string { return call(r.write) }
	g.waiting[g.number] = r
	g.stopped <- struct{}{}
	return <-r.resume
}

// Get implements [lease.Store].
func (g *gate) Get(ctx context.Context, key string) (*lease.Lease, error) {
	var l *lease.Lease
	err := g.pass(true, func(*write) string {
		l, _ = g.Store.Get(context.Background(), key)
		return fmt.Sprint(stateOf(l))
	})
	return l, err
}

func (g *gate) changed(call func() (lease.Lease, bool)) (image lease.Lease, applied bool, err error) {
	err = g.pass(false, func(w *write) string {
		image, applied = call()
		if applied {
			if w.kind == create {
				g.anew = g.anew || slices.Contains(g.begun, image.Counter)
				g.begun = append(g.begun, image.Counter)
			}
			w.stored = new(image.Clone())
			return "applied"
		}
		return "refused"
	})
	return image, applied, err
}

// Create implements [lease.Store].
func (g *gate) Create(_ context.Context, l lease.Lease) (lease.Lease, bool, error) {
	return g.changed(func() (lease.Lease, bool) {
		image, applied, _ := g.Store.Create(context.Background(), l)
		return image, applied
	})
}

// Change implements [lease.Store].
func (g *gate) Change(_ context.Context, key string, cond lease.Cond, set lease.Set) (lease.Lease, bool, error) {
	cond, set = sent(cond, set)
	return g.changed(func() (lease.Lease, bool) {
		image, applied, _ := g.Store.Change(context.Background(), key, cond, set)
		return image, applied
	})
}

// Delete implements [lease.Store].
func (g *gate) Delete(_ context.Context, key string, cond lease.Cond) (bool, error) {
	var applied bool
	err := g.pass(false, func(*write) string {
		applied, _ = g.Store.Delete(context.Background(), key, cond)
		return fmt.Sprint("applied: ", applied)
	})
	return applied, err
}

// newRun returns a run of so many callers that makes the given choices first.
// Stored is the lease in the table, nil if there is none.
func newRun(callers int, stored *lease.Lease, choices []choice) *run {
	r := &run{
		h:       &history{},
		store:   memlease.New("t"),
		waiting: make([]*request, callers),
		stopped: make(chan struct{}),
		losses:  1,
		delays:  1,
		choices: choices,
	}
	if stored != nil {
		w := &write{caller: callers, outcome: done, after: stateOf(stored), start: r.h.tick(), finish: r.h.tick()}
		w.input = input{kind: create, key: stored.Key, id: r.h.id(), counter: stored.Counter,
			owner: stored.Owner, next: stored.NextOwner, values: valuesOf(stored)}
		r.h.begin(w)
		r.store.Create(context.Background(), *stored)
	}
	for i := range callers {
		c := newCaller(r.h, i, &gate{r.store, r, i}, nil)
		c.m.Try = time.Hour // however slow the machine is
		r.callers = append(r.callers, c)
	}
	return r
}

// A stage has a goroutine for each program of a run, and serves many runs: a new
// goroutine would have to grow its stack each time.
type stage []chan func()

func newStage(callers int) stage {
	s := make(stage, callers)
	for i := range s {
		s[i] = make(chan func())
		go func() {
			for play := range s[i] {
				play()
			}
		}()
	}
	return s
}

func (s stage) close() {
	for _, c := range s {
		close(c)
	}
}

// execute runs one program for each caller to their end, and then looks at what
// is stored under key.
func (r *run) execute(s stage, key string, programs ...func(*caller)) {
	for i, p := range programs {
		s[i] <- func() {
			p(r.callers[i])
			r.waiting[i] = nil
			r.stopped <- struct{}{}
		}
		<-r.stopped
	}
	for {
		r.list()
		if len(r.options) == 0 {
			break
		}
		r.act(r.options[r.choose(len(r.options))])
	}
	// A request that has not arrived by now may never do so, or does after all.
	r.look(key)
	if r.stray != nil {
		r.act(action{kind: arriveLate})
		r.look(key)
	}
}

func (r *run) look(key string) {
	start := r.h.tick()
	l, _ := r.store.Get(context.Background(), key)
	r.h.add(len(r.callers), &input{role: read, kind: get, key: key}, stateOf(l), start, r.h.tick())
	r.tell("at the end there is %v", stateOf(l))
}

// list finds what can happen next, if anybody is still there.
func (r *run) list() {
	r.options = r.options[:0]
	for i, q := range r.waiting {
		add := func(kinds ...deed) {
			for _, k := range kinds {
				r.options = append(r.options, action{k, i})
			}
		}
		switch {
		case q == nil:
		case q.gone:
			add(answer)
		default:
			add(arrive)
			if !q.reads && r.losses > 0 {
				add(loseRepeat, loseEnd)
			}
			if !q.reads && r.delays > 0 {
				add(delayRepeat, delayEnd)
			}
		}
	}
	if len(r.options) > 0 && r.stray != nil {
		r.options = append(r.options, action{kind: arriveLate})
	}
}

// choose returns which of n things happens.
func (r *run) choose(n int) int {
	if n == 1 {
		return 0
	}
	if r.next == len(r.choices) {
		r.choices = append(r.choices, choice{0, n})
	}
	c := r.choices[r.next]
	if c.of != n {
		panic(fmt.Sprintf("choice %d is one of %d, and was one of %d before: a run depends on more than its choices", r.next, n, c.of))
	}
	r.next++
	return c.taken
}

// act has a happen.
func (r *run) act(a action) {
	if a.kind == arriveLate {
		q := r.stray
		r.stray = nil
		r.tell("%v's %v arrives late: %s", name(q.caller), q.write.kind, q.call())
		return
	}
	q := r.waiting[a.caller]
	if a.kind == answer {
		r.resume(q)
		return
	}
	q.gone = true
	if q.first {
		// The operation may as well have been called only now: of all histories
		// with these requests this one says most about their order.
		q.write.called = r.h.tick()
		if q.begins {
			q.write.start = q.write.called
		}
	}
	came := ""
	switch a.kind {
	case delayRepeat, delayEnd:
		r.delays--
		r.stray = q
	default:
		came = ": " + q.call()
	}
	switch a.kind {
	case loseRepeat, loseEnd:
		r.losses--
	}
	if a.kind != arrive {
		q.err = &lease.Error{Op: "send", Kind: lease.ErrDependency, Err: errReset,
			Retryable: a.kind == loseRepeat || a.kind == delayRepeat}
	}
	r.tell("%v's %v %v%s", name(a.caller), q.write.kind, a.kind, came)
	if r.straight {
		r.resume(q)
	}
}

// resume lets the caller of q go on, until it waits again.
func (r *run) resume(q *request) {
	q.resume <- q.err
	<-r.stopped
}

func (r *run) tell(format string, args ...any) {
	if r.told {
		r.trace = append(r.trace, fmt.Sprintf(format, args...))
	}
}

// name is that of a caller.
func name(caller int) string { return string(rune('a' + caller)) }
