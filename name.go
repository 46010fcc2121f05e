package leasehold

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/leasehold/leasehold/internal/backoff"
	"github.com/leasehold/leasehold/lease"
)

const (
	// rivalEvery is the time between looks at another process of our name, and
	// rivalTime bounds one of them.
	rivalEvery = time.Second
	rivalTime  = 10 * time.Second
)

// A NameError says that another process has this worker's name now: it took the
// name over after it had seen nothing of this worker for Config.FailoverTime. Two
// workers of one name would take each other's leases for their own, so this one
// stops.
type NameError struct {
	// Worker is the name.
	Worker string
}

func (e *NameError) Error() string {
	return fmt.Sprintf("worker %q: another process goes by this name now", e.Worker)
}

// An identity is how this process is told from another whose worker has the same
// name, and how it came by its own.
type identity struct {
	configured string
	nonce      string
	// shown says that our item may stand under the present name; claimed is
	// when its last acknowledged write left.
	shown   bool
	claimed time.Time
	// rival is the other process of the present name, nil if there seems to be
	// none.
	rival *rival
	// renamed, if not nil, is told a new name.
	renamed func(name string)
}

// A rival is another process with our name, as far as the table shows it.
type rival struct {
	// item is nil if it has none any more, as a worker that stops.
	item *lease.Worker
	// counters are those of the leases that it owns.
	counters map[string]int64
	looked   bool
	// since is when all this was first seen; nothing has moved from then on.
	since time.Time
}

// claimName makes sure that nobody else does anything under this worker's name.
// What nobody has is ours at once. Somebody else's name we watch: if it lives, we
// take another name; if nothing of it moves for a failover time it is dead, and
// then both the name and the leases under it are ours.
//
// After an error the call can be repeated, and goes on from what was seen.
func (s *shell) claimName(ctx context.Context, index lease.TableStatus) error {
	for {
		why, done, err := s.claimTurn(ctx, index)
		switch {
		case err != nil || done:
			return err
		case why != "":
			if err := s.rename(ctx, why); err != nil {
				return err
			}
		case !backoff.Sleep(ctx, s.id.rival.rest(s.cfg.FailoverTime)):
			return ctx.Err()
		}
	}
}

// claimTurn looks at the other process, if one is known, and then tries to write
// our item. Why is not empty if the name has to be another's.
func (s *shell) claimTurn(ctx context.Context, index lease.TableStatus) (why string, done bool, err error) {
	r := s.id.rival
	if r == nil {
		return s.claimFresh(ctx, index)
	}
	dead, moved, err := s.lookAt(ctx, r)
	switch {
	case err != nil:
		return "", false, err
	case moved:
		return "alive", false, nil
	}
	var over *lease.Worker
	if dead {
		over = r.item
	}
	other, applied, err := s.show(ctx, over)
	switch {
	case err != nil:
		return "", false, err
	case applied && (dead || len(r.counters) == 0):
		return "", true, nil
	case applied:
		if r.item != nil {
			// It has begun to stop, and still holds leases.
			r.item, r.since = nil, time.Now()
		}
	case other == nil || r.item == nil || other.Nonce != r.item.Nonce || !other.Reported.Equal(r.item.Reported):
		return "alive", false, nil
	}
	return "", false, nil
}

// claimFresh is the first turn under a name: as a rule the only one.
func (s *shell) claimFresh(ctx context.Context, index lease.TableStatus) (why string, done bool, err error) {
	// A process that stops has no item any more and finishes its batches: its
	// leases say so.
	rows := index != lease.Active
	var rowsErr error
	var both sync.WaitGroup
	if !rows {
		both.Go(func() {
			rowsErr = s.bounded(ctx, func(ctx context.Context) error {
				keys, err := s.cfg.Leases.KeysOf(ctx, s.cfg.Worker)
				rows = len(keys) > 0
				return err
			})
		})
	}
	other, applied, err := s.show(ctx, nil)
	both.Wait()
	switch {
	case err != nil:
		return "", false, err
	case applied && rowsErr != nil:
		return "", false, rowsErr
	case applied && !rows:
		return "", true, nil
	case !applied && other == nil:
		return "unreadable", false, nil
	case !applied && !other.Ours():
		// Other libraries write it so seldom that a failover time tells nothing.
		return "foreign", false, nil
	}
	s.id.rival = &rival{item: other, since: time.Now()}
	if applied {
		s.id.rival.item = nil
	}
	return "", false, nil
}

// show writes our item if nobody has the name or the other is still as over says.
func (s *shell) show(ctx context.Context, over *lease.Worker) (other *lease.Worker, applied bool, err error) {
	s.id.shown = true
	sent := time.Now()
	err = s.bounded(ctx, func(ctx context.Context) (err error) {
		other, applied, err = s.cfg.Leases.PutWorker(ctx, lease.Worker{
			ID:       s.cfg.Worker,
			Reported: sent,
			Nonce:    s.id.nonce,
			Version:  version,
		}, over)
		return err
	})
	if err == nil {
		s.id.shown, s.id.claimed = applied, sent
	}
	return other, applied, err
}

// lookAt looks for what the other process does. Dead says that nothing has moved
// for a failover time.
func (s *shell) lookAt(ctx context.Context, r *rival) (dead, moved bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, rivalTime)
	defer cancel()
	sent := time.Now()
	look, err := s.cfg.Leases.Scan(ctx)
	if err != nil {
		return false, false, err
	}
	moved = r.see(look.Leases, s.cfg.Worker)
	return sent.Sub(r.since) >= s.cfg.FailoverTime, moved, nil
}

// see takes a look at the table and reports whether the other has written a lease
// since the one before.
func (r *rival) see(leases []lease.Lease, name string) (moved bool) {
	r.looked = true
	counters := make(map[string]int64)
	for _, l := range leases {
		if l.Owner != name || l.Finished() {
			continue
		}
		was, known := r.counters[l.Key]
		switch {
		case !known:
			r.since = time.Now()
		case l.Counter > was:
			moved = true
		}
		// A look may be older than the one before.
		counters[l.Key] = max(l.Counter, was)
	}
	r.counters = counters
	return moved
}

// rest is the time until the next look.
func (r *rival) rest(failover time.Duration) time.Duration {
	if !r.looked {
		return 0
	}
	return min(rivalEvery, max(time.Millisecond, time.Until(r.since.Add(failover))))
}

// rename gives this worker a name that nobody else has.
func (s *shell) rename(ctx context.Context, why string) error {
	if s.id.shown {
		// Ours stands where the other's was, which stops and has leases.
		err := s.bounded(ctx, func(ctx context.Context) error {
			_, err := s.cfg.Leases.DeleteWorker(ctx, s.cfg.Worker, s.id.nonce)
			return err
		})
		if err != nil {
			return err
		}
	}
	s.id.shown, s.id.rival = false, nil
	s.cfg.Worker = anotherName(s.id.configured)
	s.log = workerLog(s.cfg)
	s.log.Warn("worker.renamed", slog.String("configured", s.id.configured), slog.String("cause", why))
	if s.id.renamed != nil {
		s.id.renamed(s.cfg.Worker)
	}
	return nil
}

// anotherName returns a name, and what tells it from all others of this name.
func anotherName(name string) string {
	// Random enough for the processes of one name.
	own := "~" + strings.ToLower(rand.Text()[:7])
	end := min(len(name), lease.MaxKey-len(own))
	for end < len(name) && !utf8.RuneStart(name[end]) {
		end--
	}
	return name[:end] + own
}

// disclaim removes our item, for a worker that never began to work under it.
func (s *shell) disclaim() {
	if !s.id.shown {
		return
	}
	ctx, cancel := context.WithTimeout(s.callCtx, stopMargin)
	defer cancel()
	for n := 1; ; n++ {
		tctx, tried := context.WithTimeout(ctx, s.lanes.others.time)
		_, err := s.cfg.Leases.DeleteWorker(tctx, s.cfg.Worker, s.id.nonce)
		tried()
		if err == nil || !backoff.Sleep(ctx, prepareRetry.Pause(n)) {
			return
		}
	}
}
