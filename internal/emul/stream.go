package emul

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

// activeWithin bounds the wait for a stream to become ACTIVE. The emulators are
// told to take 50 ms; the rest is for a busy machine.
const activeWithin = 30 * time.Second

// CreateStream creates a stream with that many shards in s, one of the
// [Kinesises], waits until it is ACTIVE, and returns its name.
func CreateStream(t testing.TB, s Service, shards int32) string {
	t.Helper()
	name := Name(t)
	k := kinesis.NewFromConfig(s.Config())
	if _, err := k.CreateStream(t.Context(), &kinesis.CreateStreamInput{
		StreamName: &name,
		ShardCount: aws.Int32(shards),
	}); err != nil {
		t.Fatalf("create stream %s in %s: %v", name, s.Name, err)
	}
	w := kinesis.NewStreamExistsWaiter(k, func(o *kinesis.StreamExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second
	})
	if err := w.Wait(t.Context(), &kinesis.DescribeStreamInput{StreamName: &name}, activeWithin); err != nil {
		t.Fatalf("wait for stream %s in %s: %v", name, s.Name, err)
	}
	return name
}
