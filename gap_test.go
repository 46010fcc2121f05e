package leasehold

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasehold/leasehold/internal/consume/memstream"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/memlease"
)

// slowStore is a table whose writes of leases take nearly a second while slow is
// set.
type slowStore struct {
	lease.Store
	mu      sync.Mutex // guards slow
	slow    bool
	changed []time.Time
}

func (s *slowStore) Change(ctx context.Context, key string, c lease.Cond, set lease.Set) (lease.Lease, bool, error) {
	s.mu.Lock()
	slow := s.slow
	s.mu.Unlock()
	if slow {
		time.Sleep(900 * time.Millisecond)
	}
	image, applied, err := s.Store.Change(ctx, key, c, set)
	s.mu.Lock()
	s.changed = append(s.changed, time.Now())
	s.mu.Unlock()
	return image, applied, err
}

// After a suspend nothing is delivered before the table was asked, though the
// term has time left by the monotonic clock.
func TestNothingIsDeliveredAfterASuspendBeforeTheLeaseIsVerified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stream := memstream.New("orders", 1)
		store := &slowStore{Store: memlease.New("orders-mailer")}
		var mu sync.Mutex
		var delivered []time.Time
		var log strings.Builder
		cfg := Config{
			Stream: stream,
			Leases: store,
			Worker: "w",
			Handler: HandlerFunc(func(context.Context, *Batch) error {
				mu.Lock()
				defer mu.Unlock()
				delivered = append(delivered, time.Now())
				return nil
			}),
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
		}.withDefaults()
		ctx, cancel := context.WithCancel(t.Context())
		s := newShell(ctx, cfg, cfg.Logger)
		done := make(chan error, 1)
		go func() {
			defer s.end()
			f, err := s.prepare(ctx)
			if err != nil {
				done <- err
				return
			}
			done <- s.run(ctx, f)
		}()
		time.Sleep(11 * time.Second)
		synctest.Wait()

		store.mu.Lock()
		store.slow = true
		before := len(store.changed)
		store.mu.Unlock()
		s.clock.Suspend(time.Hour)
		woke := time.Now()
		// The worker notices, and only then a record comes.
		s.inbox.ring()
		synctest.Wait()
		stream.Put(memstream.ID(0), "a")
		time.Sleep(15 * time.Second)

		mu.Lock()
		store.mu.Lock()
		if len(delivered) != 1 || len(store.changed) <= before {
			t.Fatalf("%d deliveries and %d writes after waking, want one and some", len(delivered), len(store.changed)-before)
		}
		if verified := store.changed[before]; delivered[0].Before(verified) {
			t.Errorf("delivered %v after waking, and verified the lease only after %v", delivered[0].Sub(woke), verified.Sub(woke))
		}
		store.mu.Unlock()
		mu.Unlock()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		if !strings.Contains(log.String(), "clock.gap") {
			t.Error("the gap was not logged")
		}
	})
}
