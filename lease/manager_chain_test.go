package lease_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/memlease"
)

// road is a store behind a road on which requests and replies are lost or late. It
// knows which operation wrote last.
type road struct {
	lease.Store
	*rand.Rand
	fail float64 // how much of what is sent
	// plan is what befalls the next requests, in place of chance.
	plan []fate
	late []func()

	now     string            // the operation that sends
	senders map[string]string // by mark
	last    string            // the operation that wrote last
	said    []string
}

// A fate is what becomes of a request.
type fate int

const (
	arrives fate = iota
	repliesInVain
	isLate
	isLost
)

func (r *road) fate() fate {
	switch {
	case len(r.plan) > 0:
		defer func() { r.plan = r.plan[1:] }()
		return r.plan[0]
	case r.Float64() >= r.fail:
		return arrives
	}
	return repliesInVain + fate(r.IntN(3))
}

func (r *road) say(format string, args ...any) { r.said = append(r.said, fmt.Sprintf(format, args...)) }

func (r *road) Change(_ context.Context, key string, cond lease.Cond, set lease.Set) (lease.Lease, bool, error) {
	for i := len(r.late) - 1; i >= 0; i-- {
		if r.plan == nil && r.Float64() < 0.4 {
			r.late[i]()
			r.late = append(r.late[:i], r.late[i+1:]...)
		}
	}
	if r.senders[set.Mark] == "" {
		r.senders[set.Mark] = r.now
	}
	// What is under way must not change with what its sender does next.
	cond.Counter = new(*cond.Counter)
	if cond.Owners != nil {
		cond.Owners = new(*cond.Owners)
	}
	arrive := func(how string) (lease.Lease, bool, error) {
		image, applied, err := r.Store.Change(context.Background(), key, cond, set)
		if applied {
			r.last = r.senders[set.Mark]
		}
		r.say("    %s at %d %s: applied %v", r.senders[set.Mark], *cond.Counter, how, applied)
		return image, applied, err
	}
	switch r.fate() {
	case arrives:
		return arrive("arrives")
	case repliesInVain:
		arrive("arrives and its reply is lost")
	case isLate:
		r.say("    %s at %d is late", r.now, *cond.Counter)
		r.late = append(r.late, func() { arrive("arrives late") })
	case isLost:
		r.say("    %s at %d is lost", r.now, *cond.Counter)
	}
	return lease.Lease{}, false, &lease.Error{Op: "change lease", Kind: lease.ErrDependency, Err: errors.New("no reply")}
}

// newRoad returns a road, a Manager at one end, and a lease at the other.
func newRoad(t *testing.T, seed uint64) (*road, *lease.Manager, *lease.Lease) {
	t.Helper()
	r := &road{Store: memlease.New("app"), Rand: rand.New(rand.NewPCG(seed, 1)), fail: 0.5, senders: map[string]string{}}
	return r, lease.NewManager(r), newLease(t, r.Store, "a")
}

// others has somebody else write, now and then.
func (r *road) others(key string) {
	if r.IntN(4) != 0 {
		return
	}
	l, _ := r.Get(context.Background(), key)
	set := lease.Set{Owners: &lease.Owners{Owner: l.Owner}}
	switch r.IntN(3) {
	case 0:
		if l.Owner == "" {
			return
		}
		set.Owners.Next = "next"
	case 1: // a handoff is taken back
	default:
		if r.IntN(3) != 0 {
			return
		}
		set = lease.Set{Bump: true, Owners: &lease.Owners{Owner: []string{"a", "b", "c"}[r.IntN(3)]}}
		r.last = "somebody else's take"
	}
	r.Store.Change(context.Background(), key, lease.Cond{}, set)
	r.say("somebody else makes the owners %v", *set.Owners)
}

// wrong says what cannot be the result of the operation name on the lease passed,
// which was as before; nothing if it can.
func (r *road) wrong(name string, ok bool, err error, before, passed, stored *lease.Lease) string {
	own := r.last == "renewal" || r.last == "update"
	switch {
	case (err != nil || !ok) && !reflect.DeepEqual(before, passed):
		return "the passed lease changed"
	case err != nil:
		return ""
	case ok && passed.Counter > stored.Counter:
		return "the passed lease is ahead of the table"
	case !ok && own:
		return "false, and only renewals and updates of one's own came between"
	case !ok && r.last == name && (name != "eviction" || stored.Owner != passed.Owner):
		return "false, and it was done"
	}
	return ""
}

// Whatever is lost or late in a chain of operations with one *Lease, also while
// somebody else begins handoffs, which leave the counter as it is: what was done is
// known when it is repeated, and the lease is not called lost to oneself.
func TestChainsOfWritesAtRandom(t *testing.T) {
	seeds := uint64(100_000)
	if testing.Short() {
		seeds = 20_000
	}
	operations := []string{"renewal", "take", "update", "eviction"}
	for seed := range seeds {
		r, m, l := newRoad(t, seed)
		for range 6 {
			r.others(l.Key)
			before := l.Clone()
			r.now = operations[r.IntN(len(operations))]
			var ok bool
			var err error
			switch r.now {
			case "renewal":
				ok, err = m.RenewLease(t.Context(), l)
			case "take":
				ok, err = m.TakeLease(t.Context(), l, "b")
			case "update":
				ok, err = m.UpdateLease(t.Context(), l)
			case "eviction":
				ok, err = m.EvictLease(t.Context(), l)
			}
			stored, _ := r.Get(t.Context(), l.Key)
			r.say("%s: %v, %v; %d %v passed, %d %v stored", r.now, ok, err, l.Counter, l.Owners(), stored.Counter, stored.Owners())
			if wrong := r.wrong(r.now, ok, err, &before, l, stored); wrong != "" {
				t.Fatalf("seed %d: %s: %s\n%s", seed, r.now, wrong, strings.Join(r.said, "\n"))
			}
		}
	}
}

// An update that is known to be done, since a take was sent on top of it, is done
// also where that take was carried out and its reply was lost.
func TestUpdateBelowATakeInDoubt(t *testing.T) {
	r, m, l := newRoad(t, 0)
	l.Checkpoint = lease.Latest
	r.plan = []fate{repliesInVain, arrives, repliesInVain, arrives, arrives}
	if _, err := m.UpdateLease(t.Context(), l); err == nil {
		t.Error("UpdateLease, the reply lost: got no error")
	}
	if _, err := m.TakeLease(t.Context(), l, "b"); err == nil {
		t.Error("TakeLease, the reply lost: got no error")
	}
	if ok, err := m.UpdateLease(t.Context(), l); !ok || err != nil || l.Counter != 1 {
		t.Errorf("UpdateLease again: got %v, %v and counter %d, want true, nil and 1", ok, err, l.Counter)
	}
	if ok, err := m.TakeLease(t.Context(), l, "b"); !ok || err != nil || l.Counter != 2 {
		t.Errorf("TakeLease again: got %v, %v and counter %d, want true, nil and 2", ok, err, l.Counter)
	}
	if stored, _ := r.Get(t.Context(), l.Key); stored.Counter != 2 || stored.Checkpoint != lease.Latest {
		t.Errorf("stored: counter %d, checkpoint %v, want 2, LATEST: each was done once", stored.Counter, stored.Checkpoint)
	}
}

// An eviction of one owner is not the repetition of another owner's.
func TestEvictionOfAnotherOwner(t *testing.T) {
	r, m, l := newRoad(t, 0)
	r.plan = []fate{isLost, arrives}
	if _, err := m.EvictLease(t.Context(), l); err == nil {
		t.Error("EvictLease, lost: got no error")
	}
	l.Owner = "z"
	if ok, err := m.EvictLease(t.Context(), l); ok || err != nil {
		t.Errorf("EvictLease of z: got %v, %v, want false, nil", ok, err)
	}
	if stored, _ := r.Get(t.Context(), l.Key); stored.Owner != "a" {
		t.Errorf("the owner is %q, want a", stored.Owner)
	}
}
