package coordinator

import (
	"time"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// Mono is the time since the worker's start by its monotonic clock.
type Mono time.Duration

// Never is later than any time.
const Never = Mono(1<<63 - 1)

// Add returns m plus d.
func (m Mono) Add(d time.Duration) Mono { return m + Mono(d) }

// Kind says what an [Action] asks for.
type Kind uint8

// Calls of the store and the stream. Each yields exactly one [Result] with the
// action's ID.
const (
	// Change is Store.Change(Key, Cond, Set).
	Change Kind = iota + 1
	// Create is Store.Create(Lease).
	Create
	// Delete is Store.Delete(Key, Cond).
	Delete
	// Get is Store.Get(Key).
	Get
	// Look is Store.Scan.
	Look
	// Own is Store.KeysOf(this worker).
	Own
	// PutWorker is Store.PutWorker(Worker), over nobody; the shell sets Reported
	// to the wall time of sending.
	PutWorker
	// DeleteWorker is Store.DeleteWorker of Worker's ID and nonce.
	DeleteWorker
	// GetLock is Store.GetLock.
	GetLock
	// TakeLock is Store.TakeLock(Lock, Seen).
	TakeLock
	// RenewLock is Store.RenewLock(Lock, Seen).
	RenewLock
	// ReleaseLock is Store.ReleaseLock(Lock.Owner, Seen).
	ReleaseLock
	// GetVersion is Store.GetClientVersion.
	GetVersion
	// Shards is Stream.Shards.
	Shards
)

// Orders to the shell. They yield no Result.
const (
	// Start starts the consumer Run of the shard Key at From, under Token, whose
	// term lasts until Until. The shell answers with one [Exited] when the
	// consumer has ended, for whatever reason.
	Start Kind = iota + 101
	// Extend moves the end of Run's term to Until. A consumer delivers nothing
	// once its term is over. From is the checkpoint that is stored by now; zero
	// if the term is only cut short.
	Extend
	// Drain lets Run finish the batch in hand and start no other; then it exits.
	Drain
	// Cancel ends the context of Run's handler, with Cause; then it exits.
	Cancel
	// Note reports a change of state, for the log.
	Note
	// Fail ends the worker with Err: it stops as if asked to, and Run returns Err.
	Fail
	// Stopped is the last action: the worker is done.
	Stopped
)

// Cause says why a consumer ends.
type Cause uint8

// Causes.
const (
	// Lost means that another may own the lease by now.
	Lost Cause = iota + 1
	// HandedOver means that the drain time of a handoff is over.
	HandedOver
	// Stopping means that the drain time of a stop is over.
	Stopping
)

// An Action is what is to be done. Which fields are set depends on Kind.
type Action struct {
	ID   uint64
	Kind Kind

	Key    string
	Cond   lease.Cond
	Set    lease.Set
	Lease  lease.Lease
	Worker lease.Worker
	Lock   lease.Lock
	Seen   string

	Run   uint64
	Token int64
	From  lease.Position
	Until Mono
	Cause Cause

	Event Notice
	Err   error
}

// A Notice is a change of state worth a line in the log.
type Notice struct {
	// Name is the event's, such as "lease.gained".
	Name string
	// Warn marks what a person may want to see.
	Warn bool
	// Cause is one of a closed list per event: "expired", "handoff", ….
	Cause string
	// Other is the other worker concerned, if any.
	Other string
	// Err is what went wrong, if anything.
	Err error
}

// An Event is what happened: [Tick], [Result], [Progress], [Exited], [Stop], [Gap]
// or [Index].
type Event interface{ event() }

// Tick says that time has passed.
type Tick struct{}

// A Result is the outcome of a call.
type Result struct {
	// ID is the action's.
	ID uint64
	// Sent is when the call left.
	Sent Mono
	// Err is nil if the outcome is known.
	Err error
	// Applied is the store's word for a write.
	Applied bool
	// Image is the lease that Change or Create returned.
	Image lease.Lease
	// Lease is what Get returned.
	Lease *lease.Lease
	// Snapshot is what Look returned.
	Snapshot *lease.Snapshot
	// Keys are what Own returned.
	Keys []string
	// Lock is what GetLock returned, or the present lock of TakeLock and RenewLock.
	Lock *lease.Lock
	// Version is what GetVersion returned.
	Version lease.ClientVersion
	// Shards are what Shards returned.
	Shards []stream.Shard
}

// Progress says that everything up to Position is acknowledged.
type Progress struct {
	Key      string
	Run      uint64
	Position lease.Position
	// Flush asks for a checkpoint now and not with the next renewal.
	Flush bool
}

// Exited says that a consumer has ended: its handler has returned and will not
// be called again.
type Exited struct {
	Key string
	Run uint64
	// Position is the last that is acknowledged; zero if nothing was.
	Position lease.Position
	// End says that the shard is at its end and that all of it is acknowledged.
	End bool
	// Children continue the shard, when End is set.
	Children []stream.Shard
}

// Stop asks the worker to stop: drain, hand over, and go.
type Stop struct{}

// Gap says that wall time ran ahead of monotonic time: the machine was
// suspended.
type Gap struct {
	// Wall is the wall time now.
	Wall time.Time
}

// Index says whether the table's owner index can be asked.
type Index struct {
	Active bool
}

func (Tick) event()     {}
func (Result) event()   {}
func (Progress) event() {}
func (Exited) event()   {}
func (Stop) event()     {}
func (Gap) event()      {}
func (Index) event()    {}
