package dynamolease

import (
	"testing"

	"github.com/leasehold/leasehold/lease"
)

// javaOwners are about changes of owner: taking, assigning, handing over and
// evicting.
var javaOwners = []behaviour{
	{61, "a lease that nobody owns is taken", func(t *testing.T) {
		w := newJava(t)
		l := w.has(owned("", ""))
		w.wants(true)(w.m.TakeLease(t.Context(), l, "new"))
		w.ownedBy(l, "new", 1, 0)
	}, ""},
	{62, "taking a lease from another counts as a switch", func(t *testing.T) {
		w := newJava(t)
		l := w.has(owned("old", ""))
		w.wants(true)(w.m.TakeLease(t.Context(), l, "new"))
		w.ownedBy(l, "new", 1, 1)
	}, ""},
	{63, "a lease that has changed since it was read is not taken", func(t *testing.T) {
		w := newJava(t)
		stale := w.has(owned("old", ""))
		l := w.get("k")
		w.wants(true)(w.m.RenewLease(t.Context(), l))
		w.wants(false)(w.m.TakeLease(t.Context(), stale, "new"))
		if w.stores(l); stale.Owner != "old" || stale.Counter != 0 {
			t.Errorf("the passed lease changed: %+v", stale)
		}
	}, ""},
	{64, "taking a lease ends its handoff", func(t *testing.T) {
		w := newJava(t)
		l := w.has(owned("b", "a"))
		w.wants(true)(w.m.TakeLease(t.Context(), l, "new"))
		w.attributes("k", map[string]string{"leaseOwner": "S new", "checkpointOwner": ""})
		if w.stores(l); l.NextOwner != "" {
			t.Errorf("next owner: got %q, want none", l.NextOwner)
		}
	}, ""},
	{65, "an owned lease is assigned", func(t *testing.T) {
		w := newJava(t)
		l := w.has(owned("old", ""))
		w.wants(true)(w.assign(l, "new"))
		w.ownedBy(l, "new", 1, 1)
	}, ""},
	{66, "a lease that nobody owns is assigned", func(t *testing.T) {
		w := newJava(t)
		l := w.has(owned("", ""))
		w.wants(true)(w.assign(l, "new"))
		w.ownedBy(l, "new", 1, 0)
	}, ""},
	{67, "a lease of nobody's that is deleted meanwhile is not assigned, nor made", func(t *testing.T) {
		w := newJava(t)
		l := w.has(owned("", ""))
		w.deletes(l)
		w.wants(false)(w.assign(l, "new"))
		w.nothing("k")
	}, ""},
	{68, "an owned lease that is deleted meanwhile is not assigned, nor made", func(t *testing.T) {
		w := newJava(t)
		l := w.has(owned("old", ""))
		w.deletes(l)
		w.wants(false)(w.assign(l, "new"))
		w.nothing("k")
	}, ""},
	{69, "a leader assigns a lease although the owner has renewed it since", nil,
		"an assignment is conditional on the counter seen too: an owner that has just shown that it lives keeps its lease"},
	{70, "a handoff that is another's by now is not ended", func(t *testing.T) {
		w := newJava(t)
		before := w.has(owned("next", "owner"))
		l := w.get("k")
		l.Owner = "another"
		w.wants(false)(w.finish(l))
		w.stores(before)
	}, ""},
	{71, "a handoff ends with the next owner alone", func(t *testing.T) {
		w := newJava(t)
		l := w.has(owned("next", "owner"))
		w.wants(true)(w.finish(l))
		w.attributes("k", map[string]string{"leaseOwner": "S next", "checkpointOwner": ""})
		w.ownedBy(l, "next", 1, 0)
	}, ""},
	{72, "a handoff is no switch", func(t *testing.T) {
		w := newJava(t)
		l := w.has(owned("owner", ""))
		w.wants(true)(w.handOver(l, "next"))
		w.wants(true)(w.finish(l))
		w.ownedBy(l, "next", 1, 0)
	}, ""},
	{73, "a handoff begins with both owners, and leaves the counter", func(t *testing.T) {
		w := newJava(t)
		l := w.has(owned("owner", ""))
		w.wants(true)(w.handOver(l, "next"))
		w.attributes("k", map[string]string{"leaseOwner": "S next", "checkpointOwner": "S owner", "leaseCounter": "N 0"})
		w.stores(l)
	}, ""},
	{74, "no handoff begins while there is one", func(t *testing.T) {
		w := newJava(t)
		before := w.has(owned("next", "owner"))
		l := w.get("k")
		l.NextOwner = "" // as it was read before
		w.wants(false)(w.handOver(l, "third"))
		w.stores(before)
	}, ""},
	{75, "no handoff begins of a lease that is deleted, nor is it made", func(t *testing.T) {
		w := newJava(t)
		l := w.has(owned("owner", ""))
		w.deletes(l)
		w.wants(false)(w.handOver(l, "next"))
		w.nothing("k")
	}, ""},
	{76, "an evicted lease is nobody's", func(t *testing.T) {
		w := newJava(t)
		l := w.has(owned("owner", ""))
		w.wants(true)(w.m.EvictLease(t.Context(), l))
		w.attributes("k", map[string]string{"leaseOwner": ""})
		w.ownedBy(l, "", 1, 0)
	}, ""},
	{77, "the lease of another is not evicted", func(t *testing.T) {
		w := newJava(t)
		before := w.has(owned("owner", ""))
		l := w.get("k")
		l.Owner = "another"
		w.wants(false)(w.m.EvictLease(t.Context(), l))
		w.stores(before)
	}, ""},
	{78, "a lease that is evicted during a handoff is the next owner's", func(t *testing.T) {
		w := newJava(t)
		l := w.has(owned("next", "owner"))
		w.wants(true)(w.m.EvictLease(t.Context(), l))
		w.attributes("k", map[string]string{"leaseOwner": "S next", "checkpointOwner": ""})
		w.ownedBy(l, "next", 1, 0)
	}, ""},
	{79, "a lease that is not there is not evicted, nor made", func(t *testing.T) {
		w := newJava(t)
		for _, owner := range []string{"owner", ""} {
			w.wants(false)(w.m.EvictLease(t.Context(), &lease.Lease{Key: "k", Owner: owner}))
			w.nothing("k")
		}
	}, ""},
	{80, "a lease that nobody owns is evicted, and its counter moves", func(t *testing.T) {
		w := newJava(t)
		l := w.has(owned("", ""))
		w.wants(true)(w.m.EvictLease(t.Context(), l))
		w.ownedBy(l, "", 1, 0)
	}, ""},
}

// ownedBy checks a lease, in memory and stored.
func (w *javaWorld) ownedBy(l *lease.Lease, owner string, counter, switches int64) {
	w.t.Helper()
	if l.Owner != owner || l.NextOwner != "" || l.Counter != counter || l.Switches != switches {
		w.t.Errorf("got owner %q, next %q, counter %d, %d switches, want %q, none, %d, %d", l.Owner, l.NextOwner, l.Counter, l.Switches, owner, counter, switches)
	}
	w.stores(l)
}

func (w *javaWorld) deletes(l *lease.Lease) {
	w.t.Helper()
	if err := w.m.DeleteLease(w.t.Context(), l); err != nil {
		w.t.Fatal(err)
	}
}
