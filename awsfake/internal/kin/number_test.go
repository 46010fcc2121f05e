package kin

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// bigOf is the slow obvious form of a number of words.
func bigOf(words ...uint64) *big.Int {
	n := new(big.Int)
	for _, w := range words {
		n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(w))
	}
	return n
}

func TestHashIsItsNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := Hash{rapid.Uint64().Draw(t, "hi"), rapid.Uint64().Draw(t, "lo")}
		want := bigOf(h.Hi, h.Lo)
		if got := h.String(); got != want.String() {
			t.Fatalf("String of %v: got %s, want %s", h, got, want)
		}
		if got, ok := ParseHash(want.String()); !ok || got != h {
			t.Fatalf("ParseHash(%s) = %v, %v, want %v", want, got, ok, h)
		}
		o := Hash{rapid.Uint64().Draw(t, "ohi"), rapid.Uint64().Draw(t, "olo")}
		if got, want := h.Compare(o), want.Cmp(bigOf(o.Hi, o.Lo)); got != want {
			t.Fatalf("Compare(%v, %v) = %d, want %d", h, o, got, want)
		}
		if h.Compare(o) > 0 {
			h, o = o, h
		}
		sum := new(big.Int).Sub(bigOf(o.Hi, o.Lo), bigOf(h.Hi, h.Lo))
		mid := sum.Rsh(sum, 1).Add(sum, bigOf(h.Hi, h.Lo)).Add(sum, big.NewInt(1))
		if mid.BitLen() <= 128 && h.middle(o).String() != mid.String() {
			t.Fatalf("middle(%s, %s) = %s, want %s", h, o, h.middle(o), mid)
		}
	})
}

func TestHashesThatAreNone(t *testing.T) {
	for _, s := range []string{
		"", "-1", "+1", "01", "1x", " 1", "0x10",
		"340282366920938463463374607431768211456", // 2^128
		"999999999999999999999999999999999999999",
		"1000000000000000000000000000000000000000",
	} {
		if h, ok := ParseHash(s); ok {
			t.Errorf("ParseHash(%q) = %v, want none", s, h)
		}
	}
	if h, ok := ParseHash("340282366920938463463374607431768211455"); !ok || h != maxHash {
		t.Errorf("ParseHash(2^128-1) = %v, %v", h, ok)
	}
}

// The service's own ranges, for some counts of shards.
func TestBounds(t *testing.T) {
	for _, tt := range []struct {
		i, n int
		want string
	}{
		{0, 1, "0"},
		{0, 2, "0"},
		{1, 2, "170141183460469231731687303715884105728"},
		{1, 3, "113427455640312821154458202477256070485"},
		{2, 3, "226854911280625642308916404954512140970"},
		{3, 4, "255211775190703847597530955573826158592"},
	} {
		if got := bound(tt.i, tt.n).String(); got != tt.want {
			t.Errorf("bound(%d, %d) = %s, want %s", tt.i, tt.n, got, tt.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 10_000).Draw(t, "n")
		i := rapid.IntRange(1, n-1).Draw(t, "i")
		want := new(big.Int).Lsh(big.NewInt(1), 128)
		want.Div(want, big.NewInt(int64(n))).Mul(want, big.NewInt(int64(i)))
		if got := bound(i, n).String(); got != want.String() {
			t.Fatalf("bound(%d, %d) = %s, want %s", i, n, got, want)
		}
	})
}

func TestSequenceIsItsNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) (Sequence, []uint64) {
			gen := rapid.Uint64Range(0, 1<<36-1).Draw(t, name+" generation")
			index := rapid.Uint64().Draw(t, name+" index")
			sec := rapid.Int64Range(0, 1<<36-1).Draw(t, name+" second")
			n := rapid.Uint32().Draw(t, name+" shard")
			return sequence(gen, index, sec*1000, n), []uint64{gen, index, uint64(sec), uint64(n)}
		}
		s, f := draw("s")
		want := bigOf(s.hi, s.mid, s.lo)
		text := s.String()
		if text != want.String() || len(text) != 56 || want.BitLen() != 186 {
			t.Fatalf("%v is %s (%d digits, %d bits), want %s, 56 digits, 186 bits", s, text, len(text), want.BitLen(), want)
		}
		if got, ok := ParseSequence(text); !ok || got != s {
			t.Fatalf("ParseSequence(%s) = %v, %v, want %v", text, got, ok, s)
		}
		if s.generation() != f[0] || s.index() != f[1] || uint64(s.shard()) != f[3] {
			t.Fatalf("%v has generation %d, index %d, shard %d, want %v", s, s.generation(), s.index(), s.shard(), f)
		}
		o, g := draw("o")
		order := 0
		for i := range f {
			if order == 0 && f[i] != g[i] {
				order = 1
				if f[i] < g[i] {
					order = -1
				}
			}
		}
		if got := s.Compare(o); got != order || got != want.Cmp(bigOf(o.hi, o.mid, o.lo)) {
			t.Fatalf("Compare(%v, %v) = %d, want %d", f, g, got, order)
		}
	})
}

func TestSequencesThatAreNone(t *testing.T) {
	for _, s := range []string{"", "0", "1", "x", "-5", "TRIM_HORIZON",
		"99999999999999999999999999999999999999999999999999999999",
		"999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999"} {
		if seq, ok := ParseSequence(s); ok {
			t.Errorf("ParseSequence(%q) = %v, want none", s, seq)
		}
	}
}

func FuzzTicket(f *testing.F) {
	f.Add(ticket{kind: iteratorTicket, stream: "s", id: 7, shard: 1, index: 9}.String())
	f.Add(ticket{kind: tokenTicket, stream: "s", filter: Filter{Type: AtTime, At: -1}}.String())
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		for _, kind := range []byte{iteratorTicket, tokenTicket} {
			if k, ok := parseTicket(text, kind); ok {
				if again, ok := parseTicket(k.String(), kind); !ok || again.String() != k.String() {
					t.Errorf("ticket %q does not survive: %+v, %+v", text, k, again)
				}
			}
		}
	})
}
