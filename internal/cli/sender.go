package cli

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	backoffs "github.com/leasehold/leasehold/internal/backoff"
)

// (Kinesis API Reference, PutRecords: 500 records, 5 MiB with their keys, a
// single record may be larger.)
const (
	maxBatchRecords = 500
	maxBatchBytes   = 5 << 20
)

const (
	// maxPending is how many records may wait, so that a batch finds enough
	// different keys among them.
	maxPending = 2000
	// maxTries is how often a record may be refused, or a request fail, before
	// it is given up. With the waits between them that takes over a minute.
	maxTries = 20
	// silentTries is how many tries a request counts for that was not answered
	// in answerTime: the third of them in a row is the last.
	silentTries = 7
	// drainTime is how long the records that were read already may take to be
	// written once the command is told to stop.
	drainTime = 5 * time.Second
)

// A sender writes records to a stream. Records of one key are stored in their
// order: a request never carries two of them, since the service may store the
// later one and refuse the earlier.
type sender struct {
	put func(context.Context, *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error)
	// stored is told each record that is stored; an error ends the run.
	stored func(outRecord, types.PutRecordsResultEntry) error
	// failed is told each record that is given up.
	failed func(r outRecord, why string)
	// retried is told how many records are to be sent again.
	retried func(n int)
	// warn and note tell people what happens.
	warn, note func(format string, args ...any)

	pending []outRecord
}

// run sends what feed brings until feed ends. When ctx is done it sends what it
// has already and returns ctx's error.
func (s *sender) run(ctx context.Context, feed <-chan fed) error {
	var ending error // why there is no more input
	backoff := backoff{}
	for {
		if ending == nil {
			ending = s.fill(ctx, feed)
		}
		if len(s.pending) == 0 {
			if ending == io.EOF {
				return nil
			}
			if ending != nil {
				return ending
			}
			continue
		}
		sending := ctx
		if ctx.Err() != nil {
			var cancel context.CancelFunc
			sending, cancel = context.WithTimeout(context.WithoutCancel(ctx), drainTime)
			defer cancel()
			return errors.Join(ctx.Err(), s.drain(sending))
		}
		if err := s.round(sending, &backoff); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// drain sends what is pending.
func (s *sender) drain(ctx context.Context) error {
	backoff := backoff{}
	for len(s.pending) > 0 {
		if err := s.round(ctx, &backoff); err != nil {
			return err
		}
	}
	return nil
}

// fill takes what feed has, and waits for it only if nothing is pending. It
// returns why there is no more.
func (s *sender) fill(ctx context.Context, feed <-chan fed) error {
	take := func(f fed) error {
		if f.err == nil {
			s.pending = append(s.pending, f.record)
		}
		return f.err
	}
	if len(s.pending) == 0 {
		select {
		case f := <-feed:
			if err := take(f); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for len(s.pending) < maxPending {
		select {
		case f := <-feed:
			if err := take(f); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return nil
}

// round sends one batch, and waits a while if not all of it was stored.
func (s *sender) round(ctx context.Context, b *backoff) error {
	batch := s.batch()
	in := &kinesis.PutRecordsInput{}
	for _, i := range batch {
		r := &s.pending[i]
		in.Records = append(in.Records, types.PutRecordsRequestEntry{Data: r.data, PartitionKey: &r.key, ExplicitHashKey: r.hashKey})
	}
	putting, cancel := context.WithTimeout(ctx, answerTime)
	out, err := s.put(putting, in)
	silent := errors.Is(putting.Err(), context.DeadlineExceeded)
	cancel()
	if err == nil && len(out.Records) != len(batch) {
		return errors.New("the answer has another number of records than the request")
	}
	if err != nil {
		if silent {
			b.n += silentTries - 1
		}
		if ctx.Err() != nil || classify(err).Code != tryAgain || b.n+1 >= maxTries {
			return err
		}
		if silent {
			s.warn("no answer in %v; again", answerTime)
		}
		s.note("%v; again in %v", err, b.next())
		return b.sleep(ctx)
	}
	return s.settle(ctx, b, batch, out.Records)
}

// batch picks the records to send, by their index: the first of each key, as
// many as one request may carry.
func (s *sender) batch() []int {
	var picked []int
	keys := map[string]bool{}
	bytes := 0
	for i, r := range s.pending {
		if keys[r.key] {
			continue
		}
		// A record that does not fit must not be overtaken by a later one of its
		// key.
		keys[r.key] = true
		size := len(r.data) + len(r.key)
		if len(picked) > 0 && bytes+size > maxBatchBytes {
			continue
		}
		picked, bytes = append(picked, i), bytes+size
		if len(picked) == maxBatchRecords {
			break
		}
	}
	return picked
}

// settle takes the stored records out of the pending ones.
func (s *sender) settle(ctx context.Context, b *backoff, batch []int, results []types.PutRecordsResultEntry) error {
	gone := make(map[int]bool, len(batch))
	again := 0
	for n, i := range batch {
		r, res := &s.pending[i], results[n]
		if res.ErrorCode == nil {
			if err := s.stored(*r, res); err != nil {
				return err
			}
			gone[i] = true
			continue
		}
		if r.tries++; r.tries >= maxTries {
			s.failed(*r, *res.ErrorCode+": "+aws.ToString(res.ErrorMessage))
			gone[i] = true
			continue
		}
		again++
	}
	rest := s.pending[:0]
	for i, r := range s.pending {
		if !gone[i] {
			rest = append(rest, r)
		}
	}
	clear(s.pending[len(rest):])
	s.pending = rest
	if again == 0 {
		b.n = 0
		return nil
	}
	s.retried(again)
	s.note("%d records were refused; again in %v", again, b.next())
	return b.sleep(ctx)
}

// A backoff is a wait that grows.
type backoff struct {
	n    int
	wait time.Duration
}

// pauses are the waits between tries.
var pauses = backoffs.Policy{Min: 200 * time.Millisecond, Max: 6 * time.Second}

// next makes the next wait.
func (b *backoff) next() time.Duration {
	b.n++
	b.wait = pauses.Pause(b.n)
	return b.wait
}

func (b *backoff) sleep(ctx context.Context) error { return sleep(ctx, b.wait) }
