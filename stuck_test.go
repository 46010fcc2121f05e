package leasehold_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasehold/leasehold"
	"github.com/leasehold/leasehold/internal/consume/memstream"
	"github.com/leasehold/leasehold/lease"
)

// A handler hangs and ignores that its context has ended, since its lease was taken
// by hand: another worker reads the shard from the stored checkpoint, and the worker
// with the handler says what it has, and that it is slow, and does not come back to
// the shard.
func TestStuckHandlersShardGoesOnElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 2)
		release := make(chan struct{})
		stuck := f.config("w1")
		stuck.Handler = leasehold.HandlerFunc(func(ctx context.Context, b *leasehold.Batch) error {
			if string(b.Records[0].Data) == "hang" {
				<-release
				return ctx.Err()
			}
			return f.record(ctx, b)
		})
		w1 := f.start(stuck)
		time.Sleep(15 * time.Second)
		w2 := f.start(f.config("w2"))
		time.Sleep(20 * time.Second)
		key := memstream.ID(0)
		if f.lease(0).Owner == "w2" {
			key = memstream.ID(1)
		}
		f.stream.Put(key, "hang")
		time.Sleep(150 * time.Second)
		if n := f.log.count("level=WARN", "handler.slow", "app=orders-mailer", "worker=w1", "shard="+key, "token=", "running_for=", "sequence=1"); n != 2 {
			t.Errorf("handler.slow logged %d times in 150 s, want 2:\n%s", n, f.log)
		}
		set := lease.Set{Bump: true, Mark: "by-hand", Owners: &lease.Owners{}}
		if _, ok, err := f.store.inner.Change(context.Background(), key, lease.Cond{}, set); !ok || err != nil {
			t.Fatal(ok, err)
		}
		f.stream.Put(key, "next")
		time.Sleep(5 * time.Second)
		i := 0
		if key == memstream.ID(1) {
			i = 1
		}
		f.want(i, "hang next")
		time.Sleep(30 * time.Minute)
		f.stream.Put(key, "last")
		time.Sleep(5 * time.Second)
		f.want(i, "hang next last")
		if got := f.lease(i).Owner; got != "w2" {
			t.Errorf("the lease has owner %q, want w2", got)
		}
		if n := f.log.count("handler.stuck", "worker=w1"); n != 1 {
			t.Errorf("handler.stuck logged %d times, want 1", n)
		}
		w2.stop()
		time.Sleep(time.Minute)
		if got := f.lease(i).Owner; got != "" {
			t.Errorf("w1, which cannot read the shard, has its lease: owner %q", got)
		}
		w1.end()
		err := <-w1.done
		if e, ok := errors.AsType[*leasehold.StuckError](err); !ok || len(e.Shards) != 1 || e.Shards[0].ID != key {
			t.Errorf("Run: %v, want a StuckError with shard %s", err, key)
		}
		close(release)
	})
}
