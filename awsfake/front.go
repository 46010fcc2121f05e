package awsfake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// maxBody bounds what is read of a request: more than the 10 MiB record and
// the 16 MB batch that the services accept.
const maxBody = 32 << 20

// A backend is a fake behind the front: it understands requests and serves
// them, and knows nothing of faults, latency and callers.
type backend interface {
	// settings returns what its user asked for.
	settings() settings
	// read looks at the body of r and sets Resource, Key and whatever apply
	// needs. A body that makes no sense is apply's to answer.
	read(r *request)
	// apply serves r. It does not wait, and may be called twice.
	apply(r *request) *reply
	// fail is the service's error answer.
	fail(r *request, f Fault) *reply
}

type settings struct {
	service string
	script  Script
	trace   func(Result)
	latency time.Duration
}

// A request is a call on its way to a backend.
type request struct {
	Call
	http   *http.Request
	fault  Fault
	body   []byte
	parsed any // the backend's own
}

// A reply is a backend's answer.
type reply struct {
	status int
	header http.Header
	body   []byte

	// stream, if set, writes the body instead, as long as ctx lasts: until the
	// caller closes its end. Each Write reaches the caller at once.
	stream func(ctx context.Context, w io.Writer)

	// direct, if set, writes all of the reply.
	direct func(http.ResponseWriter)

	// code is the error code of a refusal.
	code                  string
	broken                error // the service broke the connection
	readUnits, writeUnits float64
}

// A front is the common first part of both fakes: it numbers the calls, asks
// the script, and delays, loses, repeats, and traces them.
type front struct {
	number atomic.Int64

	mu     sync.Mutex // guards script and set
	script Script
	set    bool
}

// setScript replaces the script that the settings name.
func (f *front) setScript(s Script) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script, f.set = s, true
}

func (f *front) scriptOr(s Script) Script {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.set {
		return f.script
	}
	return s
}

// serve serves one HTTP request from b.
func (f *front) serve(w http.ResponseWriter, hr *http.Request, b backend) {
	arrived := time.Now()
	set := b.settings()

	body, err := io.ReadAll(http.MaxBytesReader(w, hr.Body, maxBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); !ok {
			cut(w, err) // the caller broke off
		}
		write(w, hr, b.fail(&request{http: hr}, Fault{Code: "RequestEntityTooLarge", Status: http.StatusRequestEntityTooLarge}))
		return
	}
	_, op, _ := strings.Cut(hr.Header.Get("X-Amz-Target"), ".")
	r := &request{
		Call: Call{
			Service:   set.service,
			Operation: op,
			Caller:    caller(hr),
			Number:    f.number.Add(1),
			At:        arrived,
			input:     sync.OnceValue(func() map[string]any { return decodeInput(body) }),
		},
		http: hr,
		body: body,
	}
	b.read(r)

	var fault Fault
	if script := f.scriptOr(set.script); script != nil {
		fault = script(r.Call)
		r.fault = fault
	}

	rep, end := f.pass(hr.Context(), b, r, fault, set)
	if rep == nil && end == nil {
		// The call goes on without its caller, and traces itself.
		cut(w, context.Cause(hr.Context()))
	}
	if set.trace != nil {
		set.trace(r.result(rep, end))
	}
	switch {
	case end == nil && rep.broken != nil:
		cut(w, rep.broken)
	case end == nil:
		write(w, hr, rep)
	case end.half:
		writeHalf(w, rep)
		cut(w, end.err)
	case end.err != nil:
		cut(w, end.err)
	default:
		cut(w, context.Cause(hr.Context()))
	}
}

// An ending is a call without a reply: what Result.Err says of it, and the
// error that its caller sees, nil if that is the caller's own.
type ending struct {
	name string
	err  error
	half bool // the caller sees half the reply before
}

var (
	refused = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	lost    = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
)

// pass takes r through the stages. It returns the reply, or how the call ended
// without, or neither if a late call was left to itself.
func (f *front) pass(ctx context.Context, b backend, r *request, fault Fault, set settings) (*reply, *ending) {
	half := set.latency / 2
	if r.Operation == "Scan" || r.Operation == "Query" {
		fault.Delay += fault.Torn
	}
	act := func() *reply {
		if fault.Code != "" {
			rep := b.fail(r, fault)
			rep.code = fault.Code
			return rep
		}
		return applied(b, r, fault.Duplicate)
	}

	var rep *reply
	if fault.Late && half+fault.Delay > 0 && !fault.Refuse {
		var ok bool
		if rep, ok = late(ctx, half+fault.Delay, act, func(rep *reply) {
			if set.trace != nil {
				set.trace(r.result(rep, &ending{name: errLost}))
			}
		}); !ok {
			return nil, nil
		}
	} else {
		if !sleep(ctx, half+fault.Delay) {
			return nil, &ending{name: errGone}
		}
		if fault.Refuse {
			return nil, &ending{name: errRefused, err: refused}
		}
		rep = act()
	}

	if !sleep(ctx, fault.DelayReply+set.latency-half) {
		return rep, &ending{name: errLost}
	}
	if fault.LoseReply {
		return rep, &ending{name: errLost, err: lost}
	}
	if fault.CutBody {
		return rep, &ending{name: errLost, err: io.ErrUnexpectedEOF, half: true}
	}
	return rep, nil
}

// applied serves r, twice if told so, and returns the last answer with the
// cost of all.
func applied(b backend, r *request, twice bool) *reply {
	rep := b.apply(r)
	if twice {
		again := b.apply(r)
		again.readUnits += rep.readUnits
		again.writeUnits += rep.writeUnits
		rep = again
	}
	return rep
}

// late acts after d whatever its caller does. If the caller gives up first,
// late returns false at once, and alone gets the reply when there is one.
func late(ctx context.Context, d time.Duration, act func() *reply, alone func(*reply)) (*reply, bool) {
	done := make(chan *reply)
	go func() {
		time.Sleep(d)
		rep := act()
		select {
		case done <- rep:
		case <-ctx.Done():
			alone(rep)
		}
	}()
	select {
	case rep := <-done:
		return rep, true
	case <-ctx.Done():
		return nil, false
	}
}

// sleep waits for d and reports whether ctx lasted as long.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (r *request) result(rep *reply, end *ending) Result {
	res := Result{Call: r.Call, Took: time.Since(r.At)}
	if rep != nil {
		res.Err, res.ReadUnits, res.WriteUnits = rep.code, rep.readUnits, rep.writeUnits
	}
	if end != nil {
		res.Err = end.name
	}
	return res
}

// caller returns the access key ID that signed the request.
func caller(r *http.Request) string {
	_, s, ok := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if !ok {
		return ""
	}
	id, _, _ := strings.Cut(s, "/")
	return id
}

func decodeInput(body []byte) map[string]any {
	var in map[string]any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if d.Decode(&in) != nil {
		return nil
	}
	return in
}
