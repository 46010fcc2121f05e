package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"time"
)

// A jsonWriter writes objects one a line, or as the elements of one array.
type jsonWriter struct {
	w     io.Writer
	array bool
	n     int
	buf   bytes.Buffer
}

// object writes one object, as one line.
func (j *jsonWriter) object(v any) error {
	j.buf.Reset()
	switch {
	case j.array && j.n == 0:
		j.buf.WriteString("[\n")
	case j.array:
		j.buf.WriteString(",\n")
	}
	j.n++
	enc := json.NewEncoder(&j.buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	b := j.buf.Bytes()
	if j.array {
		b = bytes.TrimSuffix(b, []byte("\n"))
	}
	_, err := j.w.Write(b)
	return err
}

// close ends the array.
func (j *jsonWriter) close() error {
	if !j.array {
		return nil
	}
	end := "\n]\n"
	if j.n == 0 {
		end = "[]\n"
	}
	_, err := io.WriteString(j.w, end)
	return err
}

// head is what every object begins with.
type head struct {
	Kind string `json:"kind"`
	V    int    `json:"v"`
}

// kind is the head of the first version of a kind.
func kind(name string) head { return head{Kind: name, V: 1} }

// instant returns t as JSON has it: RFC 3339 in UTC with milliseconds; nil for
// no time.
func instant(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC().Format("2006-01-02T15:04:05.000Z"))
}

// orNull returns nil for an empty text.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// list returns s, or an empty list that is not null.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
