package proctest

import (
	"slices"
	"testing"

	"github.com/leasehold/leasehold/lease"
)

// Two real workers with a checkpoint after every batch: one is killed, a shard
// is split, two are merged, the other workers are stopped. Every record is
// printed, in order per key, and of the killed worker's at most one batch per
// shard comes twice: what it printed after its last stored checkpoint.
func TestProcessesOnTheEmulators(t *testing.T) {
	b := newBench(t, 8)
	stopProducing := b.produce(24)
	defer stopProducing()

	a := b.consume("a")
	b.until("a prints of all shards", func() bool { return len(b.shards("a", 0)) == 8 })
	second := b.consume("b")
	b.until("b prints of its half", func() bool { return len(b.shards("b", 0)) == 4 })
	if again := b.checkOrder(); len(again) != 0 {
		t.Errorf("%d records were printed twice while b joined: %v", len(again), again)
	}

	a.kill()
	stored := b.leases()
	killed := b.mark()
	b.until("b prints of all shards", func() bool { return len(b.shards("b", killed)) == 8 })
	again := b.checkOrder()
	for _, l := range again {
		seq, err := lease.ParseSequence(l.Sequence)
		if err != nil {
			t.Fatal(err)
		}
		if at := stored[l.Shard]; l.worker != "b" || at.Owner != "a" || lease.At(seq, 0).Compare(at.Checkpoint) <= 0 {
			t.Errorf("%+v was printed twice, and its shard's stored checkpoint was %v of %s", l, at.Checkpoint, at.Owner)
		}
	}
	t.Logf("the killed worker's records that came twice: %d", len(again))
	repeats := len(again)

	third := b.consume("c")
	b.until("c prints of its half", func() bool { return len(b.shards("c", 0)) == 4 })
	// The middle of the first shard's eighth of the hash keys.
	b.split(shardID(0), "21267647932558653966460912964485513216")
	b.until("both halves of the split shard are printed", func() bool { return b.anyOf(shardID(8)) && b.anyOf(shardID(9)) })
	b.merge(shardID(3), shardID(4))
	b.until("the merged shard is printed", func() bool { return b.anyOf(shardID(10)) })

	b.stop(second)
	stopped := b.mark()
	b.until("c prints of all open shards", func() bool { return len(b.shards("c", stopped)) == 8 })
	stopProducing()
	b.until("everything is printed", b.complete)
	b.stop(third)
	if again := b.checkOrder(); len(again) != repeats {
		t.Errorf("%d records were printed twice by resharding and clean stops: %v", len(again)-repeats, again)
	}
	for key, l := range b.leases() {
		if !l.Finished() && l.Owner != "" {
			t.Errorf("%s is still owned by %s after all have stopped", key, l.Owner)
		}
	}
}

// anyOf reports whether a record of the shard was printed. The lock is held.
func (b *bench) anyOf(shard string) bool {
	return slices.ContainsFunc(b.lines, func(l line) bool { return l.Shard == shard })
}
