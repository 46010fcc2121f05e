package leasehold_test

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/leasehold/leasehold"
	"github.com/leasehold/leasehold/awsfake"
	"github.com/leasehold/leasehold/dynamolease"
	"github.com/leasehold/leasehold/kinesisstream"
	"github.com/leasehold/leasehold/memlease"
)

// The smallest consumer. In place of AWS it talks to two fakes: with the
// configuration that config.LoadDefaultConfig returns it is a whole program.
func Example() {
	streams := &awsfake.Kinesis{}
	streams.Create("orders", 1)
	streams.Put("orders", "alice", []byte("a book"))
	streams.Put("orders", "bob", []byte("a lamp"))
	forStreams := awsfake.Config(streams, "example")
	forTables := awsfake.Config(&awsfake.DynamoDB{}, "example")
	ctx, stop := context.WithCancel(context.Background())
	defer stop()

	w, err := leasehold.New(leasehold.Config{
		Stream: kinesisstream.New(kinesis.NewFromConfig(forStreams), "orders"),
		Leases: dynamolease.New(dynamodb.NewFromConfig(forTables), "orders-mailer"), // the application's name = its table
		Handler: leasehold.HandlerFunc(func(ctx context.Context, b *leasehold.Batch) error {
			for _, r := range b.Records {
				fmt.Println(b.Shard, r.PartitionKey, string(r.Data))
				if r.PartitionKey == "bob" {
					stop() // the example is over
				}
			}
			return nil // all of it is done: the checkpoint may pass it
		}),
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := w.Run(ctx); err != nil { // until ctx is done
		fmt.Println(err)
	}
	// Output:
	// orders/shardId-000000000000 alice a book
	// orders/shardId-000000000000 bob a lamp
}

// A program can stop by itself when it has seen all that there is.
func ExampleConfig_onProgress() {
	streams := &awsfake.Kinesis{}
	streams.Create("orders", 1)
	streams.Put("orders", "alice", []byte("a book"))
	streams.Put("orders", "bob", []byte("a lamp"))
	client := kinesis.NewFromConfig(awsfake.Config(streams, "example"))
	ctx, stop := context.WithCancel(context.Background())
	defer stop()

	w, err := leasehold.New(leasehold.Config{
		Stream: kinesisstream.New(client, "orders"),
		Leases: memlease.New("orders-mailer"),
		Handler: leasehold.HandlerFunc(func(ctx context.Context, b *leasehold.Batch) error {
			for _, r := range b.Records {
				fmt.Println(string(r.Data))
			}
			return nil
		}),
		OnProgress: func(p leasehold.Progress) {
			if p.Records == 0 && p.Behind == 0 {
				stop()
			}
		},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := w.Run(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// a book
	// a lamp
}
