package leasetest

import (
	"context"
	"fmt"

	"github.com/leasehold/leasehold/lease"
)

// conds are one of each sort, none of which can be known to hold for a row that
// has no counter.
func conds() []lease.Cond {
	return []lease.Cond{{}, {Counter: new(int64(41))}, {Owners: &lease.Owners{Owner: "a"}}, {Counter: new(int64(0)), Owners: &lease.Owners{}}}
}

// brokenRules are about writes to a lease whose row does not parse.
func brokenRules() []rule {
	rules := []rule{
		{"Store/Change/broken row", func(ctx context.Context, e *env) error {
			for i, cond := range conds() {
				key := fmt.Sprint("k", i)
				if err := plantBroken(ctx, e, key); err != nil {
					return err
				}
				what := fmt.Sprintf("Change of a broken row, condition %d", i)
				_, applied, err := e.s.Change(ctx, key, cond, lease.Set{Bump: true, Mark: "m", Owners: &lease.Owners{Owner: "b"}})
				if applied {
					return fmt.Errorf("%s: got true, %v", what, err)
				}
				if err := brokenError(what, err, key); err != nil {
					return err
				}
			}
			return nil
		}},
		{"Store/Delete/broken row", func(ctx context.Context, e *env) error {
			for i, cond := range conds() {
				key := fmt.Sprint("k", i)
				if err := plantBroken(ctx, e, key); err != nil {
					return err
				}
				applied, err := e.s.Delete(ctx, key, cond)
				none := cond == lease.Cond{}
				if err := outcome(fmt.Sprintf("Delete of a broken row, condition %d", i), applied, err, none); err != nil {
					return err
				}
				if none {
					err = absent(ctx, e.s, "after Delete", key)
				} else {
					_, err = e.s.Get(ctx, key)
					err = brokenError("Get after the refused Delete", err, key)
				}
				if err != nil {
					return err
				}
			}
			return nil
		}},
		{"Manager/CreateLeaseIfNotExists/broken row", func(ctx context.Context, e *env) error {
			if err := plantBroken(ctx, e, "k"); err != nil {
				return err
			}
			before, err := row(ctx, e, "k")
			if err != nil {
				return err
			}
			passed := full("k")
			ok, err := e.m.CreateLeaseIfNotExists(ctx, &passed)
			return first(
				outcome("CreateLeaseIfNotExists with the key of a broken row", ok, err, false),
				same("passed lease", passed, full("k")),
				sameRow(ctx, e, "CreateLeaseIfNotExists", "k", before))
		}},
		{"Manager/DeleteLease/broken row", func(ctx context.Context, e *env) error {
			if err := plantBroken(ctx, e, "k"); err != nil {
				return err
			}
			if err := e.m.DeleteLease(ctx, new(full("k"))); err != nil {
				return fmt.Errorf("DeleteLease of a broken row: got %v, want nil", err)
			}
			return absent(ctx, e.s, "after DeleteLease", "k")
		}},
	}
	for _, w := range writes() {
		rules = append(rules, rule{"Manager/" + w.name + "/broken row", func(ctx context.Context, e *env) error {
			for i, l := range []lease.Lease{full("k0"), fresh("k1")} {
				if err := plantBroken(ctx, e, l.Key); err != nil {
					return err
				}
				passed := l.Clone()
				what := fmt.Sprintf("%s of a broken row, lease %d", w.name, i)
				ok, err := w.do(ctx, e.m, &passed)
				if ok {
					return fmt.Errorf("%s: got true, %v", what, err)
				}
				passed.Checkpoint = l.Checkpoint // which the caller changes
				if err := first(brokenError(what, err, l.Key), same("passed lease", passed, l)); err != nil {
					return err
				}
				// The row may have changed. It is not mended by that.
				_, err = e.m.GetLease(ctx, l.Key)
				if err := brokenError("GetLease after "+what, err, l.Key); err != nil {
					return err
				}
			}
			return nil
		}})
	}
	return rules
}

// brokenError checks the error of an operation on a row that does not parse.
func brokenError(what string, err error, key string) error {
	return first(failed(what, err, lease.ErrDependency), retryable(what, err, false), unreadable(what, err, key))
}

// row reads a row of any kind.
func row(ctx context.Context, e *env, key string) (string, error) {
	read, err := hook[RowReader](e)
	if err != nil {
		return "", err
	}
	text, err := read.ReadRow(ctx, key)
	if err == nil && text == "" {
		err = fmt.Errorf("there is no row %q, where there should be one", key)
	}
	return text, err
}

// sameRow checks that a row is as it was.
func sameRow(ctx context.Context, e *env, what, key, before string) error {
	now, err := row(ctx, e, key)
	if err != nil {
		return fmt.Errorf("after %s: %w", what, err)
	}
	if now != before {
		return fmt.Errorf("after %s: row %q is %s, want it as it was, %s", what, key, now, before)
	}
	return nil
}
