package lease

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
)

func TestCloneSharesNothing(t *testing.T) {
	l := Lease{
		Key: "k", PendingState: []byte{1}, Parents: []string{"p"}, Children: []string{"c"}, Throughput: new(1.5),
	}
	c := l.Clone()
	if !reflect.DeepEqual(c, l) {
		t.Fatalf("clone: got %+v, want %+v", c, l)
	}
	c.PendingState[0], c.Parents[0], c.Children[0], *c.Throughput = 2, "x", "x", 9
	if l.PendingState[0] != 1 || l.Parents[0] != "p" || l.Children[0] != "c" || *l.Throughput != 1.5 {
		t.Errorf("the lease changed with its clone: %+v", l)
	}
	// A field that holds memory must be cloned: this fails when one is added.
	shared := 0
	for f := range reflect.TypeFor[Lease]().Fields() {
		switch f.Type.Kind() {
		case reflect.Slice, reflect.Pointer, reflect.Map:
			shared++
		}
	}
	if shared != 4 {
		t.Errorf("Lease has %d fields that hold memory, and this test knows of 4", shared)
	}
}

func TestLeaseStates(t *testing.T) {
	for _, tt := range []struct {
		name               string
		l                  Lease
		finished, handing  bool
		owners             Owners
		unchangedHashRange bool
	}{
		{"new", Lease{Checkpoint: TrimHorizon}, false, false, Owners{}, true},
		{"owned", Lease{Owner: "a", Checkpoint: Latest}, false, false, Owners{Owner: "a"}, true},
		{"handoff", Lease{Owner: "a", NextOwner: "b"}, false, true, Owners{"a", "b"}, true},
		{"finished", Lease{Owner: "a", Checkpoint: ShardEnd, HashRange: HashRange{"0", "1"}}, true, false, Owners{Owner: "a"}, false},
	} {
		if got := tt.l.Finished(); got != tt.finished {
			t.Errorf("%s: Finished is %v", tt.name, got)
		}
		if got := tt.l.HandingOff(); got != tt.handing {
			t.Errorf("%s: HandingOff is %v", tt.name, got)
		}
		if got := tt.l.Owners(); got != tt.owners {
			t.Errorf("%s: Owners are %v, want %v", tt.name, got, tt.owners)
		}
		if got := tt.l.HashRange.IsZero(); got != tt.unchangedHashRange {
			t.Errorf("%s: HashRange.IsZero is %v", tt.name, got)
		}
	}
}

func TestCondHolds(t *testing.T) {
	l := &Lease{Owner: "a", NextOwner: "b", Counter: 7}
	for _, tt := range []struct {
		name string
		cond Cond
		want bool
	}{
		{"nothing", Cond{}, true},
		{"counter", Cond{Counter: new(int64(7))}, true},
		{"other counter", Cond{Counter: new(int64(8))}, false},
		{"both owners", Cond{Owners: &Owners{"a", "b"}}, true},
		{"owner without next", Cond{Owners: &Owners{Owner: "a"}}, false},
		{"next as owner", Cond{Owners: &Owners{Owner: "b"}}, false},
		{"counter and other owner", Cond{Counter: new(int64(7)), Owners: &Owners{Owner: "c"}}, false},
	} {
		if got := tt.cond.Holds(l); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestSetApply(t *testing.T) {
	before := Lease{
		Key: "k", Owner: "a", Counter: 3, Checkpoint: Latest, Pending: TrimHorizon, PendingState: []byte("old"),
		Switches: 2, Children: []string{"c"}, HashRange: HashRange{"0", "9"}, Throughput: new(1.0), Mark: "m1",
	}
	with := func(edit func(*Lease)) Lease {
		l := before.Clone()
		edit(&l)
		return l
	}
	for _, tt := range []struct {
		name string
		set  Set
		want Lease
	}{
		{"nothing", Set{}, before},
		{"bump and mark", Set{Bump: true, Mark: "m2"}, with(func(l *Lease) { l.Counter, l.Mark = 4, "m2" })},
		{"owners", Set{Owners: &Owners{"b", "c"}, AddSwitch: true}, with(func(l *Lease) { l.Owner, l.NextOwner, l.Switches = "b", "c", 3 })},
		{"nobody", Set{Owners: &Owners{}}, with(func(l *Lease) { l.Owner = "" })},
		{"checkpoint clears pending and switches", Set{Checkpoint: new(ShardEnd), AddSwitch: true}, with(func(l *Lease) {
			l.Checkpoint, l.Pending, l.PendingState, l.Switches = ShardEnd, Position{}, nil, 0
		})},
		{"checkpoint, then pending and switches", Set{Checkpoint: new(ShardEnd), Pending: new(Latest), Switches: new(int64(5))}, with(func(l *Lease) {
			l.Checkpoint, l.Pending, l.PendingState, l.Switches = ShardEnd, Latest, nil, 5
		})},
		{"rest", Set{Children: []string{"d"}, HashRange: &HashRange{"1", "2"}, Throughput: new(0.0)}, with(func(l *Lease) {
			l.Children, l.HashRange, l.Throughput = []string{"d"}, HashRange{"1", "2"}, new(0.0)
		})},
	} {
		got := before.Clone()
		tt.set.Apply(&got)
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestError(t *testing.T) {
	err := error(&Error{Op: "renew lease", Key: "orders/0", Kind: ErrInvalidState, Err: context.Canceled})
	if got, want := err.Error(), `renew lease "orders/0": lease table does not exist: context canceled`; got != want {
		t.Errorf("text: got %q, want %q", got, want)
	}
	err = fmt.Errorf("look: %w", err)
	for _, tt := range []struct {
		target error
		want   bool
	}{{ErrInvalidState, true}, {context.Canceled, true}, {ErrDependency, false}, {ErrProvisionedThroughput, false}} {
		if got := errors.Is(err, tt.target); got != tt.want {
			t.Errorf("matches %q: got %v, want %v", tt.target, got, tt.want)
		}
	}
	u := &UnreadableError{Key: "k", Attribute: "leaseCounter", Reason: "is missing"}
	err = &Error{Op: "list leases", Kind: ErrDependency, Err: errors.Join(u)}
	if got, ok := errors.AsType[*UnreadableError](err); !ok || got != u {
		t.Errorf("AsType: got %v, want %v", got, u)
	}
	if got, want := u.Error(), `row "k" cannot be read: attribute leaseCounter is missing`; got != want {
		t.Errorf("text: got %q, want %q", got, want)
	}
}

func TestTableUsable(t *testing.T) {
	for status, want := range map[TableStatus]bool{Missing: false, Creating: false, Active: true, Updating: true, Deleting: false} {
		if got := (Table{Status: status}).Usable(); got != want {
			t.Errorf("a table that is %v: Usable is %v, want %v", status, got, want)
		}
	}
}
