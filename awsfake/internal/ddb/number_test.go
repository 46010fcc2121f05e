package ddb

import (
	"math/big"
	"strings"
	"testing"
)

func mustNumber(t testing.TB, s string) Number {
	t.Helper()
	n, err := ParseNumber(s)
	if err != nil {
		t.Fatalf("ParseNumber(%q): %v", s, err)
	}
	return n
}

func TestNumberIsNormalised(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"0", "0"}, {"-0", "0"}, {"0.000", "0"}, {"0e99999", "0"},
		{"007", "7"}, {"+7", "7"}, {"7.0", "7"}, {"-7.50", "-7.5"},
		{"100", "100"}, {"1e2", "100"}, {"1.5E+3", "1500"}, {"9.91E-4", "0.000991"}, {".5", "0.5"}, {"5.", "5"},
		{"12345678901234567890123456789012345678", "12345678901234567890123456789012345678"},
		{"0.12345678901234567890123456789012345678", "0.12345678901234567890123456789012345678"},
		{"1e125", "1" + strings.Repeat("0", 125)},
		{"1e-130", "0." + strings.Repeat("0", 129) + "1"},
		{"85070591730234615865843651857942052862", "85070591730234615865843651857942052862"},
	} {
		if got := mustNumber(t, tt.in).String(); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestNumberLimits(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", "cannot be converted"}, {"x", "cannot be converted"}, {"1.2.3", "cannot be converted"}, {"--1", "cannot be converted"},
		{"1e", "cannot be converted"}, {"e5", "cannot be converted"}, {".", "cannot be converted"}, {" 1", "cannot be converted"},
		{"0x1F", "cannot be converted"}, {"NaN", "cannot be converted"},
		{strings.Repeat("9", 39), "38 significant digits"},
		{"1e126", "overflow"}, {"-1e126", "overflow"}, {"1e-131", "underflow"}, {"1e99999999999999999999", "overflow"},
	} {
		if _, err := ParseNumber(tt.in); err == nil || !strings.Contains(err.Message, tt.want) {
			t.Errorf("%q: got %v, want an error with %q", tt.in, err, tt.want)
		}
	}
}

func TestAddNeedsAllDigits(t *testing.T) {
	a, b := mustNumber(t, "1e37"), mustNumber(t, "0.1")
	if _, err := a.Add(b); err == nil {
		t.Errorf("1e37 + 0.1: got no error, want one for its 39 digits")
	}
	sum, err := mustNumber(t, "99.9").Add(mustNumber(t, "0.1"))
	if err != nil || sum.String() != "100" {
		t.Errorf("99.9 + 0.1: got %v, %v, want 100", sum, err)
	}
}

// Arithmetic, order, and the string that keys sort by agree with math/big.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0", "1", "-1", "10", "9", "-9", "-10", "1.5", "-1.05", "1e-20", "1e20", "-1e20", "0.1", "123456789", "99", "100"} {
		f.Add(s, "1")
		f.Add("-12", s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		x, err := ParseNumber(a)
		y, err2 := ParseNumber(b)
		if err != nil || err2 != nil {
			return
		}
		rx, ry := rat(t, x.String()), rat(t, y.String())
		if given, ok := new(big.Rat).SetString(a); ok && given.Cmp(rx) != 0 {
			t.Errorf("%q: got %v", a, x)
		}
		if got, want := x.Compare(y), rx.Cmp(ry); got != want {
			t.Errorf("compare %v with %v: got %d, want %d", x, y, got, want)
		}
		if got, want := strings.Compare(x.ordered(), y.ordered()), rx.Cmp(ry); got != want {
			t.Errorf("order of %v (%q) and %v (%q): got %d, want %d", x, x.ordered(), y, y.ordered(), got, want)
		}
		if sum, err := x.Add(y); err == nil {
			if want := new(big.Rat).Add(rx, ry); rat(t, sum.String()).Cmp(want) != 0 {
				t.Errorf("%v + %v: got %v", x, y, sum)
			}
		}
		if again := mustNumber(t, x.String()); again != x {
			t.Errorf("%v parsed again is %v", x, again)
		}
	})
}

func rat(t *testing.T, s string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		t.Fatalf("math/big does not read %q", s)
	}
	return r
}
