package dynamolease_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/leasehold/leasehold/awsfake"
	"github.com/leasehold/leasehold/dynamolease"
	"github.com/leasehold/leasehold/lease"
)

// A fresh table, a lease, and two workers of which one takes it.
func Example() {
	ctx := context.Background()
	// A program has its configuration from config.LoadDefaultConfig.
	cfg := awsfake.Config(&awsfake.DynamoDB{}, "example")

	store := dynamolease.New(dynamodb.NewFromConfig(cfg), "orders-mailer")
	created, err := store.CreateTable(ctx, 0, 0)
	fmt.Println("created:", created, err)

	store.Create(ctx, lease.Lease{Key: "shardId-000000000000", Checkpoint: lease.TrimHorizon})
	free := lease.Cond{Counter: new(int64(0)), Owners: &lease.Owners{}}
	for _, worker := range []string{"a", "b"} {
		l, applied, err := store.Change(ctx, "shardId-000000000000", free,
			lease.Set{Bump: true, Mark: worker + ".1", Owners: &lease.Owners{Owner: worker}})
		fmt.Println(worker, "takes it:", applied, err, "- owner", l.Owner, "counter", l.Counter)
	}
	// Output:
	// created: true <nil>
	// a takes it: true <nil> - owner a counter 1
	// b takes it: false <nil> - owner a counter 1
}
