package linear

import (
	"context"
	"errors"
	"reflect"
	"slices"

	"github.com/leasehold/leasehold/lease"
)

// A caller uses one Manager, does one thing at a time, and writes down what it
// does and sees. It is itself a store, between its Manager and the next one on
// the way, and notes what became of each try.
type caller struct {
	lease.Store // the next one on the way
	h           *history
	number      int
	m           *lease.Manager
	weather     *weather // on the way, nil if nothing befalls the requests

	// writes are those for each *Lease, so that a repetition is known as one.
	writes map[*lease.Lease][]*write

	now *write // what is being done
	// first says that now has made no request yet, and began that its first one
	// was the beginning of the logical write too.
	first, began bool
	// present is the lease that was in the way of an evict's last request.
	present *lease.Lease
}

func newCaller(h *history, number int, below lease.Store, w *weather) *caller {
	c := &caller{Store: below, h: h, number: number, weather: w, writes: map[*lease.Lease][]*write{}}
	c.m = lease.NewManager(c)
	c.m.Backoff = 0 // no chance: a pause is as long in each run of a seed
	return c
}

// A harmless error is that of a try which was not, and never will be, carried
// out: the one who made it fail knows. Of any other that failed nothing is known.
type harmless struct{ error }

func (h harmless) Unwrap() error { return h.error }

// send makes one request of the present operation.
func (c *caller) send(request func() error) error {
	c.began = c.first && c.now.start == 0
	if c.first {
		c.now.called = c.h.tick()
	}
	if c.began {
		c.now.start = c.now.called
	}
	if c.present != nil {
		c.now.rounds = append(c.now.rounds, round{id: c.h.id(), counter: c.present.Counter})
		c.present = nil
	}
	err := request()
	c.first = false
	_, nothing := errors.AsType[harmless](err)
	if err != nil && !nothing || c.weather != nil && c.weather.doubled {
		c.now.unknown++
		if n := len(c.now.rounds); n > 0 {
			c.now.rounds[n-1].unknown = true
		}
	}
	return err
}

// Get implements [lease.Store].
func (c *caller) Get(ctx context.Context, key string) (l *lease.Lease, err error) {
	err = c.send(func() (err error) {
		l, err = c.Store.Get(ctx, key)
		return err
	})
	return l, err
}

// Create implements [lease.Store].
func (c *caller) Create(ctx context.Context, l lease.Lease) (image lease.Lease, applied bool, err error) {
	err = c.send(func() (err error) {
		image, applied, err = c.Store.Create(ctx, l)
		return err
	})
	return image, applied, err
}

// Change implements [lease.Store].
func (c *caller) Change(ctx context.Context, key string, cond lease.Cond, set lease.Set) (image lease.Lease, applied bool, err error) {
	if cond.Counter != nil { // as it should be
		c.now.from = *cond.Counter
	}
	err = c.send(func() (err error) {
		image, applied, err = c.Store.Change(ctx, key, cond, set)
		return err
	})
	if c.now.kind == evict && err == nil && !applied {
		c.present = new(image.Clone())
	}
	return image, applied, err
}

// Delete implements [lease.Store].
func (c *caller) Delete(ctx context.Context, key string, cond lease.Cond) (applied bool, err error) {
	err = c.send(func() (err error) {
		applied, err = c.Store.Delete(ctx, key, cond)
		return err
	})
	return applied, err
}

// get reads a lease.
func (c *caller) get(ctx context.Context, key string) (*lease.Lease, error) {
	w := &write{input: input{role: read, kind: get, key: key}}
	c.now, c.first = w, true
	l, err := c.m.GetLease(ctx, key)
	if err == nil {
		c.h.add(c.number, &w.input, stateOf(l), w.called, c.h.tick())
	}
	return l, err
}

// do makes a write for l and reports what the Manager said. Owner is who takes it.
func (c *caller) do(ctx context.Context, k kind, l *lease.Lease, owner string) (ok bool, err error) {
	before := l.Clone()
	w := c.write(k, l, owner)
	c.now, c.first, c.present = w, true, nil
	switch k {
	case create:
		ok, err = c.m.CreateLeaseIfNotExists(ctx, l)
	case renew:
		ok, err = c.m.RenewLease(ctx, l)
	case take:
		ok, err = c.m.TakeLease(ctx, l, owner)
	case update:
		ok, err = c.m.UpdateLease(ctx, l)
	case evict:
		ok, err = c.m.EvictLease(ctx, l)
	case remove:
		err = c.m.DeleteLease(ctx, l)
		ok = err == nil
	case foreign:
		ok, err = c.foreign(ctx, l, owner)
	}
	w.finish = c.h.tick()
	switch {
	case err != nil:
		w.outcome = failed
	case ok:
		w.outcome, w.after = done, stateOf(l)
	default:
		w.outcome = refused
	}

	// Once a write is known to be done, those on top of it are repeated with the
	// counter that it left.
	if ok {
		for _, v := range c.writes[l] {
			if v.outcome == failed && v.from >= l.Counter {
				v.base = l.Counter
			}
		}
	}

	// The passed lease changes by a success only, and then in what the operation
	// is about.
	want := before
	k = w.kind
	if ok && k != create && k != remove {
		want.Counter = l.Counter
		if k == take || k == evict {
			want.Owner, want.NextOwner = l.Owner, ""
		}
		if k == take && before.Owner != "" && before.Owner != owner {
			want.Switches++
		}
	}
	if !reflect.DeepEqual(*l, want) {
		c.h.breach("%v said %v, %v and made the passed lease %+v, of %+v", k, ok, err, *l, before)
	}
	return ok, err
}

// foreign takes a lease as another library does.
func (c *caller) foreign(ctx context.Context, l *lease.Lease, owner string) (bool, error) {
	switched := l.Owner != "" && l.Owner != owner
	ctx, cancel := context.WithTimeout(ctx, c.m.Try)
	defer cancel()
	image, ok, err := c.Change(ctx, l.Key, lease.Cond{Counter: &l.Counter},
		lease.Set{Bump: true, Owners: &lease.Owners{Owner: owner}, AddSwitch: switched})
	switch {
	case err != nil:
		return false, err
	case !ok && c.now.unknown > 0:
		return false, errDoubled // it may be refused by itself
	case !ok:
		return false, nil
	}
	l.Counter, l.Owner, l.NextOwner = image.Counter, owner, ""
	if switched {
		l.Switches++
	}
	return true, nil
}

// write returns the logical write that an operation is: a new one, or one that
// failed before. To delete a lease once more is a new one: what the Manager knows
// of it is its key only.
func (c *caller) write(k kind, l *lease.Lease, owner string) *write {
	in := input{kind: k, key: l.Key, counter: l.Counter}
	all := valuesOf(l)
	switch k {
	case create:
		in.owner, in.next, in.values = l.Owner, l.NextOwner, all
	case renew:
		in.throughput = all.throughput
	case take, foreign:
		in.kind, in.owner = take, owner
	case update:
		in.values = all
		in.throughput = 0 // not written
	case evict:
		in.owner, in.next = l.Owner, l.NextOwner
	}
	var w *write
	for _, v := range c.writes[l] {
		if v.outcome == failed && v.same(&in) && !v.foreign && k != foreign && (c.h.once || k != remove) {
			w = v
		}
	}
	switch {
	case w == nil:
		in.id = c.h.id()
		w = &write{input: in, base: l.Counter, caller: c.number, foreign: k == foreign}
		if k == evict {
			w.rounds = []round{{id: in.id, counter: l.Counter}}
		}
		c.writes[l] = append(c.writes[l], w)
		c.h.begin(w)
	case w.unknown == 0:
		w.start = 0 // nothing was done yet
	}
	w.calls++
	// What was not known at an earlier call may have become known since, and an
	// earlier try been made on top of it. A create is on top of nothing.
	for _, v := range c.writes[l] {
		if k != foreign && k != create && v != w && v.outcome == failed && v.unknown > 0 && (v.kind == renew || v.kind == update) &&
			!slices.Contains(w.mine, v.id) {
			w.mine = append(w.mine, v.id)
		}
	}
	return w
}

// same reports whether in, for the same *Lease, is the same operation as w.
func (w *write) same(in *input) bool {
	return w.kind == in.kind && w.base == in.counter && w.owner == in.owner && w.next == in.next && w.values == in.values
}
