package dynamolease

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/leasehold/leasehold/lease"
)

// Scan reads the whole table page by page, as [lease.Store] says. A page is up
// to 1 MiB, some 2,000 leases, and costs half a read unit for each 4 KiB.
func (s *Store) Scan(ctx context.Context) (*lease.Snapshot, error) {
	pages := dynamodb.NewScanPaginator(s.client, &dynamodb.ScanInput{
		TableName:              &s.table,
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	snap := &lease.Snapshot{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx, once)
		if err != nil {
			return nil, s.fail(ctx, "scan lease table", "", err)
		}
		for _, item := range page.Items {
			if bad := add(snap, item); bad != nil {
				snap.Unreadable = append(snap.Unreadable, *bad)
			}
		}
		if c := page.ConsumedCapacity; c != nil && c.CapacityUnits != nil {
			snap.Units += *c.CapacityUnits
		}
	}
	return snap, nil
}

// add puts one item where it belongs in snap, or says why it cannot.
func add(snap *lease.Snapshot, item map[string]types.AttributeValue) *lease.UnreadableError {
	r := newRow(item)
	switch kind := entity(r); kind {
	case entityLease:
		if l := leaseOf(r); r.bad == nil {
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
	return r.bad
}
