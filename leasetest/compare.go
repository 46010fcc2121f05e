package leasetest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/lease"
)

// same checks that two leases are equal. The order of parents and of children
// means nothing.
func same(what string, got, want lease.Lease) error {
	got, want = plain(got), plain(want)
	var wrong []string
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range g.NumField() {
		if a, b := g.Field(i).Interface(), w.Field(i).Interface(); !reflect.DeepEqual(a, b) {
			wrong = append(wrong, fmt.Sprintf("%s is %v, want %v", g.Type().Field(i).Name, shown(a), shown(b)))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%s, lease %q: %s", what, want.Key, strings.Join(wrong, "; "))
}

// plain returns l with one form for each value: empty slices are nil, and sets
// are sorted.
func plain(l lease.Lease) lease.Lease {
	l = l.Clone()
	if len(l.PendingState) == 0 {
		l.PendingState = nil
	}
	for _, set := range []*[]string{&l.Parents, &l.Children} {
		slices.Sort(*set)
		if len(*set) == 0 {
			*set = nil
		}
	}
	return l
}

func shown(v any) any {
	if f, ok := v.(*float64); ok && f != nil {
		return *f
	}
	return fmt.Sprintf("%q", fmt.Sprint(v))
}

// stored checks that the table has exactly want.
func stored(ctx context.Context, s lease.Store, what string, want lease.Lease) error {
	got, err := s.Get(ctx, want.Key)
	if err != nil || got == nil {
		return fmt.Errorf("%s: Get(%q): got %v, %v, want a lease", what, want.Key, got, err)
	}
	return same(what+": stored", *got, want)
}

// absent checks that the table has no lease of this key.
func absent(ctx context.Context, s lease.Store, what, key string) error {
	if got, err := s.Get(ctx, key); err != nil || got != nil {
		return fmt.Errorf("%s: Get(%q): got %+v, %v, want nil, nil", what, key, got, err)
	}
	return nil
}

// create stores l, which a rule then works on.
func create(ctx context.Context, s lease.Store, l lease.Lease) error {
	if _, ok, err := s.Create(ctx, l); !ok || err != nil {
		return fmt.Errorf("Create(%q): got %v, %v, want true, nil", l.Key, ok, err)
	}
	return nil
}

// seq returns a sequence number of the size that Kinesis has today, the larger
// the larger n is.
func seq(n int) lease.Sequence {
	s, err := lease.ParseSequence(fmt.Sprintf("49590338271490256608559692538361571095921575989136%06d", n))
	if err != nil {
		panic(err)
	}
	return s
}

// full returns an owned lease with all that a lease in a table of one stream
// can have, but for a handoff and children.
func full(key string) lease.Lease {
	return lease.Lease{
		Key:          key,
		Owner:        "a",
		Counter:      41,
		Checkpoint:   lease.At(seq(7), 3),
		Pending:      lease.At(seq(9), 0),
		PendingState: []byte{0, 1, 0xff},
		Switches:     2,
		Parents:      []string{"shardId-000000000001", "shardId-000000000000"},
		HashRange:    lease.HashRange{Start: "0", End: "340282366920938463463374607431768211455"},
		Throughput:   new(12.5),
		Mark:         "before-1",
	}
}

// fresh returns a lease that nobody owns.
func fresh(key string) lease.Lease {
	return lease.Lease{Key: key, Checkpoint: lease.TrimHorizon}
}
