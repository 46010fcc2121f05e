package dynamolease

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"

	"github.com/leasehold/leasehold/lease"
)

// FindCause finds what the service answered, or that its answer was lost.
func (t *target) FindCause(err error) error {
	if errors.Is(err, errReset) {
		return errReset
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api
	}
	return nil
}

func (t *target) ReadRow(ctx context.Context, key string) (string, error) {
	out, err := t.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &t.store.table, Key: item{"leaseKey": text(key)}, ConsistentRead: new(true)})
	if err != nil || len(out.Item) == 0 {
		return "", err
	}
	row, err := json.Marshal(out.Item)
	return string(row), err
}

func (t *target) KeysOfOthers(worker string) []string {
	return []string{worker, keyLock, keyVersion}
}

// Fill stores the leases in batches of the largest size.
func (t *target) Fill(ctx context.Context, leases []lease.Lease) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for batch := range slices.Chunk(leases, 25) {
		g.Go(func() error {
			var puts []types.WriteRequest
			for _, l := range batch {
				puts = append(puts, types.WriteRequest{PutRequest: &types.PutRequest{Item: leaseItem(l)}})
			}
			out, err := t.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{t.store.table: puts}})
			if err == nil && len(out.UnprocessedItems) > 0 {
				err = fmt.Errorf("%d of %d leases were not stored", len(out.UnprocessedItems[t.store.table]), len(puts))
			}
			return err
		})
	}
	return g.Wait()
}

// In separate tables only leases have keys of the lease table.

func (t separate) KeysOfOthers(string) []string { return nil }

// Of the keys of several streams' leases, those of the lock and of the client
// version are none.

func (t severalTarget) KeysOfOthers(worker string) []string { return []string{worker} }

func (t severalTarget) ReadRow(ctx context.Context, key string) (string, error) {
	return t.target.ReadRow(ctx, long(key))
}

func (t severalTarget) Fill(ctx context.Context, leases []lease.Lease) error {
	leases = slices.Clone(leases)
	for i := range leases {
		l := &leases[i]
		l.Stream, l.Shard, l.Key = itsStream, l.Key, long(l.Key)
	}
	return t.target.Fill(ctx, leases)
}
