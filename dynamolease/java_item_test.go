package dynamolease

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leasehold/leasehold/lease"
)

// javaItemRules are about what stands in items and what values mean.
var javaItemRules = []behaviour{
	{93, "a lease is written with its entityType", func(t *testing.T) {
		if got := describe(leaseItem(lease.Lease{Key: "k", Checkpoint: lease.Latest}))["entityType"]; got != "S LEASE" {
			t.Errorf("entityType: got %q, want S LEASE", got)
		}
	}, ""},
	{94, "an item without entityType is a lease", func(t *testing.T) { parses(t, javaRow(item{"entityType": nil}), ByShard) }, ""},
	{95, "an item with the entityType of leases is a lease", func(t *testing.T) { parses(t, javaRow(nil), ByShard) }, ""},
	{96, "an item of any other type is none, and no error, for one stream and for several", func(t *testing.T) {
		for _, typ := range []string{"WORKER_METRIC_STATS", "STREAM", "LEADER", "CLIENT_VERSION_MIGRATION", "TABLE_MIGRATION", "PARKING_TICKET"} {
			for _, keys := range []Keys{ByShard, ByStreamAndShard} {
				if l, err := parseLease(javaRow(item{"entityType": text(typ)}), keys); l != nil || err != nil {
					t.Errorf("%s, keys %d: got %v, %v, want nil, nil", typ, keys, l, err)
				}
			}
		}
	}, ""},
	{97, "a lease is read as it was written", func(t *testing.T) {
		survives(t, lease.Lease{Key: "k", Owner: "a", Counter: 42, Checkpoint: lease.TrimHorizon}, ByShard)
	}, ""},
	{98, "a lease of several streams is read as it was written", func(t *testing.T) {
		survives(t, lease.Lease{Key: theStream + ":" + theShard, Stream: theStream, Shard: theShard, Owner: "a", Counter: 42, Checkpoint: lease.TrimHorizon}, ByStreamAndShard)
	}, ""},
	{99, "a type in other letters is unknown", func(t *testing.T) {
		if _, bad := look(javaRow(item{"entityType": text("lease")}), ByShard); bad == nil || bad.Attribute != "entityType" {
			t.Errorf("got %v, want entityType reported", bad)
		}
	}, ""},
	{100, "a lease without counter or switches does not parse", func(t *testing.T) {
		for _, attr := range []string{"leaseCounter", "ownerSwitchesSinceCheckpoint"} {
			doesNotParse(t, javaRow(item{attr: nil}), ByShard, attr)
		}
	}, ""},
	{101, "a lease without checkpoint parses, and has none", func(t *testing.T) {
		if l := parses(t, javaRow(item{"checkpoint": nil}), ByShard); !l.Checkpoint.IsZero() {
			t.Errorf("checkpoint: got %v, want none", l.Checkpoint)
		}
	}, ""},
	{102, "half a hash range is none", func(t *testing.T) {
		if l := parses(t, javaRow(item{"startingHashKey": text("1")}), ByShard); !l.HashRange.IsZero() {
			t.Errorf("hash range: got %v, want none", l.HashRange)
		}
	}, ""},
	{103, "a hash range of one key does not parse", nil,
		"it does: a stream can have such a shard, and it must have a lease"},
	{104, "a counter that is no whole number does not parse", func(t *testing.T) {
		doesNotParse(t, javaRow(item{"leaseCounter": decimal("1.5")}), ByShard, "leaseCounter")
	}, ""},
	{105, "without parents and children there are no sets of them", func(t *testing.T) {
		absentIn(t, lease.Lease{Parents: []string{}, Children: []string{}}, "parentShardId", "childShardIds")
	}, ""},
	{106, "without a pending checkpoint there is nothing of it", func(t *testing.T) {
		absentIn(t, lease.Lease{}, "pendingCheckpoint", "pendingCheckpointSubSequenceNumber", "pendingCheckpointState")
		l := parses(t, javaRow(item{"pendingCheckpoint": text(""), "pendingCheckpointSubSequenceNumber": decimal("7")}), ByShard)
		if !l.Pending.IsZero() {
			t.Errorf("pending: got %v, want none", l.Pending)
		}
	}, ""},
	{107, "a lease of several streams must name its stream", func(t *testing.T) {
		doesNotParse(t, javaRow(nil), ByStreamAndShard, "streamName")
		doesNotParse(t, ofSeveral(item{"streamName": nil}), ByStreamAndShard, "streamName")
		doesNotParse(t, ofSeveral(item{"shardId": nil}), ByStreamAndShard, "shardId")
	}, ""},
	{108, "a checkpoint without sub-sequence number has 0", func(t *testing.T) {
		if got := describe(leaseItem(lease.Lease{Key: "k", Checkpoint: lease.TrimHorizon}))["checkpointSubSequenceNumber"]; got != "N 0" {
			t.Errorf("written: got %q, want N 0", got)
		}
		if l := parses(t, javaRow(item{"checkpoint": text("12"), "checkpointSubSequenceNumber": nil}), ByShard); l.Checkpoint != position(t, "12", 0) {
			t.Errorf("read: got %v, want 12", l.Checkpoint)
		}
	}, ""},
	{109, "positions have an order, and words are none", func(t *testing.T) {
		all := []lease.Position{lease.AtTimestamp, lease.TrimHorizon, lease.Latest, position(t, "1", 0), lease.ShardEnd}
		for i, p := range all {
			for j, q := range all {
				if (p.Compare(q) < 0) != (i < j) {
					t.Errorf("%v.Compare(%v): got %d", p, q, p.Compare(q))
				}
			}
		}
		if p, err := lease.ParsePosition("abc", 0); err == nil {
			t.Errorf("abc: got %v, want an error", p)
		}
	}, ""},
	{110, "a sentinel with a sub-sequence number is one", nil,
		"it does not parse: nobody writes it, and Java itself does not take it for the sentinel where it asks whether a shard is finished"},
	{111, "a stream's identifier is read and written", func(t *testing.T) {
		const s = "123456789012:stream-name:1680616058"
		if id, err := lease.ParseStreamID(s); err != nil || id.String() != s {
			t.Errorf("got %v, %v, want %s", id, err, s)
		}
	}, ""},
	{112, "what is no identifier of a stream is refused", func(t *testing.T) {
		for _, s := range []string{":stream-name:1680616058", "123abc:stream-name:1680616058", "123456789012::1680616058", "123456789012:stream-name:",
			"123456789012:stream-name", "123456789012:stream-name:-1680616058", "123456789012:stream-name:then", "", "::"} {
			if id, err := lease.ParseStreamID(s); err == nil {
				t.Errorf("%q: got %v, want an error", s, id)
			}
		}
	}, ""},
	{113, "no stream was created at 0 or before", func(t *testing.T) {
		for _, at := range []int64{0, -123} {
			if err := (lease.StreamID{Account: "123456789012", Name: "orders", Created: at}).Check(); err == nil {
				t.Errorf("created at %d: got no error", at)
			}
		}
	}, ""},
	{114, "the identifier of an application's only stream is its name, also if made of an ARN", nil,
		"a lease of one stream names none, and no identifier is made of an ARN: Kinesis says the name and the time of creation beside it"},
	{115, "a lease key falls into stream and shard if it names a stream", func(t *testing.T) {
		// Java looks at the number of colons alone.
		if id, shard, ok := lease.SplitKey("1:stream:123:shard-001"); !ok || id.String() != "1:stream:123" || shard != "shard-001" {
			t.Errorf("got %v, %q, %v, want 1:stream:123 and shard-001", id, shard, ok)
		}
		if id, shard, ok := lease.SplitKey("simple:key"); ok {
			t.Errorf("simple:key: got %v, %q, want none", id, shard)
		}
	}, ""},
}

// parses returns the lease of a row, which must parse.
func parses(t *testing.T, row item, keys Keys) *lease.Lease {
	t.Helper()
	l, err := parseLease(row, keys)
	if err != nil || l == nil {
		t.Fatalf("got %v, %v, want a lease", l, err)
	}
	return l
}

func doesNotParse(t *testing.T, row item, keys Keys, attribute string) {
	t.Helper()
	l, err := parseLease(row, keys)
	if u, ok := errors.AsType[*lease.UnreadableError](err); !ok || l != nil || u.Attribute != attribute {
		t.Errorf("got %v, %v, want an error of attribute %s", l, err, attribute)
	}
}

func survives(t *testing.T, l lease.Lease, keys Keys) {
	t.Helper()
	if diff := cmp.Diff(&l, parses(t, leaseItem(l), keys), compare); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
}

// absentIn checks that a lease is written without some attributes, and nothing
// empty.
func absentIn(t *testing.T, l lease.Lease, attributes ...string) {
	t.Helper()
	l.Key, l.Checkpoint = "k", lease.Latest
	for attr, v := range describe(leaseItem(l)) {
		if slices.Contains(attributes, attr) || strings.HasSuffix(v, " ") {
			t.Errorf("%s is written: %q", attr, v)
		}
	}
}
