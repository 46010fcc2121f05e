package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// shard makes a shard named for a letter, closed if it is lower case.
func shard(id string, parents ...string) stream.Shard {
	return stream.Shard{ID: id, Parents: parents, Closed: strings.ToLower(id) == id}
}

func wantReady(t *testing.T, l *lineup, want ...string) {
	t.Helper()
	if got := l.ready(); !slices.Equal(got, want) {
		t.Errorf("ready: got %q, want %q", got, want)
	}
}

func TestLineupReadsChildrenAfterAllParents(t *testing.T) {
	// a splits into b and C; b and d merge into E.
	shards := []stream.Shard{shard("E", "b", "d"), shard("C", "a"), shard("b", "a"), shard("d"), shard("a", "gone")}
	l := newLineup(shards, stream.Start{Position: lease.TrimHorizon}, false)
	wantReady(t, l, "a", "d")
	wantReady(t, l)
	l.end("d", []stream.Shard{shard("E", "b", "d")})
	wantReady(t, l)
	l.end("a", nil)
	wantReady(t, l, "C", "b")
	l.end("b", []stream.Shard{shard("E", "b", "d")})
	wantReady(t, l, "E")
	if l.over() {
		t.Error("over although C and E are open")
	}
}

func TestLineupFromLatest(t *testing.T) {
	shards := []stream.Shard{shard("a"), shard("B", "a"), shard("C", "a")}
	l := newLineup(shards, stream.Start{Position: lease.Latest}, false)
	wantReady(t, l, "B", "C")
	if got := l.places["B"].start.Position; got != lease.Latest {
		t.Errorf("B starts at %v, want LATEST", got)
	}
	// What is made by a later split is read whole.
	l.end("B", []stream.Shard{shard("D", "B"), shard("E", "B")})
	wantReady(t, l, "D", "E")
	if got := l.places["D"].start.Position; got != lease.TrimHorizon {
		t.Errorf("D starts at %v, want TRIM_HORIZON", got)
	}
}

// X splits into B and Y and B merges with A into C. The end of A tells of C
// before the end of X tells of B: C has to wait for a shard that nobody knows.
func TestLineupUnknownParent(t *testing.T) {
	l := newLineup([]stream.Shard{shard("A"), shard("X")}, stream.Start{Position: lease.Latest}, false)
	wantReady(t, l, "A", "X")
	c := shard("C", "A", "B")
	if !l.end("A", []stream.Shard{c}) {
		t.Fatal("a child with an unknown parent did not ask for a new list")
	}
	l.add([]stream.Shard{shard("A"), shard("X"), shard("B", "X"), shard("Y", "X"), c})
	wantReady(t, l)
	l.end("X", nil)
	wantReady(t, l, "B", "Y")
	l.end("B", []stream.Shard{c})
	wantReady(t, l, "C")
}

func TestLineupParentThatIsGone(t *testing.T) {
	l := newLineup([]stream.Shard{shard("A")}, stream.Start{Position: lease.TrimHorizon}, false)
	wantReady(t, l, "A")
	c := shard("C", "A", "B")
	if !l.end("A", []stream.Shard{c}) {
		t.Fatal("a child with an unknown parent did not ask for a new list")
	}
	l.add([]stream.Shard{c}) // B is trimmed
	wantReady(t, l, "C")
}

func TestLineupFixed(t *testing.T) {
	l := newLineup([]stream.Shard{shard("b", "a")}, stream.Start{Position: lease.TrimHorizon}, true)
	wantReady(t, l, "b")
	if l.end("b", []stream.Shard{shard("C", "b", "x")}) {
		t.Error("one shard alone asked for a new list")
	}
	wantReady(t, l)
	if !l.over() {
		t.Error("one shard alone is read and not over")
	}
}

func TestLineupCaughtUp(t *testing.T) {
	l := newLineup([]stream.Shard{shard("a"), shard("B", "a"), shard("C")}, stream.Start{Position: lease.TrimHorizon}, false)
	wantReady(t, l, "C", "a")
	l.caughtUp("C")
	if l.allCaughtUp() {
		t.Error("caught up although a closed shard is not read to its end")
	}
	// A closed shard without records before its end says that it is 0 behind.
	l.caughtUp("a")
	if l.allCaughtUp() {
		t.Error("caught up at a closed shard whose children are to be read")
	}
	l.end("a", nil)
	if l.allCaughtUp() {
		t.Error("caught up although B waits")
	}
	wantReady(t, l, "B")
	if l.allCaughtUp() {
		t.Error("caught up although B is not read yet")
	}
	l.caughtUp("B")
	if !l.allCaughtUp() {
		t.Error("not caught up although all tips are reached")
	}
}
