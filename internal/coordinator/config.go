package coordinator

import (
	"math/rand/v2"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// Config is what a [Core] needs to know. Zero durations mean their defaults.
type Config struct {
	// Worker is this worker's name.
	Worker string
	// Nonce is different for each process.
	Nonce string
	// Claimed is when the worker's item was stored, and the name became this
	// process's: before Mono 0, so it is negative. 0 means that it was not yet.
	Claimed Mono
	// Version names the library in the worker's item.
	Version string
	// Initial is where an application without leases begins: one of the
	// sentinels TRIM_HORIZON, LATEST and AT_TIMESTAMP.
	Initial lease.Position
	// Wall is the wall time at Mono 0.
	Wall time.Time
	// Rand spreads writes in time and makes versions of the lock.
	Rand *rand.Rand
	// Watched is the client-version state found at the start.
	Watched lease.ClientVersion

	// FailoverTime is how long a counter may stand still before others take
	// the lease. Default 10 s.
	FailoverTime time.Duration
	// RenewEvery is the time between writes of a held lease. Default
	// FailoverTime / 2; up to 10 % are added at random.
	RenewEvery time.Duration
	// DrainTime is how long a handler may take to finish its batch in a handoff.
	// Default 30 s.
	DrainTime time.Duration
	// StopTime is the same at a stop. Default 20 s.
	StopTime time.Duration
	// ReadBudget is the number of read units a second that looks may cost; 0
	// means no limit.
	ReadBudget float64
}

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
	if c.Initial.IsZero() {
		c.Initial = lease.TrimHorizon
	}
	return c
}

// The fleet's other times. Those that follow from the failover time scale with
// it.
const (
	lookEvery      = time.Second
	lookAloneEvery = 5 * time.Second

	ownEvery      = time.Second
	ownAloneEvery = 10 * time.Second
	ownFirstEvery = 100 * time.Millisecond
	ownFirst      = 3 * time.Second

	// incomingEvery is the time between reads of a lease that is being handed
	// to this worker.
	incomingEvery = 200 * time.Millisecond
	// parentsEvery is the time between reads of the parents of a waiting lease.
	parentsEvery = 2 * time.Second
	// noticeTime is how long an owner that knows of a handoff goes on, so that
	// the next owner has seen the row in its index by then.
	noticeTime = 1200 * time.Millisecond
	// indexRest is the least time from the deletion of a stopping worker's item
	// to its last look at its own rows: a watcher may act on an older look.
	indexRest = 1500 * time.Millisecond

	workerEvery     = 30 * time.Second
	workerIdleEvery = 5 * time.Second
	// foreignAlive is how long the item of a worker of another library may
	// stand still: Java KCL writes it every 30 s.
	foreignAlive = 60 * time.Second
	// foreignNotice is how much longer than the failover time a worker of
	// another library may take for its first write of a lease that it was given:
	// Java KCL looks for such leases every 10 s and renews every 3.3 s.
	foreignNotice = 15 * time.Second

	lockDuration = 15 * time.Second
	lockEvery    = 5 * time.Second
	// decideFor is how long after a heartbeat was sent a leader still decides.
	decideFor = 12 * time.Second

	deputyLeader = 250 * time.Millisecond
	deputyOthers = 2 * time.Second

	auditEvery   = 30 * time.Minute
	versionEvery = time.Minute
)

// renewWithin is the longest time between writes of a held lease: RenewEvery and
// what chance adds.
func (c Config) renewWithin() time.Duration { return c.RenewEvery * 11 / 10 }

// ownDeadline is how long after sending its last acknowledged write an owner
// stops.
func (c Config) ownDeadline() time.Duration { return c.FailoverTime * 8 / 10 }
