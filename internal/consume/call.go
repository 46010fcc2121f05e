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

// call calls f, a step of the handler, and returns its panic as an error. First is
// the first record of the batch, if the step has one.
func (c *Consumer) call(s step, first *stream.Record, f func(context.Context) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{v, debug.Stack()}
		}
	}()
	defer c.watchSlow(s, first)()
	return f(c.ctx)
}

// watchSlow reports a call of the handler that goes on for long: its lease is
// renewed all the while, and nothing else tells that the shard stands still. It
// ends with the context, since what comes then is another event. The returned stop
// ends the watch and waits for it.
func (c *Consumer) watchSlow(s step, first *stream.Record) (stop func()) {
	began := time.Now()
	returned, over := make(chan struct{}), make(chan struct{})
	t := time.AfterFunc(slowAfter, func() {
		defer close(over)
		again := time.NewTicker(slowAfter)
		defer again.Stop()
		for c.ctx.Err() == nil {
			attrs := []slog.Attr{slog.String("step", string(s)), slog.Duration("running_for", time.Since(began))}
			if first != nil {
				attrs = append(attrs, slog.String("sequence", first.Position().String()))
			}
			c.cfg.Log.LogAttrs(c.ctx, slog.LevelWarn, "handler.slow", attrs...)
			select {
			case <-returned:
				return
			case <-c.ctx.Done():
			case <-again.C:
			}
		}
	})
	return func() {
		if !t.Stop() {
			close(returned)
			<-over
		}
	}
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
