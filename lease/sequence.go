package lease

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// maxSequenceDigits is the length of the longest sequence number that Kinesis
// may return. (Kinesis API Reference, Record: 0|([1-9]\d{0,128}).)
const maxSequenceDigits = 129

// A Sequence is the sequence number of a record, a whole number of up to 129
// decimal digits. The zero Sequence is the number 0. Sequences may be compared
// with ==.
//
// Numbers below 2^192, which all of today's are (they have 56 digits), are held
// as words, so that a comparison costs a few instructions.
type Sequence struct {
	hi, mid, lo uint64
	long        string // canonical decimal digits of a number of 2^192 and more, else empty
}

// ParseSequence reads a decimal number without sign. Leading zeros do not
// change its value.
func ParseSequence(s string) (Sequence, error) {
	if s == "" {
		return Sequence{}, errors.New("sequence number is empty")
	}
	digits := strings.TrimLeft(s, "0")
	if len(digits) > maxSequenceDigits {
		return Sequence{}, fmt.Errorf("sequence number has %d digits, more than %d", len(digits), maxSequenceDigits)
	}
	var q Sequence
	for i := range len(digits) {
		d := digits[i] - '0'
		if d > 9 {
			return Sequence{}, fmt.Errorf("sequence number %q has a character that is not a digit", s)
		}
		if q.long != "" {
			continue
		}
		if !q.mulAdd10(uint64(d)) {
			q = Sequence{long: digits}
		}
	}
	return q, nil
}

// mulAdd10 makes q ten times itself plus d, and reports whether that fits.
func (q *Sequence) mulAdd10(d uint64) bool {
	c, lo := bits.Mul64(q.lo, 10)
	lo, carry := bits.Add64(lo, d, 0)
	c += carry
	c2, mid := bits.Mul64(q.mid, 10)
	mid, carry = bits.Add64(mid, c, 0)
	c2 += carry
	c3, hi := bits.Mul64(q.hi, 10)
	hi, carry = bits.Add64(hi, c2, 0)
	if c3+carry != 0 {
		return false
	}
	q.hi, q.mid, q.lo = hi, mid, lo
	return true
}

// Compare returns -1, 0 or 1 as q is less than, equal to or greater than r.
func (q Sequence) Compare(r Sequence) int {
	switch {
	case q.long == "" && r.long == "":
		return cmp.Or(cmp.Compare(q.hi, r.hi), cmp.Compare(q.mid, r.mid), cmp.Compare(q.lo, r.lo))
	case q.long == "":
		return -1
	case r.long == "":
		return 1
	}
	// Both are canonical: the longer is the larger, and equal lengths compare
	// as text.
	return cmp.Or(cmp.Compare(len(q.long), len(r.long)), cmp.Compare(q.long, r.long))
}

// String returns q in decimal, without leading zeros.
func (q Sequence) String() string {
	if q.long != "" {
		return q.long
	}
	// Each division of the words by the largest power of ten that fits one of
	// them leaves a rest of 19 digits: the last ones, then those before.
	const digits, power = 19, 1e19
	var buf [4 * digits]byte
	at := len(buf)
	for q.hi != 0 || q.mid != 0 || q.lo >= power {
		var rest uint64
		q.hi, rest = bits.Div64(0, q.hi, power)
		q.mid, rest = bits.Div64(rest, q.mid, power)
		q.lo, rest = bits.Div64(rest, q.lo, power)
		for range digits {
			at--
			buf[at] = '0' + byte(rest%10)
			rest /= 10
		}
	}
	var first [digits + 1]byte
	head := strconv.AppendUint(first[:0], q.lo, 10)
	at -= copy(buf[at-len(head):], head)
	return string(buf[at:])
}

// MarshalText returns q in decimal.
func (q Sequence) MarshalText() ([]byte, error) { return []byte(q.String()), nil }

// UnmarshalText is [ParseSequence].
func (q *Sequence) UnmarshalText(b []byte) (err error) {
	*q, err = ParseSequence(string(b))
	return err
}
