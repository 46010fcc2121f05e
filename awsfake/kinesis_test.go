package awsfake_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"github.com/leasehold/leasehold/awsfake"
)

// streamClient is an SDK client of k that does not repeat calls.
func streamClient(k *awsfake.Kinesis) *kinesis.Client {
	cfg := awsfake.Config(k, "tester")
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return kinesis.NewFromConfig(cfg)
}

// A shardReader reads one shard of stream "s" through the SDK.
type shardReader struct {
	t    *testing.T
	c    *kinesis.Client
	next *string
	last *kinesis.GetRecordsOutput
}

// readerOf opens a shard of stream "s" as in says.
func readerOf(t *testing.T, c *kinesis.Client, shard string, in kinesis.GetShardIteratorInput) *shardReader {
	t.Helper()
	in.StreamName, in.ShardId = new("s"), &shard
	if in.ShardIteratorType == "" {
		in.ShardIteratorType = types.ShardIteratorTypeTrimHorizon
	}
	out, err := c.GetShardIterator(t.Context(), &in)
	if err != nil {
		t.Fatalf("GetShardIterator: %v", err)
	}
	return &shardReader{t: t, c: c, next: out.ShardIterator}
}

// page reads a page of up to limit records, 0 for any number.
func (r *shardReader) page(limit int32) []types.Record {
	r.t.Helper()
	in := &kinesis.GetRecordsInput{ShardIterator: r.next}
	if limit > 0 {
		in.Limit = &limit
	}
	out, err := r.c.GetRecords(r.t.Context(), in)
	if err != nil {
		r.t.Fatalf("GetRecords: %v", err)
	}
	r.next, r.last = out.NextShardIterator, out
	return out.Records
}

// texts are the payloads of a page.
func (r *shardReader) texts(limit int32) []string {
	r.t.Helper()
	var out []string
	for _, rec := range r.page(limit) {
		out = append(out, string(rec.Data))
	}
	return out
}

func wantTexts(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// wantCode fails unless err is the service's error of the given code.
func wantCode(t *testing.T, what string, err error, code string) {
	t.Helper()
	if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != code {
		t.Errorf("%s: got error %v, want %s", what, err, code)
	}
}

const (
	shard0 = "shardId-000000000000"
	shard1 = "shardId-000000000001"
	shard2 = "shardId-000000000002"
	shard3 = "shardId-000000000003"
)

func put(t *testing.T, k *awsfake.Kinesis, text string) string {
	t.Helper()
	_, seq := k.Put("s", "key", []byte(text))
	return seq
}

func listed(t *testing.T, c *kinesis.Client, f *types.ShardFilter) []string {
	t.Helper()
	out, err := c.ListShards(context.WithoutCancel(t.Context()), &kinesis.ListShardsInput{StreamName: new("s"), ShardFilter: f})
	if err != nil {
		t.Fatalf("ListShards: %v", err)
	}
	var ids []string
	for _, s := range out.Shards {
		ids = append(ids, *s.ShardId)
	}
	return ids
}
