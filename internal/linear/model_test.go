package linear

import (
	"fmt"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"

	"github.com/leasehold/leasehold/lease"
)

// A kind is one of the Manager's operations on a single lease, or foreign.
type kind uint8

const (
	get kind = iota
	create
	renew
	take
	update
	evict
	remove // DeleteLease
	// foreign is a take by another library, which moves the counter and leaves the
	// mark as it is. To the model it is a take.
	foreign
)

func (k kind) String() string {
	return [...]string{"get", "create", "renew", "take", "update", "evict", "delete", "take without mark"}[k]
}

// values are what the owner of a lease stores in it.
type values struct {
	checkpoint, pending lease.Position
	pendingState        string
	switches            int64
	throughput          float64 // 0 if it is not known
}

// valuesOf returns what l says.
func valuesOf(l *lease.Lease) values {
	v := values{checkpoint: l.Checkpoint, pending: l.Pending, pendingState: string(l.PendingState), switches: l.Switches}
	if l.Throughput != nil {
		v.throughput = *l.Throughput
	}
	return v
}

// A state is all that the contract knows of one key.
type state struct {
	exists      bool
	counter     int64
	owner, next string
	values

	// last is the logical write of which the lease is the result. No operation
	// returns it, but a refusal depends on it: a caller whose own write is the
	// last one has not been refused.
	last int

	// over says that nobody looks any more. See the role effect.
	over bool
}

// stateOf returns l as the contract sees it, nil being no lease.
func stateOf(l *lease.Lease) state {
	if l == nil {
		return state{}
	}
	return state{exists: true, counter: l.Counter, owner: l.Owner, next: l.NextOwner, values: valuesOf(l)}
}

func (s state) String() string {
	if !s.exists {
		return "no lease"
	}
	owner := s.owner
	if owner == "" {
		owner = "nobody"
	}
	if s.next != "" {
		owner += ">" + s.next
	}
	text := fmt.Sprintf("%d %s at %v", s.counter, owner, s.checkpoint)
	if !s.pending.IsZero() {
		text += fmt.Sprintf(" (pending %v %q)", s.pending, s.pendingState)
	}
	if s.switches != 0 {
		text += fmt.Sprintf(", %d switches", s.switches)
	}
	if s.throughput != 0 {
		text += fmt.Sprintf(", %v KiB/s", s.throughput)
	}
	if s.last != 0 {
		text += fmt.Sprintf(", by #%d", s.last)
	}
	return text
}

// A role is what a history says of a logical write.
//
// A logical write is one operation, or several calls of the same operation for
// the same *Lease of which all but the last ended in an error: the Manager keeps
// its mark and must not do it twice. So it spans all its calls and all their
// tries. What its caller knows of it differs:
//
//   - It was reported as done. Then it took effect exactly once, at some moment
//     between the first call and the last return: success.
//   - It was refused, and every try was answered. Then it never takes effect, and
//     at some moment its condition did not hold: refusal.
//   - Its last call ended in an error, and what became of some try is not known.
//     Then it takes effect at some moment after the first call, be that years
//     later, or never: effect, which has no end.
//   - It was refused after a try of which nothing is known. Then that try may have
//     taken effect before somebody else wrote, or never: effect and refusal. The
//     refusal is stricter than the condition: the lease as the write itself left
//     it is no reason for one, for the mark says whose it is.
//
// A try that provably never reached the store, because the fault was that it did
// not, is as if it had not been made. A write all of whose tries are such has no
// part in the history.
type role uint8

const (
	read role = iota
	success
	refusal
	effect
	end // of the history: what is known of it was known before
)

func (r role) String() string {
	return [...]string{"read", "success", "refusal", "effect", "end"}[r]
}

// An input is one part of a history as the model sees it.
type input struct {
	role role
	kind kind
	key  string
	// id is the logical write's, from 1.
	id int
	// counter is that of a new lease, or the caller's, on which the write is
	// conditional. For an evict it is not a condition but of an effect: see
	// applies.
	counter int64
	// owner is that of a new lease, the one who takes, or the one to evict.
	owner string
	next  string // of a new lease
	values
	// mine are earlier writes for the same *Lease of which the caller does not
	// know the outcome.
	mine []int
}

// applies reports whether the condition of in holds.
//
// A lease that the caller itself moved, by an earlier renewal or update for the
// same *Lease whose outcome it does not know, counts as the one that it knows: it
// is not lost, only its counter is not the caller's yet. (A take or an evict of
// unknown outcome does not count so, for afterwards the lease has another owner
// than the caller's *Lease says.)
//
// An evict is by owner, whatever the counter. But each of its requests is
// conditional on the counter that was seen before, so that one whose outcome is
// not known can take effect at that counter only, and not on an owner of the same
// name who comes back later.
func (s *state) applies(in *input) bool {
	switch in.kind {
	case create:
		return !s.exists
	case remove:
		return s.exists
	case evict:
		return s.exists && s.owner == in.owner && (in.role != effect || s.counter == in.counter)
	}
	return s.exists && (s.counter == in.counter || slices.Contains(in.mine, s.last))
}

// apply returns the lease after in.
func (s state) apply(in *input) state {
	switch in.kind {
	case create:
		return state{exists: true, counter: in.counter, owner: in.owner, next: in.next, values: in.values, last: in.id}
	case remove:
		return state{}
	case renew:
		if in.throughput != 0 {
			s.throughput = in.throughput
		}
	case take:
		if s.owner != "" && s.owner != in.owner {
			s.switches++
		}
		s.owner, s.next = in.owner, ""
	case update:
		kept := s.throughput // UpdateLease does not write it
		s.values = in.values
		s.throughput = kept
	case evict:
		s.owner, s.next = s.next, ""
	}
	s.counter++
	s.last = in.id
	return s
}

// step is the contract: it says whether in can happen to a lease in state s, with
// what the caller then sees, and what the lease is afterwards.
func step(s state, in *input, seen state) (bool, state) {
	switch in.role {
	case read:
		is := s
		is.last = 0
		return is == seen, s
	case success:
		if in.kind == remove {
			return true, state{} // also where there is no lease
		}
		if !s.applies(in) {
			return false, s
		}
		s = s.apply(in)
		return s.counter == seen.counter && s.owner == seen.owner && s.next == seen.next, s
	case refusal:
		return !s.applies(in) && s.last != in.id && !slices.Contains(in.mine, s.last), s
	case effect:
		// An effect that does not happen is not looked for at every place of the
		// history but at its end only, where it can always stand. Otherwise each
		// write of unknown outcome would double the search.
		if s.over {
			return true, s
		}
		return s.applies(in), s.apply(in)
	}
	s.over = true
	return true, s
}

// contract is the sequential specification of the Manager's operations on leases,
// each key for itself.
var contract = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		var parts [][]porcupine.Operation
		index := map[string]int{}
		for _, op := range history {
			key := op.Input.(*input).key
			i, ok := index[key]
			if !ok {
				i = len(parts)
				index[key] = i
				parts = append(parts, nil)
			}
			parts[i] = append(parts[i], op)
		}
		return parts
	},
	Init: func() any { return state{} },
	Step: func(s, in, seen any) (bool, any) {
		return step(s.(state), in.(*input), seen.(state))
	},
	DescribeOperation: func(in, seen any) string { return in.(*input).describe(seen.(state)) },
	DescribeState:     func(s any) string { return s.(state).String() },
}

// describe says what in is, for people.
func (in *input) describe(seen state) string {
	if in.role == end {
		return "end"
	}
	if in.role == read {
		return "get: " + seen.String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "#%d %v", in.id, in.kind)
	switch in.kind {
	case create:
		fmt.Fprintf(&b, " %d for %q", in.counter, in.owner)
	case renew:
		fmt.Fprintf(&b, " %d", in.counter)
	case take:
		fmt.Fprintf(&b, " %d for %q", in.counter, in.owner)
	case update:
		fmt.Fprintf(&b, " %d to %v", in.counter, in.checkpoint)
	case evict:
		fmt.Fprintf(&b, " %q", in.owner)
		if in.role == effect {
			fmt.Fprintf(&b, " at %d", in.counter)
		}
	}
	if len(in.mine) > 0 {
		fmt.Fprintf(&b, " after %v", in.mine)
	}
	switch in.role {
	case success:
		b.WriteString(": done")
		if in.kind != remove && in.kind != create {
			fmt.Fprintf(&b, ", now %d", seen.counter)
		}
	case refusal:
		b.WriteString(": refused")
	case effect:
		b.WriteString(": not known")
	}
	return b.String()
}
