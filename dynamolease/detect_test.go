package dynamolease

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/leasehold/leasehold/awsfake"
	"github.com/leasehold/leasehold/lease"
)

// A detection is a lease table, a store on it that knows nothing yet, and what it
// asks for.
type detection struct {
	*target
	service *awsfake.DynamoDB

	mu    sync.Mutex // guards what follows
	asked []string   // operation and table of every call
}

func newDetection(t *testing.T) *detection {
	d := &detection{}
	d.service = &awsfake.DynamoDB{Trace: func(r awsfake.Result) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.asked = append(d.asked, r.Call.Operation+" "+r.Call.Resource)
	}}
	d.target = newTarget(t, awsfake.Config(d.service, "w-1"), "orders")
	return d
}

// take returns what was asked for since the last time.
func (d *detection) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	asked := d.asked
	d.asked = nil
	return asked
}

// migration stores how far the table migration is.
func (d *detection) migration(t *testing.T, status types.AttributeValue) {
	row := item{"key": text("TableMigration3.5"), "entityType": text("TABLE_MIGRATION"), "mb": text("java"), "mts": decimal("1")}
	if status != nil {
		row["tm"] = status
	}
	put(t, d.client, "orders-CoordinatorState", row)
}

// fleetCalls are the methods that need to know where items are.
var fleetCalls = []string{"PutWorker", "DeleteWorker", "GetLock", "TakeLock", "RenewLock", "ReleaseLock", "GetClientVersion", "CreateClientVersion", "Scan"}

// leaseCalls are those that do not.
var leaseCalls = []string{"CreateTable", "DescribeTable", "CreateIndex", "Get", "Create", "Change", "Delete", "KeysOf"}

func TestWhereItemsBelong(t *testing.T) {
	const single, apart = "orders", "orders-CoordinatorState"
	for _, tt := range []struct {
		name   string
		tables bool
		status string // "": none
		want   string // the lock's table
	}{
		{"no coordinator table", false, "", single},
		{"a migration that has not begun", true, "", apart},
		{"a migration that has begun", true, "TABLE_MIGRATION_STATUS_INIT", apart},
		{"workers that could migrate", true, "TABLE_MIGRATION_STATUS_DEPLOYED", apart},
		{"a migration that is complete", true, "TABLE_MIGRATION_STATUS_COMPLETE", single},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, first := range fleetCalls {
				d := newDetection(t)
				if tt.tables {
					newSeparate(t, d.target)
				}
				if tt.status != "" {
					d.migration(t, text(tt.status))
				}
				d.take()
				if err := calls[first](t.Context(), d.store); err != nil {
					t.Fatalf("%s: %v", first, err)
				}
				d.take()
				if first == "TakeLock" {
					d.store.ReleaseLock(t.Context(), "w", "v")
				}
				if _, ok, err := d.store.TakeLock(t.Context(), lease.Lock{Owner: "w", Version: "v"}, ""); !ok || err != nil {
					t.Fatalf("%s, TakeLock: got %v, %v", first, ok, err)
				}
				for _, table := range []string{single, apart} {
					if table == apart && !tt.tables {
						continue
					}
					p := place{table, map[string]string{single: "leaseKey", apart: "key"}[table]}
					if _, has := items(t, d.client, p)[p.key+" Leader"]; has != (table == tt.want) {
						t.Errorf("%s, then TakeLock: the lock is in %s: %v, want it in %s", first, table, has, tt.want)
					}
				}
				for _, call := range d.take() {
					if strings.HasPrefix(call, "GetItem") {
						t.Errorf("%s, then TakeLock: %s, though the layout was known", first, call)
					}
				}
			}
		})
	}
}

// In the middle of the migration, and in states that are not known, nobody can
// say where an item belongs: nothing is written.
func TestNobodyKnowsWhereItemsBelong(t *testing.T) {
	for name, status := range map[string]types.AttributeValue{
		"pending":       text("TABLE_MIGRATION_STATUS_PENDING"),
		"of the future": text("TABLE_MIGRATION_STATUS_ROLLED_BACK"),
		"not stored":    text("TABLE_MIGRATION_STATUS_UNKNOWN"),
		"none":          nil,
		"no text":       decimal("3"),
	} {
		t.Run(name, func(t *testing.T) {
			d := newDetection(t)
			newSeparate(t, d.target)
			d.migration(t, status)
			for range 2 { // it is not remembered
				for _, call := range fleetCalls {
					err := calls[call](t.Context(), d.store)
					e, isError := errors.AsType[*lease.Error](err)
					if !isError || e.Kind != lease.ErrDependency || e.Retryable || !strings.Contains(err.Error(), "table migration") {
						t.Errorf("%s: got %v, want an error about the migration that is not retryable", call, err)
					}
					if name == "pending" && isError && !strings.Contains(err.Error(), "TABLE_MIGRATION_STATUS_COMPLETE") {
						t.Errorf("%s: %q does not say what must be reached", call, err)
					}
				}
			}
			for _, p := range append(separatePlaces(d.target), d.store.leases()) {
				for k := range items(t, d.client, p) {
					if k != "key TableMigration3.5" {
						t.Errorf("%s has %s", p.table, k)
					}
				}
			}
			wantLeaseCalls(t, d)

			d.migration(t, text("TABLE_MIGRATION_STATUS_COMPLETE"))
			if _, ok, err := d.store.PutWorker(t.Context(), lease.Worker{ID: "w"}, nil); !ok || err != nil {
				t.Errorf("PutWorker when the migration is complete: got %v, %v", ok, err)
			}
			if _, has := items(t, d.client, d.store.leases())["leaseKey w"]; !has {
				t.Error("the worker is not in the lease table when the migration is complete")
			}
		})
	}
}

// wantLeaseCalls checks that leases can be worked on without asking where other
// items are.
func wantLeaseCalls(t *testing.T, d *detection) {
	t.Helper()
	d.take()
	mustCreate(t, d.store, lease.Lease{Key: "k", Checkpoint: lease.Latest})
	for _, call := range leaseCalls {
		if err := calls[call](t.Context(), d.store); err != nil {
			t.Errorf("%s: %v", call, err)
		}
	}
	for _, call := range d.take() {
		if !strings.HasSuffix(call, " orders") {
			t.Errorf("%s, for leases", call)
		}
	}
}

func TestLeasesNeedNoOtherTable(t *testing.T) { wantLeaseCalls(t, newDetection(t)) }

// What went wrong is an error of the operation that asked, and not remembered.
func TestWhereItemsBelongCannotBeAsked(t *testing.T) {
	for _, tt := range []struct {
		name      string
		fault     awsfake.Fault
		kind      error
		retryable bool
		text      []string
	}{
		{"throttled", awsfake.Throttle(), lease.ErrProvisionedThroughput, true, []string{`table "orders-CoordinatorState"`}},
		{"failed", awsfake.ServerError(), lease.ErrDependency, true, []string{`table "orders-CoordinatorState"`}},
		{"lost", awsfake.LoseReply(), lease.ErrDependency, true, nil},
		{"late", awsfake.Fault{Delay: time.Hour}, lease.ErrDependency, true, []string{"deadline exceeded"}},
		{"not allowed", awsfake.Deny(), lease.ErrDependency, false,
			[]string{`dynamodb:GetItem must be allowed on table "orders-CoordinatorState"`, "also if there is no such table", "AccessDeniedException", "not authorized"}},
	} {
		for _, call := range fleetCalls {
			t.Run(tt.name+"/"+call, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := newDetection(t)
					newSeparate(t, d.target)
					d.service.SetScript(func(c awsfake.Call) awsfake.Fault {
						if c.Operation == "GetItem" && c.Resource == "orders-CoordinatorState" && c.Key == "TableMigration3.5" {
							return tt.fault
						}
						return awsfake.Fault{}
					})
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					err := calls[call](ctx, d.store)
					cancel()
					e, isError := errors.AsType[*lease.Error](err)
					if !isError || e.Kind != tt.kind || e.Retryable != tt.retryable {
						t.Errorf("got %v, want kind %q, retryable %v", err, tt.kind, tt.retryable)
					}
					for _, want := range tt.text {
						if err != nil && !strings.Contains(err.Error(), want) {
							t.Errorf("%q does not say %q", err, want)
						}
					}
					if len(items(t, d.client, d.store.leases())) != 0 {
						t.Error("something was written")
					}
					d.service.SetScript(nil)
					if err := calls[call](t.Context(), d.store); err != nil {
						t.Errorf("afterwards: %v", err)
					}
					if l := d.store.layout.Load(); l == nil || !l.separate {
						t.Errorf("afterwards: layout %+v, want separate tables", l)
					}
				})
			})
		}
	}
}

// An answer that comes during a scan is remembered, also if the scan fails.
func TestWhereItemsBelongIsRememberedOfAFailedScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDetection(t)
		newSeparate(t, d.target)
		d.service.SetScript(func(c awsfake.Call) awsfake.Fault {
			if c.Operation == "Scan" {
				return awsfake.Throttle()
			}
			return awsfake.Fault{Delay: time.Second}
		})
		if _, err := d.store.Scan(t.Context()); !errors.Is(err, lease.ErrProvisionedThroughput) {
			t.Errorf("Scan: got %v, want throttled", err)
		}
		if l := d.store.layout.Load(); l == nil || !l.separate {
			t.Errorf("layout %+v, want separate tables", l)
		}
	})
}

// Who says that there is one table is believed.
func TestSingleTableIsAsserted(t *testing.T) {
	d := newDetection(t)
	newSeparate(t, d.target)
	s, err := NewWithConfig(d.client, "orders", Config{SingleTable: true})
	if err != nil {
		t.Fatal(err)
	}
	d.take()
	for _, call := range fleetCalls {
		if err := calls[call](t.Context(), s); err != nil {
			t.Errorf("%s: %v", call, err)
		}
	}
	for _, call := range d.take() {
		if !strings.HasSuffix(call, " orders") {
			t.Errorf("%s, though there is one table", call)
		}
	}
}

// A worker's start asks for the client version. That takes the time of one call
// if there is one table, though nobody has said so.
func TestStartAsksAtOnce(t *testing.T) {
	for _, tt := range []struct {
		name  string
		given func(t *testing.T, d *detection)
		took  time.Duration
		calls int
	}{
		{"one table", func(*testing.T, *detection) {}, 20 * time.Millisecond, 2},
		{"separate tables", func(t *testing.T, d *detection) {
			newSeparate(t, d.target)
			put(t, d.client, "orders-CoordinatorState", item{"key": text("Migration3.0"), "cv": text("CLIENT_VERSION_3X")})
		}, 40 * time.Millisecond, 3},
		{"separate tables, version moved", func(t *testing.T, d *detection) { newSeparate(t, d.target) }, 60 * time.Millisecond, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDetection(t)
				d.mustPlant(t, item{"leaseKey": text("Migration3.0"), "cv": text("CLIENT_VERSION_3X")})
				tt.given(t, d)
				d.service.SetScript(func(awsfake.Call) awsfake.Fault { return awsfake.Fault{Delay: 20 * time.Millisecond} })
				d.take()
				began := time.Now()
				v, err := d.store.GetClientVersion(t.Context())
				if v != lease.Version3X || err != nil {
					t.Errorf("got %v, %v", v, err)
				}
				if took := time.Since(began); took != tt.took {
					t.Errorf("it took %v, want %v", took, tt.took)
				}
				if asked := d.take(); len(asked) != tt.calls {
					t.Errorf("calls %v, want %d", asked, tt.calls)
				}
			})
		})
	}
}

// A worker that was away for the length of a whole migration notices when it
// looks at the table.
func TestMigrationDuringAScan(t *testing.T) {
	d := newDetection(t)
	newSeparate(t, d.target)
	ctx, s := t.Context(), d.store
	for _, w := range []string{"w-1", "w-2"} {
		if _, ok, err := s.PutWorker(ctx, lease.Worker{ID: w, Reported: time.Unix(1, 0)}, nil); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	d.mustPlant(t, item{"leaseKey": text("java"), "entityType": text("WORKER_METRIC_STATS"), "lut": decimal("2")})
	d.mustPlant(t, item{"leaseKey": text("Leader"), "entityType": text("LEADER"), "ownerName": text("java"), "leaseDuration": text("1"), "recordVersionNumber": text("x")})

	d.migration(t, text("TABLE_MIGRATION_STATUS_PENDING"))
	if snap, err := s.Scan(ctx); snap != nil || err == nil || !strings.Contains(err.Error(), "PENDING") {
		t.Errorf("Scan in the middle of the migration: got %v, %v, want an error that says so", snap, err)
	}
	if _, ok, err := s.PutWorker(ctx, lease.Worker{ID: "w-3"}, nil); ok || err == nil || !strings.Contains(err.Error(), "PENDING") {
		t.Errorf("PutWorker after such a scan: got %v, %v, want refused", ok, err)
	}
	d.migration(t, text("TABLE_MIGRATION_STATUS_DEPLOYED"))
	if snap := scan(t, s); len(snap.Workers) != 3 || snap.Lock != nil {
		t.Errorf("Scan when the migration is given up: got %+v, want three workers and no lock", snap)
	}
	d.migration(t, text("TABLE_MIGRATION_STATUS_COMPLETE"))
	if snap := scan(t, s); len(snap.Workers) != 1 || snap.Workers[0].ID != "java" || snap.Lock == nil || snap.Lock.Owner != "java" {
		t.Errorf("Scan when the migration is complete: got %+v, want what the lease table has", snap)
	}
	if _, ok, err := s.PutWorker(ctx, lease.Worker{ID: "w-1", Reported: time.Unix(3, 0)}, nil); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if _, has := items(t, d.client, s.leases())["leaseKey w-1"]; !has {
		t.Error("the worker is not in the lease table when the migration is complete")
	}
}

// Without the coordinator table there is one table from then on, as for a Java
// worker that starts then.
func TestCoordinatorTableIsRemoved(t *testing.T) {
	d := newDetection(t)
	newSeparate(t, d.target)
	ctx, s := t.Context(), d.store
	if _, err := s.GetLock(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := d.client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: new("orders-CoordinatorState")}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.GetLock(ctx); !errors.Is(err, lease.ErrInvalidState) || !strings.Contains(err.Error(), `table "orders-CoordinatorState"`) {
		t.Errorf("GetLock: got %v, want an error that names the table", err)
	}
	if _, ok, err := s.TakeLock(ctx, lease.Lock{Owner: "w", Version: "v"}, ""); !ok || err != nil {
		t.Errorf("TakeLock: got %v, %v", ok, err)
	}
	if _, has := items(t, d.client, s.leases())["leaseKey Leader"]; !has {
		t.Error("the lock is not in the lease table")
	}
}
