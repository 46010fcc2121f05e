package kin

import "time"

// Split begins to split a shard in two at a hash key, and returns the IDs of the
// two. An empty hash key means the middle.
func (a *Account) Split(name, id, at string) (left, right string, err error) {
	var h Hash
	if at != "" {
		var ok bool
		if h, ok = ParseHash(at); !ok {
			return "", "", Invalid("Value '%s' at 'newStartingHashKey' failed to satisfy constraint: "+
				"Member must satisfy regular expression pattern: 0|([1-9]\\d{0,38})", at)
		}
	}
	err = a.update(name, func(s *stream, now time.Time) error {
		sh, err := s.eligible(id)
		if err != nil {
			return err
		}
		if at == "" {
			h = sh.first.middle(sh.last)
		}
		if h.Compare(sh.first.plus(1)) <= 0 || h.Compare(sh.last) >= 0 || sh.first.Compare(sh.last) == 0 {
			return invalid("NewStartingHashKey %s used in SplitShard() on shard %s in stream %s under account %s is not both greater than "+
				"one plus the shard's StartingHashKey %s and less than the shard's EndingHashKey %s.", h, id, name, AccountID, sh.first, sh.last)
		}
		if err := s.room(1); err != nil {
			return err
		}
		left, right = shardID(s.next), shardID(s.next+1)
		s.begin(now, func(at time.Time) { s.split(sh, h, at) })
		return nil
	})
	return left, right, err
}

// Merge begins to merge two shards and returns the ID of the one that they
// become.
func (a *Account) Merge(name, id, adjacent string) (child string, err error) {
	err = a.update(name, func(s *stream, now time.Time) error {
		x, err := s.eligible(id)
		if err != nil {
			return err
		}
		y, err := s.eligible(adjacent)
		if err != nil {
			return err
		}
		if x == y || !adjoins(x, y) && !adjoins(y, x) {
			return invalid("Shards %s and %s in stream %s under account %s are not an adjacent pair of shards eligible for merging",
				id, adjacent, name, AccountID)
		}
		child = shardID(s.next)
		s.begin(now, func(at time.Time) { s.merge(x, y, at) })
		return nil
	})
	return child, err
}

// Scale begins to give a stream n shards of equal size, and returns how many
// it has now.
func (a *Account) Scale(name string, n int) (current int, err error) {
	err = a.update(name, func(s *stream, now time.Time) error {
		current = len(s.open)
		// (API Reference, UpdateShardCount.)
		if n > 2*current || 2*n < current {
			return limitExceeded("UpdateShardCount cannot scale from %d to %d: at most double and at least half of the current shards", current, n)
		}
		if err := s.room(n - current); err != nil {
			return err
		}
		s.begin(now, func(at time.Time) { s.scale(n, at) })
		return nil
	})
	return current, err
}

// eligible is an open shard.
func (s *stream) eligible(id string) (*shard, error) {
	sh, err := s.shard(id)
	if err != nil {
		return nil, err
	}
	if sh.closed {
		return nil, invalid("Shard %s in stream %s under account %s has already been merged or split, and thus is not eligible for merging or splitting.",
			id, s.name, AccountID)
	}
	return sh, nil
}

// room checks the limits of n more shards. Of the account's other streams it
// does not know, so the limit holds for the stream here.
func (s *stream) room(n int) error {
	if limit := s.account.set().ShardLimit; limit > 0 && len(s.open)+n > limit {
		return limitExceeded("This request would exceed the shard limit for the account %s in %s. Limit: %d. "+
			"Number of additional shards that would have resulted from this request: %d.", AccountID, Region, limit, n)
	}
	return nil
}

// begin makes the stream UPDATING until the change is made.
func (s *stream) begin(now time.Time, change func(at time.Time)) {
	s.status, s.ready, s.change = Updating, now.Add(s.account.set().ReshardTakes), change
	s.advance(now)
}

func adjoins(x, y *shard) bool { return x.last != maxHash && x.last.plus(1) == y.first }

func (s *stream) split(sh *shard, h Hash, at time.Time) (left, right *shard) {
	s.close(sh, at.UnixMilli())
	g := s.account.nextGeneration(at)
	left = &shard{generation: g, created: sh.closedAt, first: sh.first, last: h.minus(1), parents: []uint32{sh.number}}
	right = &shard{generation: g, created: sh.closedAt, first: h, last: sh.last, parents: []uint32{sh.number}}
	s.add(left)
	s.add(right)
	sh.children = []uint32{left.number, right.number}
	return left, right
}

func (s *stream) merge(x, y *shard, at time.Time) *shard {
	s.close(x, at.UnixMilli())
	s.close(y, at.UnixMilli())
	c := &shard{
		generation: s.account.nextGeneration(at),
		created:    max(x.closedAt, y.closedAt),
		first:      x.first,
		last:       y.last,
		parents:    []uint32{x.number, y.number},
	}
	if adjoins(y, x) {
		c.first, c.last = y.first, x.last
	}
	s.add(c)
	x.children, y.children = []uint32{c.number}, []uint32{c.number}
	return c
}

// scale splits at every bound of n equal shards and merges what lies between
// two bounds.
func (s *stream) scale(n int, at time.Time) {
	if len(s.open) == n && s.uniform() {
		return
	}
	for i := 1; i < n; i++ {
		h := bound(i, n)
		if sh := s.serving(h); sh.first != h {
			s.split(sh, h, at)
		}
	}
	for i := range n {
		for i+1 < len(s.open) && (i+1 == n || s.open[i+1].first != bound(i+1, n)) {
			s.merge(s.open[i], s.open[i+1], at)
		}
	}
}

func (s *stream) uniform() bool {
	for i, sh := range s.open {
		if sh.first != bound(i, len(s.open)) {
			return false
		}
	}
	return true
}
