package ddb

import (
	"encoding/binary"
	"strings"
)

// An item at rest is one string: a map of values would take several times what
// the item counts for. Its form is nobody's but this file's: of each attribute
// the name, a byte for the kind, and the value, with lengths before what has one.

// kinds are the values of the byte.
var kinds = [...]Kind{kindS, kindN, kindB, kindBool, kindNull, kindL, kindM, kindSS, kindNS, kindBS}

func kindByte(k Kind) byte {
	for i, other := range kinds {
		if k == other {
			return byte(i)
		}
	}
	panic("no kind " + string(k)) // all values were decoded from one
}

func pack(it Item) string {
	b := make([]byte, 0, it.Size()+4*len(it)+16)
	return string(packMap(b, it))
}

func packMap(b []byte, m map[string]Value) []byte {
	b = binary.AppendUvarint(b, uint64(len(m)))
	for name, v := range m {
		b = packValue(packString(b, name), v)
	}
	return b
}

func packString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func packValue(b []byte, v Value) []byte {
	b = append(b, kindByte(v.Kind))
	switch v.Kind {
	case kindS, kindB:
		b = packString(b, v.Str)
	case kindN:
		exp := int64(v.Num.exp) << 1
		if v.Num.neg {
			exp |= 1
		}
		b = packString(binary.AppendVarint(b, exp), v.Num.digits)
	case kindBool, kindNull:
		if v.Bool {
			return append(b, 1)
		}
		b = append(b, 0)
	case kindM:
		b = packMap(b, v.Map)
	default:
		b = binary.AppendUvarint(b, uint64(len(v.List)))
		for _, e := range v.List {
			b = packValue(b, e)
		}
	}
	return b
}

// unpack is the item that was packed. Its texts are parts of s.
func unpack(s string) Item {
	u := unpacker(s)
	return u.object()
}

// An unpacker is what is left of a packed item.
type unpacker string

func (u *unpacker) uvarint() uint64 {
	x := uint64(0)
	for shift := 0; ; shift += 7 {
		c := (*u)[0]
		*u = (*u)[1:]
		x |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return x
		}
	}
}

func (u *unpacker) varint() int64 {
	x := u.uvarint()
	return int64(x>>1) ^ -int64(x&1)
}

func (u *unpacker) text() string {
	n := u.uvarint()
	s := string((*u)[:n])
	*u = (*u)[n:]
	return s
}

func (u *unpacker) object() map[string]Value {
	n := u.uvarint()
	m := make(map[string]Value, n)
	for range n {
		name := u.text()
		m[name] = u.value()
	}
	return m
}

func (u *unpacker) value() Value {
	v := Value{Kind: kinds[(*u)[0]]}
	*u = (*u)[1:]
	switch v.Kind {
	case kindS, kindB:
		v.Str = u.text()
	case kindN:
		exp := u.varint()
		v.Num = Number{exp&1 == 1, u.text(), int(exp >> 1)}
	case kindBool, kindNull:
		v.Bool = (*u)[0] == 1
		*u = (*u)[1:]
	case kindM:
		v.Map = u.object()
	default:
		v.List = make([]Value, u.uvarint())
		for i := range v.List {
			v.List[i] = u.value()
		}
	}
	return v
}

// seal packs the row's item. The key's text becomes a part of the packed one
// where it is found, so that it is stored once.
func (r *row) seal() {
	if r.item == nil {
		return
	}
	r.packed, r.item = pack(r.item), nil
	for _, text := range []*string{&r.key.part, &r.key.srt, &r.key.tablePart, &r.key.tableSrt} {
		if i := strings.Index(r.packed, *text); i >= 0 && *text != "" {
			*text = r.packed[i : i+len(*text)]
		}
	}
}
