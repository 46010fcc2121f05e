package consume

import (
	"context"
	"time"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// A Handler processes one shard during one term. Its methods are called by one
// goroutine. Ctx ends with the term; its cause is what [Consumer.Cancel] was
// given.
type Handler interface {
	// Open comes before the first Handle. After an error it is tried again.
	Open(ctx context.Context) error

	// Handle processes a batch. Nil acknowledges all of it.
	Handle(ctx context.Context, d Delivery) error

	// Close comes once after the last Handle, if Open succeeded. Why is nil
	// when the shard has ended: then it is tried again after an error, and the
	// end is acknowledged when it returns nil.
	Close(ctx context.Context, why error) error
}

// A Delivery is a batch with at least one record. Records belongs to the
// reader's batch.
type Delivery struct {
	Records []stream.Record
	// Behind is how far the end of the batch was from the shard's tip when it
	// was read.
	Behind time.Duration
	// Last says that no record of the shard follows.
	Last bool
	// Draining is closed when no further batch will come.
	Draining <-chan struct{}
}

// Reports are how a consumer tells of itself. Each may be called from the
// consumer's goroutines and must return at once.
type Reports interface {
	// Acknowledged says that everything up to p is done.
	Acknowledged(p lease.Position)

	// Read says how far behind the shard's tip the consumer is after records
	// records were acknowledged, or after a read that brought none. Ended says
	// that the end of the shard is acknowledged.
	Read(records int, behind time.Duration, ended bool)

	// Failed says that a handler failed and is tried again.
	Failed()

	// Fatal says that the worker cannot go on.
	Fatal(err error)
}
