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

func fleetRules() []rule {
	return []rule{
		{"Store/PutWorker/new and again", func(ctx context.Context, e *env) error {
			w := worker("w")
			if err := first(e.s.PutWorker(ctx, w), e.s.PutWorker(ctx, worker("x"))); err != nil {
				return fmt.Errorf("PutWorker: %w", err)
			}
			if err := eventually(ctx, func() error { return workers(ctx, e.s, w, worker("x")) }); err != nil {
				return err
			}
			// The same name after a restart.
			w.Reported, w.Nonce, w.Version = at.Add(30*time.Second), "later", "leasehold later"
			if err := e.s.PutWorker(ctx, w); err != nil {
				return fmt.Errorf("PutWorker of a present worker: %w", err)
			}
			return eventually(ctx, func() error { return workers(ctx, e.s, w, worker("x")) })
		}},
		{"Store/DeleteWorker/present", func(ctx context.Context, e *env) error {
			if err := first(e.s.PutWorker(ctx, worker("w")), e.s.PutWorker(ctx, worker("x")), e.s.DeleteWorker(ctx, "w")); err != nil {
				return err
			}
			return eventually(ctx, func() error { return workers(ctx, e.s, worker("x")) })
		}},
		{"Store/DeleteWorker/none", func(ctx context.Context, e *env) error {
			if err := e.s.DeleteWorker(ctx, "w"); err != nil {
				return fmt.Errorf("DeleteWorker of nobody: got %v, want nil", err)
			}
			return nil
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
	return sameWorkers(look.Workers, want...)
}

func sameWorkers(got []lease.Worker, want ...lease.Worker) error {
	got = slices.Clone(got)
	slices.SortFunc(got, func(a, b lease.Worker) int { return strings.Compare(a.ID, b.ID) })
	for i := range got {
		got[i].Reported = got[i].Reported.UTC()
	}
	if len(got) == 0 && len(want) == 0 || reflect.DeepEqual(got, want) {
		return nil
	}
	return fmt.Errorf("Scan: got workers %+v, want %+v", got, want)
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
