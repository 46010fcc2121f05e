package leasehold_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// A protected is a store whose table has settings to be made.
type protected struct {
	*store
	protect func(ctx context.Context, n int) error

	mu    sync.Mutex // guards what follows
	calls []time.Time
}

var _ lease.Protector = (*protected)(nil)

func (p *protected) ProtectTable(ctx context.Context) error {
	p.mu.Lock()
	p.calls = append(p.calls, time.Now())
	n := len(p.calls)
	p.mu.Unlock()
	return p.protect(ctx, n)
}

// called is how often the table was to be protected.
func (p *protected) called() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.calls)
}

func TestTableIsProtected(t *testing.T) {
	denied := &lease.Error{Op: "protect", Kind: lease.ErrDependency, Err: errors.New("AccessDeniedException")}
	for _, tt := range []struct {
		name    string
		protect func(ctx context.Context, n int) error
		calls   int
		warned  int
	}{
		{"at once", func(context.Context, int) error { return nil }, 1, 0},
		{"a table that is new", func(_ context.Context, n int) error {
			if n < 4 {
				return errAway("protect")
			}
			return nil
		}, 4, 0},
		{"never", func(context.Context, int) error { return errAway("protect") }, 10, 1},
		{"not allowed", func(context.Context, int) error { return denied }, 1, 1},
		{"no answer", func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() }, 10, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, 1)
				f.store.inner.Drop()
				p := &protected{store: f.store, protect: func(ctx context.Context, n int) error {
					if table, err := f.store.inner.DescribeTable(ctx); err != nil || !table.Usable() {
						t.Errorf("protected when it is %+v, %v", table, err)
					}
					return tt.protect(ctx, n)
				}}
				f.stream.Put("shardId-000000000000", "a")
				cfg := f.config("w")
				cfg.Leases = p
				w := f.start(cfg)
				time.Sleep(5 * time.Second)
				f.want(0, "a") // whatever becomes of the protection
				time.Sleep(10 * time.Minute)
				if n := p.called(); n != tt.calls {
					t.Errorf("%d tries, want %d", n, tt.calls)
				}
				if n := f.log.count("level=WARN", "msg=table.unprotected", "err="); n != tt.warned {
					t.Errorf("warned %d times, want %d:\n%s", n, tt.warned, f.log)
				}
				w.stop()
			})
		})
	}
}

// A table that was there is protected too, and the start does not wait for it.
func TestStartDoesNotWaitForTheProtection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1)
		f.store.inner.CreateClientVersion(t.Context(), lease.Version3X, "w0", time.Now())
		p := &protected{store: f.store, protect: func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() }}
		cfg := f.config("w")
		cfg.Leases = p
		f.stream.Put("shardId-000000000000", "a")
		w := f.start(cfg)
		time.Sleep(4 * time.Second) // less than the protection may take
		f.want(0, "a")
		if n := p.called(); n != 1 {
			t.Errorf("%d tries, want one under way", n)
		}
		began := time.Now()
		w.stop()
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("the stop took %v: it waits for the protection", took)
		}
	})
}

// Nobody protects the table of a worker that does not start.
func TestTableOfOthersIsNotProtected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1)
		f.store.inner.SetTable(lease.Table{Status: lease.Active, Foreign: "its key is orderId"})
		p := &protected{store: f.store, protect: func(context.Context, int) error { return nil }}
		cfg := f.config("w")
		cfg.Leases = p
		if err := <-f.start(cfg).done; err == nil {
			t.Error("Run returned nil on a table that is something else")
		}
		if n := p.called(); n != 0 {
			t.Errorf("a table that is something else was protected")
		}
	})
}
