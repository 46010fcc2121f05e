package coordinator

import (
	"container/heap"
	"time"
)

// A timer calls fire once when its time has come, unless it is stopped or set
// again before.
type timer struct {
	c     *Core
	fire  func()
	at    Mono
	seq   uint64
	index int // in the heap, -1 if not set
}

func (c *Core) newTimer(fire func()) *timer { return &timer{c: c, fire: fire, index: -1} }

// set replaces the timer's time.
func (t *timer) set(at Mono) {
	t.stop()
	ts := &t.c.timers
	ts.seq++
	t.at, t.seq = at, ts.seq
	heap.Push(ts, t)
}

func (t *timer) setIn(d time.Duration) { t.set(t.c.now.Add(d)) }

func (t *timer) stop() {
	if t.index >= 0 {
		heap.Remove(&t.c.timers, t.index)
	}
}

// isSet reports whether the timer will fire.
func (t *timer) isSet() bool { return t.index >= 0 }

// timers are the set timers, soonest first; those of one time in the order in
// which they were set.
type timers struct {
	heap []*timer
	seq  uint64
}

func (ts *timers) next() Mono {
	if len(ts.heap) == 0 {
		return Never
	}
	return ts.heap[0].at
}

// run fires what is due. A timer set for now while this runs fires too.
func (ts *timers) run(now Mono) {
	for len(ts.heap) > 0 && ts.heap[0].at <= now {
		heap.Pop(ts).(*timer).fire()
	}
}

func (ts *timers) Len() int { return len(ts.heap) }

func (ts *timers) Less(i, j int) bool {
	a, b := ts.heap[i], ts.heap[j]
	if a.at != b.at {
		return a.at < b.at
	}
	return a.seq < b.seq
}

func (ts *timers) Swap(i, j int) {
	ts.heap[i], ts.heap[j] = ts.heap[j], ts.heap[i]
	ts.heap[i].index, ts.heap[j].index = i, j
}

func (ts *timers) Push(x any) {
	t := x.(*timer)
	t.index = len(ts.heap)
	ts.heap = append(ts.heap, t)
}

func (ts *timers) Pop() any {
	last := len(ts.heap) - 1
	t := ts.heap[last]
	ts.heap[last] = nil
	ts.heap = ts.heap[:last]
	t.index = -1
	return t
}

func dur(m Mono) time.Duration { return time.Duration(m) }
