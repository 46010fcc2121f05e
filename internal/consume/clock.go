package consume

import (
	"sync/atomic"
	"time"
)

// gapTolerance is how far wall time may run ahead of monotonic time before the
// machine counts as having been suspended.
const gapTolerance = time.Second

// A Clock is the time of one worker, and knows suspends: the monotonic clock
// stands still while the machine sleeps, and the wall clock does not, so that a
// term which looks fresh by the one may be long over by the other.
//
// One goroutine calls [Clock.Gap] and [Clock.Settle]; all may call the rest.
type Clock struct {
	start time.Time
	wall  time.Time // the wall time at start, without the monotonic reading
	// ahead is how far wall time was ahead of monotonic time when the owner of
	// the terms last looked, in nanoseconds.
	ahead atomic.Int64
	// slept is a suspend made up by a test, in nanoseconds.
	slept atomic.Int64
}

// NewClock returns a clock that starts now.
func NewClock() *Clock {
	now := time.Now()
	return &Clock{start: now, wall: now.Round(0)}
}

// Start is the wall time at which the clock started.
func (c *Clock) Start() time.Time { return c.wall }

// Now is the time since the start.
func (c *Clock) Now() time.Duration { return time.Since(c.start) }

// Gap reports whether wall time has run over a second further than monotonic
// time since the last [Clock.Settle], how far ahead it is now in all, and the
// wall time.
func (c *Clock) Gap() (wall time.Time, ahead time.Duration, gap bool) {
	now := time.Now()
	wall = now.Round(0).Add(time.Duration(c.slept.Load()))
	ahead = wall.Sub(c.wall) - now.Sub(c.start)
	return wall, ahead, ahead-time.Duration(c.ahead.Load()) > gapTolerance
}

// Settle takes a difference between the two clocks as known. Slow drift and a
// wall clock that was set back are settled too, and are no suspends.
func (c *Clock) Settle(ahead time.Duration) { c.ahead.Store(int64(ahead)) }

// Suspend makes the clock look as if the machine had slept for d. It is for
// tests: no test can put its machine to sleep.
func (c *Clock) Suspend(d time.Duration) { c.slept.Add(int64(d)) }
