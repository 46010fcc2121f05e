package awsfake

import (
	"net/http"
	"sync"
	"time"

	"github.com/leasehold/leasehold/awsfake/internal/kin"
)

// Kinesis is the service of that name in memory. The zero value is ready to
// use; its fields are set before the first call and not changed afterwards.
//
// Streams are written and read by the API's own operations, or for a test's
// convenience by the methods here, which do the same. Stream, shard and
// record keep the service's rules: routing by MD5, sequence numbers of 56
// digits that only grow, iterators that live five minutes, and retention of a
// day, after which records are trimmed and closed shards vanish.
type Kinesis struct {
	// Script decides what happens to each call. Nil: every call is served.
	// It can be replaced during a test with SetScript.
	Script Script

	// Trace is told every call when it has ended, in the goroutine that
	// served it.
	Trace func(Result)

	// Latency is how long every call takes, half of it before the call is
	// applied and half after.
	Latency time.Duration

	// CreateTakes is how long a new stream is CREATING. Default: it is ACTIVE
	// at once.
	CreateTakes time.Duration

	// ReshardTakes is how long a stream is UPDATING. The change comes at the
	// end: until then the parents are open and there are no children. Default: at
	// once.
	ReshardTakes time.Duration

	// DeleteTakes is how long a stream is DELETING; its records can be read
	// meanwhile. Default: it is gone at once.
	DeleteTakes time.Duration

	// ListShardsLag is how old the shards are that ListShards shows: it knows
	// later of children and that their parents are closed than GetRecords
	// does. It can be changed during a test with SetListShardsLag.
	ListShardsLag time.Duration

	// Limits enforces the service's rates. Per shard: 5 calls and 2 MB a second
	// of GetRecords, with 5 seconds of rest after 10 MB; 1,000 records and 1 MB
	// a second written; 5 calls a second of GetShardIterator. And those of
	// ListShards, DescribeStream and DescribeStreamSummary.
	Limits bool

	// ShardLimit is how many open shards there may be. Default: any number.
	ShardLimit int

	front   front
	once    sync.Once
	account kin.Account
}

// engine returns the account with the settings of the fields.
func (k *Kinesis) engine() *kin.Account {
	k.once.Do(func() { k.configure(k.ListShardsLag) })
	return &k.account
}

func (k *Kinesis) configure(lag time.Duration) {
	k.account.Set(kin.Settings{
		CreateTakes:   k.CreateTakes,
		ReshardTakes:  k.ReshardTakes,
		DeleteTakes:   k.DeleteTakes,
		ListShardsLag: lag,
		Limits:        k.Limits,
		ShardLimit:    k.ShardLimit,
	})
}

// SetScript replaces the script; nil serves every call.
func (k *Kinesis) SetScript(s Script) { k.front.setScript(s) }

// SetListShardsLag replaces ListShardsLag.
func (k *Kinesis) SetListShardsLag(d time.Duration) {
	k.engine()
	k.configure(d)
}

// ServeHTTP serves one request of the Kinesis API, in JSON 1.1 or CBOR 1.1.
func (k *Kinesis) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.front.serve(w, r, kinesisBackend{k})
}
