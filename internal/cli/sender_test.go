package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
)

// putter is a stream that refuses what refuse says.
type putter struct {
	refuse func(call int, key string) bool
	calls  int
	// got are the records stored, in order, by key.
	got   map[string][]string
	sizes []int
}

func (p *putter) put(_ context.Context, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
	p.calls++
	p.sizes = append(p.sizes, len(in.Records))
	out := &kinesis.PutRecordsOutput{}
	for _, r := range in.Records {
		if p.refuse != nil && p.refuse(p.calls, *r.PartitionKey) {
			out.Records = append(out.Records, types.PutRecordsResultEntry{ErrorCode: new("ProvisionedThroughputExceededException"), ErrorMessage: new("slow down")})
			continue
		}
		p.got[*r.PartitionKey] = append(p.got[*r.PartitionKey], string(r.Data))
		out.Records = append(out.Records, types.PutRecordsResultEntry{ShardId: new("shardId-000000000000"), SequenceNumber: new("1")})
	}
	return out, nil
}

// newSender makes a sender to p that counts what becomes of records.
func (p *putter) newSender(stored, failed, retried *int) *sender {
	p.got = map[string][]string{}
	return &sender{
		put:     p.put,
		stored:  func(outRecord, types.PutRecordsResultEntry) error { *stored++; return nil },
		failed:  func(outRecord, string) { *failed++ },
		retried: func(n int) { *retried += n },
		warn:    func(string, ...any) {},
		note:    func(string, ...any) {},
	}
}

// feedOf is a feed of numbered records of keys, which then ends with err.
func feedOf(n int, key func(i int) string, err error) <-chan fed {
	feed := make(chan fed, n+1)
	for i := range n {
		feed <- fed{record: outRecord{line: int64(i + 1), key: key(i), data: fmt.Appendf(nil, "%06d", i)}}
	}
	if err != nil {
		feed <- fed{err: err}
	}
	return feed
}

func TestSenderKeepsOrderPerKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(1, 1))
		p := &putter{refuse: func(int, string) bool { return rnd.IntN(3) == 0 }}
		var stored, failed, retried int
		s := p.newSender(&stored, &failed, &retried)
		const n = 5000
		if err := s.run(t.Context(), feedOf(n, func(int) string { return fmt.Sprint(rnd.IntN(700)) }, io.EOF)); err != nil {
			t.Fatal(err)
		}
		if stored != n || failed != 0 || retried == 0 {
			t.Errorf("stored %d, failed %d, retried %d, want %d, 0 and some", stored, failed, retried, n)
		}
		for key, data := range p.got {
			if !slices.IsSorted(data) {
				t.Errorf("key %s out of order: %v", key, data)
			}
		}
		if most := slices.Max(p.sizes); most > maxBatchRecords {
			t.Errorf("a request of %d records", most)
		}
	})
}

func TestSenderGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &putter{refuse: func(_ int, key string) bool { return key == "0" }}
		var stored, failed, retried int
		s := p.newSender(&stored, &failed, &retried)
		if err := s.run(t.Context(), feedOf(10, func(i int) string { return fmt.Sprint(i) }, io.EOF)); err != nil {
			t.Fatal(err)
		}
		if stored != 9 || failed != 1 || p.calls != maxTries {
			t.Errorf("stored %d, failed %d in %d calls, want 9, 1 in %d", stored, failed, p.calls, maxTries)
		}
	})
}

func TestSenderRequestFails(t *testing.T) {
	for _, tt := range []struct {
		name  string
		err   error
		calls int
	}{
		{"throttled is sent again until it is given up", &smithy.GenericAPIError{Code: "ProvisionedThroughputExceededException"}, maxTries},
		{"denied is not", &smithy.GenericAPIError{Code: "AccessDeniedException"}, 1},
		{"no stream is not", &types.ResourceNotFoundException{}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var p putter
				var stored, failed, retried int
				s := p.newSender(&stored, &failed, &retried)
				calls := 0
				s.put = func(context.Context, *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
					calls++
					return nil, tt.err
				}
				err := s.run(t.Context(), feedOf(1, func(int) string { return "k" }, io.EOF))
				if !errors.Is(err, tt.err) || calls != tt.calls {
					t.Errorf("got %v after %d calls, want %v after %d", err, calls, tt.err, tt.calls)
				}
			})
		})
	}
}

// A service that does not answer is said to, and is not waited for for ever.
func TestSenderNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p putter
		var stored, failed, retried, warned int
		s := p.newSender(&stored, &failed, &retried)
		s.warn = func(string, ...any) { warned++ }
		s.put = func(ctx context.Context, _ *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		began := time.Now()
		err := s.run(t.Context(), feedOf(1, func(int) string { return "k" }, io.EOF))
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took < 3*answerTime || took > 4*answerTime {
			t.Errorf("got %v after %v, want a time-out after three tries", err, took)
		}
		if warned != 2 {
			t.Errorf("warned %d times, want 2", warned)
		}
	})
}

// A stop in the middle of a wait still writes what was read already.
func TestSenderDrainsWhenStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := &putter{refuse: func(call int, _ string) bool { return call == 1 }}
		var stored, failed, retried int
		s := p.newSender(&stored, &failed, &retried)
		time.AfterFunc(time.Millisecond, cancel)
		err := s.run(ctx, feedOf(3, func(int) string { return "k" }, nil))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the context's error", err)
		}
		if got := strings.Join(p.got["k"], " "); got != "000000 000001 000002" {
			t.Errorf("stored %q, want all three", got)
		}
	})
}

func TestSenderBatch(t *testing.T) {
	big := make([]byte, maxBatchBytes/2)
	rec := func(key string, data []byte) outRecord { return outRecord{key: key, data: data} }
	for _, tt := range []struct {
		name    string
		pending []outRecord
		want    []int
	}{
		{"one of each key", []outRecord{rec("a", nil), rec("b", nil), rec("a", nil), rec("c", nil)}, []int{0, 1, 3}},
		{"no more than fit, and none overtaken", []outRecord{rec("a", big), rec("b", big), rec("b", nil), rec("c", nil)}, []int{0, 3}},
		{"a large one alone", []outRecord{rec("a", make([]byte, maxBatchBytes+1)), rec("b", nil)}, []int{0}},
	} {
		s := &sender{pending: tt.pending}
		if got := s.batch(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestFeedKeepsTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := newSample("text", 101, 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		n := 0
		for f := range untilEnd(startFeed(t.Context(), s, 50)) {
			_ = f
			n++
		}
		// The first comes at once, the last 100 intervals of 20 ms later, and the
		// end is found one interval after that.
		if got := time.Since(began); n != 101 || got != 2020*time.Millisecond {
			t.Errorf("%d records in %v, want 101 in 2.02s", n, got)
		}
	})
}

// untilEnd yields the records of a feed.
func untilEnd(feed <-chan fed) func(func(outRecord) bool) {
	return func(yield func(outRecord) bool) {
		for f := range feed {
			if f.err != nil || !yield(f.record) {
				return
			}
		}
	}
}
