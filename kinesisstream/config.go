package kinesisstream

import (
	"errors"
	"fmt"
	"time"
)

// minGap is the least time between two GetRecords calls for a shard. (Kinesis
// Developer Guide, quotas: five read transactions a second for each shard.)
const minGap = 200 * time.Millisecond

// maxRecords is the largest limit of GetRecords. (Kinesis API Reference.)
const maxRecords = 10_000

// A Config says how to read. The zero value is the default.
type Config struct {
	// PollEvery is the time between two polls of a shard whose reader has
	// caught up. A reader that is behind polls every 200 ms, or as fast as
	// 2 MB a second allow. Shorter delivers sooner and costs calls; other
	// applications that poll the shard need their part of its five calls a
	// second. At least 200ms. Default 500ms.
	PollEvery time.Duration

	// MaxRecords is the largest number of records in a batch, at most 10,000.
	// Default 10,000.
	MaxRecords int

	// CallTimeout is how long a call may take. Default 30s.
	CallTimeout time.Duration

	// WaitForChildren is how long a reader waits at the end of a shard, where
	// the service does not name the children in its reply, for the list of
	// shards to have them all. Then it goes on with those that the list has.
	// Default 30s.
	WaitForChildren time.Duration
}

func (c Config) withDefaults() Config {
	if c.PollEvery == 0 {
		c.PollEvery = 500 * time.Millisecond
	}
	if c.MaxRecords == 0 {
		c.MaxRecords = maxRecords
	}
	if c.CallTimeout == 0 {
		c.CallTimeout = 30 * time.Second
	}
	if c.WaitForChildren == 0 {
		c.WaitForChildren = 30 * time.Second
	}
	return c
}

func (c Config) validate() error {
	var errs []error
	if c.PollEvery < minGap {
		errs = append(errs, fmt.Errorf("PollEvery is %v, less than %v", c.PollEvery, minGap))
	}
	if c.MaxRecords < 1 || c.MaxRecords > maxRecords {
		errs = append(errs, fmt.Errorf("MaxRecords is %d, not from 1 to %d", c.MaxRecords, maxRecords))
	}
	if c.CallTimeout < 0 {
		errs = append(errs, fmt.Errorf("CallTimeout is %v, negative", c.CallTimeout))
	}
	if c.WaitForChildren < 0 {
		errs = append(errs, fmt.Errorf("WaitForChildren is %v, negative", c.WaitForChildren))
	}
	return errors.Join(errs...)
}
