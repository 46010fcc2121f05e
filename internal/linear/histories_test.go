package linear

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasehold/leasehold/internal/emul"
	"github.com/leasehold/leasehold/lease"
)

var (
	seeds = flag.Int("linear.seeds", 0, "number of histories on each table, 0 for the usual")
	from  = flag.Uint64("linear.from", 0, "seed of the first history")
)

// A play is one history while it is made: several callers who do at random what
// can be done to a few leases.
type play struct {
	seed uint64
	h    *history
	table
	callers int
	keys    []string
	// deletes says that leases are deleted.
	//
	// The counter is a fence as long as it never comes again for one key. So
	// whoever creates a lease that may have been there before must begin with a
	// counter above those of before, and this play does; but a create that
	// arrives twice, before and after a deletion, begins with the same counter
	// twice, whatever anybody does. Therefore a play has either deletions or
	// creates of unknown outcome.
	deletes bool
	lives   atomic.Int64
	seqs    atomic.Int64
	// unit is the scale of all times, and grain what they are multiples of. If it
	// is the unit, much happens at the same instant.
	unit, grain time.Duration
}

// lifetime is more than all writes of a play move a counter.
const lifetime = 1000

func newPlay(seed uint64, table table, unit time.Duration) *play {
	rnd := rand.New(rand.NewPCG(seed, 0))
	p := &play{seed: seed, h: &history{}, table: table, unit: unit, grain: 1}
	p.callers = 3 + rnd.IntN(2)
	for i := range 1 + rnd.IntN(3) {
		p.keys = append(p.keys, fmt.Sprint("lease", i))
	}
	p.deletes = rnd.IntN(3) > 0
	if rnd.IntN(4) == 0 {
		p.grain = unit
	}
	return p
}

// run plays to the end.
func (p *play) run(ctx context.Context) {
	var wg sync.WaitGroup
	for i := range p.callers {
		a := p.actor(i)
		wg.Go(func() {
			for range 80 * len(p.keys) / p.callers {
				a.act(ctx)
				time.Sleep(a.weather.span(2 * p.unit))
			}
		})
	}
	wg.Wait()
	p.settle()
	last := newCaller(p.h, p.callers, p.store(p.callers, nil), nil)
	for _, key := range p.keys {
		if _, err := last.get(ctx, key); err != nil {
			p.h.breach("the last look at %q: %v", key, err)
		}
	}
}

// actor returns a caller. What it does and what befalls it have a chance each,
// so that to change one does not change the other.
func (p *play) actor(number int) *actor {
	w := &weather{
		rnd:     rand.New(rand.NewPCG(p.seed, uint64(100+number))),
		grain:   p.grain,
		longest: 2 * p.unit,
		latest:  50 * p.unit,
		gentle:  p.deletes,
	}
	c := newCaller(p.h, number, p.store(number, w), w)
	c.m.Try = 10 * p.unit
	return &actor{
		play:   p,
		caller: c,
		name:   fmt.Sprint("w", number),
		rnd:    rand.New(rand.NewPCG(p.seed, uint64(1+number))),
		held:   map[string][]*lease.Lease{},
	}
}

// An actor is a caller who makes up what to do.
type actor struct {
	*play
	*caller
	name string
	rnd  *rand.Rand
	// held are its copies of the leases, fresh or not.
	held map[string][]*lease.Lease
	// again repeats what failed last.
	again func(context.Context)
}

func (a *actor) oneIn(n int) bool { return a.rnd.IntN(n) == 0 }

// act does one thing.
func (a *actor) act(ctx context.Context) {
	if again := a.again; again != nil {
		a.again = nil
		if a.oneIn(2) {
			again(ctx)
			return
		}
	}
	key := a.keys[a.rnd.IntN(len(a.keys))]
	held := a.held[key]
	if len(held) == 0 || a.oneIn(6) {
		a.look(ctx, key)
		return
	}
	l := held[a.rnd.IntN(len(held))]
	owner := a.name
	if a.oneIn(5) {
		owner = "w0"
	}
	switch n := a.rnd.IntN(100); {
	case n < 35:
		if a.oneIn(4) {
			l.Throughput = new(float64(1 + a.rnd.IntN(9)))
		}
		a.write(ctx, renew, l, "")
	case n < 60:
		l.Checkpoint = a.position()
		l.Pending, l.PendingState = lease.Position{}, nil
		if a.oneIn(3) {
			l.Pending, l.PendingState = a.position(), []byte(a.name)
		}
		a.write(ctx, update, l, "")
	case n < 75:
		a.write(ctx, take, l, owner)
	case n < 80:
		a.write(ctx, foreign, l, owner)
	case n < 90 || !a.deletes:
		a.write(ctx, evict, l, "")
	case n < 96:
		a.write(ctx, remove, l, "")
	default:
		a.create(ctx, key)
	}
}

// drop forgets a copy.
func (a *actor) drop(l *lease.Lease) {
	a.held[l.Key] = slices.DeleteFunc(a.held[l.Key], func(h *lease.Lease) bool { return h == l })
}

// position returns one that is used once.
func (a *actor) position() lease.Position { return position(a.seqs.Add(1)) }

// position returns the position of a record with a small sequence number.
func position(n int64) lease.Position {
	seq, err := lease.ParseSequence(strconv.FormatInt(n, 10))
	if err != nil {
		panic(err)
	}
	return lease.At(seq, 0)
}

// look reads a lease, and creates it if there is none.
func (a *actor) look(ctx context.Context, key string) {
	switch l, err := a.get(ctx, key); {
	case err != nil:
	case l == nil:
		a.create(ctx, key)
	case len(a.held[key]) < 2:
		a.held[key] = append(a.held[key], l)
	default:
		a.held[key][a.rnd.IntN(2)] = l
	}
}

func (a *actor) create(ctx context.Context, key string) {
	l := &lease.Lease{Key: key, Counter: lifetime * a.lives.Add(1), Checkpoint: lease.TrimHorizon}
	if !a.oneIn(3) {
		l.Owner = a.name
		if a.oneIn(2) && l.Owner != "w0" {
			l.NextOwner = "w0"
		}
	}
	a.write(ctx, create, l, "")
}

// write makes a write for l, with less than all the time at times, and decides
// what to do with l afterwards.
func (a *actor) write(ctx context.Context, k kind, l *lease.Lease, owner string) {
	a.try(ctx, k, l, owner)
}

// try makes a write or repeats it.
func (a *actor) try(ctx context.Context, k kind, l *lease.Lease, owner string) {
	within := 1 + a.span(8*a.unit)
	if a.oneIn(5) && !(k == create && a.deletes) {
		hurried, cancel := context.WithTimeout(ctx, within)
		defer cancel()
		ctx = hurried
	}
	ok, err := a.do(ctx, k, l, owner)
	switch {
	case err != nil:
		a.again = func(ctx context.Context) { a.try(ctx, k, l, owner) }
		if k == create && a.oneIn(2) {
			a.held[l.Key] = append(a.held[l.Key], l)
		}
	case k == create && ok:
		a.held[l.Key] = append(a.held[l.Key], l)
	case k == create, k == remove && a.oneIn(2), !ok && !a.oneIn(3):
		// It is lost. Now and then it is used further all the same.
		a.drop(l)
	}
}

func (a *actor) span(d time.Duration) time.Duration { return time.Duration(a.rnd.Int64N(int64(d) + 1)) }

// usual is how many histories there are of a table.
func usual(n int) int {
	switch {
	case *seeds > 0:
		return *seeds
	case testing.Short():
		return max(1, n/5)
	}
	return n
}

// report says which seed makes a history that is not linearizable.
func report(t *testing.T, p *play) {
	t.Helper()
	err := p.h.check()
	if err != nil && slices.ContainsFunc(p.keys, p.h.anew) {
		// Over a real network, on a slow machine.
		t.Logf("seed %d: no verdict, for a create timed out; see play.deletes", p.seed)
	} else if err != nil {
		t.Errorf("seed %d: %s\nTo repeat it: go test ./internal/linear -run '^%s$' -linear.from %d -linear.seeds 1",
			p.seed, p.h.explain(err), t.Name(), p.seed)
	}
}

// A tally counts what histories are about, so that they cannot become harmless
// unseen.
type tally struct {
	writes, done, refused int
	// Of a try nothing is known, and the write was done, refused, or failed.
	doneAfter, refusedAfter, unknown int
	// repeated writes were done by a later call.
	repeated int
}

func (n *tally) count(h *history) {
	for _, w := range h.writes {
		n.writes++
		after := w.unknown > 0
		switch {
		case w.outcome == done && after:
			n.doneAfter++
		case w.outcome == done:
			n.done++
		case w.outcome == refused && after:
			n.refusedAfter++
		case w.outcome == refused:
			n.refused++
		case after:
			n.unknown++
		}
		if w.outcome == done && w.calls > 1 {
			n.repeated++
		}
	}
}

// check fails the test if so many histories had too little of something.
func (n *tally) check(t *testing.T, histories int) {
	t.Helper()
	t.Logf("%d histories: %+v", histories, *n)
	each := func(what string, got, want int) {
		if got < want*histories {
			t.Errorf("%d %s in %d histories, want %d in each", got, what, histories, want)
		}
	}
	each("writes done", n.done, 10)
	each("writes refused", n.refused, 10)
	each("writes done after a try of unknown outcome", n.doneAfter, 2)
	each("writes refused after a try of unknown outcome", n.refusedAfter, 2)
	each("writes of unknown outcome", n.unknown, 1)
	if histories >= 10 && n.repeated == 0 {
		t.Errorf("no write was done by a repetition")
	}
}

// histories makes and checks histories in bubbles, where time costs nothing and
// two runs of a seed differ in what happens at the same instant only.
func histories(t *testing.T, n int, table func(*testing.T) table) {
	t.Parallel()
	var sum tally
	n = usual(n)
	for seed := *from; seed < *from+uint64(n); seed++ {
		var p *play
		synctest.Test(t, func(t *testing.T) {
			p = newPlay(seed, table(t), time.Millisecond)
			p.run(t.Context())
		})
		report(t, p)
		if t.Failed() {
			return
		}
		sum.count(p.h)
	}
	sum.check(t, n)
}

func TestHistoriesInMemory(t *testing.T) {
	histories(t, 300, func(*testing.T) table { return newMemory() })
}

func TestHistoriesOnTheFake(t *testing.T) {
	histories(t, 60, func(t *testing.T) table { return newFake(t) })
}

// Here time is real, and the histories are made side by side.
func TestEmulatorHistories(t *testing.T) {
	for _, s := range emul.DynamoDBs(t) {
		t.Run(s.Name, func(t *testing.T) {
			var plays []*play
			var wg sync.WaitGroup
			for seed := *from; seed < *from+uint64(usual(10)); seed++ {
				table := newEmulated(t, s)
				p := newPlay(seed, table, 5*time.Millisecond)
				plays = append(plays, p)
				wg.Go(func() {
					p.run(t.Context())
					table.drop()
				})
			}
			wg.Wait()
			var sum tally
			for _, p := range plays {
				report(t, p)
				sum.count(p.h)
			}
			t.Logf("%d histories: %+v", len(plays), sum)
		})
	}
}
