package demo

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// An event is a line of a worker's stderr.
type heard struct {
	worker, name string
	token        int64
}

func TestHoldersInAnyOrderOfLines(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines []heard
		want  term
	}{
		{"gained", []heard{{"a", "lease.gained", 5}}, term{"a", 5}},
		{"lost", []heard{{"a", "lease.gained", 5}, {"a", "lease.lost", 5}}, term{}},
		{"lost, its token unknown by then", []heard{{"a", "lease.gained", 5}, {"a", "lease.lost", 0}}, term{}},
		{"ended", []heard{{"a", "lease.gained", 5}, {"a", "shard.ended", 5}}, term{}},
		{"handed over", []heard{{"a", "lease.gained", 5}, {"a", "lease.released", 5}, {"b", "lease.gained", 7}}, term{"b", 7}},
		{"handed over, the giver's line late", []heard{{"a", "lease.gained", 5}, {"b", "lease.gained", 7}, {"a", "lease.released", 5}}, term{"b", 7}},
		{"gained again, an old line late", []heard{{"a", "lease.gained", 9}, {"a", "lease.lost", 5}}, term{"a", 9}},
		{"an old beginning late", []heard{{"b", "lease.gained", 7}, {"a", "lease.gained", 5}}, term{"b", 7}},
		{"other events", []heard{{"a", "lease.gained", 5}, {"a", "handoff.started", 5}, {"a", "worker.stopping", 0}}, term{"a", 5}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBoard()
			for _, l := range tt.lines {
				b.happened(l.worker, l.name, "0", l.token)
			}
			if got := b.holders["0"]; got != tt.want {
				t.Errorf("holder %v, want %v", got, tt.want)
			}
		})
	}
}

func TestReadOnNeedsAllThatTheDeadHadRead(t *testing.T) {
	b := newBoard()
	for range 3 {
		b.check.write("k")
	}
	deliver := func(worker string, token int64, n int) {
		b.delivered(delivery{worker: worker, shard: "0", token: token, sequence: seq(t, n), key: "k", number: n, at: time.Unix(0, 0)})
	}
	dead := []termID{{"0", 5}}
	want := func(want bool, when string) {
		t.Helper()
		if got := b.readOn(dead); got != want {
			t.Errorf("%s: read on %v, want %v", when, got, want)
		}
	}
	deliver("a", 5, 1)
	deliver("a", 5, 2)
	want(false, "nobody else")
	deliver("b", 6, 1)
	want(false, "only what was read before")
	deliver("a", 5, 3)
	deliver("b", 6, 2)
	want(false, "not all of it")
	deliver("b", 6, 3)
	want(false, "no more than that")
	b.check.write("k")
	deliver("b", 6, 4)
	want(true, "something new")
	if _, by := b.takenOver(dead); len(by) != 1 || by[0] != "b" {
		t.Errorf("taken over by %v, want b", by)
	}
}

func TestAwait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBoard()
		began := time.Now()
		err := b.await(t.Context(), time.Minute, "rain", func() bool { return false })
		late, ok := errors.AsType[*LateError](err)
		if !ok || late.What != "rain" || time.Since(began) != time.Minute {
			t.Errorf("got %v after %v, want a LateError after a minute", err, time.Since(began))
		}

		go func() {
			time.Sleep(time.Second)
			b.update(func() { b.writes = 3 })
		}()
		if err := b.await(t.Context(), time.Minute, "three writes", func() bool { return b.writes == 3 }); err != nil {
			t.Errorf("what happened in time: %v", err)
		}

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := b.await(ctx, time.Minute, "rain", func() bool { return false }); !errors.Is(err, context.Canceled) {
			t.Errorf("with a context that is done: %v", err)
		}

		broken := errors.New("broken")
		go b.fail(broken)
		if err := b.sleep(t.Context(), time.Now().Add(time.Hour)); !errors.Is(err, broken) {
			t.Errorf("sleep while the story breaks: %v", err)
		}
		if err := b.await(t.Context(), time.Minute, "anything", func() bool { return true }); !errors.Is(err, broken) {
			t.Errorf("wait after the story broke: %v", err)
		}
	})
}
