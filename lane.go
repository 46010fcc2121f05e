package leasehold

import (
	"context"
	"fmt"
	"time"

	"github.com/leasehold/leasehold/internal/coordinator"
)

// A lane makes calls of one sort, up to a limit at a time. Others wait in the
// order of their coming, and no lane waits for another: a slow look at the table
// delays no renewal. It belongs to the shell's goroutine.
type lane struct {
	limit   int
	time    time.Duration // for one call
	running int
	queue   []coordinator.Action
}

// lanes are a shell's.
type lanes struct {
	writes, looks, shards, others lane
}

func newLanes(failover time.Duration) lanes {
	// A try that takes longer than this has left no time for another before
	// the term is over.
	try := failover / 10
	return lanes{
		writes: lane{limit: 64, time: try},
		looks:  lane{limit: 1, time: 10 * time.Second},
		shards: lane{limit: 1, time: shardsTime},
		others: lane{limit: 8, time: try},
	}
}

func (l *lanes) of(k coordinator.Kind) *lane {
	switch k {
	case coordinator.Change, coordinator.Create:
		return &l.writes
	case coordinator.Look:
		return &l.looks
	case coordinator.Shards:
		return &l.shards
	}
	return &l.others
}

// dispatch makes the call now, or when its lane has room.
func (s *shell) dispatch(a coordinator.Action) {
	l := s.lanes.of(a.Kind)
	if l.running == l.limit {
		l.queue = append(l.queue, a)
		return
	}
	s.send(l, a)
}

// left takes note that a call has left its lane, and sends the next.
func (s *shell) left(l *lane) {
	l.running--
	s.outstanding--
	if len(l.queue) > 0 && s.callCtx.Err() == nil {
		a := l.queue[0]
		l.queue[0] = coordinator.Action{}
		l.queue = l.queue[1:]
		s.send(l, a)
	}
}

func (s *shell) send(l *lane, a coordinator.Action) {
	l.running++
	s.outstanding++
	s.calling.Go(func() {
		ctx, cancel := context.WithTimeout(s.callCtx, l.time)
		defer cancel()
		sent := s.clock.Now()
		r := s.call(ctx, a)
		r.ID, r.Sent = a.ID, coordinator.Mono(sent)
		s.inbox.post(called{l, a.Kind, r})
	})
}

// call makes the call of the store or the stream that a asks for.
func (s *shell) call(ctx context.Context, a coordinator.Action) (r coordinator.Result) {
	store := s.cfg.Leases
	switch a.Kind {
	case coordinator.Change:
		r.Image, r.Applied, r.Err = store.Change(ctx, a.Key, a.Cond, a.Set)
	case coordinator.Create:
		r.Image, r.Applied, r.Err = store.Create(ctx, a.Lease)
	case coordinator.Delete:
		r.Applied, r.Err = store.Delete(ctx, a.Key, a.Cond)
	case coordinator.Get:
		r.Lease, r.Err = store.Get(ctx, a.Key)
	case coordinator.Look:
		r.Snapshot, r.Err = store.Scan(ctx)
	case coordinator.Own:
		r.Keys, r.Err = store.KeysOf(ctx, s.cfg.Worker)
	case coordinator.PutWorker:
		w := a.Worker
		w.Reported = time.Now()
		_, r.Applied, r.Err = store.PutWorker(ctx, w, nil)
	case coordinator.DeleteWorker:
		r.Applied, r.Err = store.DeleteWorker(ctx, a.Worker.ID, a.Worker.Nonce)
	case coordinator.GetLock:
		r.Lock, r.Err = store.GetLock(ctx)
	case coordinator.TakeLock:
		r.Lock, r.Applied, r.Err = store.TakeLock(ctx, a.Lock, a.Seen)
	case coordinator.RenewLock:
		r.Lock, r.Applied, r.Err = store.RenewLock(ctx, a.Lock, a.Seen)
	case coordinator.ReleaseLock:
		r.Applied, r.Err = store.ReleaseLock(ctx, a.Lock.Owner, a.Seen)
	case coordinator.GetVersion:
		r.Version, r.Err = store.GetClientVersion(ctx)
	case coordinator.Shards:
		r.Shards, r.Err = s.cfg.Stream.Shards(ctx)
	default:
		panic(fmt.Sprintf("leasehold: action of unknown kind %d", a.Kind))
	}
	return r
}
