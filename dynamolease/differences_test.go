package dynamolease

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/leasehold/leasehold/awsfake"
	"github.com/leasehold/leasehold/internal/emul"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/leasetest"
)

// The rules of the contract that a service does not let a store keep. The fake
// and the store in memory have none.
var contractDifferences = map[string][]leasetest.Difference{
	emul.Dynalite: {
		{Rule: "Store/CreateIndex/missing index", Why: "it does not remove an index"},
	},
}

// A difference is something that DynamoDB does, and what of it a service does
// not. The store does not depend on it, or has a way around.
type difference struct {
	name string
	on   []string
	// asDynamoDB returns why the service does not do as DynamoDB does.
	asDynamoDB func(ctx context.Context, tt *target) error
}

var differences = []difference{
	{"an index can be removed", []string{emul.Dynalite}, func(ctx context.Context, tt *target) error {
		ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
		defer cancel()
		return indexed{tt}.DropIndex(ctx)
	}},
	{"a refusal brings the present item", []string{emul.Dynalite}, func(ctx context.Context, tt *target) error {
		if _, _, err := tt.store.Create(ctx, lease.Lease{Key: "k", Checkpoint: lease.Latest}); err != nil {
			return err
		}
		before := tt.count("GetItem")
		if _, applied, err := tt.store.Change(ctx, "k", lease.Cond{Counter: new(int64(9))}, lease.Set{Bump: true, Mark: "m"}); applied || err != nil {
			return fmt.Errorf("Change: got %v, %v", applied, err)
		}
		if tt.count("GetItem") != before {
			return fmt.Errorf("the present item took a read of its own")
		}
		return nil
	}},
	{"a table can be made recoverable", []string{emul.DynamoDBLocal, emul.Dynalite}, func(ctx context.Context, tt *target) error {
		s, err := NewWithConfig(tt.client, tt.store.table, Config{PointInTimeRecovery: true})
		if err != nil {
			return err
		}
		return s.ProtectTable(ctx)
	}},
}

// checkDifferences checks that the service does as DynamoDB does, except for what
// is known.
func checkDifferences(t *testing.T, service string, cfg aws.Config) {
	for _, d := range differences {
		t.Run(d.name, func(t *testing.T) {
			err := d.asDynamoDB(t.Context(), newTarget(t, cfg, emul.Name(t)))
			switch known := slices.Contains(d.on, service); {
			case known && err == nil:
				t.Error("the known difference is gone")
			case known:
				t.Logf("known difference: %v", err)
			case err != nil:
				t.Error(err)
			}
		})
	}
}

func TestDifferences(t *testing.T) {
	checkDifferences(t, "fake", awsfake.Config(&awsfake.DynamoDB{}, "w-1"))
}

func TestEmulatorDifferences(t *testing.T) {
	for _, s := range emul.DynamoDBs(t) {
		t.Run(s.Name, func(t *testing.T) { checkDifferences(t, s.Name, s.Config()) })
	}
}
