package leasehold_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasehold/leasehold"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

func TestStartFails(t *testing.T) {
	version := func(v lease.ClientVersion) func(*fixture) {
		return func(f *fixture) {
			f.store.inner.CreateClientVersion(context.Background(), v, "java", time.Now())
		}
	}
	for _, tt := range []struct {
		name  string
		given func(*fixture)
		want  string
	}{
		{"the name of another table", func(f *fixture) {
			f.store.inner.SetTable(lease.Table{Status: lease.Active, Foreign: "its key is orderId"})
		}, `lease table "orders-mailer"`},
		{"another table of this name", func(f *fixture) {
			f.store.inner.SetTable(lease.Table{Status: lease.Active, Foreign: "its key is orderId"})
		}, "its key is orderId"},
		{"a fleet of KCL 2", version(lease.Version2X), "CLIENT_VERSION_2X"},
		{"a fleet that is upgrading", version(lease.VersionUpgradeFrom2X), "CLIENT_VERSION_UPGRADE_FROM_2X"},
		{"a state of the future", version("CLIENT_VERSION_4X"), "CLIENT_VERSION_4X"},
		{"leases without a state", func(f *fixture) {
			f.store.inner.Create(context.Background(), lease.Lease{Key: "shardId-000000000000", Checkpoint: lease.TrimHorizon})
		}, "Java KCL 2"},
		{"no stream", func(f *fixture) { f.stream.Delete() }, `stream "orders": stream does not exist`},
		{"no stream and no table", func(f *fixture) { f.stream.Delete(); f.store.inner.Drop() }, `stream "orders": stream does not exist`},
		{"no permission to list shards", func(f *fixture) {
			f.stream.OnShards = func() error { return stream.ErrDenied }
		}, "access is denied"},
		{"no permission to describe the table", func(f *fixture) {
			f.store.ask(func(_ context.Context, op string) error {
				if op == "DescribeTable" {
					return &lease.Error{Op: op, Kind: lease.ErrDependency, Err: errors.New("AccessDeniedException")}
				}
				return nil
			})
		}, "AccessDeniedException"},
		{"no permission to read the table", func(f *fixture) {
			f.store.ask(func(_ context.Context, op string) error {
				if op == "GetClientVersion" {
					return &lease.Error{Op: op, Kind: lease.ErrDependency, Err: errors.New("AccessDeniedException")}
				}
				return nil
			})
		}, "AccessDeniedException"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, 1)
				tt.given(f)
				w := f.start(f.config("w"))
				if err := <-w.done; err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("Run: %v, want an error with %q", err, tt.want)
				}
			})
		})
	}
}

// A fleet that cannot be joined is an error that callers can match, with the table,
// the state and the way out; the same if the state changes under a worker.
func TestVersionError(t *testing.T) {
	check := func(t *testing.T, err error, version lease.ClientVersion) {
		t.Helper()
		e, ok := errors.AsType[*leasehold.VersionError](err)
		if !ok {
			t.Fatalf("Run: %v, want a VersionError", err)
		}
		if want := (leasehold.VersionError{App: fixtureApp, Version: version}); *e != want {
			t.Errorf("got %+v, want %+v", *e, want)
		}
		for _, want := range []string{`lease table "orders-mailer"`, string(version), "bring it to CLIENT_VERSION_3X with workers of Java KCL 3.x first"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q does not say %q", err, want)
			}
		}
	}
	t.Run("at the start", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, 1)
			f.store.inner.CreateClientVersion(context.Background(), lease.Version2X, "java", time.Now())
			check(t, <-f.start(f.config("w")).done, lease.Version2X)
		})
	})
	t.Run("leases and no state", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, 1)
			f.store.inner.Create(context.Background(), lease.Lease{Key: "shardId-000000000000", Checkpoint: lease.TrimHorizon})
			check(t, <-f.start(f.config("w")).done, "")
		})
	})
	t.Run("while it works", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, 1)
			f.store.inner.CreateClientVersion(context.Background(), lease.Version3XWithRollback, "java", time.Now())
			w := f.start(f.config("w"))
			time.Sleep(30 * time.Second)
			f.store.version.Store(new(lease.Version2X))
			check(t, <-w.done, lease.Version2X)
		})
	})
}

func TestNoTableIsMadeForAStreamThatDoesNotExist(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1)
		f.stream.Delete()
		f.store.inner.Drop()
		<-f.start(f.config("w")).done
		if calls := f.store.made(); slices.Contains(calls, "CreateTable") {
			t.Errorf("calls %v, want no CreateTable", calls)
		}
	})
}

func TestStartOnAnExistingTableWaitsForTwoCallsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1)
		f.store.inner.CreateClientVersion(t.Context(), lease.Version3X, "w0", time.Now())
		f.stream.OnShards = func() error { time.Sleep(5 * time.Second); return nil }
		f.store.ask(func(_ context.Context, op string) error {
			time.Sleep(100 * time.Millisecond)
			return nil
		})
		w := f.start(f.config("w"))
		time.Sleep(100*time.Millisecond - 1)
		synctest.Wait()
		if calls := f.store.made(); len(calls) != 2 || !slices.Contains(calls, "DescribeTable") || !slices.Contains(calls, "GetClientVersion") {
			t.Errorf("calls before the first reply: %v, want DescribeTable and GetClientVersion", calls)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if calls := f.store.made(); !slices.Contains(calls, "PutWorker") {
			t.Errorf("calls after both replies: %v, want the worker's item among them", calls)
		}
		w.stop()
	})
}

func TestStartMakesTheTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1)
		f.store.inner.Drop()
		f.stream.Put("shardId-000000000000", "a")
		w := f.start(f.config("w"))
		time.Sleep(5 * time.Second)
		f.want(0, "a")
		v, err := f.store.inner.GetClientVersion(t.Context())
		if v != lease.Version3X || err != nil {
			t.Errorf("client version %v, %v, want %v", v, err, lease.Version3X)
		}
		w.stop()
	})
}

// One worker finds no state, and another is through with its start before the
// first looks whether there are leases.
func TestTwoWorkersStartANewApplication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1)
		var scans atomic.Int32
		f.store.ask(func(_ context.Context, op string) error {
			if op == "Scan" && scans.Add(1) == 1 {
				time.Sleep(900 * time.Millisecond)
			}
			return nil
		})
		late := f.start(f.config("late"))
		time.Sleep(time.Millisecond)
		other := f.start(f.config("other"))
		time.Sleep(5 * time.Second)
		select {
		case err := <-late.done:
			t.Fatalf("Run: %v", err)
		default:
		}
		late.stop()
		other.stop()
	})
}

func TestStartWaitsForATableThatIsBeingMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1)
		f.store.inner.SetTable(lease.Table{Status: lease.Creating, Index: lease.Creating})
		f.stream.Put("shardId-000000000000", "a")
		w := f.start(f.config("w"))
		time.Sleep(30 * time.Second)
		f.want(0, "")
		f.store.inner.SetTable(lease.Table{Status: lease.Active, Index: lease.Active})
		time.Sleep(5 * time.Second)
		f.want(0, "a")
		w.stop()
	})
}

func TestStartTriesAgainWhatMayPass(t *testing.T) {
	for _, op := range []string{"DescribeTable", "GetClientVersion", "Scan", "CreateClientVersion", "CreateTable"} {
		t.Run(op, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, 1)
				if op == "CreateTable" {
					f.store.inner.Drop()
				}
				var refused atomic.Int32
				began := time.Now()
				f.store.ask(func(_ context.Context, o string) error {
					if o == op && time.Since(began) < time.Minute {
						refused.Add(1)
						return errAway(o)
					}
					return nil
				})
				f.stream.Put("shardId-000000000000", "a")
				w := f.start(f.config("w"))
				time.Sleep(80 * time.Second)
				f.want(0, "a")
				if n := refused.Load(); n < 5 || n > 150 {
					t.Errorf("%d tries in a minute, want 5 to 150", n)
				}
				w.stop()
			})
		})
	}
}

func TestIndexIsMadeAndUsedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1)
		f.store.inner.SetTable(lease.Table{Status: lease.Active, Index: lease.Missing})
		f.stream.Put("shardId-000000000000", "a")
		w := f.start(f.config("w"))
		// Without its index the worker finds its rows by looking at the table.
		time.Sleep(25 * time.Second)
		f.want(0, "a")
		if calls := f.store.made(); !slices.Contains(calls, "CreateIndex") {
			t.Errorf("calls %v, want CreateIndex among them", calls)
		}
		before := len(f.store.made())
		time.Sleep(time.Minute)
		if calls := f.store.made()[before:]; slices.Contains(calls, "DescribeTable") || !slices.Contains(calls, "KeysOf") {
			t.Errorf("calls with the index active: %v, want KeysOf and no DescribeTable", calls)
		}
		w.stop()
	})
}
