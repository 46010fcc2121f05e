package awsfake_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/leasehold/leasehold/awsfake"
)

// call sends a body and returns the status, headers and body of the answer.
func call(k http.Handler, operation, kind string, body []byte) (int, http.Header, []byte) {
	r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
	r.Header.Set("X-Amz-Target", "Kinesis_20131202."+operation)
	r.Header.Set("Content-Type", kind)
	w := httptest.NewRecorder()
	k.ServeHTTP(w, r)
	return w.Code, w.Header(), w.Body.Bytes()
}

func TestErrorsOfStreams(t *testing.T) {
	k := &awsfake.Kinesis{}
	c := streamClient(k)
	k.Create("s", 2)
	iterator := *readerOf(t, c, shard0, kinesis.GetShardIteratorInput{}).next
	long, large := strings.Repeat("x", 257), base64.StdEncoding.EncodeToString(make([]byte, 1<<20))
	entry := `{"Data":"eA==","PartitionKey":"k"}`
	last := k.Shards("s")[1].FirstSequence
	for _, tt := range []struct {
		name, operation, body, code string
	}{
		{"unknown operation", "Dance", `{}`, "UnknownOperationException"},
		{"no JSON", "ListShards", `{`, "SerializationException"},
		{"nothing", "ListShards", ``, "SerializationException"},
		{"wrong type", "GetRecords", `{"ShardIterator":7}`, "SerializationException"},
		{"data that is no base64", "PutRecord", `{"StreamName":"s","PartitionKey":"k","Data":"%%"}`, "SerializationException"},
		{"no stream", "ListShards", `{"StreamName":"none"}`, "ResourceNotFoundException"},
		{"no name", "ListShards", `{}`, "InvalidArgumentException"},
		{"a name of other letters", "DescribeStream", `{"StreamName":"a b"}`, "ValidationException"},
		{"name and ARN differ", "DescribeStream", `{"StreamName":"s","StreamARN":"arn:aws:kinesis:eu-west-1:1:stream/t"}`, "InvalidArgumentException"},
		{"an ARN that is none", "DescribeStream", `{"StreamARN":"stream/s"}`, "ValidationException"},
		{"no shard", "GetShardIterator", `{"StreamName":"s","ShardId":"shardId-000000000009","ShardIteratorType":"LATEST"}`, "ResourceNotFoundException"},
		{"a shard's ID that is none", "GetShardIterator", `{"StreamName":"s","ShardId":"nine","ShardIteratorType":"LATEST"}`, "ResourceNotFoundException"},
		{"an iterator type that is none", "GetShardIterator", `{"StreamName":"s","ShardId":"` + shard0 + `","ShardIteratorType":"MIDDLE"}`, "ValidationException"},
		{"AT without a number", "GetShardIterator", `{"StreamName":"s","ShardId":"` + shard0 + `","ShardIteratorType":"AT_SEQUENCE_NUMBER"}`, "InvalidArgumentException"},
		{"AT a number that is none", "GetShardIterator", `{"StreamName":"s","ShardId":"` + shard0 + `","ShardIteratorType":"AT_SEQUENCE_NUMBER","StartingSequenceNumber":"12"}`, "InvalidArgumentException"},
		{"AT another shard's number", "GetShardIterator", `{"StreamName":"s","ShardId":"` + shard0 + `","ShardIteratorType":"AT_SEQUENCE_NUMBER","StartingSequenceNumber":"` + last + `"}`, "InvalidArgumentException"},
		{"AT_TIMESTAMP without one", "GetShardIterator", `{"StreamName":"s","ShardId":"` + shard0 + `","ShardIteratorType":"AT_TIMESTAMP"}`, "InvalidArgumentException"},
		{"AT_TIMESTAMP to come", "GetShardIterator", `{"StreamName":"s","ShardId":"` + shard0 + `","ShardIteratorType":"AT_TIMESTAMP","Timestamp":1e300}`, "InvalidArgumentException"},
		{"no iterator", "GetRecords", `{}`, "ValidationException"},
		{"an iterator that is none", "GetRecords", `{"ShardIterator":"AAAA"}`, "InvalidArgumentException"},
		{"limit 0", "GetRecords", `{"ShardIterator":"` + iterator + `","Limit":0}`, "ValidationException"},
		{"limit too great", "GetRecords", `{"ShardIterator":"` + iterator + `","Limit":10001}`, "InvalidArgumentException"},
		{"iterator of another stream", "GetRecords", `{"ShardIterator":"` + iterator + `","StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/t"}`, "InvalidArgumentException"},
		{"no key", "PutRecord", `{"StreamName":"s","Data":"eA=="}`, "ValidationException"},
		{"an empty key", "PutRecord", `{"StreamName":"s","Data":"eA==","PartitionKey":""}`, "ValidationException"},
		{"a long key", "PutRecord", `{"StreamName":"s","Data":"eA==","PartitionKey":"` + long + `"}`, "ValidationException"},
		{"no data", "PutRecord", `{"StreamName":"s","PartitionKey":"k"}`, "ValidationException"},
		{"large data", "PutRecord", `{"StreamName":"s","PartitionKey":"k","Data":"` + large + `"}`, "ValidationException"},
		{"a hash key that is none", "PutRecord", `{"StreamName":"s","PartitionKey":"k","Data":"","ExplicitHashKey":"340282366920938463463374607431768211456"}`, "InvalidArgumentException"},
		{"an order that is none", "PutRecord", `{"StreamName":"s","PartitionKey":"k","Data":"","SequenceNumberForOrdering":"x"}`, "InvalidArgumentException"},
		{"no records", "PutRecords", `{"StreamName":"s","Records":[]}`, "ValidationException"},
		{"501 records", "PutRecords", `{"StreamName":"s","Records":[` + strings.Repeat(entry+",", 500) + entry + `]}`, "ValidationException"},
		{"one of two is wrong", "PutRecords", `{"StreamName":"s","Records":[` + entry + `,{"Data":""}]}`, "ValidationException"},
		{"stream exists", "CreateStream", `{"StreamName":"s","ShardCount":1}`, "ResourceInUseException"},
		{"no shards", "CreateStream", `{"StreamName":"t","ShardCount":0}`, "ValidationException"},
		{"shards not said", "CreateStream", `{"StreamName":"t"}`, "ValidationException"},
		{"AUTO with provisioned shards", "CreateStream", `{"StreamName":"t","ShardCount":1,"RecordDistributionStrategy":"AUTO"}`, "InvalidArgumentException"},
		{"split at the start", "SplitShard", `{"StreamName":"s","ShardToSplit":"` + shard0 + `","NewStartingHashKey":"0"}`, "InvalidArgumentException"},
		{"split one after the start", "SplitShard", `{"StreamName":"s","ShardToSplit":"` + shard0 + `","NewStartingHashKey":"1"}`, "InvalidArgumentException"},
		{"split at the end", "SplitShard", `{"StreamName":"s","ShardToSplit":"` + shard1 + `","NewStartingHashKey":"340282366920938463463374607431768211455"}`, "InvalidArgumentException"},
		{"split outside", "SplitShard", `{"StreamName":"s","ShardToSplit":"` + shard1 + `","NewStartingHashKey":"5"}`, "InvalidArgumentException"},
		{"split at nothing", "SplitShard", `{"StreamName":"s","ShardToSplit":"` + shard1 + `","NewStartingHashKey":"x"}`, "ValidationException"},
		{"merge with itself", "MergeShards", `{"StreamName":"s","ShardToMerge":"` + shard0 + `","AdjacentShardToMerge":"` + shard0 + `"}`, "InvalidArgumentException"},
		{"scale to more than double", "UpdateShardCount", `{"StreamName":"s","TargetShardCount":5,"ScalingType":"UNIFORM_SCALING"}`, "LimitExceededException"},
		{"retention under a day", "DecreaseStreamRetentionPeriod", `{"StreamName":"s","RetentionPeriodHours":1}`, "InvalidArgumentException"},
		{"a token that is none", "ListShards", `{"NextToken":"x"}`, "InvalidArgumentException"},
		{"an iterator as token", "ListShards", `{"NextToken":"` + iterator + `"}`, "InvalidArgumentException"},
		{"the stream of another time", "ListShards", `{"StreamName":"s","StreamCreationTimestamp":1.5}`, "ResourceNotFoundException"},
	} {
		status, h, body := call(k, tt.operation, "application/x-amz-json-1.1", []byte(tt.body))
		var answer struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}
		if err := json.Unmarshal(body, &answer); err != nil || status != 400 || answer.Type != tt.code || answer.Message == "" {
			t.Errorf("%s: got %d %s, want 400 %s and a message", tt.name, status, body, tt.code)
		}
		if h.Get("X-Amzn-Requestid") == "" || h.Get("Content-Type") != "application/x-amz-json-1.1" {
			t.Errorf("%s: headers %v", tt.name, h)
		}
	}
	for i := range iterator {
		letter := "A"
		if iterator[i] == 'A' {
			letter = "B"
		}
		_, err := c.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: new(iterator[:i] + letter + iterator[i+1:])})
		wantCode(t, "an iterator with a letter changed", err, "InvalidArgumentException")
	}
	if n := len(readerOf(t, c, shard0, kinesis.GetShardIteratorInput{}).page(0)); n != 0 {
		t.Errorf("%d records of refused requests were stored", n)
	}
}

// Largest records and keys that are still allowed.
func TestSizesThatAreAllowed(t *testing.T) {
	k := &awsfake.Kinesis{}
	c := streamClient(k)
	k.Create("s", 1)
	key := strings.Repeat("☃", 256)
	put := func(n int) error {
		_, err := c.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: new("s"), PartitionKey: &key, Data: make([]byte, n-len(key))})
		return err
	}
	if err := put(1 << 20); err != nil {
		t.Errorf("1 MiB with its key: %v", err)
	}
	wantCode(t, "one byte more", put(1<<20+1), "ValidationException")
	arn := "arn:aws:kinesis:us-east-1:000000000000:stream/s"
	if _, err := c.UpdateMaxRecordSize(t.Context(), &kinesis.UpdateMaxRecordSizeInput{StreamARN: &arn, MaxRecordSizeInKiB: new(int32(10240))}); err != nil {
		t.Fatal(err)
	}
	if err := put(10 << 20); err != nil {
		t.Errorf("10 MiB with its key: %v", err)
	}
	_, err := c.PutRecords(t.Context(), &kinesis.PutRecordsInput{StreamName: new("s"), Records: []types.PutRecordsRequestEntry{
		{PartitionKey: &key, Data: make([]byte, 10<<20-len(key))}, {PartitionKey: new("k"), Data: []byte{}},
	}})
	wantCode(t, "more than 10 MiB in all", err, "InvalidArgumentException")
}

// What a client in CBOR sends and gets: milliseconds in tag 1, bytes as bytes.
func TestCBOR(t *testing.T) {
	const kind = "application/x-amz-cbor-1.1"
	k := &awsfake.Kinesis{}
	k.Create("s", 1)
	do := func(operation string, in cbor.Map) cbor.Map {
		t.Helper()
		status, h, body := call(k, operation, kind, cbor.Encode(in))
		v, err := cbor.Decode(body)
		if err != nil || status != 200 || h.Get("Content-Type") != kind {
			t.Fatalf("%s: %d %v %x: %v", operation, status, h, body, err)
		}
		return v.(cbor.Map)
	}
	data := bytes.Repeat([]byte{0, 0xff}, 40_000)
	before := time.Now().UnixMilli()
	put := do("PutRecord", cbor.Map{"StreamName": cbor.String("s"), "PartitionKey": cbor.String("ké"), "Data": cbor.Slice(data)})
	it := do("GetShardIterator", cbor.Map{"StreamName": cbor.String("s"), "ShardId": put["ShardId"], "ShardIteratorType": cbor.String("AT_TIMESTAMP"),
		"Timestamp": &cbor.Tag{ID: 1, Value: cbor.Uint(before)}})
	page := do("GetRecords", cbor.Map{"ShardIterator": it["ShardIterator"], "Limit": cbor.Uint(10)})
	rec := page["Records"].(cbor.List)[0].(cbor.Map)
	at := rec["ApproximateArrivalTimestamp"].(*cbor.Tag)
	if !bytes.Equal(rec["Data"].(cbor.Slice), data) || rec["PartitionKey"] != cbor.String("ké") || rec["SequenceNumber"] != put["SequenceNumber"] ||
		at.ID != 1 || int64(at.Value.(cbor.Uint)) < before || page["MillisBehindLatest"] != cbor.Uint(0) {
		t.Errorf("record: %v", rec)
	}
	if d := do("DescribeStream", cbor.Map{"StreamName": cbor.String("s")})["StreamDescription"].(cbor.Map); d["HasMoreShards"] != cbor.Bool(false) || len(d["Shards"].(cbor.List)) != 1 {
		t.Errorf("description: %v", d)
	}
	if out := do("DeleteStream", cbor.Map{"StreamName": cbor.String("s")}); len(out) != 0 {
		t.Errorf("answer without members: %v", out)
	}
	status, _, body := call(k, "ListShards", kind, cbor.Encode(cbor.Map{"StreamName": cbor.String("s")}))
	v, err := cbor.Decode(body)
	if err != nil || status != 400 || v.(cbor.Map)["__type"] != cbor.String("ResourceNotFoundException") {
		t.Errorf("error: %d %v, %v", status, v, err)
	}
}

// The same over a socket, with a page larger than any buffer.
func TestStreamOverHTTP(t *testing.T) {
	k := &awsfake.Kinesis{}
	k.Create("s", 1)
	for range 300 {
		k.Put("s", "k", make([]byte, 10_000))
	}
	srv := httptest.NewServer(k)
	defer srv.Close()
	post := func(operation, body string) map[string]any {
		r, err := http.NewRequestWithContext(t.Context(), "POST", srv.URL, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Target", "Kinesis_20131202."+operation)
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		resp, err := srv.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		var out map[string]any
		if err != nil || json.Unmarshal(b, &out) != nil {
			t.Fatalf("%s: %s, %v", operation, b, err)
		}
		return out
	}
	it := post("GetShardIterator", `{"StreamName":"s","ShardId":"`+shard0+`","ShardIteratorType":"TRIM_HORIZON"}`)["ShardIterator"].(string)
	if n := len(post("GetRecords", `{"ShardIterator":"`+it+`"}`)["Records"].([]any)); n != 300 {
		t.Errorf("got %d records, want 300", n)
	}
}

// FuzzKinesis sends anything as the body of any operation: there is an answer,
// in the form that was asked for.
func FuzzKinesis(f *testing.F) {
	operations := strings.Fields("AddTagsToStream CreateStream DescribeStream DescribeStreamSummary GetRecords GetShardIterator " +
		"IncreaseStreamRetentionPeriod ListShards ListStreams ListTagsForStream MergeShards PutRecord PutRecords SplitShard UpdateShardCount DescribeLimits")
	for i := range operations {
		f.Add(byte(i), false, []byte(`{"StreamName":"s"}`))
	}
	f.Add(byte(7), false, []byte(`{"StreamName":"s","ShardFilter":{"Type":"AT_TIMESTAMP","Timestamp":-1e400},"MaxResults":1}`))
	f.Add(byte(5), false, []byte(`{"StreamName":"s","ShardId":"shardId-0","ShardIteratorType":"AT_SEQUENCE_NUMBER","StartingSequenceNumber":"0"}`))
	f.Add(byte(12), true, cbor.Encode(cbor.Map{"StreamName": cbor.String("s"), "Records": cbor.List{cbor.Map{"Data": cbor.Slice("x"), "PartitionKey": cbor.String("k")}}}))
	f.Add(byte(7), true, []byte{0xbf, 0xff})
	f.Fuzz(func(t *testing.T, op byte, binary bool, in []byte) {
		k := &awsfake.Kinesis{Limits: true}
		k.Create("s", 2)
		k.Split("s", shard0)
		kind := "application/x-amz-json-1.1"
		if binary {
			kind = "application/x-amz-cbor-1.1"
		}
		status, _, body := call(k, operations[int(op)%len(operations)], kind, in)
		var err error
		if len(body) > 0 || binary {
			if _, err = cbor.Decode(body); !binary {
				err = json.Unmarshal(body, new(any))
			}
		}
		if err != nil || status != 200 && status != 400 {
			t.Errorf("answer %d %q: %v", status, body, err)
		}
	})
}

func BenchmarkGetRecords(b *testing.B) {
	k := &awsfake.Kinesis{}
	k.Create("s", 1)
	for range 10_000 {
		k.Put("s", "a-partition-key", make([]byte, 1000))
	}
	for _, kind := range []string{"json", "cbor"} {
		b.Run(kind, func(b *testing.B) {
			content := "application/x-amz-" + kind + "-1.1"
			_, _, out := call(k, "GetShardIterator", "application/x-amz-json-1.1", []byte(`{"StreamName":"s","ShardId":"`+shard0+`","ShardIteratorType":"TRIM_HORIZON"}`))
			var it struct{ ShardIterator string }
			if err := json.Unmarshal(out, &it); err != nil {
				b.Fatal(err)
			}
			in, err := json.Marshal(it)
			if err != nil {
				b.Fatal(err)
			}
			if kind == "cbor" {
				in = cbor.Encode(cbor.Map{"ShardIterator": cbor.String(it.ShardIterator)})
			}
			b.ReportAllocs()
			for b.Loop() {
				if status, _, out := call(k, "GetRecords", content, in); status != 200 || len(out) < 10_000_000 {
					b.Fatalf("%d, %d bytes", status, len(out))
				}
			}
		})
	}
}
