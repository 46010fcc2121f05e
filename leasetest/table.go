package leasetest

import (
	"context"
	"fmt"

	"github.com/leasehold/leasehold/lease"
)

func tableRules() []rule {
	return []rule{
		{"Store/CreateTable/missing table", func(ctx context.Context, e *env) error {
			drop, err := hook[TableDropper](e)
			if err != nil {
				return err
			}
			if err := drop.DropTable(ctx); err != nil {
				return err
			}
			for _, capacity := range []int64{0, 10} {
				created, err := e.s.CreateTable(ctx, capacity, capacity)
				if err := outcome("CreateTable where there is none", created, err, true); err != nil {
					return err
				}
				if err := eventually(ctx, func() error { return usable(ctx, e.s) }); err != nil {
					return err
				}
				if err := create(ctx, e.s, fresh("k")); err != nil {
					return fmt.Errorf("after CreateTable: %w", err)
				}
				if err := drop.DropTable(ctx); err != nil {
					return err
				}
			}
			return nil
		}},
		{"Store/CreateTable/present table", func(ctx context.Context, e *env) error {
			if err := create(ctx, e.s, full("k")); err != nil {
				return err
			}
			created, err := e.s.CreateTable(ctx, 0, 0)
			return first(outcome("CreateTable of a present table", created, err, false), stored(ctx, e.s, "after it", full("k")))
		}},
		{"Store/CreateTable/table in creation or deletion", func(ctx context.Context, e *env) error {
			set, err := hook[TableSetter](e)
			if err != nil {
				return err
			}
			for _, status := range []lease.TableStatus{lease.Creating, lease.Deleting} {
				if err := set.SetTableStatus(ctx, status); err != nil {
					return err
				}
				created, err := e.s.CreateTable(ctx, 0, 0)
				if err := outcome("CreateTable of a table that is "+status.String(), created, err, false); err != nil {
					return err
				}
			}
			return nil
		}},
		{"Store/DescribeTable/active table", func(ctx context.Context, e *env) error { return usable(ctx, e.s) }},
		{"Store/DescribeTable/missing table", func(ctx context.Context, e *env) error {
			drop, err := hook[TableDropper](e)
			if err != nil {
				return err
			}
			if err := drop.DropTable(ctx); err != nil {
				return err
			}
			if table, err := e.s.DescribeTable(ctx); err != nil || table.Status != lease.Missing || table.Usable() {
				return fmt.Errorf("DescribeTable where there is none: got %+v, %v, want a table that is missing, and nil", table, err)
			}
			return nil
		}},
		{"Store/DescribeTable/each status", func(ctx context.Context, e *env) error {
			set, err := hook[TableSetter](e)
			if err != nil {
				return err
			}
			for _, status := range []lease.TableStatus{lease.Creating, lease.Updating, lease.Deleting, lease.Active} {
				if err := set.SetTableStatus(ctx, status); err != nil {
					return err
				}
				table, err := e.s.DescribeTable(ctx)
				if err != nil || table.Status != status {
					return fmt.Errorf("DescribeTable of a table that is %v: got %v, %v", status, table.Status, err)
				}
			}
			return nil
		}},
		{"Store/CreateIndex/present index", func(ctx context.Context, e *env) error {
			if err := e.s.CreateIndex(ctx); err != nil {
				return fmt.Errorf("CreateIndex of a present index: got %v, want nil", err)
			}
			return usable(ctx, e.s)
		}},
		{"Store/CreateIndex/missing index", func(ctx context.Context, e *env) error {
			drop, err := hook[IndexDropper](e)
			if err != nil {
				return err
			}
			l := full("k")
			if err := first(create(ctx, e.s, l), drop.DropIndex(ctx)); err != nil {
				return err
			}
			if table, err := e.s.DescribeTable(ctx); err != nil || table.Index != lease.Missing || !table.Usable() {
				return fmt.Errorf("DescribeTable without index: got %+v, %v, want a usable table whose index is missing", table, err)
			}
			_, err = e.s.KeysOf(ctx, l.Owner)
			if err := failed("KeysOf without index", err, lease.ErrDependency); err != nil {
				return err
			}
			// Two workers may find it missing at the same time.
			for range 2 {
				if err := e.s.CreateIndex(ctx); err != nil {
					return fmt.Errorf("CreateIndex: %w", err)
				}
			}
			return first(
				eventually(ctx, func() error { return usable(ctx, e.s) }),
				eventually(ctx, func() error { return keys(ctx, e.s, l.Owner, l.Key) }))
		}},
	}
}

// usable checks that the table and its index are active.
func usable(ctx context.Context, s lease.Store) error {
	table, err := s.DescribeTable(ctx)
	if want := (lease.Table{Status: lease.Active, Index: lease.Active}); err != nil || table != want {
		return fmt.Errorf("DescribeTable: got %+v, %v, want %+v, nil", table, err, want)
	}
	return nil
}
