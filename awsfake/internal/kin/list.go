package kin

import (
	"slices"
	"time"
)

// A FilterType is a kind of [Filter], in the API's spelling.
type FilterType string

// The kinds of filters.
const (
	AfterShardID    FilterType = "AFTER_SHARD_ID"
	AtTrimHorizon   FilterType = "AT_TRIM_HORIZON"
	FromTrimHorizon FilterType = "FROM_TRIM_HORIZON"
	AtLatest        FilterType = "AT_LATEST"
	AtTime          FilterType = "AT_TIMESTAMP"
	FromTime        FilterType = "FROM_TIMESTAMP"
)

// A Filter chooses shards.
type Filter struct {
	Type  FilterType
	Shard string // of AFTER_SHARD_ID
	At    int64  // of the two with a timestamp, Unix ms
	Timed bool   // At was given
}

// A Listing is what ListShards asks for: a stream by its name, or the rest of
// an earlier answer by its token.
type Listing struct {
	Stream  string
	Token   string
	After   string // a shard's ID; the list starts behind it
	Filter  Filter
	Created int64 // the stream's creation, Unix ms; 0 means whichever
	Max     int   // 0 means 1000
}

const maxListed = 1000

// List lists the shards of a stream. The token is empty with the last of them.
func (a *Account) List(l Listing) (shards []Shard, token string, err error) {
	if l.Max < 0 || l.Max > 10_000 {
		return nil, "", Invalid("Value '%d' at 'maxResults' failed to satisfy constraint: Member must be between 1 and 10000", l.Max)
	}
	if l.Max == 0 {
		l.Max = maxListed
	}
	l.Max = min(l.Max, maxListed)

	var t ticket
	if l.Token != "" {
		var ok bool
		if t, ok = parseTicket(l.Token, tokenTicket); !ok {
			return nil, "", invalid("Invalid NextToken.")
		}
		l.Stream, l.Filter = t.stream, t.filter
		l.Filter.Timed = true
	}
	after, from, err := l.start(t)
	if err != nil {
		return nil, "", err
	}

	s, now, err := a.open(l.Stream)
	if err != nil {
		return nil, "", err
	}
	defer s.mu.Unlock()
	switch {
	case l.Token != "" && (t.id != s.id || now.Sub(t.made) > tokenLife):
		return nil, "", errf("ExpiredNextTokenException", "NextToken has expired. A token lives for %d seconds.", int(tokenLife.Seconds()))
	case l.Created != 0 && l.Created != s.created:
		return nil, "", notFound("Stream %s under account %s not found.", l.Stream, AccountID)
	case s.status == Creating || s.status == Deleting:
		return nil, "", s.busy()
	}
	if a.set().Limits && !s.lists.allow(now, listCalls) {
		return nil, "", limitExceeded("Rate exceeded for stream %s under account %s.", l.Stream, AccountID)
	}
	if (l.Filter.Type == AtTime || l.Filter.Type == FromTime) && l.Filter.At > now.UnixMilli() {
		return nil, "", invalid("ShardFilter.Timestamp %d is in the future.", l.Filter.At)
	}
	for _, sh := range s.view(now) {
		if from && sh.number <= after || !s.passes(sh, l.Filter, now) {
			continue
		}
		if len(shards) == l.Max {
			t := ticket{kind: tokenTicket, stream: s.name, id: s.id, made: now, shard: shards[l.Max-1].number, filter: l.Filter}
			return shards, t.String(), nil
		}
		shards = append(shards, sh)
	}
	return shards, "", nil
}

// start checks the arguments and says after which shard the list begins, if
// after any.
func (l *Listing) start(t ticket) (after uint32, from bool, err error) {
	switch f := l.Filter; f.Type {
	case "", AtTrimHorizon, FromTrimHorizon, AtLatest:
		if l.Token == "" && f.Timed {
			return 0, false, invalid("ShardFilter.Timestamp is not allowed with type %s.", f.Type)
		}
	case AtTime, FromTime:
		if !f.Timed {
			return 0, false, invalid("ShardFilter.Timestamp is required with type %s.", f.Type)
		}
	case AfterShardID:
		if l.Token == "" && f.Shard == "" {
			return 0, false, invalid("ShardFilter.ShardId is required with type %s.", f.Type)
		}
	default:
		return 0, false, Invalid("Value '%s' at 'shardFilter.type' failed to satisfy constraint: Member must satisfy enum value set: "+
			"[AFTER_SHARD_ID, AT_TRIM_HORIZON, FROM_TRIM_HORIZON, AT_LATEST, AT_TIMESTAMP, FROM_TIMESTAMP]", f.Type)
	}
	if l.Token != "" {
		return t.shard, true, nil
	}
	if l.Filter.Shard != "" && l.Filter.Type != AfterShardID {
		return 0, false, invalid("ShardFilter.ShardId is not allowed with type %s.", l.Filter.Type)
	}
	for _, id := range []string{l.After, l.Filter.Shard} {
		if id == "" {
			continue
		}
		n, ok := shardNumber(id)
		if !ok {
			return 0, false, Invalid("Value '%s' at 'exclusiveStartShardId' failed to satisfy constraint: "+
				"Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+", id)
		}
		after, from = max(after, n), true
	}
	return after, from, nil
}

// view is what ListShards knows: the shards as they were some time ago, less
// those that are hidden.
func (s *stream) view(now time.Time) []Shard {
	seen := now.UnixMilli()
	lag := s.account.set().ListShardsLag
	if lag > 0 {
		seen -= lag.Milliseconds()
	}
	out := make([]Shard, 0, len(s.shards))
	for _, sh := range s.shards {
		if until, ok := s.hidden[sh.number]; ok && now.Before(until) {
			continue
		}
		p := sh.public()
		if lag > 0 {
			if !sh.initial && sh.created > seen {
				continue
			}
			if sh.closed && sh.closedAt > seen {
				p.Open, p.End, p.Closed = true, Sequence{}, 0
			}
		}
		out = append(out, p)
	}
	return out
}

// passes says whether a filter lets a shard through. (API Reference,
// ShardFilter.)
func (s *stream) passes(sh Shard, f Filter, now time.Time) bool {
	horizon := s.horizon(now)
	// A stream younger than its retention was as its first shards at the
	// horizon, also if they were split in the millisecond of their making.
	openAtHorizon := sh.initial || sh.Created <= horizon
	switch f.Type {
	case AtLatest:
		return sh.Open
	case AtTrimHorizon:
		return openAtHorizon
	case AtTime:
		if f.At <= max(horizon, s.created-1) {
			return openAtHorizon
		}
		return sh.Created <= f.At && (sh.Open || sh.Closed >= f.At)
	case FromTime:
		return sh.Open || sh.Closed >= f.At
	}
	return true
}

// Shards returns a stream's shards, closed ones included, as they are.
func (a *Account) Shards(name string) ([]Shard, error) {
	s, _, err := a.open(name)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	out := make([]Shard, 0, len(s.shards))
	for _, sh := range s.shards {
		out = append(out, sh.public())
	}
	return slices.Clip(out), nil
}
