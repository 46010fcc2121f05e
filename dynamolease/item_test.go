package dynamolease

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leasehold/leasehold/lease"
)

type item = map[string]types.AttributeValue

func decimal(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }

// row returns a good lease's row with some attributes replaced, or removed
// where nil.
func rowWith(change item) item {
	row := item{
		"leaseKey": text("k"), "leaseCounter": decimal("5"), "ownerSwitchesSinceCheckpoint": decimal("1"),
		"checkpoint": text("LATEST"), "checkpointSubSequenceNumber": decimal("0"), "entityType": text("LEASE"),
	}
	for attr, v := range change {
		if v == nil {
			delete(row, attr)
		} else {
			row[attr] = v
		}
	}
	return row
}

// look is a scan of a table that has this row alone.
func look(row item, keys Keys) (*lease.Snapshot, *lease.UnreadableError) {
	snap, r := &lease.Snapshot{}, newRow(row)
	(&Store{cfg: Config{Keys: keys}}).add(snap, r)
	return snap, r.bad
}

func TestParse(t *testing.T) {
	good := lease.Lease{Key: "k", Counter: 5, Switches: 1, Checkpoint: lease.Latest}
	but := func(change func(*lease.Lease)) lease.Lease {
		l := good.Clone()
		change(&l)
		return l
	}
	for _, tt := range []struct {
		name   string
		change item
		want   lease.Lease
	}{
		{"a lease", nil, good},
		{"no entityType", item{"entityType": nil}, good},
		{"attributes of others", item{"x": text("y"), "z": &types.AttributeValueMemberNULL{Value: true}}, good},
		{"no sub-sequence number", item{"checkpointSubSequenceNumber": nil}, good},
		{"no checkpoint", item{"checkpoint": nil}, but(func(l *lease.Lease) { l.Checkpoint = lease.Position{} })},
		{"owner", item{"leaseOwner": text("a")}, but(func(l *lease.Lease) { l.Owner = "a" })},
		{"handoff", item{"leaseOwner": text("b"), "checkpointOwner": text("a")}, but(func(l *lease.Lease) { l.Owner, l.NextOwner = "a", "b" })},
		{"handoff to oneself", item{"leaseOwner": text("a"), "checkpointOwner": text("a")}, but(func(l *lease.Lease) { l.Owner = "a" })},
		{"handoff to nobody", item{"checkpointOwner": text("a")}, but(func(l *lease.Lease) { l.Owner = "a" })},
		{"empty pending checkpoint", item{"pendingCheckpoint": text(""), "pendingCheckpointSubSequenceNumber": decimal("7")}, good},
		{"pending checkpoint", item{"pendingCheckpoint": text("12"), "pendingCheckpointSubSequenceNumber": decimal("7"), "pendingCheckpointState": binary([]byte{1})},
			but(func(l *lease.Lease) { l.Pending, l.PendingState = position(t, "12", 7), []byte{1} })},
		{"number as pending state, as Java writes it", item{"pendingCheckpointState": decimal("0")}, good},
		{"half a hash range", item{"startingHashKey": text("1")}, good},
		{"empty half of a hash range", item{"startingHashKey": text("1"), "endingHashKey": text("")}, good},
		{"hash range of one key", item{"startingHashKey": text("7"), "endingHashKey": text("7")},
			but(func(l *lease.Lease) { l.HashRange = lease.HashRange{Start: "7", End: "7"} })},
		{"hash range by number, not by text", item{"startingHashKey": text("9"), "endingHashKey": text("10")},
			but(func(l *lease.Lease) { l.HashRange = lease.HashRange{Start: "9", End: "10"} })},
		{"throughput in any form", item{"throughputKBps": decimal("1.0E1")}, but(func(l *lease.Lease) { l.Throughput = new(10.0) })},
		{"throughput that is none", item{"throughputKBps": decimal("-1")}, good},
		{"largest counter", item{"leaseCounter": decimal("9223372036854775807")}, but(func(l *lease.Lease) { l.Counter = math.MaxInt64 })},
		{"stream and shard", item{"leaseKey": text("1:orders:2:s"), "streamName": text("1:orders:2"), "shardId": text("s")},
			but(func(l *lease.Lease) { l.Key, l.Stream, l.Shard = "1:orders:2:s", "1:orders:2", "s" })},
		{"lease with a fixed key", item{"leaseKey": text("Leader"), "entityType": nil}, but(func(l *lease.Lease) { l.Key = "Leader" })},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseLease(rowWith(tt.change), EitherKeys)
			if err != nil || got == nil {
				t.Fatalf("got %v, %v", got, err)
			}
			if diff := cmp.Diff(tt.want, *got, compare); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseOfBrokenRows(t *testing.T) {
	for _, tt := range []struct {
		name      string
		change    item
		attribute string
		reason    string
	}{
		{"no counter", item{"leaseCounter": nil}, "leaseCounter", "is missing"},
		{"no switches", item{"ownerSwitchesSinceCheckpoint": nil}, "ownerSwitchesSinceCheckpoint", "is missing"},
		{"no key", item{"leaseKey": nil}, "leaseKey", "is missing"},
		{"negative counter", item{"leaseCounter": decimal("-3")}, "leaseCounter", "is negative"},
		{"fractional counter", item{"leaseCounter": decimal("1.0")}, "leaseCounter", `is "1.0", not a whole number of 64 bits`},
		{"counter with an exponent", item{"leaseCounter": decimal("1E3")}, "leaseCounter", `is "1E3", not a whole number of 64 bits`},
		{"counter beyond 64 bits", item{"leaseCounter": decimal("9223372036854775808")}, "leaseCounter", `is "9223372036854775808", not a whole number of 64 bits`},
		{"counter as text", item{"leaseCounter": text("5")}, "leaseCounter", "has type S, not N"},
		{"owner as a number", item{"leaseOwner": decimal("5")}, "leaseOwner", "has type N, not S"},
		{"empty owner", item{"leaseOwner": text("")}, "leaseOwner", "is empty"},
		{"empty checkpoint owner", item{"checkpointOwner": text("")}, "checkpointOwner", "is empty"},
		{"checkpoint of words", item{"checkpoint": text("latest")}, "checkpoint", `is not a position: sequence number "latest" has a character that is not a digit`},
		{"sub-sequence number of a sentinel", item{"checkpointSubSequenceNumber": decimal("1")}, "checkpoint", "is not a position: LATEST has sub-sequence number 1, not 0"},
		{"parents as a list", item{"parentShardId": &types.AttributeValueMemberL{}}, "parentShardId", "has type L, not SS"},
		{"hash range upside down", item{"startingHashKey": text("10"), "endingHashKey": text("9")}, "startingHashKey", "is wrong: hash range from 10 to 9 is none"},
		{"hash key with a sign", item{"startingHashKey": text("-1"), "endingHashKey": text("9")}, "startingHashKey", `is wrong: hash key "-1" is not a decimal number`},
		{"pending state as text", item{"pendingCheckpointState": text("x")}, "pendingCheckpointState", "has type S, not B"},
		{"entityType as a number", item{"entityType": decimal("1")}, "entityType", "has type N, not S"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			row := rowWith(tt.change)
			got, err := parseLease(row, EitherKeys)
			u, isUnreadable := errors.AsType[*lease.UnreadableError](err)
			if got != nil || !isUnreadable || u.Attribute != tt.attribute || u.Reason != tt.reason {
				t.Errorf("got %v, %#v, want attribute %s, reason %q", got, u, tt.attribute, tt.reason)
			}
			// A look reports the same, and goes on.
			snap, bad := look(row, EitherKeys)
			if bad == nil || isUnreadable && *bad != *u || len(snap.Leases) != 0 {
				t.Errorf("add: got %v, %v", bad, snap)
			}
		})
	}
}

// What is not a lease is no lease and no error, and only kinds that nobody
// knows are reported.
func TestParseOfOtherKinds(t *testing.T) {
	for kind, reported := range map[string]bool{
		"WORKER_METRIC_STATS": false, "STREAM": false, "LEADER": false, "CLIENT_VERSION_MIGRATION": false, "TABLE_MIGRATION": false,
		"lease": true, "PARKING_TICKET": true,
	} {
		row := rowWith(item{"entityType": text(kind), "lut": decimal("1"), "cv": text("c"),
			"ownerName": text("o"), "leaseDuration": text("1"), "recordVersionNumber": text("r")})
		if l, err := parseLease(row, EitherKeys); l != nil || err != nil {
			t.Errorf("%s: parseLease: got %v, %v, want nil, nil", kind, l, err)
		}
		snap, bad := look(row, EitherKeys)
		if (bad != nil) != reported || len(snap.Leases) != 0 {
			t.Errorf("%s: add: got %v, %d leases", kind, bad, len(snap.Leases))
		}
		if reported && (bad.Key != "k" || bad.Attribute != "entityType") {
			t.Errorf("%s: add: got %#v", kind, bad)
		}
	}
}

// Items without entityType that an older KCL may have left.
func TestKindByKey(t *testing.T) {
	for key, want := range map[string]string{
		"Leader": entityLock, "Migration3.0": entityVersion, "TableMigration3.5": entityTableMigration, "shardId-0": entityLease,
	} {
		if got := entity(newRow(item{"leaseKey": text(key)})); got != want {
			t.Errorf("%s: got %s, want %s", key, got, want)
		}
	}
}

func TestParseOfTheLock(t *testing.T) {
	lock := item{"leaseKey": text("Leader"), "entityType": text("LEADER"), "ownerName": text("a"), "leaseDuration": text("120000"), "recordVersionNumber": text("r")}
	with := func(attr string, v types.AttributeValue) item {
		l := maps.Clone(lock)
		l[attr] = v
		return l
	}
	if l, err := lockOf("get lock", with("isReleased", text("1"))); l != nil || err != nil {
		t.Errorf("released: got %v, %v, want nil, nil", l, err)
	}
	for _, broken := range []item{
		with("leaseDuration", text("2m0s")), with("leaseDuration", decimal("120000")), with("leaseDuration", text("-1")),
		with("leaseDuration", text("9223372036854775807")), with("ownerName", nil), with("recordVersionNumber", text("")),
	} {
		if l, err := lockOf("get lock", broken); l != nil || !errors.Is(err, lease.ErrDependency) {
			t.Errorf("%v: got %v, %v, want an error", broken, l, err)
		}
	}
}

func TestThroughput(t *testing.T) {
	for f, want := range map[float64]string{
		1024.102412324: "1024.102412", 1.024: "1.024", 1e-200: "0", 1999999.123213123: "1999999.123213", 1.0000000000001: "1",
		0: "0", 0.0000005: "0.000001", 1e12: "1000000000000", 12345678901.5: "12345678901.5",
	} {
		v, isNumber := throughput(&f).(*types.AttributeValueMemberN)
		if !isNumber || v.Value != want {
			t.Errorf("%v: got %v, want %s", f, v, want)
		}
	}
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 1e15} {
		if v := throughput(&f); v != nil {
			t.Errorf("%v: got %v, want none", f, v)
		}
	}
}

// genName generates what leases are named by.
var genName = rapid.StringMatching(`[a-z0-9:._-]{1,12}`)

func maybe[T any](t *rapid.T, label string, g *rapid.Generator[T]) (v T) {
	if rapid.Bool().Draw(t, label+"?") {
		v = g.Draw(t, label)
	}
	return v
}

var genPosition = rapid.Custom(func(t *rapid.T) lease.Position {
	return rapid.OneOf(
		rapid.SampledFrom([]lease.Position{lease.AtTimestamp, lease.TrimHorizon, lease.Latest, lease.ShardEnd}),
		rapid.Custom(func(t *rapid.T) lease.Position {
			s, err := lease.ParseSequence(rapid.StringMatching(`0|[1-9][0-9]{0,128}`).Draw(t, "sequence"))
			if err != nil {
				t.Fatal(err)
			}
			return lease.At(s, rapid.Int64Range(0, math.MaxInt64).Draw(t, "sub"))
		})).Draw(t, "position")
})

var genShards = rapid.Custom(func(t *rapid.T) []string {
	names := rapid.SliceOfNDistinct(genName, 1, 3, rapid.ID).Draw(t, "shards")
	slices.Sort(names)
	return names
})

var genHashRange = rapid.Custom(func(t *rapid.T) lease.HashRange {
	ends := rapid.SliceOfN(rapid.Uint64(), 2, 2).Draw(t, "ends")
	slices.Sort(ends)
	return lease.HashRange{Start: strconv.FormatUint(ends[0], 10), End: fmt.Sprintf("%d0000", ends[1])}
})

var genThroughput = rapid.Map(rapid.Int64Range(0, 1e15), func(millionths int64) *float64 { return new(float64(millionths) / 1e6) })

var genOwners = rapid.Custom(func(t *rapid.T) lease.Owners {
	o := lease.Owners{Owner: maybe(t, "owner", genName)}
	if o.Owner != "" {
		o.Next = maybe(t, "next", genName.Filter(func(s string) bool { return s != o.Owner }))
	}
	return o
})

var genStreamID = rapid.Custom(func(t *rapid.T) lease.StreamID {
	return lease.StreamID{
		Account: rapid.StringMatching(`[0-9]{1,12}`).Draw(t, "account"),
		Name:    rapid.StringMatching(`[a-z0-9._-]{1,12}`).Draw(t, "name"),
		Created: rapid.Int64Range(1, math.MaxInt64).Draw(t, "created"),
	}
})

// genLease generates leases with any fields that a row of one stream can hold.
var genLease = rapid.Custom(func(t *rapid.T) lease.Lease {
	o := genOwners.Draw(t, "owners")
	l := lease.Lease{
		Key: genName.Draw(t, "key"), Owner: o.Owner, NextOwner: o.Next,
		Counter: rapid.Int64Range(0, math.MaxInt64).Draw(t, "counter"), Checkpoint: genPosition.Draw(t, "checkpoint"),
		Switches: rapid.Int64().Draw(t, "switches"), Pending: maybe(t, "pending", genPosition),
		Parents: maybe(t, "parents", genShards), Children: maybe(t, "children", genShards),
		HashRange: maybe(t, "hash range", genHashRange), Throughput: maybe(t, "throughput", genThroughput),
		Mark: maybe(t, "mark", genName),
	}
	if rapid.Bool().Draw(t, "state?") {
		l.PendingState = rapid.SliceOfN(rapid.Byte(), 1, 8).Draw(t, "state")
	}
	return l
})

func TestEveryFieldSurvivesTheRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := genLease.Draw(t, "lease")
		if rapid.Bool().Draw(t, "several streams?") {
			id := genStreamID.Draw(t, "stream")
			l.Stream, l.Shard = id.String(), genName.Draw(t, "shard")
			l.Key = id.Key(l.Shard)
		}
		row := leaseItem(l)
		got, err := parseLease(row, EitherKeys)
		if err != nil {
			t.Fatalf("%v", err)
		}
		if diff := cmp.Diff(l, *got, compare); diff != "" {
			t.Fatalf("(-stored +read):\n%s", diff)
		}
		for attr, v := range row {
			switch v := v.(type) {
			case *types.AttributeValueMemberS:
				if v.Value == "" {
					t.Fatalf("%s is an empty string", attr)
				}
			case *types.AttributeValueMemberSS:
				if len(v.Value) == 0 {
					t.Fatalf("%s is an empty set", attr)
				}
			case *types.AttributeValueMemberN:
				if strings.Trim(v.Value, "-.0123456789") != "" {
					t.Fatalf("%s is %s, with an exponent", attr, v.Value)
				}
			}
		}
	})
}

// FuzzParse reads rows of any text. What can be read can be written, and is
// then the same.
func FuzzParse(f *testing.F) {
	f.Add("k", "LEASE", "a", "b", "5", "0", "LATEST", "0", "", "", "0", "9", "1.5", "s", uint16(0xffff))
	f.Add("k", "", "a", "a", "-5", "1", "0012", "3", "7", "2", "5", "5", "1e3", "s", uint16(0xffff))
	f.Add("Leader", "", "", "", "", "", "", "", "", "", "", "", "", "", uint16(0))
	f.Fuzz(func(t *testing.T, key, kind, owner, checkpointOwner, counter, switches, checkpoint, sub, pending, pendingSub,
		start, end, rate, parent string, present uint16) {
		row := item{}
		for i, a := range []struct {
			attr string
			v    types.AttributeValue
		}{
			{attrKey, text(key)}, {attrEntity, text(kind)}, {attrOwner, text(owner)}, {attrCheckpointOwner, text(checkpointOwner)},
			{attrCounter, decimal(counter)}, {attrSwitches, decimal(switches)}, {attrCheckpoint, text(checkpoint)},
			{attrCheckpointSub, decimal(sub)}, {attrPending, text(pending)}, {attrPendingSub, decimal(pendingSub)},
			{attrHashStart, text(start)}, {attrHashEnd, text(end)}, {attrThroughput, decimal(rate)},
			{attrParents, &types.AttributeValueMemberSS{Value: []string{parent}}},
		} {
			if present&(1<<i) != 0 {
				row[a.attr] = a.v
			}
		}
		look(row, EitherKeys)
		lockOf("get lock", row)
		parseWorker(newRow(row))
		l, err := parseLease(row, EitherKeys)
		if err != nil || l == nil {
			return
		}
		again, err := parseLease(leaseItem(*l), EitherKeys)
		if err != nil {
			t.Fatalf("%+v, written: %v", l, err)
		}
		if l.Throughput != nil {
			// The rate is rounded, and left out where it is none.
			again.Throughput, l.Throughput = nil, nil
		}
		if diff := cmp.Diff(l, again, compare); diff != "" {
			t.Errorf("(-read +written and read):\n%s", diff)
		}
	})
}
