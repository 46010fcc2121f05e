package dynamolease

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/leasehold/leasehold/awsfake"
	"github.com/leasehold/leasehold/internal/emul"
	"github.com/leasehold/leasehold/lease"
)

// scans are the pages that were asked for of a lease table.
type scans struct {
	service *awsfake.DynamoDB
	client  *dynamodb.Client

	mu    sync.Mutex // guards what follows
	pages []awsfake.Result
}

func newScans() *scans {
	c := &scans{}
	c.service = &awsfake.DynamoDB{Trace: func(r awsfake.Result) {
		if r.Call.Operation == "Scan" && r.Call.Resource == "orders" {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.pages = append(c.pages, r)
		}
	}}
	c.client = dynamodb.NewFromConfig(awsfake.Config(c.service, "w-1"))
	return c
}

// take returns the pages since the last time, and their units.
func (c *scans) take() (pages []awsfake.Result, units float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	pages, c.pages = c.pages, nil
	for _, p := range pages {
		units += p.ReadUnits
	}
	return pages, units
}

// total is the TotalSegments of a page, 0 if it has none.
func total(p awsfake.Result) int {
	n, _ := p.Call.Input()["TotalSegments"].(json.Number)
	i, _ := n.Int64()
	return int(i)
}

func storeWith(t testing.TB, c API, cfg Config) *Store {
	t.Helper()
	s, err := NewWithConfig(c, "orders", cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fill makes a table of n leases, of about 440 bytes each.
func fill(t testing.TB, c *dynamodb.Client, s *Store, n int) {
	t.Helper()
	if _, err := s.CreateTable(t.Context(), 0, 0); err != nil {
		t.Fatal(err)
	}
	var puts []types.WriteRequest
	for i := range n {
		puts = append(puts, types.WriteRequest{PutRequest: &types.PutRequest{Item: leaseItem(lease.Lease{
			Key: fmt.Sprintf("shardId-%012d", i), Owner: fmt.Sprintf("ip-10-0-0-%d.eu-west-1.compute.internal/%036d", i%100, i%100), Counter: 1795518896515,
			Checkpoint: position(t, "49680519890916628484268698367474917806902183999664291842", 0),
			Parents:    []string{"shardId-000000000001"}, Throughput: new(1024.125), Mark: "ABCDEFGHIJKLM-1a",
			HashRange: lease.HashRange{Start: "85070591730234615865843651857942052863", End: "170141183460469231731687303715884105725"},
		})}})
	}
	for batch := range slices.Chunk(puts, 25) {
		in := &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{s.table: batch}}
		if _, err := c.BatchWriteItem(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
}

func scan(t testing.TB, s *Store) *lease.Snapshot {
	t.Helper()
	snap, err := s.Scan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// sorted returns the leases in the order of their keys.
func sorted(snap *lease.Snapshot) []lease.Lease {
	return slices.SortedFunc(slices.Values(snap.Leases), func(a, b lease.Lease) int { return strings.Compare(a.Key, b.Key) })
}

// Ten thousand leases are listed in segments at once, with as few requests as
// their bytes allow, and come out as they do without.
func TestScanOfManyLeases(t *testing.T) {
	c := newScans()
	single := storeWith(t, c.client, Config{Segments: 1})
	fill(t, c.client, single, 10_000)
	whole := scan(t, single)
	onePages, oneUnits := c.take()
	if len(whole.Leases) != 10_000 || whole.Units != oneUnits || total(onePages[0]) != 0 {
		t.Fatalf("with one segment: %d leases for %v units of %v, TotalSegments %d", len(whole.Leases), whole.Units, oneUnits, total(onePages[0]))
	}

	s := New(c.client, "orders")
	d, err := c.client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: new("orders")})
	if err != nil {
		t.Fatal(err)
	}
	size := int(*d.Table.TableSizeBytes)
	if size < 3<<20 {
		t.Fatalf("the table has %d bytes, want several pages", size)
	}
	least := (size + pageSize - 1) / pageSize
	if _, err := s.DescribeTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := scan(t, s)
	pages, units := c.take()
	if n := total(pages[0]); n != least {
		t.Errorf("%d bytes were read in %d segments, want %d", size, n, least)
	}
	if len(pages) > 2*least {
		t.Errorf("%d bytes took %d requests in %d segments, want at most %d", size, len(pages), least, 2*least)
	}
	if first.Units != units || math.Abs(units-oneUnits) > float64(len(pages)) {
		t.Errorf("the scan says it cost %v units, and cost %v; with one segment %v", first.Units, units, oneUnits)
	}
	if diff := cmp.Diff(sorted(whole), sorted(first), compare); diff != "" {
		t.Errorf("other leases than with one segment (-one +segments):\n%s", diff)
	}
	if diff := cmp.Diff(first, scan(t, s), compare); diff != "" {
		t.Errorf("another scan of the same is different:\n%s", diff)
	}
}

// Pages of different segments are asked for at once, and those of one segment one
// after the other.
func TestSegmentsAreReadAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newScans()
		s := storeWith(t, c.client, Config{Segments: 4, SingleTable: true})
		plantPages(t, s)
		c.service.SetScript(func(awsfake.Call) awsfake.Fault { return awsfake.Fault{Delay: time.Second} })
		began := time.Now()
		snap := scan(t, s)
		took := time.Since(began)
		pages, _ := c.take()
		perSegment := map[any]int{}
		for _, p := range pages {
			perSegment[p.Call.Input()["Segment"]]++
		}
		most := 0
		for _, n := range perSegment {
			most = max(most, n)
		}
		if len(snap.Leases) != 24 || len(perSegment) != 4 || most < 2 {
			t.Fatalf("%d leases by pages %v, want 24, 4 segments, and one of several pages", len(snap.Leases), perSegment)
		}
		if want := time.Duration(most) * time.Second; took != want {
			t.Errorf("the scan took %v, want as long as its longest segment, %v", took, want)
		}
	})
}

// plantPages makes a table of about 8 MB.
func plantPages(t *testing.T, s *Store) {
	t.Helper()
	if _, err := s.CreateTable(t.Context(), 0, 0); err != nil {
		t.Fatal(err)
	}
	for i := range 24 {
		mustCreate(t, s, lease.Lease{Key: fmt.Sprint("k", i), Owner: "a", Checkpoint: lease.Latest, PendingState: make([]byte, 350_000)})
	}
}

// Whichever page fails, the scan does, with that page's error.
func TestScanFailsWithAnyPage(t *testing.T) {
	c := newScans()
	s := storeWith(t, c.client, Config{Segments: 4, SingleTable: true})
	plantPages(t, s)
	scan(t, s)
	pages, _ := c.take()
	for failing := range pages {
		var mu sync.Mutex // guards n
		n := -1
		c.service.SetScript(func(awsfake.Call) awsfake.Fault {
			mu.Lock()
			defer mu.Unlock()
			if n++; n == failing {
				return awsfake.Throttle()
			}
			return awsfake.Fault{}
		})
		if snap, err := s.Scan(t.Context()); snap != nil || !errors.Is(err, lease.ErrProvisionedThroughput) {
			t.Errorf("page %d of %d fails: got %v, %v, want nil and %v", failing, len(pages), snap, err, lease.ErrProvisionedThroughput)
		}
	}
}

// A segment that fails ends the reads of the others.
func TestScanThatFailsIsOverAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newScans()
		s := storeWith(t, c.client, Config{Segments: 4, SingleTable: true})
		plantPages(t, s)
		c.service.SetScript(func(call awsfake.Call) awsfake.Fault {
			if call.Input()["Segment"] == json.Number("2") {
				return awsfake.Fault{Code: "AccessDeniedException", Delay: time.Second}
			}
			return awsfake.Fault{Delay: time.Hour}
		})
		began := time.Now()
		snap, err := s.Scan(t.Context())
		if snap != nil || err == nil || !strings.Contains(err.Error(), "AccessDenied") {
			t.Errorf("got %v, %v, want nil and the error of the segment that failed", snap, err)
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("the scan was over after %v, want 1s", took)
		}
	})
}

func TestNumberOfSegments(t *testing.T) {
	const mib = 1 << 20
	for _, tt := range []struct {
		name               string
		cfg                int
		described, scanned int64
		want               int
	}{
		{"nothing known", 0, 0, 0, 1},
		{"a small table", 0, 4096, 0, 1},
		{"a page", 0, mib, 0, 1},
		{"a byte more", 0, mib + 1, 0, 2},
		{"most", 0, 16 * mib, 0, 16},
		{"more than most", 0, 1000 * mib, 0, 16},
		{"the scan is newer", 0, 9 * mib, 2 * mib, 2},
		{"grown since the description", 0, 1, 3*mib + 1, 4},
		{"as told", 40, 1, 1, 40},
		{"one, as told", 1, 100 * mib, 100 * mib, 1},
	} {
		s := storeWith(t, nil, Config{Segments: tt.cfg})
		s.described.Store(tt.described)
		s.scanned.Store(tt.scanned)
		if got := s.segments(); got != tt.want {
			t.Errorf("%s: got %d segments, want %d", tt.name, got, tt.want)
		}
	}
}

// The size is that of the last description, which is asked for by nobody for
// this, until the first scan; then what the last scan read.
func TestSizeOfTheTable(t *testing.T) {
	c := newScans()
	s := storeWith(t, c.client, Config{SingleTable: true})
	plantPages(t, s) // CreateTable looks before there is a table
	segments := func() int {
		scan(t, s)
		pages, _ := c.take()
		return total(pages[0])
	}
	if n := segments(); n != 0 {
		t.Errorf("first scan, size unknown: %d segments, want the table as a whole", n)
	}
	if n := segments(); n != 9 {
		t.Errorf("second scan: %d segments, want 9 for 8.4 MB", n)
	}
	for i := range 20 {
		if applied, err := s.Delete(t.Context(), fmt.Sprint("k", i), lease.Cond{}); !applied || err != nil {
			t.Fatal(applied, err)
		}
	}
	segments()
	if n := segments(); n != 2 {
		t.Errorf("after most leases are gone: %d segments, want 2 for 1.4 MB", n)
	}
}

func TestEmulatorScansInSegments(t *testing.T) {
	for _, service := range emul.DynamoDBs(t) {
		t.Run(service.Name, func(t *testing.T) { testSegmentsOn(t, service.Config(), emul.Name(t)) })
	}
}

func testSegmentsOn(t *testing.T, cfg aws.Config, table string) {
	tt := newTarget(t, cfg, table)
	want := map[string]bool{}
	for i := range 40 {
		k := fmt.Sprint("k", i)
		mustCreate(t, tt.store, lease.Lease{Key: k, Checkpoint: lease.Latest, PendingState: make([]byte, 100_000)})
		want[k] = true
	}
	s, err := NewWithConfig(tt.client, table, Config{Segments: 3})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	snap, err := s.Scan(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range snap.Leases {
		if !want[l.Key] {
			t.Errorf("%s came twice, or from nowhere", l.Key)
		}
		delete(want, l.Key)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	if got := int64(snap.Units * unitSize); got < 4_000_000 || got > 4_500_000 {
		t.Errorf("4 MB are taken for %d bytes by their %v units", got, snap.Units)
	}
}
