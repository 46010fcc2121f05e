package javakcl

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name, line string
		want       Event
	}{
		{"start", "start", Event{Kind: Started}},
		{"a shard's event", "lost shardId-000000000003", Event{Kind: Lost, Shard: "shardId-000000000003"}},
		{"a record with a space in its key", "record shardId-000000000003 49680519890916628484268698367474917806902183999664291842 7 a+b%0A aGk=",
			Event{Kind: Record, Shard: "shardId-000000000003", Sequence: "49680519890916628484268698367474917806902183999664291842",
				Sub: 7, Key: "a b\n", Data: []byte("hi")}},
		{"a record without data", "record s 1 0 k ", Event{Kind: Record, Shard: "s", Sequence: "1", Key: "k", Data: []byte{}}},
		{"a failure has free text", "failed stop: java.util.concurrent.TimeoutException", Event{Kind: Failed}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.Text = tt.line
			if d := cmp.Diff(tt.want, parse(tt.line)); d != "" {
				t.Errorf("parse(%q), -want +got:\n%s", tt.line, d)
			}
		})
	}
}

func TestParseReportsWhatItCannotRead(t *testing.T) {
	for _, line := range []string{"", "hello", "init", "start now", "record s 1 0 k", "record s 1 x k aGk=", "record s 1 0 % aGk=", "record s 1 0 k !"} {
		if e := parse(line); e.Kind != Failed || !strings.Contains(e.Text, "cannot read") {
			t.Errorf("parse(%q): got %+v, want a failure that says so", line, e)
		}
	}
}

// The process can print all it has before anybody listens, and nothing of it is
// lost or out of order.
func TestQueueKeepsWhatNobodyReadYet(t *testing.T) {
	q, to := newQueue(), make(chan Event)
	const n = 1000
	for i := range n {
		q.put(Event{Sub: int64(i)})
	}
	q.end()
	go q.deliver(to)
	var next int64
	for e := range to {
		if e.Sub != next {
			t.Fatalf("got event %d, want %d", e.Sub, next)
		}
		next++
	}
	if next != n {
		t.Errorf("got %d events, want %d", next, n)
	}
}

func TestQueueEndsWithoutAListener(t *testing.T) {
	q, to := newQueue(), make(chan Event)
	q.put(Event{})
	go q.deliver(to)
	q.close()
	for range to { // a test that deadlocks here is the failure
	}
}
