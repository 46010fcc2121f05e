package consume_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasehold/leasehold/internal/backoff"
	"github.com/leasehold/leasehold/internal/consume"
	"github.com/leasehold/leasehold/internal/consume/memstream"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

var errLost = errors.New("lost")

// rig is a consumer over a stream in memory.
type rig struct {
	t        *testing.T
	stream   *memstream.Stream
	clock    *consume.Clock
	consumer *consume.Consumer
	cfg      consume.Config
	log      *logs
	ended    chan consume.End

	open   func(ctx context.Context) error
	handle func(ctx context.Context, d consume.Delivery) error
	close  func(ctx context.Context, why error) error

	mu        sync.Mutex // guards what follows
	delivered []string
	acked     []string
	fatal     error
	closed    []error
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, stream: memstream.New("orders", 1), clock: consume.NewClock(), log: &logs{}, ended: make(chan consume.End, 1)}
	r.stream.Batch = 2
	r.cfg = consume.Config{
		Stream:  r.stream,
		Shard:   memstream.ID(0),
		From:    stream.Start{Position: lease.TrimHorizon},
		Until:   time.Hour,
		Clock:   r.clock,
		Handler: r,
		Reports: r,
		Retry:   backoff.Policy{Min: 100 * time.Millisecond, Max: time.Minute},
		Log:     slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	return r
}

func (r *rig) start() {
	r.consumer = consume.New(context.Background(), r.cfg)
	go func() { r.ended <- r.consumer.Run() }()
}

// stop drains the consumer and returns how it ended.
func (r *rig) stop() consume.End {
	r.consumer.Drain(errLost)
	return <-r.ended
}

func (r *rig) Open(ctx context.Context) error {
	if r.open != nil {
		return r.open(ctx)
	}
	return nil
}

func (r *rig) Handle(ctx context.Context, d consume.Delivery) error {
	r.mu.Lock()
	for _, rec := range d.Records {
		r.delivered = append(r.delivered, string(rec.Data))
	}
	r.mu.Unlock()
	if r.handle != nil {
		return r.handle(ctx, d)
	}
	return nil
}

func (r *rig) Close(ctx context.Context, why error) error {
	r.mu.Lock()
	r.closed = append(r.closed, why)
	r.mu.Unlock()
	if r.close != nil {
		return r.close(ctx, why)
	}
	return nil
}

func (r *rig) Acknowledged(p lease.Position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acked = append(r.acked, p.String())
}

func (r *rig) Read(int, time.Duration, bool) {}
func (r *rig) Failed()                       {}

func (r *rig) Fatal(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fatal = err
}

func (r *rig) got() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.delivered, " ")
}

func (r *rig) wantDelivered(want string) {
	r.t.Helper()
	synctest.Wait()
	if got := r.got(); got != want {
		r.t.Errorf("delivered %q, want %q", got, want)
	}
}

func (r *rig) ackedNow() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.acked)
}

func (r *rig) wantAcked(want ...string) {
	r.t.Helper()
	synctest.Wait()
	if got := r.ackedNow(); !slices.Equal(got, want) {
		r.t.Errorf("acknowledged %q, want %q", got, want)
	}
}

// logs keeps what was logged.
type logs struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// count returns how many lines have all the parts.
func (l *logs) count(parts ...string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for line := range strings.Lines(l.text.String()) {
		if !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(line, p) }) {
			n++
		}
	}
	return n
}

func bubble(t *testing.T, f func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newRig(t)) })
}

func TestDeliversInOrderAndAcknowledgesEachBatch(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.stream.Put(memstream.ID(0), "a", "b", "c")
		r.start()
		time.Sleep(time.Second)
		r.stream.Put(memstream.ID(0), "d")
		time.Sleep(time.Second)
		r.wantDelivered("a b c d")
		r.wantAcked("2", "3", "4")
		if end := r.stop(); end.Position.String() != "4" || end.Shard {
			t.Errorf("ended with %+v, want position 4 and no end of the shard", end)
		}
	})
}

func TestBeginsAfterAPosition(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.stream.Put(memstream.ID(0), "a", "b", "c")
		q, _ := lease.ParseSequence("2")
		r.cfg.From = stream.Start{Position: lease.At(q, 0)}
		r.start()
		r.wantDelivered("c")
		r.stop()
	})
}

func TestFailure_F69_FailedBatchIsNeverPassed(t *testing.T) {
	for _, tt := range []struct {
		name string
		fail func() error
		log  string
	}{
		{"error", func() error { return errors.New("no") }, "handler.retry"},
		{"panic", func() error { panic("no") }, "handler.panic"},
	} {
		for bad := range 3 {
			t.Run(fmt.Sprintf("%s at batch %d", tt.name, bad), func(t *testing.T) {
				bubble(t, func(t *testing.T, r *rig) {
					r.stream.Batch = 1
					r.stream.Put(memstream.ID(0), "0", "1", "2")
					failures := 5
					r.handle = func(_ context.Context, d consume.Delivery) error {
						if string(d.Records[0].Data) == fmt.Sprint(bad) && failures > 0 {
							failures--
							return tt.fail()
						}
						return nil
					}
					r.start()
					// Five pauses of 100 ms and growing, half of each certain.
					time.Sleep(1500 * time.Millisecond)
					synctest.Wait()
					for _, p := range r.ackedNow() {
						if p > fmt.Sprint(bad) {
							t.Errorf("position %s acknowledged while record %d fails", p, bad)
						}
					}
					time.Sleep(10 * time.Second)
					want := []string{"0", "1", "2"}
					want = slices.Insert(want, bad, strings.Fields(strings.Repeat(fmt.Sprint(bad, " "), 5))...)
					r.wantDelivered(strings.Join(want, " "))
					r.wantAcked("1", "2", "3")
					if n := r.log.count(tt.log, "attempt=", "next_in="); n != 5 {
						t.Errorf("%s logged %d times, want 5", tt.log, n)
					}
					r.stop()
				})
			})
		}
	}
}

func TestRetryPausesGrowToTheirBound(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.stream.Put(memstream.ID(0), "a")
		var at []time.Time
		r.handle = func(context.Context, consume.Delivery) error {
			at = append(at, time.Now())
			return errors.New("no")
		}
		r.start()
		time.Sleep(time.Hour)
		r.stop()
		if first := at[1].Sub(at[0]); first > 100*time.Millisecond {
			t.Errorf("first pause %v, want at most 100ms", first)
		}
		for i := len(at) - 1; i > len(at)-5; i-- {
			if p := at[i].Sub(at[i-1]); p < 30*time.Second || p > time.Minute {
				t.Errorf("pause after an hour %v, want 30s to 1m", p)
			}
		}
	})
}

func TestDrainLetsTheBatchFinishAndStartsNoOther(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.stream.Put(memstream.ID(0), "a", "b", "c", "d")
		var sawDrain bool
		r.handle = func(ctx context.Context, d consume.Delivery) error {
			<-d.Draining
			sawDrain = true
			time.Sleep(3 * time.Second)
			return ctx.Err()
		}
		r.start()
		time.Sleep(time.Second)
		end := r.stop()
		r.wantDelivered("a b")
		r.wantAcked("2")
		if !sawDrain || end.Position.String() != "2" {
			t.Errorf("drained: %v, end %+v, want position 2", sawDrain, end)
		}
		if !slices.Equal(r.closed, []error{errLost}) {
			t.Errorf("closed with %v, want once with the drain's cause", r.closed)
		}
	})
}

func TestDrainDuringBackoffGivesTheBatchUp(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.stream.Put(memstream.ID(0), "a", "b", "c")
		r.handle = func(_ context.Context, d consume.Delivery) error {
			if string(d.Records[0].Data) == "c" {
				return errors.New("no")
			}
			return nil
		}
		r.start()
		time.Sleep(time.Hour)
		began := time.Now()
		end := r.stop()
		if d := time.Since(began); d != 0 {
			t.Errorf("drain during a pause took %v, want no time", d)
		}
		if end.Position.String() != "2" {
			t.Errorf("ended at %v, want 2: the failed batch is not acknowledged", end.Position)
		}
	})
}

func TestCancelEndsTheContextWithItsCause(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.stream.Put(memstream.ID(0), "a")
		var cause error
		r.handle = func(ctx context.Context, _ consume.Delivery) error {
			<-ctx.Done()
			cause = context.Cause(ctx)
			return ctx.Err()
		}
		r.start()
		time.Sleep(time.Second)
		r.consumer.Cancel(errLost)
		end := <-r.ended
		if !errors.Is(cause, errLost) {
			t.Errorf("cause %v, want %v", cause, errLost)
		}
		if !end.Position.IsZero() {
			t.Errorf("ended at %v, want nothing acknowledged", end.Position)
		}
		r.wantDelivered("a")
	})
}

func TestDeliversNothingPastTheTerm(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.stream.Batch = 1
		r.cfg.Until = 5 * time.Second
		release := make(chan struct{})
		r.handle = func(context.Context, consume.Delivery) error { <-release; return nil }
		r.stream.Put(memstream.ID(0), "a", "b")
		r.start()
		// The handler comes back a nanosecond before the end of the term.
		time.Sleep(5*time.Second - time.Nanosecond)
		release <- struct{}{}
		r.wantDelivered("a b")
		// And now at the end.
		r.stream.Put(memstream.ID(0), "c")
		time.Sleep(time.Nanosecond)
		release <- struct{}{}
		time.Sleep(time.Minute)
		r.wantDelivered("a b")
		r.wantAcked("1", "2")

		// To move it to a time that has passed does not help.
		r.consumer.Extend(10*time.Second, lease.Position{})
		r.wantDelivered("a b")
		r.consumer.Extend(2*time.Minute, lease.Position{})
		r.wantDelivered("a b c")
		close(release)
		r.stop()
	})
}

func TestLooksAtTheTermAgainAfterAPause(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.cfg.Until = 5 * time.Second
		r.cfg.Retry = backoff.Policy{Min: 20 * time.Second, Max: 20 * time.Second}
		r.handle = func(context.Context, consume.Delivery) error { return errors.New("no") }
		r.stream.Put(memstream.ID(0), "a")
		r.start()
		time.Sleep(time.Minute)
		r.wantDelivered("a")
		r.consumer.Cancel(errLost)
		<-r.ended
	})
}

func TestDeliversNothingAfterASuspendUntilItIsSettled(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		time.Sleep(time.Second)
		r.clock.Suspend(time.Second + time.Millisecond)
		r.stream.Put(memstream.ID(0), "a")
		time.Sleep(time.Minute)
		r.wantDelivered("")
		_, ahead, gap := r.clock.Gap()
		if !gap {
			t.Error("the clock saw no gap")
		}
		r.consumer.Extend(r.clock.Now(), lease.Position{})
		r.clock.Settle(ahead)
		time.Sleep(time.Second)
		r.wantDelivered("")
		r.consumer.Extend(time.Hour, lease.Position{})
		r.wantDelivered("a")
		r.stop()
	})
}

func TestClockSetBackAndDriftAreNoGap(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		for _, d := range []time.Duration{-time.Hour, time.Second, time.Second, time.Second} {
			r.clock.Suspend(d)
			_, ahead, gap := r.clock.Gap()
			if gap {
				t.Errorf("wall time moved by %v: reported as a gap", d)
			}
			r.clock.Settle(ahead)
		}
		r.clock.Suspend(time.Second + 1)
		if _, _, gap := r.clock.Gap(); !gap {
			t.Error("wall time moved by 1s and a nanosecond: no gap")
		}
	})
}

func TestEndOfTheShard(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.stream.Put(memstream.ID(0), "a", "b")
		r.stream.Split(memstream.ID(0))
		var last []bool
		r.handle = func(_ context.Context, d consume.Delivery) error {
			last = append(last, d.Last)
			return nil
		}
		refuse := 2
		r.close = func(context.Context, error) error {
			if refuse > 0 {
				refuse--
				return errors.New("not yet")
			}
			return nil
		}
		r.start()
		end := <-r.ended
		if !end.Shard || len(end.Children) != 2 || end.Children[1].ID != memstream.ID(2) || end.Position.String() != "2" {
			t.Errorf("ended with %+v, want the end after 2 and both children", end)
		}
		if !slices.Equal(last, []bool{true}) {
			t.Errorf("batches were last: %v, want [true]", last)
		}
		if !slices.Equal(r.closed, []error{nil, nil, nil}) {
			t.Errorf("closed with %v, want three tries without a cause", r.closed)
		}
	})
}

func TestEndOfAnEmptyShardIsNotDelivered(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		time.Sleep(time.Second)
		r.stream.Split(memstream.ID(0))
		end := <-r.ended
		if !end.Shard || len(end.Children) != 2 {
			t.Errorf("ended with %+v, want the end and two children", end)
		}
		r.wantDelivered("")
	})
}

func TestFailedLastBatchIsNoEnd(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.stream.Put(memstream.ID(0), "a")
		r.stream.Split(memstream.ID(0))
		r.handle = func(context.Context, consume.Delivery) error { return errors.New("no") }
		r.start()
		time.Sleep(time.Hour)
		if end := r.stop(); end.Shard || !end.Position.IsZero() {
			t.Errorf("ended with %+v, want neither the end nor a position", end)
		}
	})
}

func TestOpenIsTriedAgainBeforeAnyRecord(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.stream.Put(memstream.ID(0), "a")
		tries := 0
		r.open = func(context.Context) error {
			if tries++; tries < 3 {
				return errors.New("no")
			}
			return nil
		}
		r.start()
		r.wantDelivered("")
		time.Sleep(time.Second)
		r.wantDelivered("a")
		r.stop()
	})
}

func TestHandlerThatNeverOpenedIsNotClosed(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.open = func(context.Context) error { return errors.New("no") }
		r.start()
		time.Sleep(time.Minute)
		r.stop()
		if len(r.closed) != 0 {
			t.Errorf("closed with %v, want not at all", r.closed)
		}
	})
}

func TestReadErrorsAreTriedAgainAndLoggedOnceAMinute(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.stream.Put(memstream.ID(0), "a", "b", "c")
		var failing atomic.Bool
		failing.Store(true)
		reads := 0
		r.stream.OnRead = func(string) error {
			if failing.Load() && reads > 0 {
				return errors.New("broken pipe")
			}
			reads++
			return nil
		}
		r.start()
		time.Sleep(150 * time.Second)
		synctest.Wait()
		if n := r.log.count("read.failed", "times=", "since="); n != 3 {
			t.Errorf("read.failed logged %d times in 150s, want 3", n)
		}
		failing.Store(false)
		time.Sleep(15 * time.Second)
		r.wantDelivered("a b c")
		if n := r.log.count("read.back"); n != 1 {
			t.Errorf("read.back logged %d times, want 1", n)
		}
		r.stop()
	})
}

func TestNoStreamIsFatalOnlyWhenConfirmed(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		wrong := 3
		r.stream.OnRead = func(string) error {
			if wrong > 0 {
				wrong--
				return stream.ErrNoStream
			}
			return nil
		}
		r.stream.Put(memstream.ID(0), "a")
		r.start()
		time.Sleep(time.Minute)
		r.wantDelivered("a")
		if r.fatal != nil {
			t.Errorf("fatal %v though the stream can be listed", r.fatal)
		}
		r.stream.Delete()
		time.Sleep(time.Minute)
		synctest.Wait()
		if !errors.Is(r.fatal, stream.ErrNoStream) {
			t.Errorf("fatal %v, want %v", r.fatal, stream.ErrNoStream)
		}
		r.stop()
	})
}

func TestShardThatIsGoneEndsOnlyWhenProven(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.stream.Put(memstream.ID(0), "a")
		r.stream.Split(memstream.ID(0))
		r.stream.Drop(memstream.ID(0))
		r.start()
		began := time.Now()
		end := <-r.ended
		if d := time.Since(began); d < time.Minute {
			t.Errorf("gone after %v, want a minute at least", d)
		}
		if !end.Shard || len(end.Children) != 2 {
			t.Errorf("ended with %+v, want the end and the two children", end)
		}
		if n := r.log.count("level=ERROR", "records.skipped", "shard_gone"); n != 1 {
			t.Errorf("records.skipped logged %d times, want 1", n)
		}
	})
}

func TestShardThatIsListedIsNotGone(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.stream.OnRead = func(string) error { return stream.ErrNoShard }
		r.start()
		time.Sleep(time.Hour)
		if end := r.stop(); end.Shard {
			t.Error("the shard ended though the stream lists it")
		}
	})
}

func TestReadsOneBatchAhead(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.stream.Batch = 1
		reads := 0
		r.stream.OnRead = func(string) error { reads++; return nil }
		r.stream.Put(memstream.ID(0), "a", "b", "c", "d", "e")
		r.handle = func(ctx context.Context, _ consume.Delivery) error { <-ctx.Done(); return ctx.Err() }
		r.start()
		time.Sleep(time.Hour)
		synctest.Wait()
		if reads != 2 {
			t.Errorf("%d reads while the handler has the first batch, want 2", reads)
		}
		r.consumer.Cancel(errLost)
		<-r.ended
	})
}

func TestStuckHandlerIsReported(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		release := make(chan struct{})
		r.handle = func(context.Context, consume.Delivery) error { <-release; return nil }
		r.stream.Put(memstream.ID(0), "a")
		r.start()
		time.Sleep(time.Hour)
		r.consumer.Cancel(errLost)
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if n := r.log.count("level=ERROR", "handler.stuck"); n != 1 {
			t.Errorf("handler.stuck logged %d times, want 1", n)
		}
		close(release)
		<-r.ended
	})
}

func TestHandlerThatEndsItsGoroutineEndsTheConsumer(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.stream.Put(memstream.ID(0), "a")
		r.handle = func(context.Context, consume.Delivery) error { runtime.Goexit(); return nil }
		r.consumer = consume.New(context.Background(), r.cfg)
		done := make(chan struct{})
		go func() {
			defer close(done)
			r.consumer.Run()
			t.Error("Run returned")
		}()
		<-done
		// The bubble fails if the reader's goroutine is left.
	})
}

func TestNothingIsAllocatedPerRecord(t *testing.T) {
	perBatch := func(records int) float64 {
		var n float64
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			src := &endless{batch: make([]stream.Record, records), left: 200}
			r.cfg.Stream = src
			r.cfg.Handler = silent{}
			r.cfg.Reports = silentReports{}
			c := consume.New(context.Background(), r.cfg)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if end := c.Run(); !end.Shard {
				t.Fatal("did not end")
			}
			runtime.ReadMemStats(&after)
			n = float64(after.Mallocs-before.Mallocs) / 200
		})
		return n
	}
	few, many := perBatch(10), perBatch(10_000)
	if many > few+5 {
		t.Errorf("%.1f allocations for a batch of 10,000 records, %.1f for one of 10", many, few)
	}
}

type silent struct{}

func (silent) Open(context.Context) error                     { return nil }
func (silent) Handle(context.Context, consume.Delivery) error { return nil }
func (silent) Close(context.Context, error) error             { return nil }

type silentReports struct{}

func (silentReports) Acknowledged(lease.Position)   {}
func (silentReports) Read(int, time.Duration, bool) {}
func (silentReports) Failed()                       {}
func (silentReports) Fatal(error)                   {}

// endless is a stream whose shard returns the same batch some times and then
// ends.
type endless struct {
	batch []stream.Record
	left  int
}

func (*endless) Name() string                                   { return "endless" }
func (*endless) Shards(context.Context) ([]stream.Shard, error) { return nil, nil }
func (e *endless) Open(string, stream.Start) stream.Reader      { return e }
func (*endless) Close() error                                   { return nil }

func (e *endless) Read(context.Context) (stream.Batch, error) {
	e.left--
	return stream.Batch{Records: e.batch, End: e.left == 0}, nil
}
