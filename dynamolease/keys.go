package dynamolease

import (
	"errors"
	"fmt"

	"github.com/leasehold/leasehold/lease"
)

// Keys says what names the leases of a table: whether its application reads one
// stream or several. It is Java KCL's distinction, and a table has one kind of
// application for good.
//
// A row of the other kind of application is told by its attribute streamName,
// which all leases of an application with several streams have, and no others. It
// is no lease to a Store: Get and Scan report it as a [*lease.UnreadableError],
// and every condition of Change and Delete refuses it, whatever its counter and
// owners.
//
// # Two applications in one table
//
// A table belongs to one application. Two of a different kind leave the leases
// of each other alone, as above, but not the rest: the table has one leader's lock,
// one item for each worker's name and one client-version state, and what one
// stores there the other obeys. Two that read one stream each cannot be told apart
// at all. Both then take all leases for theirs, and the later one finds leases
// with the shard IDs of its own stream, since all streams count theirs from
// shardId-000000000000, and with the other's checkpoints. What protects the
// records is the stream. Kinesis refuses a sequence number of another stream, and
// package kinesisstream then passes over nothing: it reads the shard from its
// oldest record if that is newer, and else stops with ErrPosition. A sentinel,
// such as SHARD_END, it cannot tell from its own. So give each application its
// own name.
type Keys uint8

const (
	// ByShard is the way of an application that reads one stream: a lease has
	// its shard's ID as the key, and neither Stream nor Shard. Create refuses
	// others.
	ByShard Keys = iota
	// ByStreamAndShard is the way of an application that reads several
	// streams. A lease has Stream, a [lease.StreamID], Shard, and as the key
	// both, with a colon between them. Create refuses others. No change ever
	// writes the three.
	ByStreamAndShard
	// EitherKeys reads both. It is for tools, which are to work on any table
	// and cannot know whose it is: Change and Delete work on a row as it is,
	// and Create refuses everything, as no look at an empty table tells which
	// leases its workers could read. Scan shows what it may read of the separate
	// tables, during their migration too.
	EitherKeys
)

// The faults of a row that belongs to the other kind of application.
const (
	ofSeveralStreams = "is there: the row is of an application with several streams, and the keys of this table are ByShard"
	ofOneStream      = "is missing: the row is of an application with one stream, and the keys of this table are ByStreamAndShard"
)

// CheckOneStream reports why the store is not for the leases of an application
// that reads one stream. A leasehold.Worker asks before it begins.
func (s *Store) CheckOneStream() error {
	if s.cfg.Keys == ByShard {
		return nil
	}
	return fmt.Errorf("lease table %q is opened for several streams; set Keys to ByShard, or leave it unset", s.table)
}

// read reads what names the stream of a lease, and reports a row that is not one
// of k. Java KCL does not look at whether the parts of the key are those of the
// attributes, but makes no others; a row where they differ would let two leases
// be for one shard.
func (k Keys) read(r *row) (stream, shard string) {
	if !r.has(attrStream) && !r.has(attrShard) {
		if k == ByStreamAndShard {
			r.fail(attrStream, ofOneStream)
		}
		return "", ""
	}
	if k == ByShard && r.has(attrStream) {
		r.fail(attrStream, ofSeveralStreams)
		return "", ""
	}
	stream, shard = r.required(attrStream), r.required(attrShard)
	l := lease.Lease{Key: r.key(), Stream: stream, Shard: shard}
	if err := l.CheckStream(); err != nil {
		r.fail(attrStream, "does not fit: %v", err)
	}
	return stream, shard
}

// require adds the condition that a row, if it is there, is one of k.
func (k Keys) require(e *expression) {
	switch k {
	case ByShard:
		e.where("attribute_not_exists(", e.name(attrStream), ")")
	case ByStreamAndShard:
		e.where("attribute_exists(", e.name(attrStream), ")")
	}
}

// check reports why l cannot be made in a table of k.
func (k Keys) check(l *lease.Lease) error {
	switch k {
	case EitherKeys:
		return errors.New("a store with EitherKeys makes no leases")
	case ByStreamAndShard:
		return l.CheckStream()
	}
	if l.Stream != "" || l.Shard != "" {
		return errors.New("the lease has a stream or a shard, and the keys of this table are ByShard")
	}
	if _, _, names := lease.SplitKey(l.Key); names {
		return errors.New("the key names a stream, and the keys of this table are ByShard")
	}
	return nil
}
