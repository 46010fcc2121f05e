package coordinator

import (
	"context"
	"testing"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// A stream was deleted and made again under its name: its shard 0 is another than
// the one whose lease is finished, and nobody reads it. The leader says so, once.
func TestOpenShardWithAFinishedLease(t *testing.T) {
	w := newWorld(t, 5, 2)
	old := lease.Lease{Key: shardID(0), Counter: 9, Checkpoint: lease.ShardEnd}
	if _, ok, err := w.store.Create(context.Background(), old); !ok || err != nil {
		t.Fatal(ok, err)
	}
	a := w.worker("a")
	w.run(3 * time.Second)
	b := w.worker("b")
	w.run(3 * time.Minute)
	told := func() (n int) {
		for _, x := range append(a.notes, b.notes...) {
			if x.Event.Name == "shard.unread" && x.Event.Warn && x.Key == shardID(0) {
				n++
			}
		}
		return n
	}
	if n := told(); n != 1 {
		t.Errorf("after 3 minutes the shard was reported %d times, want once", n)
	}
	w.run(3 * time.Hour)
	if n := told(); n != 1 {
		t.Errorf("after 3 hours the shard was reported %d times, want once", n)
	}
	if n := a.noted("shard.unread", "") + b.noted("shard.unread", ""); n != 1 {
		t.Errorf("%d shards were reported, want 1", n)
	}
}

// A list of the shards may be older than the end of one: that is nothing to report.
func TestListFromBeforeTheEndOfAShard(t *testing.T) {
	w := newWorld(t, 6, 2)
	a := w.worker("a")
	w.run(10 * time.Second)
	before, ended := w.list(), w.now
	w.read = func(_ *actor, act Action, r *Result) {
		if act.Kind == Shards && w.now < ended.Add(55*time.Second) {
			r.Shards = before
		}
	}
	w.split(shardID(0))
	lists := 0
	w.each(5*time.Minute, func() {
		a.core.lead.auditDue = true
		if a.core.lead.listedAt > 0 {
			lists++
		}
	})
	if lists == 0 {
		t.Error("nobody listed the shards")
	}
	if l := w.leases()[shardID(0)]; l == nil || !l.Finished() {
		t.Fatalf("lease of the shard that ended: %+v, want finished", l)
	}
	if n := a.noted("shard.unread", ""); n != 0 {
		t.Errorf("%d shards were reported, want none", n)
	}
}
