package leasetest

import (
	"context"
	"fmt"

	"github.com/leasehold/leasehold/lease"
)

// stateRules are about what works on a table that is in creation, in deletion or
// being changed: its rows do not in the first two, and all does in the last.
func stateRules() []rule {
	var rules []rule
	for _, c := range calls() {
		rules = append(rules, rule{"Store/" + c.name + "/table being updated", func(ctx context.Context, e *env) error {
			if err := enter(ctx, e, lease.Updating); err != nil {
				return err
			}
			if err := c.do(ctx, e.s); err != nil {
				return fmt.Errorf("%s of a table that is being updated: got %v, want no error", c.name, err)
			}
			return nil
		}})
		if c.onTable || c.name == "CreateIndex" { // what of the table itself there is
			continue
		}
		rules = append(rules, rule{"Store/" + c.name + "/table in creation or deletion", func(ctx context.Context, e *env) error {
			for _, status := range []lease.TableStatus{lease.Creating, lease.Deleting} {
				if err := enter(ctx, e, status); err != nil {
					return err
				}
				what := c.name + " of a table that is " + status.String()
				err := c.do(ctx, e.s)
				if err := first(failed(what, err, lease.ErrInvalidState), retryable(what, err, false)); err != nil {
					return err
				}
			}
			return first(enter(ctx, e, lease.Active), clean(ctx, c, e))
		}})
	}
	for _, op := range thirteen() {
		rules = append(rules,
			rule{"Manager/" + op.name + "/table in creation or deletion", func(ctx context.Context, e *env) error {
				if err := create(ctx, e.s, full("k")); err != nil {
					return err
				}
				for _, status := range []lease.TableStatus{lease.Creating, lease.Deleting} {
					if err := enter(ctx, e, status); err != nil {
						return err
					}
					when := "with a table that is " + status.String()
					if op.noTable != nil {
						err := op.fails(ctx, e, when, op.noTable)
						if err := first(err, enter(ctx, e, lease.Active), untouched(ctx, e)); err != nil {
							return err
						}
						continue
					}
					got, err := op.do(ctx, e.m, new(op.passed()))
					if err := outcome(op.name+" "+when, got, err, false); err != nil {
						return err
					}
				}
				return nil
			}},
			rule{"Manager/" + op.name + "/table being updated", func(ctx context.Context, e *env) error {
				if err := create(ctx, e.s, full("k")); err != nil {
					return err
				}
				if err := eventually(ctx, func() error { return listed(ctx, e, full("k")) }); err != nil {
					return err
				}
				if err := enter(ctx, e, lease.Updating); err != nil {
					return err
				}
				got, err := op.do(ctx, e.m, new(op.passed()))
				return outcome(op.name+" with a table that is being updated", got, err, op.done)
			}})
	}
	return rules
}

// enter makes the table be in a state.
func enter(ctx context.Context, e *env, status lease.TableStatus) error {
	set, err := hook[TableSetter](e)
	if err != nil {
		return err
	}
	return set.SetTableStatus(ctx, status)
}
