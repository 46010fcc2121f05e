package dynamolease

import (
	"slices"
	"testing"
)

// javaScans are about looks at the whole table with all that is in it, and about
// the segments of such a look.
var javaScans = []behaviour{
	{154, "a look at an empty table has nothing of any kind", func(t *testing.T) {
		newJava(t).looks(nil, nil, nil)
	}, ""},
	{155, "items without entityType are leases", func(t *testing.T) {
		w := newJava(t)
		w.mustPlant(t, javaRow(item{"leaseKey": text("1"), "entityType": nil}))
		w.mustPlant(t, javaRow(item{"leaseKey": text("2"), "entityType": nil}))
		w.looks([]string{"1", "2"}, nil, nil)
	}, ""},
	{156, "a look tells leases and workers apart", func(t *testing.T) {
		// Java can ask for one kind alone, and reads the whole table for it. Here
		// one look serves whoever needs any kind.
		w := newJava(t)
		w.holds("1", "2")
		for _, id := range []string{"v", "w"} {
			w.mustPlant(t, item{"leaseKey": text(id), "entityType": text("WORKER_METRIC_STATS"), "lut": decimal("1")})
		}
		w.looks([]string{"1", "2"}, []string{"v", "w"}, nil)
	}, ""},
	{157, "a look has the leases, and reports an item that has a key only", func(t *testing.T) {
		w := newJava(t)
		w.holds("good")
		w.mustPlant(t, item{"leaseKey": text("bad")})
		w.looks([]string{"good"}, nil, []string{"bad"})
	}, ""},
	{158, "an item of an unknown type is read as a lease, or reported as a broken one", nil,
		"it is reported as an item of an unknown type, wherever it is met, and is never a lease"},
	{159, "a look has a segment for each fifth of a GiB, up to 32", nil,
		"it has one for each MiB, which is a page, up to 16: pages of one segment are read one after the other"},
	{160, "a look has as many segments as are configured, and asks nothing about the table", func(t *testing.T) {
		w := newJava(t)
		w.looksInSegments(50, 50)
	}, ""},
	{161, "a look has ten segments if the table is not described", nil,
		"it has one, until a look or a description shows how large the table is"},
	{162, "a description that fails is asked for again at the next look", nil,
		"no description is asked for to look: each look shows how large the table is"},
	{163, "a description counts for some time", nil, "as 162"},
	{164, "a look in a given number of segments asks nothing about the table", func(t *testing.T) {
		newJava(t).looksInSegments(2, 2)
	}, ""},
}

// looks looks at the table.
func (w *javaWorld) looks(leases, workers, unreadable []string) {
	w.t.Helper()
	snap, err := w.store.Scan(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	var l, k, u []string
	for i := range snap.Leases {
		l = append(l, snap.Leases[i].Key)
	}
	for i := range snap.Workers {
		k = append(k, snap.Workers[i].ID)
	}
	for i := range snap.Unreadable {
		u = append(u, snap.Unreadable[i].Key)
	}
	same(w.t, "leases", l, leases)
	same(w.t, "workers", k, workers)
	same(w.t, "unreadable rows", u, unreadable)
	if snap.Lock != nil || snap.Version != "" {
		w.t.Errorf("got lock %v, version %q, want none", snap.Lock, snap.Version)
	}
}

func (w *javaWorld) looksInSegments(segments, calls int) {
	w.t.Helper()
	w.store.cfg.Segments = segments
	w.holds("1", "2")
	described, scanned := w.count("DescribeTable"), w.count("Scan")
	w.looks([]string{"1", "2"}, nil, nil)
	if d, s := w.count("DescribeTable")-described, w.count("Scan")-scanned; d != 0 || s != calls {
		w.t.Errorf("%d descriptions and %d scans, want 0 and %d", d, s, calls)
	}
}

// same compares lists without their order.
func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
