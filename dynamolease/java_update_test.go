package dynamolease

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leasehold/leasehold/lease"
)

// javaUpdates are about updates, from checkpoints to deletions.
var javaUpdates = []behaviour{
	{81, "an update stores the children", func(t *testing.T) {
		w := newJava(t)
		l := w.has(owned("a", ""))
		l.Children = []string{"c"}
		w.wants(true)(w.m.UpdateLease(t.Context(), l))
		if w.stores(l); l.Counter != 1 {
			t.Errorf("counter: got %d, want 1", l.Counter)
		}
	}, ""},
	{82, "the hash range of a lease that is deleted is not stored, and no error", func(t *testing.T) {
		w := newJava(t)
		w.wants(false)(w.change(&lease.Lease{Key: "k"}, lease.Cond{}, lease.Set{HashRange: &lease.HashRange{Start: "1", End: "2"}}))
		w.nothing("k")
	}, ""},
	{83, "a hash range is stored without moving the counter", func(t *testing.T) {
		w := newJava(t)
		l := w.has(owned("a", ""))
		w.wants(true)(w.change(l, lease.Cond{}, lease.Set{HashRange: &lease.HashRange{Start: "1", End: "2"}}))
		w.attributes("k", map[string]string{"startingHashKey": "S 1", "endingHashKey": "S 2", "leaseCounter": "N 0"})
	}, ""},
	{84, "an update fails when the counter has moved, and stores nothing", func(t *testing.T) {
		w := newJava(t)
		stale := w.has(owned("a", ""))
		l := w.get("k")
		w.wants(true)(w.m.RenewLease(t.Context(), l))
		stale.Checkpoint = lease.ShardEnd
		w.wants(false)(w.m.UpdateLease(t.Context(), stale))
		if w.stores(l); stale.Counter != 0 {
			t.Errorf("the passed lease has counter %d, want 0", stale.Counter)
		}
	}, ""},
	{85, "an update without a pending checkpoint removes the stored one", func(t *testing.T) {
		w := newJava(t)
		l := w.has(javaRow(item{"pendingCheckpoint": text("12"), "pendingCheckpointSubSequenceNumber": decimal("0"), "pendingCheckpointState": binary([]byte{1})}))
		l.Pending, l.PendingState = lease.Position{}, nil
		w.wants(true)(w.m.UpdateLease(t.Context(), l))
		w.attributes("k", map[string]string{"pendingCheckpoint": "", "pendingCheckpointSubSequenceNumber": "", "pendingCheckpointState": ""})
	}, ""},
	{86, "a prepared checkpoint is stored beside the checkpoint, with its state", func(t *testing.T) {
		w := newJava(t)
		l := w.has(owned("a", ""))
		l.Pending, l.PendingState = position(t, "12", 3), []byte("state")
		w.wants(true)(w.m.UpdateLease(t.Context(), l))
		w.attributes("k", map[string]string{"checkpoint": "S TRIM_HORIZON", "checkpointSubSequenceNumber": "N 0",
			"pendingCheckpoint": "S 12", "pendingCheckpointSubSequenceNumber": "N 3"})
		if diff := cmp.Diff(describe(item{"v": binary([]byte("state"))})["v"], describe(w.raw(t, "k"))["pendingCheckpointState"]); diff != "" {
			t.Errorf("pendingCheckpointState (-want +got):\n%s", diff)
		}
	}, ""},
	{87, "the owner stores checkpoints during a handoff, which goes on", func(t *testing.T) {
		w := newJava(t)
		l := w.has(owned("next", "owner"))
		l.Checkpoint = position(t, "12", 0)
		w.wants(true)(w.m.UpdateLease(t.Context(), l))
		w.attributes("k", map[string]string{"leaseOwner": "S next", "checkpointOwner": "S owner", "checkpoint": "S 12"})
	}, ""},
	{88, "the stream and the shard of a lease of several streams stay as they are", func(t *testing.T) {
		// Java writes them again with each checkpoint. There is nothing to write:
		// they never change, and a row without them is not changed at all.
		w := newJava(t)
		w.store.cfg.Keys = ByStreamAndShard
		l := w.has(ofSeveral(nil))
		l.Checkpoint = position(t, "12", 0)
		w.wants(true)(w.m.UpdateLease(t.Context(), l))
		w.attributes(l.Key, map[string]string{"streamName": "S " + theStream, "shardId": "S " + theShard, "checkpoint": "S 12"})
	}, ""},
	{89, "a lease of an older KCL, without entityType, is worked on and stays without", func(t *testing.T) {
		w := newJava(t)
		old := owned("a", "")
		delete(old, "entityType")
		l := w.has(old)
		w.wants(true)(w.m.RenewLease(t.Context(), l))
		w.wants(true)(w.m.TakeLease(t.Context(), l, "b"))
		l.Checkpoint = position(t, "12", 0)
		w.wants(true)(w.m.UpdateLease(t.Context(), l))
		w.wants(true)(w.assign(w.get("k"), "c"))
		w.wants(true)(w.handOver(w.get("k"), "d"))
		w.wants(true)(w.m.EvictLease(t.Context(), w.get("k")))
		w.attributes("k", map[string]string{"entityType": "", "leaseCounter": "N 5", "leaseOwner": "S d"})
	}, ""},
	{90, "a deleted lease is gone", func(t *testing.T) {
		w := newJava(t)
		w.deletes(w.has(owned("a", "")))
		w.nothing("k")
	}, ""},
	{91, "deleting a lease that is not there is no error", func(t *testing.T) {
		newJava(t).deletes(&lease.Lease{Key: "k"})
	}, ""},
	{92, "deleting all leaves what is no lease or does not parse", func(t *testing.T) {
		w := newJava(t)
		w.holds("1", "2", "3")
		others := []item{
			{"leaseKey": text("broken"), "entityType": text("LEASE")},
			{"leaseKey": text("Leader"), "entityType": text("LEADER"), "ownerName": text("a"), "leaseDuration": text("1"), "recordVersionNumber": text("r")},
			{"leaseKey": text("w"), "entityType": text("WORKER_METRIC_STATS"), "lut": decimal("1")},
		}
		for _, row := range others {
			w.mustPlant(t, row)
		}
		// Java says nothing of the row that does not parse.
		if err := w.m.DeleteAll(t.Context()); !unreadable(err) {
			t.Errorf("DeleteAll: got %v, want an error that names the broken row", err)
		}
		for _, key := range []string{"1", "2", "3"} {
			w.nothing(key)
		}
		if i := slices.IndexFunc(others, func(row item) bool { return !cmp.Equal(describe(row), describe(w.raw(t, newRow(row).key()))) }); i >= 0 {
			t.Errorf("%v is not as it was", describe(others[i]))
		}
	}, ""},
}
