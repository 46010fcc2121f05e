package awsfake

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Faults is the fault layer of the fakes before another server, such as an
// httputil.ReverseProxy to DynamoDB Local. The same Script does the same there,
// but for the faults that need to see into the service: a call that meets Stale,
// Torn or Unprocessed is answered with an InternalServerError that says so.
//
// A call is applied whole once it is passed on: the caller's giving up does not
// reach the other server. A reply that streams (SubscribeToShard) is passed on
// as it comes, after what befalls the call before it is applied.
type Faults struct {
	// Next is the server behind. It is set before the first call.
	Next http.Handler

	// Script, Trace and Latency are as those of [DynamoDB]. The trace has the
	// units that the other server said, and none if the caller did not ask for
	// them; [Call.Key] of a PutItem is known once the layer has seen an answer
	// that describes the table.
	Script  Script
	Trace   func(Result)
	Latency time.Duration

	front   front
	mu      sync.Mutex // guards schemas
	schemas map[string][]string
}

// SetScript replaces the script; nil passes every call.
func (f *Faults) SetScript(s Script) { f.front.setScript(s) }

// ServeHTTP serves one request of DynamoDB or Kinesis.
func (f *Faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	service := "DynamoDB"
	if strings.HasPrefix(r.Header.Get("X-Amz-Target"), "Kinesis_") {
		service = "Kinesis"
	}
	f.front.serve(w, r, faultsBackend{f, service})
}

// A faultsBackend is the other server behind the front.
type faultsBackend struct {
	*Faults
	service string
}

func (b faultsBackend) settings() settings {
	return settings{b.service, b.Script, b.Trace, b.Latency}
}

func (b faultsBackend) read(r *request) {
	in := r.input()
	for _, name := range []string{"TableName", "StreamName", "StreamARN"} {
		if s, ok := in[name].(string); ok && r.Resource == "" {
			r.Resource = s[strings.LastIndex(s, "/")+1:]
		}
	}
	if m, ok := in["RequestItems"].(map[string]any); ok && len(m) == 1 {
		for name := range m {
			r.Resource = name
		}
	}
	if shard, ok := in["ShardId"].(string); ok {
		r.Key = shard
		return
	}
	key, ok := in["Key"].(map[string]any)
	if !ok {
		key, ok = in["Item"].(map[string]any)
	}
	if !ok {
		return
	}
	b.mu.Lock()
	names := b.schemas[r.Resource]
	b.mu.Unlock()
	if names == nil && in["Item"] == nil && len(key) == 1 {
		for name := range key {
			names = []string{name}
		}
	}
	var parts []string
	for _, name := range names {
		v, _ := key[name].(map[string]any)
		for _, s := range v {
			if s, ok := s.(string); ok {
				parts = append(parts, s)
			}
		}
	}
	r.Key = strings.Join(parts, "/")
}

// apply has the other server serve r. A streamed reply is left to write.
func (b faultsBackend) apply(r *request) *reply {
	if r.fault.Stale > 0 || r.fault.Torn > 0 || r.fault.Unprocessed > 0 {
		return b.fail(r, Fault{Code: codeInternal, Status: 500, Message: "Stale, Torn and Unprocessed need the fake itself"})
	}
	in := r.http.Clone(context.WithoutCancel(r.http.Context()))
	in.Body, in.ContentLength = io.NopCloser(bytes.NewReader(r.body)), int64(len(r.body))
	if r.Operation == "SubscribeToShard" {
		return &reply{direct: func(w http.ResponseWriter) { b.Next.ServeHTTP(w, in.WithContext(r.http.Context())) }}
	}
	w := &recorder{header: http.Header{}}
	if err := w.run(b.Next, in); err != nil {
		return &reply{broken: err}
	}
	w.WriteHeader(http.StatusOK)
	rep := &reply{status: w.status, header: w.sent, body: w.body.Bytes(), broken: w.broken}
	b.learn(r, rep)
	return rep
}

// learn reads an answer: its error code, its units, and the key of a table.
func (b faultsBackend) learn(r *request, rep *reply) {
	var out struct {
		Type                    string `json:"__type"`
		ConsumedCapacity        json.RawMessage
		Table, TableDescription struct {
			TableName string
			KeySchema []struct{ AttributeName string }
		}
	}
	if json.Unmarshal(rep.body, &out) != nil {
		return // CBOR, or no answer of the service's
	}
	if rep.status != http.StatusOK {
		rep.code = out.Type[strings.LastIndex(out.Type, "#")+1:]
	}
	type consumed struct{ CapacityUnits float64 }
	var all []consumed
	if one := (consumed{}); json.Unmarshal(out.ConsumedCapacity, &all) != nil && json.Unmarshal(out.ConsumedCapacity, &one) == nil {
		all = append(all, one)
	}
	for _, c := range all {
		switch r.Operation {
		case "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems":
			rep.writeUnits += c.CapacityUnits
		default:
			rep.readUnits += c.CapacityUnits
		}
	}
	t := out.Table
	if t.TableName == "" {
		t = out.TableDescription
	}
	if t.TableName == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.schemas == nil {
		b.schemas = map[string][]string{}
	}
	b.schemas[t.TableName] = nil
	for _, k := range t.KeySchema {
		b.schemas[t.TableName] = append(b.schemas[t.TableName], k.AttributeName)
	}
}

func (b faultsBackend) fail(r *request, f Fault) *reply {
	if b.service == "Kinesis" {
		return kinesisBackend{}.fail(r, f)
	}
	return dynamoBackend{}.fail(r, f)
}
