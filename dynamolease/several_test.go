package dynamolease

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/leasetest"
)

// withKeys returns a store on t's table, with t's faults, that has other keys.
func (t *target) withKeys(keys Keys) *Store {
	s := New(t.store.client, t.store.table)
	s.cfg.Keys = keys
	s.layout.Store(t.store.layout.Load())
	return s
}

// The contract is the same for the leases of several streams.
func TestStoreOfSeveralStreams(t *testing.T) {
	leasetest.TestStore(t, func(t *testing.T) leasetest.Target {
		tt := fake(t)
		return severalTarget{indexed{tt}, several{tt.withKeys(ByStreamAndShard)}}
	})
}

// several makes each key that the rules of the contract think of one of a
// stream's, on the way to the store and back.
type several struct{ *Store }

const (
	itsStream = "1:rules:2"
	itsPrefix = itsStream + ":"
)

// long is the key in the store.
func long(key string) string {
	if _, _, ok := lease.SplitKey(key); ok || key == "" {
		return key
	}
	return itsPrefix + key
}

func short(key string) string { return strings.TrimPrefix(key, itsPrefix) }

func shortLease(l lease.Lease) lease.Lease {
	if l.Stream == itsStream {
		l.Key, l.Stream, l.Shard = short(l.Key), "", ""
	}
	return l
}

// shortError returns err, or a copy, with what a caller of the short key expects.
func shortError(err error) error {
	e, ok := errors.AsType[*lease.Error](err)
	if !ok {
		return err
	}
	c := *e
	c.Key = short(e.Key)
	if u, ok := errors.AsType[*lease.UnreadableError](err); ok {
		c.Err = &lease.UnreadableError{Key: short(u.Key), Attribute: u.Attribute, Reason: u.Reason}
	}
	return &c
}

func (s several) Get(ctx context.Context, key string) (*lease.Lease, error) {
	l, err := s.Store.Get(ctx, long(key))
	if l != nil {
		*l = shortLease(*l)
	}
	return l, shortError(err)
}

func (s several) Create(ctx context.Context, l lease.Lease) (lease.Lease, bool, error) {
	if l.Stream == "" && l.Key != "" {
		l.Stream, l.Shard, l.Key = itsStream, l.Key, long(l.Key)
	}
	image, applied, err := s.Store.Create(ctx, l)
	return shortLease(image), applied, shortError(err)
}

func (s several) Change(ctx context.Context, key string, cond lease.Cond, set lease.Set) (lease.Lease, bool, error) {
	image, applied, err := s.Store.Change(ctx, long(key), cond, set)
	return shortLease(image), applied, shortError(err)
}

func (s several) Delete(ctx context.Context, key string, cond lease.Cond) (bool, error) {
	applied, err := s.Store.Delete(ctx, long(key), cond)
	return applied, shortError(err)
}

func (s several) Scan(ctx context.Context) (*lease.Snapshot, error) {
	snap, err := s.Store.Scan(ctx)
	if err != nil {
		return nil, err
	}
	for i := range snap.Leases {
		snap.Leases[i] = shortLease(snap.Leases[i])
	}
	for i := range snap.Workers {
		snap.Workers[i].ID = short(snap.Workers[i].ID)
	}
	for i := range snap.Unreadable {
		snap.Unreadable[i].Key = short(snap.Unreadable[i].Key)
	}
	return snap, nil
}

func (s several) KeysOf(ctx context.Context, worker string) ([]string, error) {
	keys, err := s.Store.KeysOf(ctx, worker)
	for i := range keys {
		keys[i] = short(keys[i])
	}
	return keys, err
}

// Workers have the keys that the rules give them to be in the way of leases.

func (s several) PutWorker(ctx context.Context, w lease.Worker, over *lease.Worker) (*lease.Worker, bool, error) {
	w.ID = long(w.ID)
	present, applied, err := s.Store.PutWorker(ctx, w, over)
	if present != nil {
		present.ID = short(present.ID)
	}
	return present, applied, shortError(err)
}

func (s several) DeleteWorker(ctx context.Context, id, nonce string) (bool, error) {
	applied, err := s.Store.DeleteWorker(ctx, long(id), nonce)
	return applied, shortError(err)
}

type severalTarget struct {
	indexed
	s several
}

func (t severalTarget) Store() lease.Store { return t.s }

func (t severalTarget) PlantBroken(ctx context.Context, key string) error {
	return t.plant(ctx, map[string]types.AttributeValue{
		"leaseKey": text(long(key)), "streamName": text(itsStream), "shardId": text(key),
		"entityType": text("LEASE"), "checkpoint": text("TRIM_HORIZON"), "leaseOwner": text("a")})
}

func (t severalTarget) PlantForeign(ctx context.Context, key string) error {
	return t.target.PlantForeign(ctx, long(key))
}
