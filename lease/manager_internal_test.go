package lease

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
)

// unreachable is a store whose every change has an unknown outcome.
type unreachable struct{ Store }

func (unreachable) Change(context.Context, string, Cond, Set) (Lease, bool, error) {
	return Lease{}, false, &Error{Op: "change lease", Kind: ErrDependency, Retryable: true}
}

// What a manager remembers of writes of unknown outcome ends with the leases
// that they were for.
func TestDroppedLeasesAreForgotten(t *testing.T) {
	m := NewManager(unreachable{})
	m.Backoff = 1
	lost := func(key string) *Lease {
		l := &Lease{Key: key, Checkpoint: Latest}
		if _, err := m.RenewLease(t.Context(), l); err == nil {
			t.Fatal("RenewLease: got no error, want one")
		}
		return l
	}
	for i := range 100 {
		lost(fmt.Sprint("dropped", i))
	}
	runtime.GC()
	kept := lost("kept")
	// The last dropped one may still be on the stack.
	if n := len(m.unknown); n > 3 {
		t.Errorf("the manager remembers writes for %d leases, want that of the one in use", n)
	}
	runtime.KeepAlive(kept)
}

func TestFewWritesAreRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewManager(unreachable{})
		l := &Lease{Key: "k", Checkpoint: Latest}
		for range 3 * maxUnknown {
			l.Switches++ // each update is another one
			m.UpdateLease(t.Context(), l)
		}
		for range 3 {
			m.RenewLease(t.Context(), l) // and these are one
		}
		if n := len(m.unknown); n != 1 {
			t.Fatalf("the manager remembers writes for %d leases, want 1", n)
		}
		for _, all := range m.unknown {
			if len(all) != maxUnknown {
				t.Errorf("the manager remembers %d writes, want %d", len(all), maxUnknown)
			}
		}
	})
}

func TestMarksDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 3 {
		m := NewManager(nil)
		for range 100 {
			mark := m.mark()
			if seen[mark] || len(mark) > 24 || !strings.HasPrefix(mark, m.nonce+"-") {
				t.Fatalf("mark %q: want a new and short one that begins with %q", mark, m.nonce)
			}
			seen[mark] = true
		}
	}
}

func TestJitterBounds(t *testing.T) {
	if d := jitter(0); d != 0 {
		t.Errorf("jitter(0): got %v, want 0", d)
	}
	for range 1000 {
		if d := jitter(100); d < 50 || d >= 150 {
			t.Errorf("jitter(100): got %d, want 50 to 149", d)
		}
	}
}
