package demo

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// What the story happens to.
const (
	Stream = "orders"
	App    = "orders-demo"
	// Region is the one that the workers are told.
	Region = "us-east-1"
)

// Config is what a [Demo] is to do. Every exported field but Seed and Tell must be
// set.
type Config struct {
	// Command starts the command itself: the executable and its first
	// arguments, to which those of consume are added.
	Command []string
	// Environ is the environment of the workers; what concerns AWS or this
	// command is taken out of it.
	Environ []string
	// Duration scales the times of the story and is the least it takes: each
	// step also waits for the end of the one before.
	Duration time.Duration
	// Failover is the fleet's failover time, at least 1s.
	Failover time.Duration
	// Shards the stream begins with, workers that join, records a second.
	Shards, Workers, Rate int
	// Seed chooses the keys and their turns.
	Seed uint64
	// Say prints a line of the story.
	Say func(line string)
	// Tell prints an event of a worker, if it is set. It is called by many
	// goroutines.
	Tell func(worker, event string)

	// acts is the story, if it is another than the usual one, and settle
	// replaces settleTime.
	acts   []moment
	settle time.Duration
}

// The least and the most workers: one is killed, one sleeps and stops, and one
// must be left; and each is named by a letter.
const (
	minWorkers = 3
	maxWorkers = 26
)

// Validate reports every mistake, not only the first.
func (c Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(c.Duration > 0, "duration %v: it must be longer than 0", c.Duration)
	check(c.Failover >= time.Second, "failover time %v: want 1s or more", c.Failover)
	check(c.Shards >= 1 && c.Shards <= 100, "%d shards: want 1 to 100", c.Shards)
	check(c.Workers >= minWorkers && c.Workers <= maxWorkers,
		"%d workers: want %d to %d, since one is killed, one sleeps and one must be left", c.Workers, minWorkers, maxWorkers)
	check(c.Rate >= 1 && c.Rate <= 10_000, "rate %d: want 1 to 10,000 records a second", c.Rate)
	return errors.Join(errs...)
}

// stepTime is how long a step may take: a busy machine takes its time.
func (c Config) stepTime() time.Duration { return max(time.Minute, 20*c.Failover) }

// settleTime is how long the records that are under way at the end may take. It
// is time for a worker to lose its leases and for another to take them.
func (c Config) settleTime() time.Duration { return cmp.Or(c.settle, 10*time.Second+5*c.Failover) }
