package kinesisstream_test

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/leasehold/leasehold/internal/emul"
	"github.com/leasehold/leasehold/kinesisstream"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// A shard of an emulator is read to its end: every record in order, the end
// proven, and the children with all their parents.
func TestEmulatorShardEnds(t *testing.T) {
	for _, service := range emul.Kinesises(t) {
		t.Run(service.Name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			client := kinesis.NewFromConfig(service.Config())
			name := emul.CreateStream(t, service, 2)
			s := kinesisstream.New(client, name)
			put := func(from, to int) {
				for n := from; n < to; n++ {
					// The hash key of 0 is in the first shard, and then in its
					// first child.
					if _, err := client.PutRecord(ctx, &kinesis.PutRecordInput{
						StreamName:      &name,
						PartitionKey:    new("key"),
						ExplicitHashKey: new("0"),
						Data:            []byte(strconv.Itoa(n)),
					}); err != nil {
						t.Fatal(err)
					}
				}
			}
			put(0, 30)
			parent := "shardId-000000000000"
			r := s.Open(parent, stream.Start{Position: lease.TrimHorizon})
			next := 0
			next = read(t, ctx, r, next, 30)

			if _, err := client.SplitShard(ctx, &kinesis.SplitShardInput{
				StreamName: &name, ShardToSplit: &parent, NewStartingHashKey: new("1000"),
			}); err != nil {
				t.Fatal(err)
			}
			w := kinesis.NewStreamExistsWaiter(client, func(o *kinesis.StreamExistsWaiterOptions) { o.MinDelay = 50 * time.Millisecond })
			if err := w.Wait(ctx, &kinesis.DescribeStreamInput{StreamName: &name}, time.Minute); err != nil {
				t.Fatal(err)
			}
			put(30, 40)

			var children []stream.Shard
			for children == nil {
				b, err := r.Read(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if len(b.Records) != 0 {
					t.Fatalf("%d more records in a closed shard", len(b.Records))
				}
				if b.End {
					children = b.Children
				}
			}
			r.Close()
			if len(children) != 2 {
				t.Fatalf("the ended shard has children %v, want 2", children)
			}
			for _, c := range children {
				if !slices.Equal(c.Parents, []string{parent}) || c.HashRange.IsZero() {
					t.Errorf("child %+v, want parent %s and a hash range", c, parent)
				}
			}
			first := slices.IndexFunc(children, func(c stream.Shard) bool { return c.HashRange.Start == "0" })
			if first < 0 {
				t.Fatalf("no child begins at hash key 0: %v", children)
			}
			child := s.Open(children[first].ID, stream.Start{Position: lease.TrimHorizon})
			read(t, ctx, child, next, 40)
			child.Close()
		})
	}
}

// read reads numbered records until one number is reached, and returns the next.
func read(t *testing.T, ctx context.Context, r stream.Reader, next, until int) int {
	t.Helper()
	for next < until {
		b, err := r.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range b.Records {
			if string(rec.Data) != strconv.Itoa(next) {
				t.Fatalf("got record %s, want %d", rec.Data, next)
			}
			next++
		}
	}
	return next
}
