package lease

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A StreamID names a stream in the table of an application that reads several.
// It has the time of creation, so that a stream that is deleted and made again
// under its name is another one.
type StreamID struct {
	// Account is the number of the AWS account.
	Account string
	// Name is the stream's.
	Name string
	// Created is when the stream was created, in Unix seconds.
	Created int64
}

// ParseStreamID reads what [StreamID.String] writes: digits, a name without
// colon and a number greater than 0, with colons between them, such as
// "123456789012:orders:1680616058". It is what Java KCL accepts: neither the
// length of the account nor the characters of the name are looked at.
func ParseStreamID(s string) (StreamID, error) {
	account, rest, ok := strings.Cut(s, ":")
	name, created, ok2 := strings.Cut(rest, ":")
	if !ok || !ok2 {
		return StreamID{}, fmt.Errorf("stream %q is not account:name:created", s)
	}
	n, err := strconv.ParseUint(created, 10, 63)
	if err != nil {
		return StreamID{}, fmt.Errorf("stream %q: time of creation %q is not a whole number of 63 bits", s, created)
	}
	id := StreamID{Account: account, Name: name, Created: int64(n)}
	if err := id.Check(); err != nil {
		return StreamID{}, fmt.Errorf("stream %q: %w", s, err)
	}
	return id, nil
}

// Check reports why id names no stream.
func (id StreamID) Check() error {
	switch {
	case id.Account == "" || strings.Trim(id.Account, "0123456789") != "":
		return fmt.Errorf("account %q is not a number", id.Account)
	case id.Name == "":
		return errors.New("name is empty")
	case strings.Contains(id.Name, ":"):
		return fmt.Errorf("name %q has a colon", id.Name)
	case id.Created <= 0:
		return fmt.Errorf("time of creation is %d, not greater than 0", id.Created)
	}
	return nil
}

// String returns id as [Lease.Stream] has it.
func (id StreamID) String() string {
	return id.Account + ":" + id.Name + ":" + strconv.FormatInt(id.Created, 10)
}

// Key returns the key of a shard's lease in a table of several streams.
func (id StreamID) Key(shard string) string { return streamKey(id.String(), shard) }

func streamKey(stream, shard string) string { return stream + ":" + shard }

// SplitKey returns the stream and the shard of which [StreamID.Key] made a key.
// Ok is false for a key that names no stream, such as a shard's ID.
func SplitKey(key string) (id StreamID, shard string, ok bool) {
	end := 0
	for range 3 {
		n := strings.IndexByte(key[end:], ':')
		if n < 0 {
			return StreamID{}, "", false
		}
		end += n + 1
	}
	id, err := ParseStreamID(key[:end-1])
	if err != nil || key[end:] == "" {
		return StreamID{}, "", false
	}
	return id, key[end:], true
}

// CheckStream reports why l cannot be a lease in a table of several streams:
// Stream names none, Shard is empty, or Key is not made of them.
func (l *Lease) CheckStream() error {
	if l.Stream == "" {
		return errors.New("stream is not set")
	}
	if _, err := ParseStreamID(l.Stream); err != nil {
		return err
	}
	if l.Shard == "" {
		return errors.New("shard is not set")
	}
	if want := streamKey(l.Stream, l.Shard); l.Key != want {
		return fmt.Errorf("key %q is not %q, as stream and shard make it", l.Key, want)
	}
	return nil
}
