package leasehold

import (
	"reflect"
	"testing"

	"github.com/leasehold/leasehold/internal/coordinator"
	"github.com/leasehold/leasehold/lease"
)

func position(t *testing.T, s string) lease.Position {
	t.Helper()
	p, err := lease.ParsePosition(s, 0)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestInboxKeepsTheLatestReportOfARun(t *testing.T) {
	b := newInbox()
	r1, r2 := &run{id: 1, key: "a"}, &run{id: 2, key: "b"}
	b.postReport(r1, position(t, "5"), true)
	b.postReport(r2, position(t, "7"), false)
	b.postReport(r1, position(t, "6"), false)
	b.post(indexActive{})
	got := b.take(nil)
	want := []any{
		// The first asked for a checkpoint, and that stands.
		coordinator.Progress{Key: "a", Run: 1, Position: position(t, "6"), Flush: true},
		coordinator.Progress{Key: "b", Run: 2, Position: position(t, "7")},
		indexActive{},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("took %v, want %v", got, want)
	}
	if got := b.take(got); len(got) != 0 {
		t.Errorf("took %v again, want nothing", got)
	}
	b.postReport(r1, position(t, "8"), false)
	want = []any{coordinator.Progress{Key: "a", Run: 1, Position: position(t, "8")}}
	if got := b.take(nil); !reflect.DeepEqual(got, want) {
		t.Errorf("took %v, want %v", got, want)
	}
}

func TestInboxDoesNotGrowWithReports(t *testing.T) {
	b := newInbox()
	r := &run{id: 1}
	for range 100_000 {
		b.postReport(r, position(t, "5"), false)
	}
	if n := len(b.take(nil)); n != 1 {
		t.Errorf("%d events after 100,000 reports of one run, want 1", n)
	}
}
