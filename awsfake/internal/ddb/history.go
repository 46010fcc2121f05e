package ddb

import (
	"slices"
	"time"
)

// record remembers a change of the table for as long as o says.
func (t *table) record(now time.Time, old, new *row, o Options) {
	if o.History <= 0 {
		t.past = nil
		return
	}
	forget := 0
	for forget < len(t.past) && t.past[forget].at.Before(now.Add(-o.History)) {
		forget++
	}
	t.past = append(slices.Delete(t.past, 0, forget), change{now, old, new})
}

// before is what the table, or an index of it, was at an earlier time: rows
// with the later changes undone.
func (t *table) before(x *index, rs *rows, then time.Time) *rows {
	was := &rows{slices.Clone(rs.list), rs.bytes}
	for _, c := range slices.Backward(t.past) {
		if !c.at.After(then) {
			break
		}
		old, new := c.old, c.new
		if x != nil {
			old, new = x.row(old.image()), x.row(new.image())
		}
		was.change(new, old)
	}
	return was
}

// view is what a read sees of rows, those of the table or, if x is not nil, of
// an index.
func (t *table) view(x *index, rs *rows, consistent, many bool) *rows {
	now := time.Now()
	if t.o.Stale > 0 && !consistent {
		rs = t.before(x, rs, now.Add(-t.o.Stale))
	}
	if t.o.Torn <= 0 || !many {
		return rs
	}
	torn := &rows{}
	was := t.before(x, rs, now.Add(-t.o.Torn))
	for _, part := range []struct {
		rows *rows
		odd  uint64
	}{{rs, 0}, {was, 1}} {
		for _, r := range part.rows.list {
			if r.key.item()&1 == part.odd {
				torn.list = append(torn.list, r)
				torn.bytes += r.size
			}
		}
	}
	slices.SortFunc(torn.list, func(a, b *row) int { return a.key.compare(b.key) })
	return torn
}

// item is a hash of the item's key in the table.
func (k rowKey) item() uint64 {
	if k.tablePart != "" {
		return hash(k.tablePart + k.tableSrt)
	}
	return hash(k.part + k.srt)
}
