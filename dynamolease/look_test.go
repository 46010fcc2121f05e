package dynamolease

import (
	"testing"
	"time"

	"github.com/leasehold/leasehold/awsfake"
	"github.com/leasehold/leasehold/lease"
)

// A tool that only looks shows what there is, where a worker has to know where
// the items belong.
func TestToolsLookWhereWorkersStop(t *testing.T) {
	setUp := func(t *testing.T) (d *detection, tool *Store) {
		d = newDetection(t)
		newSeparate(t, d.target)
		mustCreate(t, d.store, lease.Lease{Key: "shardId-000000000000", Checkpoint: lease.Latest})
		if _, ok, err := d.store.PutWorker(t.Context(), lease.Worker{ID: "w", Reported: time.Unix(1, 0)}, nil); !ok || err != nil {
			t.Fatal(ok, err)
		}
		d.mustPlant(t, item{"leaseKey": text("java"), "entityType": text("WORKER_METRIC_STATS"), "lut": decimal("2")})
		tool, err := NewWithConfig(d.client, "orders", Config{Keys: EitherKeys})
		if err != nil {
			t.Fatal(err)
		}
		return d, tool
	}
	t.Run("during the migration", func(t *testing.T) {
		d, tool := setUp(t)
		for _, status := range []string{"TABLE_MIGRATION_STATUS_PENDING", "of the future"} {
			d.migration(t, text(status))
			for range 2 { // the second looks again, too
				if snap := scan(t, tool); len(snap.Leases) != 1 || len(snap.Workers) != 2 {
					t.Errorf("%s: got %+v, want the lease and the workers of both tables", status, snap)
				}
			}
		}
		worker := New(d.client, "orders")
		if snap, err := worker.Scan(t.Context()); err == nil {
			t.Errorf("a worker scans %+v, want an error", snap)
		}
	})
	t.Run("without the permission", func(t *testing.T) {
		d, tool := setUp(t)
		d.service.SetScript(func(c awsfake.Call) awsfake.Fault {
			if c.Resource == "orders-CoordinatorState" {
				return awsfake.Deny()
			}
			return awsfake.Fault{}
		})
		if snap := scan(t, tool); len(snap.Leases) != 1 || len(snap.Workers) != 1 || snap.Workers[0].ID != "java" {
			t.Errorf("got %+v, want what the lease table has", snap)
		}
		if snap, err := New(d.client, "orders").Scan(t.Context()); err == nil {
			t.Errorf("a worker scans %+v, want an error", snap)
		}
	})
}
