package leasetest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/leasehold/leasehold/lease"
)

// A mishap is one way in which an operation fails.
type mishap struct {
	name string
	// kind is that of the operation's error, nil if it does not fail in this way.
	kind      error
	retryable bool
	start     func(ctx context.Context) error
	stop      func()
}

// suffer does something in each mishap in which it fails, and checks the errors.
func suffer(ctx context.Context, all []mishap, do func() error, check func(m mishap, err error) error) error {
	for _, m := range all {
		if m.kind == nil {
			continue
		}
		if err := m.start(ctx); err != nil {
			return err
		}
		err := do()
		m.stop()
		if err := check(m, err); err != nil {
			return err
		}
	}
	return nil
}

// mishaps are all that a service does. Where there is no table after the last of
// them, there is none for the rest of the rule.
func mishaps(e *env, throttled, noTable error, writes bool) ([]mishap, error) {
	all, err := troubles(e)
	if err != nil {
		return nil, err
	}
	lose, err := hook[ReplyLoser](e)
	if err != nil {
		return nil, err
	}
	var lost error
	if writes {
		lost = lease.ErrDependency
	}
	return []mishap{
		{all[0].name, throttled, true, all[0].start, all[0].stop},
		{all[1].name, lease.ErrDependency, true, all[1].start, all[1].stop},
		{"when replies are lost", lost, true, func(context.Context) error { lose.LoseReplies(many); return nil }, func() { lose.LoseReplies(0) }},
		{"without table", noTable, false, func(ctx context.Context) error { return dropTable(ctx, e) }, func() {}},
	}, nil
}

// errorRules are about what the errors say, of each operation in each mishap.
func errorRules() []rule {
	var rules []rule
	for _, c := range calls() {
		rules = append(rules, rule{"Store/" + c.name + "/what the error says", func(ctx context.Context, e *env) error {
			find, err := hook[CauseFinder](e)
			if err != nil {
				return err
			}
			noTable := lease.ErrInvalidState
			if c.onTable {
				noTable = nil
			}
			all, err := mishaps(e, lease.ErrProvisionedThroughput, noTable, c.writes)
			if err != nil {
				return err
			}
			return suffer(ctx, all, func() error { return c.do(ctx, e.s) }, func(mishap mishap, err error) error {
				what := c.name + " " + mishap.name
				if err := first(
					failed(what, err, mishap.kind),
					retryable(what, err, mishap.retryable),
					says(what, err, "", c.key)); err != nil {
					return err
				}
				// CreateIndex learns from a look that there is no table, and no
				// look fails for that.
				if looked := c.name == "CreateIndex" && mishap.kind == lease.ErrInvalidState; !looked && find.FindCause(err) == nil {
					return fmt.Errorf("%s: error %q has not in it what the service said", what, err)
				}
				return nil
			})
		}})
	}
	for _, op := range thirteen() {
		rules = append(rules, rule{"Manager/" + op.name + "/what the error says", func(ctx context.Context, e *env) error {
			if err := create(ctx, e.s, full("k")); err != nil {
				return err
			}
			if err := eventually(ctx, func() error { return listed(ctx, e, full("k")) }); err != nil {
				return err
			}
			all, err := mishaps(e, op.throttled, op.noTable, op.writes())
			if err != nil {
				return err
			}
			do := func() error {
				e.spy.watch(nil)
				_, err := op.do(ctx, e.m, new(op.passed()))
				return err
			}
			return suffer(ctx, all, do, func(mishap mishap, err error) error {
				what := op.name + " " + mishap.name
				if err := first(
					failed(what, err, mishap.kind),
					retryable(what, err, mishap.retryable),
					says(what, err, op.op, op.errorKey(mishap.name))); err != nil {
					return err
				}
				if _, cause := e.spy.seen(); cause == nil || !errors.Is(err, cause) {
					return fmt.Errorf("%s: error %q has not in it the cause of the store's error, %v", what, err, cause)
				}
				return nil
			})
		}})
	}
	return rules
}

// writes reports whether the operation fails when the replies to writes are lost.
// The creation of a table that is there writes nothing.
func (op operation) writes() bool {
	switch op.name {
	case "CreateLeaseIfNotExists", "RenewLease", "TakeLease", "EvictLease", "UpdateLease", "DeleteLease", "DeleteAll":
		return true
	}
	return false
}

// errorKey is the key in an error of the operation. That of DeleteAll is the lease
// whose deletion failed.
func (op operation) errorKey(when string) string {
	if op.name == "DeleteAll" && when == "when replies are lost" {
		return "k"
	}
	return op.key
}

// says checks whom an error is about, and that it says all that it has.
func says(what string, err error, op, key string) error {
	e, ok := errors.AsType[*lease.Error](err)
	if !ok {
		return fmt.Errorf("%s: error %q is no *lease.Error", what, err)
	}
	if e.Op == "" || !strings.Contains(e.Op, op) || e.Key != key {
		return fmt.Errorf("%s: error %q has Op %q and Key %q, want %q and %q", what, err, e.Op, e.Key, op, key)
	}
	if text := err.Error(); e.Err == nil || !strings.Contains(text, e.Op) || !strings.Contains(text, key) || !strings.Contains(text, e.Err.Error()) {
		return fmt.Errorf("%s: error %q does not say the operation, the key and the cause %v", what, err, e.Err)
	}
	return nil
}
