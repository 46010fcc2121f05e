package ddb

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// The states of tables and indexes.
const (
	active   = "ACTIVE"
	creating = "CREATING"
	updating = "UPDATING"
	deleting = "DELETING"
)

// A state is one of them that lasts until some time; then it is ACTIVE, or
// gone if it was DELETING.
type state struct {
	doing string
	until time.Time
}

func (s state) at(now time.Time) string {
	if s.doing != "" && now.Before(s.until) {
		return s.doing
	}
	return active
}

func (s state) gone(now time.Time) bool { return s.doing == deleting && !now.Before(s.until) }

// A table is locked by its user, see [DB.use]; mu guards all of it.
type table struct {
	mu sync.Mutex

	name      string
	schema    schema
	attrs     []attributeDefinition
	desc      tableDescription // what does not change by itself
	tags      []tag
	onDemand  bool
	protected bool
	ttl       timeToLive
	recovery  recovery
	state

	o      Options // of the call that has the lock, if it is about items
	limits limiter
	past   []change // recent ones, see record

	rows    rows
	stale   follower // what reads see that need not be consistent, if they lag
	indexes []*index
}

// settle forgets indexes that are gone. It returns the time.
func (t *table) settle() time.Time {
	now := time.Now()
	t.indexes = slices.DeleteFunc(t.indexes, func(x *index) bool { return x.gone(now) })
	return now
}

// index finds one by name.
func (t *table) index(name string) *index {
	for _, x := range t.indexes {
		if x.name == name {
			return x
		}
	}
	return nil
}

// A write is a change of one item, worked out and not yet made.
type write struct {
	t        *table
	old, new *row // nil: no item
	cost     cost
	check    bool // of a condition only: nothing changes
}

// A cost is what a call used of one table.
type cost struct {
	table   float64
	indexes map[string]float64
	locals  map[string]float64 // of local indexes
}

// add counts units of an index.
func (c *cost) add(x *index, units float64) {
	m := &c.indexes
	if x.local {
		m = &c.locals
	}
	if *m == nil {
		*m = map[string]float64{}
	}
	(*m)[x.name] += units
}

// plus adds d times factor.
func (c cost) plus(d cost, factor float64) cost {
	sum := cost{table: c.table + factor*d.table, indexes: maps.Clone(c.indexes), locals: maps.Clone(c.locals)}
	for name, u := range d.indexes {
		sum.add(&index{name: name}, factor*u)
	}
	for name, u := range d.locals {
		sum.add(&index{name: name, local: true}, factor*u)
	}
	return sum
}

func (c cost) total() float64 {
	sum := c.table
	for _, u := range c.indexes {
		sum += u
	}
	for _, u := range c.locals {
		sum += u
	}
	return sum
}

// plan works out a write of the item with the given key: next makes the new
// item of the old one, each nil if there is none. If cond does not hold the
// write is refused, and costs what reading the old item for it does.
func (t *table) plan(key Item, cond Cond, next func(old Item) (Item, *Error), wantOld bool) (write, *Error) {
	k := t.schema.place(key)
	if err := t.allow(nil, writing, k.part); err != nil {
		return write{}, err
	}
	w := write{t: t, old: t.rows.get(k).open()}
	if cond != nil && !cond.holds(w.old.image()) {
		err := &Error{Code: codeConditionFailed, Message: "The conditional request failed", WriteUnits: writeUnits(w.old.bytes())}
		if wantOld {
			err.Item = w.old.image()
		}
		t.charge(nil, writing, k.part, err.WriteUnits)
		return write{}, err
	}
	it, err := next(w.old.image())
	if err != nil {
		return write{}, err
	}
	if it != nil {
		w.new = &row{key: k, item: it, size: it.Size()}
		if w.new.size > maxItem {
			return write{}, invalid("Item size has exceeded the maximum allowed size")
		}
	}
	w.cost = cost{table: writeUnits(max(w.old.bytes(), w.new.bytes()))}
	for _, x := range t.indexes {
		if it != nil {
			if err := x.checkItem(it); err != nil {
				return write{}, err
			}
		}
		if u := x.units(x.row(w.old.image()), x.row(w.new.image())); u > 0 {
			w.cost.add(x, u)
		}
	}
	return w, w.allow()
}

// commit makes the change.
func (w write) commit(o Options) {
	now := time.Now()
	t := w.t
	t.ttl.watch(w.new)
	stored := w.new
	if stored != nil {
		// The call still needs the item; what is stored is packed.
		stored = new(*w.new)
	}
	t.rows.change(w.old, stored)
	t.record(now, w.old, stored, o)
	if o.ReadLag > 0 {
		t.stale.change(now, w.old, stored)
		t.stale.asOf(now.Add(-o.ReadLag))
	}
	for _, x := range t.indexes {
		old, new := x.row(w.old.image()), x.row(w.new.image())
		if w.cost.indexes[x.name] == 0 && w.cost.locals[x.name] == 0 {
			continue
		}
		lag := o.IndexLag
		if x.local {
			lag = 0 // it is written with its table
			if o.ReadLag > 0 {
				x.stale.change(now, old, new)
				x.stale.asOf(now.Add(-o.ReadLag))
			}
		}
		x.change(now, old, new)
		x.asOf(now.Add(-lag))
	}
}

// read is what a read of the index sees.
func (x *index) read(consistent bool, o Options) *rows {
	now := time.Now()
	switch {
	case !x.local:
		return x.asOf(now.Add(-o.IndexLag))
	case consistent || o.ReadLag <= 0:
		return x.asOf(now)
	}
	return x.stale.asOf(now.Add(-o.ReadLag))
}

// read is what a read of the table sees.
func (t *table) read(consistent bool, o Options) *rows {
	if consistent || o.ReadLag <= 0 {
		return &t.rows
	}
	return t.stale.asOf(time.Now().Add(-o.ReadLag))
}
