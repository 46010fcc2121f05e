package dynamolease

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/leasehold/leasehold/lease"
)

// separateItems are what a scan finds in separate tables: nothing if the
// application has one table.
type separateItems struct {
	separate       bool // and were until the end of the scan
	state, workers lease.Snapshot
}

// scanSeparate reads the separate tables of l. The read of one is begun in g.
func (s *Store) scanSeparate(ctx context.Context, g *errgroup.Group, l *layout, op string, found *separateItems) (err error) {
	g.Go(func() error {
		err := s.scan(ctx, l.workers, dynamodb.ScanInput{}, &found.workers, addWorker)
		if _, missing := errors.AsType[*types.ResourceNotFoundException](err); err != nil && !missing {
			return s.failAt(ctx, l.workers, op, "", err)
		}
		return nil
	})
	found.separate, err = s.scanState(ctx, l.state, op, &found.state)
	return err
}

// toLookAt returns the layout for a tool that only looks, where a worker would
// have to know better and fails with err: both places while the tables are being
// migrated, and the one that may be read if the other may not. Of the latter only
// the refused call tells, which the tool's client sees.
func (s *Store) toLookAt(err error) (*layout, error) {
	switch {
	case errors.Is(err, errMigrating):
		return s.separateTables(), nil
	case denied(err):
		return s.singleTable(), nil
	}
	return nil, err
}

// scanState reads the coordinator table, which has few items: the lock, the
// client version, and how far the table migration is. It returns whether the
// tables are still separate, and forgets the layout if they are not: a worker
// may have slept through a whole migration.
func (s *Store) scanState(ctx context.Context, p place, op string, snap *lease.Snapshot) (separate bool, err error) {
	var migration map[string]types.AttributeValue
	err = s.scan(ctx, p, dynamodb.ScanInput{}, snap, func(snap *lease.Snapshot, r *row) {
		switch r.key() {
		case keyLock:
			snap.Lock = parseLock(r)
		case keyVersion:
			snap.Version = parseVersion(r)
		case keyTableMigration:
			migration = r.item
		}
	})
	if err != nil {
		return false, s.failAt(ctx, p, op, "", err)
	}
	l, err := s.layoutBy(migration)
	if err != nil && s.cfg.Keys == EitherKeys {
		l, err = s.toLookAt(err)
	}
	if err != nil {
		s.layout.Store(nil)
		return false, invalid(op, "", err)
	}
	if !l.separate {
		s.layout.Store(l)
	}
	return l.separate, nil
}

// addWorker adds an item of the worker table. All of those are workers: versions
// of Java KCL before 3.5 wrote no type to them.
func addWorker(snap *lease.Snapshot, r *row) {
	if w := parseWorker(r); r.bad == nil {
		snap.Workers = append(snap.Workers, w)
	}
}

// addTo adds the items to those of the lease table, where Java workers put some
// of theirs before the migration is complete, and may leave them if it is given
// up. Of one worker the later report counts.
func (f *separateItems) addTo(snap *lease.Snapshot) {
	snap.Units += f.state.Units + f.workers.Units
	if !f.separate {
		return
	}
	snap.Lock = f.state.Lock
	if f.state.Version != "" {
		snap.Version = f.state.Version
	}
	for _, w := range f.workers.Workers {
		i := slices.IndexFunc(snap.Workers, func(other lease.Worker) bool { return other.ID == w.ID })
		switch {
		case i < 0:
			snap.Workers = append(snap.Workers, w)
		case !snap.Workers[i].Reported.After(w.Reported):
			snap.Workers[i] = w
		}
	}
	snap.Unreadable = slices.Concat(snap.Unreadable, f.state.Unreadable, f.workers.Unreadable)
}
