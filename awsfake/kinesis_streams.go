package awsfake

import (
	"fmt"
	"time"

	"github.com/leasehold/leasehold/awsfake/internal/kin"
)

// A ShardInfo is what the fake knows of a shard.
type ShardInfo struct {
	// ID is such as "shardId-000000000000".
	ID string
	// Parents are the shards that this one continues: none, one after a split,
	// two after a merge, the first-named of the merge first.
	Parents []string
	// Children are the shards that continue this one.
	Children []string
	// Open reports that the shard takes records.
	Open bool
	// FirstHash and LastHash are the range of hash keys, both inclusive, in
	// decimal.
	FirstHash, LastHash string
	// FirstSequence is the number at which the shard starts, less than those of its records.
	// LastSequence is the number at which a closed shard ends, greater than
	// those of its records; empty if the shard is open.
	FirstSequence, LastSequence string
}

// Create makes a stream that is ACTIVE at once. Like the other methods for
// tests, it panics if the service would answer with an error.
func (k *Kinesis) Create(stream string, shards int) {
	must(k.engine().Create(kin.Creation{Name: stream, Shards: shards, AtOnce: true}))
}

// Delete deletes a stream, which takes DeleteTakes.
func (k *Kinesis) Delete(stream string) { must(k.engine().Delete(stream)) }

// Put writes a record as PutRecord does, and says where it went.
func (k *Kinesis) Put(stream, key string, data []byte) (shard, sequence string) {
	p, err := k.engine().Put(stream, kin.Entry{Key: &key, Data: append([]byte{}, data...)})
	must(err)
	return p.Shard, p.Sequence.String()
}

// Split splits a shard in the middle, which takes ReshardTakes, and returns
// the IDs of its children.
func (k *Kinesis) Split(stream, shard string) (left, right string) {
	left, right, err := k.engine().Split(stream, shard, "")
	must(err)
	return left, right
}

// Merge merges two adjacent shards, which takes ReshardTakes, and returns the
// ID of their child.
func (k *Kinesis) Merge(stream, a, b string) (child string) {
	child, err := k.engine().Merge(stream, a, b)
	must(err)
	return child
}

// Shards returns the stream's shards in the order of their IDs, closed ones
// included as long as the service has them. Neither ListShardsLag nor Hide
// changes it.
func (k *Kinesis) Shards(stream string) []ShardInfo {
	shards, err := k.engine().Shards(stream)
	must(err)
	out := make([]ShardInfo, len(shards))
	for i, sh := range shards {
		out[i] = ShardInfo{
			ID:            sh.ID,
			Parents:       sh.Parents,
			Children:      sh.Children,
			Open:          sh.Open,
			FirstHash:     sh.First.String(),
			LastHash:      sh.Last.String(),
			FirstSequence: sh.Start.String(),
		}
		if !sh.Open {
			out[i].LastSequence = sh.End.String()
		}
	}
	return out
}

// A ReadFault is a reply of GetRecords that is not as it should be, or as a
// client might like it.
type ReadFault int

const (
	// EmptyPage is a reply without records though there are some. It says how far
	// behind its reader is, and the next iterator stands where this one does.
	EmptyPage ReadFault = iota + 1
	// NoIterator is a reply without records, next iterator and children,
	// whether the shard is open or closed.
	NoIterator
	// NoChildren is the last reply of a closed shard without the children, as
	// the service answered before 2020.
	NoChildren
	// LateEnd is the end of a closed shard told in a reply of its own, after
	// the last records. Otherwise both come in one.
	LateEnd
)

// FaultReads gives the next times replies of GetRecords for a shard a fault;
// all of them if times is negative. An empty shard means any of the stream.
// Faults planned earlier are used up first.
func (k *Kinesis) FaultReads(stream, shard string, fault ReadFault, times int) {
	kind, ok := map[ReadFault]kin.ReadFault{
		EmptyPage:  kin.EmptyPage,
		NoIterator: kin.NoIterator,
		NoChildren: kin.NoChildren,
		LateEnd:    kin.LateEnd,
	}[fault]
	if !ok {
		panic(fmt.Sprintf("awsfake: no read fault %d", fault))
	}
	must(k.engine().FaultReads(stream, shard, kind, times))
}

// FaultPuts makes the next times records for a shard fail, all of them if
// times is negative: PutRecords says so of the record, PutRecord answers with
// the error. Code is "ProvisionedThroughputExceededException" or
// "InternalFailure". An empty shard means any of the stream.
func (k *Kinesis) FaultPuts(stream, shard, code string, times int) {
	err := &kin.Error{Code: code, Message: Fault{Code: code}.message()}
	must(k.engine().FaultPuts(stream, shard, err, times))
}

// Hide keeps a shard out of ListShards for a time. The shard's ID may be one
// that a split to come will give.
func (k *Kinesis) Hide(stream, shard string, d time.Duration) {
	must(k.engine().Hide(stream, shard, d))
}

// ClearFaults ends the stream's read and put faults, and shows what is hidden.
func (k *Kinesis) ClearFaults(stream string) { must(k.engine().ClearFaults(stream)) }

// ExpireIterators makes all the stream's iterators that were given out so far
// answer ExpiredIteratorException.
func (k *Kinesis) ExpireIterators(stream string) { must(k.engine().ExpireIterators(stream)) }

func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("awsfake: %v", err))
	}
}
