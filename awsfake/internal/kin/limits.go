package kin

import "time"

// The rates of one shard. (Kinesis Developer Guide, Quotas and limits.)
const (
	readCalls    = 5       // GetRecords a second
	readBytes    = 2 * mib // a second
	writeRecords = 1000    // a second
	writeBytes   = mib     // a second
	iteratorAsks = 5       // GetShardIterator a second
)

// The rates of control calls, a second.
const (
	listCalls     = 1000 // ListShards, per stream
	describeCalls = 10   // DescribeStream, per account
	summaryCalls  = 20   // DescribeStreamSummary, per account
)

// A rate allows n calls in any second. Calls that it refuses do not count.
type rate struct {
	times []time.Time // the last n allowed calls, a ring
	at    int
}

func (r *rate) allow(now time.Time, n int) bool {
	if len(r.times) < n {
		r.times = append(r.times, now)
		return true
	}
	if now.Sub(r.times[r.at]) < time.Second {
		return false
	}
	r.times[r.at] = now
	r.at = (r.at + 1) % n
	return true
}

// reads are the recent reads of a shard. At most readCalls fall into a second,
// so the last so many are all that matter.
type reads struct {
	calls [readCalls]struct {
		at    time.Time
		bytes int
	}
	next    int
	blocked time.Time // after a large reply
}

// check says whether a read may be made now.
func (r *reads) check(now time.Time) bool {
	if now.Before(r.blocked) {
		return false
	}
	calls, bytes := 0, 0
	for _, c := range r.calls {
		if now.Sub(c.at) < time.Second {
			calls++
			bytes += c.bytes
		}
	}
	return calls < readCalls && bytes < readBytes
}

// add counts a read. One of more than a second's bytes blocks the shard for as
// many seconds as it took from it: five after 10 MB.
func (r *reads) add(now time.Time, bytes int) {
	r.calls[r.next].at, r.calls[r.next].bytes = now, bytes
	r.next = (r.next + 1) % readCalls
	if bytes > readBytes {
		r.blocked = now.Add(time.Duration(bytes) * time.Second / readBytes)
	}
}

// writes are two buckets of a second each: records and bytes. What is kept is
// when they will be empty.
type writes struct{ records, bytes time.Time }

// take adds a record if both buckets have room. A record that is larger than a bucket
// fits into an empty one.
func (w *writes) take(now time.Time, bytes int) bool {
	r, b := later(w.records, now), later(w.bytes, now)
	r2 := r.Add(time.Second / writeRecords)
	b2 := b.Add(time.Duration(bytes) * time.Second / writeBytes)
	full := now.Add(time.Second)
	if r2.After(full) || b2.After(full) && b.After(now) {
		return false
	}
	w.records, w.bytes = r2, b2
	return true
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
