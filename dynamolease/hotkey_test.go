package dynamolease_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/leasehold/leasehold/awsfake"
	"github.com/leasehold/leasehold/dynamolease"
	"github.com/leasehold/leasehold/lease"
)

const (
	// manyLeases are renewed each renewEvery, that is 2,000 times a second in all:
	// twice what DynamoDB takes for one key.
	manyLeases = 10_000
	renewEvery = 5 * time.Second
)

// A limited is a lease table in a service that keeps its limits: 1,000 units a
// second written for each key of the table and for each of the index.
type limited struct {
	t         *testing.T
	client    *dynamodb.Client
	store     *dynamolease.Store
	throttled int
}

func newLimited(t *testing.T) *limited {
	db := &awsfake.DynamoDB{Limits: true}
	client := dynamodb.NewFromConfig(awsfake.Config(db, "w"))
	l := &limited{t: t, client: client, store: dynamolease.New(client, "orders")}
	m := lease.NewManager(l.store)
	if _, err := m.CreateLeaseTableIfNotExists(t.Context(), 0, 0); err != nil {
		t.Fatal(err)
	}
	if ok, err := m.WaitUntilLeaseTableExists(t.Context(), time.Second, time.Minute); !ok || err != nil {
		t.Fatal(ok, err)
	}
	return l
}

// count counts an error that says that there was too much.
func (l *limited) count(err error) {
	switch {
	case errors.Is(err, lease.ErrProvisionedThroughput):
		l.throttled++
	case err != nil:
		l.t.Errorf("after %d throttled calls: %v", l.throttled, err)
	}
}

// create makes n leases of one worker: one, and copies of its item.
func (l *limited) create(n int) []lease.Lease {
	ctx := context.Background()
	leases := make([]lease.Lease, n)
	for i := range leases {
		leases[i] = lease.Lease{
			Key:        fmt.Sprintf("shardId-%012d", i),
			Owner:      "w",
			Checkpoint: lease.TrimHorizon,
			HashRange:  lease.HashRange{Start: "0", End: "340282366920938463463374607431768211455"},
		}
	}
	if _, ok, err := l.store.Create(ctx, leases[0]); !ok {
		l.t.Fatal(err)
	}
	key := func(i int) types.AttributeValue { return &types.AttributeValueMemberS{Value: leases[i].Key} }
	table := l.store.Name()
	first, err := l.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, Key: map[string]types.AttributeValue{"leaseKey": key(0)}})
	if err != nil {
		l.t.Fatal(err)
	}
	const batch = 25
	for from := 1; from < n; from += batch {
		var puts []types.WriteRequest
		for i := from; i < min(from+batch, n); i++ {
			item := maps.Clone(first.Item)
			item["leaseKey"] = key(i)
			puts = append(puts, types.WriteRequest{PutRequest: &types.PutRequest{Item: item}})
		}
		out, err := l.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: puts}})
		if err != nil || len(out.UnprocessedItems) > 0 {
			l.t.Fatal(err, out)
		}
		time.Sleep(2 * batch * time.Millisecond)
	}
	return leases
}

// renew renews leases for a time as their owners do, with a checkpoint, evenly
// spread, so many a second in all as manyLeases need.
func (l *limited) renew(leases []lease.Lease, d time.Duration) (writes int) {
	end := time.Now().Add(d)
	for n := 0; time.Now().Before(end); n++ {
		old := &leases[n%len(leases)]
		seq, err := lease.ParseSequence(fmt.Sprintf("49590338271490256608559692538361571095921575989%09d", n))
		if err != nil {
			l.t.Fatal(err)
		}
		image, ok, err := l.store.Change(context.Background(), old.Key, lease.Cond{Counter: new(old.Counter)},
			lease.Set{Bump: true, Mark: fmt.Sprintf("nonce-%x", n), Checkpoint: new(lease.At(seq, 0))})
		if err == nil && !ok {
			l.t.Fatalf("renewal %d of %s is refused: %+v", n, old.Key, image)
		}
		if l.count(err); ok {
			*old = image
			writes++
		}
		time.Sleep(renewEvery / manyLeases)
	}
	return writes
}

// All leases of a large application are renewed, by one worker even: no key of the
// table or of its index is written too often. The same number of writes of one key
// is too much. The service saves nothing of these limits from one second for the
// next, so that a few seconds show what an hour would.
func TestFailure_F23_NoHotKey(t *testing.T) {
	long := 2 * renewEvery
	if testing.Short() {
		long = renewEvery / 2
	}
	t.Run("a key for each lease", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := newLimited(t)
			leases := l.create(manyLeases)
			want := int(long / (renewEvery / manyLeases))
			if writes := l.renew(leases, long); writes != want || l.throttled != 0 {
				t.Errorf("%d renewals in %v, and %d were throttled, want %d and none", writes, long, l.throttled, want)
			}
		})
	})
	t.Run("one key", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := newLimited(t)
			leases := l.create(1)
			const long = 2 * time.Second
			writes := l.renew(leases, long)
			// At first there is a second's worth, and then what comes each second.
			if most := 1001 * int(long.Seconds()+1); writes > most || l.throttled < 500 {
				t.Errorf("%d renewals of one lease in %v, and %d were throttled: the test sees no limit", writes, long, l.throttled)
			}
		})
	})
}
