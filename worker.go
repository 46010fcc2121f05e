package leasehold

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
)

// version names the library in the worker's row of the table.
const version = "leasehold 0.1"

// errRan reports a second Run.
var errRan = errors.New("worker has been run before; make another with New")

// A Worker processes its share of a stream's shards.
type Worker struct {
	cfg Config
	ran atomic.Bool
	// renamed is the name that it took because Config.Worker was another's, nil
	// if there is none.
	renamed atomic.Pointer[string]
}

// New returns a Worker that will do as cfg says. It starts nothing and calls
// nobody; Run does. The error names every mistake in cfg.
func New(cfg Config) (*Worker, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("worker config: %w", err)
	}
	return &Worker{cfg: cfg}, nil
}

// Name is the worker's name, as it stands in leases and logs. It changes once, if
// Run finds at its start that a living worker has the name of the Config: see
// Config.Worker.
func (w *Worker) Name() string {
	if n := w.renamed.Load(); n != nil {
		return *n
	}
	return w.cfg.Worker
}

// Run works until ctx is done, then stops and returns nil; or until it fails,
// then stops and returns why. It can be called once.
//
// It makes the lease table and its index if they are missing. It fails if the
// stream does not exist, if the table belongs to something else, or if a
// fleet uses it in a way that this library does not know; what may pass, such
// as a table that cannot be reached, it tries again. It fails with a [*NameError]
// if another process has taken this worker's name, and with a [*VersionError] if
// the fleet is one of a library that this one cannot work beside.
//
// To stop is to let handlers finish the batches they have, for Config.StopTime,
// to store the last checkpoints and to hand the leases over. When Run returns,
// every goroutine that it started has ended, and it calls nobody any more. It
// takes no longer than Config.StopTime, Config.FailoverTime and 2 seconds
// together, also if the table cannot be reached: then it returns an error that
// names the leases which it leaves to expire. If a handler has ignored the end of
// its context for all this time, Run leaves that goroutine behind and returns a
// [*StuckError].
func (w *Worker) Run(ctx context.Context) error {
	if w.ran.Swap(true) {
		return errRan
	}
	s := newShell(ctx, w.cfg, workerLog(w.cfg))
	s.id.renamed = func(name string) { w.renamed.Store(&name) }
	defer s.end()
	found, err := s.prepare(ctx)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	return s.run(ctx, found)
}

// workerLog returns the logger of a worker of this name.
func workerLog(cfg Config) *slog.Logger {
	log := cfg.Logger
	if app := cfg.app(); app != "" {
		log = log.With(slog.String("app", app))
	}
	return log.With(
		slog.String("stream", cfg.Stream.Name()),
		slog.String("worker", cfg.Worker))
}
