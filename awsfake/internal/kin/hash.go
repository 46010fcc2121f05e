package kin

import (
	"cmp"
	"crypto/md5"
	"encoding/binary"
	"math/bits"
	"strconv"
)

// A Hash is a hash key: a number of 128 bits.
type Hash struct{ Hi, Lo uint64 }

// maxHash is the greatest hash key, 2^128 - 1.
var maxHash = Hash{1<<64 - 1, 1<<64 - 1}

// HashOf is the hash key of a partition key: its MD5 as a number.
func HashOf(key string) Hash {
	sum := md5.Sum([]byte(key))
	return Hash{binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:])}
}

// ParseHash reads a hash key in the API's form: decimal, without sign or
// leading zeros.
func ParseHash(s string) (Hash, bool) {
	if s == "" || len(s) > 39 || s[0] == '0' && len(s) > 1 {
		return Hash{}, false
	}
	var h Hash
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return Hash{}, false
		}
		over, hi := bits.Mul64(h.Hi, 10)
		carry, lo := bits.Mul64(h.Lo, 10)
		lo, c := bits.Add64(lo, uint64(s[i]-'0'), 0)
		hi, c = bits.Add64(hi, carry, c)
		if over != 0 || c != 0 {
			return Hash{}, false
		}
		h = Hash{hi, lo}
	}
	return h, true
}

// Compare orders hash keys as numbers.
func (h Hash) Compare(o Hash) int {
	return cmp.Or(cmp.Compare(h.Hi, o.Hi), cmp.Compare(h.Lo, o.Lo))
}

// String is the API's form.
func (h Hash) String() string {
	const chunk = 1e19 // the greatest power of ten in a word
	hi, r := h.Hi/chunk, h.Hi%chunk
	lo, r := bits.Div64(r, h.Lo, chunk)
	// h = (hi·2^64 + lo)·10^19 + r, and hi is 0 or 1.
	top, mid := bits.Div64(hi, lo, chunk)
	var b [40]byte
	out := b[:0]
	switch {
	case top > 0:
		out = pad19(pad19(strconv.AppendUint(out, top, 10), mid), r)
	case mid > 0:
		out = pad19(strconv.AppendUint(out, mid, 10), r)
	default:
		out = strconv.AppendUint(out, r, 10)
	}
	return string(out)
}

// plus is h + n, and minus h - n; both wrap.
func (h Hash) plus(n uint64) Hash {
	lo, c := bits.Add64(h.Lo, n, 0)
	return Hash{h.Hi + c, lo}
}

func (h Hash) minus(n uint64) Hash {
	lo, b := bits.Sub64(h.Lo, n, 0)
	return Hash{h.Hi - b, lo}
}

// middle is the number halfway between h and o, h <= o, rounded up, so that
// a range splits into two halves at it.
func (h Hash) middle(o Hash) Hash {
	lo, b := bits.Sub64(o.Lo, h.Lo, 0)
	hi, _ := bits.Sub64(o.Hi, h.Hi, b)
	d := Hash{hi >> 1, hi<<63 | lo>>1}
	lo, c := bits.Add64(h.Lo, d.Lo, 0)
	return Hash{h.Hi + d.Hi + c, lo}.plus(1)
}

// bound is where the i-th of n equal ranges of all hash keys starts.
func bound(i, n int) Hash {
	if i == 0 {
		return Hash{}
	}
	// floor(2^128 / n) · i, and the last range takes what remains.
	u := uint64(n)
	if u == 1 {
		return Hash{}
	}
	hi, r := bits.Div64(1, 0, u)
	lo, _ := bits.Div64(r, 0, u)
	c, lo := bits.Mul64(lo, uint64(i))
	return Hash{hi*uint64(i) + c, lo}
}

// pad19 appends n with leading zeros to nineteen digits.
func pad19(b []byte, n uint64) []byte {
	var d [19]byte
	for i := len(d) - 1; i >= 0; i-- {
		d[i] = byte('0' + n%10)
		n /= 10
	}
	return append(b, d[:]...)
}
