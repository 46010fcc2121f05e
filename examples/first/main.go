// First is the smallest consumer: it prints the records of the stream orders, as
// one of any number of workers of the application orders-mailer.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/leasehold/leasehold"
	"github.com/leasehold/leasehold/dynamolease"
	"github.com/leasehold/leasehold/kinesisstream"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	w, err := leasehold.New(leasehold.Config{
		Stream: kinesisstream.New(kinesis.NewFromConfig(cfg), "orders"),
		Leases: dynamolease.New(dynamodb.NewFromConfig(cfg), "orders-mailer"), // the application's name = its table
		Handler: leasehold.HandlerFunc(func(ctx context.Context, b *leasehold.Batch) error {
			for _, r := range b.Records {
				fmt.Println(b.Shard, r.PartitionKey, string(r.Data))
			}
			return nil // all of it is done: the checkpoint may pass it
		}),
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := w.Run(ctx); err != nil { // until ctx is done
		log.Fatal(err)
	}
}
