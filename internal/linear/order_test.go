package linear

import (
	"slices"
	"strings"
	"testing"
)

// Two Managers and one lease: every order in which the requests of two programs
// arrive, with at most one reply lost and at most one write that arrives late,
// at any time until after everything else.
func TestFailure_F02_EveryOrder(t *testing.T) {
	one, two := programs(1, every...), programs(2, every...)
	others := []program{{foreign}, {get, foreign}}
	if *all {
		for s := range moved + 1 {
			t.Run(s.String(), func(t *testing.T) {
				explore(t, 5_000_000, pairs(s, two, append(two, others...))...)
			})
		}
		return
	}

	// One operation each, from every start; and where the lease is a's also with
	// replies that stay on the way.
	t.Run("one operation", func(t *testing.T) {
		var scopes []scope
		for s := range moved + 1 {
			scopes = append(scopes, pairs(s, one, append(one, others...))...)
		}
		explore(t, 45_000, scopes...)
	})
	t.Run("one operation, slow replies", func(t *testing.T) {
		if testing.Short() {
			t.Skip("-short")
		}
		scopes := pairs(owned, one, one)
		for i := range scopes {
			scopes[i].loose = true
		}
		explore(t, 120_000, scopes...)
	})

	// Two operations of the owner, beside one of somebody else who has the same
	// copy. What a program reads at its end the run looks at anyway. To the other
	// a renewal is as an update, only that it writes less, and a create without
	// a deletion is refused as it is with one operation.
	t.Run("two operations", func(t *testing.T) {
		if testing.Short() {
			t.Skip("-short")
		}
		var scopes []scope
		for _, s := range pairs(owned, two, programs(1, get, create, take, update, evict, remove)) {
			if s.a[1] != get && (s.b[0] != create || slices.Contains(s.a, remove)) {
				scopes = append(scopes, s)
			}
		}
		explore(t, 149_000, scopes...)
	})

	// Three operations with one copy, the first ones of unknown outcome, beside
	// one who looks.
	t.Run("three operations", func(t *testing.T) {
		scopes := pairs(owned, programs(3, renew, take, update, evict), []program{{get}})
		explore(t, 44_000, scopes...)
	})
}

// chains are what takes the Manager's whole memory. In most of them a third call
// for one *Lease follows two of which the first had an unknown outcome and the
// second was not done. The comments say what goes wrong with less.
var chains = []scope{
	// A write that was done is done again, on top of the one after it: the second
	// call saw the first one's effect, and the third does not know of that.
	{a: program{renew, update, renew}, b: program{get}},
	{a: program{update, renew, update}, b: program{get}},

	// The lease is said to be lost to a write of one's own, which arrived between
	// two requests of the call.
	{a: program{renew, update, take}, b: program{get}},
	{a: program{update, renew, take}, b: program{get}},

	// A take or an evict was done and the next call, another one, is refused
	// because of it. With that the Manager forgets it, and says to the one who
	// repeats it that the lease is lost.
	{a: program{take, renew, take}, b: program{get}},
	{a: program{take, update, take}, b: program{get}},
	{a: program{take, evict, take}, b: program{get}},
	{a: program{evict, renew, evict}, b: program{get}},
	{a: program{evict, update, evict}, b: program{get}},
	{a: program{evict, take, evict}, b: program{get}},

	// A write on top of one that was done is not known as one's own any more when
	// the one below it is repeated first.
	{a: program{renew, take, renew, take}, b: program{get}},
	{a: program{renew, evict, renew, evict}, b: program{get}},
	{a: program{renew, update, renew, update}, b: program{get}},
	{a: program{update, take, update, take}, b: program{get}},

	// A create is not known as one's own by the next call.
	{a: program{create, create}, b: program{get}, start: absent},
	{a: program{create, create, renew}, b: program{get}, start: absent},
	{a: program{create, renew, create}, b: program{get}, start: absent},
	{a: program{create, create}, b: program{remove}, start: absent},
	{a: program{create, create}, b: program{get, take}, start: absent},
	{a: program{create, create, update}, b: program{create}, start: absent},

	// An evict is not known as one's own again if the handoff that it met is not
	// the one of which the copy says.
	{a: program{evict, evict}, b: program{get}, start: moved},
	{a: program{take}, b: program{evict, evict}, start: handed},
}

func TestChains(t *testing.T) {
	for _, s := range chains {
		if _, wrong, err := s.explore(); err != nil {
			t.Errorf("%v:\n\t%s\n%s", s, strings.Join(wrong.trace, "\n\t"), wrong.h.explain(err))
		}
	}
}

// Some operations cannot be done only once when a try had an unknown outcome,
// and some cannot find out whether they were. The histories allow it; one that
// does not finds it in no time.
func TestNotOnce(t *testing.T) {
	for _, s := range []scope{
		// The first try of a delete arrives late and deletes the lease that
		// somebody created after the second: it has no condition.
		{a: program{remove}, b: program{create}, start: owned},
		// The first try of a create arrives late and creates the lease that
		// somebody deleted after the second: nothing is left of a deleted lease.
		{a: program{create}, b: program{remove}, start: absent},
		// An evict whose reply is lost is done again if the owner comes back
		// meanwhile: as far as anybody can tell it is still there.
		{a: program{get, take}, b: program{evict}, start: owned},
	} {
		s.once = true
		if _, _, err := s.explore(); err != errIllegal {
			t.Errorf("%v, each write once: got %v, want %v", s, err, errIllegal)
		}
		s.once = false
		if _, _, err := s.explore(); err != nil {
			t.Errorf("%v: got %v, want nil", s, err)
		}
	}
}

// The counter is a fence as long as it does not come again for a key. One who
// deletes a lease and creates it with a counter of before lets a late renewal be
// done twice.
func TestCounterComesAgain(t *testing.T) {
	s := scope{a: program{renew}, b: program{remove, create}}
	if _, _, err := s.explore(); err != nil {
		t.Errorf("%v, with a new counter: got %v, want nil", s, err)
	}
	s.again = true
	if _, _, err := s.explore(); err != errIllegal {
		t.Errorf("%v, with the same counter: got %v, want %v", s, err, errIllegal)
	}
}
