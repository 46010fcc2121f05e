package linear

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/leasehold/leasehold/lease"
)

// A history is what the callers of several Managers did and saw.
type history struct {
	// once takes the Manager at its word, that no write is done twice, also for
	// the operations that cannot keep it. See TestNotOnce.
	once bool

	clock atomic.Int64
	ids   atomic.Int64

	mu       sync.Mutex // guards what follows
	done     []porcupine.Operation
	writes   []*write
	breaches []error
}

// A write is one logical write, as far as it is known.
type write struct {
	input
	// base is the counter of the passed lease, and from that on which the last try
	// was conditional.
	base, from int64
	caller     int
	foreign    bool // made by another library
	// start is when the first call began, called when the last one did, and
	// finish when that ended.
	start, called, finish int64
	// calls is how often it was called.
	calls int
	// unknown is how many tries there were of which nothing is known.
	unknown int
	// rounds are those of an evict.
	rounds  []round
	outcome outcome
	after   state // of the passed lease, when it is done
	// stored is the lease as the last try left it that was carried out, if the
	// store says so.
	stored *lease.Lease
}

// A round is the tries of an evict that are conditional on one counter. When the
// store refuses it and the owner is still the one to evict, there is another.
type round struct {
	id      int
	counter int64
	unknown bool
}

// An outcome is what the caller of a write knows of it.
type outcome uint8

const (
	failed outcome = iota // an error: nothing, or not that it was done
	done
	refused
)

func (h *history) tick() int64 { return h.clock.Add(1) }

func (h *history) id() int { return int(h.ids.Add(1)) }

// breach reports what no history needs to be looked at for.
func (h *history) breach(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.breaches = append(h.breaches, fmt.Errorf(format, args...))
}

// add appends a part that is complete.
func (h *history) add(caller int, in *input, seen state, start, finish int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.done = append(h.done, porcupine.Operation{ClientId: caller, Input: in, Output: seen, Call: start, Return: finish})
}

// begin appends a write, of which more will be known later.
func (h *history) begin(w *write) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.writes = append(h.writes, w)
}

// operations returns the whole history, when nothing is to come any more.
func (h *history) operations() []porcupine.Operation {
	last := h.tick()
	ops := append([]porcupine.Operation(nil), h.done...)
	keys := map[string]bool{}
	lane := 0
	for _, op := range ops {
		keys[op.Input.(*input).key] = true
		lane = max(lane, op.ClientId+1)
	}
	for _, w := range h.writes {
		keys[w.key] = true
		lane = max(lane, w.caller+1)
	}
	add := func(caller int, in input, role role, seen state, start, finish int64) {
		in.role = role
		ops = append(ops, porcupine.Operation{ClientId: caller, Input: &in, Output: seen, Call: start, Return: finish})
	}
	for _, w := range h.writes {
		switch w.outcome {
		case done:
			add(w.caller, w.latest(), success, w.after, w.start, w.finish)
		case refused:
			add(w.caller, w.latest(), refusal, w.after, w.called, w.finish)
		}
		for _, in := range w.effects(h.once) {
			// What has no end is drawn in a lane of its own.
			add(lane, in, effect, w.after, w.start, last+1)
			lane++
		}
	}
	for key := range keys {
		add(lane, input{key: key}, end, state{}, last, last)
	}
	return ops
}

// latest returns w as its caller's last call made it.
func (w *write) latest() input {
	in := w.input
	if n := len(w.rounds); n > 0 {
		in.id = w.rounds[n-1].id
		in.mine = slices.Clone(in.mine)
		for _, r := range w.rounds {
			in.mine = append(in.mine, r.id)
		}
	}
	return in
}

// effects returns what w may have done beside what its caller was told.
//
// A create and a delete have no counter for a fence. So each of their requests of
// unknown outcome may be carried out whatever else was done since, and whatever
// became of the others: a lease that was deleted is there again, and one that
// somebody created is gone.
func (w *write) effects(once bool) (all []input) {
	many := w.unknown
	switch fenced := once || w.kind != create && w.kind != remove; {
	case fenced && w.outcome == done:
		many = 0
	case fenced:
		many = min(1, many)
	}
	if w.kind != evict {
		for range many {
			all = append(all, w.input)
		}
		return all
	}
	// An evict is fenced in each of its rounds. In one it was done, as its caller
	// knows; but one before may have been, and the owner may have come back.
	for i, r := range w.rounds {
		last := i == len(w.rounds)-1
		if r.unknown && !(w.outcome == done && (last || once)) {
			in := w.input
			in.id, in.counter = r.id, r.counter
			all = append(all, in)
		}
	}
	return all
}

// errIllegal is what is wrong with a history that is not linearizable.
var errIllegal = errors.New("the history is not linearizable")

// budget is how long the checker may take for one history. It needs milliseconds.
const budget = 20 * time.Second

// check returns what is wrong with h, nil if the contract allows it.
func (h *history) check() error {
	if len(h.breaches) > 0 {
		return h.breaches[0]
	}
	if err := h.doubled(); err != nil {
		return err
	}
	ops := h.operations()
	switch porcupine.CheckOperationsTimeout(contract, ops, budget) {
	case porcupine.Ok:
		return nil
	case porcupine.Unknown:
		return fmt.Errorf("no verdict on %d operations within %v", len(ops), budget)
	}
	return errIllegal
}

// doubled returns an error if two writes were told that they left the same counter
// of one key.
func (h *history) doubled() error {
	type version struct {
		key     string
		counter int64
	}
	successes := map[version]*write{}
	for _, w := range h.writes {
		if w.outcome != done || w.kind == create || w.kind == remove || h.anew(w.key) {
			continue
		}
		v := version{w.key, w.after.counter}
		if other := successes[v]; other != nil {
			return fmt.Errorf("counter %d of %q is the success of #%d %v and of #%d %v", v.counter, v.key, other.id, other.kind, w.id, w.kind)
		}
		successes[v] = w
	}
	return nil
}

// anew reports whether the counter of key may have begun anew with a number of
// before: a create has a try of unknown outcome, and the lease was deleted.
func (h *history) anew(key string) bool {
	created, deleted := false, false
	for _, w := range h.writes {
		if w.key == key {
			created = created || w.kind == create && w.unknown > 0
			deleted = deleted || w.kind == remove
		}
	}
	return created && deleted
}

// explain says more of an error of check's: where the history stops making sense,
// and in which file there is a picture of it.
func (h *history) explain(err error) string {
	if err != errIllegal {
		return err.Error()
	}
	ops := h.operations()
	_, info := porcupine.CheckOperationsVerbose(contract, ops, budget)
	var b strings.Builder
	b.WriteString(err.Error())
	for i, part := range contract.Partition(ops) {
		longest := slices.MaxFunc(append(info.PartialLinearizationsOperations()[i], nil),
			func(x, y []porcupine.Operation) int { return cmp.Compare(len(x), len(y)) })
		s := any(contract.Init())
		placed := map[any]bool{}
		for _, op := range longest {
			_, s = contract.Step(s, op.Input, op.Output)
			placed[op.Input] = true
		}
		var stuck porcupine.Operation
		for _, op := range part {
			if !placed[op.Input] && (stuck.Input == nil || op.Return < stuck.Return) {
				stuck = op
			}
		}
		if stuck.Input != nil {
			fmt.Fprintf(&b, "; %q is %s, and caller %d says %q", stuck.Input.(*input).key,
				contract.DescribeState(s), stuck.ClientId, contract.DescribeOperation(stuck.Input, stuck.Output))
		}
	}
	f, err := os.CreateTemp("", "linear-*.html")
	if err == nil {
		err = errors.Join(porcupine.Visualize(contract, info, f), f.Close())
	}
	if err != nil {
		return fmt.Sprintf("%s; there is no picture: %v", &b, err)
	}
	return fmt.Sprintf("%s; for a picture open %s in a browser", &b, f.Name())
}
