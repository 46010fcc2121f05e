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

func TestRecordsComeInTheirOrderWithWhatWasPut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &awsfake.Kinesis{}
		c := streamClient(k)
		k.Create("s", 1)
		payload := []byte{0, 255, '"', '\\', '\n'}
		key := "kéy \"quoted\"\t☃"
		put, err := c.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: new("s"), PartitionKey: &key, Data: payload})
		if err != nil {
			t.Fatal(err)
		}
		arrived := time.Now()
		time.Sleep(1234567 * time.Microsecond)
		var entries []types.PutRecordsRequestEntry
		for i := range 20 {
			entries = append(entries, types.PutRecordsRequestEntry{PartitionKey: new(fmt.Sprint(i)), Data: fmt.Append(nil, i)})
		}
		many, err := c.PutRecords(t.Context(), &kinesis.PutRecordsInput{StreamARN: new("arn:aws:kinesis:us-east-1:000000000000:stream/s"), Records: entries})
		if err != nil || *many.FailedRecordCount != 0 {
			t.Fatalf("PutRecords: %v, %v", many, err)
		}

		r := readerOf(t, c, shard0, kinesis.GetShardIteratorInput{})
		first := r.page(1)
		if len(first) != 1 || !bytes.Equal(first[0].Data, payload) || *first[0].PartitionKey != key ||
			*first[0].SequenceNumber != *put.SequenceNumber || !first[0].ApproximateArrivalTimestamp.Equal(arrived.Truncate(time.Millisecond)) {
			t.Fatalf("first record: got %+v, want what was put at %v with number %s", first, arrived, *put.SequenceNumber)
		}
		if got, want := *r.last.MillisBehindLatest, int64(1234); got != want {
			t.Errorf("MillisBehindLatest after the first record: got %d, want %d", got, want)
		}
		last := *put.SequenceNumber
		rest := r.page(0)
		if len(rest) != 20 || *r.last.MillisBehindLatest != 0 || r.next == nil {
			t.Fatalf("rest: got %d records, %d ms behind, next iterator %v, want 20, 0 and one", len(rest), *r.last.MillisBehindLatest, r.next)
		}
		if at := *rest[0].ApproximateArrivalTimestamp; !at.Equal(arrived.Add(1234 * time.Millisecond)) {
			t.Errorf("second record arrived at %v, want 1.234 s after %v", at, arrived)
		}
		for i, rec := range rest {
			if *rec.SequenceNumber != *many.Records[i].SequenceNumber || string(rec.Data) != fmt.Sprint(i) || len(last) != 56 || *rec.SequenceNumber <= last {
				t.Errorf("record %d: got %s %q, want %s, greater than %s", i, *rec.SequenceNumber, rec.Data, *many.Records[i].SequenceNumber, last)
			}
			last = *rec.SequenceNumber
		}
		if got := r.page(0); len(got) != 0 || r.next == nil {
			t.Errorf("at the tip of an open shard: got %d records, next %v, want none and an iterator", len(got), r.next)
		}
	})
}

// The keys' MD5 and explicit hash keys choose the shard, and the ranges meet
// without a gap.
func TestRouting(t *testing.T) {
	k := &awsfake.Kinesis{}
	c := streamClient(k)
	k.Create("s", 4)
	put := func(key string, hash *string) string {
		out, err := c.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: new("s"), PartitionKey: &key, ExplicitHashKey: hash, Data: []byte("x")})
		if err != nil {
			t.Fatal(err)
		}
		return *out.ShardId
	}
	for _, tt := range []struct {
		key, hash, want string
	}{
		{"a", "", shard0},  // 0cc175b9…
		{"b", "", shard2},  // 92eb5ffe…
		{"c", "", shard1},  // 4a8a08f0…
		{"d", "", shard2},  // 8277e091…
		{"12", "", shard3}, // c20ad4d7…
		{"a", "340282366920938463463374607431768211455", shard3},
		{"a", "85070591730234615865843651857942052863", shard0},
		{"a", "85070591730234615865843651857942052864", shard1},
		{"b", "0", shard0},
	} {
		var hash *string
		if tt.hash != "" {
			hash = &tt.hash
		}
		if got := put(tt.key, hash); got != tt.want {
			t.Errorf("key %q hash %q: got %s, want %s", tt.key, tt.hash, got, tt.want)
		}
	}
}

func TestIteratorsBeginWhereTheySay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &awsfake.Kinesis{}
		c := streamClient(k)
		k.Create("s", 1)
		start := k.Shards("s")[0].FirstSequence
		var seqs []string
		var times []time.Time
		for i := range 5 {
			times = append(times, time.Now())
			seqs = append(seqs, put(t, k, fmt.Sprint(i)))
			time.Sleep(time.Second)
		}
		type in = kinesis.GetShardIteratorInput
		for _, tt := range []struct {
			name string
			in   in
			want string
		}{
			{"TRIM_HORIZON", in{ShardIteratorType: types.ShardIteratorTypeTrimHorizon}, "01234"},
			{"LATEST", in{ShardIteratorType: types.ShardIteratorTypeLatest}, ""},
			{"AT a number", in{ShardIteratorType: types.ShardIteratorTypeAtSequenceNumber, StartingSequenceNumber: &seqs[2]}, "234"},
			{"AFTER a number", in{ShardIteratorType: types.ShardIteratorTypeAfterSequenceNumber, StartingSequenceNumber: &seqs[2]}, "34"},
			{"AT the shard's start", in{ShardIteratorType: types.ShardIteratorTypeAtSequenceNumber, StartingSequenceNumber: &start}, "01234"},
			{"AFTER the last", in{ShardIteratorType: types.ShardIteratorTypeAfterSequenceNumber, StartingSequenceNumber: &seqs[4]}, ""},
			{"AT a record's time", in{ShardIteratorType: types.ShardIteratorTypeAtTimestamp, Timestamp: &times[3]}, "34"},
			{"AT a millisecond later", in{ShardIteratorType: types.ShardIteratorTypeAtTimestamp, Timestamp: new(times[3].Add(time.Millisecond))}, "4"},
			{"AT a time before all", in{ShardIteratorType: types.ShardIteratorTypeAtTimestamp, Timestamp: new(times[0].Add(-time.Hour))}, "01234"},
			{"AT now", in{ShardIteratorType: types.ShardIteratorTypeAtTimestamp, Timestamp: new(time.Now())}, ""},
		} {
			if got := strings.Join(readerOf(t, c, shard0, tt.in).texts(0), ""); got != tt.want {
				t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
			}
		}

		latest := readerOf(t, c, shard0, in{ShardIteratorType: types.ShardIteratorTypeLatest})
		put(t, k, "new")
		wantTexts(t, "LATEST, then a record", latest.texts(0), "new")
	})
}

func TestIteratorLivesFiveMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &awsfake.Kinesis{}
		c := streamClient(k)
		k.Create("s", 1)
		put(t, k, "a")
		r := readerOf(t, c, shard0, kinesis.GetShardIteratorInput{})
		old := r.next
		time.Sleep(5 * time.Minute)
		wantTexts(t, "at five minutes", r.texts(0), "a")
		time.Sleep(time.Nanosecond)
		_, err := c.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: old})
		wantCode(t, "a nanosecond later", err, "ExpiredIteratorException")
		put(t, k, "b")
		wantTexts(t, "the iterator of the page", r.texts(0), "b")

		before := r.next
		k.ExpireIterators("s")
		_, err = c.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: before})
		wantCode(t, "after ExpireIterators", err, "ExpiredIteratorException")
		readerOf(t, c, shard0, kinesis.GetShardIteratorInput{}).page(0)
	})
}

func TestRecordsAndClosedShardsGoAfterRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &awsfake.Kinesis{}
		c := streamClient(k)
		k.Create("s", 1)
		first := put(t, k, "a")
		time.Sleep(time.Hour)
		second := put(t, k, "b")
		closed := time.Now()
		left, right := k.Split("s", shard0)
		time.Sleep(23*time.Hour - time.Millisecond)
		wantTexts(t, "a millisecond before", readerOf(t, c, shard0, kinesis.GetShardIteratorInput{}).texts(0), "a", "b")
		held := readerOf(t, c, shard0, kinesis.GetShardIteratorInput{})
		time.Sleep(time.Millisecond)
		wantTexts(t, "an iterator whose record is gone", held.texts(1), "b")
		wantTexts(t, "a position that is gone",
			readerOf(t, c, shard0, kinesis.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeAtSequenceNumber, StartingSequenceNumber: &first}).texts(0), "b")
		at := readerOf(t, c, shard0, kinesis.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeAtSequenceNumber, StartingSequenceNumber: &second}).page(0)
		if len(at) != 1 || *at[0].SequenceNumber != second {
			t.Errorf("AT the number of a record behind the gone one: got %d records, want the one of %s", len(at), second)
		}
		after := readerOf(t, c, shard0, kinesis.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeAfterSequenceNumber, StartingSequenceNumber: &second})
		if n := len(after.page(0)); n != 0 || after.next != nil {
			t.Errorf("AFTER it: got %d records, next %v, want the end", n, after.next)
		}

		time.Sleep(time.Until(closed.Add(24*time.Hour - time.Millisecond)))
		r := readerOf(t, c, shard0, kinesis.GetShardIteratorInput{})
		if got := listed(t, c, nil); !slices.Equal(got, []string{shard0, left, right}) {
			t.Errorf("shards before the end of retention: %v", got)
		}
		time.Sleep(time.Millisecond)
		if got := listed(t, c, nil); !slices.Equal(got, []string{left, right}) {
			t.Errorf("shards after retention: %v, want only the children", got)
		}
		if p := k.Shards("s")[0].Parents; !slices.Equal(p, []string{shard0}) {
			t.Errorf("parents of %s: %v, want the one that is gone", left, p)
		}
		_, err := c.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: r.next})
		wantCode(t, "GetRecords of a shard that is gone", err, "ResourceNotFoundException")
		_, err = c.GetShardIterator(t.Context(), &kinesis.GetShardIteratorInput{StreamName: new("s"), ShardId: new(shard0), ShardIteratorType: "TRIM_HORIZON"})
		wantCode(t, "GetShardIterator of a shard that is gone", err, "ResourceNotFoundException")
	})
}

func TestRetentionCanBeChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &awsfake.Kinesis{}
		c := streamClient(k)
		k.Create("s", 1)
		put(t, k, "a")
		time.Sleep(20 * time.Hour)
		put(t, k, "b")
		if _, err := c.IncreaseStreamRetentionPeriod(t.Context(), &kinesis.IncreaseStreamRetentionPeriodInput{StreamName: new("s"), RetentionPeriodHours: new(int32(48))}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Hour)
		wantTexts(t, "after 40 of 48 hours", readerOf(t, c, shard0, kinesis.GetShardIteratorInput{}).texts(0), "a", "b")
		if _, err := c.DecreaseStreamRetentionPeriod(t.Context(), &kinesis.DecreaseStreamRetentionPeriodInput{StreamName: new("s"), RetentionPeriodHours: new(int32(24))}); err != nil {
			t.Fatal(err)
		}
		wantTexts(t, "after 40 hours of 24", readerOf(t, c, shard0, kinesis.GetShardIteratorInput{}).texts(0), "b")
	})
}

func TestPageBounds(t *testing.T) {
	k := &awsfake.Kinesis{}
	c := streamClient(k)
	k.Create("s", 1)
	for range 12 {
		k.Put("s", "0123456789", bytes.Repeat([]byte{'x'}, 1<<20-10))
	}
	r := readerOf(t, c, shard0, kinesis.GetShardIteratorInput{})
	if got := len(r.page(0)); got != 10 || *r.last.MillisBehindLatest == 0 {
		t.Errorf("page of 12 MiB: got %d records of 1 MiB, %d ms behind, want 10 and some", got, *r.last.MillisBehindLatest)
	}
	if got := len(r.page(0)); got != 2 || *r.last.MillisBehindLatest != 0 {
		t.Errorf("second page: got %d records, %d ms behind, want 2 and 0", got, *r.last.MillisBehindLatest)
	}
	for range 10_001 {
		k.Put("s", "k", nil)
	}
	if got := len(r.page(0)); got != 10_000 {
		t.Errorf("page of 10,001 records: got %d, want 10,000", got)
	}
	if got := len(r.page(10_000)); got != 1 {
		t.Errorf("last page: got %d records, want 1", got)
	}
}
