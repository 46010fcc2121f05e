package leasehold

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/leasehold/leasehold/internal/backoff"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

const (
	// prepareTime bounds one request of the preparation. What describes a table
	// is slower than what reads a row.
	prepareTime = 5 * time.Second
	// tableEvery is the time between looks at a table that is being made, and
	// tableTime how long that may take before the preparation begins again.
	tableEvery = 500 * time.Millisecond
	tableTime  = 5 * time.Minute
	// indexEvery is the time between looks at an index that is being made.
	indexEvery = 10 * time.Second
	// shardsTime bounds a listing of the stream's shards.
	shardsTime = 10 * time.Second
	// protectTries is how often the table's protection is tried. With the pauses
	// of protectRetry that is some three minutes: a table that is new can be
	// protected only after a while.
	protectTries = 10
)

// prepareRetry are the pauses when the preparation fails and may be repeated.
var prepareRetry = backoff.Policy{Min: 200 * time.Millisecond, Max: 5 * time.Second}

// protectRetry are the pauses between tries to protect the table.
var protectRetry = backoff.Policy{Min: time.Second, Max: time.Minute}

// errPassing marks a failure that may pass and is not one of the store's.
var errPassing = errors.New("not ready yet")

// A VersionError says that the lease table is one of a fleet that assigns leases
// in a way which this library does not take part in. Workers of Java KCL 3.x
// bring such a fleet to a state that can be joined.
type VersionError struct {
	// App is the application's name, empty if the store does not tell.
	App string
	// Version is the fleet's client-version state; empty if the table has leases
	// and no such state, as Java KCL 2.x leaves it.
	Version lease.ClientVersion
}

func (e *VersionError) Error() string {
	what := "is of a fleet in client-version state " + string(e.Version)
	if e.Version == "" {
		what = "has leases and no client-version state, as a fleet of Java KCL 2.x leaves it"
	}
	return fmt.Sprintf("%s %s, which cannot be joined: bring it to %s with workers of Java KCL 3.x first",
		tableOf(e.App), what, lease.Version3X)
}

// tableOf names an application's table.
func tableOf(app string) string {
	if app == "" {
		return "lease table"
	}
	return fmt.Sprintf("lease table %q", app)
}

// found is what the preparation found.
type found struct {
	version lease.ClientVersion
	index   lease.TableStatus
}

// prepare makes sure of the table, the stream and the fleet. It tries again what
// may pass until ctx is done.
func (s *shell) prepare(ctx context.Context) (found, error) {
	if err := ctx.Err(); err != nil {
		return found{}, err
	}
	s.askStream(ctx)
	var logged time.Time
	for n := 1; ; n++ {
		f, err := s.prepareOnce(ctx)
		if err == nil {
			err = s.claimName(ctx, f.index)
		}
		if err == nil {
			s.protectTable()
		}
		if err == nil || ctx.Err() != nil || !mayPass(err) {
			return f, err
		}
		if time.Since(logged) >= time.Minute {
			logged = time.Now()
			s.log.Warn("table.unreachable", slog.String("op", "prepare"), slog.Int("times", n), slog.Any("err", err))
		}
		if !backoff.Sleep(ctx, prepareRetry.Pause(n)) {
			return f, ctx.Err()
		}
	}
}

// mayPass reports whether the same may succeed later with nothing changed.
func mayPass(err error) bool {
	if errors.Is(err, errPassing) || errors.Is(err, stream.ErrThrottled) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	if errors.Is(err, stream.ErrNoStream) || errors.Is(err, stream.ErrDenied) {
		return false
	}
	e, ok := errors.AsType[*lease.Error](err)
	return ok && e.Retryable
}

func (s *shell) prepareOnce(ctx context.Context) (found, error) {
	table, version, err := s.describe(ctx)
	if err != nil {
		return found{}, err
	}
	if !table.Usable() {
		if err := s.makeTable(ctx, table); err != nil {
			return found{}, err
		}
		if table, version, err = s.describe(ctx); err != nil {
			return found{}, err
		}
		if !table.Usable() {
			return found{}, fmt.Errorf("%s is %v: %w", s.table(), table.Status, errPassing)
		}
	}
	if version == "" {
		if version, err = s.newApplication(ctx); err != nil {
			return found{}, err
		}
	}
	switch version {
	case lease.Version3X, lease.Version3XWithRollback:
		return found{version: version, index: table.Index}, nil
	}
	return found{}, &VersionError{App: s.cfg.app(), Version: version}
}

func (s *shell) table() string { return tableOf(s.cfg.app()) }

// describe asks for the table and for the fleet's client version, both at once:
// on a table that exists this is all that a start waits for.
func (s *shell) describe(ctx context.Context) (t lease.Table, v lease.ClientVersion, err error) {
	ctx, cancel := context.WithTimeout(ctx, prepareTime)
	defer cancel()
	var versionErr error
	var both sync.WaitGroup
	both.Go(func() { v, versionErr = s.cfg.Leases.GetClientVersion(ctx) })
	t, err = s.cfg.Leases.DescribeTable(ctx)
	if err != nil {
		cancel()
	}
	both.Wait()
	switch {
	case err != nil:
		return t, "", err
	case t.Foreign != "":
		return t, "", fmt.Errorf("%s: the table of this name is something else: %s", s.table(), t.Foreign)
	case !t.Usable():
		return t, "", nil
	}
	return t, v, versionErr
}

// makeTable creates the table if there is none, and waits until it can be used.
func (s *shell) makeTable(ctx context.Context, t lease.Table) error {
	if t.Status == lease.Deleting {
		return fmt.Errorf("%s is being deleted: %w", s.table(), errPassing)
	}
	// A mistyped stream must not leave a table behind.
	if err := s.waitForStream(ctx); err != nil {
		return err
	}
	if t.Status == lease.Missing {
		created, err := s.manager.CreateLeaseTableIfNotExists(ctx, 0, 0)
		if err != nil {
			return err
		}
		if created {
			s.log.Info("table.created")
		}
	}
	ok, err := s.manager.WaitUntilLeaseTableExists(ctx, tableEvery, tableTime)
	if err == nil && !ok {
		err = fmt.Errorf("%s is still not usable after %v: %w", s.table(), tableTime, errPassing)
	}
	return err
}

// newApplication stores the client version of an application that has none yet.
// Leases without a client version are those of an old fleet.
func (s *shell) newApplication(ctx context.Context) (lease.ClientVersion, error) {
	empty, err := s.manager.IsLeaseTableEmpty(ctx)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, prepareTime)
	defer cancel()
	if empty {
		applied, err := s.cfg.Leases.CreateClientVersion(ctx, lease.Version3X, s.cfg.Worker, time.Now())
		if applied || err != nil {
			return lease.Version3X, err
		}
	}
	// Another worker may have been first, and may have made leases by now.
	v, err := s.cfg.Leases.GetClientVersion(ctx)
	if err == nil && v == "" {
		err = &VersionError{App: s.cfg.app()}
	}
	return v, err
}

// askStream asks whether the stream exists, beside everything else: only a table
// that has to be made waits for the answer. No stream ends the worker.
func (s *shell) askStream(ctx context.Context) {
	s.streamAsked = make(chan struct{})
	s.calling.Go(func() {
		defer close(s.streamAsked)
		// The request ends with Run's context and not only with the worker:
		// nobody wants the answer then.
		cctx, cancel := context.WithTimeout(s.callCtx, shardsTime)
		defer cancel()
		defer context.AfterFunc(ctx, cancel)()
		_, err := s.cfg.Stream.Shards(cctx)
		if ctx.Err() != nil || err == nil {
			return
		}
		s.streamErr = fmt.Errorf("stream %q: %w", s.cfg.Stream.Name(), err)
		if !mayPass(s.streamErr) && (errors.Is(err, stream.ErrNoStream) || errors.Is(err, stream.ErrDenied)) {
			s.inbox.post(fatal{s.streamErr})
		}
	})
}

// waitForStream waits for the answer of askStream, and asks again if it was a
// failure that may pass.
func (s *shell) waitForStream(ctx context.Context) error {
	select {
	case <-s.streamAsked:
	case <-ctx.Done():
		return ctx.Err()
	}
	err := s.streamErr
	switch {
	case err == nil:
	case errors.Is(err, stream.ErrNoStream), errors.Is(err, stream.ErrDenied):
		return err
	default:
		s.askStream(ctx)
		return fmt.Errorf("%w: %w", errPassing, err)
	}
	return nil
}

// protectTable has the store make the settings that a table takes once it is
// active, beside everything else: no lease depends on them.
func (s *shell) protectTable() {
	p, ok := s.cfg.Leases.(lease.Protector)
	if !ok {
		return
	}
	s.calling.Go(func() {
		ctx := s.callCtx
		for n := 1; ; n++ {
			err := s.bounded(ctx, p.ProtectTable)
			switch {
			case err == nil || ctx.Err() != nil:
				return
			case n == protectTries || !mayPass(err):
				s.log.Warn("table.unprotected", slog.Int("times", n), slog.Any("err", err))
				return
			}
			if !backoff.Sleep(ctx, protectRetry.Pause(n)) {
				return
			}
		}
	})
}

// watchIndex makes the owner index if it is missing, and tells the core when it
// can be asked.
func (s *shell) watchIndex(index lease.TableStatus) {
	s.calling.Go(func() {
		ctx := s.callCtx
		var logged time.Time
		report := func(op string, err error) {
			if err != nil && ctx.Err() == nil && time.Since(logged) >= repeatLog {
				logged = time.Now()
				s.log.Warn(unreachable, slog.String("op", op), slog.Any("err", err))
			}
		}
		for {
			if index == lease.Missing {
				report("create owner index", s.bounded(ctx, s.cfg.Leases.CreateIndex))
			}
			if !backoff.Sleep(ctx, indexEvery) {
				return
			}
			err := s.bounded(ctx, func(ctx context.Context) error {
				t, err := s.cfg.Leases.DescribeTable(ctx)
				if err == nil {
					index = t.Index
				}
				return err
			})
			report("describe table", err)
			if err == nil && index == lease.Active {
				s.inbox.post(indexActive{})
				return
			}
		}
	})
}

// bounded calls f with the time of a preparing request.
func (s *shell) bounded(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, prepareTime)
	defer cancel()
	return f(ctx)
}
