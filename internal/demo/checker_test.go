package demo

import (
	"testing"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// played is a delivery in short: worker, token, number of the only key, and the
// time in milliseconds.
type played struct {
	worker string
	token  int64
	number int
	at     int
}

// seq is the sequence number of a record: with one key, its number will do.
func seq(t *testing.T, n int) lease.Sequence {
	t.Helper()
	q, err := lease.ParseSequence(string(rune('0' + n)))
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func play(t *testing.T, written int, deliveries []played) (c *checker, foreign int) {
	c = newChecker()
	for range written {
		c.write("k")
	}
	start := time.Unix(0, 0)
	for _, p := range deliveries {
		if !c.deliver(delivery{
			worker: p.worker, shard: "0", token: p.token, sequence: seq(t, p.number),
			key: "k", number: p.number, at: start.Add(time.Duration(p.at) * time.Millisecond),
		}) {
			foreign++
		}
	}
	return c, foreign
}

func TestCheckerFindsPlantedFaults(t *testing.T) {
	for _, tt := range []struct {
		name                                 string
		written                              int
		deliveries                           []played
		missing, disorder, repeated, foreign int
	}{
		{name: "all in order", written: 3,
			deliveries: []played{{"a", 1, 1, 1}, {"a", 1, 2, 1}, {"a", 1, 3, 2}}},
		{name: "nothing delivered", written: 3, missing: 3},
		{name: "the first is lost", written: 2, missing: 1,
			deliveries: []played{{"a", 1, 2, 1}}},
		{name: "one in the middle is lost", written: 3, missing: 1,
			deliveries: []played{{"a", 1, 1, 1}, {"a", 1, 3, 1}}},
		{name: "the last is lost", written: 3, missing: 1,
			deliveries: []played{{"a", 1, 1, 1}, {"a", 1, 2, 1}}},
		{name: "a repeat does not make up for a loss", written: 3, missing: 1, repeated: 1,
			deliveries: []played{{"a", 1, 1, 1}, {"a", 1, 3, 1}, {"b", 2, 3, 2}}},
		{name: "one worker's lines swapped", written: 2, disorder: 1,
			deliveries: []played{{"a", 1, 2, 1}, {"a", 1, 1, 1}}},
		{name: "a later worker goes back for what was passed over", written: 3, disorder: 1,
			deliveries: []played{{"a", 1, 1, 1}, {"a", 1, 3, 1}, {"b", 2, 2, 5}}},
		{name: "every record that comes late counts", written: 4, disorder: 2,
			deliveries: []played{{"a", 1, 1, 1}, {"a", 1, 4, 1}, {"b", 2, 2, 5}, {"b", 2, 3, 5}}},
		{name: "an earlier worker's lines are read late", written: 4,
			deliveries: []played{{"b", 2, 3, 5}, {"b", 2, 4, 5}, {"a", 1, 1, 3}, {"a", 1, 2, 4}}},
		{name: "printed in the same millisecond", written: 2,
			deliveries: []played{{"b", 2, 2, 5}, {"a", 1, 1, 5}}},
		{name: "lines read late and swapped", written: 3, disorder: 1,
			deliveries: []played{{"b", 2, 3, 5}, {"a", 1, 2, 4}, {"a", 1, 1, 4}}},
		{name: "repeats in order", written: 3, repeated: 2,
			deliveries: []played{{"a", 1, 1, 1}, {"a", 1, 2, 1}, {"b", 2, 1, 5}, {"b", 2, 2, 5}, {"b", 2, 3, 5}}},
		{name: "never written", written: 1, foreign: 2,
			deliveries: []played{{"a", 1, 1, 1}, {"a", 1, 2, 1}, {"a", 1, 0, 1}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, foreign := play(t, tt.written, tt.deliveries)
			if c.missing() != tt.missing || c.disordered != tt.disorder || c.repeated != tt.repeated || foreign != tt.foreign {
				t.Errorf("missing %d, out of order %d, repeated %d, never written %d, want %d, %d, %d, %d",
					c.missing(), c.disordered, c.repeated, foreign, tt.missing, tt.disorder, tt.repeated, tt.foreign)
			}
		})
	}
}

func TestRepeatsAreExplainedAfterTheCheckpointOnly(t *testing.T) {
	// A delivered up to 5 and died with its checkpoint at 3.
	c, _ := play(t, 6, []played{
		{"a", 1, 1, 1}, {"a", 1, 2, 1}, {"a", 1, 3, 1}, {"a", 1, 4, 1}, {"a", 1, 5, 1},
		{"b", 2, 3, 9}, {"b", 2, 4, 9}, {"b", 2, 5, 9}, {"b", 2, 6, 9},
	})
	if got := c.repeats(); got[""] != 3 {
		t.Errorf("without an excuse: %v, want 3 without one", got)
	}
	c.excuse("0", 1, crashExcuse, lease.At(seq(t, 3), 0))
	c.excuse("0", 1, pauseExcuse, lease.Position{})
	if got := c.repeats(); got[crashExcuse] != 2 || got[""] != 1 || got[pauseExcuse] != 0 {
		t.Errorf("got %v, want 2 after the crash and 1 without an excuse: it was at the checkpoint", got)
	}
	if n := c.repeatsOf([]termID{{"0", 1}}); n != 3 {
		t.Errorf("%d repeats of the first term, want 3", n)
	}
	if n := c.repeatsOf([]termID{{"0", 2}}); n != 0 {
		t.Errorf("%d repeats of the second term, want 0", n)
	}
}

func TestRepeatsOfASleeperAreBlamedOnIt(t *testing.T) {
	// A woke up and printed the rest of a batch that b had printed meanwhile.
	c, _ := play(t, 3, []played{
		{"a", 1, 1, 1}, {"b", 2, 2, 5}, {"b", 2, 3, 5}, {"a", 1, 2, 9}, {"a", 1, 3, 9},
	})
	c.excuse("0", 1, pauseExcuse, lease.Position{})
	if got := c.repeats(); got[pauseExcuse] != 2 || got[""] != 0 {
		t.Errorf("got %v, want 2 after the pause", got)
	}
	if c.disordered != 0 {
		t.Errorf("%d out of order, want 0", c.disordered)
	}
}
