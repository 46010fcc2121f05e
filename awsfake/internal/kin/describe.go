package kin

import (
	"maps"
	"time"
)

// ARN is a stream's ARN.
func ARN(stream string) string { return arnPrefix + stream }

// CountDescribe counts a call of DescribeStream against the account's rate.
func (a *Account) CountDescribe() error { return a.count(&a.describes, describeCalls) }

// CountSummary counts a call of DescribeStreamSummary.
func (a *Account) CountSummary() error { return a.count(&a.summaries, summaryCalls) }

func (a *Account) count(r *rate, n int) error {
	if !a.set().Limits {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !r.allow(time.Now(), n) {
		return limitExceeded("Rate exceeded for account %s.", AccountID)
	}
	return nil
}

// Usage is how much of its limits an account uses.
type Usage struct {
	Shards, OpenShards             int
	OnDemandLimit, OnDemandStreams int
}

// Limits describes the account's limits.
func (a *Account) Limits() Usage {
	u := Usage{Shards: a.set().ShardLimit, OpenShards: a.OpenShards(), OnDemandLimit: 50}
	if u.Shards == 0 {
		u.Shards = 20_000
	}
	for _, d := range a.Streams() {
		if d.OnDemand {
			u.OnDemandStreams++
		}
	}
	return u
}

// A Description is what a stream tells of itself.
type Description struct {
	Name, ARN     string
	Status        Status
	Created       int64 // Unix ms
	Retention     time.Duration
	OnDemand      bool
	Auto          bool
	MaxRecordSize int // bytes
	OpenShards    int
	Tags          map[string]string
	Shards        []Shard // all that are kept
}

// Describe describes a stream and its shards.
func (a *Account) Describe(name string) (Description, error) {
	s, _, err := a.open(name)
	if err != nil {
		return Description{}, err
	}
	defer s.mu.Unlock()
	d := Description{
		Name:          s.name,
		ARN:           ARN(s.name),
		Status:        s.status,
		Created:       s.created,
		Retention:     s.retention,
		OnDemand:      s.onDemand,
		Auto:          s.auto,
		MaxRecordSize: s.maxRecord,
		Tags:          maps.Clone(s.tags),
	}
	if s.status == Creating {
		return d, nil // its shards come with it
	}
	d.OpenShards = len(s.open)
	d.Shards = make([]Shard, len(s.shards))
	for i, sh := range s.shards {
		d.Shards[i] = sh.public()
	}
	return d, nil
}
