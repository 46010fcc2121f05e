package lineage

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// graphs are written "id(parents)[first-last;low-high]", last "open" if so.
const (
	graphA = `0[11-102;0-99] 1[11-102;100-199] 2[11-102;200-299] 3[11-102;300-399]
		4[11-open;400-499] 5[11-205;500-999]
		6(0,1)[103-205;0-199] 7(2,3)[103-205;200-399]
		8(6,7)[206-open;0-399] 9(5)[206-open;500-799] 10(5)[206-open;800-999]`
	graphB = `0[1000-1049;0-499] 1[1000-1049;500-999] 2(0,1)[1050-1099;0-999]
		3(2)[1100-1149;0-499] 4(2)[1100-1149;500-999] 5(3,4)[1150-1199;0-999]
		6(5)[1200-1249;0-499] 7(5)[1200-1249;500-999] 8(6,7)[1250-1299;0-999]
		9(8)[1300-open;0-499] 10(8)[1300-open;500-999]`
	graphC = `0[11-102;0-399] 1[11-open;400-499] 2[11-102;500-599] 3[11-102;600-999]
		4(0)[103-205;0-199] 5(0)[103-205;200-399] 6(2,3)[103-open;500-999]
		7(4)[206-open;0-99] 8(4)[206-open;100-199] 9(5)[206-open;200-299] 10(5)[206-open;300-399]`
)

// parse reads a graph. Its shards come in a shuffled order.
func parse(t *testing.T, graph string) []stream.Shard {
	t.Helper()
	var shards []stream.Shard
	for _, f := range strings.Fields(graph) {
		head, tail, _ := strings.Cut(strings.TrimSuffix(f, "]"), "[")
		id, parents, _ := strings.Cut(strings.TrimSuffix(head, ")"), "(")
		seqs, keys, _ := strings.Cut(tail, ";")
		first, last, _ := strings.Cut(seqs, "-")
		low, high, _ := strings.Cut(keys, "-")
		s := stream.Shard{
			ID: shardID(id), HashRange: lease.HashRange{Start: low, End: high},
			First: sequence(t, first), Closed: last != "open",
		}
		if s.Closed {
			s.Last = sequence(t, last)
		}
		for p := range strings.SplitSeq(parents, ",") {
			if p != "" {
				s.Parents = append(s.Parents, shardID(p))
			}
		}
		shards = append(shards, s)
	}
	for i := range shards { // children before parents now and then
		j := i * 7 % len(shards)
		shards[i], shards[j] = shards[j], shards[i]
	}
	return shards
}

func sequence(t *testing.T, s string) lease.Sequence {
	t.Helper()
	q, err := lease.ParseSequence(s)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func shardID(n string) string {
	i, err := strconv.Atoi(n)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("shardId-%012d", i)
}

var (
	letters = map[string]lease.Position{
		"T": lease.TrimHorizon, "L": lease.Latest, "S": lease.AtTimestamp, "E": lease.ShardEnd,
		"": lease.At(lease.Sequence{}, 0),
	}
	// starts are the three initial positions.
	starts = map[string]lease.Position{"T": lease.TrimHorizon, "L": lease.Latest, "S": lease.AtTimestamp}
)

// leases reads "3 4T 5E": the leases of shards 3 at a record, 4 at TRIM_HORIZON
// and 5 at SHARD_END, as an application makes them.
func leases(shards []stream.Shard, list string) []lease.Lease {
	var have []lease.Lease
	for _, f := range strings.Fields(list) {
		n := strings.TrimRight(f, "TLSE")
		s := stream.Shard{ID: shardID(n)}
		if i := slices.IndexFunc(shards, func(o stream.Shard) bool { return o.ID == s.ID }); i >= 0 {
			s = shards[i]
		}
		have = append(have, leaseAt(s, letters[f[len(n):]]))
	}
	return have
}

// text is the reverse of leases, in the order given.
func text(have []lease.Lease) string {
	var out []string
	for _, l := range have {
		n, _ := strconv.Atoi(strings.TrimPrefix(l.Key, "shardId-"))
		for letter, p := range letters {
			if l.Checkpoint == p {
				out = append(out, strconv.Itoa(n)+letter)
			}
		}
	}
	return strings.Join(out, " ")
}

type row struct {
	name, graph, have string
	// starts are the initial positions, each a letter.
	starts string
	// want are the leases to be made in order. A number without a letter is at
	// the initial position.
	want string
}

func (r row) run(t *testing.T) {
	t.Helper()
	shards := parse(t, r.graph)
	for letter := range strings.SplitSeq(r.starts, "") {
		var want []string
		for _, f := range strings.Fields(r.want) {
			if strings.TrimRight(f, "TLSE") == f {
				f += letter
			}
			want = append(want, f)
		}
		have := leases(shards, r.have)
		got := Missing(shards, have, starts[letter])
		if diff := cmp.Diff(strings.Join(want, " "), text(got)); diff != "" {
			t.Errorf("leases %q, start %s: want - got +\n%s", r.have, starts[letter], diff)
		}
		if again := Missing(shards, append(have, got...), starts[letter]); len(again) > 0 {
			t.Errorf("leases %q, start %s: once more after %s: %s", r.have, starts[letter], text(got), text(again))
		}
	}
}

// Rows that agree with Java KCL's shard syncer, leases at records where nothing
// else is said.
func TestMissing(t *testing.T) {
	for _, tt := range []row{
		{"SY-1", graphA, "3 4 5", "L", "2 6"},
		{"SY-2 and 3", graphA, "3 4 5", "TS", "0 1 2"},
		{"SY-4", graphA, "4 5 7", "L", "6"},
		{"SY-5", graphA, "4 5 7", "TS", "0 1"},
		{"SY-6", graphA, "2 6", "L", "4 3 9 10"},
		{"SY-7", graphA, "2 6", "TS", "3 4 5"},
		{"SY-8", graphA, "4 9 10", "L", "8"},
		{"SY-9", graphA, "4 9 10", "TS", "0 1 2 3"},
		{"SY-10", graphA, "4 5 6 7", "TLS", ""},
		{"SY-11", graphA, "0 1 2 3 4 5 6 7", "TLS", ""},
		{"SY-12", graphA, "0 1 4 7 9 10", "TLS", ""},
		{"SY-13", graphA, "", "L", "4 8 9 10"},
		{"SY-15", graphA, "1 2 3 4 5 7 9 10", "TLS", "0"},
		{"SY-16", graphB, "6", "L", "7"},
		{"SY-18", graphB, "5", "TLS", ""},
		{"SY-19", graphB, "0 1 2 3 4 5", "TLS", ""},
		{"SY-20", graphB, "", "L", "9 10"},
		{"SY-22", graphC, "9 10", "L", "1 6 7 8"},
		{"SY-24", graphC, "1 2 3 4 5", "TLS", ""},
		{"SY-25 LATEST", graphC, "", "L", "1 6 7 8 9 10"},
		{"SY-26", "2[202-302;0-9] 0[303-404;0-9] 1[405-open;0-9]", "2", "L", "1"},
		{"SY-27", "0[1-open;0-1] 1[1-open;2-3] 2(1)[2-open;2-3] 3[1-open;4-999]", "3", "L", "0 1"},
		{"SY-29", strings.Replace(graphA, "5[11-205", "5[11-open", 1), "", "L", "4 5 8"},
		{"SY-30", "0[1-open;0-999]", "", "T", "0"},
		{"SY-36: no shards", "", "3", "TLS", ""},
		{"SE-6", graphA, "", "L", "4 8 9 10"},
	} {
		tt.want = inOrder(t, tt.graph, tt.want)
		t.Run(tt.name, tt.run)
	}
}

// inOrder puts the numbers of a row into the order of creation: first sequence
// number, then ID. (SY-35.)
func inOrder(t *testing.T, graph, want string) string {
	t.Helper()
	var out []string
	for _, s := range parentsFirst(parse(t, graph)) {
		for _, f := range strings.Fields(want) {
			if shardID(strings.TrimRight(f, "TLSE")) == s.ID {
				out = append(out, f)
			}
		}
	}
	return strings.Join(out, " ")
}

// Rows in which Java KCL passes over records, reads them again, waits for ever
// or gives up, and what we do instead.
func TestMissingBetterThanJava(t *testing.T) {
	for _, tt := range []row{
		{"SY-14, SE-5: an empty table gets all shards at once", graphA, "", "TS", "0 1 2 3 4 5 6 7 8 9 10"},
		{"SY-21", graphB, "", "TS", "0 1 2 3 4 5 6 7 8 9 10"},
		// Shard 6 was read, so its ancestors were. Java reads 0 to 5 again.
		{"SY-17: what was read is not read again", graphB, "6", "TS", "5E 7T"},
		// As before: Java reads 0 again, and then 5.
		{"SY-23: nor a parent of what is missing", graphC, "9 10", "TS", "0E 1 2 3 4T"},
		{"SY-28: a child beside its open parent", strings.Replace(graphA, "3[11-102", "3[11-open", 1), "4 6 9", "T", "5E 2 3 10"},
		{"a finished parent's child is missing: a hole that Java never repairs", graphA, "0E 1E 2E 3E 4 5E 6 7 9", "TLS", "10T"},
		{"both children are missing", graphA, "4 5E 8", "TLS", "9T 10T"},
		{"a merged child is missing, both parents are done", graphA, "0E 1E 2 3 4 5", "TLS", "6T"},
		{"it is left to the parent that is not done", graphA, "0E 1 2 3 4 5", "TLS", ""},
		{"the parent is gone from the stream, its lease unfinished", "1(0)[9-open;0-499] 2(0)[9-open;500-999]", "0", "TLS", "1T 2T"},
		{"no child at LATEST below a lease, though the generation between has none", graphC, "0E 1 5 6 7", "TLS", "4E 8T"},
		{"the parent's lease was deleted before its child began", graphA, "4 5 6T 7", "TS", "0 1"},
		{"one child progressed, the other waits: not read again, not stuck", graphA, "8 4 9 10T", "TLS", "5E"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.want = inOrder(t, tt.graph, tt.want)
			tt.run(t)
		})
	}
}

// The generation between a lease and the shards of today is gone from the
// stream, so names do not connect them; hash keys do.
func TestFailure_F49_DescentByHashKeys(t *testing.T) {
	const graph = "5(2)[9-open;0-499] 6(3)[9-open;500-999]"
	shards := parse(t, graph)
	old := lease.Lease{Key: shardID("0"), HashRange: lease.HashRange{Start: "0", End: "499"}, Checkpoint: lease.At(lease.Sequence{}, 0)}
	got := text(Missing(shards, []lease.Lease{old}, lease.Latest))
	if want := "5T 6L"; got != want {
		t.Errorf("with an unconnected lease of keys 0 to 499: got %q, want %q", got, want)
	}
	old.HashRange = lease.HashRange{}
	if got, want := text(Missing(shards, []lease.Lease{old}, lease.Latest)), "5L 6L"; got != want {
		t.Errorf("with an unconnected lease of unknown keys: got %q, want %q", got, want)
	}
}

func TestFailure_F49_NoChildAtLatestBelowALease(t *testing.T) {
	shards := parse(t, graphA)
	// A first sync at LATEST when 0 to 5 were open; nobody made a child's lease
	// since, and the finished parents are still there.
	got := text(Missing(shards, leases(shards, "0E 1E 2E 3E 4 5E"), lease.Latest))
	if want := "6T 7T 9T 10T"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFailure_F47_HalfVisibleSplit(t *testing.T) {
	// Only one child of 5 is listed yet.
	half := parse(t, strings.Replace(graphA, "10(5)[206-open;800-999]", "", 1))
	have := leases(half, "0E 1E 2E 3E 4 5E 6 7")
	got := Missing(half, have, lease.Latest)
	if want := "9T"; text(got) != want {
		t.Fatalf("half a split: got %q, want %q", text(got), want)
	}
	whole := parse(t, graphA)
	if got, want := text(Missing(whole, append(have, got...), lease.Latest)), "10T"; got != want {
		t.Errorf("the other half: got %q, want %q", got, want)
	}
}

func TestFailure_F48_NoLeaseAboveProgress(t *testing.T) {
	for letter, start := range starts {
		shards := parse(t, graphB)
		if got := Missing(shards, leases(shards, "9 10"), start); len(got) > 0 {
			t.Errorf("start %s, parents' leases cleaned: got %q, want none", letter, text(got))
		}
	}
}

func TestFailure_F50_DeletedLeaseComesBack(t *testing.T) {
	shards := parse(t, graphA)
	all := leases(shards, "0E 1E 2E 3E 4 5E 6E 7E 8 9 10")
	for i, gone := range all {
		have := slices.Delete(slices.Clone(all), i, i+1)
		got := Missing(shards, have, lease.TrimHorizon)
		if gone.Finished() {
			if len(got) > 0 {
				t.Errorf("finished %s deleted: got %q, want none", gone.Key, text(got))
			}
			continue
		}
		if len(got) != 1 || got[0].Key != gone.Key || got[0].Checkpoint != lease.TrimHorizon {
			t.Errorf("%s deleted: got %q", gone.Key, text(got))
		}
	}
}

func TestMissingIsComplete(t *testing.T) {
	shards := parse(t, graphA)
	for _, l := range Missing(shards, nil, lease.TrimHorizon) {
		i := slices.IndexFunc(shards, func(s stream.Shard) bool { return s.ID == l.Key })
		want := lease.Lease{Key: shards[i].ID, Parents: shards[i].Parents, HashRange: shards[i].HashRange, Checkpoint: lease.TrimHorizon}
		if diff := cmp.Diff(want, l, cmp.AllowUnexported(lease.Position{}, lease.Sequence{})); diff != "" {
			t.Errorf("lease of %s: want - got +\n%s", l.Key, diff)
		}
	}
}

func TestMissingEndsOnACycle(t *testing.T) {
	shards := []stream.Shard{{ID: "a", Parents: []string{"b"}}, {ID: "b", Parents: []string{"a"}}, {ID: "c", Parents: []string{"c", "x"}}}
	for _, start := range starts {
		for _, have := range [][]lease.Lease{nil, {{Key: "c", Checkpoint: lease.ShardEnd}}, {{Key: "x", Parents: []string{"x"}}}} {
			Missing(shards, have, start) // no wait, no panic
		}
	}
}

func TestUnfinished(t *testing.T) {
	shards := parse(t, graphA)
	for _, tt := range []struct{ name, lease, have, gone, want string }{
		{"no parents", "0T", "", "", ""},
		{"both parents are done", "6T", "0E 1E", "", ""},
		{"one is not", "6T", "0E 1", "", "1"},
		{"neither has begun", "6T", "0T 1T", "", "0 1"},
		{"a missing lease is not done", "6T", "0E", "", "1"},
		{"not done at a timestamp either", "6S", "0E", "", "1"},
		{"done if the lease has progressed", "6", "0E", "", ""},
		{"not needed at LATEST", "6L", "", "", ""},
		{"but an unfinished parent is waited for", "6", "0E 1", "", "1"},
		{"done if the stream has it no more", "6T", "0E", "1", ""},
		{"unfinished though the stream has it no more", "6T", "0E 1", "1", "1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := leases(shards, tt.lease)[0]
			have := leases(shards, tt.have)
			lookup := func(id string) *lease.Lease {
				if i := slices.IndexFunc(have, func(l lease.Lease) bool { return l.Key == id }); i >= 0 {
					return &have[i]
				}
				return nil
			}
			inStream := func(id string) bool { return tt.gone == "" || id != shardID(tt.gone) }
			var want []string
			for _, n := range strings.Fields(tt.want) {
				want = append(want, shardID(n))
			}
			if got := Unfinished(&l, lookup, inStream); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func BenchmarkMissing(b *testing.B) {
	// A thousand open shards, each the child of one that is done.
	var shards []stream.Shard
	for i := range 1000 {
		r := lease.HashRange{Start: strconv.Itoa(i * 10), End: strconv.Itoa(i*10 + 9)}
		shards = append(shards,
			stream.Shard{ID: fmt.Sprintf("p%04d", i), HashRange: r, Closed: true},
			stream.Shard{ID: fmt.Sprintf("s%04d", i), HashRange: r, Parents: []string{fmt.Sprintf("p%04d", i)}})
	}
	have := Missing(shards, nil, lease.TrimHorizon)
	b.ReportAllocs()
	for b.Loop() {
		Missing(shards, have, lease.TrimHorizon)
	}
}
