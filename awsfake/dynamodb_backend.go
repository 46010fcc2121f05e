package awsfake

import (
	"encoding/json"
	"hash/crc32"
	"net/http"
	"strconv"

	"github.com/leasehold/leasehold/awsfake/internal/ddb"
)

// A dynamoBackend is the part of DynamoDB behind the front.
type dynamoBackend struct{ *DynamoDB }

func (b dynamoBackend) settings() settings {
	return settings{"DynamoDB", b.Script, b.Trace, b.Latency}
}

func (b dynamoBackend) read(r *request) {
	op, err := ddb.Decode(r.Operation, r.body)
	if err != nil {
		r.parsed = err
		return
	}
	r.parsed = op
	r.Resource, r.Key = b.db.Address(op)
}

func (b dynamoBackend) apply(r *request) *reply {
	op, ok := r.parsed.(ddb.Op)
	if !ok {
		return dynamoError(r.parsed.(*ddb.Error))
	}
	out, err := b.db.Do(op, ddb.Options{
		TableTakes: b.TableTakes,
		IndexTakes: b.IndexTakes,
		IndexLag:   b.IndexLag,
		ReadLag:    b.ReadLag,
		TTLTakes:   b.ttlTakes(),
		Host:       r.http.Host,

		Limits:       b.Limits,
		AccountUnits: b.accountUnits(),
		Unprocessed:  r.fault.Unprocessed,
		History:      b.history(),
		Stale:        r.fault.Stale,
		Torn:         r.fault.Torn,
	})
	if err != nil {
		return dynamoError(err)
	}
	rep := dynamoReply(http.StatusOK, out.Body)
	rep.readUnits, rep.writeUnits = out.ReadUnits, out.WriteUnits
	return rep
}

func (b dynamoBackend) fail(r *request, f Fault) *reply {
	return dynamoError(&ddb.Error{Code: f.Code, Message: f.message(), Status: f.status()})
}

func dynamoError(err *ddb.Error) *reply {
	status := err.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	rep := dynamoReply(status, err)
	rep.code = err.Code
	rep.readUnits, rep.writeUnits = err.ReadUnits, err.WriteUnits
	return rep
}

// dynamoReply encodes v. The checksum is part of the protocol: the SDK for Go
// verifies it.
func dynamoReply(status int, v any) *reply {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // everything the engine returns can be encoded
	}
	return &reply{
		status: status,
		header: http.Header{
			"Content-Type": {"application/x-amz-json-1.0"},
			"X-Amz-Crc32":  {strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10)},
		},
		body: body,
	}
}
