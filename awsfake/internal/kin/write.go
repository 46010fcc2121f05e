package kin

import (
	"slices"
	"time"
	"unicode/utf8"
)

// The bounds of PutRecords. (API Reference.)
const (
	maxPutRecords = 500
	maxPutBytes   = 10 * mib
	maxKey        = 256 // characters
)

// An Entry is a record to be written. The engine keeps Data.
type Entry struct {
	Data []byte
	// Key is nil if the producer gave none.
	Key *string
	// Hash, if not nil, is the hash key to use in place of the key's own.
	Hash *string

	hash Hash
}

func (e *Entry) size() int {
	if e.Key == nil {
		return len(e.Data)
	}
	return len(e.Data) + len(*e.Key)
}

// A Placed is what became of an entry: a place, or a failure.
type Placed struct {
	Shard    string
	Sequence Sequence
	Failure  *Error
}

// check works out the entry's hash key.
func (e *Entry) check() error {
	if e.Data == nil {
		return Invalid("Value null at 'data' failed to satisfy constraint: Member must not be null")
	}
	if e.Key != nil {
		if n := utf8.RuneCountInString(*e.Key); n < 1 || n > maxKey {
			return Invalid("Value at 'partitionKey' failed to satisfy constraint: Member must have length between 1 and %d", maxKey)
		}
		e.hash = HashOf(*e.Key)
	}
	if e.Hash != nil {
		h, ok := ParseHash(*e.Hash)
		if !ok {
			return invalid("Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was %s", *e.Hash)
		}
		e.hash = h
	}
	return nil
}

// checkIn checks what depends on the stream.
func (e *Entry) checkIn(s *stream) error {
	if e.Key == nil && !s.auto {
		return Invalid("Value null at 'partitionKey' failed to satisfy constraint: Member must not be null")
	}
	if e.size() > s.maxRecord {
		return Invalid("Value at 'data' failed to satisfy constraint: Member must have length less than or equal to %d", s.maxRecord)
	}
	return nil
}

// Put writes one record.
func (a *Account) Put(name string, e Entry) (Placed, error) {
	if err := e.check(); err != nil {
		return Placed{}, err
	}
	s, now, err := a.openForData(name)
	if err != nil {
		return Placed{}, err
	}
	defer s.mu.Unlock()
	if err := e.checkIn(s); err != nil {
		return Placed{}, err
	}
	p := s.put(&e, now, a.set().Limits)
	if p.Failure != nil {
		return Placed{}, p.Failure
	}
	return p, nil
}

// PutAll writes up to 500 records. Each has a fate of its own; the error is
// that of a request none of which was applied.
func (a *Account) PutAll(name string, entries []Entry) ([]Placed, error) {
	if n := len(entries); n < 1 || n > maxPutRecords {
		return nil, Invalid("Value at 'records' failed to satisfy constraint: Member must have length between 1 and %d", maxPutRecords)
	}
	total := 0
	for i := range entries {
		if err := entries[i].check(); err != nil {
			return nil, err
		}
		total += entries[i].size()
	}
	if total > maxPutBytes {
		return nil, invalid("Records size exceeds 10 MB limit")
	}
	s, now, err := a.openForData(name)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	for i := range entries {
		if err := entries[i].checkIn(s); err != nil {
			return nil, err
		}
	}
	limits := a.set().Limits
	out := make([]Placed, len(entries))
	for i := range entries {
		out[i] = s.put(&entries[i], now, limits)
	}
	return out, nil
}

// put writes a checked entry.
func (s *stream) put(e *Entry, now time.Time, limits bool) Placed {
	sh := s.route(e)
	id := shardID(sh.number)
	if f := s.putFault(sh.number); f != nil {
		return Placed{Failure: f}
	}
	if limits && !sh.writes.take(now, e.size()) {
		return Placed{Failure: throttled("Rate exceeded for shard %s in stream %s under account %s.", id, s.name, AccountID)}
	}
	sh.trim(s.horizon(now))
	r := Record{Data: e.Data}
	if e.Key != nil {
		r.Key = *e.Key
	}
	return Placed{Shard: id, Sequence: sh.append(r, now)}
}

// route is the open shard that takes the entry.
func (s *stream) route(e *Entry) *shard {
	if s.auto {
		s.turn = (s.turn + 1) % len(s.open)
		return s.open[s.turn]
	}
	return s.serving(e.hash)
}

// serving is the open shard that has the hash key in its range.
func (s *stream) serving(h Hash) *shard {
	i, found := slices.BinarySearchFunc(s.open, h, func(sh *shard, h Hash) int { return sh.first.Compare(h) })
	if !found {
		i--
	}
	return s.open[i]
}
