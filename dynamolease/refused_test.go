package dynamolease

import (
	"errors"
	"math"
	"testing"

	"github.com/leasehold/leasehold/lease"
)

// What could not be read again is refused before any request.
func TestRefusedBeforeAnyRequest(t *testing.T) {
	tt := fake(t)
	ctx := t.Context()
	good := fullLease(t, ByShard, "k")
	mustCreate(t, tt.store, good)
	asked := func() (n int) {
		tt.set(func() {
			for _, calls := range tt.calls {
				n += calls
			}
		})
		return n
	}
	before := asked()
	check := func(what string, applied bool, err error) {
		t.Helper()
		if applied || !errors.Is(err, lease.ErrDependency) {
			t.Errorf("%s: got %v, %v, want false, %v", what, applied, err, lease.ErrDependency)
		}
		if now := asked(); now != before {
			t.Errorf("%s: %d requests, want none", what, now-before)
			before = now
		}
	}
	for _, r := range []lease.HashRange{{Start: "+5", End: "9"}, {Start: "-1", End: "9"}, {Start: "1x", End: "9"}, {Start: "5", End: "+9"}} {
		l := good.Clone()
		l.Key, l.HashRange = "new", r
		_, applied, err := tt.store.Create(ctx, l)
		check("Create with hash range from "+r.Start, applied, err)
		_, applied, err = tt.store.Change(ctx, "k", lease.Cond{}, lease.Set{HashRange: &r})
		check("Change to hash range from "+r.Start, applied, err)
	}
	early := lease.At(position(t, "12", 0).Sequence(), -1)
	for name, spoil := range map[string]func(l *lease.Lease){
		"checkpoint":          func(l *lease.Lease) { l.Checkpoint = early },
		"pending checkpoint":  func(l *lease.Lease) { l.Pending = early },
		"throughput of NaN":   func(l *lease.Lease) { l.Throughput = new(math.NaN()) },
		"negative throughput": func(l *lease.Lease) { l.Throughput = new(-3.0) },
		"throughput of 1e15":  func(l *lease.Lease) { l.Throughput = new(1e15) },
	} {
		l := good.Clone()
		l.Key = "new"
		spoil(&l)
		_, applied, err := tt.store.Create(ctx, l)
		check("Create with "+name, applied, err)
	}
	for name, set := range map[string]lease.Set{"checkpoint": {Checkpoint: &early}, "pending checkpoint": {Pending: &early}} {
		_, applied, err := tt.store.Change(ctx, "k", lease.Cond{}, set)
		check("Change to "+name, applied, err)
	}
}

// A counter below zero is a row that somebody spoilt. Nobody goes on from it.
func TestNegativeCounterIsReported(t *testing.T) {
	tt := fake(t)
	ctx := t.Context()
	row := leaseItem(fullLease(t, ByShard, "k"))
	row["leaseCounter"] = decimal("-1")
	tt.mustPlant(t, row)

	check := func(what string, err error) {
		t.Helper()
		u, ok := errors.AsType[*lease.UnreadableError](err)
		if want := (lease.UnreadableError{Key: "k", Attribute: "leaseCounter", Reason: "is negative"}); !ok || *u != want {
			t.Errorf("%s: got %v, want %v", what, err, &want)
		}
	}
	_, err := tt.store.Get(ctx, "k")
	check("Get", err)
	_, _, err = tt.store.Change(ctx, "k", lease.Cond{Counter: new(int64(7))}, lease.Set{Bump: true, Mark: "m"})
	check("Change", err)
	look, err := tt.store.Scan(ctx)
	if err != nil || len(look.Leases) != 0 || len(look.Unreadable) != 1 {
		t.Fatalf("Scan: got %+v, %v, want one report", look, err)
	}
	check("Scan", &look.Unreadable[0])
	m := lease.NewManager(tt.store)
	_, err = m.ListLeases(ctx)
	check("ListLeases", err)
	_, err = m.RenewLease(ctx, &lease.Lease{Key: "k", Counter: 7})
	check("RenewLease", err)
	if err := m.DeleteLease(ctx, &lease.Lease{Key: "k"}); err != nil {
		t.Errorf("DeleteLease: got %v, want nil", err)
	}
	if l, err := tt.store.Get(ctx, "k"); l != nil || err != nil {
		t.Errorf("Get after DeleteLease: got %v, %v, want nil, nil", l, err)
	}
}
