package kin

import "time"

// A ReadFault is how a reply of GetRecords differs from what it should be.
type ReadFault int

// The faults of a read.
const (
	noReadFault ReadFault = iota
	// EmptyPage leaves the records out: the next iterator stands where this one
	// does.
	EmptyPage
	// NoIterator has no records, no next iterator and no children, whatever
	// the shard has.
	NoIterator
	// NoChildren leaves out the children at the end of the shard.
	NoChildren
	// LateEnd says only in a reply of its own that the shard has ended, not with
	// the last records.
	LateEnd
)

type readFault struct {
	shard uint32
	any   bool
	kind  ReadFault
	left  int // negative: for ever
}

type putFault struct {
	shard uint32
	any   bool
	err   *Error
	left  int
}

// FaultReads gives the next times replies for a shard, or all if negative, a
// fault. An empty shard ID means any shard.
func (a *Account) FaultReads(name, shard string, kind ReadFault, times int) error {
	return a.plan(name, shard, func(s *stream, n uint32, any bool) {
		s.faults = append(s.faults, &readFault{n, any, kind, times})
	})
}

// FaultPuts fails the next times records, or all if negative, that are put
// into a shard. An empty shard ID means any shard.
func (a *Account) FaultPuts(name, shard string, err *Error, times int) error {
	return a.plan(name, shard, func(s *stream, n uint32, any bool) {
		s.putFails = append(s.putFails, &putFault{n, any, err, times})
	})
}

// ClearFaults ends all faults of a stream.
func (a *Account) ClearFaults(name string) error {
	s, _, err := a.open(name)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	s.faults, s.putFails, s.hidden = nil, nil, nil
	return nil
}

// Hide keeps a shard out of ListShards for a time.
func (a *Account) Hide(name, shard string, d time.Duration) error {
	n, ok := shardNumber(shard)
	if !ok {
		return notFound("Shard %s does not exist", shard)
	}
	s, now, err := a.open(name)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	if s.hidden == nil {
		s.hidden = map[uint32]time.Time{}
	}
	s.hidden[n] = now.Add(d)
	return nil
}

func (a *Account) plan(name, shard string, add func(s *stream, n uint32, any bool)) error {
	n, ok := shardNumber(shard)
	if !ok && shard != "" {
		return notFound("Shard %s does not exist", shard)
	}
	s, _, err := a.open(name)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	add(s, n, shard == "")
	return nil
}

// readFault takes the next fault of a read of the shard.
func (s *stream) readFault(shard uint32) ReadFault {
	for _, f := range s.faults {
		if f.left != 0 && (f.any || f.shard == shard) {
			f.left = max(f.left-1, -1)
			return f.kind
		}
	}
	return noReadFault
}

// putFault takes the next fault of a put into the shard.
func (s *stream) putFault(shard uint32) *Error {
	for _, f := range s.putFails {
		if f.left != 0 && (f.any || f.shard == shard) {
			f.left = max(f.left-1, -1)
			return f.err
		}
	}
	return nil
}
