package dynamolease

import (
	"testing"

	"github.com/leasehold/leasehold/lease"
)

// javaRenewals are about renewals.
var javaRenewals = []behaviour{
	{48, "a renewal adds one to the counter, in memory and stored", func(t *testing.T) {
		w := newJava(t)
		l := w.has(owned("a", ""))
		w.wants(true)(w.m.RenewLease(t.Context(), l))
		if w.stores(l); l.Counter != 1 {
			t.Errorf("counter: got %d, want 1", l.Counter)
		}
	}, ""},
	{49, "a renewal fails when another has taken the lease", func(t *testing.T) {
		w := newJava(t)
		stale := w.has(owned("a", ""))
		taken := w.get("k")
		w.wants(true)(w.m.TakeLease(t.Context(), taken, "b"))
		w.wants(false)(w.m.RenewLease(t.Context(), stale))
		w.stores(taken)
	}, ""},
	{50, "a renewal of a lease that is not there fails at the first try", func(t *testing.T) {
		w := newJava(t)
		w.wants(false)(w.m.RenewLease(t.Context(), &lease.Lease{Key: "k", Owner: "a"}))
		if w.nothing("k"); w.count("UpdateItem") != 1 {
			t.Errorf("%d writes, want 1", w.count("UpdateItem"))
		}
	}, ""},
	{51, "the owner that does not know of a handoff renews, and learns of it", func(t *testing.T) {
		w := newJava(t)
		unaware := w.has(owned("a", ""))
		w.wants(true)(w.handOver(w.get("k"), "b"))
		before := w.count("UpdateItem")
		// Java needs a second try, with the owners that the first one's refusal
		// brought. Here the renewal is conditional on the counter, which a handoff
		// leaves, and the image has the owners.
		w.wants(true)(w.renew(unaware))
		if w.count("UpdateItem") != before+1 || unaware.Owner != "a" || unaware.NextOwner != "b" || unaware.Counter != 1 {
			t.Errorf("got %+v after %d writes, want owner a, next b, counter 1 after one", unaware, w.count("UpdateItem")-before)
		}
		w.stores(unaware)
		w.attributes("k", map[string]string{"leaseOwner": "S b", "checkpointOwner": "S a"})
	}, ""},
	{52, "the owner before the one that hands over cannot renew", func(t *testing.T) {
		w := newJava(t)
		old := w.has(owned("a", ""))
		l := w.get("k")
		w.wants(true)(w.assign(l, "b"))
		w.wants(true)(w.handOver(l, "c"))
		before := w.count("UpdateItem")
		w.wants(false)(w.renew(old))
		w.wants(false)(w.m.RenewLease(t.Context(), old))
		if w.stores(l); w.count("UpdateItem") != before+2 {
			t.Errorf("%d writes for two renewals", w.count("UpdateItem")-before)
		}
	}, ""},
	{53, "the owner that knows of a handoff renews again and again", func(t *testing.T) {
		w := newJava(t)
		l := w.has(owned("a", ""))
		w.wants(true)(w.handOver(l, "b"))
		w.wants(true)(w.m.RenewLease(t.Context(), l))
		w.wants(true)(w.m.RenewLease(t.Context(), l))
		w.stores(l)
	}, ""},
	{54, "the owner cannot renew when the handoff has ended", func(t *testing.T) {
		w := newJava(t)
		l := w.has(owned("a", ""))
		w.wants(true)(w.handOver(l, "b"))
		w.wants(true)(w.m.RenewLease(t.Context(), l))
		late := l.Clone()
		w.wants(true)(w.finish(l))
		w.wants(false)(w.m.RenewLease(t.Context(), &late))
		w.stores(l)
	}, ""},
	{55, "a row that hands over from a worker to itself cannot be renewed", nil,
		"it hands over to nobody, and reads as that worker's; so do conditions on its owners, and renewals are conditional on the counter"},
	{56, "a renewal that was carried out while its reply was lost succeeds", func(t *testing.T) {
		w := newJava(t)
		l := w.has(owned("a", ""))
		w.LoseReplies(1)
		w.wants(true)(w.m.RenewLease(t.Context(), l))
		if w.stores(l); l.Counter != 1 {
			t.Errorf("counter: got %d, want 1", l.Counter)
		}
	}, ""},
	{57, "such a renewal fails when another write came after it", func(t *testing.T) {
		w := newJava(t)
		l := w.has(owned("a", ""))
		w.LoseReplies(1_000_000)
		if ok, err := w.m.RenewLease(t.Context(), l); ok || !onlyKind(err, lease.ErrDependency) {
			t.Fatalf("without replies: got %v, %v, want an error", ok, err)
		}
		w.LoseReplies(0)
		// A Java process with the same name renews it: our mark stays.
		row := w.raw(t, "k")
		row["leaseCounter"] = decimal("2")
		w.mustPlant(t, row)
		w.wants(false)(w.m.RenewLease(t.Context(), l))
		w.attributes("k", map[string]string{"leaseCounter": "N 2", "leaseOwner": "S a"})
		if l.Counter != 0 {
			t.Errorf("the passed lease has counter %d, want 0", l.Counter)
		}
	}, ""},
	{58, "a renewal stores the throughput if it is known, and else leaves it", func(t *testing.T) {
		w := newJava(t)
		l := w.has(owned("a", ""))
		l.Throughput = new(2.5)
		w.wants(true)(w.m.RenewLease(t.Context(), l))
		w.attributes("k", map[string]string{"throughputKBps": "N 2.5"})
		l.Throughput = nil
		w.wants(true)(w.m.RenewLease(t.Context(), l))
		w.attributes("k", map[string]string{"throughputKBps": "N 2.5", "leaseCounter": "N 2"})
	}, ""},
	{59, "the throughput is rounded to six decimals", func(t *testing.T) {
		w := newJava(t)
		l := w.has(owned("a", ""))
		for rate, want := range map[float64]string{
			1024.102412324: "1024.102412", 1.024: "1.024", 1e-200: "0", 1999999.123213123: "1999999.123213", 1.0000000000001: "1",
		} {
			l.Throughput = &rate
			w.wants(true)(w.m.RenewLease(t.Context(), l))
			w.attributes("k", map[string]string{"throughputKBps": "N " + want})
		}
	}, ""},
	{60, "a throttled renewal is reported as another failure", nil,
		"it is reported as throttled, as every operation is, and tried again"},
}
