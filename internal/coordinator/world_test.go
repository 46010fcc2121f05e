package coordinator

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/memlease"
	"github.com/leasehold/leasehold/stream"
)

// A world is many cores over one store in virtual time: one queue of events,
// one goroutine, one seed. Its consumers deliver numbered records, and it checks
// what they deliver.
type world struct {
	t     testing.TB
	store *memlease.Store
	rnd   *rand.Rand

	now    Mono
	events eventQueue
	seq    uint64

	// latency is how long a call takes; half of it before it is applied.
	latency time.Duration
	// fault, if set, decides about each call.
	fault func(w *actor, a *Action) fault
	calls int
	// written, if set, sees each applied write of a lease.
	written func(by string, before, after lease.Lease)
	// read, if set, may change the answer to a read.
	read func(by *actor, act Action, r *Result)

	every   Mono // a record per shard each so often
	handler time.Duration
	shards  map[string]*testShard
	actors  []*actor

	answers    map[string]Result
	deliveries []delivery
	deleted    int // leases
	// tidyAfter, if set, is how soon a leader deletes what is spent.
	tidyAfter time.Duration
	// deadAfter, if set, is how soon a leader deletes the item of a dead worker.
	deadAfter time.Duration
	// refusedFor, if set, is how long a lease is not given to whom gave it back.
	refusedFor time.Duration
	repeats    int
	// evicted is when a lease was last taken from its owner by hand.
	evicted     map[string]Mono
	writes      map[string]int // by key
	looks, owns int
	readUnits   float64
}

// fault is what happens to a call.
type fault struct {
	refuse, loseReply bool
	// stale answers a read that may be old with the last answer to its like.
	stale bool
	// delay is before the call is applied, and reply before its answer comes.
	delay, reply time.Duration
	// pause stops the worker when it has decided on the call: before it leaves,
	// or just after.
	pauseBefore, pauseAfter bool
}

var errLost = errors.New("connection lost")

type testShard struct {
	stream.Shard
	opened Mono
	last   int // the index of the last record, -1 while open
	next   int // the index of the next to be delivered for the first time
	ended  bool
}

type delivery struct {
	at          Mono
	shard       string
	first, last int
	worker      string
	token       int64
}

// actor is a worker of the world: a core with its clock and its consumers.
type actor struct {
	w     *world
	name  string
	core  *Core
	start Mono
	// wall is how far its wall clock is off.
	wall                  time.Duration
	dead, paused, stopped bool
	held                  []func() // what came while it was paused
	wakeAt                Mono
	runs                  map[uint64]*testConsumer
	// stuck is until when handlers of its do not return, by shard.
	stuck  map[string]Mono
	notes  []Action
	failed error
}

func newWorld(t testing.TB, seed uint64, shards int) *world {
	w := &world{
		t:       t,
		store:   memlease.New("app"),
		rnd:     rand.New(rand.NewPCG(seed, 0)),
		latency: 5 * time.Millisecond,
		every:   Mono(100 * time.Millisecond),
		handler: testHandler,
		shards:  make(map[string]*testShard),
		writes:  make(map[string]int),
		answers: make(map[string]Result),
		evicted: make(map[string]Mono),
	}
	for i := range shards {
		w.addShard(shardID(i), nil)
	}
	return w
}

func shardID(i int) string { return fmt.Sprintf("shardId-%012d", i) }

func (w *world) addShard(id string, parents []string) *testShard {
	s := &testShard{Shard: stream.Shard{ID: id, Parents: parents}, opened: w.now, last: -1}
	w.shards[id] = s
	return s
}

// split closes a shard and opens two children.
func (w *world) split(id string) (a, b string) {
	w.close(id)
	a, b = shardID(len(w.shards)), shardID(len(w.shards)+1)
	w.addShard(a, []string{id})
	w.addShard(b, []string{id})
	return a, b
}

func (w *world) merge(a, b string) string {
	w.close(a)
	w.close(b)
	id := shardID(len(w.shards))
	w.addShard(id, []string{a, b})
	return id
}

func (w *world) close(id string) {
	s := w.shards[id]
	s.last = w.tip(s)
	s.Closed = true
}

// tip is the index of the newest record, -1 if there is none.
func (w *world) tip(s *testShard) int {
	if s.Closed {
		return s.last
	}
	return int((w.now-s.opened)/w.every) - 1
}

func (w *world) children(id string) []stream.Shard {
	var out []stream.Shard
	for _, s := range w.shards {
		if slices.Contains(s.Parents, id) {
			out = append(out, s.Shard)
		}
	}
	slices.SortFunc(out, func(a, b stream.Shard) int { return cmpText(a.ID, b.ID) })
	return out
}

func cmpText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (w *world) list() []stream.Shard {
	var out []stream.Shard
	for _, s := range w.shards {
		out = append(out, s.Shard)
	}
	slices.SortFunc(out, func(a, b stream.Shard) int { return cmpText(a.ID, b.ID) })
	return out
}

// at runs f at a time.
func (w *world) at(t Mono, f func()) {
	w.seq++
	heap.Push(&w.events, event{max(t, w.now), w.seq, f})
}

func (w *world) in(d time.Duration, f func()) { w.at(w.now.Add(d), f) }

// run lets time pass.
func (w *world) run(d time.Duration) {
	end := w.now.Add(d)
	for len(w.events) > 0 && w.events[0].at <= end {
		e := heap.Pop(&w.events).(event)
		w.now = e.at
		e.f()
	}
	w.now = end
}

// until runs until ok says so, and fails the test after limit.
func (w *world) until(limit time.Duration, what string, ok func() bool) {
	w.t.Helper()
	end := w.now.Add(limit)
	for !ok() {
		if len(w.events) == 0 || w.events[0].at > end {
			w.t.Fatalf("after %v: not %s", limit, what)
		}
		e := heap.Pop(&w.events).(event)
		w.now = e.at
		e.f()
	}
}

var epoch = time.Unix(1_800_000_000, 0)

func (w *world) worker(name string, change ...func(*Config)) *actor {
	cfg := Config{
		Worker:  name,
		Nonce:   name + "-" + strconv.FormatUint(w.rnd.Uint64(), 36),
		Version: "test",
		Wall:    epoch.Add(time.Duration(w.now)),
		Rand:    rand.New(rand.NewPCG(w.rnd.Uint64(), 1)),
	}
	for _, f := range change {
		f(&cfg)
	}
	a := &actor{w: w, name: name, start: w.now, core: New(cfg), runs: make(map[uint64]*testConsumer), stuck: make(map[string]Mono), wakeAt: Never}
	if w.tidyAfter > 0 {
		a.core.lead.tidyAfter = w.tidyAfter
	}
	if w.deadAfter > 0 {
		a.core.lead.deadAfter = w.deadAfter
	}
	if w.refusedFor > 0 {
		a.core.watch.refusedFor = w.refusedFor
	}
	a.wall = cfg.Wall.Sub(epoch.Add(time.Duration(w.now)))
	w.actors = append(w.actors, a)
	w.claim(a.core.self())
	a.do(a.core.Begin(0))
	return a
}

// claim gives a worker the name of one that ran before. Before it has a core, a
// worker waits until it is sure that the other is gone.
func (w *world) claim(self lease.Worker) {
	look, err := w.store.Scan(context.Background())
	if err != nil {
		return
	}
	for _, other := range look.Workers {
		if other.ID == self.ID {
			self.Reported = other.Reported
			w.store.PutWorker(context.Background(), self, &other)
		}
	}
}

func (a *actor) mono() Mono { return a.w.now - a.start }

// deliver gives the core an event, unless the worker is dead or sleeps.
func (a *actor) deliver(ev Event) {
	switch {
	case a.dead || a.stopped:
	case a.paused:
		a.held = append(a.held, func() { a.deliver(ev) })
	default:
		a.do(a.core.Step(a.mono(), ev))
	}
}

// do carries out what the core wants.
func (a *actor) do(actions []Action) {
	for _, act := range slices.Clone(actions) {
		switch act.Kind {
		case Start:
			c := &testConsumer{a: a, key: act.Key, run: act.Run, token: act.Token, until: act.Until}
			c.next = 0
			if act.From.IsRecord() {
				c.next = index(act.From) + 1
			}
			a.runs[act.Run] = c
			// An iterator, then the first read.
			a.w.in(2*a.w.latency, c.poll)
		case Extend:
			if c := a.runs[act.Run]; c != nil {
				c.until = act.Until
			}
		case Drain:
			if c := a.runs[act.Run]; c != nil {
				c.draining = true
				c.exitIfIdle()
			}
		case Cancel:
			if c := a.runs[act.Run]; c != nil {
				c.cancelled = true
				c.exitIfIdle()
			}
		case Note:
			a.notes = append(a.notes, act)
		case Fail:
			a.failed = act.Err
			a.w.at(a.w.now, func() { a.deliver(Stop{}) })
		case Stopped:
			a.stopped = true
		default:
			a.w.call(a, act)
		}
	}
	a.wake()
}

func (a *actor) wake() {
	next := a.core.Next()
	if next == Never || a.stopped {
		return
	}
	at := max(a.start+next, a.w.now)
	if at >= a.wakeAt && a.wakeAt > a.w.now {
		return
	}
	a.wakeAt = at
	a.w.at(at, func() {
		if a.wakeAt == at {
			a.wakeAt = Never
		}
		if !a.paused {
			a.deliver(Tick{})
		}
	})
}

// kill ends the worker at once. Requests that have left still arrive.
func (a *actor) kill() { a.dead = true }

func (a *actor) pause() { a.paused = true }

func (a *actor) resume() {
	a.paused = false
	held := a.held
	a.held = nil
	for _, f := range held {
		f()
	}
	a.deliver(Tick{})
	for _, c := range a.runs {
		a.w.at(a.w.now, c.poll)
	}
}

func (a *actor) stop() { a.deliver(Stop{}) }

// noted counts the notices of a name and a cause.
func (a *actor) noted(name, cause string) int {
	n := 0
	for _, x := range a.notes {
		if x.Event.Name == name && (cause == "" || x.Event.Cause == cause) {
			n++
		}
	}
	return n
}

// index is the record that a position stands for: sequence numbers are indexes
// plus one.
func index(p lease.Position) int {
	n, err := strconv.Atoi(p.Sequence().String())
	if err != nil {
		panic(err)
	}
	return n - 1
}

func position(i int) lease.Position {
	q, err := lease.ParseSequence(strconv.Itoa(i + 1))
	if err != nil {
		panic(err)
	}
	return lease.At(q, 0)
}

// delivered is the oracle of each delivery.
func (w *world) delivered(c *testConsumer, first, last int) {
	s := w.shards[c.key]
	w.deliveries = append(w.deliveries, delivery{w.now, c.key, first, last, c.a.name, c.token})
	if first > s.next {
		w.t.Errorf("%v: %s delivers %s from record %d, but %d was not delivered yet", time.Duration(w.now), c.a.name, c.key, first, s.next)
	}
	w.repeats += max(0, min(s.next, last+1)-first)
	s.next = max(s.next, last+1)
	at, evicted := w.evicted[c.key]
	evicted = evicted && w.now < at.Add(2*time.Second)
	for _, a := range w.actors {
		if evicted || a == c.a || a.dead || a.paused || a.stopped {
			continue
		}
		for _, o := range a.runs {
			if o.key == c.key && !o.cancelled && a.mono() < o.until {
				w.t.Errorf("%v: %s delivers %s while %s still may", time.Duration(w.now), c.a.name, c.key, a.name)
			}
		}
	}
	for _, p := range s.Parents {
		ps := w.shards[p]
		if ps == nil {
			continue
		}
		l, err := w.store.Get(context.Background(), p)
		if err != nil {
			w.t.Fatal(err)
		}
		if l == nil && ps.ended {
			continue // cleaned up since
		}
		if l == nil || !l.Finished() {
			w.t.Errorf("%v: %s delivers child %s before its parent %s is finished", time.Duration(w.now), c.a.name, c.key, p)
		}
	}
}

// call carries out a call of the store.
func (w *world) call(a *actor, act Action) {
	w.calls++
	var f fault
	if w.fault != nil {
		f = w.fault(a, &act)
	}
	if f.pauseBefore {
		a.pause()
		a.held = append(a.held, func() { w.send(a, act, fault{}) })
		return
	}
	w.send(a, act, f)
	if f.pauseAfter {
		a.pause()
	}
}

func (w *world) send(a *actor, act Action, f fault) {
	sent := a.mono()
	back := func(d time.Duration, r Result) {
		r.ID, r.Sent = act.ID, sent
		w.in(d, func() { a.deliver(r) })
	}
	limit := time.Second
	if act.Kind == Look || act.Kind == Shards {
		limit = 10 * time.Second
	}
	if f.refuse {
		back(w.latency, Result{Err: errLost})
		return
	}
	arrive := w.latency/2 + f.delay
	answered := false
	w.in(arrive, func() {
		r := w.apply(a, act)
		like := fmt.Sprint(act.Kind)
		switch act.Kind {
		case Own:
			like += a.name
			fallthrough
		case Look, GetLock:
			last, ok := w.answers[like]
			w.answers[like] = r
			if ok && f.stale {
				r = last
				w.answers[like] = last // until an answer is fresh
			}
		}
		if answered {
			return
		}
		answered = true
		if f.loseReply {
			r = Result{Err: errLost}
		}
		d := w.latency - w.latency/2 + f.reply
		if left := limit - arrive; d > left {
			back(left, Result{Err: context.DeadlineExceeded})
			return
		}
		back(d, r)
	})
	if arrive > limit {
		w.in(limit, func() {
			if !answered {
				answered = true
				back(0, Result{Err: context.DeadlineExceeded})
			}
		})
	}
}

func (w *world) apply(a *actor, act Action) (r Result) {
	by := a.name
	ctx := context.Background()
	key := act.Key
	before := lease.Lease{}
	if act.Kind == Change || act.Kind == Create {
		w.writes[key]++
		if l, err := w.store.Get(ctx, key); err == nil && l != nil {
			before = *l
		}
	}
	switch act.Kind {
	case Change:
		r.Image, r.Applied, r.Err = w.store.Change(ctx, key, act.Cond, act.Set)
	case Create:
		r.Image, r.Applied, r.Err = w.store.Create(ctx, act.Lease)
	case Delete:
		r.Applied, r.Err = w.store.Delete(ctx, key, act.Cond)
		if r.Applied {
			w.deleted++
		}
	case Get:
		r.Lease, r.Err = w.store.Get(ctx, key)
	case Look:
		w.looks++
		r.Snapshot, r.Err = w.store.Scan(ctx)
	case Own:
		w.owns++
		w.readUnits += 0.5
		r.Keys, r.Err = w.store.KeysOf(ctx, by)
	case PutWorker:
		act.Worker.Reported = epoch.Add(time.Duration(w.now) + a.wall).Truncate(time.Second)
		_, r.Applied, r.Err = w.store.PutWorker(ctx, act.Worker, nil)
	case DeleteWorker:
		r.Applied, r.Err = w.store.DeleteWorker(ctx, act.Worker.ID, act.Worker.Nonce)
	case GetLock:
		w.readUnits += 0.5
		r.Lock, r.Err = w.store.GetLock(ctx)
	case TakeLock:
		r.Lock, r.Applied, r.Err = w.store.TakeLock(ctx, act.Lock, act.Seen)
	case RenewLock:
		r.Lock, r.Applied, r.Err = w.store.RenewLock(ctx, act.Lock, act.Seen)
	case ReleaseLock:
		r.Applied, r.Err = w.store.ReleaseLock(ctx, act.Lock.Owner, act.Seen)
	case GetVersion:
		r.Version, r.Err = w.store.GetClientVersion(ctx)
	case Shards:
		r.Shards = w.list()
	default:
		w.t.Fatalf("call of kind %d", act.Kind)
	}
	if r.Applied && (act.Kind == Change || act.Kind == Create) {
		w.check(by, before, r.Image, act)
	}
	if w.read != nil && r.Err == nil {
		w.read(a, act, &r)
	}
	return r
}

// check is the oracle of each applied write of a lease: checkpoints never go
// back, counters never go back, and nothing is stored as done that was not
// delivered.
func (w *world) check(by string, before, after lease.Lease, act Action) {
	if act.Kind == Create {
		after = act.Lease
	}
	at := time.Duration(w.now)
	if before.Key != "" {
		if after.Checkpoint.Compare(before.Checkpoint) < 0 {
			w.t.Errorf("%v: %s moved the checkpoint of %s back from %v to %v", at, by, after.Key, before.Checkpoint, after.Checkpoint)
		}
		if after.Counter < before.Counter || after.Counter == before.Counter && after.Owner != before.Owner {
			w.t.Errorf("%v: %s wrote %s without moving its counter: %+v after %+v", at, by, after.Key, after, before)
		}
	}
	if s := w.shards[after.Key]; s != nil {
		s.ended = s.ended || after.Finished()
		if after.Checkpoint.IsRecord() && index(after.Checkpoint) >= s.next {
			w.t.Errorf("%v: %s stored %v of %s, of which only %d records were delivered", at, by, after.Checkpoint, after.Key, s.next)
		}
		if after.Finished() && (!s.Closed || s.next <= s.last) {
			w.t.Errorf("%v: %s ended %s, of which only %d of %d records were delivered", at, by, after.Key, s.next, s.last+1)
		}
	}
	if w.written != nil {
		w.written(by, before, after)
	}
}

// owners are the holders of the unfinished leases.
func (w *world) owners() map[string]string {
	s, err := w.store.Scan(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	out := make(map[string]string)
	for _, l := range s.Leases {
		if !l.Finished() {
			out[l.Key] = l.Owner
			if l.HandingOff() {
				out[l.Key] = l.Owner + ">" + l.NextOwner
			}
		}
	}
	return out
}

// holds counts the leases of each worker.
func (w *world) holds() map[string]int {
	n := make(map[string]int)
	for _, o := range w.owners() {
		n[o]++
	}
	return n
}

// reading counts the consumers of a worker.
func (a *actor) reading() int { return len(a.runs) }

// allDelivered reports whether each record so far, but for those of the last
// moment, was delivered.
func (w *world) allDelivered(slack time.Duration) bool {
	for _, s := range w.shards {
		tip := w.tip(s)
		if !s.Closed {
			tip -= int(Mono(slack)/w.every) + 1
		}
		if s.next <= tip {
			return false
		}
	}
	return true
}

// firstAfter is the time of the first delivery of a shard after t by somebody
// other than not.
func (w *world) firstAfter(shard string, t Mono, not string) Mono {
	for _, d := range w.deliveries {
		if d.shard == shard && d.at >= t && d.worker != not {
			return d.at
		}
	}
	return Never
}

type event struct {
	at  Mono
	seq uint64
	f   func()
}

type eventQueue []event

func (q eventQueue) Len() int { return len(q) }
func (q eventQueue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q eventQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *eventQueue) Push(x any)   { *q = append(*q, x.(event)) }
func (q *eventQueue) Pop() any {
	old := *q
	e := old[len(old)-1]
	*q = old[:len(old)-1]
	return e
}

// leases are all there are, by key.
func (w *world) leases() map[string]*lease.Lease {
	s, err := w.store.Scan(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	out := make(map[string]*lease.Lease)
	for i := range s.Leases {
		out[s.Leases[i].Key] = &s.Leases[i]
	}
	return out
}
