package dynamolease

import (
	"cmp"
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/leasehold/leasehold/lease"
)

const (
	// pageSize is what a scan returns at most at a time. (Amazon DynamoDB
	// Developer Guide, "Paginating the results of a table scan".)
	pageSize = 1 << 20
	// unitSize is what an eventually consistent read gets for a unit.
	unitSize = 8 << 10
	// maxDefaultSegments is the most that are read at once unless the Config
	// says otherwise.
	maxDefaultSegments = 16
)

// Scan reads the whole table, as [lease.Store] says, and what an application
// with separate tables has there. A page is up to 1 MiB, some 2,000 leases, and
// costs half a read unit for each 4 KiB.
//
// A large table is read in segments at once; see [Config]. The result is in the
// order of the segments.
func (s *Store) Scan(ctx context.Context) (*lease.Snapshot, error) {
	const op = "scan lease table"
	// The first failure ends the other reads. Only it is reported.
	g, reading := errgroup.WithContext(ctx)
	parts := make([]lease.Snapshot, s.segments())
	for i := range parts {
		g.Go(func() error {
			var in dynamodb.ScanInput
			if len(parts) > 1 {
				in.Segment, in.TotalSegments = new(int32(i)), new(int32(len(parts)))
			}
			if err := s.scan(reading, s.leases(), in, &parts[i], s.add); err != nil {
				return s.fail(reading, op, "", err)
			}
			return nil
		})
	}
	var others separateItems
	g.Go(func() error {
		// The answer is of use whatever becomes of the other reads.
		l, err := s.where(ctx, op, "")
		if err != nil && s.cfg.Keys == EitherKeys {
			l, err = s.toLookAt(err)
		}
		if err != nil || !l.separate {
			return err
		}
		return s.scanSeparate(reading, g, l, op, &others)
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	snap := joined(parts)
	s.scanned.Store(int64(snap.Units * unitSize))
	others.addTo(snap)
	return snap, nil
}

// segments is in how many parts the next scan reads the lease table.
func (s *Store) segments() int {
	if s.cfg.Segments > 0 {
		return s.cfg.Segments
	}
	size := cmp.Or(s.scanned.Load(), s.described.Load())
	return int(min(max((size+pageSize-1)/pageSize, 1), maxDefaultSegments))
}

// scan reads what in asks of a table page by page, and adds it to snap.
func (s *Store) scan(ctx context.Context, p place, in dynamodb.ScanInput, snap *lease.Snapshot, add func(*lease.Snapshot, *row)) error {
	in.TableName, in.ReturnConsumedCapacity = &p.table, types.ReturnConsumedCapacityTotal
	pages := dynamodb.NewScanPaginator(s.client, &in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx, once)
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			r := newRow(p.row(item))
			if add(snap, r); r.bad != nil {
				r.bad.NotLease = p.table != s.table || isOther(r)
				snap.Unreadable = append(snap.Unreadable, *r.bad)
			}
		}
		if c := page.ConsumedCapacity; c != nil && c.CapacityUnits != nil {
			snap.Units += *c.CapacityUnits
		}
	}
	return nil
}

// add puts one item of the lease table where it belongs in snap, unless it
// cannot be read.
func (s *Store) add(snap *lease.Snapshot, r *row) {
	switch kind := entity(r); kind {
	case entityLease:
		if l := leaseOf(r, s.cfg.Keys); r.bad == nil {
			snap.Leases = append(snap.Leases, *l)
		}
	case entityWorker:
		w := parseWorker(r)
		if r.bad == nil {
			snap.Workers = append(snap.Workers, w)
		}
	case entityLock:
		snap.Lock = parseLock(r)
	case entityVersion:
		snap.Version = parseVersion(r)
	case entityStream, entityTableMigration:
		// Known, and nothing that a snapshot has.
	default:
		r.fail(attrEntity, "is %q, a kind of item that is not known", kind)
	}
}

// joined is one snapshot of those of all segments.
func joined(parts []lease.Snapshot) *lease.Snapshot {
	snap := parts[0]
	for _, p := range parts[1:] {
		snap.Leases = append(snap.Leases, p.Leases...)
		snap.Workers = append(snap.Workers, p.Workers...)
		snap.Unreadable = append(snap.Unreadable, p.Unreadable...)
		snap.Lock = cmp.Or(snap.Lock, p.Lock)
		snap.Version = cmp.Or(snap.Version, p.Version)
		snap.Units += p.Units
	}
	return &snap
}
