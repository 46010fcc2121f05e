package leasehold

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/leasehold/leasehold/internal/coordinator"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// summaryEvery is the time between the lines by which a worker with nothing to
// report shows that it works.
const summaryEvery = time.Minute

// Events that are more than a line of the log.
const (
	// abandoned is that of a lease which a stop could not hand over.
	abandoned = "lease.abandoned"
	// unreachable is that of a call of the table which failed.
	unreachable = "table.unreachable"
)

// repeatLog is the least time between two lines about calls of one sort.
const repeatLog = time.Minute

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
	switch {
	case a.Event.Name == unreachable:
		// Of each lease, where one line for all of them is enough: see heard.
		level = slog.LevelDebug
	case a.Event.Warn:
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
		s.why = cmp.Or(s.why, a.Event.Err)
	}
}

// A trouble is calls of one sort that fail.
type trouble struct {
	times  int
	since  time.Time
	logged time.Time
	// told says that there is a line about these failures.
	told bool
}

// heard reports calls that fail: the first of a sort at once, and then no more
// than a line a minute, so that neither an outage nor a permission that is missing
// is silent, and none is loud.
func (s *shell) heard(k coordinator.Kind, err error) {
	t := s.troubles[k]
	if err == nil {
		if t != nil && t.told && t.times > 1 {
			name := "table.back"
			if k == coordinator.Shards {
				name = "stream.back"
			}
			s.log.Info(name, slog.String("op", ops[k]), slog.Int("times", t.times), slog.Duration("down_for", time.Since(t.since)))
		}
		if t != nil {
			t.times, t.told = 0, false
		}
		return
	}
	if s.callCtx.Err() != nil {
		// It failed because this worker ended it.
		return
	}
	if t == nil {
		t = &trouble{}
		s.troubles[k] = t
	}
	if t.times++; t.times == 1 {
		t.since = time.Now()
	}
	if !t.logged.IsZero() && time.Since(t.logged) < repeatLog {
		return
	}
	t.logged, t.told = time.Now(), true
	level, name := slog.LevelWarn, unreachable
	switch e, ok := errors.AsType[*lease.Error](err); {
	case errors.Is(err, stream.ErrDenied):
		level, name = slog.LevelError, "access.denied"
	case k == coordinator.Shards:
		name = "stream.unreachable"
	case ok && !e.Retryable:
		level = slog.LevelError
	}
	s.log.LogAttrs(context.Background(), level, name,
		slog.String("op", ops[k]),
		slog.Int("times", t.times),
		slog.Time("since", t.since),
		slog.Any("err", err))
}

// ops name the calls that the core asks for.
var ops = map[coordinator.Kind]string{
	coordinator.Change:       "change lease",
	coordinator.Create:       "create lease",
	coordinator.Delete:       "delete lease",
	coordinator.Get:          "read lease",
	coordinator.Look:         "look at the table",
	coordinator.Own:          "query owner index",
	coordinator.PutWorker:    "write worker",
	coordinator.DeleteWorker: "delete worker",
	coordinator.GetLock:      "read lock",
	coordinator.TakeLock:     "take lock",
	coordinator.RenewLock:    "renew lock",
	coordinator.ReleaseLock:  "release lock",
	coordinator.GetVersion:   "read client version",
	coordinator.Shards:       "list shards",
}
