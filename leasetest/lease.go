package leasetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/leasehold/leasehold/lease"
)

func leaseRules() []rule {
	return []rule{
		{"Store/Get/no lease", func(ctx context.Context, e *env) error {
			return absent(ctx, e.s, "empty table", "k")
		}},
		{"Store/Get/key of a worker", func(ctx context.Context, e *env) error {
			if err := putWorker(ctx, e.s, worker("w")); err != nil {
				return err
			}
			return absent(ctx, e.s, "key of a worker", "w")
		}},
		{"Store/Get/row of an unknown kind", func(ctx context.Context, e *env) error {
			plant, err := hook[ForeignPlanter](e)
			if err != nil {
				return err
			}
			if err := plant.PlantForeign(ctx, "k"); err != nil {
				return err
			}
			return absent(ctx, e.s, "key of an unknown kind", "k")
		}},
		{"Store/Get/broken row", func(ctx context.Context, e *env) error {
			plant, err := hook[BrokenPlanter](e)
			if err != nil {
				return err
			}
			if err := plant.PlantBroken(ctx, "k"); err != nil {
				return err
			}
			l, err := e.s.Get(ctx, "k")
			if l != nil {
				return fmt.Errorf("Get of a broken row: got lease %+v, want none", l)
			}
			return first(
				failed("Get of a broken row", err, lease.ErrDependency),
				retryable("Get of a broken row", err, false),
				unreadable("Get of a broken row", err, "k"))
		}},
		{"Store/Get/copy", func(ctx context.Context, e *env) error {
			if err := create(ctx, e.s, full("k")); err != nil {
				return err
			}
			got, err := e.s.Get(ctx, "k")
			if err != nil {
				return err
			}
			spoil(got)
			return stored(ctx, e.s, "after the caller changed what Get returned", full("k"))
		}},
		{"Store/Create/all fields", func(ctx context.Context, e *env) error {
			ended := full("ended")
			ended.Checkpoint, ended.Children = lease.ShardEnd, []string{"shardId-000000000008", "shardId-000000000009"}
			handoff := full("handoff")
			handoff.NextOwner = "b"
			for _, l := range []lease.Lease{fresh("fresh"), full("full"), ended, handoff} {
				if err := first(create(ctx, e.s, l), stored(ctx, e.s, "Create", l)); err != nil {
					return err
				}
			}
			return nil
		}},
		{"Store/Create/one of several streams", func(ctx context.Context, e *env) error {
			id := lease.StreamID{Account: "123456789012", Name: "orders", Created: 1700000000}
			l := full(id.Key("shardId-000000000007"))
			l.Stream, l.Shard = id.String(), "shardId-000000000007"
			_, applied, err := e.s.Create(ctx, l)
			if err == nil {
				return first(outcome("Create", applied, err, true), stored(ctx, e.s, "Create", l))
			}
			// The store may be one of a single stream's leases.
			return first(failed("Create of what the store refuses", err, lease.ErrDependency),
				retryable("Create of what the store refuses", err, false),
				absent(ctx, e.s, "after the refusal", l.Key))
		}},
		{"Store/Create/every kind of checkpoint", func(ctx context.Context, e *env) error {
			for _, p := range positions() {
				l := fresh("at " + p.String())
				l.Checkpoint = p
				if err := first(create(ctx, e.s, l), stored(ctx, e.s, "Create", l)); err != nil {
					return err
				}
			}
			return nil
		}},
		{"Store/Create/copy", func(ctx context.Context, e *env) error {
			l := full("k")
			if err := create(ctx, e.s, l); err != nil {
				return err
			}
			spoil(&l)
			return stored(ctx, e.s, "after the caller changed what it passed to Create", full("k"))
		}},
		{"Store/Create/key in use", func(ctx context.Context, e *env) error {
			if err := create(ctx, e.s, full("k")); err != nil {
				return err
			}
			l := fresh("k")
			l.Mark = "other-1"
			image, applied, err := e.s.Create(ctx, l)
			return first(
				outcome("Create of a present lease", applied, err, false),
				same("image of the refused Create", image, full("k")),
				stored(ctx, e.s, "after the refused Create", full("k")))
		}},
		{"Store/Create/key of a worker", func(ctx context.Context, e *env) error {
			if err := putWorker(ctx, e.s, worker("w")); err != nil {
				return err
			}
			image, applied, err := e.s.Create(ctx, fresh("w"))
			return first(
				outcome("Create with the key of a worker", applied, err, false),
				same("image of the refused Create", image, lease.Lease{}),
				eventually(ctx, func() error { return workers(ctx, e.s, worker("w")) }))
		}},
		{"Store/Create/key of a broken row", func(ctx context.Context, e *env) error {
			plant, err := hook[BrokenPlanter](e)
			if err != nil {
				return err
			}
			if err := plant.PlantBroken(ctx, "k"); err != nil {
				return err
			}
			image, applied, err := e.s.Create(ctx, fresh("k"))
			if err := first(outcome("Create with the key of a broken row", applied, err, false), same("image of the refused Create", image, lease.Lease{})); err != nil {
				return err
			}
			_, err = e.s.Get(ctx, "k")
			return unreadable("Get of the broken row after Create", err, "k")
		}},
		{"Store/Create/many at once", func(ctx context.Context, e *env) error {
			n, err := winners(8, func(i int) (bool, error) {
				l := fresh("k")
				l.Counter = int64(i)
				_, ok, err := e.s.Create(ctx, l)
				return ok, err
			})
			if err != nil || n != 1 {
				return fmt.Errorf("8 callers of Create at once: %d created, %v, want 1, nil", n, err)
			}
			return nil
		}},
		{"Store/cannot be stored", func(ctx context.Context, e *env) error {
			long := strings.Repeat("x", 2049)
			self, owner, last, below, unset := full("k"), full("k"), full("k"), full("k"), full("k")
			self.NextOwner = self.Owner
			owner.Owner = long
			last.Counter = math.MaxInt64
			below.Counter = -1
			unset.Checkpoint = lease.Position{}
			if err := create(ctx, e.s, full("present")); err != nil {
				return err
			}
			wrong := map[string]error{}
			for name, l := range map[string]lease.Lease{
				"no key": full(""), "long key": full(long), "owner as next owner": self, "long owner": owner,
				"last counter": last, "negative counter": below, "no checkpoint": unset,
			} {
				_, _, wrong["Create/"+name] = e.s.Create(ctx, l)
			}
			for name, key := range map[string]string{"no key": "", "long key": long} {
				_, wrong["Get/"+name] = e.s.Get(ctx, key)
				_, _, wrong["Change/"+name] = e.s.Change(ctx, key, lease.Cond{}, lease.Set{Bump: true, Mark: "m"})
				_, wrong["Delete/"+name] = e.s.Delete(ctx, key, lease.Cond{})
				_, _, wrong["PutWorker/"+name] = e.s.PutWorker(ctx, worker(key), nil)
			}
			for name, o := range map[string]lease.Owners{"owner as next owner": {Owner: "a", Next: "a"}, "next owner alone": {Next: "b"}, "long owner": {Owner: long}} {
				_, _, wrong["Change/to "+name] = e.s.Change(ctx, "present", lease.Cond{}, lease.Set{Bump: true, Mark: "m", Owners: &o})
				_, _, wrong["Change/if "+name] = e.s.Change(ctx, "present", lease.Cond{Owners: &o}, lease.Set{Bump: true, Mark: "m"})
				_, wrong["Delete/if "+name] = e.s.Delete(ctx, "present", lease.Cond{Owners: &o})
			}
			_, _, wrong["Change/last counter"] = e.s.Change(ctx, "present", lease.Cond{Counter: new(int64(math.MaxInt64))}, lease.Set{Bump: true, Mark: "m"})
			_, _, wrong["Change/no checkpoint"] = e.s.Change(ctx, "present", lease.Cond{}, lease.Set{Bump: true, Mark: "m", Checkpoint: new(lease.Position{})})
			for what, err := range wrong {
				if err := first(failed(what, err, lease.ErrDependency), retryable(what, err, false)); err != nil {
					return err
				}
			}
			return first(
				stored(ctx, e.s, "after them", full("present")),
				absent(ctx, e.s, "after them", "k"))
		}},
		{"Store/Delete/condition holds", func(ctx context.Context, e *env) error {
			for i, cond := range []lease.Cond{
				{},
				{Counter: new(int64(41))},
				{Owners: &lease.Owners{Owner: "a"}},
				{Counter: new(int64(41)), Owners: &lease.Owners{Owner: "a"}},
			} {
				if err := create(ctx, e.s, full("k")); err != nil {
					return err
				}
				applied, err := e.s.Delete(ctx, "k", cond)
				if err := first(outcome(fmt.Sprintf("Delete, condition %d", i), applied, err, true), absent(ctx, e.s, "after Delete", "k")); err != nil {
					return err
				}
			}
			return nil
		}},
		{"Store/Delete/condition does not hold", func(ctx context.Context, e *env) error {
			if err := create(ctx, e.s, full("k")); err != nil {
				return err
			}
			for i, cond := range []lease.Cond{
				{Counter: new(int64(40))},
				{Owners: &lease.Owners{Owner: "b"}},
				{Owners: &lease.Owners{}},
				{Owners: &lease.Owners{Owner: "a", Next: "b"}},
				{Counter: new(int64(41)), Owners: &lease.Owners{Owner: "b"}},
			} {
				applied, err := e.s.Delete(ctx, "k", cond)
				if err := first(outcome(fmt.Sprintf("Delete, condition %d", i), applied, err, false), stored(ctx, e.s, "after it", full("k"))); err != nil {
					return err
				}
			}
			return nil
		}},
		{"Store/Delete/no lease", func(ctx context.Context, e *env) error {
			for i, cond := range []lease.Cond{{}, {Counter: new(int64(1))}, {Owners: &lease.Owners{Owner: "a"}}} {
				applied, err := e.s.Delete(ctx, "k", cond)
				if err := outcome(fmt.Sprintf("Delete of nothing, condition %d", i), applied, err, true); err != nil {
					return err
				}
			}
			return nil
		}},
		{"Store/Delete/key of a worker", func(ctx context.Context, e *env) error {
			if err := putWorker(ctx, e.s, worker("w")); err != nil {
				return err
			}
			applied, err := e.s.Delete(ctx, "w", lease.Cond{})
			return first(
				outcome("Delete with the key of a worker", applied, err, false),
				eventually(ctx, func() error { return workers(ctx, e.s, worker("w")) }))
		}},
		{"Store/Scan/every kind of row", func(ctx context.Context, e *env) error {
			lock := lease.Lock{Owner: "w", Duration: 15 * time.Second, Version: "v1", Deputy: "x"}
			_, _, err := e.s.TakeLock(ctx, lock, "")
			_, err2 := e.s.CreateClientVersion(ctx, lease.Version3X, "w", at)
			if err := first(create(ctx, e.s, full("k1")), create(ctx, e.s, fresh("k2")), putWorker(ctx, e.s, worker("w")), err, err2); err != nil {
				return err
			}
			return eventually(ctx, func() error {
				look, err := e.s.Scan(ctx)
				if err != nil {
					return fmt.Errorf("Scan: %w", err)
				}
				if look.Lock == nil || *look.Lock != lock || look.Version != lease.Version3X || len(look.Unreadable) != 0 {
					return fmt.Errorf("Scan: got lock %+v, version %q, unreadable %v, want %+v, %q and none", look.Lock, look.Version, look.Unreadable, lock, lease.Version3X)
				}
				return first(scanned(look, full("k1"), fresh("k2")), sameWorkers("Scan", look.Workers, worker("w")))
			})
		}},
		{"Store/Scan/empty table", func(ctx context.Context, e *env) error {
			look, err := e.s.Scan(ctx)
			if err != nil || look == nil || len(look.Leases)+len(look.Workers)+len(look.Unreadable) != 0 || look.Lock != nil || look.Version != "" {
				return fmt.Errorf("Scan of an empty table: got %+v, %v, want nothing, nil", look, err)
			}
			return nil
		}},
		{"Store/Scan/more than a page", func(ctx context.Context, e *env) error {
			// A page of DynamoDB has at most 1 MB.
			var want []lease.Lease
			for i := range 40 {
				l := full(fmt.Sprintf("k%02d", i))
				l.PendingState = []byte(strings.Repeat("x", 30<<10))
				want = append(want, l)
				if err := create(ctx, e.s, l); err != nil {
					return err
				}
			}
			return eventually(ctx, func() error {
				look, err := e.s.Scan(ctx)
				if err != nil {
					return fmt.Errorf("Scan: %w", err)
				}
				return scanned(look, want...)
			})
		}},
		{"Store/Scan/failure in the middle", func(ctx context.Context, e *env) error {
			scan, err := hook[ScanBreaker](e)
			if err != nil {
				return err
			}
			if err := create(ctx, e.s, fresh("k")); err != nil {
				return err
			}
			scan.BreakScan()
			_, err = e.s.Scan(ctx)
			return failed("Scan that fails in the middle", err, lease.ErrDependency)
		}},
		{"Store/Scan/rows that do not parse", func(ctx context.Context, e *env) error {
			plant, err := hook[BrokenPlanter](e)
			if err != nil {
				return err
			}
			if err := first(plant.PlantBroken(ctx, "broken"), create(ctx, e.s, full("k"))); err != nil {
				return err
			}
			return eventually(ctx, func() error {
				look, err := e.s.Scan(ctx)
				if err != nil {
					return fmt.Errorf("Scan with a broken row: %w", err)
				}
				if u := look.Unreadable; len(u) != 1 || u[0].Key != "broken" || u[0].Attribute == "" || u[0].Attribute == "entityType" || u[0].Reason == "" {
					return fmt.Errorf("Scan with a broken row: unreadable is %+v, want the row with the attribute at fault and the reason", u)
				}
				return scanned(look, full("k"))
			})
		}},
		{"Store/Scan/rows of an unknown kind", func(ctx context.Context, e *env) error {
			plant, err := hook[ForeignPlanter](e)
			if err != nil {
				return err
			}
			if err := first(plant.PlantForeign(ctx, "other"), create(ctx, e.s, full("k"))); err != nil {
				return err
			}
			return eventually(ctx, func() error {
				look, err := e.s.Scan(ctx)
				if err != nil {
					return fmt.Errorf("Scan with a row of an unknown kind: %w", err)
				}
				if u := look.Unreadable; len(u) != 1 || u[0].Key != "other" || u[0].Attribute != "entityType" {
					return fmt.Errorf("Scan with a row of an unknown kind: unreadable is %+v, want that row, with entityType at fault", u)
				}
				return scanned(look, full("k"))
			})
		}},
		{"Store/Scan/copy", func(ctx context.Context, e *env) error {
			if err := create(ctx, e.s, full("k")); err != nil {
				return err
			}
			return eventually(ctx, func() error {
				look, err := e.s.Scan(ctx)
				if err != nil || len(look.Leases) != 1 {
					return fmt.Errorf("Scan: got %+v, %v, want one lease", look, err)
				}
				spoil(&look.Leases[0])
				return stored(ctx, e.s, "after the caller changed what Scan returned", full("k"))
			})
		}},
		{"Store/KeysOf/owner", func(ctx context.Context, e *env) error {
			for _, key := range []string{"k1", "k2"} {
				if err := create(ctx, e.s, full(key)); err != nil {
					return err
				}
			}
			other := full("k3")
			other.Owner = "b"
			if err := first(create(ctx, e.s, other), create(ctx, e.s, fresh("k4"))); err != nil {
				return err
			}
			return eventually(ctx, func() error {
				return first(keys(ctx, e.s, "a", "k1", "k2"), keys(ctx, e.s, "b", "k3"), keys(ctx, e.s, "nobody"))
			})
		}},
		{"Store/KeysOf/handoff", func(ctx context.Context, e *env) error {
			if err := create(ctx, e.s, full("k")); err != nil {
				return err
			}
			// From its start a handoff is in the next owner's keys, who so
			// learns of it, and no more in the owner's, who so learns of it.
			_, ok, err := e.s.Change(ctx, "k", lease.Cond{}, lease.Set{Owners: &lease.Owners{Owner: "a", Next: "b"}})
			if err := outcome("Change that begins a handoff", ok, err, true); err != nil {
				return err
			}
			err = eventually(ctx, func() error { return first(keys(ctx, e.s, "a"), keys(ctx, e.s, "b", "k")) })
			if err != nil {
				return err
			}
			_, ok, err = e.s.Change(ctx, "k", lease.Cond{}, lease.Set{Bump: true, Mark: "m", Owners: &lease.Owners{Owner: "b"}})
			if err := outcome("Change that ends a handoff", ok, err, true); err != nil {
				return err
			}
			return eventually(ctx, func() error { return first(keys(ctx, e.s, "a"), keys(ctx, e.s, "b", "k")) })
		}},
		{"Store/KeysOf/owner gone", func(ctx context.Context, e *env) error {
			if err := first(create(ctx, e.s, full("k1")), create(ctx, e.s, full("k2"))); err != nil {
				return err
			}
			_, released, err := e.s.Change(ctx, "k1", lease.Cond{}, lease.Set{Bump: true, Mark: "m", Owners: &lease.Owners{}})
			deleted, err2 := e.s.Delete(ctx, "k2", lease.Cond{})
			if err := first(outcome("Change that releases", released, err, true), outcome("Delete", deleted, err2, true)); err != nil {
				return err
			}
			return eventually(ctx, func() error { return keys(ctx, e.s, "a") })
		}},
	}
}

// positions are checkpoints of every kind and size.
func positions() []lease.Position {
	long, err := lease.ParseSequence(strings.Repeat("9", 129))
	if err != nil {
		panic(err)
	}
	return []lease.Position{
		lease.AtTimestamp, lease.TrimHorizon, lease.Latest, lease.ShardEnd,
		lease.At(lease.Sequence{}, 0), lease.At(seq(1), 0), lease.At(seq(1), 17), lease.At(long, 1<<40),
	}
}

// spoil changes all memory that l could share with a store.
func spoil(l *lease.Lease) {
	for _, set := range [][]string{l.Parents, l.Children} {
		for i := range set {
			set[i] = "spoilt"
		}
	}
	for i := range l.PendingState {
		l.PendingState[i]++
	}
	if l.Throughput != nil {
		*l.Throughput = -1
	}
	l.Counter, l.Owner = -1, "spoilt"
}

// unreadable checks that err has an *lease.UnreadableError for the row.
func unreadable(what string, err error, key string) error {
	u, ok := errors.AsType[*lease.UnreadableError](err)
	if !ok || u.Key != key || u.Attribute == "" || u.Reason == "" {
		return fmt.Errorf("%s: got %v, want an error with an *UnreadableError for row %q, its attribute and a reason", what, err, key)
	}
	return nil
}

// scanned checks the leases of a look.
func scanned(look *lease.Snapshot, want ...lease.Lease) error {
	if len(look.Leases) != len(want) {
		return fmt.Errorf("Scan: got %d leases, want %d", len(look.Leases), len(want))
	}
	for _, w := range want {
		i := slices.IndexFunc(look.Leases, func(l lease.Lease) bool { return l.Key == w.Key })
		if i < 0 {
			return fmt.Errorf("Scan: no lease %q", w.Key)
		}
		if err := same("Scan", look.Leases[i], w); err != nil {
			return err
		}
	}
	return nil
}

// keys checks what the index says of a worker.
func keys(ctx context.Context, s lease.Store, worker string, want ...string) error {
	got, err := s.KeysOf(ctx, worker)
	slices.Sort(got)
	if err != nil || !slices.Equal(got, want) {
		return fmt.Errorf("KeysOf(%q): got %q, %v, want %q, nil", worker, got, err, want)
	}
	return nil
}

// winners calls f from n goroutines at once and counts who gets true.
func winners(n int, f func(i int) (bool, error)) (won int, err error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			ok, e := f(i)
			mu.Lock()
			defer mu.Unlock()
			if ok {
				won++
			}
			err = errors.Join(err, e)
		})
	}
	wg.Wait()
	return won, err
}
