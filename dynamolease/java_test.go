package dynamolease

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leasehold/leasehold/lease"
)

// javaItems are rows that workers of Java KCL 3.5.1 wrote, in the order of the
// file; split and merge, a handoff, the end of shards among them. That of an
// application with several streams is made after its serializer.
func javaItems(t *testing.T, keys Keys) (names []string, items map[string]json.RawMessage) {
	t.Helper()
	f, err := os.ReadFile("testdata/java-3.5.1.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	items = make(map[string]json.RawMessage)
	lines := bufio.NewScanner(bytes.NewReader(f))
	for lines.Scan() {
		var line struct {
			Name, Keys string
			Item       json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if (line.Keys == "ByStreamAndShard") != (keys == ByStreamAndShard) {
			continue
		}
		names = append(names, line.Name)
		items[line.Name] = line.Item
	}
	return names, items
}

func position(t testing.TB, s string, sub int64) lease.Position {
	t.Helper()
	p, err := lease.ParsePosition(s, sub)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var compare = cmp.Options{
	cmp.Comparer(func(a, b lease.Position) bool { return a == b }),
	cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }),
}

func TestLeasesOfJavaAreRead(t *testing.T) {
	const (
		quarter  = "85070591730234615865843651857942052862"
		half     = "255211775190703847597530955573826158588"
		last     = "340282366920938463463374607431768211455"
		handedTo = "49680519890916628484268698368104768158921413702426034178"
	)
	first := lease.HashRange{Start: "0", End: quarter}
	fourth := lease.HashRange{Start: "255211775190703847597530955573826158589", End: last}
	want := map[string]lease.Lease{
		"new":      {Key: "shardId-000000000000", Checkpoint: lease.TrimHorizon, HashRange: first},
		"assigned": {Key: "shardId-000000000000", Owner: "workerA", Counter: 1, Checkpoint: lease.TrimHorizon, HashRange: first},
		"checkpointed": {Key: "shardId-000000000000", Owner: "workerA", Counter: 6, HashRange: first, Throughput: new(2.031651),
			Checkpoint: position(t, "49680519890916628484268698367474917806902183999664291842", 0)},
		"handoff begun": {Key: "shardId-000000000000", Owner: "workerA", NextOwner: "workerB", Counter: 114, HashRange: first, Throughput: new(0.095764),
			Checkpoint: position(t, "49680519890916628484268698368086634271627194058647011330", 0)},
		"handoff, renewed": {Key: "shardId-000000000000", Owner: "workerA", NextOwner: "workerB", Counter: 117, HashRange: first, Throughput: new(0.08995),
			Checkpoint: position(t, handedTo, 0)},
		"handoff ended": {Key: "shardId-000000000000", Owner: "workerB", Counter: 118, HashRange: first, Throughput: new(0.08995),
			Checkpoint: position(t, handedTo, 0)},
		"held by the next owner": {Key: "shardId-000000000000", Owner: "workerB", Counter: 121, HashRange: first, Throughput: new(0.02716),
			Checkpoint: position(t, "49680519890916628484268698368133782378592165214935842818", 0)},
		"ended by a split": {Key: "shardId-000000000003", Owner: "workerA", Counter: 170, Checkpoint: lease.ShardEnd, HashRange: fourth, Throughput: new(0.103223),
			Children: []string{"shardId-000000000004", "shardId-000000000005"}},
		"ended by a merge": {Key: "shardId-000000000001", Owner: "workerA", Counter: 172, Checkpoint: lease.ShardEnd, Throughput: new(0.08296),
			HashRange: lease.HashRange{Start: "85070591730234615865843651857942052863", End: "170141183460469231731687303715884105725"},
			Children:  []string{"shardId-000000000006"}},
		"ended, renewed": {Key: "shardId-000000000003", Owner: "workerA", Counter: 188, Checkpoint: lease.ShardEnd, HashRange: fourth, Throughput: new(0.0),
			Children: []string{"shardId-000000000004", "shardId-000000000005"}},
		"child of a split": {Key: "shardId-000000000004", Checkpoint: lease.TrimHorizon, Parents: []string{"shardId-000000000003"},
			HashRange: lease.HashRange{Start: "255211775190703847597530955573826158589", End: "299999999999999999999999999999999999999"}},
		"child of a merge": {Key: "shardId-000000000006", Checkpoint: lease.TrimHorizon, Parents: []string{"shardId-000000000001", "shardId-000000000002"},
			HashRange: lease.HashRange{Start: "85070591730234615865843651857942052863", End: half}},
	}
	several := map[string]lease.Lease{
		"of several streams": {Key: "123456789012:orders:1680616058:shardId-000000000001", Stream: "123456789012:orders:1680616058", Shard: "shardId-000000000001",
			Owner: "workerA", Counter: 17, Checkpoint: lease.Latest, Parents: []string{"shardId-000000000000"},
			HashRange: lease.HashRange{Start: "170141183460469231731687303715884105728", End: last}},
	}
	testLeasesOfJava(t, ByShard, want)
	testLeasesOfJava(t, ByStreamAndShard, several)
}

func testLeasesOfJava(t *testing.T, keys Keys, want map[string]lease.Lease) {
	_, items := javaItems(t, keys)
	for name, want := range want {
		t.Run(name, func(t *testing.T) {
			s, _ := newWire(ok(`{"Item":` + string(items[name]) + `}`))
			s.cfg.Keys = keys
			got, err := s.Get(t.Context(), want.Key)
			if err != nil || got == nil {
				t.Fatalf("got %v, %v", got, err)
			}
			if diff := cmp.Diff(want, *got, compare); diff != "" {
				t.Errorf("parsed otherwise (-want +got):\n%s", diff)
			}

			// The same lease, written by us, is the same row.
			s, w := newWire(ok(`{}`))
			s.cfg.Keys = keys
			if _, applied, err := s.Create(t.Context(), *got); err != nil || !applied {
				t.Fatalf("Create: %v, %v", applied, err)
			}
			var sent struct{ Item json.RawMessage }
			if err := json.Unmarshal([]byte(w.requests[0].body), &sent); err != nil {
				t.Fatal(err)
			}
			// DynamoDB makes 0.0 into 0.
			java := strings.Replace(string(items[name]), `"0.0"`, `"0"`, 1)
			if diff := cmp.Diff(pretty(t, java), pretty(t, string(sent.Item))); diff != "" {
				t.Errorf("written otherwise (-Java +ours):\n%s", diff)
			}
		})
	}
}

func TestTableOfJavaIsRead(t *testing.T) {
	names, items := javaItems(t, ByShard)
	var all []string
	for _, n := range names {
		all = append(all, string(items[n]))
	}
	// Two pages, and the kinds of items that a look does not need.
	all = append(all, `{"leaseKey":{"S":"TableMigration3.5"},"entityType":{"S":"TABLE_MIGRATION"},"tm":{"S":"TABLE_MIGRATION_STATUS_COMPLETE"}}`,
		`{"leaseKey":{"S":"1:orders:2"},"entityType":{"S":"STREAM"},"streamId":{"S":"x"}}`)
	s, w := newWire(
		ok(`{"Items":[`+strings.Join(all[:5], ",")+`],"LastEvaluatedKey":{"leaseKey":{"S":"a"}},"ConsumedCapacity":{"CapacityUnits":128.5}}`),
		ok(`{"Items":[],"LastEvaluatedKey":{"leaseKey":{"S":"b"}},"ConsumedCapacity":{"CapacityUnits":0.5}}`),
		ok(`{"Items":[`+strings.Join(all[5:], ",")+`],"ConsumedCapacity":{"CapacityUnits":2}}`))
	got, err := s.Scan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Leases) != 12 || len(w.requests) != 3 || got.Units != 131 {
		t.Errorf("got %d leases by %d requests for %v units, want 12, 3, 131", len(got.Leases), len(w.requests), got.Units)
	}
	got.Leases = nil
	got.Units = 0
	want := &lease.Snapshot{
		Workers: []lease.Worker{
			{ID: "workerA", Reported: time.Unix(1795518896, 0)},
			{ID: "workerM", Reported: time.Unix(1795520148, 0)},
		},
		Lock:    &lease.Lock{Owner: "workerA", Duration: 2 * time.Minute, Version: "b547a09d-e272-4c47-83ba-5a191b2f3921"},
		Version: lease.Version3X,
	}
	if diff := cmp.Diff(want, got, compare); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A page that fails ends the look with an error and no part of the table.
func TestScanThatFailsHalfwayReturnsNothing(t *testing.T) {
	_, items := javaItems(t, ByShard)
	s, _ := newWire(
		ok(`{"Items":[`+string(items["new"])+`],"LastEvaluatedKey":{"leaseKey":{"S":"a"}}}`),
		failed(400, "ProvisionedThroughputExceededException"))
	got, err := s.Scan(t.Context())
	if got != nil || err == nil {
		t.Errorf("got %v, %v, want nil and an error", got, err)
	}
}
