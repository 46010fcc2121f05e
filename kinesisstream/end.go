package kinesisstream

import (
	"cmp"
	"context"
	"math/big"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// silentEnds is how many replies without a next iterator, without records and
// without children make the end of a shard that is listed as closed. A closed
// shard gives such a reply for ever; a malformed one is an accident.
const silentEnds = 3

// A tail is the end of a shard that is not proven yet.
type tail struct {
	// held is the batch of the last reply, nil once it is returned.
	held *stream.Batch
	// silent counts the replies of silentEnds.
	silent int
	// since is when they were that many.
	since time.Time
	// tip says that a reply in between, with an iterator, put the reader at the
	// tip. Then a silent reply may say what it likes of the distance: an emulator
	// gives the age of the last record there.
	tip bool
}

// ended returns the last batch.
func (r *reader) ended(b stream.Batch, children []stream.Shard) stream.Batch {
	r.end = &stream.Batch{End: true, Children: children}
	r.tail = nil
	b.End, b.Children, b.Behind = true, children, 0
	return b
}

// children reads those that a reply of GetRecords names. It returns nil if they
// do not prove that the shard has ended: none, or one that lacks its parents or
// its range, does not continue this shard, or is half of a split.
func (r *reader) children(named []types.ChildShard) []stream.Shard {
	var children []stream.Shard
	for _, d := range named {
		c := stream.Shard{
			ID:        aws.ToString(d.ShardId),
			Parents:   slices.Clone(d.ParentShards),
			HashRange: hashRange(d.HashKeyRange),
		}
		if c.ID == "" || c.HashRange.Start == "" || c.HashRange.End == "" || !slices.Contains(c.Parents, r.shard) {
			return nil
		}
		children = append(children, c)
	}
	if len(children) == 1 && len(children[0].Parents) == 1 {
		return nil
	}
	return children
}

// prove looks in the list of shards for what the last reply, without a next
// iterator and without children, did not say. Unless the shard has ended it
// returns the reply's batch, and the next Read goes on behind it.
func (r *reader) prove(ctx context.Context) (stream.Batch, error) {
	shards, err := r.s.Shards(ctx)
	if err != nil {
		return stream.Batch{}, err
	}
	t, b := r.tail, *r.tail.held
	t.held = nil
	self, children := family(r.shard, shards)
	switch {
	case self != nil && !self.Closed, self == nil && len(children) == 0:
		// Open, or not there: if it is gone, the next call will say so.
		r.tail = nil
		return b, nil
	case len(b.Records) > 0 || b.Behind > 0 && !t.tip:
		t.silent = 0
		return b, nil
	}
	if t.silent++; t.silent < silentEnds {
		return b, nil
	}
	if t.silent == silentEnds {
		t.since = time.Now()
	}
	if self != nil && !covered(self.HashRange, children) && time.Since(t.since) < r.s.cfg.WaitForChildren {
		return b, nil
	}
	return r.ended(b, children), nil
}

// family returns a shard and its children out of a list.
func family(id string, shards []stream.Shard) (self *stream.Shard, children []stream.Shard) {
	for i, s := range shards {
		if s.ID == id {
			self = &shards[i]
		}
		if slices.Contains(s.Parents, id) {
			children = append(children, s)
		}
	}
	return self, children
}

// covered reports whether the children together serve all hash keys of r.
func covered(r lease.HashRange, children []stream.Shard) bool {
	next, ok := new(big.Int).SetString(r.Start, 10)
	end, ok2 := new(big.Int).SetString(r.End, 10)
	if !ok || !ok2 {
		return len(children) > 0 // a service without ranges
	}
	type span struct{ from, to *big.Int }
	var spans []span
	for _, c := range children {
		from, ok := new(big.Int).SetString(c.HashRange.Start, 10)
		to, ok2 := new(big.Int).SetString(c.HashRange.End, 10)
		if ok && ok2 {
			spans = append(spans, span{from, to})
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(a.from.Cmp(b.from), a.to.Cmp(b.to)) })
	one := big.NewInt(1)
	for _, s := range spans {
		if s.from.Cmp(next) > 0 {
			return false
		}
		if s.to.Cmp(next) >= 0 {
			next = new(big.Int).Add(s.to, one)
		}
	}
	return next.Cmp(end) > 0
}
