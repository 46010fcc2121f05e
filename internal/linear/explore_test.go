package linear

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"github.com/leasehold/leasehold/lease"
)

var all = flag.Bool("linear.all", false, "explore all pairs of programs of two operations")

// A program is what one caller does, one operation after the other, with one copy
// of the lease.
type program []kind

func (p program) String() string {
	names := make([]string, len(p))
	for i, k := range p {
		names[i] = k.String()
	}
	return strings.Join(names, ", ")
}

// programs returns all programs of n operations out of some.
func programs(n int, of ...kind) (all []program) {
	if n == 0 {
		return []program{nil}
	}
	for _, p := range programs(n-1, of...) {
		for _, k := range of {
			all = append(all, append(p[:len(p):len(p)], k))
		}
	}
	return all
}

// every is all operations. To give a lease up is to evict oneself.
var every = []kind{get, create, renew, take, update, evict, remove}

// run does p with the copy l. What is done again after an error is the same as
// before, so that it is a repetition.
func (p program) run(c *caller, l *lease.Lease, again bool) {
	ctx := context.Background()
	failed := map[kind]bool{}
	var created *lease.Lease
	for i, k := range p {
		switch {
		case k == get:
			if got, _ := c.get(ctx, l.Key); got != nil {
				l = got
			}
			continue
		case k == create && !failed[create]:
			// No counter of the key comes twice, but where the test wants it.
			counter := int64(lifetime * (1 + i + 8*c.number))
			if again {
				counter = l.Counter
			}
			created = &lease.Lease{Key: l.Key, Owner: name(c.number), Counter: counter, Checkpoint: lease.TrimHorizon}
		case k == update && !failed[update]:
			l.Checkpoint = positions[c.number][i]
		}
		passed := l
		if k == create {
			passed = created
		}
		ok, err := c.do(ctx, k, passed, name(c.number))
		failed[k] = err != nil
		if ok && k != remove {
			c.agrees(passed)
		}
		if ok || err != nil {
			l = passed
		}
	}
}

// agrees checks that a lease, after a success, is what its write stored.
func (c *caller) agrees(l *lease.Lease) {
	w := c.now
	switch s := w.stored; {
	case s == nil:
		c.h.breach("%v says that it is done, and nothing was written", w.kind)
	case l.Counter != s.Counter, l.Owners() != s.Owners(), w.kind == update && valuesOf(l) != valuesOf(s):
		c.h.breach("%v left %+v in the table and %+v in the passed lease", w.kind, *s, *l)
	}
}

var positions = func() (all [2][4]lease.Position) {
	for c := range all {
		for i := range all[c] {
			all[c][i] = position(int64(100*c + i + 1))
		}
	}
	return all
}()

// A start is what there is when two programs begin. Their copies of the lease
// always say that it is a's.
type start uint8

const (
	owned  start = iota // and so it is
	absent              // but it was deleted
	handed              // and that it is given to b
	moved               // but somebody has given it to b since
)

func (s start) String() string {
	return [...]string{"the lease is a's", "the lease is deleted", "the lease is given by a to b",
		"the lease is given by a to b, of which they do not know"}[s]
}

func (s start) leases() (copied, stored *lease.Lease) {
	l := lease.Lease{Key: "k", Owner: "a", Counter: 5, Checkpoint: lease.TrimHorizon}
	switch s {
	case owned:
		return &l, &l
	case absent:
		return &l, nil
	}
	given := l
	given.NextOwner = "b"
	if s == handed {
		return &given, &given
	}
	given.Counter++
	return &l, &given
}

// A scope is what is explored: two programs over one lease.
type scope struct {
	a, b program
	start
	// loose has a reply come back at any time after its request has arrived.
	//
	// Otherwise it comes back at once, which leaves out nothing but histories
	// that demand less: while a program waits for a reply it does nothing, so
	// that each order of the arrivals has the same results, and the sooner an
	// operation returns the more is known to come after it.
	loose bool
	// once is that of a history, and again has a lease that is created begin with
	// the counter of before.
	once, again bool
}

func (s scope) String() string { return fmt.Sprintf("a does %v; b does %v; %v", s.a, s.b, s.start) }

// execute executes s with some choices first.
func (s scope) execute(on stage, choices []choice, told bool) *run {
	copied, stored := s.leases()
	r := newRun(2, stored, choices)
	r.straight, r.told, r.h.once = !s.loose, told, s.once
	r.execute(on, copied.Key,
		func(c *caller) { s.a.run(c, new(copied.Clone()), s.again) },
		func(c *caller) { s.b.run(c, new(copied.Clone()), s.again) })
	return r
}

// explore executes s in every way that there is and returns how many these are.
// The first execution that the contract does not allow is the last one, and
// returned as told.
func (s scope) explore() (executions int, wrong *run, err error) {
	on := newStage(2)
	defer on.close()
	var choices []choice
	for {
		r := s.execute(on, choices, false)
		executions++
		// Where the counter began anew it is no fence any more, and nobody can
		// help it.
		if err := r.h.check(); err != nil && (s.once || !r.anew) {
			return executions, s.execute(on, r.choices, true), err
		}
		// The next execution in order does the same up to the last choice that
		// has not been everything, and there the next thing.
		choices = r.choices
		for len(choices) > 0 && choices[len(choices)-1].taken == choices[len(choices)-1].of-1 {
			choices = choices[:len(choices)-1]
		}
		if len(choices) == 0 {
			return executions, nil, nil
		}
		choices[len(choices)-1].taken++
	}
}

// explore explores all scopes and checks that there are at least so many
// executions: a Manager or a scheduler that does less than before must not pass.
func explore(t *testing.T, floor int, scopes ...scope) {
	t.Helper()
	// What an execution leaves behind is small and soon garbage.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	var mu sync.Mutex // guards what follows
	total, wrongs := 0, 0
	next := make(chan scope)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for s := range next {
				n, wrong, err := s.explore()
				mu.Lock()
				total += n
				if err != nil {
					wrongs++
				}
				if err != nil && wrongs <= 5 {
					t.Errorf("%v:\n\t%s\n%s", s, strings.Join(wrong.trace, "\n\t"), wrong.h.explain(err))
				}
				mu.Unlock()
			}
		})
	}
	for _, s := range scopes {
		next <- s
	}
	close(next)
	wg.Wait()
	t.Logf("%d executions of %d pairs of programs", total, len(scopes))
	if wrongs > 5 {
		t.Errorf("so it is with %d pairs", wrongs)
	}
	if wrongs == 0 && total < floor {
		t.Errorf("explored %d executions, want at least %d", total, floor)
	}
}

// pairs returns the scopes of all pairs.
func pairs(s start, as, bs []program) (all []scope) {
	for _, a := range as {
		for _, b := range bs {
			all = append(all, scope{a: a, b: b, start: s})
		}
	}
	return all
}
