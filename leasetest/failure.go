package leasetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// A call is one method of the store.
type call struct {
	name string
	// onTable is set for those that also work where there is no table.
	onTable bool
	// key is what its errors say, and writes is set if it writes a row.
	key    string
	writes bool
	do     func(ctx context.Context, s lease.Store) error
}

func calls() []call {
	return []call{
		{"CreateTable", true, "", false, func(ctx context.Context, s lease.Store) error { _, err := s.CreateTable(ctx, 0, 0); return err }},
		{"DescribeTable", true, "", false, func(ctx context.Context, s lease.Store) error { _, err := s.DescribeTable(ctx); return err }},
		{"CreateIndex", false, "", false, func(ctx context.Context, s lease.Store) error { return s.CreateIndex(ctx) }},
		{"Get", false, "k", false, func(ctx context.Context, s lease.Store) error { _, err := s.Get(ctx, "k"); return err }},
		{"Create", false, "k2", true, func(ctx context.Context, s lease.Store) error { _, _, err := s.Create(ctx, fresh("k2")); return err }},
		{"Change", false, "k", true, func(ctx context.Context, s lease.Store) error {
			_, _, err := s.Change(ctx, "k", lease.Cond{}, lease.Set{Bump: true, Mark: "m"})
			return err
		}},
		{"Delete", false, "k", true, func(ctx context.Context, s lease.Store) error { _, err := s.Delete(ctx, "k", lease.Cond{}); return err }},
		{"Scan", false, "", false, func(ctx context.Context, s lease.Store) error { _, err := s.Scan(ctx); return err }},
		{"KeysOf", false, "a", false, func(ctx context.Context, s lease.Store) error { _, err := s.KeysOf(ctx, "a"); return err }},
		{"PutWorker", false, "w", true, func(ctx context.Context, s lease.Store) error {
			_, _, err := s.PutWorker(ctx, worker("w"), nil)
			return err
		}},
		{"DeleteWorker", false, "w", true, func(ctx context.Context, s lease.Store) error { _, err := s.DeleteWorker(ctx, "w", "n"); return err }},
		{"GetLock", false, "", false, func(ctx context.Context, s lease.Store) error { _, err := s.GetLock(ctx); return err }},
		{"TakeLock", false, "", true, func(ctx context.Context, s lease.Store) error {
			_, _, err := s.TakeLock(ctx, lockOf("a", "v1"), "")
			return err
		}},
		{"RenewLock", false, "", true, func(ctx context.Context, s lease.Store) error {
			_, _, err := s.RenewLock(ctx, lockOf("a", "v2"), "v1")
			return err
		}},
		{"ReleaseLock", false, "", true, func(ctx context.Context, s lease.Store) error { _, err := s.ReleaseLock(ctx, "a", "v2"); return err }},
		{"GetClientVersion", false, "", false, func(ctx context.Context, s lease.Store) error { _, err := s.GetClientVersion(ctx); return err }},
		{"CreateClientVersion", false, "", true, func(ctx context.Context, s lease.Store) error {
			_, err := s.CreateClientVersion(ctx, lease.Version3X, "a", at)
			return err
		}},
	}
}

func failureRules() []rule {
	var rules []rule
	for _, c := range calls() {
		if !c.onTable {
			rules = append(rules, rule{"Store/" + c.name + "/no table", func(ctx context.Context, e *env) error {
				drop, err := hook[TableDropper](e)
				if err != nil {
					return err
				}
				if err := drop.DropTable(ctx); err != nil {
					return err
				}
				return failed(c.name+" without table", c.do(ctx, e.s), lease.ErrInvalidState)
			}})
		}
		rules = append(rules,
			rule{"Store/" + c.name + "/throttled", func(ctx context.Context, e *env) error {
				throttle, err := hook[Throttler](e)
				if err != nil {
					return err
				}
				throttle.Throttle(many)
				err = c.do(ctx, e.s)
				throttle.Throttle(0)
				return first(
					failed(c.name+" when throttled", err, lease.ErrProvisionedThroughput),
					retryable(c.name+" when throttled", err, true),
					clean(ctx, c, e))
			}},
			rule{"Store/" + c.name + "/failure", func(ctx context.Context, e *env) error {
				fail, err := hook[Failer](e)
				if err != nil {
					return err
				}
				fail.Fail(many)
				err = c.do(ctx, e.s)
				fail.Fail(0)
				return first(
					failed(c.name+" when the service fails", err, lease.ErrDependency),
					retryable(c.name+" when the service fails", err, true),
					clean(ctx, c, e))
			}},
			rule{"Store/" + c.name + "/cancelled", func(ctx context.Context, e *env) error {
				cctx, cancel := context.WithCancel(ctx)
				cancel()
				err := c.do(cctx, e.s)
				if err := failed(c.name+" with a cancelled context", err, lease.ErrDependency); err != nil {
					return err
				}
				if !errors.Is(err, context.Canceled) {
					return fmt.Errorf("%s with a cancelled context: error %q does not match context.Canceled", c.name, err)
				}
				return clean(ctx, c, e)
			}},
			rule{"Store/" + c.name + "/deadline", func(ctx context.Context, e *env) error {
				dctx, cancel := context.WithTimeout(ctx, -time.Second)
				defer cancel()
				err := c.do(dctx, e.s)
				if err := first(failed(c.name+" after its deadline", err, lease.ErrDependency), retryable(c.name+" after its deadline", err, true)); err != nil {
					return err
				}
				if !errors.Is(err, context.DeadlineExceeded) {
					return fmt.Errorf("%s after its deadline: error %q does not match context.DeadlineExceeded", c.name, err)
				}
				return clean(ctx, c, e)
			}})
	}
	return rules
}

// clean checks that the call works once nothing stands in its way.
func clean(ctx context.Context, c call, e *env) error {
	if err := c.do(ctx, e.s); err != nil {
		return fmt.Errorf("%s afterwards: %w", c.name, err)
	}
	return nil
}
