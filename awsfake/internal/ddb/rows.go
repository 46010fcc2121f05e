package ddb

import (
	"cmp"
	"math/bits"
	"slices"
	"sort"
	"time"
)

// A rowKey is where a row stands in its table or index. Partitions are in the
// order of a hash, as at the service, where a scan shows no order of keys.
type rowKey struct {
	hash      uint64
	part, srt string
	// The key of the table, in an index: there, part and srt need not be
	// unique.
	tablePart, tableSrt string
}

func (k rowKey) compare(l rowKey) int {
	return cmp.Or(
		cmp.Compare(k.hash, l.hash),
		cmp.Compare(k.part, l.part),
		cmp.Compare(k.srt, l.srt),
		cmp.Compare(k.tablePart, l.tablePart),
		cmp.Compare(k.tableSrt, l.tableSrt),
	)
}

// hash spreads partition keys evenly over all 64 bits (FNV-1a, then the
// finalizer of MurmurHash3), and alike in each process.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// segment is the part of a scan with n parts that the row belongs to.
func (k rowKey) segment(n int) int {
	hi, _ := bits.Mul64(k.hash, uint64(n))
	return int(hi)
}

// A row is an item in its place. Its item is either at hand, while a call is
// at work on it, or packed, see pack.go.
type row struct {
	key    rowKey
	packed string
	item   Item
	size   int
}

// image is the row's item, nil of no row.
func (r *row) image() Item {
	if r == nil {
		return nil
	}
	if r.item == nil {
		return unpack(r.packed)
	}
	return r.item
}

// open returns a copy of the row with its item at hand.
func (r *row) open() *row {
	if r == nil {
		return nil
	}
	c := *r
	c.item = r.image()
	return &c
}

func (r *row) bytes() int {
	if r == nil {
		return 0
	}
	return r.size
}

// rows are sorted.
type rows struct {
	list  []*row
	bytes int
}

func (rs *rows) find(k rowKey) (int, bool) {
	return slices.BinarySearchFunc(rs.list, k, func(r *row, k rowKey) int { return r.key.compare(k) })
}

func (rs *rows) get(k rowKey) *row {
	if i, ok := rs.find(k); ok {
		return rs.list[i]
	}
	return nil
}

// change puts new in the place of old; either may be nil.
func (rs *rows) change(old, new *row) {
	if old != nil && (new == nil || new.key != old.key) {
		if i, ok := rs.find(old.key); ok {
			rs.bytes -= rs.list[i].size
			rs.list = slices.Delete(rs.list, i, i+1)
		}
	}
	if new == nil {
		return
	}
	new.seal()
	i, ok := rs.find(new.key)
	if ok {
		rs.bytes -= rs.list[i].size
		rs.list[i] = new
	} else {
		rs.list = slices.Insert(rs.list, i, new)
	}
	rs.bytes += new.size
}

// span returns the first row for which class is not negative, and the first
// for which it is positive. Class grows along the rows.
func (rs *rows) span(class func(rowKey) int) (lo, hi int) {
	lo = sort.Search(len(rs.list), func(i int) bool { return class(rs.list[i].key) >= 0 })
	hi = lo + sort.Search(len(rs.list)-lo, func(i int) bool { return class(rs.list[lo+i].key) > 0 })
	return lo, hi
}

// A follower is a copy of rows that is behind: each change reaches it when
// somebody looks and the change is old enough.
type follower struct {
	rows    rows
	pending []change
}

type change struct {
	at       time.Time
	old, new *row
}

func (f *follower) change(at time.Time, old, new *row) {
	f.pending = append(f.pending, change{at, old, new})
}

// asOf is what the rows were at t. Time does not go back: a later call may not
// ask for an earlier t.
func (f *follower) asOf(t time.Time) *rows {
	n := 0
	for n < len(f.pending) && !f.pending[n].at.After(t) {
		f.rows.change(f.pending[n].old, f.pending[n].new)
		n++
	}
	f.pending = slices.Delete(f.pending, 0, n)
	return &f.rows
}
