package cli

import (
	"context"
	"sync"
	"time"

	"github.com/leasehold/leasehold"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// tipEvery is the time between two looks at whether all is read.
const tipEvery = time.Second

// A tipWatch finds out when an application is caught up: every shard of the
// stream has a lease, and every lease is finished, or this worker has it and has
// read its shard to the tip, or another worker has it and is alive.
type tipWatch struct {
	stream interface {
		Shards(context.Context) ([]stream.Shard, error)
	}
	leases interface {
		Scan(context.Context) (*lease.Snapshot, error)
	}
	// seen is what the last look showed, by lease key.
	seen map[string]tipSighting
	// moved are the leases of others that were seen to be renewed: to be given a
	// lease is no sign of life.
	moved map[string]bool

	mu sync.Mutex // guards what follows
	// tip are the shards that this worker has read to their tip.
	tip map[string]bool
}

// A tipSighting is a lease's owner and counter.
type tipSighting struct {
	owner   string
	counter int64
}

func newTipWatch(s stream.Stream, l lease.Store) *tipWatch {
	return &tipWatch{stream: s, leases: l, seen: map[string]tipSighting{}, moved: map[string]bool{}, tip: map[string]bool{}}
}

// progress takes what the worker says of a shard.
func (t *tipWatch) progress(g leasehold.Progress) {
	if g.Behind > 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tip[g.Shard.ID] = true
}

// run calls done once the application is caught up, unless ctx ends first.
func (t *tipWatch) run(ctx context.Context, worker string, done func()) {
	for sleep(ctx, tipEvery) == nil {
		// A look that fails is made again: the worker itself reports what ails
		// the table.
		if ok, err := t.look(ctx, worker); err == nil && ok {
			done()
			return
		}
	}
}

// look reports whether the application is caught up.
func (t *tipWatch) look(ctx context.Context, worker string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	shards, err := t.stream.Shards(ctx)
	if err != nil {
		return false, err
	}
	table, err := t.leases.Scan(ctx)
	if err != nil {
		return false, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	has := make(map[string]bool, len(table.Leases))
	all := true
	for _, l := range table.Leases {
		has[l.Key] = true
		before := t.seen[l.Key]
		t.seen[l.Key] = tipSighting{l.Owner, l.Counter}
		if before.owner != l.Owner {
			t.moved[l.Key] = false
		}
		if l.Owner != worker {
			// What this worker read before another had it tells nothing.
			delete(t.tip, l.Key)
		}
		switch {
		case l.Finished():
		case l.Owner == worker:
			all = all && t.tip[l.Key]
		case l.Owner == "":
			all = false
		default:
			if before.owner == l.Owner && before.counter != l.Counter {
				t.moved[l.Key] = true
			}
			all = all && t.moved[l.Key]
		}
	}
	for _, s := range shards {
		// The lease of a closed shard may have been cleaned up.
		if !s.Closed && !has[s.ID] {
			all = false
		}
	}
	return all, nil
}
