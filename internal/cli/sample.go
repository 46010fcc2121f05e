package cli

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
)

// A sample makes records that look like something. They are the same in every
// run, and numbered, so that a reader can tell whether all have come.
type sample struct {
	kind       string
	left       int64
	endless    bool
	size, keys int
	n          int64
	rnd        *rand.Rand
	// key replaces the sample's own key if not nil.
	key keyFunc
}

// newSample makes count samples, or no end of them for 0. Size is how long each
// is at least; 0 is as it comes.
func newSample(kind string, count int64, size, keys int) (*sample, error) {
	switch kind {
	case "orders", "clicks", "text":
	default:
		return nil, usage("--sample %q: want orders, clicks or text", kind)
	}
	return &sample{kind: kind, left: count, endless: count == 0, size: size, keys: keys, rnd: rand.New(rand.NewPCG(1, 2))}, nil
}

var (
	sampleItems   = []string{"tea", "coffee", "bread", "apples", "cheese", "honey", "rice", "salt"}
	samplePages   = []string{"/", "/search", "/products", "/cart", "/checkout", "/help"}
	sampleActions = []string{"view", "view", "view", "add", "buy"}
	sampleWords   = []string{"a", "river", "runs", "past", "the", "mill", "and", "down", "to", "sea", "under", "two", "old", "bridges"}
)

func (s *sample) next() (outRecord, error) {
	if !s.endless && s.left == 0 {
		return outRecord{}, io.EOF
	}
	s.left--
	s.n++
	key := fmt.Sprintf("u-%d", s.rnd.IntN(s.keys)+1)
	r := outRecord{line: s.n, key: key, data: s.data(key)}
	if s.key != nil {
		var err error
		if r.key, r.data, err = s.key(r.data); err == nil {
			err = checkKey(r.key)
		}
		if err != nil {
			return outRecord{}, &Error{Code: failed, Why: fmt.Sprintf("sample %d: %v", s.n, err), Err: err}
		}
	}
	return r, nil
}

// data makes the record's data.
func (s *sample) data(key string) []byte {
	pick := func(from []string) string { return from[s.rnd.IntN(len(from))] }
	switch s.kind {
	case "orders":
		return s.pad(fmt.Appendf(nil, `{"n":%d,"order":"o-%06d","customer":%q,"item":%q,"quantity":%d,"cents":%d}`,
			s.n, s.n, key, pick(sampleItems), s.rnd.IntN(9)+1, s.rnd.IntN(9900)+100))
	case "clicks":
		return s.pad(fmt.Appendf(nil, `{"n":%d,"user":%q,"page":%q,"action":%q,"ms":%d}`,
			s.n, key, pick(samplePages), pick(sampleActions), s.rnd.IntN(2000)))
	}
	b := fmt.Appendf(nil, "%d", s.n)
	for range 8 {
		b = append(append(b, ' '), pick(sampleWords)...)
	}
	for len(b) < s.size {
		b = append(append(b, ' '), pick(sampleWords)...)
	}
	if s.size > 0 && len(b) > s.size {
		b = b[:s.size]
	}
	return b
}

// pad makes an object as long as asked for by one more field.
func (s *sample) pad(object []byte) []byte {
	const before, after = `,"pad":"`, `"}`
	missing := s.size - (len(object) - 1) - len(before) - len(after)
	if missing < 0 {
		return object
	}
	object = append(object[:len(object)-1], before...)
	object = append(object, bytes.Repeat([]byte("."), missing)...)
	return append(object, after...)
}

// Close does nothing.
func (s *sample) Close() error { return nil }
