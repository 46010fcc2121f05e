package leasehold

import (
	"log/slog"
	"time"

	"github.com/leasehold/leasehold/internal/backoff"
	"github.com/leasehold/leasehold/internal/consume"
	"github.com/leasehold/leasehold/internal/coordinator"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// A run is one consumer: one shard during one term.
type run struct {
	s        *shell
	id       uint64
	key      string
	shard    Shard
	log      *slog.Logger
	consumer *consume.Consumer

	// The inbox guards these.
	report  report
	waiting bool
}

// latestSlack is how far this machine's clock may be ahead of the stream's
// without a record being passed over where a time stands for LATEST.
const latestSlack = 2 * time.Second

// start starts the consumer that the core asks for.
func (s *shell) start(a coordinator.Action) {
	r := &run{
		s:     s,
		id:    a.Run,
		key:   a.Key,
		shard: Shard{Stream: s.cfg.Stream.Name(), ID: a.Key},
		log:   s.log.With(slog.String("shard", a.Key), slog.Int64("token", a.Token)),
	}
	term := Term{Shard: r.shard, Token: a.Token, From: a.From}
	r.consumer = consume.New(s.handlerCtx, consume.Config{
		Stream:     s.cfg.Stream,
		Shard:      a.Key,
		From:       s.from(a.Key, a.From),
		Until:      time.Duration(a.Until),
		WaitStored: s.cfg.Checkpoint == EveryBatch,
		Clock:      s.clock,
		Handler:    &termHandler{s.cfg.Handler, term},
		Reports:    r,
		Retry:      backoff.Policy{Min: s.cfg.RetryMin, Max: s.cfg.RetryMax},
		Log:        r.log,
	})
	s.runs[r.id] = r
	s.consuming.Go(func() {
		ev := coordinator.Exited{Key: r.key, Run: r.id}
		// Deferred, so that a handler that ends its goroutine does not leave a
		// lease that is held and not read.
		defer func() { s.inbox.post(exited{r, ev}) }()
		end := r.consumer.Run()
		ev.Position, ev.End, ev.Children = end.Position, end.Shard, end.Children
	})
}

// from says where to read from a position of a lease.
func (s *shell) from(key string, p lease.Position) stream.Start {
	switch p {
	case lease.AtTimestamp:
		if s.cfg.Start.Time.IsZero() {
			// The lease was created by a worker whose configuration had a time.
			// Ours has none: rather too much than too little.
			return TrimHorizon
		}
	case lease.Latest:
		// A later term of a shard that brought nothing yet must not pass over
		// what came between the two.
		first, again := s.latest[key]
		if again {
			return At(first.Add(-latestSlack))
		}
		s.latest[key] = time.Now()
	}
	return stream.Start{Position: p, Time: timeOf(p, s.cfg.Start.Time)}
}

// timeOf returns t for the only position that has a time.
func timeOf(p lease.Position, t time.Time) time.Time {
	if p == lease.AtTimestamp {
		return t
	}
	return time.Time{}
}

// Acknowledged is part of [consume.Reports].
func (r *run) Acknowledged(p lease.Position) {
	r.s.inbox.postReport(r, p, r.s.cfg.Checkpoint == EveryBatch)
}

// Read is part of [consume.Reports].
func (r *run) Read(records int, behind time.Duration, ended bool) {
	r.s.count.records.Add(int64(records))
	if f := r.s.cfg.OnProgress; f != nil {
		f(Progress{Shard: r.shard, Records: records, Behind: behind, Ended: ended})
	}
}

// Failed is part of [consume.Reports].
func (r *run) Failed() { r.s.count.failures.Add(1) }

// Fatal is part of [consume.Reports].
func (r *run) Fatal(err error) { r.s.inbox.post(fatal{err}) }
