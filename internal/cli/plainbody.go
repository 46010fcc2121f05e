package cli

import (
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// plainBody sends requests whose body is a reader and nothing more.
//
// The SDK's request body has a WriteTo that returns io.EOF once the body is
// closed, and the SDK closes it as soon as the reply's headers are there. If
// net/http then asks for more of the body, it takes that EOF for a failed write
// and drops the connection with the reply half read: "use of closed network
// connection". Over a network that is rare. Against a server on the same
// machine it hits some of every hundred large replies.
type plainBody struct{ next aws.HTTPClient }

// Do sends r.
func (c plainBody) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		clone := *r
		clone.Body = struct {
			io.Reader
			io.Closer
		}{r.Body, r.Body}
		r = &clone
	}
	return c.next.Do(r)
}
