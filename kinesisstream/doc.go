// Package kinesisstream is a stream.Stream on Kinesis, read by polling.
//
//	s := kinesisstream.New(kinesis.NewFromConfig(cfg), "orders")
//
// # Calls
//
// A reader asks GetShardIterator once and then GetRecords, at most five times a
// second, which is what Kinesis allows for a shard. Every call is one try: the
// SDK's own retries are off, and whoever calls Read repeats it in their own time.
//
// # Permissions
//
// ListShards, GetShardIterator and GetRecords, of kinesis, on the stream; and
// kms:Decrypt on its key, if the stream is encrypted with a key of your own.
// DescribeStreamSummary is asked of a stream that is busy, to see whether it is
// being deleted, and may be denied; [Stream.Describe] needs it.
//
// # Aggregated records
//
// Records that the KPL has aggregated are not taken apart: the record's data are
// the KPL's bytes, and its sub-sequence number is 0. A position inside such a
// record, as Java KCL stores it, is read from that record on, whole.
//
// # Where a reader stands
//
// A reader remembers the last record that it returned, and nothing else counts.
// Iterators expire and are refused; a new one then begins at that record, which
// is dropped. So exactly the next record follows, and if that record is no
// longer there, others after it may be gone too, and the reader says so
// ([stream.Batch.Trimmed]). It cannot know of a shard in which nothing is left:
// a record that is gone from a quiet shard is no gap.
//
// # The end of a shard
//
// Reading a shard's end where there is none loses the rest of it, so an end is
// believed only if Kinesis names the shards that continue it in the last reply.
// A reply that has neither a next iterator nor such children, as malformed ones
// and older services have, proves nothing: the reader goes on behind the last
// record, and takes it for the end when it gets that reply three times in a row,
// without records and not behind, while the list of shards says that the shard
// is closed. It then waits until the list has all the children, because a list
// can be some seconds old.
package kinesisstream
