package dynamolease

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/leasehold/leasehold/lease"
)

// The keys of the separate tables.
const (
	attrStateKey  = "key"
	attrWorkerKey = "wid"
)

// attrTableMigration says, in the item of that name, how far Java KCL's table
// migration is. That item is in the coordinator table until the end, and after.
const attrTableMigration = "tm"

// The states of the table migration. It begins without an item.
const (
	migrationInit     = "TABLE_MIGRATION_STATUS_INIT"
	migrationDeployed = "TABLE_MIGRATION_STATUS_DEPLOYED"
	migrationPending  = "TABLE_MIGRATION_STATUS_PENDING"
	migrationComplete = "TABLE_MIGRATION_STATUS_COMPLETE"
)

var errMigrating = errors.New("the application is in the middle of Java KCL's table migration")

// denied reports whether err is a refused permission.
func denied(err error) bool {
	api, _ := answer(err)
	return api != nil && api.ErrorCode() == "AccessDeniedException"
}

// A place is a table and the attribute that is its key.
type place struct{ table, key string }

// primary is the primary key of the item named k.
func (p place) primary(k string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{p.key: text(k)}
}

// row returns an item of this table as the lease table would have it, for the
// functions that parse items.
func (p place) row(item map[string]types.AttributeValue) map[string]types.AttributeValue {
	if p.key == attrKey || len(item) == 0 {
		return item
	}
	item = maps.Clone(item)
	item[attrKey] = item[p.key]
	delete(item, p.key)
	return item
}

// A layout says where an application keeps what is not a lease.
type layout struct {
	separate bool
	state    place // the lock and the client version
	workers  place
}

func (s *Store) leases() place { return place{s.table, attrKey} }

func (s *Store) singleTable() *layout {
	return &layout{state: s.leases(), workers: s.leases()}
}

func (s *Store) separateTables() *layout {
	return &layout{true, place{s.cfg.CoordinatorTable, attrStateKey}, place{s.cfg.WorkerTable, attrWorkerKey}}
}

// where returns the application's layout, for the operation op on the item
// named key. It asks if it does not know, and remembers the answer: an
// application stays with one table, and with separate ones for as long as
// workers report there that do not know how to migrate, as those of this
// library. [Store.scanState] looks whether that is still so.
//
// While the tables are being migrated there is no layout, but an error: where an
// item belongs is then a matter of each Java worker's configuration.
func (s *Store) where(ctx context.Context, op, key string) (*layout, error) {
	if l := s.layout.Load(); l != nil {
		return l, nil
	}
	// Java KCL asks whether the table exists, and then for the item. This read
	// answers both.
	p := s.separateTables().state
	item, err := s.itemAt(ctx, p, keyTableMigration)
	var l *layout
	if err != nil {
		e := classify(ctx, op, key, err)
		if e.Kind != lease.ErrInvalidState {
			return nil, s.unknown(ctx, p, e)
		}
		l = s.singleTable()
	} else if l, err = s.layoutBy(item); err != nil {
		return nil, invalid(op, key, err)
	}
	s.layout.Store(l)
	return l, nil
}

// state returns the place of the lock and the client version.
func (s *Store) state(ctx context.Context, op string) (place, error) {
	l, err := s.where(ctx, op, "")
	if err != nil {
		return place{}, err
	}
	return l.state, nil
}

// unknown returns e, with which the read of the table migration at the place p
// failed. Who may not read the table does not learn either whether there is one.
func (s *Store) unknown(ctx context.Context, p place, e *lease.Error) error {
	if denied(e.Err) {
		e.Err = &cause{fmt.Sprintf("dynamodb:GetItem must be allowed on table %q, which tells where the application keeps its lock and its workers, "+
			"also if there is no such table: %v", p.table, e.Err), []error{e.Err}}
		return e
	}
	return named(ctx, p, e)
}

// layoutBy returns the layout that belongs to a table migration, whose item in
// the coordinator table may be absent.
func (s *Store) layoutBy(migration map[string]types.AttributeValue) (*layout, error) {
	if len(migration) == 0 {
		return s.separateTables(), nil
	}
	switch status := newRow(migration).text(attrTableMigration); status {
	case migrationInit, migrationDeployed:
		return s.separateTables(), nil
	case migrationComplete:
		return s.singleTable(), nil
	case migrationPending:
		return nil, fmt.Errorf("table %q: %w (%s), which this library takes no part in: "+
			"let its Java workers bring it to %s first", s.cfg.CoordinatorTable, errMigrating, status, migrationComplete)
	default:
		return nil, fmt.Errorf("table %q: %w, in the state %q, which is not known", s.cfg.CoordinatorTable, errMigrating, status)
	}
}

// failAt is fail for a call on the table of p. A separate table that is gone
// puts the layout in question.
func (s *Store) failAt(ctx context.Context, p place, op, key string, err error) error {
	if p.table == s.table {
		return s.fail(ctx, op, key, err)
	}
	e := classify(ctx, op, key, err)
	if e.Kind == lease.ErrInvalidState {
		s.layout.Store(nil)
	}
	return named(ctx, p, e)
}

// named returns e with the name of the table, which is not the one that the texts
// of its kinds are about. An end of ctx has to do with no table.
func named(ctx context.Context, p place, e *lease.Error) *lease.Error {
	if ctx.Err() == nil {
		e.Err = &cause{fmt.Sprintf("table %q: %v", p.table, e.Err), []error{e.Err}}
	}
	return e
}
