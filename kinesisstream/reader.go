package kinesisstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/leasehold/leasehold/internal/backoff"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// bytesPerSecond is what a shard gives its readers. A reply of more makes it
// refuse calls until the time for it is over. (Kinesis Developer Guide, quotas.)
const bytesPerSecond = 2 << 20

// ErrPosition reports that the service refuses the position from which to read,
// and that the shard has records before it. So it was not trimmed: it is a
// position of another stream, such as an earlier one of the same name.
var ErrPosition = stream.ErrPosition

// A reader polls one shard.
type reader struct {
	s     *Stream
	shard string
	start stream.Start

	// after is the position of the last record returned, before the first one
	// where to start.
	after lease.Position
	// since is the service's time when LATEST was resolved: until a record was
	// returned, a new iterator begins there, and passes over nothing.
	since time.Time
	// iterator is the next call's, empty if a new one is needed.
	iterator string
	// check says that the iterator begins at the record at after, so that the
	// next record shows whether it still exists.
	check bool
	// refused says that the service knows no record at after, and that the
	// iterator begins at the oldest record instead.
	refused bool

	next time.Time     // when the next call may be made
	idle time.Duration // between the calls of a reader that has caught up

	tail *tail         // the end of the shard, as long as it is not proven
	end  *stream.Batch // the end of the shard
}

// Read returns the next batch.
func (r *reader) Read(ctx context.Context) (stream.Batch, error) {
	b, err := r.read(ctx)
	if err != nil {
		return stream.Batch{}, failed(ctx, fmt.Sprintf("read shard %s of stream %q", r.shard, r.s.name), err)
	}
	return b, nil
}

// Close does nothing: between two reads a reader holds no more than its place.
func (r *reader) Close() error { return nil }

func (r *reader) read(ctx context.Context) (stream.Batch, error) {
	if r.end != nil {
		return *r.end, ctx.Err()
	}
	if r.tail != nil && r.tail.held != nil {
		return r.prove(ctx) // an earlier Read could not
	}
	out, err := r.poll(ctx)
	if err != nil {
		return stream.Batch{}, err
	}
	b, err := r.batch(out)
	if err != nil {
		r.iterator = ""
		return stream.Batch{}, err
	}
	r.iterator = aws.ToString(out.NextShardIterator)
	if r.iterator != "" {
		switch {
		case len(b.Records) > 0 || b.Behind > 0:
			r.tail = nil // it was no end
		case r.tail != nil:
			r.tail.tip = true
		}
		return b, nil
	}
	if children := r.children(out.ChildShards); children != nil {
		return r.ended(b, children), nil
	}
	if r.tail == nil {
		r.tail = &tail{}
	}
	r.tail.held = &b
	return r.prove(ctx)
}

// poll waits for the reader's turn and gets records, one try of each call. An
// iterator that has expired is no failure: a new one takes its place.
func (r *reader) poll(ctx context.Context) (*kinesis.GetRecordsOutput, error) {
	if !backoff.Sleep(ctx, time.Until(r.next)) {
		return nil, ctx.Err()
	}
	out, err := r.get(ctx)
	if isExpired(err) {
		if r.iterator = ""; !backoff.Sleep(ctx, time.Until(r.next)) {
			return nil, ctx.Err()
		}
		out, err = r.get(ctx)
	}
	if err == nil {
		return out, nil
	}
	if code(err) != "" && !isThrottled(err) {
		r.iterator = "" // whatever is wrong, it may be the iterator
	}
	if isNotFound(err) {
		err = r.missing(ctx, err)
	}
	return nil, err
}

func (r *reader) get(ctx context.Context) (*kinesis.GetRecordsOutput, error) {
	sent := time.Now()
	r.next = sent.Add(minGap)
	if r.iterator == "" {
		if err := r.seek(ctx); err != nil {
			return nil, err
		}
		sent = time.Now()
		r.next = sent.Add(minGap)
	}
	cctx, cancel := r.s.call(ctx)
	defer cancel()
	in := &kinesis.GetRecordsInput{ShardIterator: &r.iterator, Limit: new(int32(r.s.cfg.MaxRecords))}
	if r.s.arn != "" {
		in.StreamARN = &r.s.arn
	}
	out, err := r.s.client.GetRecords(cctx, in, once)
	if err != nil {
		return nil, err
	}
	r.pace(sent, out)
	return out, nil
}

// pace sets the time of the next call.
func (r *reader) pace(sent time.Time, out *kinesis.GetRecordsOutput) {
	if aws.ToInt64(out.MillisBehindLatest) == 0 && len(out.Records) < r.s.cfg.MaxRecords {
		r.next = sent.Add(r.idle)
	}
	size := 0
	for i := range out.Records {
		size += len(out.Records[i].Data) + len(aws.ToString(out.Records[i].PartitionKey))
	}
	// From the reply on, as the service's clock for it began after ours.
	if t := time.Now().Add(time.Duration(size) * time.Second / bytesPerSecond); t.After(r.next) {
		r.next = t
	}
}

// seek gets an iterator that begins at the last record returned, or at the start.
func (r *reader) seek(ctx context.Context) error {
	err := r.seekFrom(ctx, r.after)
	if isInvalid(err) && r.after.IsRecord() {
		// No such record any more, or it never was one of this shard: what is
		// there instead will tell.
		err = r.seekFrom(ctx, lease.TrimHorizon)
		r.refused = err == nil
	}
	return err
}

func (r *reader) seekFrom(ctx context.Context, p lease.Position) error {
	in := &kinesis.GetShardIteratorInput{ShardId: &r.shard}
	in.StreamARN, in.StreamName = r.s.ref()
	switch {
	case p.IsRecord():
		in.ShardIteratorType = types.ShardIteratorTypeAtSequenceNumber
		in.StartingSequenceNumber = new(p.Sequence().String())
	case p == lease.TrimHorizon:
		in.ShardIteratorType = types.ShardIteratorTypeTrimHorizon
	case p == lease.Latest && r.since.IsZero():
		in.ShardIteratorType = types.ShardIteratorTypeLatest
	case p == lease.Latest:
		in.ShardIteratorType = types.ShardIteratorTypeAtTimestamp
		in.Timestamp = &r.since
	case p == lease.AtTimestamp:
		in.ShardIteratorType = types.ShardIteratorTypeAtTimestamp
		in.Timestamp = &r.start.Time
	default:
		return fmt.Errorf("a shard cannot be read from %q", p)
	}
	cctx, cancel := r.s.call(ctx)
	defer cancel()
	out, err := r.s.client.GetShardIterator(cctx, in, once)
	if err != nil {
		return err
	}
	r.iterator = aws.ToString(out.ShardIterator)
	if r.iterator == "" {
		return errors.New("the reply has no shard iterator")
	}
	r.check, r.refused = p.IsRecord(), false
	if p == lease.Latest && r.since.IsZero() {
		// The service's own clock. Its whole seconds are never too late, and at
		// worst bring what came within the second before LATEST.
		var ok bool
		if r.since, ok = middleware.GetServerTime(out.ResultMetadata); !ok {
			r.since = time.Now()
		}
	}
	return nil
}

// batch reads the records of a reply, without those that were returned before.
func (r *reader) batch(out *kinesis.GetRecordsOutput) (stream.Batch, error) {
	b := stream.Batch{Behind: time.Duration(aws.ToInt64(out.MillisBehindLatest)) * time.Millisecond}
	after := r.after
	if len(out.Records) > 0 {
		b.Records = make([]stream.Record, 0, len(out.Records))
	}
	for i := range out.Records {
		d := &out.Records[i]
		seq, err := lease.ParseSequence(aws.ToString(d.SequenceNumber))
		if err != nil {
			return stream.Batch{}, fmt.Errorf("record %d of a reply: %w", i, err)
		}
		if i == 0 && (r.check || r.refused) {
			b.Trimmed = seq.Compare(r.after.Sequence()) > 0
			if r.refused && !b.Trimmed {
				return stream.Batch{}, fmt.Errorf("%w: %s, but the shard has %s", ErrPosition, r.after, seq)
			}
		}
		if passed(after, seq) {
			continue
		}
		after = lease.At(seq, 0)
		rec := stream.Record{Data: d.Data, PartitionKey: aws.ToString(d.PartitionKey), Sequence: seq}
		if d.ApproximateArrivalTimestamp != nil {
			rec.Arrived = d.ApproximateArrivalTimestamp.UnixMilli()
		}
		b.Records = append(b.Records, rec)
	}
	if len(out.Records) > 0 || b.Behind == 0 {
		// At the tip without having seen the record: it is long gone, but
		// whether others went with it cannot be known.
		r.check = false
	}
	if len(b.Records) > 0 {
		r.after, r.refused = after, false
	}
	return b, nil
}

// passed reports whether a reader at p is through with the record seq. A
// sub-sequence number says that a part of an aggregated record is done. Records
// are not taken apart here, so that this one comes again, whole: to drop it would
// lose the rest of it.
func passed(p lease.Position, seq lease.Sequence) bool {
	if !p.IsRecord() {
		return false
	}
	c := seq.Compare(p.Sequence())
	return c < 0 || c == 0 && p.Sub() == 0
}

// missing says what it means that Kinesis did not find something: the stream,
// or the shard. Its reply tells them apart only in its text.
func (r *reader) missing(ctx context.Context, err error) error {
	shards, lerr := r.s.Shards(ctx)
	if lerr != nil {
		return lerr
	}
	if self, _ := family(r.shard, shards); self == nil {
		return fmt.Errorf("%w: %w", stream.ErrNoShard, err)
	}
	// Listed and not found: one of the two is old. The caller will see.
	return &unsureError{err}
}

// An unsureError is an answer that something does not exist which the list of
// shards contradicts. It is a failure that may pass.
type unsureError struct{ err error }

func (e *unsureError) Error() string { return "shard is listed and not found: " + e.err.Error() }
