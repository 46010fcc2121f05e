package cli

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// positionHelp says what a position may be.
const positionHelp = "trim-horizon, latest, -2h (so long ago), 2026-11-22T10:00Z, @1795341600 (seconds or milliseconds), seq:NUMBER (after that record), or seq:NUMBER:SUB (inside that record, which comes whole)"

// timeLayouts are the forms of a time that a position may have. A time names
// its zone: one without would mean another time on another machine.
var timeLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00"}

// parsePosition reads a position. A duration ago is counted from now.
func parsePosition(s string, now time.Time) (stream.Start, error) {
	bad := func(why string) (stream.Start, error) {
		return stream.Start{}, usage("position %q: %s", s, why).hinted("a position is %s", positionHelp)
	}
	at := func(t time.Time) (stream.Start, error) {
		return stream.Start{Position: lease.AtTimestamp, Time: t}, nil
	}
	switch strings.ToLower(s) {
	case "trim-horizon":
		return stream.Start{Position: lease.TrimHorizon}, nil
	case "latest":
		return stream.Start{Position: lease.Latest}, nil
	}
	switch {
	case strings.HasPrefix(s, "-"):
		d, err := parseDuration(s[1:])
		if err != nil || d < 0 {
			return bad("not a duration ago, such as -90m, -2h or -1d")
		}
		return at(now.Add(-d))
	case strings.HasPrefix(s, "@"):
		n, err := strconv.ParseInt(s[1:], 10, 64)
		if err != nil || n < 0 {
			return bad("not a number of seconds or milliseconds since 1970")
		}
		// As seconds, 10^11 is the year 5138; as milliseconds, 1973.
		if n >= 1e11 {
			return at(time.UnixMilli(n))
		}
		return at(time.Unix(n, 0))
	case strings.HasPrefix(s, "seq:"):
		number, subText, hasSub := strings.Cut(s[len("seq:"):], ":")
		seq, err := lease.ParseSequence(number)
		if err != nil {
			return bad(err.Error())
		}
		var sub int64
		if hasSub {
			if sub, err = strconv.ParseInt(subText, 10, 64); err != nil || sub < 0 {
				return bad("the sub-sequence number is not a number of 0 or more")
			}
		}
		return stream.Start{Position: lease.At(seq, sub)}, nil
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return at(t)
		}
	}
	return bad("not a position")
}

// parseStart is parsePosition for where reading is to begin. Kinesis refuses a
// time that is still to come. (Kinesis API Reference, GetShardIterator.)
func parseStart(s string) (stream.Start, error) {
	now := time.Now()
	start, err := parsePosition(s, now)
	if err == nil && start.Time.After(now) {
		err = usage("position %q: that time is still to come", s).hinted("latest begins with what comes from now on")
	}
	return start, err
}

// parseDuration is time.ParseDuration with whole days too: 2d, 1d12h.
func parseDuration(s string) (time.Duration, error) {
	days, rest, ok := strings.Cut(s, "d")
	if !ok {
		return time.ParseDuration(s)
	}
	n, err := strconv.ParseUint(days, 10, 16)
	if err != nil {
		return 0, err
	}
	d := time.Duration(n) * 24 * time.Hour
	if rest == "" {
		return d, nil
	}
	more, err := time.ParseDuration(rest)
	if err == nil && more < 0 {
		err = errors.New("a negative part")
	}
	return d + more, err
}
