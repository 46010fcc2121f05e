package dynamolease

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/leasehold/leasehold/internal/emul"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/leasetest"
)

func TestEmulatorKeepsTheContract(t *testing.T) {
	for _, s := range emul.DynamoDBs(t) {
		t.Run(s.Name, func(t *testing.T) {
			leasetest.TestStore(t, func(t *testing.T) leasetest.Target {
				tt := newTarget(t, s.Config(), emul.Name(t))
				if s.Name == emul.Dynalite {
					return tt
				}
				return indexed{tt}
			})
		})
	}
}

func TestEmulatorKeepsTheLayout(t *testing.T) {
	for _, s := range emul.DynamoDBs(t) {
		t.Run(s.Name, func(t *testing.T) {
			testLayout(t, func(t *testing.T) *target { return newTarget(t, s.Config(), emul.Name(t)) })
		})
	}
}

// What an emulator does otherwise than DynamoDB. When a difference is gone, so
// can be what the tests above do about it.
func TestEmulatorDifferences(t *testing.T) {
	t.Run(emul.Dynalite, func(t *testing.T) {
		tt := newTarget(t, emul.One(t, emul.Dynalite).Config(), emul.Name(t))
		ctx := t.Context()
		_, err := tt.client.UpdateTable(ctx, &dynamodb.UpdateTableInput{
			TableName: &tt.store.table,
			GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{
				{Delete: &types.DeleteGlobalSecondaryIndexAction{IndexName: new(indexName)}}},
		})
		if err != nil {
			t.Fatalf("removing the index: got %v; it was ignored before", err)
		}
		if d, err := tt.store.DescribeTable(ctx); err != nil || d.Index == lease.Missing {
			t.Errorf("index removed: got %+v, %v; it was ignored before", d, err)
		}
		mustCreate(t, tt.store, lease.Lease{Key: "k", Checkpoint: lease.Latest})
		before := tt.count("GetItem")
		if _, applied, err := tt.store.Change(ctx, "k", lease.Cond{Counter: new(int64(9))}, lease.Set{Bump: true, Mark: "m"}); applied || err != nil {
			t.Fatalf("Change: got %v, %v", applied, err)
		}
		if tt.count("GetItem") == before {
			t.Errorf("the old item came with the refusal; it did not before")
		}
	})
}
