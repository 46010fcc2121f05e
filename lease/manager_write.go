package lease

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"weak"
)

// A write is one logical write that moves the counter of a lease. It may be
// tried many times, and by several calls of the same operation.
type write struct {
	op string
	// base is the counter of the caller's lease, and from the counter on which
	// the write is conditional. They differ when the write comes after another
	// of ours that the caller does not know of.
	base int64
	from *int64
	// owners is a further condition, if not nil.
	owners *Owners
	set    Set
	// new is the lease that a creation stores.
	new *Lease
	// owner is the actual owner after the write; empty if it is nobody, or if
	// the caller did not say who.
	owner string
	// applied says that the write is known to have been done: another one of ours
	// was sent on top of it.
	applied bool
}

// is reports whether w and v are the same logical write, so that one must not
// be done after the other.
func (w *write) is(v *write) bool {
	a, b := w.set, v.set
	a.Mark, b.Mark = "", ""
	if w.op != v.op || w.base != v.base {
		return false
	}
	switch {
	case w.new != nil:
		x, y := *w.new, *v.new
		x.Mark, y.Mark = "", ""
		return reflect.DeepEqual(x, y)
	case w.owners != nil:
		// Who comes next is what is stored, not what the caller knows.
		return w.owners.Owner == v.owners.Owner
	}
	return reflect.DeepEqual(a, b)
}

// in reports whether l is the lease as w left it. The mark alone does not say
// so: other libraries move the counter and keep it.
func (w *write) in(l *Lease) bool {
	return l.Mark == w.set.Mark && l.Counter == *w.from+1 &&
		(l.Owner == w.owner || w.owner == "" && w.set.Owners == nil)
}

// maxUnknown bounds the writes of unknown outcome that are remembered for one
// lease. They only get so many when each is different and the table cannot be
// reached for long.
const maxUnknown = 16

// change does w for l, in up to five tries, and reports whether it was applied
// by any of them. Image is the lease after w, or the present one.
//
// These situations are told apart when the store refuses w:
//
//   - The stored lease is what w made of it: an earlier try was applied, and
//     its reply lost.
//   - The stored lease is what another write for the same *Lease made of it,
//     which was given up without knowing its outcome. If that left the owner
//     alone (say, a renewal, and now the application stores a checkpoint), the
//     lease is not lost, and w is done on top of it, unless that was sent on
//     top of w, which then is done. If it changed the owner, w is refused, and
//     the other is remembered for whoever repeats it.
//   - Otherwise somebody else wrote.
func (m *Manager) change(ctx context.Context, l *Lease, w write) (image Lease, applied bool, err error) {
	w.base = l.Counter
	if w.from == nil {
		w.from = &w.base
	}
	w.from = new(*w.from)

	before := m.before(l)
	w = m.resume(l, w)
	for {
		if err := checkCounter(*w.from); err != nil {
			return Lease{}, false, refuse(w.op, l.Key, err)
		}
		err = m.repeat(ctx, w.op, l.Key, m.Try, func(ctx context.Context) (err error) {
			image, applied, err = m.store.Change(ctx, l.Key, Cond{Counter: w.from, Owners: w.owners}, w.set)
			return err
		})
		if err != nil {
			m.remember(l, w)
			return Lease{}, false, err
		}
		applied = applied || w.in(&image)
		if applied {
			m.settle(l, *w.from)
			return image, true, nil
		}
		i := slices.IndexFunc(before, func(v write) bool { return v.in(&image) })
		switch {
		case i < 0 || image.Counter == *w.from: // the latter is refused for its owners
			m.forget(l, &image)
			return image, false, nil
		case w.applied:
			// What came after w is ours too, and of unknown outcome still.
			m.settle(l, *w.from)
			image.Counter = *w.from + 1
			return image, true, nil
		case before[i].set.Owners != nil:
			// What is stored is ours, and whoever repeats it shall know.
			return image, false, nil
		}
		m.done(l, before[i].set.Mark)
		w.from, w.set.Mark = new(image.Counter), m.mark()
	}
}

// before returns the writes for l of unknown outcome.
func (m *Manager) before(l *Lease) []write {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.unknown[weak.Make(l)])
}

// resume returns w with a mark: as it is among the writes for l of unknown
// outcome, else with a new one.
func (m *Manager) resume(l *Lease, w write) write {
	for _, v := range slices.Backward(m.before(l)) {
		if v.is(&w) {
			return v
		}
	}
	w.set.Mark = m.mark()
	return w
}

// done notes that the write with this mark is done.
func (m *Manager) done(l *Lease, mark string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.unknown[weak.Make(l)]
	for i := range all {
		if all[i].set.Mark == mark {
			all[i].applied = true
		}
	}
}

// remember keeps w, whose outcome is not known, for the next write for l.
func (m *Manager) remember(l *Lease, w write) {
	m.mu.Lock()
	defer m.mu.Unlock()
	// Leases that their owners dropped after an error are forgotten here, so
	// that what is remembered stays as small as what is in use.
	maps.DeleteFunc(m.unknown, func(p weak.Pointer[Lease], _ []write) bool { return p.Value() == nil })
	key := weak.Make(l)
	all := m.unknown[key]
	all = slices.DeleteFunc(all, func(v write) bool { return v.set.Mark == w.set.Mark })
	if len(all) == maxUnknown {
		all = slices.Delete(all, 0, 1)
	}
	m.unknown[key] = append(all, w)
}

// settle is called when it is known that a write for l from this counter is done.
// The caller's lease then has the next counter, and with it he repeats what came
// on top.
func (m *Manager) settle(l *Lease, from int64) {
	m.drop(l, func(v *write) bool {
		if v.new != nil {
			return false
		}
		v.base = from + 1
		return *v.from <= from
	})
}

// forget is called when image is stored, and a write for l is not done. It forgets
// what can neither be applied any more nor be what is stored. A creation can: it has
// no fence.
func (m *Manager) forget(l, image *Lease) {
	m.drop(l, func(v *write) bool {
		return v.new == nil && (image.Key == "" || *v.from < image.Counter && !v.in(image))
	})
}

// drop forgets those writes for l.
func (m *Manager) drop(l *Lease, those func(*write) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := weak.Make(l)
	var all []write
	for _, v := range m.unknown[key] {
		if !those(&v) {
			all = append(all, v)
		}
	}
	if m.unknown[key] = all; len(all) == 0 {
		delete(m.unknown, key)
	}
}
