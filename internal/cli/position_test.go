package cli

import (
	"testing"
	"time"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

func TestPosition(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	seq := func(s string) lease.Sequence {
		q, err := lease.ParseSequence(s)
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	at := func(tm time.Time) stream.Start { return stream.Start{Position: lease.AtTimestamp, Time: tm} }
	for _, tt := range []struct {
		in   string
		want stream.Start
	}{
		{"trim-horizon", stream.Start{Position: lease.TrimHorizon}},
		{"TRIM-HORIZON", stream.Start{Position: lease.TrimHorizon}},
		{"latest", stream.Start{Position: lease.Latest}},
		{"-2h", at(now.Add(-2 * time.Hour))},
		{"-1d", at(now.Add(-24 * time.Hour))},
		{"-1d12h", at(now.Add(-36 * time.Hour))},
		{"2026-11-22T10:00Z", at(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC))},
		{"2026-11-22T10:00:30.5+02:00", at(time.Date(2026, 11, 22, 8, 0, 30, 5e8, time.UTC))},
		{"@1795341600", at(time.Unix(1795341600, 0))},
		{"@1795341600123", at(time.UnixMilli(1795341600123))},
		{"@99999999999", at(time.Unix(99999999999, 0))},
		{"@100000000000", at(time.UnixMilli(100000000000))},
		{"seq:4958", stream.Start{Position: lease.At(seq("4958"), 0)}},
		{"seq:4958:17", stream.Start{Position: lease.At(seq("4958"), 17)}},
	} {
		got, err := parsePosition(tt.in, now)
		if err != nil {
			t.Errorf("position %q: %v", tt.in, err)
			continue
		}
		if got.Position != tt.want.Position || !got.Time.Equal(tt.want.Time) {
			t.Errorf("position %q: got %v, want %v", tt.in, got, tt.want)
		}
	}
}

func TestPositionRefused(t *testing.T) {
	for _, in := range []string{
		"", "now", "tip", "2h", "--2h", "-", "-2", "-xd", "-1d-2h", "@", "@-5", "@1.5",
		"seq:", "seq:12a", "seq:12:", "seq:12:-1", "seq:12:1:1", "seq:TRIM_HORIZON",
		"2026-11-22", "2026-11-22T10:00", "2026-11-22 10:00Z", "2026-13-22T10:00Z",
	} {
		start, err := parsePosition(in, time.Now())
		e, ok := err.(*Error)
		if !ok || e.Code != wrongUsage || e.Hint == "" {
			t.Errorf("position %q: got %v, %v, want wrong usage with a hint", in, start, err)
		}
	}
}

func TestShardNames(t *testing.T) {
	for _, tt := range []struct{ arg, full, short string }{
		{"7", "shardId-000000000007", "7"},
		{"0", "shardId-000000000000", "0"},
		{"shardId-000000000007", "shardId-000000000007", "7"},
		{"999999999999", "shardId-999999999999", "999999999999"},
		{"shardId-7", "shardId-7", "shardId-7"},
		{"shardId-00000000000x", "shardId-00000000000x", "shardId-00000000000x"},
		{"1:orders:2:shardId-000000000007", "1:orders:2:shardId-000000000007", "1:orders:2:shardId-000000000007"},
		{"-1", "-1", "-1"},
	} {
		if got := fullShard(tt.arg); got != tt.full {
			t.Errorf("full name of %q: got %q, want %q", tt.arg, got, tt.full)
		}
		if got := shortShard(tt.full); got != tt.short {
			t.Errorf("short name of %q: got %q, want %q", tt.full, got, tt.short)
		}
	}
}
