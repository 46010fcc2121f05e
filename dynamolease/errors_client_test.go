package dynamolease

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"github.com/leasehold/leasehold/lease"
)

// Failures on this side of the connection. They are all of one kind; what
// differs is whether they may pass.
func TestErrorsOfTheClient(t *testing.T) {
	unreached := doer(func(*http.Request) (*http.Response, error) { return nil, errors.New("not reached") })
	failing := func(err error) aws.HTTPClient {
		return doer(func(*http.Request) (*http.Response, error) { return nil, err })
	}
	static := credentials.NewStaticCredentialsProvider("AKID", "secret", "")
	without := func(err error) aws.CredentialsProvider {
		return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, err })
	}
	// A service that gives credentials, as its own client reports its errors.
	giver := func(service string, api error) error {
		return fmt.Errorf("refresh: %w", &smithy.OperationError{ServiceID: service, OperationName: "GetRoleCredentials", Err: api})
	}
	var serializer error = &smithy.SerializationError{Err: errors.New("cannot be written as JSON")}
	for _, tt := range []struct {
		name      string
		cfg       aws.Config
		retryable bool
		text      string
	}{
		{"no region", aws.Config{Credentials: static, HTTPClient: unreached}, false, "Missing Region"},
		{"empty credentials", aws.Config{Region: "us-east-1", HTTPClient: unreached,
			Credentials: credentials.NewStaticCredentialsProvider("", "", "")}, false, "static credentials are empty"},
		{"a request that cannot be written", aws.Config{Region: "us-east-1", Credentials: static, HTTPClient: unreached,
			APIOptions: []func(*middleware.Stack) error{failSerializing(serializer)}}, false, "cannot be written as JSON"},

		// No table is missing here, and nobody throttled the table.
		{"SSO knows no such account", aws.Config{Region: "us-east-1", HTTPClient: unreached,
			Credentials: without(giver("SSO", &smithy.GenericAPIError{Code: "ResourceNotFoundException", Message: "no account"}))},
			false, "operation error SSO: GetRoleCredentials, api error ResourceNotFoundException: no account"},
		{"STS refuses", aws.Config{Region: "us-east-1", HTTPClient: unreached,
			Credentials: without(giver("STS", &smithy.GenericAPIError{Code: "AccessDenied", Message: "not this role"}))},
			false, "operation error STS: GetRoleCredentials, api error AccessDenied: not this role"},
		{"STS throttles", aws.Config{Region: "us-east-1", HTTPClient: unreached,
			Credentials: without(giver("STS", &smithy.GenericAPIError{Code: "Throttling", Message: "slow down"}))},
			true, "operation error STS: GetRoleCredentials, api error Throttling: slow down"},
		{"STS is not reached", aws.Config{Region: "us-east-1", HTTPClient: unreached,
			Credentials: without(giver("STS", errReset))}, true, "operation error STS"},

		{"DNS is out of order", aws.Config{Region: "us-east-1", Credentials: static, HTTPClient: failing(
			&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "server misbehaving", IsTemporary: true}})}, true, "server misbehaving"},
		{"DNS does not answer", aws.Config{Region: "us-east-1", Credentials: static, HTTPClient: failing(
			&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "i/o timeout", IsTimeout: true}})}, true, "i/o timeout"},
		// For the client, a connection that was never made may always be made
		// later: a proxy between may be the one that is wrong.
		{"a certificate that nobody trusts", aws.Config{Region: "us-east-1", Credentials: static, HTTPClient: failing(
			x509.UnknownAuthorityError{})}, true, "unknown authority"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, call := range calls {
				err := call(t.Context(), New(dynamodb.NewFromConfig(tt.cfg), "orders"))
				if err := wantKind(err, lease.ErrDependency, tt.retryable); err != nil {
					t.Errorf("%s: %v", name, err)
					continue
				}
				if !strings.Contains(err.Error(), tt.text) {
					t.Errorf("%s: %v does not say %q", name, err, tt.text)
				}
			}
		})
	}
}

// failSerializing makes every request of a client fail before it is sent.
func failSerializing(err error) func(*middleware.Stack) error {
	return func(s *middleware.Stack) error {
		return s.Serialize.Add(middleware.SerializeMiddlewareFunc("fail", func(context.Context, middleware.SerializeInput, middleware.SerializeHandler) (
			out middleware.SerializeOutput, m middleware.Metadata, _ error) {
			return out, m, err
		}), middleware.Before)
	}
}

// A machine whose clock is wrong is refused, once: the client then signs by the
// service's clock. With the right time the same refusal means what it says.
func TestErrorsOfAWrongClock(t *testing.T) {
	for _, tt := range []struct {
		code      string
		off       time.Duration
		retryable bool
	}{
		{"InvalidSignatureException", time.Hour, true},
		{"InvalidSignatureException", -time.Hour, true},
		{"AccessDeniedException", time.Hour, true},
		{"InvalidSignatureException", time.Minute, false},
		{"ValidationException", time.Hour, false},
	} {
		var signed []string
		s := New(clientOver(doer(func(r *http.Request) (*http.Response, error) {
			signed = append(signed, r.Header.Get("X-Amz-Date"))
			resp := canned(r, 400, tt.code)
			resp.Header.Set("Date", time.Now().Add(tt.off).UTC().Format(http.TimeFormat))
			return resp, nil
		})), "orders")
		_, err := s.Get(t.Context(), "k")
		if err := wantKind(err, lease.ErrDependency, tt.retryable); err != nil {
			t.Errorf("%s, %v off: %v", tt.code, tt.off, err)
		}
		_, err = s.Get(t.Context(), "k")
		if err := wantKind(err, lease.ErrDependency, false); err != nil {
			t.Errorf("%s, %v off, again: %v", tt.code, tt.off, err)
		}
		if len(signed) != 2 {
			t.Fatalf("two calls made %d requests", len(signed))
		}
		first, err1 := time.Parse("20060102T150405Z", signed[0])
		second, err2 := time.Parse("20060102T150405Z", signed[1])
		if moved := second.Sub(first) - tt.off; err1 != nil || err2 != nil || moved.Abs() > time.Minute/2 {
			t.Errorf("%s, %v off: signed at %s, then at %s", tt.code, tt.off, signed[0], signed[1])
		}
	}
}

// What came of a call is what counts, also when its context has ended since.
func TestErrorsThatOutlastTheContext(t *testing.T) {
	for _, tt := range []struct {
		code      string
		kind      error
		retryable bool
	}{
		{"ThrottlingException", lease.ErrProvisionedThroughput, true},
		{"ResourceNotFoundException", lease.ErrInvalidState, false},
		{"ValidationException", lease.ErrDependency, false},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		s := New(clientOver(doer(func(r *http.Request) (*http.Response, error) {
			cancel()
			return canned(r, 400, tt.code), nil
		})), "orders")
		_, err := s.Get(ctx, "k")
		if err := wantKind(err, tt.kind, tt.retryable); err != nil {
			t.Errorf("%s: %v", tt.code, err)
		}
	}
}
