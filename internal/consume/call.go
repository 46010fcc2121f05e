package consume

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/leasehold/leasehold/stream"
)

// step names a method of the handler, for the log.
type step string

const (
	stepOpen   step = "open"
	stepHandle step = "handle"
	stepClose  step = "close"
)

// A panicError is a panic of a handler.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("handler panicked: %v", e.value) }

// call calls f and returns its panic as an error.
func (c *Consumer) call(f func(context.Context) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{v, debug.Stack()}
		}
	}()
	return f(c.ctx)
}

// logFailure reports a failure of a handler. Pause is 0 if nobody tries again in
// this term.
func (c *Consumer) logFailure(s step, first *stream.Record, try int, pause time.Duration, err error) {
	attrs := []slog.Attr{slog.String("step", string(s)), slog.Int("attempt", try)}
	if pause > 0 {
		attrs = append(attrs, slog.Duration("next_in", pause))
	}
	if first != nil {
		attrs = append(attrs, slog.String("sequence", first.Position().String()))
	}
	attrs = append(attrs, slog.Any("err", err))
	if p, ok := errors.AsType[*panicError](err); ok {
		c.cfg.Log.LogAttrs(c.ctx, slog.LevelError, "handler.panic", append(attrs, slog.String("stack", string(p.stack)))...)
		return
	}
	level := slog.LevelWarn
	if c.ctx.Err() != nil {
		// To give up when the context ends is what a handler should do.
		level = slog.LevelDebug
	}
	c.cfg.Log.LogAttrs(c.ctx, level, "handler.retry", attrs...)
}

// watchStuck reports the handler if the consumer has not returned some time
// after the handler's context ended. The returned stop ends the watch, after
// returned is closed, and waits for it.
func (c *Consumer) watchStuck(returned <-chan struct{}) (stop func()) {
	over := make(chan struct{})
	cancelled := context.AfterFunc(c.ctx, func() {
		defer close(over)
		since := time.Now()
		t := time.NewTimer(stuckAfter)
		defer t.Stop()
		select {
		case <-returned:
		case <-t.C:
			c.cfg.Log.LogAttrs(c.ctx, slog.LevelError, "handler.stuck",
				slog.Duration("running_for", time.Since(since)),
				slog.String("cause", context.Cause(c.ctx).Error()))
		}
	})
	return func() {
		if !cancelled() {
			<-over
		}
	}
}
