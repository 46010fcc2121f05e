// Package stream is what a worker needs of a stream: shards with their lineage,
// records, and a reader for each shard. It holds no AWS type; package
// kinesisstream implements it on Kinesis.
package stream

import (
	"context"
	"errors"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// What a stream reports, by errors.Is. Any other error is a failure that may
// pass: the call can be made again.
var (
	// ErrNoStream reports that the stream does not exist, or is being deleted.
	ErrNoStream = errors.New("stream does not exist")
	// ErrNoShard reports that the stream no longer has the shard: its retention
	// is over.
	ErrNoShard = errors.New("shard does not exist")
	// ErrDenied reports that the caller may not do this, or has no credentials.
	ErrDenied = errors.New("access is denied")
	// ErrPosition reports that a shard has records before the position from which
	// to read, and not that position: it is one of another stream, such as an
	// earlier one of the same name. It does not pass.
	ErrPosition = errors.New("position is not one of this shard")
	// ErrThrottled reports that a limit of the service was exceeded.
	ErrThrottled = errors.New("stream is throttled")
)

// A Stream is a set of shards that changes as shards are split and merged.
// It is safe for concurrent use.
type Stream interface {
	// Name is the stream's name.
	Name() string

	// Shards lists the stream's shards, closed ones included, as long as the
	// stream has them. The list may be some seconds old.
	Shards(ctx context.Context) ([]Shard, error)

	// Open returns a reader of a shard from a start. It asks the service
	// nothing; the first Read does.
	Open(shard string, from Start) Reader
}

// A Shard is an ordered part of a stream.
type Shard struct {
	// ID is the shard's, such as "shardId-000000000007".
	ID string
	// Parents are the shards that this one continues: none, one after a split,
	// two after a merge. The stream may no longer have them.
	Parents []string
	// HashRange is the range of hash keys that the shard serves.
	HashRange lease.HashRange
	// First is the sequence number from which the shard holds records.
	First lease.Sequence
	// Closed reports that the shard takes no more records.
	Closed bool
	// Last is the sequence number at which a closed shard ends. It may be less
	// than those of its records in an emulator, and is for display only.
	Last lease.Sequence
}

// A Start says where a reader begins.
type Start struct {
	// Position is where to begin: after the record at a record's position, or
	// at a sentinel. With a sub-sequence number other than 0, which says that a
	// part of an aggregated record is done, it is at that record, whole.
	Position lease.Position
	// Time is where AT_TIMESTAMP begins.
	Time time.Time
}

// A Reader reads one shard from its start to its end. It is used by one
// goroutine at a time.
type Reader interface {
	// Read returns the next batch. It waits as long as the reader's pace asks,
	// and may return a batch without records, which says how far behind the
	// reader is.
	//
	// After an error the same Read may be made again: it goes on after the last
	// record that was returned, and no record is passed over or repeated.
	// The error matches ctx's when ctx is done, or one of this package's.
	Read(ctx context.Context) (Batch, error)

	// Close ends the reader and frees what it holds.
	Close() error
}

// A Batch is what one read of a shard brought.
type Batch struct {
	Records []Record
	// Behind is how far the end of the batch is from the shard's tip.
	Behind time.Duration
	// End says that the shard is closed and that no record follows this batch.
	// It is proven: the stream itself said that the shard is closed.
	End bool
	// Children are the shards that continue this one, when End is set. Each
	// names all its parents.
	Children []Shard
	// Trimmed says that records between the start and this batch were gone
	// from the stream before they could be read.
	Trimmed bool
}

// A Record is one record of a shard.
type Record struct {
	// Data is the payload. It belongs to the batch and is not to be changed.
	Data []byte
	// PartitionKey is empty for a record without one.
	PartitionKey string
	// Sequence is the record's number within its shard.
	Sequence lease.Sequence
	// Sub is the record's number within an aggregated record, 0 for a plain
	// record. Package kinesisstream does not take aggregated records apart, and
	// has 0 for them too.
	Sub int64
	// Arrived is when the stream took the record, in Unix milliseconds.
	Arrived int64
}

// Position is the record's place in its shard.
func (r *Record) Position() lease.Position { return lease.At(r.Sequence, r.Sub) }

// ArrivedAt is when the stream took the record, to the millisecond.
func (r *Record) ArrivedAt() time.Time { return time.UnixMilli(r.Arrived) }
