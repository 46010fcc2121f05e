package leasetest

import (
	"context"
	"fmt"

	"github.com/leasehold/leasehold/lease"
)

// strangers stores one row of each kind that is not a lease, and returns their
// keys.
func strangers(ctx context.Context, e *env) ([]string, error) {
	names, err := hook[KeyNamer](e)
	if err != nil {
		return nil, err
	}
	_, locked, err := e.s.TakeLock(ctx, lockOf("w", "v1"), "")
	if err := first(outcome("TakeLock", locked, err, true), putWorker(ctx, e.s, worker("w")), plantForeign(ctx, e, "other")); err != nil {
		return nil, err
	}
	ok, err := e.s.CreateClientVersion(ctx, lease.Version3X, "w", at)
	return append(names.KeysOfOthers("w"), "other"), outcome("CreateClientVersion", ok, err, true)
}

// foreignRules are about operations on leases with the key of a row that is not
// one: a worker's, the lock's, the client version's, and one that nobody knows.
// For them there is no such lease, and the row is not theirs to change.
func foreignRules() []rule {
	// each calls do for each such key. The lease has what such a row may have.
	each := func(what string, do func(ctx context.Context, e *env, l *lease.Lease) error) func(ctx context.Context, e *env) error {
		return func(ctx context.Context, e *env) error {
			keys, err := strangers(ctx, e)
			if err != nil {
				return err
			}
			for _, key := range keys {
				before, err := row(ctx, e, key)
				if err != nil {
					return err
				}
				for _, l := range []lease.Lease{full(key), fresh(key)} {
					l.Counter = 1 // as a row of an unknown kind has it
					passed := l.Clone()
					if err := first(
						do(ctx, e, &passed),
						same("lease passed to "+what, passed, l),
						sameRow(ctx, e, what, key, before)); err != nil {
						return fmt.Errorf("key %q: %w", key, err)
					}
				}
			}
			return nil
		}
	}
	// no checks a result that is false.
	no := func(what string, do func(ctx context.Context, e *env, l *lease.Lease) (bool, error)) func(ctx context.Context, e *env) error {
		return each(what, func(ctx context.Context, e *env, l *lease.Lease) error {
			ok, err := do(ctx, e, l)
			return outcome(what, ok, err, false)
		})
	}
	const of = "/key of another kind"
	rules := []rule{
		{"Store/Get" + of, each("Get", func(ctx context.Context, e *env, l *lease.Lease) error {
			return absent(ctx, e.s, "key of another kind", l.Key)
		})},
		{"Store/Create" + of, each("Create", func(ctx context.Context, e *env, l *lease.Lease) error {
			image, applied, err := e.s.Create(ctx, *l)
			return first(outcome("Create", applied, err, false), same("image", image, lease.Lease{}))
		})},
		{"Store/Change" + of, each("Change", func(ctx context.Context, e *env, l *lease.Lease) error {
			for i, cond := range []lease.Cond{{}, {Counter: new(int64(1))}, {Owners: &lease.Owners{}}} {
				image, applied, err := e.s.Change(ctx, l.Key, cond, lease.Set{Bump: true, Mark: "m", Owners: &lease.Owners{Owner: "b"}})
				if err := first(outcome(fmt.Sprintf("Change, condition %d", i), applied, err, false), same("image", image, lease.Lease{})); err != nil {
					return err
				}
			}
			return nil
		})},
		{"Store/Delete" + of, each("Delete", func(ctx context.Context, e *env, l *lease.Lease) error {
			for i, cond := range []lease.Cond{{}, {Counter: new(int64(1))}, {Owners: &lease.Owners{}}} {
				applied, err := e.s.Delete(ctx, l.Key, cond)
				if err := outcome(fmt.Sprintf("Delete, condition %d", i), applied, err, false); err != nil {
					return err
				}
			}
			return nil
		})},
		{"Manager/GetLease" + of, no("GetLease", func(ctx context.Context, e *env, l *lease.Lease) (bool, error) {
			got, err := e.m.GetLease(ctx, l.Key)
			return got != nil, err
		})},
		{"Manager/CreateLeaseIfNotExists" + of, no("CreateLeaseIfNotExists", func(ctx context.Context, e *env, l *lease.Lease) (bool, error) {
			return e.m.CreateLeaseIfNotExists(ctx, l)
		})},
		{"Manager/DeleteLease" + of, no("DeleteLease", func(ctx context.Context, e *env, l *lease.Lease) (bool, error) {
			return false, e.m.DeleteLease(ctx, l)
		})},
		{"Manager/DeleteAll" + of, func(ctx context.Context, e *env) error {
			keys, err := strangers(ctx, e)
			if err != nil {
				return err
			}
			before := map[string]string{}
			for _, key := range keys {
				if before[key], err = row(ctx, e, key); err != nil {
					return err
				}
			}
			if err := create(ctx, e.s, full("k")); err != nil {
				return err
			}
			if err := eventually(ctx, func() error { return listed(ctx, e, full("k")) }); err != nil {
				return err
			}
			if err := e.m.DeleteAll(ctx); err != nil {
				return fmt.Errorf("DeleteAll: got %v, want nil", err)
			}
			for _, key := range keys {
				if err := sameRow(ctx, e, "DeleteAll", key, before[key]); err != nil {
					return err
				}
			}
			return absent(ctx, e.s, "after DeleteAll", "k")
		}},
	}
	for _, w := range writes() {
		rules = append(rules, rule{"Manager/" + w.name + of, no(w.name, func(ctx context.Context, e *env, l *lease.Lease) (bool, error) {
			checkpoint := l.Checkpoint
			ok, err := w.do(ctx, e.m, l)
			l.Checkpoint = checkpoint // which the caller changes
			return ok, err
		})})
	}
	return rules
}
