package dynamolease

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/leasehold/leasehold/awsfake"
	"github.com/leasehold/leasehold/internal/emul"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/leasetest"
)

// A separate is a target of an application with the tables of Java KCL 3.0 to
// 3.4, which somebody made before.
type separate struct{ indexed }

func newSeparate(t *testing.T, tt *target) separate {
	t.Helper()
	for _, p := range separatePlaces(tt) {
		makeTable(t, tt.client, p)
	}
	return separate{indexed{tt}}
}

// tableSoon is the time between looks at a table that is made or removed.
const tableSoon = 5 * time.Millisecond

func separatePlaces(tt *target) []place {
	l := tt.store.separateTables()
	return []place{l.state, l.workers}
}

// makeTable makes one of the separate tables, and removes it when the test ends.
func makeTable(t *testing.T, c *dynamodb.Client, p place) {
	t.Helper()
	_, err := c.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName:            &p.table,
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: &p.key, AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: &p.key, KeyType: types.KeyTypeHash}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &p.table}) })
	if err := dynamodb.NewTableExistsWaiter(c, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay = tableSoon }).Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: &p.table}, time.Minute); err != nil {
		t.Fatal(err)
	}
}

// DropTable removes all three tables.
func (t separate) DropTable(ctx context.Context) error {
	for _, p := range separatePlaces(t.target) {
		// It may be gone already.
		t.client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &p.table})
		gone := dynamodb.NewTableNotExistsWaiter(t.client, func(o *dynamodb.TableNotExistsWaiterOptions) { o.MinDelay = tableSoon })
		if err := gone.Wait(ctx, &dynamodb.DescribeTableInput{TableName: &p.table}, time.Minute); err != nil {
			return err
		}
	}
	return t.indexed.DropTable(ctx)
}

// separateDifferences are the rules about a lease and a worker of one name: in
// tables of their own they do not meet.
var separateDifferences = []leasetest.Difference{
	{Rule: "Store/Create/key of a worker", Why: "the worker is in another table"},
	{Rule: "Store/Delete/key of a worker", Why: "the worker is in another table"},
	{Rule: "Manager/CreateLeaseIfNotExists/present", Why: "the worker, its last case, is in another table"},
}

func TestSeparateTablesKeepTheContract(t *testing.T) {
	leasetest.TestStore(t, func(t *testing.T) leasetest.Target { return newSeparate(t, fake(t)) }, separateDifferences...)
}

// Not on dynalite: when a scan fails, the reads of the other tables are broken
// off, and dynalite ends when that happens to a request.
func TestEmulatorKeepsTheContractInSeparateTables(t *testing.T) {
	s := emul.One(t, emul.DynamoDBLocal)
	leasetest.TestStore(t, func(t *testing.T) leasetest.Target {
		return newSeparate(t, newTarget(t, s.Config(), emul.Name(t)))
	}, slices.Concat(separateDifferences, contractDifferences[s.Name])...)
}

// put stores an item as somebody else's.
func put(t *testing.T, c *dynamodb.Client, table string, row item) {
	t.Helper()
	if _, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: row}); err != nil {
		t.Fatal(err)
	}
}

// items are those of a table, by the key's attribute and the key.
func items(t *testing.T, c *dynamodb.Client, p place) map[string]map[string]string {
	t.Helper()
	out, err := c.Scan(t.Context(), &dynamodb.ScanInput{TableName: &p.table, ConsistentRead: new(true)})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]string{}
	for _, row := range out.Items {
		m := describe(row)
		if history, ok := row["h"].(*types.AttributeValueMemberL); ok {
			m["h"] = fmt.Sprint(len(history.Value), " of ", describe(history.Value[0].(*types.AttributeValueMemberM).Value))
		}
		k := p.key + " " + strings.TrimPrefix(m[p.key], "S ")
		delete(m, p.key)
		all[k] = m
	}
	return all
}

// Where each item lands, and how it looks.
func TestItemsInSeparateTables(t *testing.T) {
	tt := newSeparate(t, fake(t))
	ctx, s := t.Context(), tt.store
	at := time.Unix(1795518896, 515_000_000)
	if ok, err := s.CreateClientVersion(ctx, lease.Version3X, "w-1", at); !ok || err != nil {
		t.Fatal(ok, err)
	}
	for _, w := range []lease.Worker{{ID: "w-1", Reported: at, Nonce: "n", Version: "leasehold 0.1"}, {ID: "w-2", Reported: at}} {
		if _, ok, err := s.PutWorker(ctx, w, nil); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	if _, ok, err := s.TakeLock(ctx, lease.Lock{Owner: "w-1", Duration: 15 * time.Second, Version: "v1", Deputy: "w-2"}, ""); !ok || err != nil {
		t.Fatal(ok, err)
	}
	mustCreate(t, s, lease.Lease{Key: "k", Checkpoint: lease.Latest})

	want := map[string]map[string]map[string]string{
		"lease": {"leaseKey k": describe(item{"entityType": text("LEASE"), "leaseCounter": decimal("0"), "ownerSwitchesSinceCheckpoint": decimal("0"),
			"checkpoint": text("LATEST"), "checkpointSubSequenceNumber": decimal("0")})},
		"state": {
			"key Leader": describe(item{"entityType": text("LEADER"), "ownerName": text("w-1"), "leaseDuration": text("15000"),
				"recordVersionNumber": text("v1"), "deputy": text("w-2")}),
			"key Migration3.0": {"entityType": "S CLIENT_VERSION_MIGRATION", "cv": "S CLIENT_VERSION_3X", "mb": "S w-1", "mts": "N 1795518896515",
				"h": "1 of map[cv:S CLIENT_VERSION_INIT mb:S w-1 mts:N 1795518896515]"},
		},
		// No sup and slu: they would say that the worker takes part in the move to one table.
		"workers": {
			"wid w-1": describe(item{"entityType": text("WORKER_METRIC_STATS"), "lut": decimal("1795518896"), "sts": object(item{}), "opr": object(item{}),
				"properties": object(item{"nonce": text("n"), "version": text("leasehold 0.1")})}),
			"wid w-2": describe(item{"entityType": text("WORKER_METRIC_STATS"), "lut": decimal("1795518896"), "sts": object(item{}), "opr": object(item{})}),
		},
	}
	l := s.separateTables()
	look := func() map[string]map[string]map[string]string {
		return map[string]map[string]map[string]string{
			"lease": items(t, tt.client, s.leases()), "state": items(t, tt.client, l.state), "workers": items(t, tt.client, l.workers)}
	}
	if diff := cmp.Diff(want, look()); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}

	// They are changed and removed where they are.
	if _, ok, err := s.RenewLock(ctx, lease.Lock{Owner: "w-1", Duration: time.Second, Version: "v2"}, "v1"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if ok, err := s.DeleteWorker(ctx, "w-2", ""); !ok || err != nil {
		t.Fatal(ok, err)
	}
	want["state"]["key Leader"]["leaseDuration"], want["state"]["key Leader"]["recordVersionNumber"] = "S 1000", "S v2"
	delete(want["state"]["key Leader"], "deputy")
	delete(want["workers"], "wid w-2")
	if diff := cmp.Diff(want, look()); diff != "" {
		t.Errorf("after changes (-want +got):\n%s", diff)
	}
	if ok, err := s.ReleaseLock(ctx, "w-1", "v2"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	delete(want["state"], "key Leader")
	if diff := cmp.Diff(want, look()); diff != "" {
		t.Errorf("after the lock's release (-want +got):\n%s", diff)
	}
}

// Versions of Java KCL before 3.5 wrote no entityType.
func TestItemsOfOldJavaInSeparateTables(t *testing.T) {
	tt := newSeparate(t, fake(t))
	ctx, s := t.Context(), tt.store
	l := s.separateTables()
	put(t, tt.client, l.state.table, item{"key": text("Leader"), "ownerName": text("java"), "leaseDuration": text("120000"), "recordVersionNumber": text("r1")})
	put(t, tt.client, l.state.table, item{"key": text("Migration3.0"), "cv": text("CLIENT_VERSION_3X"), "mb": text("java"), "mts": decimal("1")})
	put(t, tt.client, l.state.table, item{"key": text("1:orders:2"), "streamId": text("x")})
	put(t, tt.client, l.workers.table, item{"wid": text("java"), "lut": decimal("77"), "sts": object(item{}), "opr": object(item{})})
	put(t, tt.client, l.workers.table, item{"wid": text("broken"), "lut": text("today")})

	javaLock := &lease.Lock{Owner: "java", Duration: 2 * time.Minute, Version: "r1"}
	want := &lease.Snapshot{
		Workers: []lease.Worker{{ID: "java", Reported: time.Unix(77, 0)}}, Lock: javaLock, Version: lease.Version3X,
		Unreadable: []lease.UnreadableError{{Key: "broken", Attribute: "lut", Reason: "has type S, not N", NotLease: true}},
	}
	snap := scan(t, s)
	snap.Units = 0
	if diff := cmp.Diff(want, snap, compare); diff != "" {
		t.Errorf("Scan (-want +got):\n%s", diff)
	}
	if got, err := s.GetLock(ctx); err != nil || cmp.Diff(javaLock, got) != "" {
		t.Errorf("GetLock: got %+v, %v, want %+v", got, err, javaLock)
	}
	if got, err := s.GetClientVersion(ctx); got != lease.Version3X || err != nil {
		t.Errorf("GetClientVersion: got %v, %v", got, err)
	}
	if present, ok, err := s.TakeLock(ctx, lease.Lock{Owner: "w-1", Version: "v"}, ""); ok || err != nil || cmp.Diff(javaLock, present) != "" {
		t.Errorf("TakeLock of a held lock: got %+v, %v, %v, want refused by %+v", present, ok, err, javaLock)
	}
	if _, ok, err := s.TakeLock(ctx, lease.Lock{Owner: "w-1", Version: "v"}, "r1"); !ok || err != nil {
		t.Errorf("TakeLock of the version seen: got %v, %v", ok, err)
	}
	late := lease.Worker{ID: "java", Reported: time.Unix(99, 0), Nonce: "n"}
	if present, ok, err := s.PutWorker(ctx, late, nil); ok || err != nil || present == nil || !present.Reported.Equal(time.Unix(77, 0)) {
		t.Errorf("PutWorker under Java's name: got %+v, %v, %v, want refused", present, ok, err)
	}
	if _, ok, err := s.PutWorker(ctx, late, &lease.Worker{Reported: time.Unix(77, 0)}); !ok || err != nil {
		t.Errorf("PutWorker over Java's: got %v, %v", ok, err)
	}
	put(t, tt.client, l.workers.table, item{"wid": text("java-2"), "lut": decimal("77")})
	if ok, err := s.DeleteWorker(ctx, "java-2", ""); !ok || err != nil {
		t.Errorf("DeleteWorker of Java's: got %v, %v", ok, err)
	}
	if got := slices.Sorted(maps.Keys(items(t, tt.client, l.workers))); !slices.Equal(got, []string{"wid broken", "wid java"}) {
		t.Errorf("workers left: %v", got)
	}
}

// A support code that a Java worker of the name has left is taken away.
func TestSupportCodeIsRemovedInSeparateTables(t *testing.T) {
	tt := newSeparate(t, fake(t))
	l := tt.store.separateTables()
	put(t, tt.client, l.workers.table, item{"wid": text("w"), "entityType": text("WORKER_METRIC_STATS"), "lut": decimal("1"),
		"sup": decimal("1"), "slu": decimal("1"), "of others": text("x")})
	if _, ok, err := tt.store.PutWorker(t.Context(), lease.Worker{ID: "w", Reported: time.Unix(7, 0), Nonce: "n"}, &lease.Worker{Reported: time.Unix(1, 0)}); !ok || err != nil {
		t.Fatal(ok, err)
	}
	want := map[string]map[string]string{"wid w": describe(item{"entityType": text("WORKER_METRIC_STATS"), "lut": decimal("7"),
		"sts": object(item{}), "opr": object(item{}), "properties": object(item{"nonce": text("n")}), "of others": text("x")})}
	if diff := cmp.Diff(want, items(t, tt.client, l.workers)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Java workers that are told to migrate put workers and the version in the lease
// table before the migration is complete.
func TestItemsThatJavaHasMoved(t *testing.T) {
	tt := newSeparate(t, fake(t))
	ctx, s := t.Context(), tt.store
	l := s.separateTables()
	for k, lut := range map[string]string{"both, moved": "90", "both, moved back": "10", "moved": "50", "both, at once": "60"} {
		tt.mustPlant(t, item{"leaseKey": text(k), "entityType": text("WORKER_METRIC_STATS"), "lut": decimal(lut)})
	}
	for k, lut := range map[string]string{"both, moved": "20", "both, moved back": "80", "old": "40", "both, at once": "60"} {
		put(t, tt.client, l.workers.table, item{"wid": text(k), "lut": decimal(lut), "properties": object(item{"version": text("old table")})})
	}
	tt.mustPlant(t, item{"leaseKey": text("Leader"), "entityType": text("LEADER"), "ownerName": text("nobody"), "leaseDuration": text("1"), "recordVersionNumber": text("x")})
	tt.mustPlant(t, item{"leaseKey": text("Migration3.0"), "entityType": text("CLIENT_VERSION_MIGRATION"), "cv": text("CLIENT_VERSION_3X_WITH_ROLLBACK"), "mb": text("j"), "mts": decimal("1")})

	snap := scan(t, s)
	got := map[string]string{}
	for _, w := range snap.Workers {
		got[w.ID] += fmt.Sprint(w.Reported.Unix(), " ", w.Version)
	}
	want := map[string]string{"both, moved": "90 ", "both, moved back": "80 old table", "moved": "50 ", "old": "40 old table", "both, at once": "60 old table"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("workers (-want +got):\n%s", diff)
	}
	if snap.Lock != nil {
		t.Errorf("the lock is %+v, want none: the one of the lease table is not the leader's", snap.Lock)
	}
	if got, err := s.GetLock(ctx); got != nil || err != nil {
		t.Errorf("GetLock: got %+v, %v, want none", got, err)
	}
	if got, err := s.GetClientVersion(ctx); got != lease.Version3XWithRollback || snap.Version != got || err != nil {
		t.Errorf("client version: got %v, %v, and %v by Scan, want the lease table's", got, err, snap.Version)
	}
	put(t, tt.client, l.state.table, item{"key": text("Migration3.0"), "cv": text("CLIENT_VERSION_3X"), "mb": text("j"), "mts": decimal("2")})
	snap = scan(t, s)
	if got, err := s.GetClientVersion(ctx); got != lease.Version3X || snap.Version != got || err != nil {
		t.Errorf("client version: got %v, %v, and %v by Scan, want the coordinator table's", got, err, snap.Version)
	}
}

// A scan costs what its three tables cost.
func TestUnitsOfSeparateTables(t *testing.T) {
	service := &awsfake.DynamoDB{}
	var mu sync.Mutex // guards units
	var units float64
	service.Trace = func(r awsfake.Result) {
		if r.Call.Operation == "Scan" {
			mu.Lock()
			defer mu.Unlock()
			units += r.ReadUnits
		}
	}
	tt := newSeparate(t, newTarget(t, awsfake.Config(service, "w-1"), "orders"))
	l := tt.store.separateTables()
	put(t, tt.client, l.workers.table, item{"wid": text("java"), "lut": decimal("1"), "x": binary(make([]byte, 50_000))})
	put(t, tt.client, l.state.table, item{"key": text("stream"), "x": binary(make([]byte, 30_000))})
	mustCreate(t, tt.store, lease.Lease{Key: "k", Checkpoint: lease.Latest, PendingState: make([]byte, 20_000)})
	if snap := scan(t, tt.store); snap.Units != units || units != 6.5+4+2.5 {
		t.Errorf("the scan says that it cost %v units; it cost %v, want 13", snap.Units, units)
	}
	// Only the lease table's count for its size.
	if got := tt.store.scanned.Load(); got != 2.5*unitSize {
		t.Errorf("the lease table is taken for %d bytes, want 20 KiB", got)
	}
}

// The worker table may be missing: nobody has reported then, and nobody can.
func TestWithoutWorkerTable(t *testing.T) {
	tt := fake(t)
	ctx, s := t.Context(), tt.store
	l := s.separateTables()
	makeTable(t, tt.client, l.state)
	tt.mustPlant(t, item{"leaseKey": text("moved"), "entityType": text("WORKER_METRIC_STATS"), "lut": decimal("5")})
	if snap := scan(t, s); len(snap.Workers) != 1 || snap.Workers[0].ID != "moved" {
		t.Errorf("workers: got %+v, want the one of the lease table", snap.Workers)
	}
	_, ok, err := s.PutWorker(ctx, lease.Worker{ID: "w"}, nil)
	if ok || !errors.Is(err, lease.ErrInvalidState) || !strings.Contains(err.Error(), l.workers.table) {
		t.Errorf("PutWorker: got %v, %v, want an error that names the table", ok, err)
	}
	if got := items(t, tt.client, s.leases()); len(got) != 1 {
		t.Errorf("the lease table has %v, want the planted worker only", got)
	}
}
