package emul

import (
	"io"
	"net/http"
)

// plainBody is a transport that hides every method of a request's body but Read
// and Close.
//
// The SDK closes a request's body as soon as the reply's headers arrive, and its
// WriteTo then returns io.EOF. When net/http has sent the body and looks for
// more of it with WriteTo, it takes that for a failed write, and drops the
// connection under the reply that is being read. Against a server on loopback
// this happens to a few replies of a hundred, large ones above all. Read returns
// io.EOF too, but as the end that it is.
type plainBody struct{ next http.RoundTripper }

func (p plainBody) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		// A copy: a RoundTripper must not change the request.
		r = r.WithContext(r.Context())
		r.Body = struct {
			io.Reader
			io.Closer
		}{r.Body, r.Body}
	}
	return p.next.RoundTrip(r)
}
