package lease

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"
)

func parse(t testing.TB, s string) Sequence {
	t.Helper()
	q, err := ParseSequence(s)
	if err != nil {
		t.Fatalf("ParseSequence(%q): %v", s, err)
	}
	return q
}

// numbers are sequence numbers at the edges of how they are held.
func numbers() []string {
	edge := func(bits uint, d int64) string {
		n := new(big.Int).Lsh(big.NewInt(1), bits)
		return n.Add(n, big.NewInt(d)).String()
	}
	return []string{
		"0", "1", "9", "10", "99", "100",
		edge(64, -1), edge(64, 0), edge(64, 1),
		edge(128, -1), edge(128, 0), edge(128, 1),
		edge(192, -1), edge(192, 0), edge(192, 1),
		"49590338271490256608559692538361571095921575989136588898",
		"49590338271490256608559692538361571095921575989136588899",
		strings.Repeat("9", 128), "1" + strings.Repeat("0", 128), strings.Repeat("9", 129),
	}
}

func FuzzSequenceOrder(f *testing.F) {
	for _, a := range numbers() {
		for _, b := range numbers() {
			f.Add(a, b)
		}
	}
	f.Add("007", "7")
	f.Add(strings.Repeat("0", 200)+"5", "5")
	f.Fuzz(func(t *testing.T, a, b string) {
		p, q := new(big.Int), new(big.Int)
		x, okX := slowSequence(a, p)
		y, okY := slowSequence(b, q)
		if okX && okY {
			if got, want := x.Compare(y), p.Cmp(q); got != want {
				t.Errorf("%q.Compare(%q): got %d, want %d", a, b, got, want)
			}
			if got, want := x == y, p.Cmp(q) == 0; got != want {
				t.Errorf("%q == %q: got %v, want %v", a, b, got, want)
			}
			if x.String() != p.String() {
				t.Errorf("String of %q: got %q, want %q", a, x, p)
			}
		}
		for s, ok := range map[string]bool{a: okX, b: okY} {
			if _, err := ParseSequence(s); (err == nil) != ok {
				t.Errorf("ParseSequence(%q): got error %v, want one: %v", s, err, !ok)
			}
		}
	})
}

// slowSequence says what s is, in the slow obvious way.
func slowSequence(s string, n *big.Int) (Sequence, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return Sequence{}, false
	}
	n.SetString(s, 10)
	if len(n.String()) > maxSequenceDigits {
		return Sequence{}, false
	}
	q, err := ParseSequence(s)
	return q, err == nil
}

func TestSequenceText(t *testing.T) {
	for _, s := range numbers() {
		b, err := json.Marshal(parse(t, s))
		if err != nil || string(b) != `"`+s+`"` {
			t.Errorf("Marshal of %s: got %s, %v", s, b, err)
		}
		var back Sequence
		if err := json.Unmarshal(b, &back); err != nil || back != parse(t, s) {
			t.Errorf("Unmarshal of %s: got %v, %v", b, back, err)
		}
	}
	for _, s := range []string{"", "-1", "+1", " 1", "1 ", "1e3", "0x1", "١", "TRIM_HORIZON", "1" + strings.Repeat("0", 129)} {
		if q, err := ParseSequence(s); err == nil {
			t.Errorf("ParseSequence(%q): got %v, want an error", s, q)
		}
	}
	if q := (Sequence{}); q.String() != "0" || q != parse(t, "0") {
		t.Errorf("zero Sequence: got %q, want the number 0", q)
	}
}

func BenchmarkSequenceCompare(b *testing.B) {
	x := parse(b, "49590338271490256608559692538361571095921575989136588898")
	y := parse(b, "49590338271490256608559692538361571095921575989136588899")
	b.ReportAllocs()
	for b.Loop() {
		x.Compare(y)
	}
}

func BenchmarkParseSequence(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		ParseSequence("49590338271490256608559692538361571095921575989136588898")
	}
}

func TestFailure_F72_SequencesOfDifferentLength(t *testing.T) {
	for _, a := range numbers() {
		for _, b := range numbers() {
			p, _ := new(big.Int).SetString(a, 10)
			q, _ := new(big.Int).SetString(b, 10)
			if got, want := parse(t, a).Compare(parse(t, b)), p.Cmp(q); got != want {
				t.Errorf("%s.Compare(%s): got %d, want %d", a, b, got, want)
			}
		}
	}
}
