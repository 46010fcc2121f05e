package dynamolease

import (
	"testing"
	"time"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/lease/classic"
)

// javaPredicates are about what may be done with a lease. The workers of this
// library do not ask a lease: internal/coordinator knows when it has seen what.
// Package lease/classic has the question whether a lease has expired.
var javaPredicates = []behaviour{
	{116, "a lease of nobody is available, however old it is", nil,
		"it is so in internal/coordinator: a lease without owner is due from when it is first seen"},
	{117, "a lease is available a nanosecond after its time", func(t *testing.T) { expires(t, 10*time.Second+1, true) }, ""},
	{118, "a lease is not available a nanosecond before its time is over", func(t *testing.T) { expires(t, 10*time.Second-1, false) }, ""},
	{119, "a lease of nobody is available, however new it is", nil, "as 116"},
	{120, "a lease whose age is the duration has not expired", func(t *testing.T) { expires(t, 10*time.Second, false) }, ""},
	{121, "a lease of more than a year, in the past or the future, has expired", func(t *testing.T) {
		const year = 365 * 24 * time.Hour
		expires(t, year+1, true)
		expires(t, -year-1, true)
		expires(t, -year, false)
	}, ""},
	{122, "until its deadline a handoff is left alone", nil,
		"a handoff is left alone as long as the owner's counter moves: it ends when the owner has drained, which takes no longer than its drain time, and a dead owner's lease expires"},
	{123, "from its deadline on a handoff may be overruled", nil, "as 122: there is no deadline"},
	{124, "a handoff of an expired lease is not left alone", nil,
		"it is so in internal/coordinator: the lease is assigned when the counter stood still for a failover time, to the next owner if that one lives"},
	{125, "a handoff of a finished lease is not left alone", nil,
		"there is none: the write that finishes a lease ends its handoff, and finished leases are not assigned any more"},
	{126, "without a handoff nothing is waited for", nil,
		"it is so in internal/coordinator: without a handoff a lease is balanced as soon as its owner has written it"},
	{127, "a handoff begins of an owned lease that is neither expired nor finished nor being handed over", nil,
		"it is so in internal/coordinator, and besides the owner must have written the lease: one that does not know of it yet would not find it in the index any more"},
	{128, "a copy of a lease has its handoff", func(t *testing.T) {
		for _, stream := range []string{"", theStream} {
			l := lease.Lease{Key: "k", Stream: stream, Owner: "owner", NextOwner: "next"}
			if c := l.Clone(); c.NextOwner != "next" || c.Owner != "owner" || c.Stream != stream {
				t.Errorf("got %+v, want %+v", c, l)
			}
		}
	}, ""},
}

// expires checks whether a lease whose counter moved that long ago has expired.
func expires(t *testing.T, age time.Duration, want bool) {
	t.Helper()
	l := classic.NewLease("k", lease.Latest)
	l.SetLeaseOwner("a")
	l.SetLastCounterIncrementNanos(0)
	if got := l.IsExpired(int64(10*time.Second), int64(age)); got != want {
		t.Errorf("age %v: got expired %v, want %v", age, got, want)
	}
}
