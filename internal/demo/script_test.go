package demo

import (
	"crypto/md5"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestScriptScales(t *testing.T) {
	s := func(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
	for _, tt := range []struct {
		name     string
		duration time.Duration
		workers  int
		canPause bool
		want     []moment
	}{
		{"a minute", time.Minute, 3, true, []moment{
			{s(2), joins, 0}, {s(10), joins, 1}, {s(18), joins, 2}, {s(24), kills, 0}, {s(34), splits, 0},
			{s(38), merges, 0}, {s(42), pauses, 0}, {s(52), stops, 0}, {s(58), sums, 0},
		}},
		{"half a minute, no signals", 30 * time.Second, 3, false, []moment{
			{s(1), joins, 0}, {s(5), joins, 1}, {s(9), joins, 2}, {s(12), kills, 0}, {s(17), splits, 0},
			{s(19), merges, 0}, {s(26), stops, 0}, {s(29), sums, 0},
		}},
		{"two minutes, five workers", 2 * time.Minute, 5, true, []moment{
			{s(4), joins, 0}, {s(20), joins, 1}, {s(20 + 16./3), joins, 2}, {s(20 + 32./3), joins, 3}, {s(36), joins, 4},
			{s(48), kills, 0}, {s(68), splits, 0}, {s(76), merges, 0}, {s(84), pauses, 0}, {s(104), stops, 0}, {s(116), sums, 0},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := script(tt.duration, tt.workers, tt.canPause)
			if !slices.EqualFunc(got, tt.want, func(x, y moment) bool {
				return x.act == y.act && x.worker == y.worker && (x.at-y.at).Abs() < time.Millisecond
			}) {
				t.Errorf("got  %v\nwant %v", got, tt.want)
			}
		})
	}
}

func TestScriptIsInOrder(t *testing.T) {
	for workers := minWorkers; workers <= maxWorkers; workers++ {
		for _, d := range []time.Duration{1, time.Second, time.Minute, time.Hour} {
			s := script(d, workers, true)
			if !slices.IsSortedFunc(s, func(x, y moment) int { return int(x.at - y.at) }) {
				t.Errorf("%v with %d workers is not in order: %v", d, workers, s)
			}
			if n := len(s); n != workers+6 {
				t.Errorf("%v with %d workers: %d acts, want %d", d, workers, n, workers+6)
			}
		}
	}
}

func TestPauseDoesNotScale(t *testing.T) {
	if got := pauseTime(3 * time.Second); got != 6*time.Second {
		t.Errorf("pause with a failover time of 3s: %v, want 6s", got)
	}
}

func TestEveryPartOfEveryShardHasKeys(t *testing.T) {
	for _, shards := range []int{1, 4, 7, 64} {
		parts := make([]int, 2*shards)
		for _, k := range keys(rand.New(rand.NewPCG(uint64(shards), 0)), shards) {
			h := md5.Sum([]byte(k))
			parts[(int(h[0])<<8|int(h[1]))*len(parts)>>16]++
		}
		if slices.Contains(parts, 0) {
			t.Errorf("%d shards: a half of a shard has no key: %v", shards, parts)
		}
	}
}

func TestSeedChoosesTheKeys(t *testing.T) {
	of := func(seed uint64) []string { return keys(rand.New(rand.NewPCG(seed, 0)), 4) }
	if !slices.Equal(of(1), of(1)) {
		t.Error("the same seed chose other keys")
	}
	if slices.Equal(of(1), of(2)) {
		t.Error("another seed chose the same keys")
	}
}

func TestEveryMistakeIsReported(t *testing.T) {
	good := Config{Duration: time.Second, Failover: time.Second, Shards: 1, Workers: 3, Rate: 1}
	if err := good.Validate(); err != nil {
		t.Errorf("the least of all: %v", err)
	}
	for _, bad := range []func(*Config){
		func(c *Config) { c.Duration = 0 },
		func(c *Config) { c.Failover = time.Second - 1 },
		func(c *Config) { c.Shards = 0 },
		func(c *Config) { c.Shards = 101 },
		func(c *Config) { c.Workers = 2 },
		func(c *Config) { c.Workers = 27 },
		func(c *Config) { c.Rate = 0 },
		func(c *Config) { c.Rate = 10_001 },
	} {
		c := good
		bad(&c)
		if c.Validate() == nil {
			t.Errorf("no mistake was found in %+v", c)
		}
	}
}
