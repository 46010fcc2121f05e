package lease

import (
	"math"
	"math/big"
)

// maxName is the length in bytes of the longest lease key and the longest
// owner: they are the keys of the table and of its index. (Amazon DynamoDB,
// Quotas: partition key length.)
const maxName = 2048

func checkKey(op, key string) error {
	switch {
	case key == "":
		return invalid(op, "", "key is empty")
	case len(key) > maxName:
		return invalid(op, key[:32]+"…", "key has %d bytes, more than %d", len(key), maxName)
	}
	return nil
}

func checkOwner(op, key, owner string) error {
	if len(owner) > maxName {
		return invalid(op, key, "owner has %d bytes, more than %d", len(owner), maxName)
	}
	return nil
}

// checkFence reports why no conditional write can be made for l.
func checkFence(op string, l *Lease) error {
	if l == nil {
		return invalid(op, "", "no lease was passed")
	}
	if err := checkKey(op, l.Key); err != nil {
		return err
	}
	if l.Counter == math.MaxInt64 {
		return invalid(op, l.Key, "counter %d cannot grow", l.Counter)
	}
	if t := l.Throughput; t != nil && (math.IsNaN(*t) || math.IsInf(*t, 0)) {
		return invalid(op, l.Key, "throughput %v is no number", *t)
	}
	return nil
}

// checkLease reports why l cannot be stored.
func checkLease(op string, l *Lease) error {
	if err := checkFence(op, l); err != nil {
		return err
	}
	if l.Checkpoint.IsZero() {
		return invalid(op, l.Key, "checkpoint is not set")
	}
	if l.Owner == "" && l.NextOwner != "" {
		return invalid(op, l.Key, "next owner %q without an owner", l.NextOwner)
	}
	for _, owner := range []string{l.Owner, l.NextOwner} {
		if err := checkOwner(op, l.Key, owner); err != nil {
			return err
		}
	}
	if !l.HashRange.IsZero() {
		start, ok := new(big.Int).SetString(l.HashRange.Start, 10)
		end, ok2 := new(big.Int).SetString(l.HashRange.End, 10)
		// Every library that finds such a row fails to read it.
		if !ok || !ok2 || start.Sign() < 0 || start.Cmp(end) >= 0 {
			return invalid(op, l.Key, "hash range from %q to %q is none", l.HashRange.Start, l.HashRange.End)
		}
	}
	return nil
}
