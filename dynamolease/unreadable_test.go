package dynamolease

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/leasehold/leasehold/lease"
)

// fullLease is a lease with every field that a lease of these keys can have.
func fullLease(t testing.TB, keys Keys, shard string) lease.Lease {
	l := lease.Lease{
		Key: shard, Owner: "a", NextOwner: "b", Counter: 5, Checkpoint: position(t, "12", 3), Pending: position(t, "13", 4), PendingState: []byte("state"),
		Switches: 1, Parents: []string{"p1", "p2"}, Children: []string{"c1"}, HashRange: lease.HashRange{Start: "9", End: "10"}, Throughput: new(2.5), Mark: "n-1",
	}
	if keys == ByStreamAndShard {
		l.Key, l.Stream, l.Shard = streamID+":"+shard, streamID, shard
	}
	fields := reflect.ValueOf(l)
	for i := range fields.NumField() {
		if name := fields.Type().Field(i).Name; fields.Field(i).IsZero() && name != "Stream" && name != "Shard" {
			t.Fatalf("a full lease has no %s", name)
		}
	}
	return l
}

// values has one of each of DynamoDB's types.
var values = []types.AttributeValue{
	text("5"), decimal("5"), binary([]byte("5")), stringSet([]string{"5"}),
	&types.AttributeValueMemberNS{Value: []string{"5"}}, &types.AttributeValueMemberBS{Value: [][]byte{[]byte("5")}},
	object(item{"5": text("5")}), &types.AttributeValueMemberL{Value: []types.AttributeValue{text("5")}},
	&types.AttributeValueMemberBOOL{Value: true}, &types.AttributeValueMemberNULL{Value: true},
}

// A row that cannot be read, or is of a kind that nobody knows, is reported by
// its name, with the attribute that is wrong; and that is all that it does. The
// table has one of each sort.
func TestFailure_F20_OneBadRowOfEachSort(t *testing.T) {
	for name, keys := range map[string]Keys{"one stream": ByShard, "several streams": ByStreamAndShard} {
		t.Run(name, func(t *testing.T) {
			tt := fake(t)
			ctx := t.Context()
			// The owner's attribute can be of any type only where no index is on it.
			if err := (indexed{tt}).DropIndex(ctx); err != nil {
				t.Fatal(err)
			}
			s, err := NewWithConfig(tt.client, tt.store.table, Config{Keys: keys})
			if err != nil {
				t.Fatal(err)
			}

			bad := map[string]string{} // the attribute at fault, by key
			plant := func(shard, attribute string, change item) {
				l := fullLease(t, keys, shard)
				row := leaseItem(l)
				maps.Copy(row, change)
				maps.DeleteFunc(row, func(_ string, v types.AttributeValue) bool { return v == nil })
				tt.mustPlant(t, row)
				bad[l.Key] = attribute
			}
			for attr, right := range leaseItem(fullLease(t, keys, "s")) {
				for _, v := range values {
					wrong := typeName(v) != typeName(right)
					if attr == "pendingCheckpointState" && typeName(v) == "N" {
						wrong = false // Java KCL does so
					}
					if attr != "leaseKey" && wrong {
						plant(attr+" as "+typeName(v), attr, item{attr: v})
					}
				}
			}
			for _, attr := range []string{"leaseCounter", "ownerSwitchesSinceCheckpoint", "checkpointSubSequenceNumber", "pendingCheckpointSubSequenceNumber"} {
				for _, n := range []string{"1.5", "9223372036854775808", "-9223372036854775809", "1e37", "1e-130"} {
					plant(attr+" of "+n, attr, item{attr: decimal(n)})
				}
			}
			long := strings.Repeat("9", 200)
			for _, attr := range []string{"checkpoint", "pendingCheckpoint"} {
				for _, s := range []string{"latest", "-1", "1.5", "1e3", " 1", long, long[:130]} {
					plant(attr+" of "+s, attr, item{attr: text(s)})
				}
				plant(attr+" of a negative record", attr, item{attr + "SubSequenceNumber": decimal("-1")})
				plant(attr+" of a sentinel's record", attr, item{attr: text("LATEST")})
			}
			plant("empty checkpoint", "checkpoint", item{"checkpoint": text("")})
			plant("empty leaseOwner", "leaseOwner", item{"leaseOwner": text("")})
			plant("empty checkpointOwner", "checkpointOwner", item{"checkpointOwner": text("")})
			plant("no leaseCounter", "leaseCounter", item{"leaseCounter": nil})
			plant("no switches", "ownerSwitchesSinceCheckpoint", item{"ownerSwitchesSinceCheckpoint": nil})
			plant("hash range of words", "startingHashKey", item{"startingHashKey": text("a")})
			plant("hash range that ends in words", "endingHashKey", item{"endingHashKey": text("-1")})
			plant("hash range upside down", "startingHashKey", item{"startingHashKey": text("11")})
			plant("unknown kind", "entityType", item{"entityType": text("PARKING_TICKET")})
			plant("kind in small letters", "entityType", item{"entityType": text("lease")})
			plant("empty kind", "entityType", item{"entityType": text("")})
			plant("worker without a time", "lut", item{"entityType": text("WORKER_METRIC_STATS")})
			plant("worker with words for a time", "lut", item{"entityType": text("WORKER_METRIC_STATS"), "lut": text("now")})
			if keys == ByShard {
				plant("of the other kind", "streamName", item{"streamName": text(streamID), "shardId": text("of the other kind")})
				plant("half of the other kind", "streamName", item{"shardId": text("half of the other kind")})
			} else {
				plant("of the other kind", "streamName", item{"streamName": nil, "shardId": nil})
				plant("without a shard", "shardId", item{"shardId": nil})
				plant("of another shard", "streamName", item{"shardId": text("shardId-1")})
				plant("of no stream", "streamName", item{"streamName": text("orders")})
			}

			var good []lease.Lease
			for i := range 20 {
				l := fullLease(t, keys, fmt.Sprint("shardId-", i))
				tt.mustPlant(t, leaseItem(l))
				good = append(good, l)
			}
			want := slices.Clone(good)
			slices.SortFunc(want, func(a, b lease.Lease) int { return strings.Compare(a.Key, b.Key) })
			check := func(what string, got []lease.Lease, reports []lease.UnreadableError) {
				t.Helper()
				slices.SortFunc(got, func(a, b lease.Lease) int { return strings.Compare(a.Key, b.Key) })
				if diff := cmp.Diff(want, got, compare); diff != "" {
					t.Errorf("%s: good leases (-want +got):\n%s", what, diff)
				}
				reported := map[string]string{}
				for _, u := range reports {
					reported[u.Key] = u.Attribute
					if u.Reason == "" || !strings.Contains(u.Error(), u.Attribute+" "+u.Reason) {
						t.Errorf("%s: report %#v reads %q", what, u, u.Error())
					}
				}
				if diff := cmp.Diff(bad, reported); diff != "" || len(reports) != len(bad) {
					t.Errorf("%s: %d reports, attributes at fault (-want +got):\n%s", what, len(reports), diff)
				}
			}
			snap, err := s.Scan(ctx)
			if err != nil {
				t.Fatal(err)
			}
			check("Scan", slices.Clone(snap.Leases), snap.Unreadable)
			if len(snap.Workers) != 0 {
				t.Errorf("found workers %v", snap.Workers)
			}

			// other says that a row is known to be no lease.
			other := func(key, attr string) bool {
				return attr == "lut" || attr == "entityType" && typeName(tt.raw(t, key)["entityType"]) == "S"
			}

			// One by one, a lease that cannot be read is an error that says so.
			for key, attr := range bad {
				l, err := s.Get(ctx, key)
				if other(key, attr) {
					if l != nil || err != nil {
						t.Errorf("Get(%q), which is no lease: got %v, %v", key, l, err)
					}
					continue
				}
				u, isReport := errors.AsType[*lease.UnreadableError](err)
				if l != nil || !isReport || u.Key != key || u.Attribute != attr {
					t.Errorf("Get(%q): got %v, %v, want a report of %s", key, l, err, attr)
				}
			}
			// Whoever lists them gets the good ones, and all reports of leases.
			leases, err := lease.NewManager(s).ListLeases(ctx)
			if len(leases) != len(good) || !errors.Is(err, lease.ErrDependency) {
				t.Errorf("ListLeases: got %d leases, error %v, want %d and one", len(leases), err, len(good))
			}
			for key, attr := range bad {
				if named := err != nil && strings.Contains(err.Error(), fmt.Sprintf("row %q cannot be read: attribute %s ", key, attr)); named == other(key, attr) {
					t.Errorf("ListLeases reports %q, %s: %v", key, attr, named)
				}
			}
		})
	}
}

// The lock and the fleet's state may be broken too, of which a table has one
// each.
func TestFailure_F20_BadLockAndBadVersion(t *testing.T) {
	tt := fake(t)
	ctx := t.Context()
	mustCreate(t, tt.store, lease.Lease{Key: "k", Checkpoint: lease.Latest})
	if _, _, err := tt.store.PutWorker(ctx, lease.Worker{ID: "w", Reported: time.Unix(1, 0), Nonce: "n"}, nil); err != nil {
		t.Fatal(err)
	}
	lock := item{"leaseKey": text("Leader"), "entityType": text("LEADER"), "ownerName": text("a"), "leaseDuration": text("1000"), "recordVersionNumber": text("r")}
	version := item{"leaseKey": text("Migration3.0"), "entityType": text("CLIENT_VERSION_MIGRATION"), "cv": text("CLIENT_VERSION_3X")}
	for _, good := range []item{lock, version} {
		tt.mustPlant(t, good)
	}
	for attr, good := range map[string]item{"ownerName": lock, "leaseDuration": lock, "recordVersionNumber": lock, "cv": version} {
		bad := append(slices.Clone(values[1:]), nil, text(""))
		if attr == "leaseDuration" {
			bad = append(bad, text("2m"), text("-1"), text("1.5"), text("9223372036854775807"))
		}
		for _, v := range bad {
			row := maps.Clone(good)
			row[attr] = v
			if v == nil {
				delete(row, attr)
			}
			tt.mustPlant(t, row)
			snap, err := tt.store.Scan(ctx)
			if err != nil || len(snap.Leases) != 1 || len(snap.Workers) != 1 {
				t.Fatalf("%s of %v: got %+v, %v", attr, v, snap, err)
			}
			if len(snap.Unreadable) != 1 || snap.Unreadable[0].Key != newRow(good).key() || snap.Unreadable[0].Attribute != attr {
				t.Errorf("%s of %v: got reports %v, want one", attr, v, snap.Unreadable)
			}
			if hasLock, hasVersion := snap.Lock != nil, snap.Version != ""; hasLock == (newRow(good).key() == "Leader") || hasVersion == (attr == "cv") {
				t.Errorf("%s of %v: got lock %v, version %q", attr, v, snap.Lock, snap.Version)
			}
			tt.mustPlant(t, good)
		}
	}
}
