package kinesisstream_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/leasehold/leasehold/awsfake"
	"github.com/leasehold/leasehold/kinesisstream"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// A shard is read to its end, where its children are named.
func Example() {
	fake := &awsfake.Kinesis{}
	fake.Create("orders", 1)
	fake.Put("orders", "alice", []byte("a book"))
	fake.Split("orders", "shardId-000000000000")

	ctx := context.Background()
	s := kinesisstream.New(kinesis.NewFromConfig(awsfake.Config(fake, "reader")), "orders")
	r := s.Open("shardId-000000000000", stream.Start{Position: lease.TrimHorizon})
	defer r.Close()
	for end := false; !end; {
		b, err := r.Read(ctx)
		if err != nil {
			fmt.Println(err) // and read again, after a pause
			return
		}
		for _, rec := range b.Records {
			fmt.Println(rec.PartitionKey, string(rec.Data))
		}
		for _, c := range b.Children {
			fmt.Println("then", c.ID)
		}
		end = b.End
	}
	// Output:
	// alice a book
	// then shardId-000000000001
	// then shardId-000000000002
}
