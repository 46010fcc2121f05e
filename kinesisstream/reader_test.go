package kinesisstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasehold/leasehold/awsfake"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// A reader that has caught up polls every PollEvery, one that is behind every
// 200 ms, and the first call is made at once.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1, Config{PollEvery: time.Second, MaxRecords: 10})
		f.write(45)
		r := f.Open(first, from(lease.TrimHorizon))
		began := time.Now()
		for range 7 {
			f.read(r)
		}
		var got []time.Duration
		for _, at := range f.times("GetRecords") {
			got = append(got, at.Sub(began))
		}
		// Four full pages, then one of five, at the tip, and the tip.
		ms := time.Millisecond
		want := []time.Duration{0, 200 * ms, 400 * ms, 600 * ms, 800 * ms, 1800 * ms, 2800 * ms}
		if !slices.Equal(got, want) {
			t.Errorf("calls at %v, want %v", got, want)
		}
	})
}

func TestFailure_F59_NeverThrottledByItself(t *testing.T) {
	for _, size := range []int{10, 5_000, 400_000, 1_000_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, 1, Config{PollEvery: minGap})
				f.Kinesis.Latency = 3 * time.Millisecond
				data := make([]byte, size)
				n := min(20_000, 24_000_000/size)
				for range n {
					f.Put("orders", "k", data)
				}
				f.Kinesis.Limits = true
				f.SetListShardsLag(0) // makes the fake read its fields again
				r := f.Open(first, from(lease.TrimHorizon))
				for got := 0; got < n; {
					got += len(f.read(r).Records)
				}
				for range 20 {
					f.read(r)
				}
				if n := f.throttled(); n > 0 {
					t.Errorf("%d calls were throttled", n)
				}
			})
		})
	}
}

func TestPaceOfFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1, Config{})
		f.SetScript(func(c awsfake.Call) awsfake.Fault { return awsfake.Refuse() })
		r := f.Open(first, from(lease.TrimHorizon))
		began := time.Now()
		for range 11 { // a caller without a pause of its own
			if _, err := r.Read(t.Context()); err == nil {
				t.Fatal("no error")
			}
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("11 failing reads took %v, want 2s", took)
		}
	})
}

func TestPositions(t *testing.T) {
	for _, tt := range []struct {
		name  string
		start func(written []stream.Record, mid time.Time) stream.Start
		want  []int
	}{
		{"TRIM_HORIZON", func([]stream.Record, time.Time) stream.Start { return from(lease.TrimHorizon) }, count(0, 10)},
		{"LATEST", func([]stream.Record, time.Time) stream.Start { return from(lease.Latest) }, nil},
		{"AT_TIMESTAMP", func(_ []stream.Record, mid time.Time) stream.Start {
			return stream.Start{Position: lease.AtTimestamp, Time: mid}
		}, count(5, 5)},
		{"after a record", func(w []stream.Record, _ time.Time) stream.Start { return from(w[3].Position()) }, count(4, 6)},
		{"after a part of a record", func(w []stream.Record, _ time.Time) stream.Start {
			return from(lease.At(w[3].Sequence, 7))
		}, count(3, 7)},
		{"after the last record", func(w []stream.Record, _ time.Time) stream.Start { return from(w[9].Position()) }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, 1, Config{})
				f.write(5)
				time.Sleep(time.Minute)
				mid := time.Now()
				f.write(5)
				written := f.read(f.Open(first, from(lease.TrimHorizon))).Records
				r := f.Open(first, tt.start(written, mid))
				b := f.read(r)
				if got := numbers(t, b.Records); !slices.Equal(got, tt.want) || b.Trimmed || b.End {
					t.Errorf("got %v, trimmed %v, end %v, want %v", got, b.Trimmed, b.End, tt.want)
				}
				f.write(1)
				if got, b := f.until(r, 1); !slices.Equal(got, []int{10}) || b.Trimmed {
					t.Errorf("then got %v, trimmed %v, want 10", got, b.Trimmed)
				}
			})
		})
	}
}

func TestReadRefusesNoPosition(t *testing.T) {
	for _, p := range []lease.Position{{}, lease.ShardEnd} {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, 1, Config{})
			if _, err := f.Open(first, from(p)).Read(t.Context()); err == nil {
				t.Errorf("from %q: no error", p)
			}
		})
	}
}

func TestRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1, Config{})
		now := time.Now()
		_, seq := f.Put("orders", "a key", []byte("a value"))
		b := f.read(f.Open(first, from(lease.TrimHorizon)))
		r := b.Records[0]
		if r.PartitionKey != "a key" || string(r.Data) != "a value" || r.Sequence.String() != seq || r.Sub != 0 || r.Arrived != now.UnixMilli() {
			t.Errorf("got %+v, want number %s at %v", r, seq, now)
		}
	})
}

func TestBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1, Config{MaxRecords: 10})
		f.write(15)
		time.Sleep(time.Hour)
		r := f.Open(first, from(lease.TrimHorizon))
		if b := f.read(r); b.Behind != time.Hour {
			t.Errorf("after 10 of 15 records an hour old: behind %v", b.Behind)
		}
		if b := f.read(r); b.Behind != 0 {
			t.Errorf("at the tip: behind %v", b.Behind)
		}
	})
}

func TestReadStopsWithItsContext(t *testing.T) {
	cause := errors.New("the lease is lost")
	for _, tt := range []struct {
		name  string
		delay time.Duration // of every call
	}{{"while it waits for its turn", 0}, {"in a call", time.Hour}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, 1, Config{PollEvery: time.Hour, CallTimeout: 2 * time.Hour})
				r := f.Open(first, from(lease.TrimHorizon))
				f.read(r)
				if tt.delay > 0 {
					time.Sleep(time.Hour)
					f.SetScript(func(awsfake.Call) awsfake.Fault { return awsfake.Fault{Delay: tt.delay} })
				}
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Minute, func() { cancel(cause) })
				began := time.Now()
				_, err := r.Read(ctx)
				if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) || time.Since(began) != time.Minute {
					t.Errorf("got %v after %v, want both reasons after 1m", err, time.Since(began))
				}
				f.SetScript(nil)
				f.write(3)
				if got, _ := f.until(r, 3); !slices.Equal(got, count(0, 3)) {
					t.Errorf("then got %v", got)
				}
			})
		})
	}
}

func TestCallTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1, Config{CallTimeout: time.Second})
		f.write(1)
		r := f.Open(first, from(lease.TrimHorizon))
		for _, op := range []string{"GetShardIterator", "GetRecords"} {
			f.SetScript(func(c awsfake.Call) awsfake.Fault {
				if c.Operation == op {
					return awsfake.Fault{Delay: time.Hour}
				}
				return awsfake.Fault{}
			})
			began := time.Now()
			_, err := r.Read(t.Context())
			if took := time.Since(began); err == nil || took > 2*time.Second {
				t.Errorf("hanging %s: %v after %v", op, err, took)
			}
		}
		f.SetScript(nil)
		if got, _ := f.until(r, 1); len(got) != 1 {
			t.Errorf("then got %v", got)
		}
	})
}

// Any call fails, in any way; the caller repeats Read. Nothing is passed over
// and nothing comes twice, also where the shard ends.
func TestResumeAfterErrorAtEveryCall(t *testing.T) {
	faults := map[string]awsfake.Fault{
		"refused": awsfake.Refuse(), "reply lost": awsfake.LoseReply(), "throttled": awsfake.Throttle(), "broken": awsfake.ServerError(),
		"expired": awsfake.Fail("ExpiredIteratorException"), "invalid": awsfake.Fail("InvalidArgumentException"),
		"not found": awsfake.Fail("ResourceNotFoundException"), "denied": awsfake.Deny(), "slow": {Delay: time.Hour},
	}
	for name, fault := range faults {
		for _, length := range []int{1, 3} { // that many calls fail in a row
			t.Run(fmt.Sprint(name, " ", length), func(t *testing.T) {
				for at := 1; ; at++ {
					calls := 0
					synctest.Test(t, func(t *testing.T) {
						f := newFixture(t, 1, Config{MaxRecords: 4})
						f.write(10)
						f.Split("orders", first)
						// The end is told without the children, so that the list
						// of shards is asked as well.
						f.FaultReads("orders", first, awsfake.NoChildren, -1)
						f.SetScript(func(c awsfake.Call) awsfake.Fault {
							if calls++; calls >= at && calls < at+length {
								return fault
							}
							return awsfake.Fault{}
						})
						began := time.Now()
						got, b := f.until(f.Open(first, from(lease.TrimHorizon)), all)
						if took := time.Since(began); took > 4*time.Minute {
							t.Errorf("calls %d to %d: took %v", at, at+length-1, took)
						}
						if !slices.Equal(got, count(0, 10)) || !b.End || len(b.Children) != 2 {
							t.Errorf("calls %d to %d: got %v, end %v, %d children", at, at+length-1, got, b.End, len(b.Children))
						}
					})
					if calls < at {
						break
					}
				}
			})
		}
	}
}

// A fault before the first record of a reader at LATEST or a time must not move
// its start.
func TestFailuresDoNotMoveTheStart(t *testing.T) {
	for _, p := range []lease.Position{lease.Latest, lease.AtTimestamp, lease.TrimHorizon} {
		t.Run(p.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, 1, Config{})
				old := 0
				if p != lease.TrimHorizon {
					old = 3
				}
				f.write(old)
				time.Sleep(time.Minute)
				r := f.Open(first, stream.Start{Position: p, Time: time.Now()})
				f.read(r)
				for range 3 {
					f.write(1)
					f.ExpireIterators("orders")
					f.SetScript(func(awsfake.Call) awsfake.Fault { return awsfake.ServerError() })
					for range 3 {
						if _, err := r.Read(t.Context()); err == nil {
							t.Fatal("no error")
						}
					}
					time.Sleep(10 * time.Minute)
				}
				f.SetScript(nil)
				if got, _ := f.until(r, 3); !slices.Equal(got, count(old, 3)) {
					t.Errorf("got %v, want %v", got, count(old, 3))
				}
			})
		})
	}
}

func TestFailure_F54_ExpiredIterator(t *testing.T) {
	for _, tt := range []struct {
		name   string
		expire func(f *fixture)
	}{
		{"by the service", func(f *fixture) { f.ExpireIterators("orders") }},
		{"by its age", func(*fixture) { time.Sleep(6 * time.Minute) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, 1, Config{MaxRecords: 3})
				f.write(7)
				r := f.Open(first, from(lease.TrimHorizon))
				var got []int
				for range 20 { // with records left, and with none
					b := f.read(r) // no error: it is no failure
					if b.Trimmed {
						t.Error("trimmed")
					}
					got = append(got, numbers(t, b.Records)...)
					tt.expire(f)
				}
				f.write(1)
				got = append(got, numbers(t, f.read(r).Records)...)
				if !slices.Equal(got, count(0, 8)) {
					t.Errorf("got %v, want 0 to 7", got)
				}
			})
		})
	}
}

func TestExpiredForEverIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1, Config{})
		f.SetScript(func(c awsfake.Call) awsfake.Fault {
			if c.Operation == "GetRecords" {
				return awsfake.Fail("ExpiredIteratorException")
			}
			return awsfake.Fault{}
		})
		if _, err := f.Open(first, from(lease.TrimHorizon)).Read(t.Context()); err == nil {
			t.Error("no error")
		}
		if n := len(f.times("GetRecords")); n != 2 {
			t.Errorf("%d calls, want 2", n)
		}
	})
}

func TestFailure_F57_OlderThanTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1, Config{})
		f.write(3)
		r := f.Open(first, from(lease.TrimHorizon))
		checkpoint := f.read(r).Records[1].Position()
		time.Sleep(20 * time.Hour)
		f.write(2)
		time.Sleep(5 * time.Hour) // the first three are gone

		again := f.Open(first, from(checkpoint))
		b := f.read(again)
		if got := numbers(t, b.Records); !slices.Equal(got, []int{3, 4}) || !b.Trimmed {
			t.Errorf("from a checkpoint past retention: got %v, trimmed %v, want 3 and 4, true", got, b.Trimmed)
		}
		f.write(1)
		if b := f.read(again); len(b.Records) != 1 || b.Trimmed {
			t.Errorf("the next batch: %d records, trimmed %v, want 1, false", len(b.Records), b.Trimmed)
		}

		// A reader that slept as long says so too.
		if b := f.read(r); !b.Trimmed || b.Records[0].Position() == checkpoint {
			t.Errorf("a reader that slept: trimmed %v", b.Trimmed)
		}
	})
}

// A quiet shard whose last record is gone, and nothing with it.
func TestQuietShardIsNotTrimmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1, Config{})
		f.write(1)
		r := f.Open(first, from(lease.TrimHorizon))
		checkpoint := f.read(r).Records[0].Position()
		time.Sleep(48 * time.Hour)
		again := f.Open(first, from(checkpoint))
		f.read(again)
		f.write(1)
		for _, r := range []stream.Reader{r, again} {
			for range 2 {
				if b := f.read(r); b.Trimmed && r == again {
					t.Error("trimmed")
				}
			}
		}
	})
}

// Emulators refuse a sequence number that they do not have; so does the service
// for one of another stream.
func TestSequenceRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1, Config{})
		f.write(3)
		foreign, err := lease.ParseSequence("42")
		if err != nil {
			t.Fatal(err)
		}
		r := f.Open(first, from(lease.At(foreign, 0)))
		b := f.read(r)
		if got := numbers(t, b.Records); !slices.Equal(got, count(0, 3)) || !b.Trimmed {
			t.Errorf("got %v, trimmed %v, want all, true", got, b.Trimmed)
		}
		f.write(1)
		if b := f.read(r); !slices.Equal(numbers(t, b.Records), []int{3}) || b.Trimmed {
			t.Errorf("then %d records, trimmed %v", len(b.Records), b.Trimmed)
		}
	})
}

// Java KCL stores a checkpoint inside an aggregated record. What is left of that
// record must not be lost, and the records before it are done.
func TestFailure_F74_PartOfAnAggregate(t *testing.T) {
	for at := range 5 {
		for name, disturb := range map[string]func(f *fixture, r stream.Reader){
			"undisturbed":      func(*fixture, stream.Reader) {},
			"iterator expires": func(f *fixture, r stream.Reader) { f.ExpireIterators("orders") },
			"a read fails": func(f *fixture, r stream.Reader) {
				f.SetScript(func(awsfake.Call) awsfake.Fault { return awsfake.LoseReply() })
				if _, err := r.Read(f.t.Context()); err == nil {
					f.t.Error("no error")
				}
				f.SetScript(nil)
			},
		} {
			t.Run(fmt.Sprintf("at record %d, %s", at, name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := newFixture(t, 1, Config{MaxRecords: 2})
					f.write(5)
					all := f.Open(first, from(lease.TrimHorizon))
					records := slices.Concat(f.read(all).Records, f.read(all).Records, f.read(all).Records)

					r := f.Open(first, from(lease.At(records[at].Sequence, 3)))
					var got []int
					for range 6 {
						disturb(f, r)
						b := f.read(r)
						got = append(got, numbers(t, b.Records)...)
						if b.Trimmed {
							t.Error("trimmed")
						}
					}
					if !slices.Equal(got, count(at, 5-at)) {
						t.Errorf("got %v, want %v", got, count(at, 5-at))
					}
				})
			})
		}
	}
}

// A number that is refused and greater than others in the shard: going on would
// drop them in silence.
func TestFailure_F51_PositionOfAnotherStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1, Config{MaxRecords: 2})
		foreign, err := lease.ParseSequence(strings.Repeat("9", 60))
		if err != nil {
			t.Fatal(err)
		}
		r := f.Open(first, from(lease.At(foreign, 0)))
		f.read(r) // nothing there yet
		f.write(5)
		for range 3 {
			if b, err := r.Read(t.Context()); !errors.Is(err, ErrPosition) {
				t.Errorf("got %d records, %v, want ErrPosition", len(b.Records), err)
			}
		}
	})
}

func TestFailure_F58_EmptyIsNotTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1, Config{})
		f.write(3)
		time.Sleep(time.Hour)
		f.FaultReads("orders", first, awsfake.EmptyPage, 10_000)
		began := time.Now()
		got, _ := f.until(f.Open(first, from(lease.TrimHorizon)), 3)
		if !slices.Equal(got, count(0, 3)) {
			t.Errorf("got %v", got)
		}
		if took, want := time.Since(began), 10_000*minGap; took != want {
			t.Errorf("10,000 empty pages while behind took %v, want %v", took, want)
		}
	})
}

func TestFailure_F53_ShardGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1, Config{})
		f.write(3)
		r := f.Open(first, from(lease.TrimHorizon))
		f.read(r)
		f.Split("orders", first)
		time.Sleep(49 * time.Hour)
		for range 2 {
			if _, err := r.Read(t.Context()); !errors.Is(err, stream.ErrNoShard) || errors.Is(err, stream.ErrNoStream) {
				t.Errorf("got %v, want ErrNoShard", err)
			}
		}
		if _, err := f.Open("shardId-000000000009", from(lease.TrimHorizon)).Read(t.Context()); !errors.Is(err, stream.ErrNoShard) {
			t.Errorf("a shard that never was: %v, want ErrNoShard", err)
		}
		f.Delete("orders")
		if _, err := r.Read(t.Context()); !errors.Is(err, stream.ErrNoStream) || errors.Is(err, stream.ErrNoShard) {
			t.Errorf("after the stream was deleted: %v, want ErrNoStream", err)
		}
	})
}

func TestErrorsNameShardAndStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1, Config{})
		f.Delete("orders")
		_, err := f.Open(first, from(lease.TrimHorizon)).Read(t.Context())
		if err == nil || !strings.Contains(err.Error(), first) || !strings.Contains(err.Error(), `"orders"`) {
			t.Errorf("got %v", err)
		}
	})
}
