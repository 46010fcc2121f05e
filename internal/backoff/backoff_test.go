package backoff

import (
	"testing"
	"time"
)

func TestPause(t *testing.T) {
	p := Policy{Min: 100 * time.Millisecond, Max: time.Minute}
	for _, tt := range []struct {
		n    int
		full time.Duration
	}{
		{1, 100 * time.Millisecond},
		{2, 200 * time.Millisecond},
		{5, 1600 * time.Millisecond},
		{10, 51200 * time.Millisecond},
		{11, time.Minute},
		{1000, time.Minute},
	} {
		for range 100 {
			if got := p.Pause(tt.n); got <= tt.full/2 || got > tt.full {
				t.Fatalf("Pause(%d) = %v, want over %v and at most %v", tt.n, got, tt.full/2, tt.full)
			}
		}
	}
}

func TestPauseSpreads(t *testing.T) {
	p := Policy{Min: time.Second, Max: time.Second}
	seen := map[time.Duration]bool{}
	for range 50 {
		seen[p.Pause(1)] = true
	}
	if len(seen) < 25 {
		t.Errorf("50 pauses had %d values, want many", len(seen))
	}
}
