package kin

import (
	"cmp"
	"math"
	"math/bits"
	"strconv"
)

// A Sequence is a sequence number: 186 bits, which are 56 decimal digits. From
// the top it holds
//
//	4 bits   2, the version
//	36 bits  the shard's generation, about the second of its making
//	64 bits  the record's index in its shard, from 1; 0 is the shard's start
//	36 bits  the second of the record's arrival
//	32 bits  the shard's number
//	4 bits   2, the version
//
// with gaps of 8 and 4 bits beside the index. Version, shard number and length
// are where the service has them. Generations only grow in an account, so a child's numbers
// are greater than all of its parent's, and a stream made anew under an old
// name has greater numbers than the old one.
type Sequence struct{ hi, mid, lo uint64 }

// lastIndex is the index of a closed shard's ending sequence number.
const lastIndex = math.MaxInt64

func sequence(generation, index uint64, at int64, shard uint32) Sequence {
	sec := uint64(at / 1000)
	return Sequence{
		hi:  2<<56 | generation<<20 | index>>52,
		mid: index<<12 | sec>>28&0xff,
		lo:  sec<<36 | uint64(shard)<<4 | 2,
	}
}

func (s Sequence) generation() uint64 { return s.hi >> 20 & (1<<36 - 1) }
func (s Sequence) index() uint64      { return s.hi<<52 | s.mid>>12 }
func (s Sequence) shard() uint32      { return uint32(s.lo >> 4) }
func (s Sequence) valid() bool        { return s.hi>>56 == 2 && s.lo&15 == 2 }

// Compare orders sequence numbers.
func (s Sequence) Compare(o Sequence) int {
	return cmp.Or(cmp.Compare(s.hi, o.hi), cmp.Compare(s.mid, o.mid), cmp.Compare(s.lo, o.lo))
}

// String is the number in decimal.
func (s Sequence) String() string {
	var b [60]byte
	return string(s.Append(b[:0]))
}

// Append appends the number in decimal.
func (s Sequence) Append(b []byte) []byte {
	const chunk = 1e19
	hi, mid, lo := s.hi, s.mid, s.lo
	divide := func() (r uint64) {
		hi, r = hi/chunk, hi%chunk
		mid, r = bits.Div64(r, mid, chunk)
		lo, r = bits.Div64(r, lo, chunk)
		return r
	}
	r1, r2, r3 := divide(), divide(), divide()
	if r3 == 0 && r2 == 0 {
		return strconv.AppendUint(b, r1, 10)
	}
	if r3 == 0 {
		return pad19(strconv.AppendUint(b, r2, 10), r1)
	}
	return pad19(pad19(strconv.AppendUint(b, r3, 10), r2), r1)
}

// ParseSequence reads a decimal sequence number that this engine may have
// given out.
func ParseSequence(text string) (Sequence, bool) {
	if text == "" || len(text) > 57 {
		return Sequence{}, false
	}
	var s Sequence
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return Sequence{}, false
		}
		c1, lo := bits.Mul64(s.lo, 10)
		c2, mid := bits.Mul64(s.mid, 10)
		over, hi := bits.Mul64(s.hi, 10)
		var c uint64
		lo, c = bits.Add64(lo, uint64(text[i]-'0'), 0)
		mid, c = bits.Add64(mid, c1, c)
		hi, c = bits.Add64(hi, c2, c)
		if over != 0 || c != 0 {
			return Sequence{}, false
		}
		s = Sequence{hi, mid, lo}
	}
	return s, s.valid()
}
