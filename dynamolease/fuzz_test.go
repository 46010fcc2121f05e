package dynamolease

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/leasehold/leasehold/lease"
)

// A page is a table of one page, as far as a scan can tell.
type page struct {
	API
	items []item
}

func (p page) Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	return &dynamodb.ScanOutput{Items: p.items}, nil
}

const (
	streamID  = "123456789012:orders:1"
	streamKey = streamID + ":shardId-000000000001"
)

// Items to begin with, by what they are. The first two are good leases of an
// application with one stream and with several.
func itemsToSpoil() []item {
	return []item{
		rowWith(item{"leaseOwner": text("a"), "parentShardId": stringSet([]string{"p"}), "startingHashKey": text("9"), "endingHashKey": text("10")}),
		rowWith(item{"leaseKey": text(streamKey), "streamName": text(streamID), "shardId": text("shardId-000000000001")}),
		{"leaseKey": text("w"), "entityType": text("WORKER_METRIC_STATS"), "lut": decimal("1"), "properties": object(item{"nonce": text("n")})},
		{"leaseKey": text("Leader"), "entityType": text("LEADER"), "ownerName": text("a"), "leaseDuration": text("1"), "recordVersionNumber": text("r")},
		{"leaseKey": text("Migration3.0"), "entityType": text("CLIENT_VERSION_MIGRATION"), "cv": text("CLIENT_VERSION_3X")},
		{"leaseKey": text("k")},
		{},
	}
}

// FuzzItem scans a table with an item of any attributes of any types between
// two good leases. Those are found, whatever the item is; it is found too, or
// reported with its key, the attribute that is wrong and the reason. A lease
// that can be read can be written, and is then the same.
func FuzzItem(f *testing.F) {
	for base := range 3 * len(itemsToSpoil()) {
		f.Add([]byte{byte(base)})
	}
	for attr := range fuzzAttributes {
		// Another kind and another text for each, so that all are there once.
		f.Add([]byte{byte(attr % 2), byte(attr), byte(attr % fuzzKinds), byte(attr), 1})
		f.Add([]byte{byte(attr % 2), byte(attr), 1 - byte(attr%2), byte(attr + 8)})
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		src := &source{b}
		first := int(src.byte())
		spoil := itemsToSpoil()
		row := spoil[first%len(spoil)]
		keys := []Keys{ByShard, ByStreamAndShard, EitherKeys}[first/len(spoil)%3]
		src.spoil(row)

		good := itemsToSpoil()[0]
		if keys == ByStreamAndShard {
			good = itemsToSpoil()[1]
		}
		s, err := NewWithConfig(page{items: []item{good, row, good}}, "orders", Config{Keys: keys, SingleTable: true})
		if err != nil {
			t.Fatal(err)
		}
		snap, err := s.Scan(t.Context())
		if err != nil {
			t.Fatalf("Scan: %v", err)
		}
		want, err := parseLease(good, keys)
		if err != nil {
			t.Fatal(err)
		}
		n := len(snap.Leases)
		if n < 2 || cmp.Diff(*want, snap.Leases[0], compare) != "" || cmp.Diff(*want, snap.Leases[n-1], compare) != "" {
			t.Fatalf("the good leases are not found beside %v: got %+v", describe(row), snap.Leases)
		}

		l, err := parseLease(row, keys)
		switch {
		case l != nil:
			if n != 3 || cmp.Diff(*l, snap.Leases[1], compare) != "" || len(snap.Unreadable) != 0 {
				t.Fatalf("%v: Get reads %+v, Scan %+v and %v", describe(row), l, snap.Leases, snap.Unreadable)
			}
			checkWritten(t, l, keys)
		case err != nil:
			checkBlame(t, row, good, keys, snap.Unreadable)
		default:
			if n != 2 || len(snap.Unreadable) > 1 || len(snap.Workers)+len(snap.Unreadable) > 1 {
				t.Fatalf("%v is found twice: %+v", describe(row), snap)
			}
		}
	})
}

// checkWritten checks that a lease that was read can be written.
func checkWritten(t *testing.T, l *lease.Lease, keys Keys) {
	row := leaseItem(*l)
	again, err := parseLease(row, keys)
	if err != nil || again == nil {
		t.Fatalf("%+v, written as %v: got %v, %v", l, describe(row), again, err)
	}
	// A rate is stored with six decimals, and not where it is none.
	if diff := cmp.Diff(throughput(l.Throughput), throughput(again.Throughput), cmp.Comparer(func(a, b types.AttributeValue) bool {
		return describe(item{"": a})[""] == describe(item{"": b})[""]
	})); diff != "" {
		t.Fatalf("throughput %v: got %v", *l.Throughput, again.Throughput)
	}
	was := l.Clone()
	was.Throughput = again.Throughput
	if diff := cmp.Diff(&was, again, compare, nilIsEmpty); diff != "" {
		t.Fatalf("(-read +written and read):\n%s", diff)
	}
}

// together are attributes that are read together, of which one is named.
var together = [][]string{
	{"checkpoint", "checkpointSubSequenceNumber"},
	{"pendingCheckpoint", "pendingCheckpointSubSequenceNumber"},
	{"startingHashKey", "endingHashKey"},
	{"leaseKey", "streamName", "shardId"},
}

// checkBlame checks that the report of a row says what is wrong with it: when
// that is as in a good row, it is no longer what is wrong.
func checkBlame(t *testing.T, row, good item, keys Keys, reports []lease.UnreadableError) {
	if len(reports) != 1 {
		t.Fatalf("%v: got reports %v, want one", describe(row), reports)
	}
	u := reports[0]
	if u.Key != newRow(row).key() || u.Attribute == "" || u.Reason == "" {
		t.Fatalf("%v: got report %#v, want its key, an attribute and a reason", describe(row), u)
	}
	mended := []string{u.Attribute}
	for _, attrs := range together {
		if slices.Contains(attrs, u.Attribute) {
			mended = attrs
		}
	}
	for _, attr := range mended {
		delete(row, attr)
		if v := good[attr]; v != nil {
			row[attr] = v
		}
	}
	if _, err := parseLease(row, keys); err != nil && slices.Contains(mended, err.(*lease.UnreadableError).Attribute) {
		t.Fatalf("%v was mended, and is still reported: %v", u, err)
	}
}

// A source makes items of the bytes that a fuzzer gives, and zeros when they are
// used up.
type source struct{ b []byte }

func (s *source) byte() byte {
	if len(s.b) == 0 {
		return 0
	}
	b := s.b[0]
	s.b = s.b[1:]
	return b
}

var fuzzAttributes = []string{
	"leaseKey", "entityType", "leaseOwner", "checkpointOwner", "leaseCounter", "ownerSwitchesSinceCheckpoint",
	"checkpoint", "checkpointSubSequenceNumber", "pendingCheckpoint", "pendingCheckpointSubSequenceNumber", "pendingCheckpointState",
	"parentShardId", "childShardIds", "startingHashKey", "endingHashKey", "throughputKBps", "streamName", "shardId", "lhw",
	"lut", "properties", "ownerName", "leaseDuration", "recordVersionNumber", "isReleased", "deputy", "cv", "of others",
}

// fuzzTexts are what attributes may have, and come close to.
var fuzzTexts = []string{
	"", "a", "b", "k", "5", "0", "-1", "1.5", "1e3", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "1.0",
	"LATEST", "TRIM_HORIZON", "AT_TIMESTAMP", "SHARD_END", "latest", "+5", " 5", "-0", "007",
	"49680519890916628484268698367474917806902183999664291842", strings.Repeat("9", 129), strings.Repeat("9", 130), strings.Repeat("9", 200),
	"340282366920938463463374607431768211455", "NaN", "Infinity", "1e400", "5e-324",
	"LEASE", "LEADER", "WORKER_METRIC_STATS", "CLIENT_VERSION_MIGRATION", "TABLE_MIGRATION", "STREAM", "PARKING_TICKET",
	"Leader", "Migration3.0", "TableMigration3.5", streamID, streamKey, "shardId-000000000001", "\xff",
}

func (s *source) text() string {
	b := int(s.byte())
	if b < len(fuzzTexts) {
		return fuzzTexts[b]
	}
	n := min((b-len(fuzzTexts))%24, len(s.b))
	t := string(s.b[:n])
	s.b = s.b[n:]
	return t
}

// fuzzKinds is how many kinds of values there are, none at all included.
const fuzzKinds = 11

// value makes a value, nil for none. A set has no member twice.
func (s *source) value(depth int) types.AttributeValue {
	kind := s.byte() % fuzzKinds
	if depth > 3 {
		kind = 0
	}
	switch kind {
	case 0:
		return text(s.text())
	case 1:
		return decimal(s.text())
	case 2:
		return binary([]byte(s.text()))
	case 3:
		return stringSet(s.texts())
	case 4:
		return &types.AttributeValueMemberNS{Value: s.texts()}
	case 5:
		return &types.AttributeValueMemberBS{Value: [][]byte{[]byte(s.text())}}
	case 6:
		return &types.AttributeValueMemberBOOL{Value: s.byte()%2 == 0}
	case 7:
		return &types.AttributeValueMemberNULL{Value: true}
	case 8:
		m := item{}
		for range s.byte() % 4 {
			m[s.text()] = s.value(depth + 1)
		}
		return object(m)
	case 9:
		l := &types.AttributeValueMemberL{}
		for range s.byte() % 4 {
			l.Value = append(l.Value, s.value(depth+1))
		}
		return l
	}
	return nil
}

func (s *source) texts() (all []string) {
	for range s.byte() % 4 {
		all = append(all, s.text())
	}
	return all
}

// spoil replaces and removes attributes of row.
func (s *source) spoil(row item) {
	for len(s.b) > 0 {
		attr := fuzzAttributes[int(s.byte())%len(fuzzAttributes)]
		if v := s.value(0); v != nil {
			row[attr] = v
		} else {
			delete(row, attr)
		}
	}
}
