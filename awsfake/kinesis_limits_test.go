package awsfake_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/leasehold/leasehold/awsfake"
)

const throttled = "ProvisionedThroughputExceededException"

func TestFiveReadsASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &awsfake.Kinesis{Limits: true}
		c := streamClient(k)
		k.Create("s", 2)
		r := readerOf(t, c, shard0, kinesis.GetShardIteratorInput{})
		for range 5 {
			r.page(0)
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(500*time.Millisecond - 1)
		_, err := c.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: r.next})
		wantCode(t, "a sixth call within the second", err, throttled)
		readerOf(t, c, shard1, kinesis.GetShardIteratorInput{}).page(0) // another shard has its own
		time.Sleep(time.Nanosecond)
		r.page(0)
		_, err = c.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: r.next})
		wantCode(t, "the second call of the next", err, throttled)
		for range 20 {
			time.Sleep(200 * time.Millisecond)
			r.page(0)
		}
	})
}

func TestTwoMegabytesReadASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &awsfake.Kinesis{Limits: true}
		c := streamClient(k)
		k.Create("s", 1)
		for range 14 {
			k.Put("s", "k", bytes.Repeat([]byte{1}, 1<<20-1))
			time.Sleep(time.Second)
		}
		r := readerOf(t, c, shard0, kinesis.GetShardIteratorInput{})
		if n := len(r.page(10)); n != 10 {
			t.Fatalf("got %d records, want 10 MiB", n)
		}
		time.Sleep(5*time.Second - 1)
		_, err := c.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: r.next})
		wantCode(t, "within 5 s of 10 MB", err, throttled)
		time.Sleep(time.Nanosecond)
		r.page(1)
		r.page(1)
		_, err = c.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: r.next})
		wantCode(t, "after 2 MB in a second", err, throttled)
		time.Sleep(time.Second)
		r.page(1)
	})
}

func TestAThousandRecordsWrittenASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &awsfake.Kinesis{Limits: true}
		c := streamClient(k)
		k.Create("s", 1)
		send := func() (failed int32) {
			entries := make([]types.PutRecordsRequestEntry, 500)
			for i := range entries {
				entries[i] = types.PutRecordsRequestEntry{PartitionKey: new("k"), Data: []byte{1}}
			}
			out, err := c.PutRecords(t.Context(), &kinesis.PutRecordsInput{StreamName: new("s"), Records: entries})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range out.Records {
				if (e.ErrorCode == nil) == (e.SequenceNumber == nil) || e.ErrorCode != nil && *e.ErrorCode != throttled {
					t.Fatalf("result %+v is neither a place nor a throttle", e)
				}
			}
			return *out.FailedRecordCount
		}
		if a, b, c := send(), send(), send(); a != 0 || b != 0 || c != 500 {
			t.Errorf("failed of 500, three times at once: %d, %d, %d, want 0, 0, 500", a, b, c)
		}
		time.Sleep(100 * time.Millisecond)
		if n := send(); n != 400 {
			t.Errorf("failed a tenth of a second later: %d, want 400", n)
		}
		time.Sleep(time.Second)
		if _, err := c.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: new("s"), PartitionKey: new("k"), Data: make([]byte, 1<<20-1)}); err != nil {
			t.Errorf("1 MiB into an idle shard: %v", err)
		}
		_, err := c.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: new("s"), PartitionKey: new("k"), Data: make([]byte, 1<<10)})
		wantCode(t, "1 KiB more", err, throttled)

		if _, err := c.UpdateMaxRecordSize(t.Context(), &kinesis.UpdateMaxRecordSizeInput{StreamARN: new("arn:aws:kinesis:us-east-1:000000000000:stream/s"), MaxRecordSizeInKiB: new(int32(4096))}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		large := &kinesis.PutRecordInput{StreamName: new("s"), PartitionKey: new("k"), Data: make([]byte, 4<<20-1)}
		if _, err := c.PutRecord(t.Context(), large); err != nil {
			t.Errorf("a record larger than a second's bytes into an idle shard: %v", err)
		}
		time.Sleep(4*time.Second - 1)
		_, err = c.PutRecord(t.Context(), large)
		wantCode(t, "another before the first is worked off", err, throttled)
		time.Sleep(time.Nanosecond)
		if _, err := c.PutRecord(t.Context(), large); err != nil {
			t.Errorf("another after that: %v", err)
		}
	})
}

func TestControlCallsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &awsfake.Kinesis{Limits: true, ShardLimit: 4, CreateTakes: time.Minute}
		c := streamClient(k)
		k.Create("s", 3)
		for range 10 {
			if _, err := c.DescribeStream(t.Context(), &kinesis.DescribeStreamInput{StreamName: new("s")}); err != nil {
				t.Fatal(err)
			}
		}
		_, err := c.DescribeStream(t.Context(), &kinesis.DescribeStreamInput{StreamName: new("s")})
		wantCode(t, "an eleventh DescribeStream", err, "LimitExceededException")
		for range 1000 {
			listed(t, c, nil)
		}
		_, err = c.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: new("s")})
		wantCode(t, "a 1,001st ListShards", err, "LimitExceededException")
		for range 5 {
			readerOf(t, c, shard0, kinesis.GetShardIteratorInput{})
		}
		_, err = c.GetShardIterator(t.Context(), &kinesis.GetShardIteratorInput{StreamName: new("s"), ShardId: new(shard0), ShardIteratorType: "LATEST"})
		wantCode(t, "a sixth GetShardIterator", err, throttled)

		_, err = c.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: new("t"), ShardCount: new(int32(2))})
		wantCode(t, "a fifth shard of four", err, "LimitExceededException")
		k.Split("s", shard0)
		_, err = c.SplitShard(t.Context(), &kinesis.SplitShardInput{StreamName: new("s"), ShardToSplit: new(shard1), NewStartingHashKey: new("170141183460469231731687303715884105728")})
		wantCode(t, "a split to a fifth shard", err, "LimitExceededException")
	})
}

func TestFilters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &awsfake.Kinesis{}
		c := streamClient(k)
		k.Create("s", 2) // 0 and 1
		t0 := time.Now()
		k.Split("s", shard0) // 2 and 3, in the millisecond of the creation
		time.Sleep(time.Hour)
		t1 := time.Now()
		k.Merge("s", shard2, shard3) // 4
		time.Sleep(time.Hour)
		type filter = types.ShardFilter
		check := func(name string, f *filter, want string) {
			t.Helper()
			var got []string
			for _, id := range listed(t, c, f) {
				got = append(got, strings.TrimLeft(strings.TrimPrefix(id, "shardId-"), "0"))
			}
			if g := strings.Join(got, ","); g != want {
				t.Errorf("%s: got %q, want %q", name, g, want)
			}
		}
		horizon := &filter{Type: types.ShardFilterTypeAtTrimHorizon}
		check("none", nil, ",1,2,3,4")
		check("AT_LATEST", &filter{Type: types.ShardFilterTypeAtLatest}, "1,4")
		check("AT_TRIM_HORIZON of a young stream", horizon, ",1")
		check("FROM_TRIM_HORIZON", &filter{Type: types.ShardFilterTypeFromTrimHorizon}, ",1,2,3,4")
		check("AFTER_SHARD_ID", &filter{Type: types.ShardFilterTypeAfterShardId, ShardId: new(shard2)}, "3,4")
		check("AT_TIMESTAMP before the stream", &filter{Type: types.ShardFilterTypeAtTimestamp, Timestamp: new(t0.Add(-time.Hour))}, ",1")
		check("AT_TIMESTAMP between", &filter{Type: types.ShardFilterTypeAtTimestamp, Timestamp: new(t0.Add(time.Minute))}, "1,2,3")
		check("AT_TIMESTAMP of the merge", &filter{Type: types.ShardFilterTypeAtTimestamp, Timestamp: &t1}, "1,2,3,4")
		check("AT_TIMESTAMP a millisecond later", &filter{Type: types.ShardFilterTypeAtTimestamp, Timestamp: new(t1.Add(time.Millisecond))}, "1,4")
		check("FROM_TIMESTAMP of the merge", &filter{Type: types.ShardFilterTypeFromTimestamp, Timestamp: &t1}, "1,2,3,4")
		check("FROM_TIMESTAMP later", &filter{Type: types.ShardFilterTypeFromTimestamp, Timestamp: new(t1.Add(time.Millisecond))}, "1,4")
		time.Sleep(time.Until(t0.Add(24 * time.Hour)))
		check("AT_TRIM_HORIZON when the first shard is gone", horizon, "1,2,3")
		time.Sleep(time.Hour)
		check("AT_TRIM_HORIZON when the merge's parents are gone", horizon, "1,4")

		for name, f := range map[string]*filter{
			"timestamp missing":      {Type: types.ShardFilterTypeAtTimestamp},
			"timestamp out of place": {Type: types.ShardFilterTypeAtLatest, Timestamp: &t0},
			"timestamp to come":      {Type: types.ShardFilterTypeFromTimestamp, Timestamp: new(time.Now().Add(time.Hour))},
			"shard missing":          {Type: types.ShardFilterTypeAfterShardId},
			"shard out of place":     {Type: types.ShardFilterTypeAtTrimHorizon, ShardId: new(shard0)},
		} {
			_, err := c.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: new("s"), ShardFilter: f})
			wantCode(t, name, err, "InvalidArgumentException")
		}
		_, err := c.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: new("s"), ShardFilter: &filter{Type: "SOME"}})
		wantCode(t, "no such filter", err, "ValidationException")
	})
}

func TestListingInPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &awsfake.Kinesis{}
		c := streamClient(k)
		k.Create("s", 5)
		k.Split("s", shard1)
		in := &kinesis.ListShardsInput{StreamName: new("s"), MaxResults: new(int32(2)), ExclusiveStartShardId: new(shard0), ShardFilter: &types.ShardFilter{Type: types.ShardFilterTypeAtLatest}}
		var got []string
		var token *string
		for {
			out, err := c.ListShards(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range out.Shards {
				got = append(got, (*s.ShardId)[19:])
			}
			if out.NextToken == nil {
				break
			}
			token = out.NextToken
			in = &kinesis.ListShardsInput{NextToken: token, MaxResults: new(int32(2))}
		}
		if want := []string{"2", "3", "4", "5", "6"}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v: open ones after the first, the filter kept by the token", got, want)
		}
		_, err := c.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: new("s"), NextToken: token})
		wantCode(t, "token and name", err, "InvalidArgumentException")
		time.Sleep(300*time.Second + 1)
		_, err = c.ListShards(t.Context(), in)
		wantCode(t, "token after 300 s", err, "ExpiredNextTokenException")

		k.Create("big", 1001)
		out, err := c.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: new("big"), MaxResults: new(int32(5000))})
		if err != nil || len(out.Shards) != 1000 || out.NextToken == nil {
			t.Errorf("1,001 shards: got %d and token %v, %v", len(out.Shards), out.NextToken, err)
		}
		d, err := c.DescribeStream(t.Context(), &kinesis.DescribeStreamInput{StreamName: new("s"), Limit: new(int32(3)), ExclusiveStartShardId: new(shard1)})
		if err != nil || len(d.StreamDescription.Shards) != 3 || !*d.StreamDescription.HasMoreShards || *d.StreamDescription.Shards[0].ShardId != shard2 {
			t.Errorf("DescribeStream page: %+v, %v", d, err)
		}
		for i := range 3 {
			k.Create(fmt.Sprint("x", i), 1)
		}
		l, err := c.ListStreams(t.Context(), &kinesis.ListStreamsInput{Limit: new(int32(2))})
		if err != nil || !slices.Equal(l.StreamNames, []string{"big", "s"}) || !*l.HasMoreStreams {
			t.Fatalf("ListStreams: %+v, %v", l, err)
		}
		l, err = c.ListStreams(t.Context(), &kinesis.ListStreamsInput{NextToken: l.NextToken})
		if err != nil || !slices.Equal(l.StreamNames, []string{"x0", "x1", "x2"}) || *l.HasMoreStreams || len(l.StreamSummaries) != 3 {
			t.Errorf("ListStreams, second page: %+v, %v", l, err)
		}
	})
}
