package ddb

import (
	"math/big"
	"strconv"
	"strings"
)

// A Number is an exact decimal of up to 38 significant digits, between 1E-130
// and 9.9…E+125 in magnitude. (DynamoDB Developer Guide, Data types.)
//
// It is kept normalised, so that == compares values: the digits have no zero
// at either end, and zero is the zero Number.
type Number struct {
	neg    bool
	digits string // the number is 0.digits × 10^exp
	exp    int
}

const (
	maxDigits = 38
	maxExp    = 126  // of 0.digits
	minExp    = -129 // of 0.digits
)

// ParseNumber reads a decimal, with or without a fraction and an exponent.
func ParseNumber(s string) (Number, *Error) {
	bad := func() (Number, *Error) {
		if s == "" {
			return Number{}, invalid("The parameter cannot be converted to a numeric value")
		}
		return Number{}, invalid("The parameter cannot be converted to a numeric value: %s", s)
	}
	var n Number
	rest := strings.TrimLeft(s, "+-")
	switch sign := s[:len(s)-len(rest)]; sign {
	case "", "+":
	case "-":
		n.neg = true
	default:
		return bad()
	}
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		e, err := strconv.Atoi(rest[i+1:])
		if err != nil && !strings.Contains(err.Error(), "out of range") {
			return bad()
		}
		n.exp = min(max(e, -10000), 10000)
		rest = rest[:i]
	}
	whole, frac, point := strings.Cut(rest, ".")
	if whole+frac == "" || point && strings.Contains(frac, ".") || !allDigits(whole) || !allDigits(frac) {
		return bad()
	}
	n.digits = whole + frac
	n.exp += len(whole)
	return n.normal()
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// normal strips zeros and checks the limits.
func (n Number) normal() (Number, *Error) {
	d := strings.TrimLeft(n.digits, "0")
	n.exp -= len(n.digits) - len(d)
	n.digits = strings.TrimRight(d, "0")
	switch {
	case n.digits == "":
		return Number{}, nil
	case len(n.digits) > maxDigits:
		return Number{}, invalid("Attempting to store more than 38 significant digits in a Number")
	case n.exp > maxExp:
		return Number{}, invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
	case n.exp < minExp:
		return Number{}, invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	}
	return n, nil
}

// String is the number without an exponent, as the service returns it.
func (n Number) String() string {
	if n.digits == "" {
		return "0"
	}
	var b strings.Builder
	if n.neg {
		b.WriteByte('-')
	}
	switch {
	case n.exp <= 0:
		b.WriteString("0.")
		b.WriteString(strings.Repeat("0", -n.exp))
		b.WriteString(n.digits)
	case n.exp >= len(n.digits):
		b.WriteString(n.digits)
		b.WriteString(strings.Repeat("0", n.exp-len(n.digits)))
	default:
		b.WriteString(n.digits[:n.exp])
		b.WriteByte('.')
		b.WriteString(n.digits[n.exp:])
	}
	return b.String()
}

// Compare returns -1, 0 or 1.
func (n Number) Compare(m Number) int {
	if n == m {
		return 0
	}
	return strings.Compare(n.ordered(), m.ordered())
}

// ordered is a string that sorts among its like as the numbers do.
func (n Number) ordered() string {
	if n.digits == "" {
		return "1"
	}
	s := string(rune('A'+(n.exp-minExp)/16)) + string(rune('A'+(n.exp-minExp)%16)) + n.digits
	if !n.neg {
		return "2" + s
	}
	// Larger magnitudes sort first, and a prefix after what it begins: each
	// byte is mirrored, and the end is larger than any byte.
	b := []byte(s)
	for i, c := range b {
		b[i] = '~' - c
	}
	return "0" + string(b) + "~"
}

// Size is what the number counts towards its item, in bytes.
func (n Number) Size() int {
	size := (len(n.digits)+1)/2 + 1
	if n.neg {
		size++
	}
	return size
}

// Add returns n + m.
func (n Number) Add(m Number) (Number, *Error) {
	e := min(n.exp-len(n.digits), m.exp-len(m.digits)) // of the last digit
	sum := new(big.Int).Add(n.scaled(e), m.scaled(e))
	r := Number{neg: sum.Sign() < 0, digits: sum.Abs(sum).String()}
	r.exp = len(r.digits) + e
	return r.normal()
}

// Neg returns -n.
func (n Number) Neg() Number {
	if n.digits != "" {
		n.neg = !n.neg
	}
	return n
}

// scaled is n / 10^e, which is an integer.
func (n Number) scaled(e int) *big.Int {
	i := new(big.Int)
	if n.digits == "" {
		return i
	}
	i.SetString(n.digits+strings.Repeat("0", n.exp-len(n.digits)-e), 10)
	if n.neg {
		i.Neg(i)
	}
	return i
}
