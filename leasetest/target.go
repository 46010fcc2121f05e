package leasetest

import (
	"context"

	"github.com/leasehold/leasehold/lease"
)

// A Target is a store under test. Its table exists, is active with its owner
// index, and is empty.
//
// The other interfaces of this file are hooks, which a Target has if it can.
type Target interface {
	Store() lease.Store
}

// A BrokenPlanter stores the row of a lease that does not parse, since it has
// no counter.
type BrokenPlanter interface {
	PlantBroken(ctx context.Context, key string) error
}

// A ForeignPlanter stores a row of a kind that no lease library knows.
type ForeignPlanter interface {
	PlantForeign(ctx context.Context, key string) error
}

// A TableSetter makes the table be in a state: Creating, Active, Updating or
// Deleting.
type TableSetter interface {
	SetTableStatus(ctx context.Context, s lease.TableStatus) error
}

// A TableDropper removes the table, and returns when it is gone.
type TableDropper interface {
	DropTable(ctx context.Context) error
}

// An IndexDropper removes the owner index, and returns when it is gone.
type IndexDropper interface {
	DropIndex(ctx context.Context) error
}

// A Throttler makes the service throttle the next requests; 0 ends that.
type Throttler interface {
	Throttle(requests int)
}

// A Failer makes the service fail the next requests with an internal error; 0
// ends that.
type Failer interface {
	Fail(requests int)
}

// A ReplyLoser loses the replies of the next requests that write, whether the
// service carries them out or refuses them; 0 ends that. The caller gets the
// error of a broken connection.
type ReplyLoser interface {
	LoseReplies(writes int)
}

// A ScanBreaker makes the next scan fail after it has read a part of the
// table.
type ScanBreaker interface {
	BreakScan()
}

// A Hanger makes the service not answer the next requests, and not carry them
// out: each call ends when its context does; 0 ends that.
type Hanger interface {
	Hang(requests int)
}

// A CauseFinder finds in an error of the store what the service or the network
// said, as the client's own error has it: what errors.As is for. Nil is none.
type CauseFinder interface {
	FindCause(err error) error
}

// A RowReader reads all that is stored under a key of the lease table, whatever
// it is, as a text that changes with it; empty if there is nothing.
type RowReader interface {
	ReadRow(ctx context.Context, key string) (string, error)
}

// A KeyNamer returns the keys of the rows in the lease table that hold a worker
// of this name, the lock and the client version. One that is kept elsewhere, or
// under a key that no lease can have, is left out.
type KeyNamer interface {
	KeysOfOthers(worker string) []string
}

// A Filler stores many leases faster than the store itself can.
type Filler interface {
	Fill(ctx context.Context, leases []lease.Lease) error
}

// many is as good as all requests of a rule.
const many = 10000
