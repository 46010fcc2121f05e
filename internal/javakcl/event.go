package javakcl

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
)

// A Kind is what an event is about, in the program's own word.
type Kind string

const (
	Started  Kind = "start"    // the process is up; it has asked nothing yet
	Init     Kind = "init"     // it begins to process a shard
	Record   Kind = "record"   // it was given a record
	End      Kind = "end"      // it reached the end of a shard
	Lost     Kind = "lost"     // it gave up a shard, also after a handoff
	Stopping Kind = "stopping" // it is about to give up a shard: a handoff, or a stop
	Failed   Kind = "failed"   // a checkpoint or the stop failed; Text says how
	Stopped  Kind = "stop"     // it has stopped gracefully
)

// An Event is one line of what a worker says.
type Event struct {
	Kind     Kind
	Shard    string // such as "shardId-000000000000"
	Sequence string // decimal
	Sub      int64
	Key      string
	Data     []byte
	// Text is the line itself.
	Text string
}

// String is the line.
func (e Event) String() string { return e.Text }

// parse reads a line. One that the program should not print is Failed.
func parse(line string) Event {
	e, err := parseLine(line)
	if err != nil {
		return Event{Kind: Failed, Text: fmt.Sprintf("cannot read %q: %v", line, err)}
	}
	return e
}

func parseLine(line string) (Event, error) {
	f := strings.Split(line, " ")
	e := Event{Kind: Kind(f[0]), Text: line}
	want := 1
	switch e.Kind {
	case Started, Stopped:
	case Init, End, Lost, Stopping:
		want = 2
	case Record:
		want = 6
	case Failed:
		return e, nil
	default:
		return e, fmt.Errorf("unknown word %q", f[0])
	}
	if len(f) != want {
		return e, fmt.Errorf("%d words, want %d", len(f), want)
	}
	if want > 1 {
		e.Shard = f[1]
	}
	if e.Kind != Record {
		return e, nil
	}
	e.Sequence = f[2]
	var err error
	if e.Sub, err = strconv.ParseInt(f[3], 10, 64); err != nil {
		return e, err
	}
	if e.Key, err = url.QueryUnescape(f[4]); err != nil {
		return e, err
	}
	e.Data, err = base64.StdEncoding.DecodeString(f[5])
	return e, err
}

// A queue holds events between the process and the test without a bound: a test
// that does not listen must not stop the process in the middle of a print.
type queue struct {
	mu     sync.Mutex // guards what follows
	events []Event
	ended  bool // nothing more is put

	more   chan struct{} // holds one when there may be something new
	closed chan struct{} // closed when nobody listens any more
}

func newQueue() *queue {
	return &queue{more: make(chan struct{}, 1), closed: make(chan struct{})}
}

func (q *queue) put(e Event) {
	q.mu.Lock()
	q.events = append(q.events, e)
	q.mu.Unlock()
	q.wake()
}

// end says that nothing more is put.
func (q *queue) end() {
	q.mu.Lock()
	q.ended = true
	q.mu.Unlock()
	q.wake()
}

// close ends deliver, whether or not all has been delivered.
func (q *queue) close() { close(q.closed) }

func (q *queue) wake() {
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// deliver sends all events to a channel in order and then closes it.
func (q *queue) deliver(to chan<- Event) {
	defer close(to)
	for {
		q.mu.Lock()
		events, ended := q.events, q.ended
		q.events = nil
		q.mu.Unlock()
		for _, e := range events {
			select {
			case to <- e:
			case <-q.closed:
				return
			}
		}
		if ended && len(events) == 0 {
			return
		}
		if ended {
			continue
		}
		select {
		case <-q.more:
		case <-q.closed:
			return
		}
	}
}
