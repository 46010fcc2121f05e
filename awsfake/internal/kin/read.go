package kin

import "time"

// The bounds of GetRecords. (API Reference.)
const (
	maxReadRecords = 10_000
	maxReadBytes   = 10 * mib
)

// A Page is the answer to GetRecords.
type Page struct {
	Records []Record
	// Next is the next iterator, empty after the last record of a closed shard.
	Next string
	// Behind is how old, in milliseconds, the last record is if others follow
	// it; 0 if none does.
	Behind int64
	// Children continue the shard; only if Next is empty.
	Children []Child

	generation uint64
	number     uint32
	first      uint64 // the index of Records[0]
}

// Sequence is the sequence number of Records[i].
func (p *Page) Sequence(i int) Sequence {
	return sequence(p.generation, p.first+uint64(i), p.Records[i].At, p.number)
}

// A Child is a shard that continues another.
type Child struct {
	ID          string
	Parents     []string
	First, Last Hash
}

// IteratorAt is where an iterator stands, for those who want to know what a
// call is about.
func IteratorAt(iterator string) (stream, shard string) {
	t, ok := parseTicket(iterator, iteratorTicket)
	if !ok {
		return "", ""
	}
	return t.stream, shardID(t.shard)
}

// Read reads from an iterator. A limit of 0 means as many as may be.
func (a *Account) Read(iterator string, limit int) (Page, error) {
	t, ok := parseTicket(iterator, iteratorTicket)
	if !ok {
		return Page{}, invalid("Invalid ShardIterator.")
	}
	switch {
	case limit == 0:
		limit = maxReadRecords
	case limit < 1:
		return Page{}, Invalid("Value '%d' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1", limit)
	case limit > maxReadRecords:
		return Page{}, invalid("Value '%d' of Limit is greater than %d", limit, maxReadRecords)
	}
	s, now, err := a.openForData(t.stream)
	if err != nil {
		return Page{}, err
	}
	defer s.mu.Unlock()
	if s.id != t.id {
		// The iterator is of a stream that had this name before.
		return Page{}, s.noShard(shardID(t.shard))
	}
	sh, ok := s.find(t.shard)
	if !ok {
		return Page{}, s.noShard(shardID(t.shard))
	}
	if age := now.Sub(t.made); age > iteratorLife || t.epoch != s.epoch {
		return Page{}, errf("ExpiredIteratorException", "Iterator expired. The iterator was created at time %s while right now it is %s "+
			"which is further in the future than the tolerated delay of %d milliseconds.",
			t.made.UTC().Format(time.UnixDate), now.UTC().Format(time.UnixDate), iteratorLife.Milliseconds())
	}
	limits := a.set().Limits
	if limits && !sh.reads.check(now) {
		return Page{}, throttled("Rate exceeded for shard %s in stream %s under account %s.", shardID(sh.number), s.name, AccountID)
	}
	sh.trim(s.horizon(now))
	p, bytes := s.page(sh, t.index, limit, now)
	if limits {
		sh.reads.add(now, bytes)
	}
	return p, nil
}

// page reads a shard from an index. It also returns the size of the records.
func (s *stream) page(sh *shard, index uint64, limit int, now time.Time) (Page, int) {
	fault := s.readFault(sh.number)
	index = max(index, sh.base+1) // what was before is gone
	rest := sh.records[min(index, sh.tip())-sh.base-1:]
	n, bytes := 0, 0
	if fault != EmptyPage && fault != NoIterator {
		for n < len(rest) && n < limit {
			size := rest[n].size()
			if n > 0 && bytes+size > maxReadBytes {
				break
			}
			bytes += size
			n++
		}
	}
	p := Page{Records: rest[:n:n], generation: sh.generation, number: sh.number, first: index}
	if n < len(rest) {
		p.Behind = max(1, now.UnixMilli()-rest[max(n-1, 0)].At)
	}
	switch end := sh.closed && n == len(rest); {
	case fault == NoIterator:
	case !end, fault == EmptyPage, fault == LateEnd && n > 0:
		p.Next = s.iterator(sh, index+uint64(n), now)
	case fault != NoChildren:
		p.Children = s.children(sh)
	}
	return p, bytes
}

// children are a closed shard's. They are there as long as it is: a child
// closes later than its parent.
func (s *stream) children(sh *shard) []Child {
	var out []Child
	for _, n := range sh.children {
		c, ok := s.find(n)
		if !ok {
			continue
		}
		out = append(out, Child{ID: shardID(n), Parents: shardIDs(c.parents), First: c.first, Last: c.last})
	}
	return out
}
