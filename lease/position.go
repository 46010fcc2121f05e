package lease

import (
	"cmp"
	"fmt"
)

// A Position is a place in a shard: the last record that was processed, or one
// of four sentinels. Positions may be compared with ==; the zero Position is
// none at all.
//
// Their order is AT_TIMESTAMP, TRIM_HORIZON, LATEST, then the records by
// sequence number as a number and by sub-sequence number, then SHARD_END. It is
// Java KCL's order.
type Position struct {
	kind kind
	seq  Sequence
	sub  int64
}

type kind uint8

const (
	none kind = iota
	atTimestamp
	trimHorizon
	latest
	record
	shardEnd
)

// The sentinels.
var (
	// AtTimestamp starts at a time, which each worker's configuration has: it
	// is not stored with the lease.
	AtTimestamp = Position{kind: atTimestamp}
	// TrimHorizon starts at the oldest record that the stream still has.
	TrimHorizon = Position{kind: trimHorizon}
	// Latest starts after the newest record at the time of opening.
	Latest = Position{kind: latest}
	// ShardEnd says that the shard is closed and that all its records are
	// processed.
	ShardEnd = Position{kind: shardEnd}
)

var sentinelNames = map[kind]string{
	atTimestamp: "AT_TIMESTAMP",
	trimHorizon: "TRIM_HORIZON",
	latest:      "LATEST",
	shardEnd:    "SHARD_END",
}

// At returns the position of a record. Sub is its number within an aggregated
// record, 0 for a plain record.
func At(seq Sequence, sub int64) Position { return Position{kind: record, seq: seq, sub: sub} }

// ParsePosition reads a position as a lease table stores it: a sentinel's name
// or a sequence number, and a sub-sequence number, which must be 0 with a
// sentinel and not be negative.
func ParsePosition(s string, sub int64) (Position, error) {
	if sub < 0 {
		return Position{}, fmt.Errorf("sub-sequence number %d is negative", sub)
	}
	for k, name := range sentinelNames {
		if s != name {
			continue
		}
		if sub != 0 {
			return Position{}, fmt.Errorf("%s has sub-sequence number %d, not 0", name, sub)
		}
		return Position{kind: k}, nil
	}
	seq, err := ParseSequence(s)
	if err != nil {
		return Position{}, err
	}
	return At(seq, sub), nil
}

// IsZero reports whether p is no position at all.
func (p Position) IsZero() bool { return p.kind == none }

// IsRecord reports whether p is the position of a record.
func (p Position) IsRecord() bool { return p.kind == record }

// Sequence returns the sequence number of a record's position, else 0.
func (p Position) Sequence() Sequence { return p.seq }

// Sub returns the sub-sequence number of a record's position, else 0.
func (p Position) Sub() int64 { return p.sub }

// Compare returns -1, 0 or 1 as p comes before, is, or comes after q.
func (p Position) Compare(q Position) int {
	return cmp.Or(cmp.Compare(p.kind, q.kind), p.seq.Compare(q.seq), cmp.Compare(p.sub, q.sub))
}

// Text returns p as a lease table stores it, without the sub-sequence number:
// the sentinel's name or the sequence number. The zero Position's is empty.
func (p Position) Text() string {
	if p.kind == record {
		return p.seq.String()
	}
	return sentinelNames[p.kind]
}

// String returns p for people: "TRIM_HORIZON", "4958…" or "4958…:17".
func (p Position) String() string {
	if p.sub != 0 {
		return fmt.Sprintf("%s:%d", p.Text(), p.sub)
	}
	return p.Text()
}
