package leasetest

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/leasehold/leasehold/lease"
)

func managerLeaseRules() []rule {
	return []rule{
		{"Manager/GetLease/all fields", func(ctx context.Context, e *env) error {
			handoff := full("k2")
			handoff.NextOwner = "b"
			for _, l := range []lease.Lease{full("k1"), handoff, fresh("k3")} {
				if err := create(ctx, e.s, l); err != nil {
					return err
				}
				got, err := e.m.GetLease(ctx, l.Key)
				if err != nil || got == nil {
					return fmt.Errorf("GetLease: got %v, %v, want a lease, nil", got, err)
				}
				if err := same("GetLease", *got, l); err != nil {
					return err
				}
			}
			return nil
		}},
		{"Manager/GetLease/no lease", func(ctx context.Context, e *env) error {
			if err := putWorker(ctx, e.s, worker("w")); err != nil {
				return err
			}
			for _, key := range []string{"k", "w"} {
				if got, err := e.m.GetLease(ctx, key); err != nil || got != nil {
					return fmt.Errorf("GetLease(%q) where there is none: got %v, %v, want nil, nil", key, got, err)
				}
			}
			return nil
		}},
		{"Manager/GetLease/broken row", func(ctx context.Context, e *env) error {
			if err := plantBroken(ctx, e, "k"); err != nil {
				return err
			}
			got, err := e.m.GetLease(ctx, "k")
			if got != nil {
				return fmt.Errorf("GetLease of a broken row: got %+v, want nil", got)
			}
			return first(failed("GetLease of a broken row", err, lease.ErrDependency), unreadable("GetLease of a broken row", err, "k"))
		}},
		{"Manager/CreateLeaseIfNotExists/new", func(ctx context.Context, e *env) error {
			for _, l := range []lease.Lease{full("k1"), fresh("k2")} {
				passed := l.Clone()
				ok, err := e.m.CreateLeaseIfNotExists(ctx, &passed)
				if err := first(
					outcome("CreateLeaseIfNotExists", ok, err, true),
					same("passed lease", passed, l),
					storedUnmarked(ctx, e, "CreateLeaseIfNotExists", l)); err != nil {
					return err
				}
			}
			return nil
		}},
		{"Manager/CreateLeaseIfNotExists/present", func(ctx context.Context, e *env) error {
			if err := first(create(ctx, e.s, full("k")), putWorker(ctx, e.s, worker("w"))); err != nil {
				return err
			}
			for _, l := range []lease.Lease{fresh("k"), fresh("w")} {
				passed := l.Clone()
				ok, err := e.m.CreateLeaseIfNotExists(ctx, &passed)
				if err := first(outcome("CreateLeaseIfNotExists of a present key", ok, err, false), same("passed lease", passed, l)); err != nil {
					return err
				}
			}
			return stored(ctx, e.s, "after it", full("k"))
		}},
		{"Manager/CreateLeaseIfNotExists/cannot be stored", func(ctx context.Context, e *env) error {
			unset, orphan, owner, counter, backwards, words := fresh("k"), fresh("k"), fresh("k"), fresh("k"), fresh("k"), fresh("k")
			unset.Checkpoint = lease.Position{}
			orphan.NextOwner = "b"
			owner.Owner = strings.Repeat("x", 2049)
			counter.Counter = math.MaxInt64
			backwards.HashRange = lease.HashRange{Start: "2", End: "1"}
			words.HashRange = lease.HashRange{Start: "one", End: "two"}
			for i, l := range []lease.Lease{fresh(""), fresh(strings.Repeat("x", 2049)), unset, orphan, owner, counter, backwards, words} {
				ok, err := e.m.CreateLeaseIfNotExists(ctx, &l)
				if ok {
					return fmt.Errorf("CreateLeaseIfNotExists of value %d that cannot be stored: got true", i)
				}
				if err := failed(fmt.Sprintf("CreateLeaseIfNotExists of value %d that cannot be stored", i), err, lease.ErrDependency); err != nil {
					return err
				}
			}
			return absent(ctx, e.s, "after them", "k")
		}},
		{"Manager/RenewLease/again and again", func(ctx context.Context, e *env) error {
			l := full("k")
			if err := create(ctx, e.s, l); err != nil {
				return err
			}
			passed := l.Clone()
			for range 3 {
				ok, err := e.m.RenewLease(ctx, &passed)
				l.Counter++
				if err := first(
					outcome("RenewLease", ok, err, true),
					same("passed lease", passed, l),
					storedUnmarked(ctx, e, "RenewLease", l)); err != nil {
					return err
				}
			}
			return nil
		}},
		{"Manager/RenewLease/throughput", func(ctx context.Context, e *env) error {
			l := fresh("k")
			if err := create(ctx, e.s, l); err != nil {
				return err
			}
			l.Throughput = new(77.5)
			passed := l.Clone()
			ok, err := e.m.RenewLease(ctx, &passed)
			l.Counter++
			return first(outcome("RenewLease", ok, err, true), storedUnmarked(ctx, e, "RenewLease", l))
		}},
		{"Manager/RenewLease/during a handoff", func(ctx context.Context, e *env) error {
			l := full("k")
			passed := l.Clone() // from before the handoff
			l.NextOwner = "b"
			if err := create(ctx, e.s, l); err != nil {
				return err
			}
			ok, err := e.m.RenewLease(ctx, &passed)
			l.Counter++
			return first(outcome("RenewLease during a handoff", ok, err, true), storedUnmarked(ctx, e, "RenewLease", l))
		}},
		{"Manager/RenewLease/counter moved", func(ctx context.Context, e *env) error {
			return stale(ctx, e, "RenewLease", func(l *lease.Lease) (bool, error) { return e.m.RenewLease(ctx, l) })
		}},
		{"Manager/RenewLease/no lease", func(ctx context.Context, e *env) error {
			return gone(ctx, e, "RenewLease", func(l *lease.Lease) (bool, error) { return e.m.RenewLease(ctx, l) })
		}},
		{"Manager/RenewLease/cannot be stored", func(ctx context.Context, e *env) error {
			return unstorable(ctx, e, "RenewLease", func(l *lease.Lease) (bool, error) { return e.m.RenewLease(ctx, l) })
		}},
		{"Manager/TakeLease/unowned", func(ctx context.Context, e *env) error {
			l := fresh("k")
			l.Switches = 3
			want := l.Clone()
			want.Owner, want.Counter = "b", 1
			return taken(ctx, e, l, want)
		}},
		{"Manager/TakeLease/owned by another", func(ctx context.Context, e *env) error {
			want := full("k")
			want.Owner, want.Counter, want.Switches = "b", 42, 3
			return taken(ctx, e, full("k"), want)
		}},
		{"Manager/TakeLease/own", func(ctx context.Context, e *env) error {
			l := full("k")
			l.Owner = "b"
			want := l.Clone()
			want.Counter = 42
			return taken(ctx, e, l, want)
		}},
		{"Manager/TakeLease/during a handoff", func(ctx context.Context, e *env) error {
			l := full("k")
			l.NextOwner = "c"
			want := l.Clone()
			want.Owner, want.NextOwner, want.Counter, want.Switches = "b", "", 42, 3
			return taken(ctx, e, l, want)
		}},
		{"Manager/TakeLease/counter moved", func(ctx context.Context, e *env) error {
			return stale(ctx, e, "TakeLease", func(l *lease.Lease) (bool, error) { return e.m.TakeLease(ctx, l, "b") })
		}},
		{"Manager/TakeLease/no lease", func(ctx context.Context, e *env) error {
			return gone(ctx, e, "TakeLease", func(l *lease.Lease) (bool, error) { return e.m.TakeLease(ctx, l, "b") })
		}},
		{"Manager/TakeLease/cannot be stored", func(ctx context.Context, e *env) error {
			if err := create(ctx, e.s, full("k")); err != nil {
				return err
			}
			for _, owner := range []string{"", strings.Repeat("x", 2049)} {
				ok, err := e.m.TakeLease(ctx, new(full("k")), owner)
				if ok {
					return fmt.Errorf("TakeLease by an owner of %d bytes: got true", len(owner))
				}
				if err := failed(fmt.Sprintf("TakeLease by an owner of %d bytes", len(owner)), err, lease.ErrDependency); err != nil {
					return err
				}
			}
			return first(
				stored(ctx, e.s, "after them", full("k")),
				unstorable(ctx, e, "TakeLease", func(l *lease.Lease) (bool, error) { return e.m.TakeLease(ctx, l, "b") }))
		}},
		{"Manager/TakeLease/many at once", func(ctx context.Context, e *env) error {
			if err := create(ctx, e.s, full("k")); err != nil {
				return err
			}
			n, err := winners(8, func(i int) (bool, error) {
				l := full("k")
				return e.m.TakeLease(ctx, &l, strings.Repeat("w", i+1))
			})
			if err != nil || n != 1 {
				return fmt.Errorf("8 callers of TakeLease at once: %d took, %v, want 1, nil", n, err)
			}
			return nil
		}},
		{"Manager/EvictLease/owner as known", func(ctx context.Context, e *env) error {
			l := full("k")
			want := l.Clone()
			want.Owner, want.Counter = "", 42
			return evicted(ctx, e, l, l, want)
		}},
		{"Manager/EvictLease/counter moved", func(ctx context.Context, e *env) error {
			l := full("k")
			passed := l.Clone()
			passed.Counter = 7
			want := l.Clone()
			want.Owner, want.Counter = "", 42
			return evicted(ctx, e, l, passed, want)
		}},
		{"Manager/EvictLease/unowned", func(ctx context.Context, e *env) error {
			want := fresh("k")
			want.Counter = 1
			return evicted(ctx, e, fresh("k"), fresh("k"), want)
		}},
		{"Manager/EvictLease/during a handoff", func(ctx context.Context, e *env) error {
			l := full("k")
			l.NextOwner = "b"
			want := full("k")
			want.Owner, want.Counter = "b", 42
			return evicted(ctx, e, l, l, want)
		}},
		{"Manager/EvictLease/handoff not known", func(ctx context.Context, e *env) error {
			// The caller read the lease before the handoff began, or before the
			// next owner was replaced.
			for i, knew := range []string{"", "c"} {
				l := full(fmt.Sprint("k", i))
				passed, want := l.Clone(), l.Clone()
				l.NextOwner, passed.NextOwner = "b", knew
				want.Owner, want.Counter = "b", 42
				if err := evicted(ctx, e, l, passed, want); err != nil {
					return err
				}
			}
			return nil
		}},
		{"Manager/EvictLease/handoff over", func(ctx context.Context, e *env) error {
			l := full("k")
			passed, want := l.Clone(), l.Clone()
			passed.NextOwner = "b"
			want.Owner, want.Counter = "", 42
			return evicted(ctx, e, l, passed, want)
		}},
		{"Manager/EvictLease/other owner", func(ctx context.Context, e *env) error {
			handoff := full("k2")
			handoff.NextOwner = "b"
			for _, tt := range []struct {
				stored lease.Lease
				owner  string
			}{{full("k"), "b"}, {full("k1"), ""}, {handoff, "b"}, {fresh("k3"), "a"}} {
				if err := create(ctx, e.s, tt.stored); err != nil {
					return err
				}
				before := tt.stored.Clone()
				before.Owner, before.NextOwner = tt.owner, ""
				passed := before.Clone()
				ok, err := e.m.EvictLease(ctx, &passed)
				if err := first(
					outcome(fmt.Sprintf("EvictLease of %q's lease as %q's", tt.stored.Owner, tt.owner), ok, err, false),
					same("passed lease", passed, before),
					stored(ctx, e.s, "after it", tt.stored)); err != nil {
					return err
				}
			}
			return nil
		}},
		{"Manager/EvictLease/no lease", func(ctx context.Context, e *env) error {
			evict := func(l *lease.Lease) (bool, error) { return e.m.EvictLease(ctx, l) }
			if err := gone(ctx, e, "EvictLease", evict); err != nil {
				return err
			}
			l := fresh("k")
			ok, err := evict(&l)
			return first(outcome("EvictLease of an unowned lease that is gone", ok, err, false), absent(ctx, e.s, "after it", "k"))
		}},
		{"Manager/EvictLease/cannot be stored", func(ctx context.Context, e *env) error {
			return unstorable(ctx, e, "EvictLease", func(l *lease.Lease) (bool, error) { return e.m.EvictLease(ctx, l) })
		}},
		{"Manager/DeleteLease/whoever owns it", func(ctx context.Context, e *env) error {
			if err := create(ctx, e.s, full("k")); err != nil {
				return err
			}
			before := fresh("k")
			before.Owner, before.Counter = "z", 3
			passed := before.Clone()
			if err := e.m.DeleteLease(ctx, &passed); err != nil {
				return fmt.Errorf("DeleteLease with another counter and owner: got %v, want nil", err)
			}
			return first(same("passed lease", passed, before), absent(ctx, e.s, "after DeleteLease", "k"))
		}},
		{"Manager/DeleteLease/no lease", func(ctx context.Context, e *env) error {
			if err := e.m.DeleteLease(ctx, new(full("k"))); err != nil {
				return fmt.Errorf("DeleteLease of a lease that is not there: got %v, want nil", err)
			}
			return nil
		}},
		{"Manager/DeleteLease/key of a worker", func(ctx context.Context, e *env) error {
			if err := putWorker(ctx, e.s, worker("w")); err != nil {
				return err
			}
			if err := e.m.DeleteLease(ctx, new(full("w"))); err != nil {
				return fmt.Errorf("DeleteLease with the key of a worker: got %v, want nil", err)
			}
			return eventually(ctx, func() error { return workers(ctx, e.s, worker("w")) })
		}},
		{"Manager/UpdateLease/application's fields", func(ctx context.Context, e *env) error {
			l := full("k")
			if err := create(ctx, e.s, l); err != nil {
				return err
			}
			want := l.Clone()
			want.Checkpoint, want.Pending, want.PendingState = lease.At(seq(8), 5), lease.At(seq(11), 2), []byte("state")
			want.Switches, want.Children = 7, []string{"c1", "c2"}
			want.HashRange = lease.HashRange{Start: "1", End: "5"}
			passed := want.Clone()
			// What is not the application's is never written.
			passed.Owner, passed.NextOwner, passed.Parents, passed.Mark = "z", "y", []string{"other"}, "z-1"
			before := passed.Clone()
			ok, err := e.m.UpdateLease(ctx, &passed)
			want.Counter++
			before.Counter++
			return first(
				outcome("UpdateLease", ok, err, true),
				same("passed lease", passed, before),
				storedUnmarked(ctx, e, "UpdateLease", want))
		}},
		{"Manager/UpdateLease/removes pending, keeps children and range", func(ctx context.Context, e *env) error {
			l := full("k")
			l.Children = []string{"c1"}
			if err := create(ctx, e.s, l); err != nil {
				return err
			}
			passed := l.Clone()
			passed.Pending, passed.PendingState, passed.Children, passed.HashRange = lease.Position{}, nil, nil, lease.HashRange{}
			passed.Switches = 0
			ok, err := e.m.UpdateLease(ctx, &passed)
			l.Pending, l.PendingState, l.Switches = lease.Position{}, nil, 0
			l.Counter++
			return first(outcome("UpdateLease", ok, err, true), storedUnmarked(ctx, e, "UpdateLease", l))
		}},
		{"Manager/UpdateLease/every kind of checkpoint", func(ctx context.Context, e *env) error {
			l := fresh("k")
			if err := create(ctx, e.s, l); err != nil {
				return err
			}
			for _, p := range positions() {
				l.Checkpoint = p
				ok, err := e.m.UpdateLease(ctx, &l)
				if err := first(outcome("UpdateLease to "+p.String(), ok, err, true), storedUnmarked(ctx, e, "UpdateLease", l)); err != nil {
					return err
				}
			}
			return nil
		}},
		{"Manager/UpdateLease/during a handoff", func(ctx context.Context, e *env) error {
			l := full("k")
			passed := l.Clone()
			l.NextOwner = "b"
			if err := create(ctx, e.s, l); err != nil {
				return err
			}
			passed.Checkpoint, l.Checkpoint = lease.At(seq(8), 0), lease.At(seq(8), 0)
			ok, err := e.m.UpdateLease(ctx, &passed)
			l.Counter++
			return first(outcome("UpdateLease during a handoff", ok, err, true), storedUnmarked(ctx, e, "UpdateLease", l))
		}},
		{"Manager/UpdateLease/counter moved", func(ctx context.Context, e *env) error {
			return stale(ctx, e, "UpdateLease", func(l *lease.Lease) (bool, error) {
				l.Checkpoint = lease.ShardEnd
				ok, err := e.m.UpdateLease(ctx, l)
				l.Checkpoint = full("k").Checkpoint
				return ok, err
			})
		}},
		{"Manager/UpdateLease/no lease", func(ctx context.Context, e *env) error {
			return gone(ctx, e, "UpdateLease", func(l *lease.Lease) (bool, error) { return e.m.UpdateLease(ctx, l) })
		}},
		{"Manager/UpdateLease/cannot be stored", func(ctx context.Context, e *env) error {
			if err := create(ctx, e.s, full("k")); err != nil {
				return err
			}
			l := full("k")
			l.Checkpoint = lease.Position{}
			_, err := e.m.UpdateLease(ctx, &l)
			return first(
				failed("UpdateLease without checkpoint", err, lease.ErrDependency),
				stored(ctx, e.s, "after it", full("k")),
				unstorable(ctx, e, "UpdateLease", func(l *lease.Lease) (bool, error) { return e.m.UpdateLease(ctx, l) }))
		}},
	}
}

// storedUnmarked is stored for what a manager wrote, whose marks are its own.
func storedUnmarked(ctx context.Context, e *env, what string, want lease.Lease) error {
	got, err := e.s.Get(ctx, want.Key)
	if err != nil || got == nil {
		return fmt.Errorf("%s: Get(%q): got %v, %v, want a lease", what, want.Key, got, err)
	}
	want.Mark = got.Mark
	return same(what+": stored", *got, want)
}

// taken checks TakeLease(l, "b").
func taken(ctx context.Context, e *env, l, want lease.Lease) error {
	if err := create(ctx, e.s, l); err != nil {
		return err
	}
	ok, err := e.m.TakeLease(ctx, &l, "b")
	return first(
		outcome("TakeLease", ok, err, true),
		same("passed lease", l, want),
		storedUnmarked(ctx, e, "TakeLease", want))
}

// evicted checks EvictLease(passed) where l is stored.
func evicted(ctx context.Context, e *env, l, passed, want lease.Lease) error {
	if err := create(ctx, e.s, l); err != nil {
		return err
	}
	ok, err := e.m.EvictLease(ctx, &passed)
	return first(
		outcome("EvictLease", ok, err, true),
		same("passed lease", passed, want),
		storedUnmarked(ctx, e, "EvictLease", want))
}

// stale checks an operation on a lease with an old counter, and with one from
// the future.
func stale(ctx context.Context, e *env, what string, do func(l *lease.Lease) (bool, error)) error {
	if err := create(ctx, e.s, full("k")); err != nil {
		return err
	}
	for _, counter := range []int64{40, 42, 0} {
		before := full("k")
		before.Counter = counter
		passed := before.Clone()
		ok, err := do(&passed)
		if err := first(
			outcome(fmt.Sprintf("%s with counter %d of a lease at 41", what, counter), ok, err, false),
			same("passed lease", passed, before),
			stored(ctx, e.s, "after it", full("k"))); err != nil {
			return err
		}
	}
	return nil
}

// gone checks an operation on a lease that is not in the table.
func gone(ctx context.Context, e *env, what string, do func(l *lease.Lease) (bool, error)) error {
	passed := full("k")
	ok, err := do(&passed)
	return first(
		outcome(what+" of a lease that is gone", ok, err, false),
		same("passed lease", passed, full("k")),
		absent(ctx, e.s, "after it", "k"))
}

// unstorable checks an operation on leases that cannot be stored.
func unstorable(ctx context.Context, e *env, what string, do func(l *lease.Lease) (bool, error)) error {
	last := full("last")
	last.Counter = math.MaxInt64
	for i, l := range []lease.Lease{full(""), full(strings.Repeat("x", 2049)), last} {
		ok, err := do(&l)
		if ok {
			return fmt.Errorf("%s of value %d that cannot be stored: got true", what, i)
		}
		if err := failed(fmt.Sprintf("%s of value %d that cannot be stored", what, i), err, lease.ErrDependency); err != nil {
			return err
		}
	}
	return nil
}
