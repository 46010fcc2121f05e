package dynamolease

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/leasehold/leasehold/lease"
)

// Every spelling of every failure, through the real client.
func TestErrorsByKind(t *testing.T) {
	throttled, missing, other := lease.ErrProvisionedThroughput, lease.ErrInvalidState, lease.ErrDependency
	type row struct {
		name      string
		reply     reply
		kind      error
		retryable bool
	}
	var rows []row
	for _, code := range []string{
		"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded", "Throttling", "ThrottledException",
		"RequestThrottled", "RequestThrottledException", "TooManyRequestsException", "LimitExceededException", "BandwidthLimitExceeded", "SlowDown",
	} {
		rows = append(rows, row{code, failed(400, code), throttled, true})
	}
	for _, code := range []string{
		"AccessDeniedException", "ValidationException", "UnrecognizedClientException", "ExpiredTokenException", "InvalidSignatureException",
		"IncompleteSignatureException", "MissingAuthenticationTokenException", "SerializationException", "UnknownOperationException",
		"ItemCollectionSizeLimitExceededException", "ResourceInUseException",
	} {
		rows = append(rows, row{code, failed(400, code), other, false})
	}
	for _, code := range []string{
		"TransactionConflictException", "TransactionInProgressException", "ReplicatedWriteConflictException", "RequestTimeout", "RequestTimeoutException",
	} {
		rows = append(rows, row{code, failed(400, code), other, true})
	}
	rows = append(rows,
		row{"missing table", failed(400, "ResourceNotFoundException"), missing, false},
		row{"throttled by a front end", reply{status: 429, body: "slow down"}, throttled, true},
		row{"throttled by a proxy, with a status of 503", failed(503, "ThrottlingException"), throttled, true},
		row{"internal", failed(500, "InternalServerError"), other, true},
		row{"unavailable", failed(503, "ServiceUnavailable"), other, true},
		row{"a proxy's page", reply{status: 502, body: "<html>Bad gateway</html>"}, other, true},
		row{"a proxy that denies", reply{status: 403, body: "<html>no</html>"}, other, false},
		row{"garbled success", ok(`{"Item":`), other, true},
		row{"cut off", reply{err: io.ErrUnexpectedEOF}, other, true},
		row{"connection reset", reply{err: errReset}, other, true},
		row{"connection refused", reply{err: &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}}, other, true},
		row{"no such host", reply{err: &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}}, other, false},
		row{"a timeout of the HTTP client", reply{err: timeout{}}, other, true},
	)
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			for name, call := range calls {
				// CreateTable looks first, and what that says is no answer.
				if name == "CreateTable" && tt.kind == missing {
					continue
				}
				if (name == "CreateTable" || name == "CreateIndex") && tt.name == "ResourceInUseException" {
					continue
				}
				if name == "DescribeTable" && tt.kind == missing {
					continue
				}
				replies := []reply{tt.reply}
				if name == "CreateTable" {
					replies = []reply{failed(400, "ResourceNotFoundException"), tt.reply}
				}
				s, _ := newWire(replies...)
				err := call(t.Context(), s)
				e, isError := errors.AsType[*lease.Error](err)
				if !isError {
					t.Errorf("%s: got %v, want a *lease.Error", name, err)
					continue
				}
				if e.Kind != tt.kind || e.Retryable != tt.retryable {
					t.Errorf("%s: got kind %q, retryable %v, want %q, %v (%v)", name, e.Kind, e.Retryable, tt.kind, tt.retryable, err)
				}
				matches := 0
				for _, k := range []error{throttled, missing, other} {
					if errors.Is(err, k) {
						matches++
					}
				}
				if matches != 1 {
					t.Errorf("%s: %v matches %d kinds", name, err, matches)
				}
				if tt.reply.err != nil && !errors.Is(err, tt.reply.err) {
					t.Errorf("%s: %v does not wrap its cause", name, err)
				}
			}
		})
	}
}

type timeout struct{}

func (timeout) Error() string   { return "Client.Timeout exceeded" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

// calls are all methods that ask the service.
var calls = map[string]func(context.Context, *Store) error{
	"CreateTable":   func(ctx context.Context, s *Store) error { _, err := s.CreateTable(ctx, 0, 0); return err },
	"DescribeTable": func(ctx context.Context, s *Store) error { _, err := s.DescribeTable(ctx); return err },
	"CreateIndex":   func(ctx context.Context, s *Store) error { return s.CreateIndex(ctx) },
	"Get":           func(ctx context.Context, s *Store) error { _, err := s.Get(ctx, "k"); return err },
	"Create": func(ctx context.Context, s *Store) error {
		_, _, err := s.Create(ctx, lease.Lease{Key: "k", Checkpoint: lease.Latest})
		return err
	},
	"Change": func(ctx context.Context, s *Store) error {
		_, _, err := s.Change(ctx, "k", lease.Cond{}, lease.Set{Bump: true})
		return err
	},
	"Delete": func(ctx context.Context, s *Store) error { _, err := s.Delete(ctx, "k", lease.Cond{}); return err },
	"Scan":   func(ctx context.Context, s *Store) error { _, err := s.Scan(ctx); return err },
	"KeysOf": func(ctx context.Context, s *Store) error { _, err := s.KeysOf(ctx, "w"); return err },
	"PutWorker": func(ctx context.Context, s *Store) error {
		_, _, err := s.PutWorker(ctx, lease.Worker{ID: "w"}, nil)
		return err
	},
	"DeleteWorker":     func(ctx context.Context, s *Store) error { _, err := s.DeleteWorker(ctx, "w", "n"); return err },
	"GetLock":          func(ctx context.Context, s *Store) error { _, err := s.GetLock(ctx); return err },
	"GetClientVersion": func(ctx context.Context, s *Store) error { _, err := s.GetClientVersion(ctx); return err },
	"ReleaseLock":      func(ctx context.Context, s *Store) error { _, err := s.ReleaseLock(ctx, "w", "v"); return err },
	"TakeLock": func(ctx context.Context, s *Store) error {
		_, _, err := s.TakeLock(ctx, lease.Lock{Owner: "w", Version: "v"}, "")
		return err
	},
	"RenewLock": func(ctx context.Context, s *Store) error {
		_, _, err := s.RenewLock(ctx, lease.Lock{Owner: "w", Version: "v"}, "u")
		return err
	},
	"CreateClientVersion": func(ctx context.Context, s *Store) error {
		_, err := s.CreateClientVersion(ctx, lease.Version3X, "w", time.UnixMilli(1))
		return err
	},
}

// A call whose context is done ends with the context's error, whatever the
// client makes of it.
func TestErrorsOfContexts(t *testing.T) {
	hang := doer(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, errors.New("client gave up for a reason of its own")
	})
	for _, tt := range []struct {
		name      string
		ctx       func() (context.Context, context.CancelFunc)
		want      error
		retryable bool
	}{
		{"cancelled before", func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return ctx, cancel
		}, context.Canceled, false},
		{"over before", func() (context.Context, context.CancelFunc) {
			return context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
		}, context.DeadlineExceeded, true},
		{"deadline", func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(t.Context(), time.Millisecond)
		}, context.DeadlineExceeded, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, call := range calls {
				s := New(clientOver(hang), "orders")
				ctx, cancel := tt.ctx()
				err := call(ctx, s)
				cancel()
				e, isError := errors.AsType[*lease.Error](err)
				if !isError || e.Kind != lease.ErrDependency || e.Retryable != tt.retryable || !errors.Is(err, tt.want) {
					t.Errorf("%s: got %#v (%v), want kind %q, retryable %v, cause %v", name, e, err, lease.ErrDependency, tt.retryable, tt.want)
				}
				if !strings.HasSuffix(err.Error(), "cannot be used: "+tt.want.Error()) {
					t.Errorf("%s: %q says more than %q", name, err, tt.want)
				}
			}
		})
	}
}

// What a person reads.
func TestErrorsAreReadable(t *testing.T) {
	renew := func(s *Store) error {
		_, _, err := s.Change(t.Context(), "orders/0", lease.Cond{Counter: new(int64(1))}, lease.Set{Bump: true, Mark: "n.1"})
		return err
	}
	handOver := func(s *Store) error {
		_, _, err := s.Change(t.Context(), "orders/0", lease.Cond{}, lease.Set{Owners: &lease.Owners{Owner: "a", Next: "b"}})
		return err
	}
	scan := func(s *Store) error { _, err := s.Scan(t.Context()); return err }
	get := func(s *Store) error { _, err := s.Get(t.Context(), "orders/0"); return err }
	for _, tt := range []struct {
		call  func(*Store) error
		reply reply
		want  string
	}{
		{renew, failed(400, "ProvisionedThroughputExceededException"),
			`renew lease "orders/0": lease table is throttled: ProvisionedThroughputExceededException: no (request REQ1)`},
		{handOver, failed(500, "InternalServerError"),
			`hand over lease "orders/0": lease table cannot be used: InternalServerError: no (request REQ1)`},
		{scan, failed(400, "ResourceNotFoundException"),
			`scan lease table: lease table does not exist: table "orders": ResourceNotFoundException: no (request REQ1)`},
		{get, ok(`{"Item":{"leaseKey":{"S":"orders/0"},"leaseCounter":{"N":"1.5"},"ownerSwitchesSinceCheckpoint":{"N":"0"}}}`),
			`get lease "orders/0": lease table cannot be used: row "orders/0" cannot be read: attribute leaseCounter is "1.5", not a whole number of 64 bits`},
	} {
		s, _ := newWire(tt.reply)
		if err := tt.call(s); err == nil || err.Error() != tt.want {
			t.Errorf("got  %v\nwant %s", err, tt.want)
		}
	}
}

type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

// Credentials that cannot be had are the client's failure, and not retryable
// unless it was the network's.
func TestErrorsOfCredentials(t *testing.T) {
	for _, tt := range []struct {
		err       error
		retryable bool
	}{
		{errors.New("no EC2 IMDS role found"), false},
		{fmt.Errorf("sts: %w", &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}), true},
	} {
		c := dynamodb.NewFromConfig(aws.Config{
			Region:      "us-east-1",
			Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, tt.err }),
			HTTPClient:  doer(func(*http.Request) (*http.Response, error) { return nil, errors.New("not reached") }),
		})
		_, err := New(c, "orders").Get(t.Context(), "k")
		e, isError := errors.AsType[*lease.Error](err)
		if !isError || e.Kind != lease.ErrDependency || e.Retryable != tt.retryable || !strings.Contains(err.Error(), tt.err.Error()) {
			t.Errorf("%v: got %#v (%v), want retryable %v", tt.err, e, err, tt.retryable)
		}
	}
}
