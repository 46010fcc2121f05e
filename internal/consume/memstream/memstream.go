// Package memstream is a stream in memory, for tests: shards that take records,
// end and continue in others, and that can be told to fail.
package memstream

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// A Stream is a stream in memory. Its fields are set before its first use.
type Stream struct {
	// Batch is the greatest number of records of one read.
	Batch int
	// Poll is how long a read at the tip waits before it returns nothing.
	Poll time.Duration
	// OnRead, if set, is asked before each read; its error is the read's.
	OnRead func(shard string) error
	// OnShards is the same for a listing of the shards.
	OnShards func() error

	name string

	mu     sync.Mutex // guards everything below
	gone   bool
	shards []*shard
	next   int64 // sequence number
}

type shard struct {
	stream.Shard
	records  []stream.Record
	children []string
	dropped  bool
}

// New returns a stream of n shards.
func New(name string, n int) *Stream {
	s := &Stream{name: name, Batch: 100, Poll: 200 * time.Millisecond, next: 1}
	for range n {
		s.add()
	}
	return s
}

// ID returns the ID of the i-th shard, from 0.
func ID(i int) string { return fmt.Sprintf("shardId-%012d", i) }

func (s *Stream) add(parents ...string) string {
	id := ID(len(s.shards))
	s.shards = append(s.shards, &shard{Shard: stream.Shard{
		ID:        id,
		Parents:   parents,
		HashRange: lease.HashRange{Start: "0", End: "340282366920938463463374607431768211455"},
		First:     sequence(s.next),
	}})
	return id
}

func sequence(n int64) lease.Sequence {
	q, err := lease.ParseSequence(strconv.FormatInt(n, 10))
	if err != nil {
		panic(err)
	}
	return q
}

func (s *Stream) find(id string) *shard {
	for _, sh := range s.shards {
		if sh.ID == id && !sh.dropped {
			return sh
		}
	}
	return nil
}

// Put appends records to a shard.
func (s *Stream) Put(id string, data ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.find(id)
	for _, d := range data {
		sh.records = append(sh.records, stream.Record{
			Data:         []byte(d),
			PartitionKey: d,
			Sequence:     sequence(s.next),
			Arrived:      time.Now().UnixMilli(),
		})
		s.next++
	}
}

// Split closes a shard and returns the two that continue it.
func (s *Stream) Split(id string) (a, b string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.find(id)
	sh.Closed = true
	sh.children = []string{s.add(id), s.add(id)}
	return sh.children[0], sh.children[1]
}

// Drop makes a shard as if its retention were over.
func (s *Stream) Drop(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.find(id).dropped = true
}

// Delete makes the stream as if it did not exist.
func (s *Stream) Delete() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
}

// Name is part of [stream.Stream].
func (s *Stream) Name() string { return s.name }

// Shards is part of [stream.Stream].
func (s *Stream) Shards(ctx context.Context) ([]stream.Shard, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.OnShards != nil {
		if err := s.OnShards(); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return nil, stream.ErrNoStream
	}
	var all []stream.Shard
	for _, sh := range s.shards {
		if !sh.dropped {
			all = append(all, sh.Shard)
		}
	}
	return all, nil
}

// Open is part of [stream.Stream].
func (s *Stream) Open(id string, from stream.Start) stream.Reader {
	return &reader{s: s, id: id, from: from, at: -1}
}

type reader struct {
	s    *Stream
	id   string
	from stream.Start
	at   int // index of the next record, -1 before the first read
}

func (r *reader) Read(ctx context.Context) (stream.Batch, error) {
	b, err := r.read()
	if err != nil || len(b.Records) > 0 || b.End {
		return b, err
	}
	t := time.NewTimer(r.s.Poll)
	defer t.Stop()
	select {
	case <-t.C:
		return r.read()
	case <-ctx.Done():
		return stream.Batch{}, ctx.Err()
	}
}

func (r *reader) read() (stream.Batch, error) {
	if r.s.OnRead != nil {
		if err := r.s.OnRead(r.id); err != nil {
			return stream.Batch{}, err
		}
	}
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	sh := r.s.find(r.id)
	switch {
	case r.s.gone:
		return stream.Batch{}, stream.ErrNoStream
	case sh == nil:
		return stream.Batch{}, stream.ErrNoShard
	}
	if r.at < 0 {
		r.at = start(sh.records, r.from)
	}
	end := min(r.at+r.s.Batch, len(sh.records))
	b := stream.Batch{Records: slices.Clip(sh.records[r.at:end])}
	r.at = end
	if n := len(sh.records); end < n {
		b.Behind = time.Since(sh.records[end].ArrivedAt())
	} else if sh.Closed {
		b.End = true
		for _, id := range sh.children {
			b.Children = append(b.Children, r.s.find(id).Shard)
		}
	}
	return b, nil
}

func start(records []stream.Record, from stream.Start) int {
	switch p := from.Position; p {
	case lease.TrimHorizon:
		return 0
	case lease.Latest:
		return len(records)
	case lease.AtTimestamp:
		return index(records, func(r *stream.Record) bool { return !r.ArrivedAt().Before(from.Time) })
	default:
		return index(records, func(r *stream.Record) bool { return r.Position().Compare(p) > 0 })
	}
}

func index(records []stream.Record, ok func(*stream.Record) bool) int {
	for i := range records {
		if ok(&records[i]) {
			return i
		}
	}
	return len(records)
}

func (r *reader) Close() error { return nil }
