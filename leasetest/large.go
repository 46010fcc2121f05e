package leasetest

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/leasehold/leasehold/lease"
)

// largeTable is how many leases a large table has. DynamoDB reads it in several
// pages.
const largeTable = 10000

const onLargeTable = "/10,000 leases"

// large reports whether the rule needs a large table, and with it more time than
// others.
func (r rule) large() bool { return strings.HasSuffix(r.name, onLargeTable) }

func largeRules() []rule {
	return []rule{
		{"Store/Scan" + onLargeTable, func(ctx context.Context, e *env) error {
			all, err := filled(ctx, e)
			if err != nil {
				return err
			}
			return eventually(ctx, func() error {
				look, err := e.s.Scan(ctx)
				if err != nil {
					return fmt.Errorf("Scan: %w", err)
				}
				if len(look.Unreadable) != 0 {
					return fmt.Errorf("Scan: %d rows cannot be read, such as %v", len(look.Unreadable), look.Unreadable[0])
				}
				return exactly("Scan", look.Leases, all)
			})
		}},
		{"Manager/ListLeases" + onLargeTable, func(ctx context.Context, e *env) error {
			all, err := filled(ctx, e)
			if err != nil {
				return err
			}
			return eventually(ctx, func() error { return e.listsExactly(ctx, all) })
		}},
		{"Manager/IsLeaseTableEmpty" + onLargeTable, func(ctx context.Context, e *env) error {
			if _, err := filled(ctx, e); err != nil {
				return err
			}
			return eventually(ctx, func() error { return empty(ctx, e, false) })
		}},
		{"Manager/DeleteAll" + onLargeTable, func(ctx context.Context, e *env) error {
			all, err := filled(ctx, e)
			if err != nil {
				return err
			}
			if err := eventually(ctx, func() error { return e.listsExactly(ctx, all) }); err != nil {
				return err
			}
			if err := e.m.DeleteAll(ctx); err != nil {
				return fmt.Errorf("DeleteAll: got %v, want nil", err)
			}
			return eventually(ctx, func() error { return first(e.listsExactly(ctx, nil), empty(ctx, e, true)) })
		}},
	}
}

// filled makes a large table, half of whose leases are owned.
func filled(ctx context.Context, e *env) ([]lease.Lease, error) {
	all := make([]lease.Lease, largeTable)
	for i := range all {
		key := fmt.Sprintf("shardId-%012d", i)
		if all[i] = fresh(key); i%2 == 0 {
			all[i] = full(key)
		}
		all[i].Counter = int64(i)
	}
	if fill, err := hook[Filler](e); err == nil {
		return all, fill.Fill(ctx, all)
	}
	var next atomic.Int64
	_, err := winners(32, func(int) (bool, error) {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(all) {
				return true, nil
			}
			if err := create(ctx, e.s, all[i]); err != nil {
				return false, err
			}
		}
	})
	return all, err
}

func (e *env) listsExactly(ctx context.Context, want []lease.Lease) error {
	got, err := e.m.ListLeases(ctx)
	if err != nil {
		return fmt.Errorf("ListLeases: %w", err)
	}
	leases := make([]lease.Lease, len(got))
	for i, l := range got {
		leases[i] = *l
	}
	return exactly("ListLeases", leases, want)
}

// exactly checks that got has each lease of want once, and no other.
func exactly(what string, got, want []lease.Lease) error {
	if len(got) != len(want) {
		return fmt.Errorf("%s: got %d leases, want %d", what, len(got), len(want))
	}
	byKey := make(map[string]lease.Lease, len(got))
	for _, l := range got {
		if _, twice := byKey[l.Key]; twice {
			return fmt.Errorf("%s: got lease %q twice", what, l.Key)
		}
		byKey[l.Key] = l
	}
	for _, w := range want {
		l, ok := byKey[w.Key]
		if !ok {
			return fmt.Errorf("%s: no lease %q", what, w.Key)
		}
		if err := same(what, l, w); err != nil {
			return err
		}
	}
	return nil
}
