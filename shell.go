package leasehold

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/leasehold/leasehold/internal/consume"
	"github.com/leasehold/leasehold/internal/coordinator"
	"github.com/leasehold/leasehold/lease"
)

// stopMargin is what a stop may take beyond the times that the Config gives it:
// one half to end what has not ended by itself, one to hear of it.
const stopMargin = 2 * time.Second

// A shell is what surrounds the deciding core of a worker: goroutines, time,
// calls and logs. One goroutine, that of Run, owns the core and every field that
// does not say otherwise. It waits for nothing but its inbox, its timer and its
// context, so that neither a slow table nor a handler can delay a decision.
type shell struct {
	// cfg and log have the name that this worker goes by, see claimName.
	cfg     Config
	log     *slog.Logger
	id      identity
	manager *lease.Manager
	// clock and core begin together, when the preparation is over.
	clock *consume.Clock
	core  *coordinator.Core
	inbox *inbox
	lanes lanes

	// callCtx is that of all calls. It outlives Run's: a stop must reach the
	// table.
	callCtx     context.Context
	cancelCalls context.CancelFunc
	calling     sync.WaitGroup
	// outstanding counts the calls of the core that have not been heard of.
	outstanding int

	// handlerCtx has the values of Run's context and does not end with it.
	handlerCtx context.Context
	consuming  sync.WaitGroup
	runs       map[uint64]*run
	// latest is when shards were first read from LATEST, by key.
	latest map[string]time.Time

	// streamErr may be read once streamAsked is closed.
	streamAsked chan struct{}
	streamErr   error

	count    counts
	troubles map[coordinator.Kind]*trouble

	stopping  bool
	stopBegan time.Time
	stopped   bool
	// abandoned are the leases that the stop could not hand over, and why is what
	// the table said of the first of them, nil if nothing.
	abandoned []string
	why       error
	err       error
}

func newShell(ctx context.Context, cfg Config, log *slog.Logger) *shell {
	s := &shell{
		cfg:        cfg,
		log:        log,
		id:         identity{configured: cfg.Worker, nonce: rand.Text()[:13]},
		manager:    lease.NewManager(cfg.Leases),
		inbox:      newInbox(),
		lanes:      newLanes(cfg.FailoverTime),
		handlerCtx: context.WithoutCancel(ctx),
		runs:       make(map[uint64]*run),
		latest:     make(map[string]time.Time),
		troubles:   make(map[coordinator.Kind]*trouble),
	}
	s.callCtx, s.cancelCalls = context.WithCancel(context.WithoutCancel(ctx))
	return s
}

// end ends all calls and waits for them. It comes last on every way out.
func (s *shell) end() {
	if s.core == nil {
		s.disclaim()
	}
	s.cancelCalls()
	s.calling.Wait()
}

// newCore returns the core, whose time begins with the clock's.
func (s *shell) newCore(v lease.ClientVersion) *coordinator.Core {
	var seed [16]byte
	rand.Read(seed[:])
	return coordinator.New(coordinator.Config{
		Worker:       s.cfg.Worker,
		Nonce:        s.id.nonce,
		Claimed:      coordinator.Mono(-time.Since(s.id.claimed)),
		Version:      version,
		Initial:      s.cfg.Start.Position,
		Wall:         s.clock.Start(),
		Rand:         mathrand.New(mathrand.NewPCG(binary.LittleEndian.Uint64(seed[:8]), binary.LittleEndian.Uint64(seed[8:]))),
		Watched:      v,
		FailoverTime: s.cfg.FailoverTime,
		RenewEvery:   s.cfg.RenewEvery,
		DrainTime:    s.cfg.DrainTime,
		StopTime:     s.cfg.StopTime,
		ReadBudget:   s.cfg.ReadBudget,
	})
}

// run serves the core until it has stopped.
func (s *shell) run(ctx context.Context, f found) error {
	began := time.Now()
	s.log.Info("worker.started",
		slog.String("version", version),
		slog.String("protocol", string(f.version)),
		slog.String("start", s.cfg.Start.Position.String()),
		slog.Duration("failover_time", s.cfg.FailoverTime),
		slog.Duration("renew_every", s.cfg.RenewEvery),
		slog.Duration("drain_time", s.cfg.DrainTime),
		slog.Duration("stop_time", s.cfg.StopTime))

	s.clock = consume.NewClock()
	s.core = s.newCore(f.version)
	if f.index != lease.Active {
		// Before it begins, or it asks the index.
		s.step(coordinator.Index{Active: false})
		s.watchIndex(f.index)
	}
	s.apply(s.core.Begin(s.now()))
	s.loop(ctx)
	if len(s.abandoned) > 0 {
		s.err = errors.Join(s.err, s.unreleased())
	}
	s.finish()

	s.log.Info("worker.stopped",
		slog.Duration("took", time.Since(s.stopBegan)),
		slog.Duration("ran_for", time.Since(began)))
	return s.err
}

func (s *shell) now() coordinator.Mono { return coordinator.Mono(s.clock.Now()) }

// loop serves the core until it is done or its time is up.
func (s *shell) loop(ctx context.Context) {
	tick := time.NewTimer(0)
	defer tick.Stop()
	summary := time.NewTicker(summaryEvery)
	defer summary.Stop()
	overdue := time.NewTimer(0)
	overdue.Stop()
	defer overdue.Stop()

	asked := ctx.Done()
	var events []any
	for {
		if next := s.core.Next(); next == coordinator.Never {
			tick.Stop()
		} else {
			tick.Reset(time.Duration(next - s.now()))
		}
		ticked := false
		select {
		case <-s.inbox.wake:
		case <-tick.C:
			ticked = true
		case <-asked:
			asked = nil
			s.stop("asked", nil)
		case <-overdue.C:
			s.err = errors.Join(s.err, s.late())
			return
		case <-summary.C:
			s.summarize()
		}
		s.lookForGap()
		if ticked {
			s.step(coordinator.Tick{})
		}
		events = s.inbox.take(events)
		for _, ev := range events {
			s.take(ev)
		}
		if s.stopping && s.stopBegan.IsZero() {
			s.stopBegan = time.Now()
			asked = nil
			overdue.Reset(s.cfg.StopTime + s.cfg.FailoverTime + stopMargin/2)
			s.step(coordinator.Stop{})
		}
		if s.stopped {
			return
		}
	}
}

// lookForGap tells the core of a suspend before anything else: what came with it
// is as old as the suspend.
func (s *shell) lookForGap() {
	wall, ahead, gap := s.clock.Gap()
	if gap {
		s.log.Warn("clock.gap", slog.String("cause", "wall time ran ahead; the machine was suspended, or its clock was set"))
		s.step(coordinator.Gap{Wall: wall})
	}
	// Only now may consumers deliver again, if their terms still allow it.
	s.clock.Settle(ahead)
}

// take hands one event to the core.
func (s *shell) take(ev any) {
	switch ev := ev.(type) {
	case coordinator.Progress:
		s.step(ev)
	case called:
		s.left(ev.lane)
		s.heard(ev.kind, ev.result.Err)
		s.step(ev.result)
	case exited:
		delete(s.runs, ev.run.id)
		s.step(ev.ev)
	case fatal:
		s.stop("failed", ev.err)
	case indexActive:
		s.step(coordinator.Index{Active: true})
	default:
		panic(fmt.Sprintf("leasehold: unknown event %T", ev))
	}
}

func (s *shell) step(ev coordinator.Event) { s.apply(s.core.Step(s.now(), ev)) }

// apply does what the core asks for.
func (s *shell) apply(actions []coordinator.Action) {
	for _, a := range actions {
		switch a.Kind {
		case coordinator.Start:
			s.start(a)
		case coordinator.Extend:
			if r := s.runs[a.Run]; r != nil {
				r.consumer.Extend(time.Duration(a.Until), a.From)
			}
		case coordinator.Drain:
			if r := s.runs[a.Run]; r != nil {
				r.consumer.Drain(s.drainCause())
			}
		case coordinator.Cancel:
			if r := s.runs[a.Run]; r != nil {
				r.consumer.Cancel(causes[a.Cause])
			}
		case coordinator.Note:
			s.note(a)
		case coordinator.Fail:
			s.stop("failed", s.failure(a.Err))
		case coordinator.Stopped:
			s.stopped = true
		default:
			s.dispatch(a)
		}
	}
}

// failure is an error of the core as Run returns it.
func (s *shell) failure(err error) error {
	if e, ok := errors.AsType[*coordinator.NameError](err); ok {
		return &NameError{Worker: e.Worker}
	}
	if e, ok := errors.AsType[*coordinator.VersionError](err); ok {
		return &VersionError{App: s.cfg.app(), Version: e.Version}
	}
	return err
}

// causes are what ends a handler's context.
var causes = map[coordinator.Cause]error{
	coordinator.Lost:       ErrLost,
	coordinator.HandedOver: ErrHandoff,
	coordinator.Stopping:   ErrStopping,
}

func (s *shell) drainCause() error {
	if s.stopping {
		return ErrStopping
	}
	return ErrHandoff
}

// stop has the worker stop, once the loop comes to it. Err is what Run returns,
// nil if nothing failed; the first failure counts.
func (s *shell) stop(cause string, err error) {
	s.fail(err)
	if s.stopping {
		return
	}
	s.stopping = true
	if err != nil {
		s.log.Error("worker.stopping", slog.String("cause", cause), slog.Any("err", err))
		return
	}
	s.log.Info("worker.stopping", slog.String("cause", cause))
}

func (s *shell) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// finish ends what the core has not ended, and waits for it as long as the time
// of a stop allows.
func (s *shell) finish() {
	s.cancelCalls()
	for _, r := range s.runs {
		r.consumer.Cancel(ErrStopping)
	}
	limit := time.NewTimer(time.Until(s.stopBegan.Add(s.cfg.StopTime + s.cfg.FailoverTime + stopMargin)))
	defer limit.Stop()
	var events []any
	for s.outstanding > 0 || len(s.runs) > 0 {
		select {
		case <-s.inbox.wake:
		case <-limit.C:
			if len(s.runs) == 0 {
				// Only calls are left, whose context is done.
				s.consuming.Wait()
				return
			}
			s.err = errors.Join(s.err, s.stuck())
			return
		}
		events = s.inbox.take(events)
		for _, ev := range events {
			switch ev := ev.(type) {
			case called:
				s.left(ev.lane)
			case exited:
				delete(s.runs, ev.run.id)
			}
		}
	}
	s.consuming.Wait()
}

// unreleased names the leases that the stop leaves to expire.
func (s *shell) unreleased() error {
	err := fmt.Errorf("stop: %s: the leases of shards %v were not handed over and expire; what was processed since their last stored checkpoints comes again",
		s.table(), s.abandoned)
	if s.why != nil {
		err = fmt.Errorf("%w: %w", err, s.why)
	}
	return err
}

// late says what was still open when the time of the stop was over.
func (s *shell) late() error {
	return fmt.Errorf("stop: it was not done after %v: the shards %v still have a consumer, and %d calls have no answer",
		time.Since(s.stopBegan).Round(time.Millisecond), s.open(), s.outstanding)
}

// stuck names the shards whose handlers still run.
func (s *shell) stuck() error { return &StuckError{Shards: s.open()} }

// open are the shards with a consumer, in order.
func (s *shell) open() []Shard {
	var open []Shard
	for _, r := range s.runs {
		open = append(open, r.shard)
	}
	slices.SortFunc(open, func(a, b Shard) int { return strings.Compare(a.ID, b.ID) })
	return open
}
