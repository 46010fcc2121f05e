package consume

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/leasehold/leasehold/internal/backoff"
	"github.com/leasehold/leasehold/stream"
)

// readRetry are the pauses after a failed read. A reader has a pace of its own;
// these are for when nothing works.
var readRetry = backoff.Policy{Min: 200 * time.Millisecond, Max: 10 * time.Second}

const (
	// repeatLog is the least time between two lines about the same trouble.
	repeatLog = time.Minute
	// shardsTime bounds a listing of the shards.
	shardsTime = 10 * time.Second
	// goneAfter is how long a shard must be missing, from its reads and from
	// the stream's list, to count as gone: the list may be some seconds old.
	goneAfter = time.Minute
)

// read reads the shard and hands the batches over, one ahead of the handler,
// until the shard ends or ctx does.
func (c *Consumer) read(ctx context.Context, out chan<- stream.Batch) {
	r := c.cfg.Stream.Open(c.cfg.Shard, c.cfg.From)
	defer r.Close()
	var t trouble
	for {
		b, err := r.Read(ctx)
		if ctx.Err() != nil && err != nil {
			return
		}
		if err != nil {
			t.add(c.cfg.Log, err)
			if b, err = c.examine(ctx, &t, err); err != nil {
				c.cfg.Reports.Fatal(err)
				return
			}
			if !b.End {
				if !pause(ctx, readRetry.Pause(t.times)) {
					return
				}
				continue
			}
		}
		t.over(c.cfg.Log)
		select {
		case out <- b:
		case <-ctx.Done():
			return
		}
		if b.End {
			return
		}
	}
}

// examine looks into a read that failed because something is not there. Its
// error is the end of the worker. It returns a batch at the shard's end if the
// shard is proven to be gone from the stream: the records in it are lost, and
// waiting for them would keep its children waiting too.
func (c *Consumer) examine(ctx context.Context, t *trouble, err error) (stream.Batch, error) {
	noStream, noShard := errors.Is(err, stream.ErrNoStream), errors.Is(err, stream.ErrNoShard)
	if !noShard {
		t.goneSince = time.Time{}
	}
	if !noStream && !noShard {
		return stream.Batch{}, nil
	}
	// One answer can be that of a server which does not know the stream yet.
	lctx, cancel := context.WithTimeout(ctx, shardsTime)
	defer cancel()
	shards, lerr := c.cfg.Stream.Shards(lctx)
	switch {
	case noStream:
		if errors.Is(lerr, stream.ErrNoStream) {
			return stream.Batch{}, fmt.Errorf("read shard %q of stream %q: %w", c.cfg.Shard, c.cfg.Stream.Name(), err)
		}
		return stream.Batch{}, nil
	case lerr != nil:
		return stream.Batch{}, nil
	case slices.ContainsFunc(shards, func(s stream.Shard) bool { return s.ID == c.cfg.Shard }):
		t.goneSince = time.Time{}
		return stream.Batch{}, nil
	case t.goneSince.IsZero():
		t.goneSince = time.Now()
		return stream.Batch{}, nil
	case time.Since(t.goneSince) < goneAfter:
		return stream.Batch{}, nil
	}
	c.cfg.Log.LogAttrs(ctx, slog.LevelError, "records.skipped",
		slog.String("cause", "shard_gone"),
		slog.String("from", c.cfg.From.Position.String()))
	b := stream.Batch{End: true}
	for _, s := range shards {
		if slices.Contains(s.Parents, c.cfg.Shard) {
			b.Children = append(b.Children, s)
		}
	}
	return b, nil
}

// pause waits for d and reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// trouble counts failures in a row and reports the first at once, and then no
// more than once a minute.
type trouble struct {
	times     int
	since     time.Time
	logged    time.Time
	goneSince time.Time
}

func (t *trouble) add(log *slog.Logger, err error) {
	t.times++
	if t.times == 1 {
		t.since = time.Now()
	} else if time.Since(t.logged) < repeatLog {
		return
	}
	t.logged = time.Now()
	level, name, cause := slog.LevelWarn, "read.failed", ""
	switch {
	case errors.Is(err, stream.ErrDenied):
		level, name = slog.LevelError, "access.denied"
	case errors.Is(err, stream.ErrPosition):
		// It does not pass: somebody has to set the checkpoint.
		level, name, cause = slog.LevelError, "position.foreign", "the checkpoint is of another stream"
	case errors.Is(err, stream.ErrThrottled):
		name = "read.throttled"
	}
	attrs := []slog.Attr{slog.Int("times", t.times), slog.Time("since", t.since), slog.Any("err", err)}
	if cause != "" {
		attrs = append(attrs, slog.String("cause", cause))
	}
	log.LogAttrs(context.Background(), level, name, attrs...)
}

func (t *trouble) over(log *slog.Logger) {
	if t.times > 1 {
		log.LogAttrs(context.Background(), slog.LevelInfo, "read.back",
			slog.Int("times", t.times),
			slog.Duration("down_for", time.Since(t.since)))
	}
	*t = trouble{}
}
