package lease

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strings"
)

// MaxKey is the length in bytes of the longest key of a lease or a worker, and
// maxOwner that of the longest owner: they are the sort key and the partition key of
// the owner index. (Amazon DynamoDB, Quotas: sort key length, partition key length.)
const (
	MaxKey   = 1024
	maxOwner = 2048
)

// CheckKey reports why key cannot be the key of a lease or a worker: it is empty or
// has more than 1,024 bytes.
func CheckKey(key string) error {
	switch {
	case key == "":
		return errors.New("key is empty")
	case len(key) > MaxKey:
		return fmt.Errorf("key has %d bytes, more than %d", len(key), MaxKey)
	}
	return nil
}

// CheckWorker reports why id cannot be the name of a worker: it cannot be a key, or
// is that of a row of which a table has one: the leader's lock, and the states in
// which Java KCL keeps a fleet's version and the move of its tables.
func CheckWorker(id string) error {
	switch id {
	case "Leader", "Migration3.0", "TableMigration3.5":
		return fmt.Errorf("%q is a reserved name", id)
	}
	return CheckKey(id)
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
		if len(name) > maxOwner {
			return fmt.Errorf("owner has %d bytes, more than %d", len(name), maxOwner)
		}
	}
	return nil
}

// Check reports why l cannot be stored, or could not be read again: its key or
// its owners cannot be, its checkpoint is not set, a position in it cannot be,
// its counter is negative or can grow no more, its throughput is no rate, or its
// hash range is none.
func (l *Lease) Check() error {
	return cmp.Or(CheckKey(l.Key), l.Owners().Check(), checkCounter(l.Counter), checkThroughput(l.Throughput),
		checkCheckpoint(l.Checkpoint), checkPosition("pending checkpoint", l.Pending), l.HashRange.Check())
}

// CheckChange reports why a [Store.Change] cannot be made, whatever is stored:
// the key, owners or positions cannot be, the counter can grow no more, the
// checkpoint is not set, or the hash range is none.
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
	if set.Pending != nil {
		err = cmp.Or(err, checkPosition("pending checkpoint", *set.Pending))
	}
	if set.HashRange != nil {
		err = cmp.Or(err, set.HashRange.Check())
	}
	return err
}

func checkCheckpoint(p Position) error {
	if p.IsZero() {
		// A row without one parses, and nobody can start from it.
		return errors.New("checkpoint is not set")
	}
	return checkPosition("checkpoint", p)
}

// checkPosition refuses what [ParsePosition] does.
func checkPosition(what string, p Position) error {
	if p.sub < 0 {
		return fmt.Errorf("sub-sequence number %d of the %s is negative", p.sub, what)
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
	if t != nil && !isRate(*t) {
		return fmt.Errorf("throughput %v is no rate", *t)
	}
	return nil
}

// maxRate bounds a throughput in KiB a second: from here on a float64 has no
// decimals to keep.
const maxRate = 1e15

func isRate(f float64) bool { return f >= 0 && f < maxRate }

// RoundThroughput returns t, in KiB a second, as a table keeps it: with six
// decimals, as Java KCL does. It returns nil for nil and for what is no rate,
// which is a number that is negative, 1e15 or more, or none.
func RoundThroughput(t *float64) *float64 {
	const decimals = 1e6
	switch {
	case t == nil || !isRate(*t):
		return nil
	case *t < maxRate/decimals:
		return new(math.Round(*t*decimals) / decimals)
	}
	return new(*t)
}

// Check reports why r is no range of hash keys: an end is not a decimal number,
// or the start is behind the end. A range of one key is one, since a stream can
// have such a shard; so is the zero HashRange.
func (r HashRange) Check() error {
	if r.IsZero() {
		return nil
	}
	for _, s := range []string{r.Start, r.End} {
		if s == "" || strings.Trim(s, "0123456789") != "" {
			return fmt.Errorf("hash key %q is not a decimal number", s)
		}
	}
	start, end := strings.TrimLeft(r.Start, "0"), strings.TrimLeft(r.End, "0")
	if cmp.Or(cmp.Compare(len(start), len(end)), cmp.Compare(start, end)) > 0 {
		return fmt.Errorf("hash range from %s to %s is none", r.Start, r.End)
	}
	return nil
}
