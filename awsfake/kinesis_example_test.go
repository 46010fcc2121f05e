package awsfake_test

import (
	"context"
	"fmt"
	"log"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/leasehold/leasehold/awsfake"
)

// A shard that was split is read to its end, which names its children.
func ExampleKinesis() {
	ctx := context.Background()
	k := &awsfake.Kinesis{}
	k.Create("orders", 1)
	shard, _ := k.Put("orders", "customer-1", []byte("two apples"))
	k.Split("orders", shard)

	client := kinesis.NewFromConfig(awsfake.Config(k, "me"))
	it, err := client.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{
		StreamName: new("orders"), ShardId: &shard, ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	})
	if err != nil {
		log.Fatal(err)
	}
	page, err := client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: it.ShardIterator})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range page.Records {
		fmt.Printf("%s: %s\n", *r.PartitionKey, r.Data)
	}
	fmt.Println("ended:", page.NextShardIterator == nil)
	for _, c := range page.ChildShards {
		fmt.Println("child:", *c.ShardId)
	}
	// Output:
	// customer-1: two apples
	// ended: true
	// child: shardId-000000000001
	// child: shardId-000000000002
}
