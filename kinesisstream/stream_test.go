package kinesisstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/leasehold/leasehold/awsfake"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

func TestShards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 2, Config{})
		left, right := f.Split("orders", first)
		child := f.Merge("orders", left, right)
		got, err := f.Stream.Shards(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := f.Kinesis.Shards("orders")
		if len(got) != len(want) {
			t.Fatalf("%d shards, want %d", len(got), len(want))
		}
		for i, w := range want {
			g := got[i]
			if g.ID != w.ID || g.Closed == w.Open || !slices.Equal(g.Parents, w.Parents) ||
				g.HashRange != (lease.HashRange{Start: w.FirstHash, End: w.LastHash}) ||
				g.First.String() != w.FirstSequence || g.Closed && g.Last.String() != w.LastSequence {
				t.Errorf("got %+v, want %+v", g, w)
			}
		}
		if last := got[len(got)-1]; last.ID != child || !slices.Equal(last.Parents, []string{left, right}) {
			t.Errorf("after a merge: got %+v, want %s with two parents", last, child)
		}
	})
}

func TestShardsHasAllPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 2500, Config{})
		d, err := f.Describe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		arn := New(f.Stream.client, d.ARN)
		for _, s := range []*Stream{f.Stream, arn} {
			got, err := s.Shards(t.Context())
			if err != nil || len(got) != 2500 || s.Name() != "orders" {
				t.Errorf("%q: %d shards, %v, want 2500", s.Name(), len(got), err)
			}
		}
		if got := len(f.times("ListShards")); got != 6 {
			t.Errorf("%d calls of ListShards for two lists of 2500 shards, want 6", got)
		}
	})
}

func TestShardsThrottled(t *testing.T) {
	for _, tt := range []struct {
		failures int
		want     error
	}{{0, nil}, {3, nil}, {4, stream.ErrThrottled}} {
		t.Run(fmt.Sprint(tt.failures), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, 1, Config{})
				left := tt.failures
				f.SetScript(func(awsfake.Call) awsfake.Fault {
					if left--; left >= 0 {
						return awsfake.Fail("LimitExceededException")
					}
					return awsfake.Fault{}
				})
				began := time.Now()
				if _, err := f.Stream.Shards(t.Context()); !errors.Is(err, tt.want) {
					t.Errorf("after %d refusals: %v, want %v", tt.failures, err, tt.want)
				}
				if took := time.Since(began); took > 2*time.Second {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

// The kinds of failure, of every call.
func TestErrorsSayWhatTheyAre(t *testing.T) {
	deny := func(awsfake.Call) awsfake.Fault { return awsfake.Deny() }
	for _, tt := range []struct {
		name  string
		given func(f *fixture)
		want  error
	}{
		{"no stream", func(f *fixture) { f.Delete("orders") }, stream.ErrNoStream},
		{"denied", func(f *fixture) { f.SetScript(deny) }, stream.ErrDenied},
		{"token expired", func(f *fixture) {
			f.SetScript(func(awsfake.Call) awsfake.Fault { return awsfake.Fail("ExpiredTokenException") })
		}, stream.ErrDenied},
		{"no credentials", func(f *fixture) {
			cfg := awsfake.Config(f.Kinesis, "")
			cfg.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{}, errors.New("nobody is logged in")
			})
			f.Stream = New(kinesis.NewFromConfig(cfg), "orders")
		}, stream.ErrDenied},
		{"throttled", func(f *fixture) {
			f.SetScript(func(awsfake.Call) awsfake.Fault { return awsfake.Throttle() })
		}, stream.ErrThrottled},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, 1, Config{})
				reading := f.Open(first, from(lease.TrimHorizon))
				f.read(reading)
				tt.given(f)
				_, list := f.Stream.Shards(t.Context())
				_, describe := f.Describe(t.Context())
				_, open := f.Open(first, from(lease.TrimHorizon)).Read(t.Context())
				for what, err := range map[string]error{"Shards": list, "Describe": describe, "first Read": open} {
					if !errors.Is(err, tt.want) {
						t.Errorf("%s: %v, want %v", what, err, tt.want)
					}
				}
				if tt.name == "no credentials" {
					return // the reader that was open has them
				}
				if _, err := reading.Read(t.Context()); !errors.Is(err, tt.want) {
					t.Errorf("second Read: %v, want %v", err, tt.want)
				}
			})
		})
	}
}

func TestNoRetriesInsideACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1, Config{})
		f.SetScript(func(awsfake.Call) awsfake.Fault { return awsfake.ServerError() })
		began := time.Now()
		if _, err := f.Open(first, from(lease.TrimHorizon)).Read(t.Context()); err == nil {
			t.Error("Read of a failing service: no error")
		}
		if n, took := len(f.times("GetShardIterator")), time.Since(began); n != 1 || took != 0 {
			t.Errorf("%d calls in %v, want one at once", n, took)
		}
	})
}

func TestDescribe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 3, Config{})
		d, err := f.Describe(t.Context())
		if err != nil || d.Name != "orders" || d.Status != "ACTIVE" || d.OpenShards != 3 || d.Retention != 24*time.Hour || d.Created.IsZero() ||
			!strings.HasSuffix(d.ARN, ":stream/orders") {
			t.Errorf("got %+v, %v", d, err)
		}
		f.Delete("orders")
		if _, err := f.Describe(t.Context()); !errors.Is(err, stream.ErrNoStream) {
			t.Errorf("of a deleted stream: %v, want ErrNoStream", err)
		}
	})
}

func TestNewWithConfigReportsEveryMistake(t *testing.T) {
	_, err := NewWithConfig(nil, "orders", Config{PollEvery: minGap - 1, MaxRecords: 10_001, CallTimeout: -1, WaitForChildren: -1})
	for _, field := range []string{"PollEvery", "MaxRecords", "CallTimeout", "WaitForChildren"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%v does not name %s", err, field)
		}
	}
	if _, err := NewWithConfig(nil, "orders", Config{PollEvery: minGap, MaxRecords: 10_000}); err != nil {
		t.Error(err)
	}
}
