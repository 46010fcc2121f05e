package ddb

import (
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
	state

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
}

func (c cost) total() float64 {
	sum := c.table
	for _, u := range c.indexes {
		sum += u
	}
	return sum
}

// plan works out a write of the item with the given key: next makes the new
// item of the old one, each nil if there is none. If cond does not hold the
// write is refused, and costs what reading the old item for it does.
func (t *table) plan(key Item, cond Cond, next func(old Item) (Item, *Error), wantOld bool) (write, *Error) {
	k := t.schema.place(key)
	w := write{t: t, old: t.rows.get(k)}
	if cond != nil && !cond.holds(w.old.image()) {
		err := &Error{Code: codeConditionFailed, Message: "The conditional request failed", WriteUnits: writeUnits(w.old.bytes())}
		if wantOld {
			err.Item = w.old.image()
		}
		return write{}, err
	}
	it, err := next(w.old.image())
	if err != nil {
		return write{}, err
	}
	if it != nil {
		w.new = &row{k, it, it.Size()}
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
			if w.cost.indexes == nil {
				w.cost.indexes = map[string]float64{}
			}
			w.cost.indexes[x.name] = u
		}
	}
	return w, nil
}

// commit makes the change.
func (w write) commit(o Options) {
	now := time.Now()
	t := w.t
	t.rows.change(w.old, w.new)
	if o.ReadLag > 0 {
		t.stale.change(now, w.old, w.new)
		t.stale.asOf(now.Add(-o.ReadLag))
	}
	for _, x := range t.indexes {
		if w.cost.indexes[x.name] > 0 {
			x.change(now, x.row(w.old.image()), x.row(w.new.image()))
			x.asOf(now.Add(-o.IndexLag))
		}
	}
}

// read is what a read of the table sees.
func (t *table) read(consistent bool, o Options) *rows {
	if consistent || o.ReadLag <= 0 {
		return &t.rows
	}
	return t.stale.asOf(time.Now().Add(-o.ReadLag))
}
