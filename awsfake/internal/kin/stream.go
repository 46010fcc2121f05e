package kin

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// A Status is a stream's state, in the API's spelling.
type Status string

// The states of a stream.
const (
	Creating Status = "CREATING"
	Active   Status = "ACTIVE"
	Updating Status = "UPDATING"
	Deleting Status = "DELETING"

	gone Status = "" // deleted, and about to be forgotten
)

const defaultRetention = 24 * time.Hour

// A stream is one stream from its creation to its deletion. One made anew
// under the same name is another.
type stream struct {
	account *Account
	name    string
	id      uint64 // the generation of its first shards: unique in the account
	created int64  // Unix ms

	mu        sync.Mutex // guards what follows, shards and records included
	status    Status
	ready     time.Time          // when a passing status ends
	change    func(at time.Time) // what is then done to an UPDATING stream
	retention time.Duration
	maxRecord int
	onDemand  bool
	auto      bool // the service distributes the records
	turn      int  // the next open shard to take one, if auto
	tags      map[string]string

	shards []*shard // by number, closed ones as long as they are kept
	open   []*shard // by hash range
	next   uint32   // the number of the next shard
	vanish int64    // no closed shard goes before this time, in Unix ms

	epoch    uint32               // iterators of earlier ones are expired
	hidden   map[uint32]time.Time // shards that ListShards does not show until then
	faults   []*readFault
	putFails []*putFault
	lists    rate
}

// never is later than every time in Unix ms.
const never = 1<<63 - 1

func newStream(a *Account, c Creation, now time.Time) *stream {
	s := &stream{
		account:   a,
		name:      c.Name,
		id:        a.nextGeneration(now),
		created:   now.UnixMilli(),
		status:    Active,
		retention: defaultRetention,
		maxRecord: c.MaxRecordSize,
		onDemand:  c.OnDemand,
		auto:      c.Auto,
		tags:      maps.Clone(c.Tags),
		vanish:    never,
	}
	for i := range c.Shards {
		end := maxHash
		if i+1 < c.Shards {
			end = bound(i+1, c.Shards).minus(1)
		}
		s.add(&shard{generation: s.id, created: s.created, first: bound(i, c.Shards), last: end, initial: true})
	}
	return s
}

// advance does what was due by now.
func (s *stream) advance(now time.Time) {
	switch s.status {
	case Creating, Updating:
		if now.Before(s.ready) {
			break
		}
		s.status = Active
		if do := s.change; do != nil {
			s.change = nil
			do(s.ready)
		}
	case Deleting:
		if !now.Before(s.ready) {
			s.status = gone
		}
	}
	if horizon := s.horizon(now); horizon >= s.vanish {
		s.forgetShards(horizon)
	}
}

// horizon is the time, in Unix ms, up to which records are gone.
func (s *stream) horizon(now time.Time) int64 {
	return now.UnixMilli() - s.retention.Milliseconds()
}

// forgetShards drops the shards that were closed when retention began.
func (s *stream) forgetShards(horizon int64) {
	s.vanish = never
	s.shards = slices.DeleteFunc(s.shards, func(sh *shard) bool {
		if sh.closed && sh.closedAt > horizon {
			s.vanish = min(s.vanish, sh.closedAt)
		}
		return sh.closed && sh.closedAt <= horizon
	})
}

// add gives sh the next number and its place among the open shards.
func (s *stream) add(sh *shard) {
	sh.number = s.next
	sh.start = sequence(sh.generation, 0, sh.created, sh.number)
	s.next++
	s.shards = append(s.shards, sh)
	i, _ := slices.BinarySearchFunc(s.open, sh.first, func(o *shard, h Hash) int { return o.first.Compare(h) })
	s.open = slices.Insert(s.open, i, sh)
}

// close ends sh.
func (s *stream) close(sh *shard, at int64) {
	sh.closed = true
	sh.closedAt = max(at, sh.latest)
	sh.end = sequence(sh.generation, lastIndex, sh.closedAt, sh.number)
	s.vanish = min(s.vanish, sh.closedAt)
	s.open = slices.DeleteFunc(s.open, func(o *shard) bool { return o == sh })
}

// find returns a shard by its number.
func (s *stream) find(number uint32) (*shard, bool) {
	i, ok := slices.BinarySearchFunc(s.shards, number, func(sh *shard, n uint32) int { return int(sh.number) - int(n) })
	if !ok {
		return nil, false
	}
	return s.shards[i], true
}

// shard returns a shard by its ID.
func (s *stream) shard(id string) (*shard, error) {
	if n, ok := shardNumber(id); ok {
		if sh, ok := s.find(n); ok {
			return sh, nil
		}
	}
	return nil, s.noShard(id)
}

func (s *stream) noShard(id string) error {
	return notFound("Shard %s in stream %s under account %s does not exist", id, s.name, AccountID)
}

func (s *stream) busy() error {
	return inUse("Stream %s under account %s not ACTIVE, instead in state %s", s.name, AccountID, s.status)
}

// Retain changes how long records are kept, to more or to less.
func (a *Account) Retain(name string, d time.Duration, more bool) error {
	if d < defaultRetention || d > 8760*time.Hour {
		return invalid("Retention period must be between 24 and 8760 hours")
	}
	return a.update(name, func(s *stream, now time.Time) error {
		if more && d < s.retention || !more && d > s.retention {
			return invalid("Requested retention period (%d hours) for stream %s is not %s than existing retention period (%d hours).",
				int(d.Hours()), name, map[bool]string{true: "longer", false: "shorter"}[more], int(s.retention.Hours()))
		}
		// What is gone stays gone.
		for _, sh := range s.shards {
			sh.trim(s.horizon(now))
		}
		s.retention = d
		return nil
	})
}

// Distribute says who distributes the records: the service, or their keys.
func (a *Account) Distribute(name string, auto bool) error {
	return a.update(name, func(s *stream, _ time.Time) error {
		if !s.onDemand {
			return invalid("Stream %s is not in ON_DEMAND mode.", name)
		}
		s.auto = auto
		return nil
	})
}

// SetMaxRecordSize changes how large a record may be, in bytes.
func (a *Account) SetMaxRecordSize(name string, bytes int) error {
	if bytes < defaultMaxRecord || bytes > maxMaxRecord {
		return Invalid("Value '%d' at 'maxRecordSizeInKiB' failed to satisfy constraint: Member must be between 1024 and 10240", bytes/kib)
	}
	return a.update(name, func(s *stream, _ time.Time) error {
		s.maxRecord = bytes
		return nil
	})
}

// Tag changes a stream's tags.
func (a *Account) Tag(name string, set map[string]string, remove []string) error {
	s, _, err := a.open(name)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	if s.tags == nil {
		s.tags = map[string]string{}
	}
	maps.Copy(s.tags, set)
	for _, k := range remove {
		delete(s.tags, k)
	}
	return nil
}

// update applies f to an ACTIVE stream.
func (a *Account) update(name string, f func(*stream, time.Time) error) error {
	s, now, err := a.open(name)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	if s.status != Active {
		return s.busy()
	}
	return f(s, now)
}
