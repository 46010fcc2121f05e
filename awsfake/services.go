package awsfake

import (
	"net/http"
	"strings"
)

// Services is both fakes at one address, told apart by the operation that a
// request names. A nil fake knows no operation.
type Services struct {
	// Kinesis serves the operations of Kinesis Data Streams.
	Kinesis *Kinesis
	// DynamoDB serves those of DynamoDB.
	DynamoDB *DynamoDB
}

// ServeHTTP passes the request to the service that it is for.
func (s *Services) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	target := r.Header.Get("X-Amz-Target")
	switch {
	case s.DynamoDB != nil && strings.HasPrefix(target, "DynamoDB_"):
		s.DynamoDB.ServeHTTP(w, r)
	case s.Kinesis != nil && strings.HasPrefix(target, "Kinesis_"):
		s.Kinesis.ServeHTTP(w, r)
	default:
		h := http.Header{"Content-Type": {"application/x-amz-json-1.0"}}
		write(w, r, &reply{status: 400, header: h, body: []byte(`{"__type":"` + codeUnknown + `"}`)})
	}
}
