package awsfake_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/leasehold/leasehold/awsfake"
)

func TestReadFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &awsfake.Kinesis{}
		c := streamClient(k)
		k.Create("s", 1)
		put(t, k, "a")
		time.Sleep(7 * time.Second)
		put(t, k, "b")

		k.FaultReads("s", shard0, awsfake.EmptyPage, 10_000)
		r := readerOf(t, c, shard0, kinesis.GetShardIteratorInput{})
		for i := range 10_000 {
			if n := len(r.page(0)); n != 0 || r.next == nil || *r.last.MillisBehindLatest != 7000 {
				t.Fatalf("empty page %d: %d records, next %v, %d ms behind", i, n, r.next, *r.last.MillisBehindLatest)
			}
		}
		k.FaultReads("s", shard1, awsfake.NoIterator, -1) // of another shard
		k.FaultReads("s", "", awsfake.NoIterator, 1)
		at := r.next
		if n := len(r.page(0)); n != 0 || r.next != nil || r.last.ChildShards != nil {
			t.Errorf("malformed reply: %d records, next %v, children %s", n, r.next, childrenOf(r.last))
		}
		r.next = at
		wantTexts(t, "the same iterator again", r.texts(0), "a", "b")

		k.Split("s", shard0)
		r.next = at
		k.FaultReads("s", shard0, awsfake.LateEnd, -1)
		wantTexts(t, "last records", r.texts(0), "a", "b")
		if r.next == nil {
			t.Errorf("the end came with the records")
		}
		if n := len(r.page(0)); n != 0 || r.next != nil || len(r.last.ChildShards) != 2 {
			t.Errorf("the end: %d records, next %v, children %s", n, r.next, childrenOf(r.last))
		}
		k.ClearFaults("s")
		k.FaultReads("s", shard0, awsfake.NoChildren, 1)
		r.next = at
		if n := len(r.page(0)); n != 2 || r.next != nil || r.last.ChildShards != nil {
			t.Errorf("end without children: %d records, next %v, children %s", n, r.next, childrenOf(r.last))
		}
	})
}

func TestPutFaultsHitRecordsOneByOne(t *testing.T) {
	k := &awsfake.Kinesis{}
	c := streamClient(k)
	k.Create("s", 1)
	k.FaultPuts("s", shard0, "InternalFailure", 2)
	entries := make([]types.PutRecordsRequestEntry, 3)
	for i := range entries {
		entries[i] = types.PutRecordsRequestEntry{PartitionKey: new("k"), Data: []byte{byte('a' + i)}}
	}
	out, err := c.PutRecords(t.Context(), &kinesis.PutRecordsInput{StreamName: new("s"), Records: entries})
	if err != nil || *out.FailedRecordCount != 2 || *out.Records[1].ErrorCode != "InternalFailure" || out.Records[2].SequenceNumber == nil {
		t.Fatalf("PutRecords: %+v, %v", out, err)
	}
	wantTexts(t, "stored", readerOf(t, c, shard0, kinesis.GetShardIteratorInput{}).texts(0), "c")
	k.FaultPuts("s", "", throttled, 1)
	_, err = c.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: new("s"), PartitionKey: new("k"), Data: []byte("d")})
	wantCode(t, "PutRecord", err, throttled)
}

func TestListShardsIsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &awsfake.Kinesis{ListShardsLag: time.Minute}
		c := streamClient(k)
		k.Create("s", 1)
		if got := listed(t, c, nil); !slices.Equal(got, []string{shard0}) {
			t.Errorf("a new stream lists %v", got)
		}
		k.Split("s", shard0)
		time.Sleep(time.Minute - time.Millisecond)
		out, err := c.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: new("s")})
		if err != nil || len(out.Shards) != 1 || out.Shards[0].SequenceNumberRange.EndingSequenceNumber != nil {
			t.Errorf("before the lag is over: %+v, %v, want an open parent alone", out.Shards, err)
		}
		if r := readerOf(t, c, shard0, kinesis.GetShardIteratorInput{}); len(r.page(0)) != 0 || len(r.last.ChildShards) != 2 {
			t.Errorf("GetRecords is not behind: children %s", childrenOf(r.last))
		}
		time.Sleep(time.Millisecond)
		if got := listed(t, c, nil); len(got) != 3 {
			t.Errorf("after the lag: %v", got)
		}
		k.Hide("s", shard2, time.Second)
		if got := listed(t, c, nil); !slices.Equal(got, []string{shard0, shard1}) {
			t.Errorf("with a child hidden: %v", got)
		}
		time.Sleep(time.Second)
		k.SetListShardsLag(time.Hour)
		if got := listed(t, c, nil); !slices.Equal(got, []string{shard0}) {
			t.Errorf("with a new lag: %v", got)
		}
	})
}

func TestStreamStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &awsfake.Kinesis{CreateTakes: time.Minute, DeleteTakes: time.Minute}
		c := streamClient(k)
		create := func() error {
			_, err := c.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: new("s"), ShardCount: new(int32(1))})
			return err
		}
		status := func() types.StreamStatus {
			out, err := c.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: new("s")})
			if _, ok := errors.AsType[*types.ResourceNotFoundException](err); ok {
				return "gone"
			}
			return out.StreamDescriptionSummary.StreamStatus
		}
		if err := create(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute - 1)
		if s := status(); s != types.StreamStatusCreating {
			t.Errorf("status %s, want CREATING", s)
		}
		_, err := c.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: new("s")})
		wantCode(t, "ListShards while CREATING", err, "ResourceInUseException")
		_, err = c.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: new("s"), PartitionKey: new("k"), Data: []byte("x")})
		wantCode(t, "PutRecord while CREATING", err, "ResourceNotFoundException")
		wantCode(t, "CreateStream again", create(), "ResourceInUseException")
		time.Sleep(time.Nanosecond)
		if s := status(); s != types.StreamStatusActive {
			t.Errorf("status %s, want ACTIVE", s)
		}
		seq := put(t, k, "x")
		r := readerOf(t, c, shard0, kinesis.GetShardIteratorInput{})
		if _, err := c.DeleteStream(t.Context(), &kinesis.DeleteStreamInput{StreamName: new("s")}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute - 1)
		wantTexts(t, "while DELETING", r.texts(0), "x")
		_, err = c.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: new("s")})
		wantCode(t, "ListShards while DELETING", err, "ResourceInUseException")
		wantCode(t, "CreateStream while DELETING", create(), "ResourceInUseException")
		time.Sleep(time.Nanosecond)
		if s := status(); s != "gone" {
			t.Errorf("status %s, want none", s)
		}
		_, err = c.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: r.next})
		wantCode(t, "GetRecords of a deleted stream", err, "ResourceNotFoundException")

		// Made anew, the stream knows nothing of the old one's numbers and
		// iterators.
		if err := create(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if again := put(t, k, "x"); again <= seq {
			t.Errorf("the new stream's number %s is not greater than the old one's %s", again, seq)
		}
		_, err = c.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: r.next})
		wantCode(t, "the old stream's iterator", err, "ResourceNotFoundException")
		_, err = c.GetShardIterator(t.Context(), &kinesis.GetShardIteratorInput{StreamName: new("s"), ShardId: new(shard0), ShardIteratorType: "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber: &seq})
		wantCode(t, "the old stream's number", err, "InvalidArgumentException")
	})
}

func TestScriptAndTraceOfAStream(t *testing.T) {
	var results []awsfake.Result
	k := &awsfake.Kinesis{Trace: func(r awsfake.Result) { results = append(results, r) }}
	c := streamClient(k)
	k.Create("s", 1)
	put(t, k, "a")
	r := readerOf(t, c, shard0, kinesis.GetShardIteratorInput{})
	k.SetScript(func(call awsfake.Call) awsfake.Fault {
		if call.Operation == "GetRecords" && call.Key == shard0 && call.Resource == "s" && call.Caller == "tester" {
			return awsfake.Throttle()
		}
		return awsfake.Fault{}
	})
	_, err := c.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: r.next})
	if _, ok := errors.AsType[*types.ProvisionedThroughputExceededException](err); !ok {
		t.Errorf("scripted throttle: got %v", err)
	}
	k.SetScript(func(awsfake.Call) awsfake.Fault { return awsfake.LoseReply() })
	if _, err := c.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: new("s"), PartitionKey: new("k"), Data: []byte("b")}); err == nil {
		t.Error("lost reply: got no error")
	}
	k.SetScript(nil)
	wantTexts(t, "after a lost reply", r.texts(0), "a", "b")
	var got []string
	for _, r := range results {
		got = append(got, r.Call.Service+" "+r.Call.Operation+" "+r.Call.Resource+" "+r.Call.Key+" "+r.Err)
	}
	want := []string{
		"Kinesis GetShardIterator s " + shard0 + " ",
		"Kinesis GetRecords s " + shard0 + " " + throttled,
		"Kinesis PutRecord s  lost",
		"Kinesis GetRecords s " + shard0 + " ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("trace:\n got %q\nwant %q", got, want)
	}
}

// On a stream that distributes records itself a key is not needed, and not
// looked at.
func TestServiceDistributesRecords(t *testing.T) {
	k := &awsfake.Kinesis{}
	c := streamClient(k)
	_, err := c.CreateStream(t.Context(), &kinesis.CreateStreamInput{
		StreamName:                 new("s"),
		StreamModeDetails:          &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand},
		RecordDistributionStrategy: types.RecordDistributionStrategyAuto,
	})
	if err != nil {
		t.Fatal(err)
	}
	shards := map[string]bool{}
	for range 8 {
		out, err := c.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: new("s"), Data: []byte("x")})
		if err != nil {
			t.Fatal(err)
		}
		shards[*out.ShardId] = true
	}
	if len(shards) != 4 {
		t.Errorf("records went to %v, want all four shards of an on-demand stream", shards)
	}
	if rec := readerOf(t, c, shard0, kinesis.GetShardIteratorInput{}).page(1); len(rec) != 1 || rec[0].PartitionKey != nil {
		t.Errorf("record without a key: %+v", rec)
	}
	_, err = c.UpdateStreamRecordDistributionStrategy(t.Context(), &kinesis.UpdateStreamRecordDistributionStrategyInput{
		StreamARN: new("arn:aws:kinesis:us-east-1:000000000000:stream/s"), RecordDistributionStrategy: types.RecordDistributionStrategyUserPartitionKey,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: new("s"), Data: []byte("x")})
	wantCode(t, "no key on a stream with keys", err, "ValidationException")
}
