package coordinator

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// To look for more: go test -run TestStorm -storm.seeds 5000 -storm.from 1000
var (
	stormSeeds = flag.Int("storm.seeds", 0, "number of storms, 0 for the usual")
	stormFrom  = flag.Uint64("storm.from", 0, "seed of the first storm")
)

// storm is a fleet in bad weather: workers come, go and sleep, shards split and
// merge, and the table fails in every way that it can, all at random by one seed.
type storm struct {
	*world
	rnd   *rand.Rand
	javas []*javaWorker
	next  int // the number in the next new worker's name

	// What the table suffers from at present.
	out       bool            // nothing arrives
	throttled int             // percent of the calls that are refused
	slow      int             // percent of the calls that are late or lose their reply
	noLooks   bool            // looks fail
	stale     int             // percent of the reads are old
	cut       map[string]bool // workers that do not reach the table
	log       []string
}

func newStorm(t testing.TB, seed uint64) *storm {
	s := &storm{
		world: newWorld(t, seed, 1+int(seed%6)),
		rnd:   rand.New(rand.NewPCG(seed, 77)),
		cut:   make(map[string]bool),
	}
	s.every = Mono(200 * time.Millisecond)
	s.latency = 5 * time.Millisecond << (seed / 6 % 6)
	s.fault = s.decide
	// Later than any request of a storm is late.
	s.tidyAfter = 50 * time.Second
	// Those that only slept find their items deleted.
	s.deadAfter = 20 * time.Second
	s.refusedFor = 20 * time.Second
	return s
}

func (s *storm) say(format string, args ...any) {
	s.log = append(s.log, fmt.Sprintf("%v: ", time.Duration(s.now))+fmt.Sprintf(format, args...))
}

// decide is the fate of one call.
func (s *storm) decide(a *actor, act *Action) fault {
	switch {
	case s.out || s.cut[a.name] || s.noLooks && act.Kind == Look:
		if s.rnd.IntN(2) == 0 {
			return fault{refuse: true}
		}
		// It arrives when nobody waits for it any more, or never.
		if s.rnd.IntN(4) == 0 {
			return fault{delay: 10*time.Second + time.Duration(s.rnd.IntN(20_000))*time.Millisecond}
		}
		return fault{refuse: true}
	case s.rnd.IntN(100) < s.throttled:
		return fault{refuse: true}
	case s.rnd.IntN(100) < s.stale:
		return fault{stale: true}
	case s.rnd.IntN(100) < s.slow:
		switch s.rnd.IntN(4) {
		case 0:
			return fault{loseReply: true}
		case 1:
			return fault{delay: time.Duration(s.rnd.IntN(15_000)) * time.Millisecond}
		case 2:
			return fault{reply: time.Duration(s.rnd.IntN(1500)) * time.Millisecond}
		}
		return fault{delay: time.Duration(s.rnd.IntN(1500)) * time.Millisecond}
	}
	return fault{}
}

// some is a worker that is running, nil if there is none.
func (s *storm) some() *actor {
	var up []*actor
	for _, a := range s.actors {
		if !a.dead && !a.stopped && !a.paused {
			up = append(up, a)
		}
	}
	if len(up) == 0 {
		return nil
	}
	return up[s.rnd.IntN(len(up))]
}

// suspend stops a worker and its monotonic clock. It learns of it when it wakes.
func (s *storm) suspend(a *actor, d time.Duration) {
	a.pause()
	s.in(d, func() {
		if !a.paused {
			return
		}
		a.start = a.start.Add(d)
		a.paused = false
		a.deliver(Gap{Wall: epoch.Add(time.Duration(s.now) + a.wall)})
		a.resume()
	})
}

func (s *storm) join() {
	name := fmt.Sprintf("w%d", s.next)
	s.next++
	s.say("%s joins", name)
	s.worker(name)
}

func (s *storm) open() []string {
	var open []string
	for _, x := range s.list() {
		if !x.Closed {
			open = append(open, x.ID)
		}
	}
	return open
}

// reshard splits a shard or merges two.
func (s *storm) reshard() {
	open := s.open()
	s.rnd.Shuffle(len(open), func(i, j int) { open[i], open[j] = open[j], open[i] })
	switch split := s.rnd.IntN(2) == 0; {
	case split && len(open) < 12:
		x, y := s.split(open[0])
		s.say("%s is split into %s and %s", open[0], x, y)
	case !split && len(open) > 1:
		s.say("%s and %s are merged into %s", open[0], open[1], s.merge(open[0], open[1]))
	}
}

// step lets one thing happen.
func (s *storm) step() {
	a := s.some()
	if a == nil {
		s.join()
		return
	}
	spell := func(least, most int) time.Duration {
		return time.Duration(least+s.rnd.IntN(most-least)) * time.Millisecond
	}
	switch s.rnd.IntN(19) {
	case 0, 1:
		if len(s.actors) < 16 {
			s.join()
		}
	case 2:
		s.say("%s is killed", a.name)
		a.kill()
	case 3:
		// The same name again, as a program does that is given a fixed one.
		s.say("%s is killed and starts anew under its name", a.name)
		a.kill()
		s.in(spell(10, 15_000), func() { s.worker(a.name) })
	case 4, 5:
		s.say("%s is told to stop", a.name)
		a.stop()
	case 6:
		b := s.some()
		s.say("%s and %s are told to stop", a.name, b.name)
		a.stop()
		s.in(spell(0, 1500), func() {
			if !b.paused {
				b.stop()
			}
		})
	case 7:
		d := spell(100, 40_000)
		s.say("%s sleeps for %v", a.name, d)
		a.pause()
		s.in(d, func() {
			if a.paused {
				a.resume()
			}
		})
	case 8, 9, 10, 11:
		s.reshard()
	case 12:
		d := spell(500, 60_000)
		s.say("the table is out for %v", d)
		s.out = true
		s.in(d, func() { s.out = false })
	case 13:
		d := spell(500, 40_000)
		s.throttled = 50 + s.rnd.IntN(50)
		s.say("%d %% are refused for %v", s.throttled, d)
		s.in(d, func() { s.throttled = 0 })
	case 14:
		d := spell(500, 40_000)
		s.slow = 5 + s.rnd.IntN(60)
		s.say("%d %% are slow for %v", s.slow, d)
		s.in(d, func() { s.slow = 0 })
	case 15:
		d := spell(500, 60_000)
		s.say("the machine of %s is suspended for %v", a.name, d)
		s.suspend(a, d)
	case 16:
		d := spell(500, 40_000)
		s.stale = 20 + s.rnd.IntN(80)
		s.say("%d %% of the reads are old for %v", s.stale, d)
		s.in(d, func() { s.stale = 0 })
	case 17:
		d := spell(500, 40_000)
		if s.rnd.IntN(3) == 0 {
			s.say("looks fail for %v", d)
			s.noLooks = true
			s.in(d, func() { s.noLooks = false })
			return
		}
		s.say("%s is cut off for %v", a.name, d)
		s.cut[a.name] = true
		s.in(d, func() { delete(s.cut, a.name) })
	case 18:
		open := s.open()
		key, d := open[s.rnd.IntN(len(open))], spell(5000, 50_000)
		s.say("handlers of %s for %s do not return for %v", a.name, key, d)
		a.stuck[key] = s.now.Add(d)
	}
}

// calm ends all faults, gives the fleet the time that its bounds allow, and
// checks that it is then as if nothing had been.
func (s *storm) calm() {
	s.out, s.throttled, s.slow, s.stale, s.noLooks = false, 0, 0, 0, false
	clear(s.cut)
	for _, a := range s.actors {
		if a.paused {
			a.resume()
		}
	}
	// What was planned for a moment later comes.
	s.run(16 * time.Second)
	s.fault = nil
	for _, a := range s.actors {
		if a.paused {
			a.resume()
		}
	}
	if s.some() == nil || !slices.ContainsFunc(s.actors, func(a *actor) bool { return s.stays(a) }) {
		s.join()
	}
	s.say("all is well from now on")
	slack := 2 * time.Second
	if len(s.javas) > 0 {
		// They read seldom, and count as alive for a minute after their death.
		slack = 5 * time.Second
		s.run(foreignAlive + 2*(10*time.Second+foreignNotice))
	}
	// The longest stop, then the longest failover, then balance and its drains.
	s.run(30*time.Second + 45*time.Second + 15*time.Second)
	for _, a := range s.actors {
		if !a.dead && a.core.stop.begun && !a.stopped {
			s.t.Errorf("%s is still stopping", a.name)
		}
	}
	var up []*actor
	for _, a := range s.actors {
		if s.stays(a) {
			up = append(up, a)
		}
	}
	if !s.allDelivered(slack) {
		s.t.Errorf("records stand still: %v", s.owners())
	}
	s.checkBalance(up)
	s.checkRest(up)
	before := s.owners()
	moved := 0
	s.written = func(_ string, before, after lease.Lease) {
		if before.Owners() != after.Owners() {
			moved++
		}
	}
	repeats, calls := s.repeats, s.calls
	s.run(30 * time.Second)
	// Each asks for its rows 30 times and for the lock 6 times, and writes its item
	// at most 6 times; two look; each lease is renewed 6 times.
	if n, most := s.calls-calls, 44*len(up)+64+7*len(before); n > most {
		s.t.Errorf("in rest there were %d calls in 30 s, want at most %d", n, most)
	}
	if moved != 0 || s.repeats != repeats {
		s.t.Errorf("in rest %d writes moved a lease, and %d records came twice: %v, then %v", moved, s.repeats-repeats, before, s.owners())
	}
	if !s.allDelivered(slack) {
		s.t.Errorf("records stand still in the end: %v", s.owners())
	}
}

// stays reports whether a worker runs and is to go on.
func (s *storm) stays(a *actor) bool { return !a.dead && !a.stopped && !a.core.stop.begun }

func (s *storm) checkBalance(up []*actor) {
	holds := s.holds()
	total, least, most := 0, 1<<30, 0
	for _, n := range holds {
		total += n
	}
	mine := 0
	for _, a := range up {
		n := holds[a.name]
		mine += n
		least, most = min(least, n), max(most, n)
		if a.reading() != n {
			s.t.Errorf("%s holds %d leases and reads %d shards", a.name, n, a.reading())
		}
	}
	for _, j := range s.javas {
		if n := holds[j.name]; !j.dead {
			mine += n
			least, most = min(least, n), max(most, n)
		}
	}
	if mine != total || most-least > 1 {
		s.t.Errorf("the leases are not shared evenly: %v", s.owners())
	}
}

// checkRest looks into the cores for what should not have stayed.
func (s *storm) checkRest(up []*actor) {
	leads, watches := 0, 0
	for _, a := range up {
		c := a.core
		if c.lock.leading {
			leads++
		}
		if c.watch.on {
			watches++
		}
		if len(c.held) != a.reading() {
			s.t.Errorf("%s holds %d leases in its core and reads %d shards", a.name, len(c.held), a.reading())
		}
		if len(c.zombies)+len(c.own.incoming)+len(c.own.getting)+len(c.watch.moving) > 0 {
			s.t.Errorf("%s keeps zombies %v, incoming %d, getting %v, moving %v", a.name, c.zombies, len(c.own.incoming), c.own.getting, c.watch.moving)
		}
		if !c.watch.on && len(c.watch.rows) > 0 {
			s.t.Errorf("%s does not watch and keeps %d rows", a.name, len(c.watch.rows))
		}
		if n := len(c.watch.rows); n > len(s.shards) {
			s.t.Errorf("%s keeps %d rows of %d shards", a.name, n, len(s.shards))
		}
		// Those of each lease, and a handful of the worker's own.
		if n := len(c.timers.heap); n > 10+3*len(c.held) {
			s.t.Errorf("%s has %d timers and %d leases", a.name, n, len(c.held))
		}
		if n := len(c.calls); n > 6+len(c.held) {
			s.t.Errorf("%s waits for %d calls", a.name, n)
		}
	}
	if leads != 1 || watches != min(2, len(up)) {
		s.t.Errorf("%d lead and %d watch of %d workers", leads, watches, len(up))
	}
}

// seeds calls f with as many seeds as usual, or as the flags say.
func seeds(t *testing.T, usual, short int, f func(t *testing.T, seed uint64)) {
	n := usual
	if testing.Short() {
		n = short
	}
	if *stormSeeds > 0 {
		n = *stormSeeds
	}
	for i := range uint64(n) {
		seed := *stormFrom + i
		if !t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { f(t, seed) }) && *stormSeeds == 0 {
			return
		}
	}
}

// tell logs what happened, if it went wrong.
func (s *storm) tell() {
	if s.t.Failed() {
		for _, line := range s.log {
			s.t.Log(line)
		}
	}
}

// TestStorm lets everything go wrong for some minutes, and then nothing.
func TestStorm(t *testing.T) {
	seeds(t, 400, 80, func(t *testing.T, seed uint64) {
		s := newStorm(t, seed)
		defer s.tell()
		for range 1 + s.rnd.IntN(4) {
			s.join()
			s.run(time.Duration(s.rnd.IntN(3000)) * time.Millisecond)
		}
		s.run(time.Duration(s.rnd.IntN(20_000)) * time.Millisecond)
		for range 5 + s.rnd.IntN(25) {
			s.step()
			s.run(time.Duration(s.rnd.IntN(8000)) * time.Millisecond)
			if t.Failed() {
				return
			}
		}
		s.calm()
	})
}

// TestStormWithJava does so to workers of both libraries.
func TestStormWithJava(t *testing.T) {
	seeds(t, 100, 20, func(t *testing.T, seed uint64) {
		s := newStorm(t, seed)
		defer s.tell()
		s.join()
		s.run(5 * time.Second)
		for i := range 12 {
			switch {
			case i%4 == 0:
				name := fmt.Sprintf("java%d", len(s.javas))
				s.say("%s joins", name)
				s.javas = append(s.javas, s.java(name))
			case s.rnd.IntN(8) == 0:
				j := s.javas[s.rnd.IntN(len(s.javas))]
				s.say("%s dies", j.name)
				j.dead = true
			default:
				s.step()
			}
			s.run(time.Duration(s.rnd.IntN(20_000)) * time.Millisecond)
		}
		for _, j := range s.javas {
			j.dead = j.dead || seed%2 == 0
		}
		s.calm()
	})
}

// TestFairWeather lets workers come and stop, shards split and merge, and nothing
// fail: no record comes twice, and no shard waits out a failover time.
func TestFairWeather(t *testing.T) {
	seeds(t, 200, 40, func(t *testing.T, seed uint64) {
		s := newStorm(t, seed)
		s.fault = nil
		s.every, s.latency = Mono(50*time.Millisecond), 5*time.Millisecond<<(seed%5)
		defer s.tell()
		s.join()
		s.run(20 * time.Second)
		from := s.now
		for range 20 {
			a := s.some()
			switch s.rnd.IntN(3) {
			case 0:
				if len(s.actors) < 20 {
					s.join()
				}
			case 1:
				others := func(b *actor) bool { return b != a && s.stays(b) }
				if slices.ContainsFunc(s.actors, others) {
					s.say("%s is told to stop", a.name)
					a.stop()
				}
			default:
				s.reshard()
			}
			s.run(time.Duration(s.rnd.IntN(8000)) * time.Millisecond)
		}
		s.run(20 * time.Second)
		if s.repeats != 0 || s.lost() != 0 {
			t.Errorf("%d records came twice, and %d leases were lost", s.repeats, s.lost())
		}
		// A leader that stops before it has a deputy is missed when somebody
		// next asks for the lock.
		longest := lockEvery + lookEvery + 10*s.latency
		last := make(map[string]Mono)
		for _, d := range s.deliveries {
			since, ok := last[d.shard]
			if !ok {
				since = s.shards[d.shard].opened
			}
			if wait := time.Duration(d.at - since); wait > longest && d.at > from {
				t.Errorf("%s stood still for %v until %v", d.shard, wait, time.Duration(d.at))
			}
			last[d.shard] = d.at
		}
		if !s.allDelivered(2 * time.Second) {
			t.Errorf("records stand still: %v", s.owners())
		}
	})
}
