package cli

import (
	"context"

	"github.com/leasehold/leasehold/stream"
)

// shardsOf lists the shards of a stream, and again if that may help: a stream
// makes one try.
func shardsOf(ctx context.Context, s stream.Stream) ([]stream.Shard, error) {
	var b backoff
	for {
		shards, err := s.Shards(ctx)
		if err == nil || b.n >= 4 || ctx.Err() != nil {
			return shards, err
		}
		if final(err) || classify(err).Code != tryAgain {
			return nil, err
		}
		b.next()
		if err := b.sleep(ctx); err != nil {
			return nil, err
		}
	}
}
