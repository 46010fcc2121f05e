package cli

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aws/smithy-go"

	"github.com/leasehold/leasehold/stream"
)

// A peek reads all shards of a stream at once, without leases.
type peek struct {
	stream        stream.Stream
	line          *lineup
	untilCaughtUp bool
	// batch is told every batch, one after another. When it returns true, or an
	// error, reading ends.
	batch func(shard string, b *stream.Batch) (enough bool, err error)
	// warn and note tell people what happens.
	warn, note func(format string, args ...any)
}

// A peeked is what one read of a shard brought.
type peeked struct {
	shard string
	batch stream.Batch
	err   error
}

// run reads until there is nothing more to read, or ctx is done, which is no
// error, or until it fails. When it returns, all its goroutines have ended.
func (r *peek) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var readers sync.WaitGroup
	defer readers.Wait()
	defer cancel()

	// Unbuffered: a shard is read no faster than its records are printed.
	news := make(chan peeked)
	for {
		for _, id := range r.line.ready() {
			r.note("shard %s: reading", shortShard(id))
			start := r.line.places[id].start
			readers.Go(func() { r.read(ctx, id, start, news) })
		}
		if r.line.over() || r.untilCaughtUp && r.line.allCaughtUp() {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case n := <-news:
			enough, err := r.handle(ctx, n)
			if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
				return nil
			}
			if enough || err != nil {
				return err
			}
		}
	}
}

// handle prints one batch and notes what it says about the shard.
func (r *peek) handle(ctx context.Context, n peeked) (enough bool, err error) {
	if errors.Is(n.err, stream.ErrNoShard) && !r.line.fixed {
		// Its retention ended before it was read. Its children may be there.
		r.warn("shard %s: the stream no longer has it", shortShard(n.shard))
		r.line.end(n.shard, nil)
		return false, r.list(ctx)
	}
	if n.err != nil {
		return false, while(n.err, "shard %s", shortShard(n.shard))
	}
	if n.batch.Trimmed {
		r.warn("shard %s: records were trimmed before they could be read", shortShard(n.shard))
	}
	if enough, err = r.batch(n.shard, &n.batch); enough || err != nil {
		return enough, err
	}
	if n.batch.Behind == 0 {
		r.line.caughtUp(n.shard)
	}
	if n.batch.End {
		r.note("shard %s: read to its end", shortShard(n.shard))
		if r.line.end(n.shard, n.batch.Children) {
			return false, r.list(ctx)
		}
	}
	return false, nil
}

// list asks which shards there are by now.
func (r *peek) list(ctx context.Context) error {
	shards, err := shardsOf(ctx, r.stream)
	if err != nil {
		return err
	}
	r.line.add(shards)
	return nil
}

// maxReadErrors is how many reads of a shard may fail one after another before
// reading ends. A throttled read does not count: it only takes longer.
const maxReadErrors = 5

// read reads one shard to its end and tells news all it finds.
func (r *peek) read(ctx context.Context, shard string, from stream.Start, news chan<- peeked) {
	reader := r.stream.Open(shard, from)
	defer reader.Close()
	errs, wait := 0, 200*time.Millisecond
	for {
		b, err := reader.Read(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !final(err) {
			if !errors.Is(err, stream.ErrThrottled) {
				errs++
			}
			if errs < maxReadErrors {
				r.note("shard %s: %v; again in %v", shortShard(shard), err, wait)
				if sleep(ctx, wait) != nil {
					return
				}
				wait = min(2*wait, 5*time.Second)
				continue
			}
		}
		select {
		case news <- peeked{shard, b, err}:
		case <-ctx.Done():
			return
		}
		if err != nil || b.End {
			return
		}
		errs, wait = 0, 200*time.Millisecond
	}
}

// final reports whether asking again cannot help.
func final(err error) bool {
	for _, e := range []error{stream.ErrNoStream, stream.ErrNoShard, stream.ErrDenied, stream.ErrPosition} {
		if errors.Is(err, e) {
			return true
		}
	}
	_, answered := errors.AsType[smithy.APIError](err)
	return answered && classify(err).Code != tryAgain
}
