package kinesisstream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/leasehold/leasehold/internal/backoff"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// A Client is what this package calls of a *kinesis.Client.
type Client interface {
	DescribeStreamSummary(context.Context, *kinesis.DescribeStreamSummaryInput, ...func(*kinesis.Options)) (*kinesis.DescribeStreamSummaryOutput, error)
	GetRecords(context.Context, *kinesis.GetRecordsInput, ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error)
	GetShardIterator(context.Context, *kinesis.GetShardIteratorInput, ...func(*kinesis.Options)) (*kinesis.GetShardIteratorOutput, error)
	ListShards(context.Context, *kinesis.ListShardsInput, ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error)
}

// A Stream is a Kinesis data stream. It is safe for concurrent use.
type Stream struct {
	client    Client
	name, arn string // arn is empty if the stream was given by name
	cfg       Config
}

var _ stream.Stream = (*Stream)(nil)

// New returns the stream of a name or an ARN, read as the zero Config says.
func New(client Client, nameOrARN string) *Stream {
	s, err := NewWithConfig(client, nameOrARN, Config{})
	if err != nil {
		panic(err) // the zero Config is valid
	}
	return s
}

// NewWithConfig returns the stream of a name or an ARN. It calls nobody.
func NewWithConfig(client Client, nameOrARN string, cfg Config) (*Stream, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("stream %q: %w", nameOrARN, err)
	}
	s := &Stream{client: client, name: nameOrARN, cfg: cfg}
	if strings.HasPrefix(nameOrARN, "arn:") {
		// arn:aws:kinesis:us-east-1:123456789012:stream/orders
		s.arn = nameOrARN
		if _, name, ok := strings.Cut(nameOrARN, ":stream/"); ok {
			s.name = name
		}
	}
	return s, nil
}

// Name is the stream's name, also if it was given by ARN.
func (s *Stream) Name() string { return s.name }

// ref names the stream in a request: by ARN or by name, never by both, as not
// every emulator knows ARNs.
func (s *Stream) ref() (arn, name *string) {
	if s.arn != "" {
		return &s.arn, nil
	}
	return nil, &s.name
}

// Open returns a reader of a shard.
func (s *Stream) Open(shard string, from stream.Start) stream.Reader {
	return &reader{s: s, shard: shard, start: from, after: from.Position, idle: s.cfg.PollEvery}
}

// call limits the time of one call.
func (s *Stream) call(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.cfg.CallTimeout)
}

// How often and how soon a page of a list is asked for again.
const (
	listTries = 4
	listPause = 100 * time.Millisecond
)

// Shards lists all shards that Kinesis has, closed ones included until their
// retention is over. It asks again a few times, within about a second, where
// Kinesis throttles it.
func (s *Stream) Shards(ctx context.Context) ([]stream.Shard, error) {
	shards, err := s.list(ctx)
	if _, ok := errors.AsType[*types.ExpiredNextTokenException](err); ok {
		shards, err = s.list(ctx) // its pages took longer than five minutes
	}
	if _, ok := errors.AsType[*types.ResourceInUseException](err); ok {
		// The stream is being created or deleted. The latter is not a state
		// that passes.
		if d, derr := s.Describe(ctx); derr == nil && d.Status == types.StreamStatusDeleting {
			err = fmt.Errorf("%w: %w", stream.ErrNoStream, err)
		}
	}
	if err != nil {
		return nil, failed(ctx, fmt.Sprintf("list shards of stream %q", s.name), err)
	}
	return shards, nil
}

func (s *Stream) list(ctx context.Context) ([]stream.Shard, error) {
	var shards []stream.Shard
	in := &kinesis.ListShardsInput{}
	in.StreamARN, in.StreamName = s.ref()
	for {
		out, err := s.page(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, d := range out.Shards {
			sh, err := shardOf(d)
			if err != nil {
				return nil, err
			}
			shards = append(shards, sh)
		}
		if aws.ToString(out.NextToken) == "" {
			return shards, nil
		}
		// A token says which stream, and may not come with its name.
		in = &kinesis.ListShardsInput{NextToken: out.NextToken, StreamARN: in.StreamARN}
	}
}

// page asks for one page of shards.
func (s *Stream) page(ctx context.Context, in *kinesis.ListShardsInput) (*kinesis.ListShardsOutput, error) {
	pause := listPause
	for try := 1; ; try++ {
		cctx, cancel := s.call(ctx)
		out, err := s.client.ListShards(cctx, in, once)
		cancel()
		if err == nil || !isThrottled(err) || try == listTries {
			return out, err
		}
		if !backoff.Sleep(ctx, pause/2+rand.N(pause)) {
			return nil, err
		}
		pause *= 2
	}
}

// shardOf reads a listed shard.
func shardOf(d types.Shard) (stream.Shard, error) {
	sh := stream.Shard{ID: aws.ToString(d.ShardId), HashRange: hashRange(d.HashKeyRange)}
	if sh.ID == "" {
		return sh, errors.New("a shard without ID")
	}
	for _, p := range []*string{d.ParentShardId, d.AdjacentParentShardId} {
		if aws.ToString(p) != "" {
			sh.Parents = append(sh.Parents, *p)
		}
	}
	r := d.SequenceNumberRange
	if r == nil {
		return sh, fmt.Errorf("shard %s has no range of sequence numbers", sh.ID)
	}
	var err error
	if sh.First, err = lease.ParseSequence(aws.ToString(r.StartingSequenceNumber)); err != nil {
		return sh, fmt.Errorf("shard %s: start: %w", sh.ID, err)
	}
	if aws.ToString(r.EndingSequenceNumber) != "" {
		sh.Closed = true
		if sh.Last, err = lease.ParseSequence(*r.EndingSequenceNumber); err != nil {
			return sh, fmt.Errorf("shard %s: end: %w", sh.ID, err)
		}
	}
	return sh, nil
}

func hashRange(r *types.HashKeyRange) lease.HashRange {
	if r == nil {
		return lease.HashRange{}
	}
	return lease.HashRange{Start: aws.ToString(r.StartingHashKey), End: aws.ToString(r.EndingHashKey)}
}

// A Description is what Kinesis says of a stream as a whole.
type Description struct {
	Name, ARN string
	Status    types.StreamStatus
	// Created tells a stream from an earlier one of the same name. It has a
	// precision of a second.
	Created time.Time
	// Retention is how long the stream keeps a record, in whole hours: 24 hours
	// to a year.
	Retention time.Duration
	// OpenShards is how many shards take records.
	OpenShards int
	// Mode is ON_DEMAND or PROVISIONED, empty if the service does not say.
	Mode types.StreamMode
}

// Describe asks about the stream. The error matches stream.ErrNoStream if there
// is none.
func (s *Stream) Describe(ctx context.Context) (Description, error) {
	in := &kinesis.DescribeStreamSummaryInput{}
	in.StreamARN, in.StreamName = s.ref()
	cctx, cancel := s.call(ctx)
	defer cancel()
	out, err := s.client.DescribeStreamSummary(cctx, in, once)
	if err == nil && out.StreamDescriptionSummary == nil {
		err = errors.New("the reply is empty")
	}
	if err != nil {
		return Description{}, failed(ctx, fmt.Sprintf("describe stream %q", s.name), err)
	}
	d := out.StreamDescriptionSummary
	desc := Description{
		Name:       aws.ToString(d.StreamName),
		ARN:        aws.ToString(d.StreamARN),
		Status:     d.StreamStatus,
		Created:    aws.ToTime(d.StreamCreationTimestamp),
		Retention:  time.Duration(aws.ToInt32(d.RetentionPeriodHours)) * time.Hour,
		OpenShards: int(aws.ToInt32(d.OpenShardCount)),
	}
	if d.StreamModeDetails != nil {
		desc.Mode = d.StreamModeDetails.StreamMode
	}
	return desc, nil
}
