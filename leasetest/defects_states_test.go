package leasetest

import (
	"context"
	"errors"
	"time"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/memlease"
)

// inner is the store in memory that every defect is planted over.
func inner(s lease.Store) *memlease.Store {
	switch s := s.(type) {
	case *badStore:
		return inner(s.Store)
	case *Faulty:
		return inner(s.Store)
	}
	return s.(*memlease.Store)
}

// status is that of the table, without a request.
func status(s lease.Store) lease.TableStatus {
	t, _ := inner(s).DescribeTable(context.Background())
	return t.Status
}

// over is a context that has ended.
func over() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), -time.Second)
	cancel()
	return ctx
}

func stateDefects() []defect {
	const (
		unborn   = "/table in creation or deletion"
		changing = "/table being updated"
		create   = "Manager/CreateLeaseTableIfNotExists"
	)
	return []defect{
		{"a table in creation is an empty one", []string{
			"Store/Get" + unborn, "Store/Create" + unborn, "Store/Change" + unborn, "Store/Delete" + unborn, "Store/Scan" + unborn,
			"Manager/ListLeases" + unborn, "Manager/CreateLeaseIfNotExists" + unborn, "Manager/GetLease" + unborn, "Manager/RenewLease" + unborn,
			"Manager/TakeLease" + unborn, "Manager/EvictLease" + unborn, "Manager/DeleteLease" + unborn, "Manager/DeleteAll" + unborn,
			"Manager/UpdateLease" + unborn, "Manager/IsLeaseTableEmpty" + unborn,
		}, func(b *badStore) {
			b.out = func(err error) error {
				if errors.Is(err, lease.ErrInvalidState) && status(b) == lease.Creating {
					return nil
				}
				return err
			}
		}, nil},
		{"a table in deletion is another failure", []string{
			"Store/KeysOf" + unborn, "Store/PutWorker" + unborn, "Store/DeleteWorker" + unborn, "Store/GetLock" + unborn, "Store/TakeLock" + unborn,
			"Store/RenewLock" + unborn, "Store/ReleaseLock" + unborn, "Store/GetClientVersion" + unborn, "Store/CreateClientVersion" + unborn,
		}, func(b *badStore) {
			b.out = func(err error) error {
				if errors.Is(err, lease.ErrInvalidState) && status(b) == lease.Deleting {
					return raw("use a table that is deleted")
				}
				return err
			}
		}, nil},
		{"a table that is being updated cannot be used", []string{
			"Store/CreateTable" + changing, "Store/DescribeTable" + changing, "Store/CreateIndex" + changing, "Store/Get" + changing, "Store/Create" + changing,
			"Store/Change" + changing, "Store/Delete" + changing, "Store/Scan" + changing, "Store/KeysOf" + changing, "Store/PutWorker" + changing,
			"Store/DeleteWorker" + changing, "Store/GetLock" + changing, "Store/TakeLock" + changing, "Store/RenewLock" + changing,
			"Store/ReleaseLock" + changing, "Store/GetClientVersion" + changing, "Store/CreateClientVersion" + changing,
		}, func(b *badStore) {
			b.in = func(ctx context.Context) context.Context {
				if status(b) == lease.Updating {
					return over()
				}
				return ctx
			}
		}, nil},
		{"a table in creation is an error to who creates it", []string{create + unborn}, nil, func(m *badManager) {
			m.createTable = func(ctx context.Context, r, w int64) (bool, error) {
				if status(m.s) == lease.Creating {
					return false, raw("create table")
				}
				return m.operations.CreateLeaseTableIfNotExists(ctx, r, w)
			}
		}},
		{"a table that is being updated is one to wait for", []string{
			create + changing, "Manager/WaitUntilLeaseTableExists" + changing, "Manager/LeaseTableExists" + changing, "Manager/ListLeases" + changing,
			"Manager/CreateLeaseIfNotExists" + changing, "Manager/GetLease" + changing, "Manager/RenewLease" + changing, "Manager/TakeLease" + changing,
			"Manager/EvictLease" + changing, "Manager/DeleteLease" + changing, "Manager/DeleteAll" + changing, "Manager/UpdateLease" + changing,
			"Manager/IsLeaseTableEmpty" + changing,
		}, nil, func(m *badManager) {
			m.in = func(ctx context.Context) context.Context {
				if status(m.s) == lease.Updating {
					return over()
				}
				return ctx
			}
		}},
	}
}
