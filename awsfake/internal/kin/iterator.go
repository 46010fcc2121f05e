package kin

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"time"
)

// How long the service honours what it gave out. (API Reference,
// GetShardIterator and ListShards.)
const (
	iteratorLife = 5 * time.Minute
	tokenLife    = 300 * time.Second
)

// A ticket is a position that a caller carries: a shard iterator or the token of a
// next page. Its text is opaque, and one that was not given out by this
// package is told from one that was.
type ticket struct {
	kind   byte
	stream string
	id     uint64 // the stream's
	made   time.Time
	epoch  uint32
	shard  uint32
	index  uint64 // the record to begin with
	filter Filter // of a token
}

const (
	iteratorTicket = 1
	tokenTicket    = 2
)

func (t ticket) String() string {
	b := make([]byte, 8, 128)
	b[0] = 1 // the version of this form; the next bytes stay free
	b = append(b, t.kind)
	b = binary.AppendUvarint(b, uint64(len(t.stream)))
	b = append(b, t.stream...)
	b = binary.AppendUvarint(b, t.id)
	b = binary.AppendVarint(b, t.made.UnixNano())
	b = binary.AppendUvarint(b, uint64(t.epoch))
	b = binary.AppendUvarint(b, uint64(t.shard))
	b = binary.AppendUvarint(b, t.index)
	b = binary.AppendUvarint(b, uint64(len(t.filter.Type)))
	b = append(b, t.filter.Type...)
	b = binary.AppendVarint(b, t.filter.At)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return base64.StdEncoding.EncodeToString(b)
}

func parseTicket(text string, kind byte) (t ticket, ok bool) {
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < 13 || strings.ContainsAny(text, "\r\n") {
		return t, false
	}
	body := b[:len(b)-4]
	if binary.BigEndian.Uint32(b[len(b)-4:]) != crc32.ChecksumIEEE(body) || body[0] != 1 || body[8] != kind {
		return t, false
	}
	r := &taker{b: body[9:]}
	t.kind = kind
	t.stream = r.text()
	t.id = r.uint()
	t.made = time.Unix(0, r.int())
	t.epoch = uint32(r.uint())
	t.shard = uint32(r.uint())
	t.index = r.uint()
	t.filter.Type = FilterType(r.text())
	t.filter.At = r.int()
	return t, !r.bad
}

// A taker takes values off a slice, and remembers if one was missing.
type taker struct {
	b   []byte
	bad bool
}

func (r *taker) skip(n int) {
	if n <= 0 || n > len(r.b) {
		r.bad, r.b = true, nil
		return
	}
	r.b = r.b[n:]
}

func (r *taker) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	r.skip(n)
	return v
}

func (r *taker) int() int64 {
	v, n := binary.Varint(r.b)
	r.skip(n)
	return v
}

func (r *taker) text() string {
	n := r.uint()
	if n > uint64(len(r.b)) {
		r.bad = true
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

// An IteratorType says where a shard iterator begins, in the API's spelling.
type IteratorType string

// The kinds of iterators.
const (
	AtSequence    IteratorType = "AT_SEQUENCE_NUMBER"
	AfterSequence IteratorType = "AFTER_SEQUENCE_NUMBER"
	AtTimestamp   IteratorType = "AT_TIMESTAMP"
	TrimHorizon   IteratorType = "TRIM_HORIZON"
	Latest        IteratorType = "LATEST"
)

// A From is where GetShardIterator shall begin.
type From struct {
	Type     IteratorType
	Sequence string // of the two that begin at one
	At       *int64 // of AT_TIMESTAMP, Unix ms
}

// Iterator returns an iterator of a shard.
func (a *Account) Iterator(name, shardID string, from From) (string, error) {
	s, now, err := a.openForData(name)
	if err != nil {
		return "", err
	}
	defer s.mu.Unlock()
	sh, err := s.shard(shardID)
	if err != nil {
		return "", err
	}
	if a.set().Limits && !sh.asks.allow(now, iteratorAsks) {
		return "", throttled("Rate exceeded for shard %s in stream %s under account %s.", shardID, name, AccountID)
	}
	sh.trim(s.horizon(now))
	index, err := s.position(sh, from, now)
	if err != nil {
		return "", err
	}
	return s.iterator(sh, index, now), nil
}

func (s *stream) iterator(sh *shard, index uint64, now time.Time) string {
	return ticket{kind: iteratorTicket, stream: s.name, id: s.id, made: now, epoch: s.epoch, shard: sh.number, index: index}.String()
}

// position is the index of the first record to read.
func (s *stream) position(sh *shard, from From, now time.Time) (uint64, error) {
	switch from.Type {
	case TrimHorizon:
		return 0, nil
	case Latest:
		return sh.tip(), nil
	case AtTimestamp:
		if from.At == nil {
			return 0, invalid("Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP.")
		}
		if ms := now.UnixMilli(); *from.At > ms {
			return 0, invalid("The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. "+
				"timestampInMillis: %d, currentTimestampInMillis: %d", *from.At, ms)
		}
		return sh.base + uint64(sh.search(*from.At)) + 1, nil
	case AtSequence, AfterSequence:
		return s.atSequence(sh, from)
	}
	return 0, Invalid("Value '%s' at 'shardIteratorType' failed to satisfy constraint: Member must satisfy enum value set: "+
		"[AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]", from.Type)
}

func (s *stream) atSequence(sh *shard, from From) (uint64, error) {
	if from.Sequence == "" {
		return 0, invalid("Must specify StartingSequenceNumber parameter for iterator of type %s.", from.Type)
	}
	seq, ok := ParseSequence(from.Sequence)
	wrong := func(why string) (uint64, error) {
		return 0, invalid("StartingSequenceNumber %s used in GetShardIterator on shard %s in stream %s under account %s is invalid%s.",
			from.Sequence, shardID(sh.number), s.name, AccountID, why)
	}
	switch {
	case !ok:
		return wrong("")
	case seq.shard() != sh.number:
		return 0, invalid("Invalid StartingSequenceNumber. It encodes %s, while it was used in a call to a shard with %s",
			shardID(seq.shard()), shardID(sh.number))
	case seq.generation() != sh.generation:
		return wrong(" because it did not come from this stream")
	}
	i := seq.index()
	if sh.closed && seq == sh.end {
		return sh.tip(), nil
	}
	if i >= sh.tip() {
		return wrong("")
	}
	if i > sh.base {
		// Numbers between those of records are positions as well.
		switch c := seq.Compare(sh.sequence(i, sh.records[i-sh.base-1].At)); {
		case c < 0:
			return i, nil
		case c > 0:
			return i + 1, nil
		}
	}
	if from.Type == AfterSequence {
		i++
	}
	return i, nil
}

// ExpireIterators makes every iterator of the stream that was given out so far
// an expired one.
func (a *Account) ExpireIterators(name string) error {
	s, _, err := a.open(name)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	s.epoch++
	return nil
}
