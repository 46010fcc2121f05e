package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"time"
	"unicode/utf8"
)

// maxRecord is the most that one record may hold. (Kinesis API Reference,
// PutRecords: up to 10 MiB for a stream that allows it.)
const maxRecord = 10 << 20

// An outRecord is a record to be written.
type outRecord struct {
	// line is its number in the input, counted from 1 over all files.
	line    int64
	data    []byte
	key     string
	hashKey *string
	// tries is how often it was refused.
	tries int
}

// A recordSource makes records, one after another, and ends with io.EOF.
type recordSource interface {
	next() (outRecord, error)
	Close() error
}

// A lineSource makes a record of each line of some files.
type lineSource struct {
	open  []io.Reader
	files []*os.File
	parse func(line []byte) (outRecord, error)

	now  *bufio.Reader
	line int64
}

func (l *lineSource) next() (outRecord, error) {
	for {
		if l.now == nil {
			if len(l.open) == 0 {
				return outRecord{}, io.EOF
			}
			l.now, l.open = bufio.NewReaderSize(l.open[0], 64<<10), l.open[1:]
		}
		text, err := readLine(l.now)
		if err == io.EOF && text == nil {
			l.now = nil
			continue
		}
		l.line++
		if err != nil && err != io.EOF {
			return outRecord{}, l.bad(err)
		}
		r, err := l.parse(text)
		if err == nil {
			err = checkKey(r.key)
		}
		if err != nil {
			return outRecord{}, l.bad(err)
		}
		r.line = l.line
		return r, nil
	}
}

func (l *lineSource) bad(err error) error {
	return &Error{Code: failed, Why: fmt.Sprintf("line %d: %v", l.line, err), Err: err}
}

// Close closes the files.
func (l *lineSource) Close() error {
	var err error
	for _, f := range l.files {
		err = errors.Join(err, f.Close())
	}
	return err
}

// readLine reads a line without its newline. A last line without one is a line.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxRecord+1 {
			return nil, errors.New("it is longer than 10 MiB")
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if err == nil {
			return line[:len(line)-1], nil
		}
		return line, err
	}
}

// checkKey refuses what Kinesis would. (Kinesis API Reference, PutRecords:
// 1 to 256 Unicode characters.)
func checkKey(key string) error {
	switch n := utf8.RuneCountInString(key); {
	case !utf8.ValidString(key):
		return errors.New("the partition key is not UTF-8")
	case n == 0:
		return errors.New("the partition key is empty")
	case n > 256:
		return fmt.Errorf("the partition key has %d characters, more than 256", n)
	}
	return nil
}

// A keyFunc finds the partition key and the data of a line.
type keyFunc func(line []byte) (key string, data []byte, err error)

// keyRule reads --key.
func keyRule(s string) keyFunc {
	switch {
	case s == "random":
		return func(line []byte) (string, []byte, error) { return randomKey(), line, nil }
	case s == "line":
		return func(line []byte) (string, []byte, error) { return string(line), line, nil }
	case s == "tab":
		return func(line []byte) (string, []byte, error) {
			key, data, ok := bytes.Cut(line, []byte("\t"))
			if !ok {
				return "", nil, errors.New("it has no tab")
			}
			return string(key), data, nil
		}
	case strings.HasPrefix(s, "field:"):
		path := strings.Split(s[len("field:"):], ".")
		return func(line []byte) (string, []byte, error) {
			key, err := jsonField(line, path)
			return key, line, err
		}
	}
	return func(line []byte) (string, []byte, error) { return s, line, nil }
}

func randomKey() string { return fmt.Sprintf("%016x", rand.Uint64()) }

// jsonField finds a text, a number or a truth value by the names on the way to
// it.
func jsonField(line []byte, path []string) (string, error) {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return "", fmt.Errorf("it is not JSON: %w", err)
	}
	for i, name := range path {
		object, ok := v.(map[string]any)
		if ok {
			v, ok = object[name]
		}
		if !ok {
			return "", fmt.Errorf("it has no field %s", strings.Join(path[:i+1], "."))
		}
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case bool:
		return fmt.Sprint(v), nil
	}
	return "", fmt.Errorf("its field %s is neither a text nor a number", strings.Join(path, "."))
}

// lineRecord makes a record of a line as it is.
func lineRecord(key keyFunc) func([]byte) (outRecord, error) {
	return func(line []byte) (r outRecord, err error) {
		r.key, r.data, err = key(line)
		return r, err
	}
}

// objectRecord makes a record of a line that consume printed.
func objectRecord(line []byte) (outRecord, error) {
	var o struct {
		Key        string  `json:"key"`
		HashKey    *string `json:"hash_key"`
		Data       *string `json:"data"`
		DataBase64 *string `json:"data_base64"`
	}
	if err := json.Unmarshal(line, &o); err != nil {
		return outRecord{}, fmt.Errorf("it is not a record as JSON: %w", err)
	}
	r := outRecord{key: o.Key, hashKey: o.HashKey}
	if r.key == "" {
		r.key = randomKey()
	}
	switch {
	case o.DataBase64 != nil:
		data, err := base64.StdEncoding.DecodeString(*o.DataBase64)
		if err != nil {
			return outRecord{}, fmt.Errorf("data_base64: %w", err)
		}
		r.data = data
	case o.Data != nil:
		r.data = []byte(*o.Data)
	default:
		return outRecord{}, errors.New("it has neither data nor data_base64")
	}
	return r, nil
}

// A fed is a record from a feed, or why there are no more.
type fed struct {
	record outRecord
	err    error
}

// startFeed reads source in a goroutine of its own, no faster than rate records
// a second (0: as fast as it can), until it ends or ctx is done. Its last word
// is an error, io.EOF at the end.
//
// The goroutine may outlive ctx while it is waiting for input, since nothing can
// interrupt a read of a terminal. It then ends with the process.
func startFeed(ctx context.Context, source recordSource, rate float64) <-chan fed {
	feed := make(chan fed, 1000)
	go func() {
		began := time.Now()
		for n := 0; ; n++ {
			if rate > 0 {
				due := began.Add(time.Duration(float64(n) / rate * float64(time.Second)))
				if sleep(ctx, time.Until(due)) != nil {
					return
				}
			}
			r, err := source.next()
			select {
			case feed <- fed{r, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return feed
}
