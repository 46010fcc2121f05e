package lease

import (
	"cmp"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// ordered are positions of every kind, in their order.
func ordered(t testing.TB) []Position {
	return []Position{
		{}, // none at all comes before everything
		AtTimestamp,
		TrimHorizon,
		Latest,
		At(parse(t, "0"), 0),
		At(parse(t, "0"), 1),
		At(parse(t, "9"), 0),
		At(parse(t, "10"), 0), // as text it would come before 9
		At(parse(t, "10"), 9),
		At(parse(t, "10"), 10),
		At(parse(t, "49590338271490256608559692538361571095921575989136588898"), 0),
		At(parse(t, strings.Repeat("9", 129)), 1<<62),
		ShardEnd,
	}
}

func TestFailure_F73_AllPairsOfPositions(t *testing.T) {
	all := ordered(t)
	for i, p := range all {
		for j, q := range all {
			if got, want := p.Compare(q), cmp.Compare(i, j); got != want {
				t.Errorf("%q.Compare(%q): got %d, want %d", p, q, got, want)
			}
			if got, want := p == q, i == j; got != want {
				t.Errorf("%q == %q: got %v, want %v", p, q, got, want)
			}
		}
	}
}

// The same again through the text in which tables store positions, which is
// what sorts wrong when it is compared as text.
func TestFailure_F72_PositionsFromText(t *testing.T) {
	all := ordered(t)[1:]
	for i, p := range all {
		for j, q := range all {
			a, errA := ParsePosition(p.Text(), p.Sub())
			b, errB := ParsePosition(q.Text(), q.Sub())
			if errA != nil || errB != nil {
				t.Fatalf("ParsePosition of %v, %v: %v, %v", p, q, errA, errB)
			}
			if got, want := a.Compare(b), cmp.Compare(i, j); got != want {
				t.Errorf("%v.Compare(%v) after parsing: got %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestFailure_F73_SentinelsAreNoRecords(t *testing.T) {
	for _, p := range []Position{AtTimestamp, TrimHorizon, Latest, ShardEnd} {
		if p.IsRecord() || p.IsZero() || p.Sequence() != (Sequence{}) || p.Sub() != 0 {
			t.Errorf("%v: IsRecord %v, IsZero %v, Sequence %v, Sub %d, want a sentinel", p, p.IsRecord(), p.IsZero(), p.Sequence(), p.Sub())
		}
		if got, err := ParsePosition(p.Text(), 1); err == nil {
			t.Errorf("ParsePosition(%q, 1): got %v, want an error", p.Text(), got)
		}
	}
	for _, s := range []string{"", "trim_horizon", "TRIM_HORIZON ", "SHARD_END:0", "-1", "12x", strings.Repeat("9", 130)} {
		if got, err := ParsePosition(s, 0); err == nil {
			t.Errorf("ParsePosition(%q, 0): got %v, want an error", s, got)
		}
	}
	if got, err := ParsePosition("1", -1); err == nil {
		t.Errorf(`ParsePosition("1", -1): got %v, want an error`, got)
	}
	if s := (Position{}).Text(); s != "" {
		t.Errorf("text of no position: got %q, want none", s)
	}
	if s := At(parse(t, "12"), 3).String(); s != "12:3" {
		t.Errorf("String: got %q, want 12:3", s)
	}
}

func FuzzPositionOrder(f *testing.F) {
	texts := append(numbers(), "AT_TIMESTAMP", "TRIM_HORIZON", "LATEST", "SHARD_END")
	for i, a := range texts {
		for j, b := range texts {
			f.Add(a, int64(i%2), b, int64(j%2))
		}
	}
	f.Fuzz(func(t *testing.T, a string, subA int64, b string, subB int64) {
		p, errA := ParsePosition(a, subA)
		q, errB := ParsePosition(b, subB)
		if errA != nil || errB != nil {
			return
		}
		if got, want := p.Compare(q), slowCompare(p, q); got != want {
			t.Errorf("%v.Compare(%v): got %d, want %d", p, q, got, want)
		}
		if (p.Compare(q) == 0) != (p == q) || p.Compare(q) != -q.Compare(p) {
			t.Errorf("%v and %v: Compare is %d and %d, == is %v", p, q, p.Compare(q), q.Compare(p), p == q)
		}
		if back, err := ParsePosition(p.Text(), p.Sub()); err != nil || back != p {
			t.Errorf("%v through its text: got %v, %v", p, back, err)
		}
	})
}

// slowCompare orders positions by what a table has of them: the sentinels as
// numbers below and above all records.
func slowCompare(p, q Position) int {
	number := func(p Position) *big.Int {
		switch p.Text() {
		case "AT_TIMESTAMP":
			return big.NewInt(-3)
		case "TRIM_HORIZON":
			return big.NewInt(-2)
		case "LATEST":
			return big.NewInt(-1)
		case "SHARD_END":
			return new(big.Int).Exp(big.NewInt(10), big.NewInt(200), nil)
		}
		n, ok := new(big.Int).SetString(p.Text(), 10)
		if !ok {
			panic("not a number: " + strconv.Quote(p.Text()))
		}
		return n
	}
	return cmp.Or(number(p).Cmp(number(q)), cmp.Compare(p.Sub(), q.Sub()))
}

func TestSortPositions(t *testing.T) {
	want := ordered(t)
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, Position.Compare)
	if !slices.Equal(got, want) {
		t.Errorf("sorted: got %v, want %v", got, want)
	}
}
