package kin

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A shard is one shard with its records. Its stream's lock guards it.
type shard struct {
	number      uint32
	generation  uint64
	first, last Hash // inclusive
	parents     []uint32
	children    []uint32
	initial     bool  // made with the stream
	created     int64 // Unix ms
	start, end  Sequence

	closed   bool
	closedAt int64 // Unix ms

	base    uint64   // the index of records[0] is base + 1
	records []Record // in order of arrival
	dead    int      // records given up that the array may still hold
	latest  int64    // the arrival of the last record there was, in Unix ms

	reads  reads
	writes writes
	asks   rate // of GetShardIterator
}

// A Record is one record as stored. Whoever reads it changes nothing.
type Record struct {
	At   int64  // arrival, Unix ms
	Key  string // empty if the producer gave none
	Data []byte
}

func (r *Record) size() int { return len(r.Data) + len(r.Key) }

// A Shard is what a shard tells of itself.
type Shard struct {
	ID          string
	Parents     []string // the parent, and after a merge the adjacent one
	Children    []string
	First, Last Hash
	Start       Sequence
	End         Sequence // zero as long as the shard is open
	Open        bool
	Created     int64 // Unix ms
	Closed      int64 // Unix ms, 0 as long as the shard is open

	number  uint32
	initial bool
}

func (sh *shard) public() Shard {
	return Shard{
		ID:       shardID(sh.number),
		Parents:  shardIDs(sh.parents),
		Children: shardIDs(sh.children),
		First:    sh.first,
		Last:     sh.last,
		Start:    sh.start,
		End:      sh.end,
		Open:     !sh.closed,
		Created:  sh.created,
		Closed:   sh.closedAt,
		number:   sh.number,
		initial:  sh.initial,
	}
}

// tip is the index that the next record gets.
func (sh *shard) tip() uint64 { return sh.base + uint64(len(sh.records)) + 1 }

// append stores a record and returns its number.
func (sh *shard) append(r Record, now time.Time) Sequence {
	sh.latest = max(now.UnixMilli(), sh.latest) // a clock that is set back does not undo the order
	r.At = sh.latest
	i := sh.tip()
	sh.records = append(sh.records, r)
	return sh.sequence(i, r.At)
}

func (sh *shard) sequence(index uint64, at int64) Sequence {
	return sequence(sh.generation, index, at, sh.number)
}

// trim gives up the records that arrived by the horizon.
func (sh *shard) trim(horizon int64) {
	if len(sh.records) == 0 || sh.records[0].At > horizon {
		return
	}
	n := sh.search(horizon + 1)
	sh.base += uint64(n)
	sh.records = sh.records[n:]
	// The front of the array is in the hands of readers, so it is not cleared.
	// A copy frees what was given up, once that is worth it.
	if sh.dead += n; sh.dead > len(sh.records) {
		sh.records, sh.dead = slices.Clone(sh.records), 0
	}
}

// search returns how many records arrived before at.
func (sh *shard) search(at int64) int {
	n, _ := slices.BinarySearchFunc(sh.records, at, func(r Record, at int64) int {
		if r.At < at {
			return -1
		}
		return 1
	})
	return n
}

// shardID is a shard's name in the API.
func shardID(number uint32) string { return fmt.Sprintf("shardId-%012d", number) }

func shardIDs(numbers []uint32) []string {
	var ids []string
	for _, n := range numbers {
		ids = append(ids, shardID(n))
	}
	return ids
}

// shardNumber reads a shard's ID: "shardId-" and twelve digits, or fewer as the service
// accepts them.
func shardNumber(id string) (uint32, bool) {
	digits, ok := strings.CutPrefix(id, "shardId-")
	if !ok || len(digits) > 12 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), err == nil
}
