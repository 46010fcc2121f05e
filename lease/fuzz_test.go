package lease

import (
	"math"
	"math/big"
	"strings"
	"testing"
)

// FuzzPosition reads what a table may hold for a position. What it accepts is
// exactly a sentinel alone or a number of up to 129 digits and a record's
// number within it; and that is what comes back when it is written.
func FuzzPosition(f *testing.F) {
	for _, s := range append(numbers(), "AT_TIMESTAMP", "TRIM_HORIZON", "LATEST", "SHARD_END", "latest", "LATEST ", "", " 1", "+1", "-0",
		"1.5", "1e3", "0x1", "1_000", "١", "9\x00", "007", strings.Repeat("0", 200)+"5", strings.Repeat("9", 130), strings.Repeat("9", 200)) {
		for _, sub := range []int64{0, 1, math.MaxInt64, -1, math.MinInt64} {
			f.Add(s, sub)
		}
	}
	f.Fuzz(func(t *testing.T, s string, sub int64) {
		value, isNumber := slowNumber(s)
		var isSentinel bool
		switch s {
		case "AT_TIMESTAMP", "TRIM_HORIZON", "LATEST", "SHARD_END":
			isSentinel = true
		}

		if q, err := ParseSequence(s); (err == nil) != isNumber {
			t.Errorf("ParseSequence(%q): got %v, %v, want a number: %v", s, q, err, isNumber)
		} else if isNumber && q.String() != value.String() {
			t.Errorf("ParseSequence(%q): got %v, want %v", s, q, value)
		}

		p, err := ParsePosition(s, sub)
		if want := isNumber && sub >= 0 || isSentinel && sub == 0; (err == nil) != want {
			t.Fatalf("ParsePosition(%q, %d): got %v, %v, want a position: %v", s, sub, p, err, want)
		}
		if err != nil {
			if !p.IsZero() {
				t.Errorf("ParsePosition(%q, %d): got %v with the error %v, want none", s, sub, p, err)
			}
			return
		}
		want := s
		if isNumber {
			want = value.String()
		}
		if p.Text() != want || p.Sub() != sub || p.IsRecord() != isNumber || p.IsZero() {
			t.Errorf("ParsePosition(%q, %d): got %q, sub %d, a record: %v", s, sub, p.Text(), p.Sub(), p.IsRecord())
		}
		if back, err := ParsePosition(p.Text(), p.Sub()); err != nil || back != p {
			t.Errorf("%v through its text: got %v, %v", p, back, err)
		}
		if p.IsRecord() {
			b, err := p.Sequence().MarshalText()
			var q Sequence
			if err != nil || q.UnmarshalText(b) != nil || At(q, sub) != p {
				t.Errorf("%v through the text of its sequence number %s: got %v", p, b, q)
			}
		}
	})
}

// slowNumber returns the number that s is, in the slow obvious way.
func slowNumber(s string) (*big.Int, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return nil, false
	}
	n, ok := new(big.Int).SetString(s, 10)
	return n, ok && len(n.String()) <= maxSequenceDigits
}

// The text of a number is put together from parts, so powers of ten and their
// neighbours, which have zeros and nines everywhere, show the seams.
func TestSequenceTextAtPowersOfTen(t *testing.T) {
	for k := range int64(maxSequenceDigits) {
		power := new(big.Int).Exp(big.NewInt(10), big.NewInt(k), nil)
		for _, d := range []int64{-1, 0, 1} {
			want := new(big.Int).Add(power, big.NewInt(d)).String()
			if got := parse(t, want).String(); got != want {
				t.Errorf("String of 10^%d%+d: got %s, want %s", k, d, got, want)
			}
		}
	}
	q := parse(t, "49680519890916628484268698367474917806902183999664291842")
	if n := testing.AllocsPerRun(100, func() { _ = q.String() }); n > 1 {
		t.Errorf("String makes %v allocations, want 1: every checkpoint stores it", n)
	}
}
