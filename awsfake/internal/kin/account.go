package kin

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The names that the service's ARNs carry here.
const (
	AccountID = "000000000000"
	Region    = "us-east-1"
)

const arnPrefix = "arn:aws:kinesis:" + Region + ":" + AccountID + ":stream/"

// OnDemandShards is how many shards a new on-demand stream has. (Kinesis
// Developer Guide, on-demand mode.)
const OnDemandShards = 4

// Settings are the engine's knobs; zero is each one's default.
type Settings struct {
	// CreateTakes, ReshardTakes and DeleteTakes are how long a stream is
	// CREATING, UPDATING and DELETING.
	CreateTakes, ReshardTakes, DeleteTakes time.Duration
	// ListShardsLag is how old the shards are that ListShards shows.
	ListShardsLag time.Duration
	// Limits enforces the service's rates.
	Limits bool
	// ShardLimit is how many open shards the account may have; 0 means no limit.
	ShardLimit int
}

// An Account is a set of streams. The zero value is ready to use.
type Account struct {
	settings   atomic.Pointer[Settings]
	generation atomic.Uint64 // the last one given out

	mu      sync.Mutex // guards streams and the rates
	streams map[string]*stream
	// The account's rates of DescribeStream and DescribeStreamSummary.
	describes, summaries rate
}

// Set changes the settings, for calls from now on.
func (a *Account) Set(s Settings) { a.settings.Store(&s) }

func (a *Account) set() Settings {
	if s := a.settings.Load(); s != nil {
		return *s
	}
	return Settings{}
}

// nextGeneration is greater than all before, and the second now if it can be.
func (a *Account) nextGeneration(now time.Time) uint64 {
	for {
		last := a.generation.Load()
		g := max(last+1, uint64(now.Unix()))
		if a.generation.CompareAndSwap(last, g) {
			return g
		}
	}
}

// open returns the stream with its lock held and everything done that was due
// by the returned time.
func (a *Account) open(name string) (*stream, time.Time, error) {
	a.mu.Lock()
	s := a.streams[name]
	a.mu.Unlock()
	if s != nil {
		s.mu.Lock()
		now := time.Now()
		s.advance(now)
		if s.status != gone {
			return s, now, nil
		}
		s.mu.Unlock()
		a.forget(s)
	}
	return nil, time.Time{}, notFound("Stream %s under account %s not found.", name, AccountID)
}

// openForData is open for a call that reads or writes records.
func (a *Account) openForData(name string) (*stream, time.Time, error) {
	s, now, err := a.open(name)
	if err == nil && s.status == Creating {
		s.mu.Unlock()
		err = notFound("Stream %s under account %s not found.", name, AccountID)
	}
	return s, now, err
}

func (a *Account) forget(s *stream) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.streams[s.name] == s {
		delete(a.streams, s.name)
	}
}

// all returns the streams by name.
func (a *Account) all() []*stream {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.SortedFunc(maps.Values(a.streams), func(x, y *stream) int { return strings.Compare(x.name, y.name) })
}

var streamName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,128}$`)

// CheckName says what is wrong with a stream's name.
func CheckName(name string) error {
	if !streamName.MatchString(name) {
		return Invalid("Value '%s' at 'streamName' failed to satisfy constraint: "+
			"Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+ and have length between 1 and 128", name)
	}
	return nil
}

// NameOfARN is the stream's name in an ARN of any account and region.
func NameOfARN(arn string) (string, error) {
	f := strings.SplitN(arn, ":", 6)
	if len(f) == 6 && f[0] == "arn" && f[2] == "kinesis" {
		if name, ok := strings.CutPrefix(f[5], "stream/"); ok && streamName.MatchString(name) {
			return name, nil
		}
	}
	return "", Invalid("Value '%s' at 'streamARN' failed to satisfy constraint: "+
		"Member must satisfy regular expression pattern: arn:aws.*:kinesis:.*:\\d{12}:stream/\\S+", arn)
}

// A Creation is what CreateStream asks for.
type Creation struct {
	Name          string
	Shards        int // ignored for an on-demand stream
	OnDemand      bool
	Auto          bool // the service distributes records; on-demand only
	MaxRecordSize int  // bytes; 0 means 1 MiB
	Tags          map[string]string
	AtOnce        bool // ACTIVE at once, whatever CreateTakes says
}

const (
	kib              = 1 << 10
	mib              = 1 << 20
	defaultMaxRecord = mib
	maxMaxRecord     = 10 * mib
	maxShards        = 10_000
)

// Create makes a stream.
func (a *Account) Create(c Creation) error {
	if err := CheckName(c.Name); err != nil {
		return err
	}
	if c.OnDemand {
		c.Shards = OnDemandShards
	} else if c.Auto {
		return invalid("RecordDistributionStrategy is only supported for streams in ON_DEMAND mode.")
	}
	if c.Shards < 1 || c.Shards > maxShards {
		return Invalid("Value '%d' at 'shardCount' failed to satisfy constraint: Member must be between 1 and %d", c.Shards, maxShards)
	}
	if c.MaxRecordSize == 0 {
		c.MaxRecordSize = defaultMaxRecord
	}
	if c.MaxRecordSize < defaultMaxRecord || c.MaxRecordSize > maxMaxRecord {
		return Invalid("Value '%d' at 'maxRecordSizeInKiB' failed to satisfy constraint: Member must be between 1024 and 10240", c.MaxRecordSize/kib)
	}
	set := a.set()
	if open := a.OpenShards(); set.ShardLimit > 0 && open+c.Shards > set.ShardLimit {
		return limitExceeded("This request would exceed the shard limit for the account %s in %s. "+
			"Current shard count for the account: %d. Limit: %d. Number of additional shards that would have resulted from this request: %d.",
			AccountID, Region, open, set.ShardLimit, c.Shards)
	}
	creating := 0
	for _, s := range a.all() {
		s.mu.Lock()
		s.advance(time.Now())
		status := s.status
		s.mu.Unlock()
		switch status {
		case gone:
			a.forget(s)
		case Creating:
			creating++
		}
	}
	// (API Reference, CreateStream.)
	if set.Limits && creating >= 5 {
		return limitExceeded("You may only have 5 streams in the CREATING state at any given time.")
	}

	now := time.Now()
	s := newStream(a, c, now)
	if !c.AtOnce && set.CreateTakes > 0 {
		s.status, s.ready = Creating, now.Add(set.CreateTakes)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.streams[c.Name] != nil {
		return inUse("Stream %s under account %s already exists.", c.Name, AccountID)
	}
	if a.streams == nil {
		a.streams = map[string]*stream{}
	}
	a.streams[c.Name] = s
	return nil
}

// Delete begins to delete a stream.
func (a *Account) Delete(name string) error {
	s, now, err := a.open(name)
	if err != nil {
		return err
	}
	defer a.forgetIfGone(s)
	defer s.mu.Unlock()
	if s.status == Creating || s.status == Deleting {
		return s.busy()
	}
	s.status, s.ready = Deleting, now.Add(a.set().DeleteTakes)
	s.change = nil
	s.advance(now)
	return nil
}

func (a *Account) forgetIfGone(s *stream) {
	s.mu.Lock()
	over := s.status == gone
	s.mu.Unlock()
	if over {
		a.forget(s)
	}
}

// OpenShards counts the open shards of all streams.
func (a *Account) OpenShards() int {
	n := 0
	for _, s := range a.all() {
		s.mu.Lock()
		s.advance(time.Now())
		if s.status != gone {
			n += len(s.open)
		}
		s.mu.Unlock()
	}
	return n
}

// Streams describes all streams in the order of their names.
func (a *Account) Streams() []Description {
	var out []Description
	for _, s := range a.all() {
		if d, err := a.Describe(s.name); err == nil {
			out = append(out, d)
		}
	}
	return out
}
