package leasehold

import (
	"strings"
	"testing"
	"time"
)

// A stop that runs out of time says what is left.
func TestLateStopSaysWhatIsOpen(t *testing.T) {
	s := &shell{
		runs:        map[uint64]*run{2: {shard: Shard{"orders", "b"}}, 1: {shard: Shard{"orders", "a"}}},
		outstanding: 3,
		stopBegan:   time.Now().Add(-31 * time.Second),
	}
	got := s.late().Error()
	for _, want := range []string{"31", "[orders/a orders/b]", "3 calls"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q does not say %q", got, want)
		}
	}
}
