package cli

import (
	"bufio"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/leasehold/leasehold"
	"github.com/leasehold/leasehold/stream"
)

// errEnough is why a batch is not printed: nothing more is wanted.
var errEnough = errors.New("enough is printed")

// printing is a handler that prints records. A batch is done when it is written
// and flushed, so that no checkpoint passes what was not printed.
type printing struct {
	stop func()

	// mu guards what follows, and is held while a batch is written: lines of two
	// shards must not mix. Whoever waits for it waits for the reader of stdout.
	mu      sync.Mutex
	out     *bufio.Writer
	printer recordPrinter
	// left is how many records are still wanted, 0 for any number.
	left int
	// over says that nothing more is to be printed, and err why printing failed.
	over bool
	err  error
}

// Handle prints a batch.
func (h *printing) Handle(ctx context.Context, b *leasehold.Batch) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	// While this waited for its turn, the lease may have gone to another, who
	// prints the batch.
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if h.over {
		return errEnough
	}
	if h.err = h.print(b); h.err != nil {
		h.end()
		return errEnough
	}
	if h.left > 0 {
		if h.left -= len(b.Records); h.left <= 0 {
			h.end()
		}
	}
	return nil
}

func (h *printing) end() {
	h.over = true
	h.stop()
}

func (h *printing) print(b *leasehold.Batch) error {
	if o, ok := h.printer.(*recordObjects); ok {
		o.token, o.delivered = &b.Token, instant(time.Now())
	}
	batch := &stream.Batch{Records: b.Records, Behind: b.Behind, End: b.Last}
	for i := range b.Records {
		if err := h.printer.record(b.Shard.ID, batch, &b.Records[i]); err != nil {
			return err
		}
	}
	return h.out.Flush()
}

// oneByOne is a stream whose batches have one record: where only some records
// are wanted, the checkpoint can stand after the last of them.
type oneByOne struct{ stream.Stream }

// Open returns a reader of a shard.
func (s oneByOne) Open(shard string, from stream.Start) stream.Reader {
	return &singles{Reader: s.Stream.Open(shard, from)}
}

// singles hands out the batches of a reader record by record.
type singles struct {
	stream.Reader
	rest stream.Batch
}

// Read returns the next record.
func (r *singles) Read(ctx context.Context) (stream.Batch, error) {
	if len(r.rest.Records) == 0 {
		b, err := r.Reader.Read(ctx)
		if err != nil || len(b.Records) <= 1 {
			return b, err
		}
		r.rest = b
	}
	one := stream.Batch{Records: r.rest.Records[:1:1], Behind: r.rest.Behind, Trimmed: r.rest.Trimmed}
	r.rest.Records, r.rest.Trimmed = r.rest.Records[1:], false
	if len(r.rest.Records) == 0 {
		one.End, one.Children = r.rest.End, r.rest.Children
	}
	return one, nil
}
