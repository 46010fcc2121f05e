package leasehold_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasehold/leasehold"
	"github.com/leasehold/leasehold/internal/consume/memstream"
)

func TestStopLetsTheBatchFinishAndStoresIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1)
		f.stream.Batch = 1
		f.stream.Put(memstream.ID(0), "a", "b")
		f.handle = func(ctx context.Context, b *leasehold.Batch) error {
			<-b.Draining()
			time.Sleep(15 * time.Second)
			return ctx.Err()
		}
		w := f.start(f.config("w"))
		time.Sleep(10 * time.Second)
		began := time.Now()
		w.stop()
		if d := time.Since(began); d < 15*time.Second || d > 17*time.Second {
			t.Errorf("stop took %v, want the 15s of the batch and little more", d)
		}
		f.want(0, "a")
		if l := f.lease(0); l.Checkpoint.String() != "1" || l.Owner != "" {
			t.Errorf("lease %+v, want checkpoint 1 and no owner", l)
		}
	})
}

// A second worker joins. The first has a batch that takes longer than the drain
// time allows: its context ends, and the batch is the second's.
func TestHandoffEndsAHandlerThatTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 2)
		causes := make(chan error, 2)
		slow := f.config("w1")
		slow.DrainTime = 3 * time.Second
		slow.Handler = leasehold.HandlerFunc(func(ctx context.Context, b *leasehold.Batch) error {
			<-ctx.Done()
			causes <- context.Cause(ctx)
			return ctx.Err()
		})
		w1 := f.start(slow)
		time.Sleep(10 * time.Second)
		f.stream.Put(memstream.ID(0), "a")
		f.stream.Put(memstream.ID(1), "b")
		time.Sleep(time.Second)
		w2 := f.start(f.config("w2"))
		time.Sleep(15 * time.Second)
		select {
		case cause := <-causes:
			if !errors.Is(cause, leasehold.ErrHandoff) {
				t.Errorf("cause %v, want %v", cause, leasehold.ErrHandoff)
			}
		default:
			t.Error("15s after a second worker joined no handler's context has ended")
		}
		if got := f.got(0) + f.got(1); got != "a" && got != "b" {
			t.Errorf("the second worker got %q, want the record of one shard", got)
		}
		w1.stop()
		w2.stop()
	})
}
