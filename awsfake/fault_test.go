package awsfake

import (
	"context"
	"errors"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// on gives a fault to the first call of an operation.
func on(operation string, f Fault) Script {
	var done atomic.Bool
	return func(c Call) Fault {
		if c.Operation != operation || done.Swap(true) {
			return Fault{}
		}
		return f
	}
}

// faults are the kinds of fault, each met by one renewal from counter 1.
var faults = []struct {
	name    string
	fault   Fault
	err     string // what the caller sees: a code, "connection", or "" for success
	result  string // what the trace says
	counter int    // afterwards
	units   float64
	took    time.Duration
}{
	{"none", Fault{}, "", "", 2, 1, 0},
	{"refuse", Refuse(), "connection", "refused", 1, 0, 0},
	{"refuse late", Fault{Refuse: true, Delay: time.Second}, "connection", "refused", 1, 0, time.Second},
	{"lose reply", LoseReply(), "connection", "lost", 2, 1, 0},
	{"delay", Fault{Delay: time.Second}, "", "", 2, 1, time.Second},
	{"late", Fault{Delay: time.Second, Late: true}, "", "", 2, 1, time.Second},
	{"delay reply", Fault{DelayReply: time.Second}, "", "", 2, 1, time.Second},
	{"duplicate", Fault{Duplicate: true}, "ConditionalCheckFailedException", "ConditionalCheckFailedException", 2, 2, 0},
	{"throttle", Throttle(), "ProvisionedThroughputExceededException", "ProvisionedThroughputExceededException", 1, 0, 0},
	{"server error", ServerError(), "InternalServerError", "InternalServerError", 1, 0, 0},
	{"deny", Deny(), "AccessDeniedException", "AccessDeniedException", 1, 0, 0},
	{"cut body", CutBody(), "connection", "lost", 2, 1, 0},
	{"expired credentials", ExpiredCredentials(), "ExpiredTokenException", "ExpiredTokenException", 1, 0, 0},
	{"table gone", TableGone(), "ResourceNotFoundException", "ResourceNotFoundException", 1, 0, 0},
	{"unavailable", Unavailable(), "ServiceUnavailable", "ServiceUnavailable", 1, 0, 0},
	{"throttle, on demand", Fail("ThrottlingException"), "ThrottlingException", "ThrottlingException", 1, 0, 0},
	{"any code", Fail("RequestLimitExceeded"), "RequestLimitExceeded", "RequestLimitExceeded", 1, 0, 0},
	{"code with its own status", Fault{Code: "ServiceUnavailable", Status: 503, Message: "no"}, "ServiceUnavailable", "ServiceUnavailable", 1, 0, 0},
}

func TestFaults(t *testing.T) {
	for _, tt := range faults {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := &DynamoDB{}
				newTable(t, db)
				c := once(db, "a")
				put(t, c, dbItem{"leaseKey": "s0", "leaseCounter": 1})
				var got []Result
				db.Trace = func(r Result) { got = append(got, r) }
				db.SetScript(on("UpdateItem", tt.fault))

				start := time.Now()
				_, err := renew(t.Context(), c, "s0", 1)
				took := time.Since(start)
				if tt.err == "connection" {
					if isCode(err) || err == nil {
						t.Errorf("got %v, want a connection error", err)
					}
				} else {
					wantCode(t, err, tt.err)
				}
				want := []Result{{Err: tt.result, WriteUnits: tt.units, Took: tt.took}}
				if d := cmp.Diff(want, got, cmpopts.IgnoreFields(Result{}, "Call")); d != "" {
					t.Errorf("trace (-want +got):\n%s", d)
				}
				if took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				wantItem(t, get(t, c, "s0"), dbItem{"leaseKey": "s0", "leaseCounter": tt.counter})
			})
		})
	}
}

func isCode(err error) bool {
	_, ok := errors.AsType[smithy.APIError](err)
	return ok
}

// Over a real connection the same faults have the same effects: a lost reply
// closes the connection.
func TestFaultsOverLoopback(t *testing.T) {
	db := &DynamoDB{}
	srv := httptest.NewServer(db)
	defer srv.Close()
	cfg := Config(db, "far")
	cfg.HTTPClient, cfg.BaseEndpoint = srv.Client(), &srv.URL
	c := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 })
	newTable(t, db)
	for _, tt := range faults {
		put(t, c, dbItem{"leaseKey": "s0", "leaseCounter": 1})
		f := tt.fault
		f.Delay, f.DelayReply = f.Delay/1000, f.DelayReply/1000
		db.SetScript(on("UpdateItem", f))
		_, err := renew(t.Context(), c, "s0", 1)
		if tt.err == "connection" {
			if isCode(err) || err == nil {
				t.Errorf("%s: got %v, want a connection error", tt.name, err)
			}
		} else if isCode(err) != (tt.err != "") {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.err)
		}
		wantItem(t, get(t, c, "s0"), dbItem{"leaseKey": "s0", "leaseCounter": tt.counter})
	}
}

// A caller that gives up stops a delayed call, but not a late one.
func TestGivingUp(t *testing.T) {
	for _, tt := range []struct {
		name    string
		fault   Fault
		counter int
		result  string
	}{
		{"delayed", Fault{Delay: time.Minute}, 1, "gone"},
		{"late", Fault{Delay: time.Minute, Late: true}, 2, "lost"},
		{"reply delayed", Fault{DelayReply: time.Minute}, 2, "lost"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := &DynamoDB{}
				newTable(t, db)
				c := once(db, "a")
				put(t, c, dbItem{"leaseKey": "s0", "leaseCounter": 1})
				var got []string
				db.Trace = func(r Result) {
					if r.Call.Operation == "UpdateItem" {
						got = append(got, r.Err)
					}
				}
				db.SetScript(on("UpdateItem", tt.fault))

				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				start := time.Now()
				_, err := renew(ctx, c, "s0", 1)
				if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != time.Second {
					t.Errorf("got %v after %v, want %v after 1s", err, took, context.DeadlineExceeded)
				}
				if tt.name == "late" {
					wantItem(t, get(t, c, "s0"), dbItem{"leaseKey": "s0", "leaseCounter": 1})
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				if d := cmp.Diff([]string{tt.result}, got); d != "" {
					t.Errorf("trace (-want +got):\n%s", d)
				}
				wantItem(t, get(t, c, "s0"), dbItem{"leaseKey": "s0", "leaseCounter": tt.counter})
			})
		})
	}
}

// The SDK repeats a call whose reply was lost, and meets its own write.
func TestRetryMeetsItsOwnWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &DynamoDB{}
		c := newTable(t, db)
		put(t, c, dbItem{"leaseKey": "s0", "leaseCounter": 1})
		var got []string
		db.Trace = func(r Result) { got = append(got, r.Err) }
		db.SetScript(on("UpdateItem", LoseReply()))
		_, err := renew(t.Context(), c, "s0", 1)
		wantCode(t, err, "ConditionalCheckFailedException")
		if d := cmp.Diff([]string{"lost", "ConditionalCheckFailedException"}, got); d != "" {
			t.Errorf("trace (-want +got):\n%s", d)
		}
	})
}

// The SDK repeats throttled calls and internal errors by itself.
func TestRetries(t *testing.T) {
	for _, f := range []Fault{Throttle(), ServerError(), Refuse(), Fail("ThrottlingException"), Fail("RequestLimitExceeded")} {
		synctest.Test(t, func(t *testing.T) {
			db := &DynamoDB{}
			c := newTable(t, db)
			put(t, c, dbItem{"leaseKey": "s0", "leaseCounter": 1})
			db.SetScript(on("UpdateItem", f))
			_, err := renew(t.Context(), c, "s0", 1)
			if err != nil {
				t.Errorf("%+v: got %v, want success at the second try", f, err)
			}
		})
	}
}

func TestSetScriptReplaces(t *testing.T) {
	db := &DynamoDB{Script: func(Call) Fault { return Deny() }}
	c := once(db, "a")
	list := func() error {
		_, err := c.ListTables(t.Context(), &dynamodb.ListTablesInput{})
		return err
	}
	wantCode(t, list(), "AccessDeniedException")
	db.SetScript(nil)
	wantCode(t, list(), "")
}
