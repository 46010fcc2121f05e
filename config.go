package leasehold

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// Config is what a [Worker] is to do. Stream, Leases and Handler must be set;
// a zero value of any other field means its default.
type Config struct {
	// Stream is what to read, such as a kinesisstream.Stream.
	Stream stream.Stream

	// Leases is the application's lease table, such as a dynamolease.Store.
	// Workers that share it share the shards.
	//
	// A worker's leases are those of one stream. A store that can also be one of
	// several streams has the method CheckOneStream() error, which reports why it
	// is not for one. If it has the method Name() string, events and errors name
	// the application by it.
	Leases lease.Store

	// Handler processes the records. It is called for many shards at once, and
	// for one shard by one goroutine at a time.
	Handler Handler

	// Worker is this worker's name, by which leases and logs call it. Default:
	// the host's name, the process ID and a random part, which no other worker
	// ever has.
	//
	// A name of your own belongs to one process at a time. A clean stop frees it
	// at once. After a crash, a process of the same name waits until the dead one
	// has not been heard of for FailoverTime; then it has its name and leases,
	// unless other workers were quicker. If the other lives, the new one does not
	// wait: it appends a "~" and a random part to the name, logs worker.renamed
	// and works under that, see [Worker.Name].
	Worker string

	// Start is where an application without leases begins. Workers of an
	// application that has leases go on from those. Default [TrimHorizon]:
	// nothing is passed over.
	Start stream.Start

	// FailoverTime is how long a lease's counter may stand still before
	// another worker may take the lease, by that worker's own clock. Shorter
	// notices a dead worker sooner and costs more writes. It should be the same
	// for all workers of an application. At least 1s. Default 10s.
	FailoverTime time.Duration

	// RenewEvery is the time between writes of a held lease, at most half of
	// FailoverTime. Default FailoverTime / 2.
	RenewEvery time.Duration

	// Checkpoint says when checkpoints are stored. Default [WithRenewals].
	Checkpoint Checkpoint

	// DrainTime is how long a handler may take to finish its batch when its
	// lease is handed to another worker; then its context ends. Default 30s.
	DrainTime time.Duration

	// StopTime is the same when this worker stops. Default 20s.
	StopTime time.Duration

	// RetryMin and RetryMax bound the pauses between tries of a batch whose
	// handler failed. The first pause is about RetryMin, each is about twice
	// the one before. Defaults 100ms and 1m.
	RetryMin, RetryMax time.Duration

	// ReadBudget bounds what a worker that watches over the table spends on
	// looking at all of it, in read capacity units a second. A smaller budget
	// makes for fewer looks and a later failover in a large application.
	// Default: no bound.
	ReadBudget float64

	// OnProgress, if set, is called for a shard after each batch that the
	// handler finished and after each read that brought no records, by the
	// goroutine that calls the handler. It must not wait.
	OnProgress func(Progress)

	// Logger takes events: who gained and lost which lease, what is tried
	// again, and why. Default [slog.Default].
	Logger *slog.Logger
}

// Checkpoint says when checkpoints are stored.
type Checkpoint uint8

const (
	// WithRenewals stores a checkpoint with each renewal of the lease, that is
	// every Config.RenewEvery, and when a lease is handed over. It costs no
	// write of its own. After a crash, what was done since is done again.
	WithRenewals Checkpoint = iota
	// EveryBatch also stores one as soon as a batch is done; the shard's next
	// batch waits for that. After a crash, at most one batch per shard is done
	// again.
	EveryBatch
)

// Where an application without leases may begin. See [At] for a time.
var (
	// TrimHorizon is the oldest record that the stream has.
	TrimHorizon = stream.Start{Position: lease.TrimHorizon}
	// Latest is after the newest record.
	Latest = stream.Start{Position: lease.Latest}
)

// At is the first record that the stream took at t or later.
func At(t time.Time) stream.Start { return stream.Start{Position: lease.AtTimestamp, Time: t} }

// shardPrefix begins the ID of every shard, and so the key of every lease.
const shardPrefix = "shardId-"

func (c Config) withDefaults() Config {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&c.FailoverTime, 10*time.Second)
	def(&c.RenewEvery, c.FailoverTime/2)
	def(&c.DrainTime, 30*time.Second)
	def(&c.StopTime, 20*time.Second)
	// One of the two alone moves the default of the other if it must.
	if c.RetryMin == 0 && c.RetryMax > 0 {
		c.RetryMin = min(100*time.Millisecond, c.RetryMax)
	}
	def(&c.RetryMin, 100*time.Millisecond)
	def(&c.RetryMax, max(time.Minute, c.RetryMin))
	if c.Worker == "" {
		c.Worker = defaultName()
	}
	if c.Start.Position.IsZero() {
		c.Start.Position = lease.TrimHorizon
		if !c.Start.Time.IsZero() {
			c.Start.Position = lease.AtTimestamp
		}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// app is the application's name, which is that of its lease table; empty if the
// store does not tell.
func (c Config) app() string {
	if s, ok := c.Leases.(interface{ Name() string }); ok {
		return s.Name()
	}
	return ""
}

func defaultName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "worker"
	}
	// Seven characters are 35 bits: enough for the workers that one host runs
	// under one process ID.
	return fmt.Sprintf("%s-%d-%s", host, os.Getpid(), strings.ToLower(rand.Text()[:7]))
}

// validate reports every mistake, not only the first.
func (c Config) validate() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Stream == nil {
		wrong("no Stream")
	}
	if c.Leases == nil {
		wrong("no Leases")
	}
	if s, ok := c.Leases.(interface{ CheckOneStream() error }); ok {
		if err := s.CheckOneStream(); err != nil {
			wrong("Leases is not for one stream: %w", err)
		}
	}
	if c.Handler == nil {
		wrong("no Handler")
	}
	if err := lease.CheckWorker(c.Worker); err != nil {
		wrong("Worker %w", err)
	}
	if strings.HasPrefix(c.Worker, shardPrefix) {
		wrong("Worker %q looks like a shard's ID, which is the key of a lease", c.Worker)
	}
	switch p := c.Start.Position; {
	case p != lease.TrimHorizon && p != lease.Latest && p != lease.AtTimestamp:
		wrong("Start %v is not TRIM_HORIZON, LATEST or AT_TIMESTAMP", p)
	case p == lease.AtTimestamp && c.Start.Time.IsZero():
		wrong("Start AT_TIMESTAMP has no time")
	case p != lease.AtTimestamp && !c.Start.Time.IsZero():
		wrong("Start %v has a time, which only AT_TIMESTAMP uses", p)
	}
	if c.FailoverTime < time.Second {
		wrong("FailoverTime %v is less than 1s", c.FailoverTime)
	}
	if c.RenewEvery <= 0 || c.RenewEvery > c.FailoverTime/2 {
		wrong("RenewEvery %v is not between 0 and half of FailoverTime %v", c.RenewEvery, c.FailoverTime)
	}
	if c.Checkpoint > EveryBatch {
		wrong("Checkpoint %d is unknown", c.Checkpoint)
	}
	if c.DrainTime < 0 {
		wrong("DrainTime %v is negative", c.DrainTime)
	}
	if c.StopTime < 0 {
		wrong("StopTime %v is negative", c.StopTime)
	}
	if c.RetryMin < 0 || c.RetryMax < c.RetryMin {
		wrong("RetryMin %v and RetryMax %v are not a range", c.RetryMin, c.RetryMax)
	}
	if c.ReadBudget < 0 {
		wrong("ReadBudget %v is negative", c.ReadBudget)
	}
	return errors.Join(errs...)
}
