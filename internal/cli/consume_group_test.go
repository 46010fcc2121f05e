package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

func TestCheckpointsAreNoOlderThanAskedFor(t *testing.T) {
	const failover = 10 * time.Second
	for _, tt := range []struct {
		name  string
		every time.Duration
		given bool
		mode  leasehold.Checkpoint
		renew time.Duration
	}{
		{"not given", 0, false, leasehold.WithRenewals, 0},
		{"every batch", 0, true, leasehold.EveryBatch, 0},
		{"shorter than a poll", quickest - 1, true, leasehold.EveryBatch, 0},
		{"a poll", 220 * time.Millisecond, true, leasehold.WithRenewals, 200 * time.Millisecond},
		{"a renewal may be a tenth late", 1100 * time.Millisecond, true, leasehold.WithRenewals, time.Second},
		{"longer than renewals take anyway", 5500 * time.Millisecond, true, leasehold.WithRenewals, 0},
		{"much longer", time.Hour, true, leasehold.WithRenewals, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := groupFlags{checkpointEvery: tt.every}
			mode, renew, err := g.checkpoints(tt.given, failover)
			if err != nil || mode != tt.mode || renew != tt.renew {
				t.Errorf("got mode %v, renew every %v, %v, want %v, %v", mode, renew, err, tt.mode, tt.renew)
			}
		})
	}
	if _, _, err := (&groupFlags{checkpointEvery: -1}).checkpoints(true, failover); err == nil {
		t.Error("a negative time is not refused")
	}
}

func TestEventsForPeople(t *testing.T) {
	shard, token := slog.String("shard", "shardId-000000000002"), slog.Int64("token", 41)
	for _, tt := range []struct {
		name, event, want, verbose string
		level                      slog.Level
		attrs                      []slog.Attr
	}{
		{name: "taken", event: "lease.gained", want: "shard 2 taken from w-b (expired)",
			attrs: []slog.Attr{shard, token, slog.String("cause", "expired"), slog.String("other", "w-b")}},
		{name: "gained", event: "lease.gained", want: "shard 2 gained (assigned)",
			attrs: []slog.Attr{shard, token, slog.String("cause", "assigned")}},
		{name: "lost", event: "lease.lost", level: slog.LevelWarn, want: "shard 2 lost to w-b (taken)",
			attrs: []slog.Attr{shard, slog.String("cause", "taken"), slog.String("other", "w-b")}},
		{name: "lapsed", event: "lease.lost", level: slog.LevelWarn, want: "shard 2 lost: its lease was not renewed in time",
			attrs: []slog.Attr{shard, token, slog.String("cause", "deadline")}},
		{name: "deleted", event: "lease.lost", level: slog.LevelWarn, want: "shard 2 lost (deleted)",
			attrs: []slog.Attr{shard, token, slog.String("cause", "deleted")}},
		{name: "handed over", event: "lease.released", want: "shard 2 handed to w-b (stop)",
			attrs: []slog.Attr{shard, token, slog.String("cause", "stop"), slog.String("other", "w-b")}},
		{name: "released", event: "lease.released", want: "shard 2 released (stop, no successor)",
			attrs: []slog.Attr{shard, token, slog.String("cause", "stop, no successor")}},
		{name: "ended", event: "shard.ended", want: "shard 2 read to its end", attrs: []slog.Attr{shard, token}},
		{name: "finished before its shard", event: "shard.unread", level: slog.LevelWarn, attrs: []slog.Attr{shard, slog.String("cause", "why")},
			want: "shard 2 is open, and finished by its lease: nobody reads it; a stream that was deleted and made again needs a new lease table"},
		{name: "slow", event: "handler.slow", level: slog.LevelWarn, want: "shard 2: its handler has not returned for 1m0s",
			attrs: []slog.Attr{shard, token, slog.String("step", "handle"), slog.Duration("running_for", time.Minute)}},
		{name: "of another stream", event: "position.foreign", level: slog.LevelError, want: "shard 2 cannot be read: its checkpoint is of another stream: 42",
			attrs: []slog.Attr{shard, slog.Any("err", errors.New("42"))}},
		{name: "failed", event: "worker.stopping", level: slog.LevelError, want: "stopping: no table",
			attrs: []slog.Attr{slog.String("cause", "failed"), slog.Any("err", errors.New("no table"))}},
		{name: "the second of two", event: "worker.stopping"},
		{name: "for those who look closer", event: "leader.elected", verbose: "leader.elected"},
		{name: "a warning is never for them only", event: "worker.odd", level: slog.LevelWarn, want: "shard 2: worker.odd: slow",
			attrs: []slog.Attr{shard, slog.Any("err", errors.New("slow"))}},
		{name: "throttled", event: "read.throttled", level: slog.LevelWarn, want: "shard 2: reads are throttled: slow",
			attrs: []slog.Attr{shard, slog.Any("err", errors.New("slow"))}},
		{name: "an error without the client's chain", event: "read.failed", level: slog.LevelWarn, want: "shard 2 cannot be read, trying again: access is denied",
			attrs: []slog.Attr{shard, slog.Any("err", fmt.Errorf("read shard: operation error: %w", stream.ErrDenied))}},
		{name: "the table", event: "table.unreachable", level: slog.LevelWarn, want: "the lease table cannot be used, trying again: gone",
			attrs: []slog.Attr{slog.Any("err", errors.New("gone"))}},
		{name: "nothing more is wanted", event: "handler.retry", level: slog.LevelWarn,
			attrs: []slog.Attr{shard, slog.Any("err", errEnough)}},
		{name: "escape sequences in names", event: "lease.gained", want: `shard 2 taken from \x1b[31m`,
			attrs: []slog.Attr{shard, slog.String("other", "\x1b[31m")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, verbose := range []bool{false, true} {
				var out bytes.Buffer
				p := &program{stderr: &screen{w: &out}, flags: globals{output: "table", verbose: verbose}}
				log := slog.New(&groupLog{p: p, app: "mailer", stream: "orders"})
				log.LogAttrs(context.Background(), tt.level, tt.event, tt.attrs...)
				want := tt.want
				if verbose && want == "" {
					want = tt.verbose
				}
				if got := strings.TrimSuffix(out.String(), "\n"); got != want {
					t.Errorf("verbose %v: got %q, want %q", verbose, got, want)
				}
			}
		})
	}
}

func TestQuietWorkerTellsOfErrorsOnly(t *testing.T) {
	log := &groupLog{p: &program{flags: globals{quiet: true}}}
	for level, want := range map[slog.Level]bool{slog.LevelInfo: false, slog.LevelWarn: false, slog.LevelError: true} {
		if got := log.Enabled(t.Context(), level); got != want {
			t.Errorf("%v: %v, want %v", level, got, want)
		}
	}
}

// batches is a reader of given batches.
type batches struct{ rest []stream.Batch }

func (r *batches) Read(context.Context) (stream.Batch, error) {
	if len(r.rest) == 0 {
		return stream.Batch{}, errors.New("no more")
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b, nil
}

func (*batches) Close() error { return nil }

func TestSinglesKeepTheEndForTheLast(t *testing.T) {
	child := []stream.Shard{{ID: "child"}}
	r := &singles{Reader: &batches{[]stream.Batch{
		{},
		{Records: make([]stream.Record, 3), Behind: time.Second, Trimmed: true, End: true, Children: child},
	}}}
	var got []string
	for range 4 {
		b, err := r.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s := strings.Repeat("r", len(b.Records))
		if b.Trimmed {
			s += " trimmed"
		}
		if b.End && len(b.Children) == 1 {
			s += " end"
		}
		got = append(got, s)
	}
	if want := []string{"", "r trimmed", "r", "r end"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := r.Read(t.Context()); err == nil {
		t.Error("the reader's error is lost")
	}
}

// fakeGroup is a stream and a lease table as a tipWatch sees them.
type fakeGroup struct {
	shards []stream.Shard
	leases []lease.Lease
}

func (g *fakeGroup) Shards(context.Context) ([]stream.Shard, error) { return g.shards, nil }
func (g *fakeGroup) Scan(context.Context) (*lease.Snapshot, error) {
	return &lease.Snapshot{Leases: g.leases}, nil
}

func TestCaughtUp(t *testing.T) {
	g := &fakeGroup{shards: []stream.Shard{{ID: "0", Closed: true}, {ID: "1"}, {ID: "2"}}}
	w := &tipWatch{stream: g, leases: g, seen: map[string]tipSighting{}, moved: map[string]bool{}, tip: map[string]bool{}}
	want := func(want bool, when string) {
		t.Helper()
		if got, err := w.look(t.Context(), "me"); err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", when, got, err, want)
		}
	}
	want(false, "no leases yet")
	g.leases = []lease.Lease{{Key: "1", Owner: "me"}}
	w.progress(leasehold.Progress{Shard: leasehold.Shard{ID: "1"}})
	want(false, "an open shard without a lease")
	g.leases = append(g.leases, lease.Lease{Key: "2"})
	want(false, "nobody has a lease")
	g.leases[1].Owner, g.leases[1].Counter = "other", 5
	want(false, "the other may be dead")
	want(false, "its counter stands still")
	g.leases[1].Counter++
	want(true, "the other is alive")
	g.leases[1].Owner = "me"
	want(false, "taken over and not read")
	w.progress(leasehold.Progress{Shard: leasehold.Shard{ID: "2"}, Behind: time.Second})
	want(false, "read, and behind")
	w.progress(leasehold.Progress{Shard: leasehold.Shard{ID: "2"}})
	want(true, "read to the tip")
	g.leases[1].Owner = "other"
	want(false, "lost, and the other may be dead")
	g.leases[1].Owner = "me"
	want(false, "back, and not read since")
	w.progress(leasehold.Progress{Shard: leasehold.Shard{ID: "2"}})
	g.leases = append(g.leases, lease.Lease{Key: "0", Owner: "me", Checkpoint: lease.ShardEnd})
	want(true, "a finished lease")
	g.leases[2].Checkpoint = lease.TrimHorizon
	want(false, "an unread parent")
}
