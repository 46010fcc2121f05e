package cli

import (
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leasehold/leasehold/awsfake"
	"github.com/leasehold/leasehold/dynamolease"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// looks is a watch of a table, one look a second.
func looks(all ...[]lease.Lease) *watch {
	w := &watch{}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, leases := range all {
		w.add(&lease.Snapshot{Leases: leases}, at)
		at = at.Add(time.Second)
	}
	return w
}

func TestStatesByLooking(t *testing.T) {
	held := func(owner string, counter int64) []lease.Lease {
		return []lease.Lease{{Key: "k", Owner: owner, Counter: counter, Checkpoint: lease.Latest}}
	}
	const failover = 2 * time.Second
	for _, tt := range []struct {
		name    string
		w       *watch
		want    leaseState
		settled bool
	}{
		{"one look tells nothing", looks(held("a", 1)), stateUnknown, false},
		{"nobody owns it", looks(held("", 1)), stateUnowned, true},
		{"a counter that stood still for no longer than the failover time", looks(held("a", 1), held("a", 1), held("a", 1)), stateUnknown, false},
		{"for longer", looks(held("a", 1), held("a", 1), held("a", 1), held("a", 1)), stateExpired, true},
		{"a counter that moved", looks(held("a", 1), held("a", 2)), stateOK, true},
		{"a counter that moved and then stood still for long", looks(held("a", 1), held("a", 2), held("a", 2), held("a", 2), held("a", 2)), stateExpired, true},
		{"a new owner's counter was not written by it for sure", looks(held("a", 1), held("b", 2)), stateUnknown, false},
		{"until it moves again", looks(held("a", 1), held("b", 2), held("b", 3)), stateOK, true},
	} {
		got := judge(tt.w, "", nil, failover)[0]
		if got.state != tt.want || tt.w.settled(failover) != tt.settled {
			t.Errorf("%s: got %s (settled %v), want %s (%v)", tt.name, got.state, tt.w.settled(failover), tt.want, tt.settled)
		}
		known := tt.want == stateOK || tt.want == stateExpired
		if (got.alive != nil) != known || known && *got.alive != (tt.want == stateOK) {
			t.Errorf("%s: alive is %v", tt.name, got.alive)
		}
	}
}

func TestStatesByLineage(t *testing.T) {
	at := func(key string, pos lease.Position, parents ...string) lease.Lease {
		return lease.Lease{Key: key, Checkpoint: pos, Parents: parents}
	}
	owned := func(l lease.Lease, owner, next string) lease.Lease {
		l.Owner, l.NextOwner = owner, next
		return l
	}
	leases := []lease.Lease{
		at("done", lease.ShardEnd),
		at("afterDone", lease.TrimHorizon, "done"),
		at("open", lease.Latest),
		at("afterOpen", lease.TrimHorizon, "open"),
		owned(at("afterOpenButOwned", lease.TrimHorizon, "open"), "a", ""),
		at("afterBoth", lease.TrimHorizon, "done", "open"),
		at("afterUnknown", lease.TrimHorizon, "gone"),
		owned(at("moving", lease.Latest), "a", "b"),
		at("ofAnotherTime", lease.Latest),
	}
	shards := []stream.Shard{{ID: "done", Closed: true}, {ID: "afterDone", Parents: []string{"done"}}, {ID: "open", Closed: true},
		{ID: "afterOpen", Parents: []string{"open"}}, {ID: "afterOpenButOwned"}, {ID: "afterBoth"}, {ID: "afterUnknown"}, {ID: "moving"}, {ID: "new"}}
	want := map[string]leaseState{
		"done": stateFinished, "afterDone": stateUnowned, "open": stateUnowned, "afterOpen": stateWaiting, "afterOpenButOwned": stateWaiting,
		"afterBoth": stateWaiting, "afterUnknown": stateUnowned, "moving": stateHandingOff, "ofAnotherTime": stateUnowned,
	}
	check := func(t *testing.T, views []leaseView) {
		t.Helper()
		for _, v := range views {
			if v.state != want[v.key] {
				t.Errorf("%s: got %q, want %q", v.key, v.state, want[v.key])
			}
		}
		if len(views) != len(want) {
			t.Errorf("%d leases, want %d", len(views), len(want))
		}
	}
	check(t, judge(looks(leases), "", nil, time.Minute))
	want["ofAnotherTime"], want["new"] = stateOrphan, stateMissing
	check(t, judge(looks(leases), "orders", shards, time.Minute))
}

// A lease that is finished before its shard has nobody to read the shard.
func TestFinishedBeforeTheShard(t *testing.T) {
	leases := []lease.Lease{
		{Key: "s-0", Owner: "a", Checkpoint: lease.ShardEnd},
		{Key: "s-1", Owner: "a", Checkpoint: lease.ShardEnd},
		{Key: "s-2", Owner: "a", Checkpoint: lease.ShardEnd},
		{Key: "s-3", Owner: "a", Checkpoint: lease.Latest},
	}
	shards := []stream.Shard{{ID: "s-0"}, {ID: "s-1", Closed: true}, {ID: "s-3"}}
	want := map[string]leaseState{"s-0": stateUnread, "s-1": stateFinished, "s-2": stateFinished, "s-3": stateUnknown}
	views := judge(looks(leases), "orders", shards, time.Minute)
	for _, v := range views {
		if v.state != want[v.key] {
			t.Errorf("%s: got %q, want %q", v.key, v.state, want[v.key])
		}
	}
	if views[0].key != "s-0" {
		t.Errorf("%s is listed first, want the worst", views[0].key)
	}
	for _, v := range judge(looks(leases), "", nil, time.Minute) {
		if v.state == stateUnread {
			t.Errorf("%s: got %q though no stream was asked", v.key, v.state)
		}
	}
}

// The shard is split and read to its end after it was listed and before the look
// at the table.
func TestShardThatEndsBetweenTheLooks(t *testing.T) {
	f := newFakes()
	server := httptest.NewServer(f.services)
	defer server.Close()
	ctx := t.Context()
	f.services.Kinesis.Create("orders", 1)
	store := dynamolease.New(f.dynamo, "mailer")
	if _, err := store.CreateTable(ctx, 0, 0); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.Create(ctx, lease.Lease{Key: "shardId-000000000000", Checkpoint: lease.ShardEnd}); err != nil {
		t.Fatal(err)
	}
	split := sync.OnceFunc(func() { f.services.Kinesis.Split("orders", "shardId-000000000000") })
	f.services.DynamoDB.SetScript(func(c awsfake.Call) awsfake.Fault {
		if c.Operation == "Scan" {
			split()
		}
		return awsfake.Fault{}
	})
	status, out, errs := run(t, environment("AWS_ENDPOINT_URL="+server.URL), "leases", "list", "-a", "mailer", "-s", "orders")
	if status != 0 || !strings.Contains(out, "finished") || strings.Contains(out+errs, "unread") || strings.Contains(errs, "nobody reads") {
		t.Errorf("exit code %d\n%s%s", status, out, errs)
	}
}

// In a table of several streams, shards of the same name are different shards.
func TestStatesOfSeveralStreams(t *testing.T) {
	leases := []lease.Lease{
		{Key: "1:a:1:s-0", Stream: "1:a:1", Shard: "s-0", Checkpoint: lease.ShardEnd},
		{Key: "1:a:1:s-1", Stream: "1:a:1", Shard: "s-1", Checkpoint: lease.TrimHorizon, Parents: []string{"s-0"}},
		{Key: "1:b:1:s-0", Stream: "1:b:1", Shard: "s-0", Checkpoint: lease.Latest},
		{Key: "1:b:1:s-1", Stream: "1:b:1", Shard: "s-1", Checkpoint: lease.TrimHorizon, Parents: []string{"s-0"}},
	}
	want := map[string]leaseState{"1:a:1:s-0": stateFinished, "1:a:1:s-1": stateUnowned, "1:b:1:s-0": stateUnowned, "1:b:1:s-1": stateWaiting}
	for _, v := range judge(looks(leases), "a", []stream.Shard{{ID: "s-0"}}, time.Minute) {
		if v.state != want[v.key] {
			t.Errorf("%s: got %q, want %q", v.key, v.state, want[v.key])
		}
		if v.name() != v.key {
			t.Errorf("%s is shown as %s", v.key, v.name())
		}
	}
}

func TestPickLeases(t *testing.T) {
	views := []leaseView{{key: "shardId-000000000001", shard: "shardId-000000000001"}, {key: "1:a:1:s", shard: "s"}, {key: "1:b:1:s", shard: "s"}}
	for _, tt := range []struct {
		arg, want string
		code      code
	}{
		{"1", "shardId-000000000001", 0},
		{"shardId-000000000001", "shardId-000000000001", 0},
		{"1:b:1:s", "1:b:1:s", 0},
		{"s", "", wrongUsage},
		{"2", "", notFound},
	} {
		got, err := pick(views, []string{tt.arg})
		if tt.code != 0 {
			if e, ok := err.(*Error); !ok || e.Code != tt.code {
				t.Errorf("lease %s: got %v, %v, want code %d", tt.arg, got, err, tt.code)
			}
			continue
		}
		if err != nil || len(got) != 1 || got[0].key != tt.want {
			t.Errorf("lease %s: got %v, %v, want %s", tt.arg, got, err, tt.want)
		}
	}
}
