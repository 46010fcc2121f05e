package cli

import (
	"github.com/leasehold/leasehold/lease"
)

// leaseObject is a lease as JSON. Behind and findings are not looked for here.
type leaseObject struct {
	head
	App            string           `json:"app"`
	Stream         *string          `json:"stream"`
	Shard          string           `json:"shard"`
	Key            string           `json:"key"`
	State          leaseState       `json:"state"`
	Findings       []string         `json:"findings"`
	Owner          *string          `json:"owner"`
	NextOwner      *string          `json:"next_owner"`
	Alive          *bool            `json:"alive"`
	Counter        *int64           `json:"counter"`
	Checkpoint     *positionObject  `json:"checkpoint"`
	Pending        *positionObject  `json:"pending"`
	Switches       *int64           `json:"switches"`
	Parents        []string         `json:"parents"`
	Children       []string         `json:"children"`
	Hash           []string         `json:"hash"`
	ThroughputKBPS *float64         `json:"throughput_kbps"`
	BehindMS       *int64           `json:"behind_ms"`
	BehindFrom     *string          `json:"behind_from"`
	MovedAt        *string          `json:"moved_at"`
	ObservedMS     int64            `json:"observed_ms"`
	Unreadable     *unreadableParts `json:"unreadable"`
}

// positionObject is a position as JSON: a record's or a sentinel's.
type positionObject struct {
	Sequence *string `json:"sequence"`
	Sub      *int64  `json:"sub"`
	Sentinel *string `json:"sentinel"`
}

// unreadableParts is what is wrong with a row.
type unreadableParts struct {
	Attribute string `json:"attribute"`
	Reason    string `json:"reason"`
}

func (p *program) leaseObject(w *watch, v leaseView) leaseObject {
	o := leaseObject{
		head:       kind("lease"),
		App:        p.flags.app,
		Stream:     orNull(v.stream),
		Shard:      v.shard,
		Key:        v.key,
		State:      v.state,
		Findings:   []string{},
		Alive:      v.alive,
		MovedAt:    instant(v.movedAt),
		ObservedMS: w.seen.Sub(w.began).Milliseconds(),
	}
	if u := v.unreadable; u != nil {
		o.Unreadable = &unreadableParts{u.Attribute, u.Reason}
	}
	l := v.lease
	if l == nil {
		return o
	}
	o.Owner, o.NextOwner = orNull(l.Owner), orNull(l.NextOwner)
	o.Counter, o.Switches = &l.Counter, &l.Switches
	o.Checkpoint, o.Pending = newPosition(l.Checkpoint), newPosition(l.Pending)
	o.Parents, o.Children = list(l.Parents), list(l.Children)
	o.Hash = hashPair(l.HashRange)
	o.ThroughputKBPS = l.Throughput
	return o
}

func newPosition(pos lease.Position) *positionObject {
	switch {
	case pos.IsZero():
		return nil
	case pos.IsRecord():
		return &positionObject{Sequence: new(pos.Text()), Sub: new(pos.Sub())}
	}
	return &positionObject{Sentinel: new(pos.Text())}
}

// hashPair is a hash range as JSON, nil if it is not known.
func hashPair(r lease.HashRange) []string {
	if r.IsZero() {
		return nil
	}
	return []string{r.Start, r.End}
}
