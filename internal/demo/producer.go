package demo

import (
	"context"
	"crypto/md5"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// pace is the time between two bursts of records.
const pace = 20 * time.Millisecond

// keys chooses keys that spread over the whole range of hashes, so that every
// shard and every half of one has some.
func keys(rnd *rand.Rand, shards int) []string {
	const each = 3
	buckets := make([]int, min(4*shards, 256))
	chosen := make([]string, 0, each*len(buckets))
	for full := 0; full < len(buckets); {
		key := fmt.Sprintf("customer-%06d", rnd.IntN(1_000_000))
		// The first two bytes of the hash say where on the range it is.
		h := md5.Sum([]byte(key))
		i := (int(h[0])<<8 | int(h[1])) * len(buckets) >> 16
		if buckets[i] == each {
			continue
		}
		if buckets[i]++; buckets[i] == each {
			full++
		}
		chosen = append(chosen, key)
	}
	// A key chosen twice would only have two turns.
	return chosen
}

// produce writes numbered records until ctx is done.
func produce(ctx context.Context, s *services, b *board, rate int, rnd *rand.Rand, keys []string) {
	began, written := time.Now(), 0
	t := time.NewTicker(pace)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		due := int(time.Since(began).Seconds() * float64(rate))
		for ; written < due && ctx.Err() == nil; written++ {
			key := keys[rnd.IntN(len(keys))]
			n := 0
			// Noted first: a worker may print the record before Put returns.
			b.read(func() { n = b.check.write(key) })
			s.fakes.Kinesis.Put(Stream, key, []byte(strconv.Itoa(n)))
		}
	}
}
