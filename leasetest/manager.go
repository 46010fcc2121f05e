package leasetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/leasehold/leasehold/lease"
)

func managerTableRules() []rule {
	return []rule{
		{"Manager/CreateLeaseTableIfNotExists/missing table", func(ctx context.Context, e *env) error {
			if err := dropTable(ctx, e); err != nil {
				return err
			}
			created, err := e.m.CreateLeaseTableIfNotExists(ctx, 10, 10)
			return first(
				outcome("CreateLeaseTableIfNotExists where there is none", created, err, true),
				wait(ctx, e, 10*time.Millisecond, patience, true),
				create(ctx, e.s, fresh("k")))
		}},
		{"Manager/CreateLeaseTableIfNotExists/present table", func(ctx context.Context, e *env) error {
			if err := create(ctx, e.s, full("k")); err != nil {
				return err
			}
			created, err := e.m.CreateLeaseTableIfNotExists(ctx, 0, 0)
			return first(outcome("CreateLeaseTableIfNotExists of a present table", created, err, false), stored(ctx, e.s, "after it", full("k")))
		}},
		{"Manager/CreateLeaseTableIfNotExists/lost race", func(ctx context.Context, e *env) error {
			if err := dropTable(ctx, e); err != nil {
				return err
			}
			n, err := winners(4, func(int) (bool, error) { return e.m.CreateLeaseTableIfNotExists(ctx, 0, 0) })
			if err != nil || n != 1 {
				return fmt.Errorf("4 callers of CreateLeaseTableIfNotExists at once: %d created, %v, want 1, nil", n, err)
			}
			return nil
		}},
		{"Manager/LeaseTableExists/active table", func(ctx context.Context, e *env) error { return exists(ctx, e, true) }},
		{"Manager/LeaseTableExists/missing table", func(ctx context.Context, e *env) error {
			return first(dropTable(ctx, e), exists(ctx, e, false))
		}},
		{"Manager/LeaseTableExists/each status", func(ctx context.Context, e *env) error {
			set, err := hook[TableSetter](e)
			if err != nil {
				return err
			}
			for _, tt := range []struct {
				status lease.TableStatus
				want   bool
			}{{lease.Creating, false}, {lease.Deleting, false}, {lease.Updating, true}, {lease.Active, true}} {
				if err := set.SetTableStatus(ctx, tt.status); err != nil {
					return err
				}
				if err := exists(ctx, e, tt.want); err != nil {
					return fmt.Errorf("table that is %v: %w", tt.status, err)
				}
			}
			return nil
		}},
		{"Manager/WaitUntilLeaseTableExists/timeout of 0 looks once", func(ctx context.Context, e *env) error {
			return wait(ctx, e, time.Hour, 0, true)
		}},
		{"Manager/WaitUntilLeaseTableExists/at once", func(ctx context.Context, e *env) error {
			// The rule's deadline ends a wait that sleeps before it looks.
			return wait(ctx, e, time.Hour, 2*time.Hour, true)
		}},
		{"Manager/WaitUntilLeaseTableExists/time is over", func(ctx context.Context, e *env) error {
			if err := dropTable(ctx, e); err != nil {
				return err
			}
			const timeout = 30 * time.Millisecond
			start := time.Now()
			if err := wait(ctx, e, time.Hour, timeout, false); err != nil {
				return err
			}
			if took := time.Since(start); took < timeout {
				return fmt.Errorf("WaitUntilLeaseTableExists with a timeout of %v: took %v", timeout, took)
			}
			return wait(ctx, e, time.Hour, 0, false)
		}},
		{"Manager/WaitUntilLeaseTableExists/becomes usable", func(ctx context.Context, e *env) error {
			set, err := hook[TableSetter](e)
			if err != nil {
				return err
			}
			if err := set.SetTableStatus(ctx, lease.Creating); err != nil {
				return err
			}
			done := make(chan error, 1)
			go func() { done <- wait(ctx, e, 5*time.Millisecond, patience, true) }()
			select {
			case err := <-done:
				return fmt.Errorf("WaitUntilLeaseTableExists returned while the table is creating: %v", err)
			case <-time.After(20 * time.Millisecond):
			}
			return first(set.SetTableStatus(ctx, lease.Active), <-done)
		}},
		{"Manager/WaitUntilLeaseTableExists/cancelled in its sleep", func(ctx context.Context, e *env) error {
			if err := dropTable(ctx, e); err != nil {
				return err
			}
			cctx, cancel := context.WithCancel(ctx)
			defer time.AfterFunc(20*time.Millisecond, cancel).Stop()
			exists, err := e.m.WaitUntilLeaseTableExists(cctx, time.Hour, time.Hour)
			if exists || !errors.Is(err, context.Canceled) {
				return fmt.Errorf("WaitUntilLeaseTableExists, cancelled: got %v, %v, want false and an error that matches context.Canceled", exists, err)
			}
			return failed("WaitUntilLeaseTableExists, cancelled", err, lease.ErrDependency)
		}},
		{"Manager/ListLeases/all leases", func(ctx context.Context, e *env) error {
			if err := first(listed(ctx, e), create(ctx, e.s, full("k1")), create(ctx, e.s, fresh("k2")), putWorker(ctx, e.s, worker("w"))); err != nil {
				return err
			}
			return eventually(ctx, func() error { return listed(ctx, e, full("k1"), fresh("k2")) })
		}},
		{"Manager/ListLeases/failure in the middle", func(ctx context.Context, e *env) error {
			scan, err := hook[ScanBreaker](e)
			if err != nil {
				return err
			}
			if err := create(ctx, e.s, fresh("k")); err != nil {
				return err
			}
			scan.BreakScan()
			// The manager may look again and succeed; it may not return a part.
			leases, err := e.m.ListLeases(ctx)
			if err != nil {
				return failed("ListLeases when a scan fails in the middle", err, lease.ErrDependency)
			}
			if len(leases) != 1 {
				return fmt.Errorf("ListLeases when a scan fails in the middle: got %d leases, nil, want all or an error", len(leases))
			}
			return nil
		}},
		{"Manager/ListLeases/rows that do not parse", func(ctx context.Context, e *env) error {
			if err := first(plantBroken(ctx, e, "broken"), create(ctx, e.s, full("k"))); err != nil {
				return err
			}
			return eventually(ctx, func() error {
				got, err := e.m.ListLeases(ctx)
				if err := first(
					failed("ListLeases with a broken row", err, lease.ErrDependency),
					unreadable("ListLeases with a broken row", err, "broken")); err != nil {
					return err
				}
				if len(got) != 1 {
					return fmt.Errorf("ListLeases with a broken row: got %d leases, want the one that is readable", len(got))
				}
				return same("ListLeases with a broken row", *got[0], full("k"))
			})
		}},
		{"Manager/ListLeases/rows of an unknown kind", func(ctx context.Context, e *env) error {
			if err := first(plantForeign(ctx, e, "other"), create(ctx, e.s, full("k"))); err != nil {
				return err
			}
			return eventually(ctx, func() error { return listed(ctx, e, full("k")) })
		}},
		{"Manager/IsLeaseTableEmpty/no lease", func(ctx context.Context, e *env) error {
			return first(empty(ctx, e, true), putWorker(ctx, e.s, worker("w")), empty(ctx, e, true))
		}},
		{"Manager/IsLeaseTableEmpty/a lease", func(ctx context.Context, e *env) error {
			if err := create(ctx, e.s, fresh("k")); err != nil {
				return err
			}
			return eventually(ctx, func() error { return empty(ctx, e, false) })
		}},
		{"Manager/IsLeaseTableEmpty/rows of an unknown kind", func(ctx context.Context, e *env) error {
			if err := plantForeign(ctx, e, "other"); err != nil {
				return err
			}
			return empty(ctx, e, true)
		}},
		{"Manager/IsLeaseTableEmpty/rows that do not parse", func(ctx context.Context, e *env) error {
			if err := plantBroken(ctx, e, "broken"); err != nil {
				return err
			}
			return eventually(ctx, func() error {
				_, err := e.m.IsLeaseTableEmpty(ctx)
				return first(failed("IsLeaseTableEmpty with a broken row", err, lease.ErrDependency), unreadable("IsLeaseTableEmpty with a broken row", err, "broken"))
			})
		}},
		{"Manager/DeleteAll/leases only", func(ctx context.Context, e *env) error {
			if err := first(create(ctx, e.s, full("k1")), create(ctx, e.s, fresh("k2")), putWorker(ctx, e.s, worker("w"))); err != nil {
				return err
			}
			// Until the scan has seen both, some may be left.
			if err := eventually(ctx, func() error { return listed(ctx, e, full("k1"), fresh("k2")) }); err != nil {
				return err
			}
			if err := e.m.DeleteAll(ctx); err != nil {
				return fmt.Errorf("DeleteAll: got %v, want nil", err)
			}
			return first(
				absent(ctx, e.s, "after DeleteAll", "k1"),
				absent(ctx, e.s, "after DeleteAll", "k2"),
				eventually(ctx, func() error { return workers(ctx, e.s, worker("w")) }))
		}},
		{"Manager/DeleteAll/no lease", func(ctx context.Context, e *env) error {
			if err := e.m.DeleteAll(ctx); err != nil {
				return fmt.Errorf("DeleteAll of nothing: got %v, want nil", err)
			}
			return nil
		}},
		{"Manager/DeleteAll/rows that do not parse", func(ctx context.Context, e *env) error {
			if err := first(plantBroken(ctx, e, "broken"), create(ctx, e.s, full("k"))); err != nil {
				return err
			}
			err := eventually(ctx, func() error {
				err := e.m.DeleteAll(ctx)
				return first(
					failed("DeleteAll with a broken row", err, lease.ErrDependency),
					unreadable("DeleteAll with a broken row", err, "broken"),
					absent(ctx, e.s, "after DeleteAll", "k"))
			})
			if err != nil {
				return err
			}
			_, err = e.m.GetLease(ctx, "broken")
			return unreadable("GetLease of the broken row after DeleteAll", err, "broken")
		}},
		{"Manager/DeleteAll/a deletion fails", func(ctx context.Context, e *env) error {
			lose, err := hook[ReplyLoser](e)
			if err != nil {
				return err
			}
			if err := create(ctx, e.s, fresh("k")); err != nil {
				return err
			}
			if err := eventually(ctx, func() error { return listed(ctx, e, fresh("k")) }); err != nil {
				return err
			}
			lose.LoseReplies(many)
			err = e.m.DeleteAll(ctx)
			lose.LoseReplies(0)
			return failed("DeleteAll when deletions fail", err, lease.ErrDependency)
		}},
	}
}

func dropTable(ctx context.Context, e *env) error {
	drop, err := hook[TableDropper](e)
	if err != nil {
		return err
	}
	return drop.DropTable(ctx)
}

func plantBroken(ctx context.Context, e *env, key string) error {
	plant, err := hook[BrokenPlanter](e)
	if err != nil {
		return err
	}
	return plant.PlantBroken(ctx, key)
}

func plantForeign(ctx context.Context, e *env, key string) error {
	plant, err := hook[ForeignPlanter](e)
	if err != nil {
		return err
	}
	return plant.PlantForeign(ctx, key)
}

func exists(ctx context.Context, e *env, want bool) error {
	got, err := e.m.LeaseTableExists(ctx)
	return outcome("LeaseTableExists", got, err, want)
}

func wait(ctx context.Context, e *env, poll, timeout time.Duration, want bool) error {
	got, err := e.m.WaitUntilLeaseTableExists(ctx, poll, timeout)
	return outcome(fmt.Sprintf("WaitUntilLeaseTableExists(%v, %v)", poll, timeout), got, err, want)
}

func empty(ctx context.Context, e *env, want bool) error {
	got, err := e.m.IsLeaseTableEmpty(ctx)
	return outcome("IsLeaseTableEmpty", got, err, want)
}

// listed checks what ListLeases returns. Marks are the manager's own.
func listed(ctx context.Context, e *env, want ...lease.Lease) error {
	got, err := e.m.ListLeases(ctx)
	if err != nil || len(got) != len(want) {
		return fmt.Errorf("ListLeases: got %d leases, %v, want %d, nil", len(got), err, len(want))
	}
	for _, w := range want {
		i := slices.IndexFunc(got, func(l *lease.Lease) bool { return l.Key == w.Key })
		if i < 0 {
			return fmt.Errorf("ListLeases: no lease %q", w.Key)
		}
		if err := same("ListLeases", *got[i], w); err != nil {
			return err
		}
	}
	return nil
}
