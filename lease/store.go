package lease

import (
	"context"
	"time"
)

// A Store is a table of leases, workers and one lock. Package leasetest tests
// that an implementation keeps what is promised here.
//
// A Store makes one try per call and repeats nothing: its caller owns the
// deadline and the repetition. Every error is an [*Error], wraps its cause and
// matches exactly one of the three kinds; after an error, a write may have
// happened or not. A Store is safe for concurrent use.
type Store interface {
	// CreateTable creates the table, with its owner index, if it does not
	// exist, and reports whether this call did. Capacities of 0 mean on demand.
	// It does not wait until the table is usable.
	CreateTable(ctx context.Context, readCapacity, writeCapacity int64) (created bool, err error)

	// DescribeTable returns the state of the table. A table that does not
	// exist is a state, not an error.
	DescribeTable(ctx context.Context) (Table, error)

	// CreateIndex adds the owner index to a table that lacks it. If the index
	// exists, or is being made by somebody else, it does nothing.
	CreateIndex(ctx context.Context) error

	// Get returns one lease, nil with a nil error where there is none or where
	// the key belongs to something that is not a lease. A row that does not
	// parse is an [*UnreadableError]. The read is consistent.
	Get(ctx context.Context, key string) (*Lease, error)

	// Create stores a new lease if there is no item with its key. When it is
	// refused, image is the present lease, the zero Lease if the item is not a
	// lease or does not parse. A store may be for the leases of one stream only,
	// or for those of several, and the other kind is then an error of kind
	// ErrDependency before any request.
	Create(ctx context.Context, l Lease) (image Lease, applied bool, err error)

	// Change makes one fenced write: if the lease exists and cond holds, it
	// changes what set names and nothing else. Image is the lease after the
	// change when applied, and the present lease when refused: the zero Lease
	// if there is none. If that lease does not parse, the error has an
	// [*UnreadableError], and the change may have been made.
	Change(ctx context.Context, key string, cond Cond, set Set) (image Lease, applied bool, err error)

	// Delete removes a lease if cond holds. A lease that is not there is
	// applied; an item that is not a lease is never removed, and refused. A
	// lease that does not parse is removed if cond is empty, else refused.
	Delete(ctx context.Context, key string, cond Cond) (applied bool, err error)

	// Scan reads the whole table, eventually consistently. An error means that
	// no part of the result can be used.
	Scan(ctx context.Context) (*Snapshot, error)

	// KeysOf returns the keys of the leases whose row names worker as the
	// owner, or as the next owner during a handoff. The answer may be old: it
	// is a hint and proves nothing.
	KeysOf(ctx context.Context, worker string) ([]string, error)

	// PutWorker stores w if no worker has its ID, or the one that has it has
	// w's nonce too. If over is not nil, it also stores w in place of a worker
	// that still has the nonce and the time of over. When it is refused,
	// present is the worker that has the ID, nil if its item does not parse.
	// The key of a row that is not a worker's, and a name that cannot be one
	// ([CheckWorker]), is an error.
	PutWorker(ctx context.Context, w Worker, over *Worker) (present *Worker, applied bool, err error)

	// DeleteWorker removes the worker's item if it has this nonce. One that is
	// not there is applied.
	DeleteWorker(ctx context.Context, id, nonce string) (applied bool, err error)

	// GetLock returns the leader's lock, nil with a nil error where there is
	// none. The answer may be old.
	GetLock(ctx context.Context) (*Lock, error)

	// TakeLock stores l if the present lock has version seen, or if there is
	// none when seen is empty. When it is refused, present is the present
	// lock, nil if there is none.
	TakeLock(ctx context.Context, l Lock, seen string) (present *Lock, applied bool, err error)

	// RenewLock stores l, whose version is new, if the present lock has
	// version seen and l's owner. When it is refused, present is the present
	// lock, nil if there is none.
	RenewLock(ctx context.Context, l Lock, seen string) (present *Lock, applied bool, err error)

	// ReleaseLock removes the lock if it has this owner and version.
	ReleaseLock(ctx context.Context, owner, version string) (applied bool, err error)

	// GetClientVersion returns the fleet's client-version state, empty if
	// there is none. The read is consistent.
	GetClientVersion(ctx context.Context) (ClientVersion, error)

	// CreateClientVersion stores a new application's state, by the worker that
	// does so, if there is none.
	CreateClientVersion(ctx context.Context, v ClientVersion, by string, at time.Time) (applied bool, err error)
}

// A Protector is a [Store] with settings that a table takes only once it is
// active, such as DynamoDB's point-in-time recovery.
type Protector interface {
	// ProtectTable makes those settings that the store was configured with;
	// none is no error. It may be called again. Leases do not depend on it: its
	// error is to be reported, and no reason to stop.
	ProtectTable(ctx context.Context) error
}

// Table is the state of a lease table.
type Table struct {
	Status TableStatus
	// Index is the state of the owner index.
	Index TableStatus
	// Foreign says why the table cannot be a lease table, such as another
	// key; empty if it can.
	Foreign string
}

// Usable reports whether leases can be read and written.
func (t Table) Usable() bool { return t.Status == Active || t.Status == Updating }

// TableStatus is the state of a table or an index.
type TableStatus uint8

// The states of a table or an index.
const (
	Missing TableStatus = iota
	Creating
	Active
	Updating
	Deleting
)

func (s TableStatus) String() string {
	return [...]string{"missing", "creating", "active", "updating", "deleting"}[s]
}

// Owners names both owners of a lease. Next is empty unless a handoff is under
// way; Owner is then not empty.
type Owners struct {
	Owner, Next string
}

// Cond is what must hold for a write. A nil field is not looked at. Every
// condition includes that the lease exists.
type Cond struct {
	// Counter must be the stored one.
	Counter *int64
	// Owners must both be as named, with an empty name for nobody.
	Owners *Owners
}

// Holds reports whether l satisfies c.
func (c Cond) Holds(l *Lease) bool {
	return (c.Counter == nil || l.Counter == *c.Counter) && (c.Owners == nil || l.Owners() == *c.Owners)
}

// Set is what a write changes. A nil or zero field is left as it is, and
// attributes that a Store does not know are kept.
type Set struct {
	// Mark names the logical write and stays the same over its tries, so that
	// a refused write can be known as one's own earlier try. It is stored
	// whenever it is not empty. Exactly the writes that move the counter have
	// one.
	Mark string

	// Bump adds one to the counter.
	Bump bool

	// Owners replaces both owners.
	Owners *Owners

	// AddSwitch adds one to Switches.
	AddSwitch bool

	// Checkpoint replaces the checkpoint, sets Switches to 0 and removes the
	// pending checkpoint.
	Checkpoint *Position

	// Pending replaces the pending checkpoint and its state. It is stored
	// after what Checkpoint does.
	Pending      *Position
	PendingState []byte

	// Switches replaces the count of changes of owner.
	Switches *int64

	// Children replaces the children, if not empty.
	Children []string

	// HashRange replaces the hash range.
	HashRange *HashRange

	// Throughput replaces the owner's throughput, in KiB a second, as
	// [RoundThroughput] says. What is no rate is left out: it is a hint, for
	// which no renewal should fail.
	Throughput *float64
}

// Apply changes l as s says. It is what [Store.Change] does to a stored lease.
func (s Set) Apply(l *Lease) {
	if s.Mark != "" {
		l.Mark = s.Mark
	}
	if s.Bump {
		l.Counter++
	}
	if s.Owners != nil {
		l.Owner, l.NextOwner = s.Owners.Owner, s.Owners.Next
	}
	if s.AddSwitch {
		l.Switches++
	}
	if s.Checkpoint != nil {
		l.Checkpoint = *s.Checkpoint
		l.Switches = 0
		l.Pending, l.PendingState = Position{}, nil
	}
	if s.Pending != nil {
		l.Pending, l.PendingState = *s.Pending, s.PendingState
	}
	if s.Switches != nil {
		l.Switches = *s.Switches
	}
	if len(s.Children) > 0 {
		l.Children = s.Children
	}
	if s.HashRange != nil {
		l.HashRange = *s.HashRange
	}
	if t := RoundThroughput(s.Throughput); t != nil {
		l.Throughput = t
	}
}
