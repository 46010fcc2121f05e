package ddb

import "slices"

// Limits of keys and items, in bytes. (DynamoDB Developer Guide, Quotas.)
const (
	maxPartitionKey = 2048
	maxSortKey      = 1024
	maxItem         = 400 << 10
)

// A schema is the key of a table or index.
type schema struct {
	hash, sort         string // sort is empty if there is no sort key
	hashKind, sortKind Kind
}

// names are the attributes of the key.
func (s schema) names() []string {
	if s.sort == "" {
		return []string{s.hash}
	}
	return []string{s.hash, s.sort}
}

func (s schema) kind(name string) Kind {
	if name == s.hash {
		return s.hashKind
	}
	return s.sortKind
}

// place is where an item with a valid key stands.
func (s schema) place(it Item) rowKey {
	k := rowKey{part: it[s.hash].ordered()}
	k.hash = hash(k.part)
	if s.sort != "" {
		k.srt = it[s.sort].ordered()
	}
	return k
}

// text is the key for people.
func (s schema) text(it Item) string {
	text := it[s.hash].text()
	if s.sort != "" {
		text += "/" + it[s.sort].text()
	}
	return text
}

// checkKey checks a Key parameter, which is the key and nothing else.
func (s schema) checkKey(key Item) *Error {
	bad := invalid("The provided key element does not match the schema")
	if len(key) != len(s.names()) {
		return bad
	}
	for _, name := range s.names() {
		v, ok := key[name]
		if !ok || v.Kind != s.kind(name) {
			return bad
		}
	}
	return s.checkValues(key)
}

// checkItem checks the key of an item to be put.
func (s schema) checkItem(it Item) *Error {
	for _, name := range s.names() {
		v, ok := it[name]
		if !ok {
			return badValues("Missing the key %s in the item", name)
		}
		if v.Kind != s.kind(name) {
			return badValues("Type mismatch for key %s expected: %s actual: %s", name, s.kind(name), v.Kind)
		}
	}
	return s.checkValues(it)
}

func (s schema) checkValues(it Item) *Error {
	for _, name := range s.names() {
		v := it[name]
		if v.Kind != kindN && v.Str == "" {
			what := map[Kind]string{kindS: "string", kindB: "binary"}[v.Kind]
			return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", what, name)
		}
		if name == s.hash && len(v.Str) > maxPartitionKey {
			return badValues("Size of hashkey has exceeded the maximum size limit of2048 bytes")
		}
		if name == s.sort && len(v.Str) > maxSortKey {
			return badValues("Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
		}
	}
	return nil
}

// An index is a secondary index, global or local.
type index struct {
	name    string
	schema  schema
	table   schema
	include []string // attributes projected besides the keys
	all     bool     // all are

	local bool     // it has its table's partition key, and is never behind
	stale follower // what reads of a local one see that need not be consistent
	desc  indexDescription
	state
	limits limiter
	follower
}

// row is the index's row of an item, nil if it has none.
func (x *index) row(it Item) *row {
	if it == nil {
		return nil
	}
	for _, name := range x.schema.names() {
		if v, ok := it[name]; !ok || v.Kind != x.schema.kind(name) {
			return nil
		}
	}
	k := x.schema.place(it)
	t := x.table.place(it)
	k.tablePart, k.tableSrt = t.part, t.srt
	if x.all {
		return &row{key: k, item: it, size: it.Size()}
	}
	part := Item{}
	for name := range it {
		if x.projects(name) {
			part[name] = it[name]
		}
	}
	return &row{key: k, item: part, size: part.Size()}
}

// projects reports whether the index has the attribute.
func (x *index) projects(name string) bool {
	return x.all || slices.Contains(x.schema.names(), name) || slices.Contains(x.table.names(), name) || slices.Contains(x.include, name)
}

// checkItem refuses an item that has a key of the index of the wrong type or size,
// also if it lacks the other. An item without one is simply not in the index.
func (x *index) checkItem(it Item) *Error {
	for _, name := range x.schema.names() {
		v, ok := it[name]
		switch {
		case !ok:
		case v.Kind != x.schema.kind(name):
			return badValues("Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", name, x.schema.kind(name), v.Kind, x.name)
		case v.Kind != kindN && v.Str == "":
			return invalid("One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: %s, IndexKey: %s", x.name, name)
		case name == x.schema.hash && len(v.Str) > maxPartitionKey, name == x.schema.sort && len(v.Str) > maxSortKey:
			return badValues("Size limit exceeded")
		}
	}
	return nil
}

// units is what the index's part of a write costs: nothing if the row stays
// as it is, and twice if it moves. (DynamoDB Developer Guide, Provisioned
// throughput considerations for global secondary indexes.)
func (x *index) units(old, new *row) float64 {
	switch {
	case old == nil && new == nil:
		return 0
	case old == nil || new == nil:
		return writeUnits(old.bytes() + new.bytes())
	case old.key != new.key:
		return writeUnits(old.bytes()) + writeUnits(new.bytes())
	case Value{Kind: kindM, Map: old.image()}.Equal(Value{Kind: kindM, Map: new.image()}):
		return 0
	}
	return writeUnits(max(old.bytes(), new.bytes()))
}

// writeUnits is the cost of writing size bytes: one per begun kB.
func writeUnits(size int) float64 { return float64(max(1, (size+1023)/1024)) }

// readUnits is the cost of reading size bytes: one per begun 4 kB, half of it
// if the read need not be consistent.
func readUnits(size int, consistent bool) float64 {
	u := float64(max(1, (size+4095)/4096))
	if !consistent {
		u /= 2
	}
	return u
}
