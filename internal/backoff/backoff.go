// Package backoff is the pause before something that failed is tried again.
package backoff

import (
	"math/rand/v2"
	"time"
)

// A Policy is a range of growing pauses. The first is about Min, each is about
// twice the one before, and none is longer than Max.
type Policy struct {
	Min, Max time.Duration
}

// Pause returns the pause after the n-th failure in a row, n from 1. A half of
// it is chance, so that those who failed together do not come back together.
func (p Policy) Pause(n int) time.Duration {
	d := p.Min
	for range n - 1 {
		if d >= p.Max {
			break
		}
		d *= 2
	}
	d = min(d, p.Max)
	if d <= 1 {
		return d
	}
	return d/2 + rand.N(d-d/2) + 1
}
