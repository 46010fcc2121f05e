package ddb

import (
	"maps"
	"slices"
	"strings"
)

// A Kind is the type of a value, spelled as in the protocol.
type Kind string

// The kinds of value.
const (
	kindS    Kind = "S"
	kindN    Kind = "N"
	kindB    Kind = "B"
	kindBool Kind = "BOOL"
	kindNull Kind = "NULL"
	kindL    Kind = "L"
	kindM    Kind = "M"
	kindSS   Kind = "SS"
	kindNS   Kind = "NS"
	kindBS   Kind = "BS"
)

var kindNames = map[Kind]string{
	kindS: "STRING", kindN: "NUMBER", kindB: "BINARY", kindBool: "BOOLEAN", kindNull: "NULL",
	kindL: "LIST", kindM: "MAP", kindSS: "STRING_SET", kindNS: "NUMBER_SET", kindBS: "BINARY_SET",
}

// elementKinds are those of the sets' elements.
var elementKinds = map[Kind]Kind{kindSS: kindS, kindNS: kindN, kindBS: kindB}

// A Value is an attribute value. It is not changed once made.
type Value struct {
	Kind Kind
	Str  string // of S; of B, the bytes
	Num  Number
	Bool bool
	List []Value // of L; of a set, its elements in order
	Map  map[string]Value
}

// An Item is a set of named values.
type Item map[string]Value

func number(n Number) Value { return Value{Kind: kindN, Num: n} }

func integer(i int) Value {
	n, _ := ParseNumber(itoa(i))
	return number(n)
}

// Equal reports whether v and w are of one kind and mean the same.
func (v Value) Equal(w Value) bool {
	if v.Kind != w.Kind {
		return false
	}
	switch v.Kind {
	case kindM:
		return maps.EqualFunc(v.Map, w.Map, Value.Equal)
	case kindL, kindSS, kindNS, kindBS:
		return slices.EqualFunc(v.List, w.List, Value.Equal)
	}
	return v.Str == w.Str && v.Num == w.Num && v.Bool == w.Bool
}

// scalar reports whether v has an order.
func (v Value) scalar() bool { return v.Kind == kindS || v.Kind == kindN || v.Kind == kindB }

// compare orders two scalars of one kind.
func (v Value) compare(w Value) int {
	if v.Kind == kindN {
		return v.Num.Compare(w.Num)
	}
	return strings.Compare(v.Str, w.Str)
}

// ordered is a string that sorts among those of its kind as the values do.
func (v Value) ordered() string {
	if v.Kind == kindN {
		return v.Num.ordered()
	}
	return v.Str
}

// text is a key's value for people.
func (v Value) text() string {
	if v.Kind == kindN {
		return v.Num.String()
	}
	return v.Str
}

// Size is what v counts towards its item, in bytes. (DynamoDB Developer Guide,
// Item sizes and formats.)
func (v Value) Size() int {
	size := 0
	switch v.Kind {
	case kindS, kindB:
		return len(v.Str)
	case kindN:
		return v.Num.Size()
	case kindBool, kindNull:
		return 1
	case kindL:
		size = 3
		for _, e := range v.List {
			size += 1 + e.Size()
		}
	case kindM:
		size = 3
		for k, e := range v.Map {
			size += 1 + len(k) + e.Size()
		}
	default:
		for _, e := range v.List {
			size += e.Size()
		}
	}
	return size
}

// Size is that of the names and values, in bytes.
func (it Item) Size() int {
	size := 0
	for k, v := range it {
		size += len(k) + v.Size()
	}
	return size
}

// sortSet puts the elements of a set in order.
func sortSet(vs []Value) { slices.SortFunc(vs, Value.compare) }

// union and minus are the set's operations.
func union(a, b []Value) []Value {
	all := slices.Concat(a, b)
	sortSet(all)
	return slices.CompactFunc(all, Value.Equal)
}

func minus(a, b []Value) []Value {
	return slices.DeleteFunc(slices.Clone(a), func(v Value) bool { return slices.ContainsFunc(b, v.Equal) })
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
