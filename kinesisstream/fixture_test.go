package kinesisstream

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/leasehold/leasehold/awsfake"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

const first = "shardId-000000000000"

// A fixture is a stream "orders" in a fake Kinesis, read through the SDK.
type fixture struct {
	t testing.TB
	*awsfake.Kinesis
	*Stream

	mu    sync.Mutex
	calls []awsfake.Result
	put   int
}

func newFixture(t testing.TB, shards int, cfg Config) *fixture {
	t.Helper()
	f := &fixture{t: t, Kinesis: &awsfake.Kinesis{}}
	f.Trace = func(r awsfake.Result) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.calls = append(f.calls, r)
	}
	s, err := NewWithConfig(kinesis.NewFromConfig(awsfake.Config(f.Kinesis, "reader")), "orders", cfg)
	if err != nil {
		t.Fatal(err)
	}
	f.Stream = s
	f.Create("orders", shards)
	return f
}

// times are when the calls of an operation arrived, refused ones included.
func (f *fixture) times(operation string) []time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	var at []time.Time
	for _, c := range f.calls {
		if c.Call.Operation == operation {
			at = append(at, c.Call.At)
		}
	}
	slices.SortFunc(at, time.Time.Compare)
	return at
}

// throttled counts the calls that the fake refused for its limits.
func (f *fixture) throttled() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls {
		if c.Err == "ProvisionedThroughputExceededException" || c.Err == "LimitExceededException" {
			n++
		}
	}
	return n
}

// write puts the next n numbers, each a record whose key spreads them over the
// shards.
func (f *fixture) write(n int) {
	for range n {
		f.Put("orders", "key"+strconv.Itoa(f.put%17), fmt.Appendf(nil, "%d", f.put))
		f.put++
	}
}

func from(p lease.Position) stream.Start { return stream.Start{Position: p} }

func numbers(t testing.TB, records []stream.Record) []int {
	t.Helper()
	var ns []int
	for _, r := range records {
		n, err := strconv.Atoi(string(r.Data))
		if err != nil {
			t.Fatal(err)
		}
		if want := "key" + strconv.Itoa(n%17); r.PartitionKey != want {
			t.Errorf("record %d has key %q, want %q", n, r.PartitionKey, want)
		}
		ns = append(ns, n)
	}
	return ns
}

func count(from, n int) []int {
	var ns []int
	for i := range n {
		ns = append(ns, from+i)
	}
	return ns
}

// read reads once and fails on an error.
func (f *fixture) read(r stream.Reader) stream.Batch {
	f.t.Helper()
	b, err := r.Read(context.Background())
	if err != nil {
		f.t.Fatalf("Read: %v", err)
	}
	return b
}

// until reads until it has n records or the shard ends, and repeats a Read that
// failed as its callers do. It returns the numbers read and the last batch.
func (f *fixture) until(r stream.Reader, n int) ([]int, stream.Batch) {
	f.t.Helper()
	var got []int
	for range 100_000 {
		b, err := r.Read(f.t.Context())
		if err != nil {
			f.t.Log(err)
			time.Sleep(time.Second)
			continue
		}
		got = append(got, numbers(f.t, b.Records)...)
		if b.End || len(got) >= n {
			return got, b
		}
	}
	f.t.Fatalf("no end after 100,000 reads; %d records", len(got))
	return nil, stream.Batch{}
}

const all = 1 << 30
