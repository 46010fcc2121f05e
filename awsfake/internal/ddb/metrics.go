package ddb

// An itemCollection is what a write says of all items with one partition key,
// in a table with local indexes.
type itemCollection struct {
	ItemCollectionKey   Item
	SizeEstimateRangeGB [2]float64
}

func checkMetrics(how string) *Error {
	return oneOf("returnItemCollectionMetrics", how, "SIZE", "NONE")
}

// collection is the one that w changed, nil if it is not asked for or there is
// none.
func (w write) collection(how string) *itemCollection {
	t := w.t
	if how != "SIZE" || !t.hasLocal() || w.check {
		return nil
	}
	it := w.new.image()
	if it == nil {
		it = w.old.image()
	}
	if it == nil {
		return nil
	}
	first := t.schema.place(it)
	class := func(k rowKey) int {
		return rowKey{hash: k.hash, part: k.part}.compare(rowKey{hash: first.hash, part: first.part})
	}
	bytes := 0
	span := func(rs *rows) {
		lo, hi := rs.span(class)
		for _, r := range rs.list[lo:hi] {
			bytes += r.size
		}
	}
	span(&t.rows)
	for _, x := range t.indexes {
		if x.local {
			span(&x.rows)
		}
	}
	gb := float64(bytes >> 30)
	return &itemCollection{Item{t.schema.hash: it[t.schema.hash]}, [2]float64{gb, gb + 1}}
}

// collections are those of several writes, by table.
func collections(how string, writes []write) map[string][]*itemCollection {
	var all map[string][]*itemCollection
	for _, w := range writes {
		if c := w.collection(how); c != nil {
			if all == nil {
				all = map[string][]*itemCollection{}
			}
			all[w.t.name] = append(all[w.t.name], c)
		}
	}
	return all
}

func (t *table) hasLocal() bool {
	for _, x := range t.indexes {
		if x.local {
			return true
		}
	}
	return false
}
