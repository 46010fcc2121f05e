package leasehold

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/leasehold/leasehold/internal/coordinator"
)

// summaryEvery is the time between the lines by which a worker with nothing to
// report shows that it works.
const summaryEvery = time.Minute

// abandoned is the event of a lease that a stop could not hand over.
const abandoned = "lease.abandoned"

// counts are what the summary tells of, since the last one.
type counts struct {
	records, failures atomic.Int64
}

func (s *shell) summarize() {
	s.log.Info("worker.summary",
		slog.Int("held", len(s.runs)),
		slog.Int64("delivered", s.count.records.Swap(0)),
		slog.Int64("errors", s.count.failures.Swap(0)))
}

// note writes a change of state that the core reports.
func (s *shell) note(a coordinator.Action) {
	level := slog.LevelInfo
	if a.Event.Warn {
		level = slog.LevelWarn
	}
	var attrs [5]slog.Attr
	n := attrs[:0]
	if a.Key != "" {
		n = append(n, slog.String("shard", a.Key))
	}
	if a.Token != 0 {
		n = append(n, slog.Int64("token", a.Token))
	}
	if a.Event.Cause != "" {
		n = append(n, slog.String("cause", a.Event.Cause))
	}
	if a.Event.Other != "" {
		n = append(n, slog.String("other", a.Event.Other))
	}
	if a.Event.Err != nil {
		n = append(n, slog.Any("err", a.Event.Err))
	}
	s.log.LogAttrs(context.Background(), level, a.Event.Name, n...)
	if a.Event.Name == abandoned {
		s.abandoned = append(s.abandoned, a.Key)
	}
}
