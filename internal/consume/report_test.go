package consume_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasehold/leasehold/internal/consume"
	"github.com/leasehold/leasehold/internal/consume/memstream"
	"github.com/leasehold/leasehold/stream"
)

// A handler that does not return is reported after a minute and then once a
// minute, with the batch that it has, until it returns.
func TestSlowHandlerIsReported(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		release := make(chan struct{})
		r.handle = func(_ context.Context, d consume.Delivery) error {
			if string(d.Records[0].Data) == "b" {
				<-release
			}
			return nil
		}
		r.stream.Put(memstream.ID(0), "a")
		r.start()
		time.Sleep(5 * time.Minute)
		if n := r.log.count("handler.slow"); n != 0 {
			t.Errorf("handler.slow logged %d times of a handler that returns at once", n)
		}
		r.stream.Put(memstream.ID(0), "b")
		for r.got() != "a b" {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(59 * time.Second)
		if n := r.log.count("handler.slow"); n != 0 {
			t.Errorf("handler.slow logged %d times within a minute, want 0", n)
		}
		time.Sleep(2 * time.Second)
		if n := r.log.count("level=WARN", "handler.slow", "step=handle", "running_for=1m0s", "sequence=2"); n != 1 {
			t.Errorf("handler.slow logged %d times after a minute, want 1", n)
		}
		time.Sleep(9 * time.Minute)
		if n := r.log.count("handler.slow"); n != 10 {
			t.Errorf("handler.slow logged %d times in ten minutes, want 10", n)
		}
		if n := r.log.count("handler.slow", "running_for=10m0s"); n != 1 {
			t.Errorf("the tenth line about the handler came %d times, want 1", n)
		}
		close(release)
		time.Sleep(5 * time.Minute)
		if n := r.log.count("handler.slow"); n != 10 {
			t.Errorf("handler.slow logged %d times in all, want 10: the handler has returned", n)
		}
		r.stop()
	})
}

// The other steps of a handler are watched too.
func TestSlowStepsAreReported(t *testing.T) {
	wait := func() { time.Sleep(90 * time.Second) }
	for _, tt := range []struct {
		step string
		slow func(r *rig)
	}{
		{"open", func(r *rig) { r.open = func(context.Context) error { wait(); return nil } }},
		{"close", func(r *rig) { r.close = func(context.Context, error) error { wait(); return nil } }},
	} {
		t.Run(tt.step, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				tt.slow(r)
				r.start()
				time.Sleep(2 * time.Minute)
				r.stop()
				if n := r.log.count("handler.slow", "step="+tt.step); n != 1 {
					t.Errorf("handler.slow logged %d times of %s, want 1", n, tt.step)
				}
				if n := r.log.count("handler.slow", "sequence="); n != 0 {
					t.Error("a step without records has a sequence number")
				}
			})
		})
	}
}

// A handler whose context has ended is stuck and no longer slow, also if it panics
// in the end.
func TestStuckHandlerIsNotSlow(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		release := make(chan struct{})
		r.handle = func(context.Context, consume.Delivery) error { <-release; panic("late") }
		r.stream.Put(memstream.ID(0), "a")
		r.start()
		time.Sleep(90 * time.Second)
		r.consumer.Cancel(errLost)
		time.Sleep(time.Hour)
		if n := r.log.count("handler.slow"); n != 1 {
			t.Errorf("handler.slow logged %d times, want 1: the context ended after 90 s", n)
		}
		close(release)
		<-r.ended
		synctest.Wait()
	})
}

// A checkpoint of another stream does not pass: it is an error, and says what it is.
func TestPositionOfAnotherStreamIsAnError(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.stream.OnRead = func(string) error { return fmt.Errorf("read: %w: 49 of 12", stream.ErrPosition) }
		r.start()
		time.Sleep(150 * time.Second)
		r.stop()
		if n := r.log.count("level=ERROR", "position.foreign", "the checkpoint is of another stream", "49 of 12", "times="); n != 3 {
			t.Errorf("position.foreign logged %d times in 150s, want 3", n)
		}
		if n := r.log.count("read.failed"); n != 0 {
			t.Errorf("read.failed logged %d times, want 0", n)
		}
	})
}
