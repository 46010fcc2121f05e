package consume

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leasehold/leasehold/internal/backoff"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// stuckAfter is how long after its context has ended a handler is reported as
// stuck.
const stuckAfter = 10 * time.Second

// slowAfter is how long a handler may take before it is reported as slow, and then
// the time between two reports.
const slowAfter = time.Minute

// Config is what a [Consumer] works with. Every field must be set.
type Config struct {
	Stream stream.Stream
	Shard  string
	// From is where to begin, and Until when the term ends by Clock, unless it
	// is extended.
	From  stream.Start
	Until time.Duration

	// WaitStored makes every batch wait until the checkpoint of the one before
	// is stored, so that no more than one batch can come again.
	WaitStored bool

	Clock   *Clock
	Handler Handler
	Reports Reports
	// Retry are the pauses between tries of a handler.
	Retry backoff.Policy
	Log   *slog.Logger
}

// A Consumer processes one shard during one term.
type Consumer struct {
	cfg    Config
	ctx    context.Context
	cancel context.CancelCauseFunc

	until    atomic.Int64  // a time of the clock
	extended chan struct{} // holds one token when until or stored has moved
	stored   atomic.Pointer[lease.Position]

	draining  chan struct{} // closed by Drain
	drainOnce sync.Once
	drainWhy  error // written before draining is closed

	// What follows belongs to the goroutine of Run.
	watermark lease.Position
	opened    bool
}

// New returns a consumer that does nothing until [Consumer.Run]. The handler's
// context has the values of ctx and ends with it.
func New(ctx context.Context, cfg Config) *Consumer {
	c := &Consumer{
		cfg:      cfg,
		extended: make(chan struct{}, 1),
		draining: make(chan struct{}),
	}
	c.ctx, c.cancel = context.WithCancelCause(ctx)
	c.until.Store(int64(cfg.Until))
	// What comes again before this needs no checkpoint: an aggregated record of
	// which a part was done.
	c.stored.Store(&c.cfg.From.Position)
	return c
}

// Extend moves the end of the term, to an earlier time too. Stored is the
// checkpoint that is stored by now, zero if that is not known.
func (c *Consumer) Extend(until time.Duration, stored lease.Position) {
	c.until.Store(int64(until))
	if !stored.IsZero() {
		c.stored.Store(&stored)
	}
	select {
	case c.extended <- struct{}{}:
	default:
	}
}

// Drain lets the handler finish the batch that it has and starts no other. A
// batch that waits for its next try is given up. Why is what Handler.Close is
// told. Only the first call counts.
func (c *Consumer) Drain(why error) {
	c.drainOnce.Do(func() {
		c.drainWhy = why
		close(c.draining)
	})
}

// Cancel ends the handler's context with why as its cause. Only the first call
// counts.
func (c *Consumer) Cancel(why error) { c.cancel(why) }

// An End is how a consumer ended.
type End struct {
	// Position is the last that was acknowledged, zero if nothing was.
	Position lease.Position
	// Shard says that the end of the shard is acknowledged, and Children are
	// the shards that continue it.
	Shard    bool
	Children []stream.Shard
}

// Run consumes until the shard ends, or until Drain or Cancel, and returns when
// the handler and the reader have returned. It is called once.
func (c *Consumer) Run() End {
	// The reader's context ends on every way out.
	rctx, stopReading := context.WithCancel(c.ctx)
	var reading sync.WaitGroup
	returned := make(chan struct{})
	stopWatching := c.watchStuck(returned)
	defer func() {
		close(returned)
		stopWatching()
		stopReading()
		reading.Wait()
		c.cancel(nil)
	}()

	if !c.untilDone(stepOpen, nil, c.cfg.Handler.Open) {
		return End{}
	}
	c.opened = true
	batches := make(chan stream.Batch)
	reading.Go(func() { c.read(rctx, batches) })
	end := c.deliverAll(batches)
	if !end.Shard {
		c.closeEarly()
	}
	return end
}

// deliverAll delivers batches until the consumer is to end.
func (c *Consumer) deliverAll(batches <-chan stream.Batch) End {
	for {
		var b stream.Batch
		select {
		case b = <-batches:
		case <-c.draining:
			return End{Position: c.watermark}
		case <-c.ctx.Done():
			return End{Position: c.watermark}
		}
		if b.Trimmed {
			c.cfg.Log.Warn("position.trimmed", slog.String("wanted", c.reached().String()))
		}
		if n := len(b.Records); n > 0 && !c.deliver(b) {
			return End{Position: c.watermark}
		}
		if b.End {
			return c.endShard(b.Children)
		}
		c.cfg.Reports.Read(len(b.Records), b.Behind, false)
	}
}

// reached is the last position acknowledged, or where the consumer began.
func (c *Consumer) reached() lease.Position {
	if c.watermark.IsZero() {
		return c.cfg.From.Position
	}
	return c.watermark
}

// deliver delivers one batch until it is acknowledged. False means that the
// consumer is to end and the batch is not acknowledged.
func (c *Consumer) deliver(b stream.Batch) bool {
	d := Delivery{Records: b.Records, Behind: b.Behind, Last: b.End, Draining: c.draining}
	ok := c.untilDone(stepHandle, &b.Records[0], func(ctx context.Context) error {
		return c.cfg.Handler.Handle(ctx, d)
	})
	if !ok {
		return false
	}
	c.watermark = b.Records[len(b.Records)-1].Position()
	c.cfg.Reports.Acknowledged(c.watermark)
	if c.cfg.WaitStored {
		c.awaitStored()
	}
	return true
}

// awaitStored waits until the watermark is stored, or the consumer is to end:
// then its end stores it.
func (c *Consumer) awaitStored() {
	for !c.ending() {
		if p := c.stored.Load(); p != nil && p.Compare(c.watermark) >= 0 {
			return
		}
		select {
		case <-c.extended:
		case <-c.draining:
		case <-c.ctx.Done():
		}
	}
}

// endShard closes the handler at the end of the shard. The end is acknowledged
// only when the handler says so.
func (c *Consumer) endShard(children []stream.Shard) End {
	ok := c.untilDone(stepClose, nil, func(ctx context.Context) error {
		return c.cfg.Handler.Close(ctx, nil)
	})
	if !ok {
		return End{Position: c.watermark}
	}
	c.opened = false
	c.cfg.Reports.Read(0, 0, true)
	return End{Position: c.watermark, Shard: true, Children: children}
}

// closeEarly closes the handler when the consumer ends before the shard. There
// is one try: whatever waits for this consumer to end waits for it too.
func (c *Consumer) closeEarly() {
	why := context.Cause(c.ctx)
	if why == nil {
		why = c.drainWhy
	}
	if err := c.call(stepClose, nil, func(ctx context.Context) error { return c.cfg.Handler.Close(ctx, why) }); err != nil {
		c.logFailure(stepClose, nil, 1, 0, err)
	}
}

// untilDone calls f until it returns nil. False means that the consumer is to
// end before that. First is the first record of the batch, if f has one.
func (c *Consumer) untilDone(s step, first *stream.Record, f func(context.Context) error) bool {
	for try := 1; c.ready(); try++ {
		err := c.call(s, first, f)
		if err == nil {
			return true
		}
		c.cfg.Reports.Failed()
		if c.ending() {
			// Nobody tries again here: the next owner will.
			c.logFailure(s, first, try, 0, err)
			return false
		}
		pause := c.cfg.Retry.Pause(try)
		c.logFailure(s, first, try, pause, err)
		if !c.sleep(pause) {
			return false
		}
	}
	return false
}

// ready waits until something may be delivered: until the term is known to go
// on. False means that the consumer is to end.
func (c *Consumer) ready() bool {
	for {
		if c.ending() {
			return false
		}
		// In this order: whoever settles a suspend first moves the end of the
		// term to where it is safe.
		_, _, gap := c.cfg.Clock.Gap()
		if !gap && c.cfg.Clock.Now() < time.Duration(c.until.Load()) {
			return true
		}
		select {
		case <-c.extended:
		case <-c.draining:
		case <-c.ctx.Done():
		}
	}
}

// ending reports whether nothing more may be delivered in this term.
func (c *Consumer) ending() bool {
	select {
	case <-c.draining:
		return true
	case <-c.ctx.Done():
		return true
	default:
		return false
	}
}

// sleep waits for d. False means that the consumer is to end.
func (c *Consumer) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.draining:
	case <-c.ctx.Done():
	}
	return false
}
