package awsfake_test

import (
	"net/http"
	"net/http/httputil"
	"net/url"

	"github.com/leasehold/leasehold/awsfake"
)

// The fault layer before DynamoDB Local: one call of twenty loses its reply or
// is throttled, the same ones each time.
func ExampleFaults() {
	local, _ := url.Parse("http://127.0.0.1:8000")
	layer := &awsfake.Faults{
		Next:   httputil.NewSingleHostReverseProxy(local),
		Script: awsfake.Random(1, 0.05, awsfake.LoseReply(), awsfake.Throttle()),
	}
	http.ListenAndServe("127.0.0.1:8001", layer)
}
