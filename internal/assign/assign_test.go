package assign

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// held returns n leases of an owner.
func held(owner string, n int) []Lease {
	var leases []Lease
	for i := range n {
		leases = append(leases, Lease{Key: fmt.Sprintf("%s-%04d", owner, i), Owner: owner})
	}
	return leases
}

func fleetOf(ids ...string) []Worker {
	var workers []Worker
	for _, id := range ids {
		workers = append(workers, Worker{ID: id, Receives: true})
	}
	return workers
}

// apply makes the moves, and fails if one is not of this plan's leases.
func apply(t rapid.TB, leases []Lease, moves []Move) []Lease {
	t.Helper()
	after := slices.Clone(leases)
	moved := map[string]bool{}
	for _, m := range moves {
		i := slices.IndexFunc(after, func(l Lease) bool { return l.Key == m.Key })
		switch {
		case i < 0:
			t.Fatalf("%v moves a lease that is not there", m)
		case moved[m.Key]:
			t.Fatalf("%v moves a lease twice", m)
		case after[i].Owner != m.From:
			t.Fatalf("%v moves a lease from another than its owner %q", m, after[i].Owner)
		case after[i].Fixed:
			t.Fatalf("%v moves a fixed lease", m)
		case m.To == m.From:
			t.Fatalf("%v moves nothing", m)
		}
		moved[m.Key] = true
		after[i].Owner = m.To
	}
	return after
}

func counts(leases []Lease) map[string]int {
	n := map[string]int{}
	for _, l := range leases {
		n[l.Owner]++
	}
	return n
}

func TestPlan(t *testing.T) {
	for _, tt := range []struct {
		name    string
		leases  []Lease
		workers []Worker
		want    []Move
	}{
		{"nothing", nil, nil, nil},
		{"no worker", held("", 2), nil, nil},
		{"no lease", nil, fleetOf("a"), []Move{}},
		{"free leases are spread", held("", 3), fleetOf("a", "b"),
			[]Move{{"-0000", "", "a"}, {"-0001", "", "b"}, {"-0002", "", "a"}}},
		{"free leases even the counts before anything moves", append(held("a", 3), append(held("b", 1), held("", 2)...)...), fleetOf("a", "b"),
			[]Move{{"-0000", "", "b"}, {"-0001", "", "b"}}},
		{"even is left alone", append(held("a", 2), held("b", 1)...), fleetOf("a", "b"), []Move{}},
		{"also if the other has the odd one", append(held("a", 1), held("b", 2)...), fleetOf("a", "b"), []Move{}},
		{"a joiner gets its share", held("a", 4), fleetOf("a", "b"),
			[]Move{{"a-0002", "a", "b"}, {"a-0003", "a", "b"}}},
		{"fixed leases count and stay", []Lease{{"1", "a", true}, {"2", "a", true}, {"3", "a", true}, {"4", "a", false}}, fleetOf("a", "b"),
			[]Move{{"4", "a", "b"}}},
		{"who does not receive gives", append(held("a", 4), held("b", 0)...), []Worker{{"a", false}, {"b", true}},
			[]Move{{"a-0002", "a", "b"}, {"a-0003", "a", "b"}}},
		{"and gets nothing", held("a", 4), []Worker{{"a", true}, {"b", false}}, []Move{}},
		{"strangers are left alone", append(held("x", 5), held("", 1)...), fleetOf("a"),
			[]Move{{"-0000", "", "a"}}},
		{"a free lease that is fixed is left alone", []Lease{{"1", "", true}}, fleetOf("a"), []Move{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Plan(tt.leases, tt.workers)); diff != "" {
				t.Errorf("want - got +\n%s", diff)
			}
		})
	}
}

func TestSuccessors(t *testing.T) {
	leases := slices.Concat(held("a", 4), held("b", 3), held("c", 1), []Lease{{"fixed", "a", true}})
	for _, tt := range []struct {
		name    string
		workers []Worker
		want    []Move
	}{
		{"evenly by count", fleetOf("a", "b", "c"),
			[]Move{{"a-0000", "a", "b"}, {"a-0001", "a", "c"}, {"a-0002", "a", "c"}, {"a-0003", "a", "c"}}},
		{"only to receivers", []Worker{{"b", true}, {"c", false}},
			[]Move{{"a-0000", "a", "b"}, {"a-0001", "a", "b"}, {"a-0002", "a", "b"}, {"a-0003", "a", "b"}}},
		{"nobody there", fleetOf("a"), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Successors(leases, "a", tt.workers)); diff != "" {
				t.Errorf("want - got +\n%s", diff)
			}
		})
	}
}

// drawFleet draws up to so many leases and workers, some fixed, some not
// receiving, some owners strangers.
func drawFleet(t *rapid.T, maxLeases, maxWorkers int) ([]Lease, []Worker) {
	var workers []Worker
	owners := []string{"", "stranger"}
	for i := range rapid.IntRange(0, maxWorkers).Draw(t, "workers") {
		w := Worker{ID: fmt.Sprintf("w%02d", i), Receives: rapid.IntRange(0, 3).Draw(t, "receives") > 0}
		workers = append(workers, w)
		owners = append(owners, w.ID)
	}
	var leases []Lease
	for i := range rapid.IntRange(0, maxLeases).Draw(t, "leases") {
		leases = append(leases, Lease{
			Key:   fmt.Sprintf("l%03d", i),
			Owner: rapid.SampledFrom(owners).Draw(t, "owner"),
			Fixed: rapid.IntRange(0, 3).Draw(t, "fixed") == 0,
		})
	}
	return leases, workers
}

// unevenness is the sum of the squares of the workers' counts: the smaller, the
// more even, and smallest where none differs from the mean by one or more.
func unevenness(owners []string, workers []Worker) (sum int) {
	for _, w := range workers {
		n := 0
		for _, o := range owners {
			if o == w.ID {
				n++
			}
		}
		sum += n * n
	}
	return sum
}

// obvious tries every assignment of the leases from the i-th on, and returns the
// least unevenness and, for that, the least number of moves.
func obvious(leases []Lease, workers []Worker, i int, owners []string, only string) (uneven, moves int) {
	if i == len(leases) {
		return unevenness(owners, workers), 0
	}
	l := leases[i]
	uneven = -1
	try := func(owner string, cost int) {
		owners[i] = owner
		u, m := obvious(leases, workers, i+1, owners, only)
		if m += cost; uneven < 0 || u < uneven || u == uneven && m < moves {
			uneven, moves = u, m
		}
	}
	known := slices.ContainsFunc(workers, func(w Worker) bool { return w.ID == l.Owner })
	free := l.Owner == "" && !l.Fixed
	if only != "" {
		free = l.Owner == only && !l.Fixed
		known = false
	}
	if !free {
		try(l.Owner, 0)
	}
	if free || known && !l.Fixed {
		placed := false
		for _, w := range workers {
			if w.Receives && w.ID != l.Owner && w.ID != only {
				try(w.ID, 1)
				placed = true
			}
		}
		if free && !placed {
			try(l.Owner, 0)
		}
	}
	return uneven, moves
}

func ownersOf(leases []Lease) []string {
	var owners []string
	for _, l := range leases {
		owners = append(owners, l.Owner)
	}
	return owners
}

func TestPlanAgainstTheObvious(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		leases, workers := drawFleet(t, 6, 4)
		moves := Plan(leases, workers)
		after := apply(t, leases, moves)
		uneven, least := obvious(leases, workers, 0, make([]string, len(leases)), "")
		if got := unevenness(ownersOf(after), workers); got != uneven || len(moves) != least {
			t.Fatalf("%v: unevenness %d after %d moves, want %d after %d", moves, got, len(moves), uneven, least)
		}
	})
}

func TestSuccessorsAgainstTheObvious(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		leases, workers := drawFleet(t, 6, 4)
		moves := Successors(leases, "w00", workers)
		after := apply(t, leases, moves)
		others := slices.DeleteFunc(slices.Clone(workers), func(w Worker) bool { return w.ID == "w00" })
		uneven, least := obvious(leases, others, 0, make([]string, len(leases)), "w00")
		if got := unevenness(ownersOf(after), others); got != uneven || len(moves) != least {
			t.Fatalf("%v: unevenness %d after %d moves, want %d after %d", moves, got, len(moves), uneven, least)
		}
	})
}

func TestPlanIsQuiescentAndDeterministic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		leases, workers := drawFleet(t, 200, 20)
		moves := Plan(leases, workers)
		after := apply(t, leases, moves)
		if again := Plan(after, workers); len(again) > 0 {
			t.Fatalf("a second plan moves %v", again)
		}
		shuffle := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		shuffle.Shuffle(len(leases), func(i, j int) { leases[i], leases[j] = leases[j], leases[i] })
		shuffle.Shuffle(len(workers), func(i, j int) { workers[i], workers[j] = workers[j], workers[i] })
		if diff := cmp.Diff(moves, Plan(leases, workers)); diff != "" {
			t.Fatalf("in another order: want - got +\n%s", diff)
		}
	})
}

// One worker joins or leaves an even fleet: exactly the least moves.
func TestFailure_F36_JoinAndLeaveInOnePlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, w := rapid.IntRange(0, 300).Draw(t, "leases"), rapid.IntRange(1, 20).Draw(t, "workers")
		var ids []string
		for i := range w {
			ids = append(ids, fmt.Sprintf("w%02d", i))
		}
		leases := held("", n)
		leases = apply(t, leases, Plan(leases, fleetOf(ids...)))

		// The joiner's share is the floor of the mean: giving it more would
		// move leases for nothing.
		joined := Plan(leases, fleetOf(append(ids, "joiner")...))
		if got, want := len(joined), n/(w+1); got != want {
			t.Fatalf("%d leases, %d workers and a joiner: %d moves, want %d", n, w, got, want)
		}
		leases = apply(t, leases, joined)
		for _, id := range append(ids, "joiner") {
			if c := counts(leases)[id]; c < n/(w+1) || c > (n+w)/(w+1) {
				t.Fatalf("%d leases, %d workers and a joiner: %s has %d", n, w, id, c)
			}
		}

		// The leaver's leases move and no other.
		share := counts(leases)["joiner"]
		left := Successors(leases, "joiner", fleetOf(append(ids, "joiner")...))
		if len(left) != share {
			t.Fatalf("the leaver had %d leases, %d move", share, len(left))
		}
		if rest := Plan(apply(t, leases, left), fleetOf(ids...)); len(rest) > 0 {
			t.Fatalf("%v after a clean leave", rest)
		}
	})
}

// Workers come and go; a plan is made on every look, and acted on before the
// next. Moves stop as soon as workers do.
func TestFailure_F35_NoPingPong(t *testing.T) {
	leases := held("", 114)
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var workers []Worker
		for i := range 1 + rnd.IntN(9) {
			workers = append(workers, Worker{ID: fmt.Sprint("w", i), Receives: i == 0 || rnd.IntN(4) > 0})
		}
		for i := range leases {
			if !slices.ContainsFunc(workers, func(w Worker) bool { return w.ID == leases[i].Owner }) {
				leases[i].Owner = "" // its owner is dead
			}
		}
		leases = apply(t, leases, Plan(leases, workers))
		if again := Plan(leases, workers); len(again) > 0 {
			t.Fatalf("%d workers: a second plan moves %v", len(workers), again)
		}
	}
}

// What is already moving counts where it is going, so that a plan made before
// the last one is carried out asks for nothing more.
func TestFailure_F37_MovesUnderWayCount(t *testing.T) {
	workers := fleetOf("a", "b", "c")
	leases := held("a", 30)
	leases = apply(t, leases, Plan(leases, workers))
	for i := range leases {
		leases[i].Fixed = leases[i].Owner != "a" // the handoffs have begun
	}
	if again := Plan(leases, workers); len(again) > 0 {
		t.Errorf("while 20 handoffs are under way: %v", again)
	}
}

func BenchmarkPlan(b *testing.B) {
	leases := held("w0000", 10_000)
	var ids []string
	for i := range 200 {
		ids = append(ids, fmt.Sprintf("w%04d", i))
	}
	workers := fleetOf(ids...)
	b.ReportAllocs()
	for b.Loop() {
		Plan(leases, workers)
	}
}
