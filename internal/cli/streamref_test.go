package cli

import (
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/leasehold/leasehold/awsfake"
)

// A stream that is given by ARN may be another account's: every call says so.
func TestStreamIsAskedForByItsARN(t *testing.T) {
	f := newFakes()
	server := httptest.NewServer(f.services)
	defer server.Close()
	f.services.Kinesis.Create("orders", 1)
	f.services.Kinesis.Put("orders", "k", []byte("data"))
	const arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/orders"
	var calls atomic.Int64
	f.services.Kinesis.SetScript(func(c awsfake.Call) awsfake.Fault {
		calls.Add(1)
		if got := c.Input()["StreamARN"]; got != arn {
			t.Errorf("%s of stream %v, want %s", c.Operation, got, arn)
		}
		return awsfake.Fault{}
	})
	for _, args := range [][]string{
		{"consume", arn, "--from", "trim-horizon", "-n", "1"},
		{"consume", arn, "--app", "mailer", "-n", "1"},
		{"shards", "list", arn},
		{"leases", "list", "-a", "mailer", "-s", arn},
	} {
		calls.Store(0)
		if status, _, errs := run(t, environment("AWS_ENDPOINT_URL="+server.URL), args...); status != 0 || calls.Load() == 0 {
			t.Errorf("%q: exit code %d after %d calls\n%s", args, status, calls.Load(), errs)
		}
	}
}
