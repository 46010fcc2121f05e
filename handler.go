package leasehold

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leasehold/leasehold/internal/consume"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// Why the context of a handler ends, by [context.Cause].
var (
	// ErrLost says that another worker may own the lease by now: it took it,
	// or this worker could not reach the table for too long. What the handler
	// does from now on, another may do too.
	ErrLost = errors.New("lease is lost")
	// ErrHandoff says that the shard goes to another worker and that
	// Config.DrainTime is over.
	ErrHandoff = errors.New("lease is handed over")
	// ErrStopping says that the worker stops and that Config.StopTime is over.
	ErrStopping = errors.New("worker is stopping")
)

// A Handler processes records.
//
// It may also implement [ShardOpener] and [ShardCloser].
type Handler interface {
	// Handle processes one batch of one shard. Nil means that all of it is
	// done, and the checkpoint may pass it; it means so also after ctx has
	// ended.
	//
	// After an error or a panic the same records come again, with growing
	// pauses, until they are done: a checkpoint never passes a failed batch.
	// Other shards go on meanwhile.
	//
	// Ctx ends with the cause [ErrLost], [ErrHandoff] or [ErrStopping]; Handle
	// should then return soon, for the next worker does not wait any longer. If it
	// has not after 10 s, this worker does without the shard until it has.
	Handle(ctx context.Context, b *Batch) error
}

// HandlerFunc is a function as a [Handler].
type HandlerFunc func(ctx context.Context, b *Batch) error

// Handle calls f.
func (f HandlerFunc) Handle(ctx context.Context, b *Batch) error { return f(ctx, b) }

// A ShardOpener is a [Handler] that is told when a term begins.
type ShardOpener interface {
	// OpenShard comes before the first Handle of a term, also if no record
	// follows. After an error it is tried again, and Handle waits.
	OpenShard(ctx context.Context, t Term) error
}

// A ShardCloser is a [Handler] that is told when a term ends.
type ShardCloser interface {
	// CloseShard comes once after the last Handle of a term, if the shard was
	// opened. Why says what ended the term: [ErrLost], [ErrHandoff] or
	// [ErrStopping]. Ctx may be done already; a handoff or a stop waits for
	// CloseShard as for Handle. An error is logged.
	//
	// Why is nil when the shard has ended. Its end is stored, and its children
	// begin, when CloseShard returns nil: after an error it is tried again.
	CloseShard(ctx context.Context, t Term, why error) error
}

// A Shard is a part of a stream.
type Shard struct {
	// Stream is the stream's name, ID the shard's.
	Stream, ID string
}

// String returns stream and shard with a slash between.
func (s Shard) String() string { return s.Stream + "/" + s.ID }

// A Term is one worker's unbroken ownership of a shard's lease.
type Term struct {
	Shard Shard
	// Token is different for each term of the shard and greater than those of
	// all terms before. A system that keeps the greatest token it has seen, and
	// refuses a smaller one, is safe from a worker that lost its lease and does
	// not know yet.
	Token int64
	// From is where the term begins: after this position.
	From lease.Position
}

// A Record is one record of a shard.
type Record = stream.Record

// A Batch is some records of one shard, in their order, at least one. It is
// valid until Handle returns; the records and their data are as long as they are
// referenced, and must not be changed.
type Batch struct {
	// Shard is where the records come from.
	Shard Shard
	// Records are to be processed.
	Records []Record
	// Token is the term's, see [Term].
	Token int64
	// Behind is how far the batch was from the shard's tip when it was read.
	Behind time.Duration
	// Last says that no record of this shard follows. A shard can also end
	// without a last batch: [ShardCloser] is told either way.
	Last bool

	draining <-chan struct{}
}

// Draining returns a channel that is closed when no further batch of the shard
// will come to this worker, since it stops or hands the shard over. The handler
// may finish, and should hurry: the context ends when the time for it is over.
func (b *Batch) Draining() <-chan struct{} { return b.draining }

// Progress is how far a shard is.
type Progress struct {
	Shard Shard
	// Records is the number of records just finished; 0 after a read that
	// brought none, and at the end of the shard.
	Records int
	// Behind is how far this is from the shard's tip: 0 if it is caught up.
	Behind time.Duration
	// Ended says that the shard has ended and that all of it is finished.
	Ended bool
}

// termHandler is the application's handler for one term.
type termHandler struct {
	h    Handler
	term Term
}

func (t *termHandler) Open(ctx context.Context) error {
	if o, ok := t.h.(ShardOpener); ok {
		return o.OpenShard(ctx, t.term)
	}
	return nil
}

func (t *termHandler) Handle(ctx context.Context, d consume.Delivery) error {
	// A new batch for each try: a handler may have changed the last one.
	return t.h.Handle(ctx, &Batch{
		Shard:    t.term.Shard,
		Records:  d.Records,
		Token:    t.term.Token,
		Behind:   d.Behind,
		Last:     d.Last,
		draining: d.Draining,
	})
}

func (t *termHandler) Close(ctx context.Context, why error) error {
	if c, ok := t.h.(ShardCloser); ok {
		return c.CloseShard(ctx, t.term, why)
	}
	return nil
}

// A StuckError says that Run has returned while handlers have not: they ignore
// that their context has ended. Each has a goroutine left, and none will be
// called again.
type StuckError struct {
	// Shards are those whose handlers still run.
	Shards []Shard
}

func (e *StuckError) Error() string {
	return fmt.Sprintf("handlers have not returned though their context has ended: %v", e.Shards)
}
