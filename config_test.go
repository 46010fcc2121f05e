package leasehold_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold"
	"github.com/leasehold/leasehold/dynamolease"
	"github.com/leasehold/leasehold/internal/consume/memstream"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/memlease"
	"github.com/leasehold/leasehold/stream"
)

func validConfig() leasehold.Config {
	return leasehold.Config{
		Stream:  memstream.New("orders", 1),
		Leases:  memlease.New("orders-mailer"),
		Handler: leasehold.HandlerFunc(func(context.Context, *leasehold.Batch) error { return nil }),
	}
}

// leases is a store that calls nobody.
func leases(cfg dynamolease.Config) lease.Store {
	s, err := dynamolease.NewWithConfig(nil, fleetApp, cfg)
	if err != nil {
		panic(err)
	}
	return s
}

func TestNewRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*leasehold.Config)
		want   string
	}{
		{"no stream", func(c *leasehold.Config) { c.Stream = nil }, "no Stream"},
		{"no leases", func(c *leasehold.Config) { c.Leases = nil }, "no Leases"},
		{"a table of several streams", func(c *leasehold.Config) {
			c.Leases = leases(dynamolease.Config{Keys: dynamolease.ByStreamAndShard})
		}, `lease table "mailer" is opened for several streams; set Keys to ByShard`},
		{"a table of a tool", func(c *leasehold.Config) { c.Leases = leases(dynamolease.Config{Keys: dynamolease.EitherKeys}) }, "set Keys to ByShard"},
		{"no handler", func(c *leasehold.Config) { c.Handler = nil }, "no Handler"},
		{"the lock's name", func(c *leasehold.Config) { c.Worker = "Leader" }, `Worker "Leader" is a reserved name`},
		{"the version's name", func(c *leasehold.Config) { c.Worker = "Migration3.0" }, "is a reserved name"},
		{"the migration's name", func(c *leasehold.Config) { c.Worker = "TableMigration3.5" }, "is a reserved name"},
		{"a lease's key", func(c *leasehold.Config) { c.Worker = memstream.ID(7) }, "looks like a shard's ID"},
		{"a name too long for a key", func(c *leasehold.Config) { c.Worker = strings.Repeat("w", 1025) }, "1025 bytes"},
		{"a start in the middle", func(c *leasehold.Config) { c.Start.Position = lease.At(lease.Sequence{}, 0) }, "is not TRIM_HORIZON"},
		{"a start at the end", func(c *leasehold.Config) { c.Start.Position = lease.ShardEnd }, "is not TRIM_HORIZON"},
		{"a start at no time", func(c *leasehold.Config) { c.Start.Position = lease.AtTimestamp }, "has no time"},
		{"a time that is not used", func(c *leasehold.Config) { c.Start = stream.Start{Position: lease.Latest, Time: time.Now()} }, "has a time"},
		{"a failover too quick", func(c *leasehold.Config) { c.FailoverTime = time.Second - 1 }, "FailoverTime 999.999999ms is less than 1s"},
		{"renewals too seldom", func(c *leasehold.Config) { c.RenewEvery = 5*time.Second + 1 }, "RenewEvery"},
		{"renewals before now", func(c *leasehold.Config) { c.RenewEvery = -1 }, "RenewEvery"},
		{"an unknown mode", func(c *leasehold.Config) { c.Checkpoint = 9 }, "Checkpoint 9 is unknown"},
		{"a negative drain", func(c *leasehold.Config) { c.DrainTime = -1 }, "DrainTime"},
		{"a negative stop", func(c *leasehold.Config) { c.StopTime = -1 }, "StopTime"},
		{"pauses that shrink", func(c *leasehold.Config) { c.RetryMin, c.RetryMax = time.Second, time.Millisecond }, "not a range"},
		{"a negative budget", func(c *leasehold.Config) { c.ReadBudget = -1 }, "ReadBudget"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := validConfig()
			tt.change(&cfg)
			_, err := leasehold.New(cfg)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("New: %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestNewReportsEveryMistake(t *testing.T) {
	_, err := leasehold.New(leasehold.Config{Worker: "Leader", DrainTime: -1})
	for _, want := range []string{"no Stream", "no Leases", "no Handler", "reserved", "DrainTime"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New: %v, want %q in it", err, want)
		}
	}
}

func TestNewAccepts(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*leasehold.Config)
	}{
		{"defaults", func(*leasehold.Config) {}},
		{"a table of one stream", func(c *leasehold.Config) { c.Leases = leases(dynamolease.Config{}) }},
		{"the newest record", func(c *leasehold.Config) { c.Start = leasehold.Latest }},
		{"a time", func(c *leasehold.Config) { c.Start = leasehold.At(time.Now()) }},
		{"a time alone", func(c *leasehold.Config) { c.Start.Time = time.Now() }},
		{"the quickest failover", func(c *leasehold.Config) { c.FailoverTime = time.Second }},
		{"the slowest renewal", func(c *leasehold.Config) { c.RenewEvery = 5 * time.Second }},
		{"short pauses", func(c *leasehold.Config) { c.RetryMax = time.Millisecond }},
		{"long pauses", func(c *leasehold.Config) { c.RetryMin = time.Hour }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := validConfig()
			tt.change(&cfg)
			if _, err := leasehold.New(cfg); err != nil {
				t.Errorf("New: %v", err)
			}
		})
	}
}

func TestDefaultNamesDiffer(t *testing.T) {
	a, err := leasehold.New(validConfig())
	if err != nil {
		t.Fatal(err)
	}
	b, err := leasehold.New(validConfig())
	if err != nil {
		t.Fatal(err)
	}
	if a.Name() == "" || a.Name() == b.Name() {
		t.Errorf("names %q and %q, want two different ones", a.Name(), b.Name())
	}
}
