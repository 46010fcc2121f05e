package leasetest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// at is a time of the clock on the wall.
var at = time.Date(2026, 3, 1, 12, 0, 7, 0, time.UTC)

func worker(id string) lease.Worker {
	return lease.Worker{ID: id, Reported: at, Nonce: "nonce-" + id, Version: "leasehold test"}
}

func lockOf(owner, version string) lease.Lock {
	return lease.Lock{Owner: owner, Duration: 15 * time.Second, Version: version}
}

// putWorker stores a worker, which must be applied.
func putWorker(ctx context.Context, s lease.Store, w lease.Worker) error {
	present, applied, err := s.PutWorker(ctx, w, nil)
	return first(outcome("PutWorker", applied, err, true), sameWorker("stored worker", present, w))
}

// dropWorker deletes a worker made by [worker].
func dropWorker(ctx context.Context, s lease.Store, id string) error {
	_, err := s.DeleteWorker(ctx, id, worker(id).Nonce)
	return err
}

func sameWorker(what string, got *lease.Worker, want lease.Worker) error {
	if got == nil {
		return fmt.Errorf("%s: got none, want %+v", what, want)
	}
	return sameWorkers(what, []lease.Worker{*got}, want)
}

func fleetRules() []rule {
	return []rule{
		{"Store/PutWorker/new and again", func(ctx context.Context, e *env) error {
			w := worker("w")
			if err := first(putWorker(ctx, e.s, w), putWorker(ctx, e.s, worker("x"))); err != nil {
				return err
			}
			if err := eventually(ctx, func() error { return workers(ctx, e.s, w, worker("x")) }); err != nil {
				return err
			}
			w.Reported, w.Version = at.Add(30*time.Second), "leasehold later"
			if err := putWorker(ctx, e.s, w); err != nil {
				return err
			}
			return eventually(ctx, func() error { return workers(ctx, e.s, w, worker("x")) })
		}},
		{"Store/PutWorker/name of another", func(ctx context.Context, e *env) error {
			// Whoever seeks the name must have seen who has it, as it is now.
			held := worker("w")
			late := held
			late.Nonce = "nonce of another process"
			other, older := late, held
			other.Nonce = "nonce of a third"
			older.Reported = at.Add(-30 * time.Second)
			if err := putWorker(ctx, e.s, held); err != nil {
				return err
			}
			for i, over := range []*lease.Worker{nil, &other, &older, {ID: "w", Reported: at}} {
				present, applied, err := e.s.PutWorker(ctx, late, over)
				if err := first(
					outcome(fmt.Sprintf("PutWorker under the name of another, case %d", i), applied, err, false),
					sameWorker("present worker", present, held),
					eventually(ctx, func() error { return workers(ctx, e.s, held) })); err != nil {
					return err
				}
			}
			return nil
		}},
		{"Store/PutWorker/over another", func(ctx context.Context, e *env) error {
			held, late := worker("w"), worker("w")
			late.Nonce, late.Reported = "nonce of another process", at.Add(time.Minute)
			if err := putWorker(ctx, e.s, held); err != nil {
				return err
			}
			for range 2 { // the second is that of a lost reply
				_, applied, err := e.s.PutWorker(ctx, late, &held)
				if err := outcome("PutWorker over the worker seen", applied, err, true); err != nil {
					return err
				}
			}
			present, applied, err := e.s.PutWorker(ctx, held, nil)
			return first(
				outcome("PutWorker of the worker replaced", applied, err, false),
				sameWorker("present worker", present, late),
				eventually(ctx, func() error { return workers(ctx, e.s, late) }))
		}},
		{"Store/PutWorker/without nonce", func(ctx context.Context, e *env) error {
			// As workers of other libraries are.
			held, late := worker("w"), worker("w")
			held.Nonce = ""
			if err := first(putWorker(ctx, e.s, held), putWorker(ctx, e.s, held)); err != nil {
				return err
			}
			present, applied, err := e.s.PutWorker(ctx, late, nil)
			if err := first(
				outcome("PutWorker under the name of a worker without nonce", applied, err, false),
				sameWorker("present worker", present, held)); err != nil {
				return err
			}
			_, applied, err = e.s.PutWorker(ctx, late, &held)
			return first(
				outcome("PutWorker over a worker without nonce", applied, err, true),
				eventually(ctx, func() error { return workers(ctx, e.s, late) }))
		}},
		{"Store/PutWorker/many at once", func(ctx context.Context, e *env) error {
			n, err := winners(8, func(i int) (bool, error) {
				w := worker("w")
				w.Nonce = strings.Repeat("n", i+1)
				_, ok, err := e.s.PutWorker(ctx, w, nil)
				return ok, err
			})
			if err != nil || n != 1 {
				return fmt.Errorf("8 callers of PutWorker at once: %d applied, %v, want 1, nil", n, err)
			}
			return nil
		}},
		{"Store/DeleteWorker/present", func(ctx context.Context, e *env) error {
			if err := first(putWorker(ctx, e.s, worker("w")), putWorker(ctx, e.s, worker("x"))); err != nil {
				return err
			}
			applied, err := e.s.DeleteWorker(ctx, "w", worker("w").Nonce)
			return first(
				outcome("DeleteWorker", applied, err, true),
				eventually(ctx, func() error { return workers(ctx, e.s, worker("x")) }))
		}},
		{"Store/DeleteWorker/another of the name", func(ctx context.Context, e *env) error {
			if err := putWorker(ctx, e.s, worker("w")); err != nil {
				return err
			}
			for _, nonce := range []string{"nonce of another process", ""} {
				applied, err := e.s.DeleteWorker(ctx, "w", nonce)
				if err := first(
					outcome(fmt.Sprintf("DeleteWorker with nonce %q", nonce), applied, err, false),
					eventually(ctx, func() error { return workers(ctx, e.s, worker("w")) })); err != nil {
					return err
				}
			}
			return nil
		}},
		{"Store/DeleteWorker/none", func(ctx context.Context, e *env) error {
			applied, err := e.s.DeleteWorker(ctx, "w", "n")
			return outcome("DeleteWorker of nobody", applied, err, true)
		}},
		{"Store/GetLock/none", func(ctx context.Context, e *env) error { return locked(ctx, e.s, nil) }},
		{"Store/TakeLock/free", func(ctx context.Context, e *env) error {
			l := lockOf("a", "v1")
			l.Deputy = "d"
			_, applied, err := e.s.TakeLock(ctx, l, "")
			return first(outcome("TakeLock when it is free", applied, err, true), eventually(ctx, func() error { return locked(ctx, e.s, &l) }))
		}},
		{"Store/TakeLock/held", func(ctx context.Context, e *env) error {
			held := lockOf("a", "v1")
			held.Deputy = "d"
			if err := take(ctx, e.s, held, ""); err != nil {
				return err
			}
			for _, seen := range []string{"", "v0", "v2"} {
				present, applied, err := e.s.TakeLock(ctx, lockOf("b", "v9"), seen)
				if err := first(
					outcome(fmt.Sprintf("TakeLock of version v1 after seeing %q", seen), applied, err, false),
					sameLock("present lock", present, &held),
					eventually(ctx, func() error { return locked(ctx, e.s, &held) })); err != nil {
					return err
				}
			}
			return nil
		}},
		{"Store/TakeLock/version seen", func(ctx context.Context, e *env) error {
			held := lockOf("a", "v1")
			held.Deputy = "d"
			next := lease.Lock{Owner: "b", Duration: 1500 * time.Millisecond, Version: "v2"}
			return first(
				take(ctx, e.s, held, ""),
				take(ctx, e.s, next, "v1"),
				eventually(ctx, func() error { return locked(ctx, e.s, &next) }))
		}},
		{"Store/TakeLock/version gone", func(ctx context.Context, e *env) error {
			present, applied, err := e.s.TakeLock(ctx, lockOf("b", "v2"), "v1")
			return first(
				outcome("TakeLock after seeing v1 when there is no lock", applied, err, false),
				sameLock("present lock", present, nil),
				locked(ctx, e.s, nil))
		}},
		{"Store/TakeLock/many at once", func(ctx context.Context, e *env) error {
			n, err := winners(8, func(i int) (bool, error) {
				_, ok, err := e.s.TakeLock(ctx, lockOf(strings.Repeat("w", i+1), "v"), "")
				return ok, err
			})
			if err != nil || n != 1 {
				return fmt.Errorf("8 callers of TakeLock at once: %d applied, %v, want 1, nil", n, err)
			}
			return nil
		}},
		{"Store/RenewLock/own", func(ctx context.Context, e *env) error {
			if err := take(ctx, e.s, lockOf("a", "v1"), ""); err != nil {
				return err
			}
			next := lockOf("a", "v2")
			next.Deputy = "d"
			_, applied, err := e.s.RenewLock(ctx, next, "v1")
			return first(outcome("RenewLock", applied, err, true), eventually(ctx, func() error { return locked(ctx, e.s, &next) }))
		}},
		{"Store/RenewLock/lost", func(ctx context.Context, e *env) error {
			held := lockOf("a", "v1")
			if err := take(ctx, e.s, held, ""); err != nil {
				return err
			}
			for _, tt := range []struct{ owner, seen string }{{"a", "v0"}, {"b", "v1"}, {"a", ""}} {
				present, applied, err := e.s.RenewLock(ctx, lockOf(tt.owner, "v9"), tt.seen)
				if err := first(
					outcome(fmt.Sprintf("RenewLock by %q of version %q, when it is a's v1", tt.owner, tt.seen), applied, err, false),
					sameLock("present lock", present, &held),
					eventually(ctx, func() error { return locked(ctx, e.s, &held) })); err != nil {
					return err
				}
			}
			return nil
		}},
		{"Store/RenewLock/none", func(ctx context.Context, e *env) error {
			present, applied, err := e.s.RenewLock(ctx, lockOf("a", "v2"), "v1")
			return first(outcome("RenewLock when there is no lock", applied, err, false), sameLock("present lock", present, nil), locked(ctx, e.s, nil))
		}},
		{"Store/ReleaseLock/own", func(ctx context.Context, e *env) error {
			if err := take(ctx, e.s, lockOf("a", "v1"), ""); err != nil {
				return err
			}
			applied, err := e.s.ReleaseLock(ctx, "a", "v1")
			return first(
				outcome("ReleaseLock", applied, err, true),
				eventually(ctx, func() error { return locked(ctx, e.s, nil) }),
				take(ctx, e.s, lockOf("b", "v2"), ""))
		}},
		{"Store/ReleaseLock/not held", func(ctx context.Context, e *env) error {
			applied, err := e.s.ReleaseLock(ctx, "a", "v1")
			if err := outcome("ReleaseLock when there is no lock", applied, err, false); err != nil {
				return err
			}
			held := lockOf("a", "v1")
			if err := take(ctx, e.s, held, ""); err != nil {
				return err
			}
			for _, tt := range []struct{ owner, version string }{{"a", "v0"}, {"b", "v1"}} {
				applied, err := e.s.ReleaseLock(ctx, tt.owner, tt.version)
				if err := first(
					outcome(fmt.Sprintf("ReleaseLock by %q of version %q, when it is a's v1", tt.owner, tt.version), applied, err, false),
					eventually(ctx, func() error { return locked(ctx, e.s, &held) })); err != nil {
					return err
				}
			}
			return nil
		}},
		{"Store/GetClientVersion/none", func(ctx context.Context, e *env) error { return version(ctx, e.s, "") }},
		{"Store/CreateClientVersion/once", func(ctx context.Context, e *env) error {
			applied, err := e.s.CreateClientVersion(ctx, lease.Version3XWithRollback, "a", at)
			if err := first(outcome("CreateClientVersion", applied, err, true), version(ctx, e.s, lease.Version3XWithRollback)); err != nil {
				return err
			}
			applied, err = e.s.CreateClientVersion(ctx, lease.Version3X, "b", at)
			return first(outcome("second CreateClientVersion", applied, err, false), version(ctx, e.s, lease.Version3XWithRollback))
		}},
	}
}

// workers checks the workers in the table.
func workers(ctx context.Context, s lease.Store, want ...lease.Worker) error {
	look, err := s.Scan(ctx)
	if err != nil {
		return fmt.Errorf("Scan: %w", err)
	}
	return sameWorkers("Scan", look.Workers, want...)
}

func sameWorkers(what string, got []lease.Worker, want ...lease.Worker) error {
	got = slices.Clone(got)
	slices.SortFunc(got, func(a, b lease.Worker) int { return strings.Compare(a.ID, b.ID) })
	for i := range got {
		got[i].Reported = got[i].Reported.UTC()
	}
	if len(got) == 0 && len(want) == 0 || reflect.DeepEqual(got, want) {
		return nil
	}
	return fmt.Errorf("%s: got workers %+v, want %+v", what, got, want)
}

// locked checks the lock in the table; nil is none.
func locked(ctx context.Context, s lease.Store, want *lease.Lock) error {
	got, err := s.GetLock(ctx)
	if err != nil {
		return fmt.Errorf("GetLock: %w", err)
	}
	return sameLock("GetLock", got, want)
}

func sameLock(what string, got, want *lease.Lock) error {
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("%s: got %+v, want %+v", what, got, want)
	}
	return nil
}

func take(ctx context.Context, s lease.Store, l lease.Lock, seen string) error {
	_, applied, err := s.TakeLock(ctx, l, seen)
	return outcome(fmt.Sprintf("TakeLock after seeing %q", seen), applied, err, true)
}

func version(ctx context.Context, s lease.Store, want lease.ClientVersion) error {
	if got, err := s.GetClientVersion(ctx); err != nil || got != want {
		return fmt.Errorf("GetClientVersion: got %q, %v, want %q, nil", got, err, want)
	}
	return nil
}
