package lease

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/big"
)

// maxName is the length in bytes of the longest lease key and the longest
// owner: they are the keys of the table and of its index. (Amazon DynamoDB,
// Quotas: partition key length.)
const maxName = 2048

// CheckKey reports why key cannot be the key of a lease: it is empty or has
// more than 2,048 bytes.
func CheckKey(key string) error {
	switch {
	case key == "":
		return errors.New("key is empty")
	case len(key) > maxName:
		return fmt.Errorf("key has %d bytes, more than %d", len(key), maxName)
	}
	return nil
}

// Check reports why a lease cannot have these owners: there is a next owner
// without an owner, or the owner is its own next one, or a name has more than
// 2,048 bytes.
func (o Owners) Check() error {
	switch {
	case o.Owner == "" && o.Next != "":
		return fmt.Errorf("next owner %q without an owner", o.Next)
	case o.Owner != "" && o.Owner == o.Next:
		return fmt.Errorf("owner %q is its own next owner", o.Owner)
	}
	for _, name := range []string{o.Owner, o.Next} {
		if len(name) > maxName {
			return fmt.Errorf("owner has %d bytes, more than %d", len(name), maxName)
		}
	}
	return nil
}

// Check reports why l cannot be stored: its key or its owners cannot be, its
// checkpoint is not set, its counter is negative or can grow no more, its
// throughput is no number, or its hash range is none.
func (l *Lease) Check() error {
	return cmp.Or(CheckKey(l.Key), l.Owners().Check(), checkCounter(l.Counter),
		checkThroughput(l.Throughput), checkCheckpoint(l.Checkpoint), l.HashRange.check())
}

// CheckChange reports why a [Store.Change] cannot be made, whatever is stored:
// the key or owners cannot be, the counter can grow no more, the checkpoint is
// not set, or the hash range is none.
func CheckChange(key string, cond Cond, set Set) error {
	err := CheckKey(key)
	for _, o := range []*Owners{cond.Owners, set.Owners} {
		if o != nil {
			err = cmp.Or(err, o.Check())
		}
	}
	if cond.Counter != nil && set.Bump {
		err = cmp.Or(err, checkCounter(*cond.Counter))
	}
	if set.Checkpoint != nil {
		err = cmp.Or(err, checkCheckpoint(*set.Checkpoint))
	}
	if set.HashRange != nil {
		err = cmp.Or(err, set.HashRange.check())
	}
	return err
}

func checkCheckpoint(p Position) error {
	if p.IsZero() {
		// A row without one parses, and nobody can start from it.
		return errors.New("checkpoint is not set")
	}
	return nil
}

func checkCounter(n int64) error {
	switch {
	case n < 0:
		return fmt.Errorf("counter %d is negative", n)
	case n == math.MaxInt64:
		return fmt.Errorf("counter %d cannot grow", n)
	}
	return nil
}

func checkThroughput(t *float64) error {
	if t != nil && (math.IsNaN(*t) || math.IsInf(*t, 0)) {
		return fmt.Errorf("throughput %v is no number", *t)
	}
	return nil
}

// check refuses what makes a row unreadable. A range of one key is one: a stream
// can have such a shard.
func (r HashRange) check() error {
	if r.IsZero() {
		return nil
	}
	start, ok := new(big.Int).SetString(r.Start, 10)
	end, ok2 := new(big.Int).SetString(r.End, 10)
	if !ok || !ok2 || start.Sign() < 0 || start.Cmp(end) > 0 {
		return fmt.Errorf("hash range from %q to %q is none", r.Start, r.End)
	}
	return nil
}
