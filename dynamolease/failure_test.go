package dynamolease

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/leasehold/leasehold/awsfake"
	"github.com/leasehold/leasehold/lease"
)

// The SDK's retryer waits for up to a second after a throttled call, and pays
// for its tries from a budget that all calls of a client share. Neither may
// touch a lease: while every read is throttled, and the client has spent its
// budget on them, a renewal takes the time of one call.
func TestFailure_F95_ReadsThrottledRenewalsUnaffected(t *testing.T) {
	const latency = 5 * time.Millisecond
	for name, retryer := range map[string]func() aws.Retryer{
		"the SDK's own": nil,
		"a patient one": func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 10, time.Minute })
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex // guards tries
				tries := map[string]int{}
				service := &awsfake.DynamoDB{Latency: latency, Trace: func(r awsfake.Result) {
					mu.Lock()
					defer mu.Unlock()
					tries[r.Call.Operation]++
				}}
				cfg := awsfake.Config(service, "w-1")
				cfg.Retryer = retryer
				client := dynamodb.NewFromConfig(cfg)
				s := New(client, "orders")
				if _, err := s.CreateTable(t.Context(), 0, 0); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				mustCreate(t, s, lease.Lease{Key: "k", Owner: "w-1", Checkpoint: lease.Latest})
				service.SetScript(func(c awsfake.Call) awsfake.Fault {
					switch c.Operation {
					case "GetItem", "Query", "Scan":
						return awsfake.Throttle()
					}
					return awsfake.Fault{}
				})

				// Reads of the Store's and of the application's own, on the
				// same client.
				ctx, cancel := context.WithCancel(t.Context())
				var readers sync.WaitGroup
				slowest := time.Duration(0)
				for range 16 {
					readers.Go(func() {
						for ; ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
							begun := time.Now()
							_, err := client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: s.leases().primary("k")})
							mu.Lock()
							slowest = max(slowest, time.Since(begun))
							mu.Unlock()
							if err == nil {
								t.Error("a read was not throttled")
							}
						}
					})
				}
				readers.Go(func() {
					for ; ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
						begun := time.Now()
						_, err := s.Get(ctx, "k")
						if ctx.Err() == nil && (!errors.Is(err, lease.ErrProvisionedThroughput) || time.Since(begun) != latency) {
							t.Errorf("throttled read: %v after %v, want %q after one call of %v", err, time.Since(begun), lease.ErrProvisionedThroughput, latency)
						}
					}
				})
				for i := range int64(30) {
					time.Sleep(333 * time.Millisecond)
					begun := time.Now()
					_, applied, err := s.Change(ctx, "k", lease.Cond{Counter: &i}, lease.Set{Bump: true, Mark: "m"})
					if took := time.Since(begun); !applied || err != nil || took != latency {
						t.Errorf("renewal %d: %v, %v after %v, want applied by one call of %v", i, applied, err, took, latency)
					}
				}
				cancel()
				readers.Wait()
				if tries["UpdateItem"] != 30 {
					t.Errorf("30 renewals took %d tries", tries["UpdateItem"])
				}
				// Otherwise this client has no patience, and the test shows nothing.
				if slowest < 10*latency {
					t.Errorf("the client's own calls took at most %v: it does not wait", slowest)
				}
			})
		})
	}
}

// A throttled write comes back at once too, to be tried again by who knows its
// deadline.
func TestFailure_F95_ThrottledWriteIsOneTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := &awsfake.DynamoDB{Latency: 5 * time.Millisecond}
		s := New(dynamodb.NewFromConfig(awsfake.Config(service, "w-1")), "orders")
		s.layout.Store(s.singleTable())
		if _, err := s.CreateTable(t.Context(), 0, 0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		n := 0
		service.SetScript(func(awsfake.Call) awsfake.Fault { n++; return awsfake.Throttle() })
		for name, call := range calls {
			n = 0
			want := 1
			if name == "CreateTable" {
				want = 2 // it looks first
			}
			begun := time.Now()
			err := call(t.Context(), s)
			if took := time.Since(begun); !errors.Is(err, lease.ErrProvisionedThroughput) || n != want || took != time.Duration(want)*service.Latency {
				t.Errorf("%s: %v after %d calls and %v, want throttled after %d", name, err, n, took, want)
			}
		}
	})
}

// A write whose reply was lost is refused when it is repeated, and its mark on
// the present lease says that it was the same.
func TestFailure_F04_LostReplyIsKnownByItsMark(t *testing.T) {
	tt := fake(t)
	ctx := t.Context()
	mustCreate(t, tt.store, lease.Lease{Key: "k", Owner: "w-1", Counter: 7, Checkpoint: lease.Latest})
	renew := lease.Set{Bump: true, Mark: "nonce.1"}
	tt.LoseReplies(1)
	_, applied, err := tt.store.Change(ctx, "k", lease.Cond{Counter: new(int64(7))}, renew)
	e, isError := errors.AsType[*lease.Error](err)
	if applied || !isError || !e.Retryable {
		t.Fatalf("lost reply: got %v, %v, want a retryable error", applied, err)
	}
	image, applied, err := tt.store.Change(ctx, "k", lease.Cond{Counter: new(int64(7))}, renew)
	if applied || err != nil || image.Mark != "nonce.1" || image.Counter != 8 || image.Owner != "w-1" {
		t.Errorf("repeated: got %+v, %v, %v, want refused by our own write", image, applied, err)
	}
	if tt.count("GetItem") != 0 {
		t.Errorf("the present lease took a read of its own")
	}
}
