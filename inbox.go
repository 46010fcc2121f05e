package leasehold

import (
	"sync"

	"github.com/leasehold/leasehold/internal/coordinator"
	"github.com/leasehold/leasehold/lease"
)

// What the goroutines of a shell tell it, besides the reports of runs.
type (
	// called is a call that has ended.
	called struct {
		lane   *lane
		kind   coordinator.Kind
		result coordinator.Result
	}
	// exited is a run that has ended.
	exited struct {
		run *run
		ev  coordinator.Exited
	}
	// fatal ends the worker.
	fatal struct{ err error }
	// indexActive says that the owner index can be asked now.
	indexActive struct{}
)

// An inbox takes what happened, without ever making its sender wait, and holds
// no more than one report of each run: its latest.
type inbox struct {
	wake chan struct{} // holds one token while events are waiting

	mu     sync.Mutex // guards events, and report and waiting of every run
	events []any
}

// report is how far a run is.
type report struct {
	position lease.Position
	flush    bool
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

func (b *inbox) post(ev any) {
	b.mu.Lock()
	b.events = append(b.events, ev)
	b.mu.Unlock()
	b.ring()
}

// postReport replaces what r reported and nobody has taken yet.
func (b *inbox) postReport(r *run, p lease.Position, flush bool) {
	b.mu.Lock()
	r.report.position = p
	r.report.flush = r.report.flush || flush
	waiting := r.waiting
	if !waiting {
		r.waiting = true
		b.events = append(b.events, r)
	}
	b.mu.Unlock()
	if !waiting {
		b.ring()
	}
}

func (b *inbox) ring() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// take returns what has come since the last take, in its order, with each run's
// report as a coordinator.Progress. It uses the memory of spent.
func (b *inbox) take(spent []any) []any {
	clear(spent)
	b.mu.Lock()
	defer b.mu.Unlock()
	events := b.events
	b.events = spent[:0]
	for i, ev := range events {
		if r, ok := ev.(*run); ok {
			events[i] = coordinator.Progress{Key: r.key, Run: r.id, Position: r.report.position, Flush: r.report.flush}
			r.report, r.waiting = report{}, false
		}
	}
	return events
}
