package awsfake

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/leasehold/leasehold/awsfake/internal/kin"
)

// A kinesisBackend is the part of Kinesis behind the front.
type kinesisBackend struct{ *Kinesis }

// A kinesisOp is one operation: how its request is read, and what it does.
type kinesisOp struct {
	decode func(body []byte) (kinesisInput, error)
	do     func(a *kin.Account, in kinesisInput, w *body) error
}

// A kinesisInput is a decoded request. Nobody changes it: it may be applied
// twice.
type kinesisInput interface {
	// target names the stream and the shard that the request is about, each
	// empty if it names none.
	target() (stream, shard string)
}

// op makes an operation of a function that reads a T and writes its reply.
func op[T any, P interface {
	*T
	kinesisInput
}](do func(a *kin.Account, in P, w *body) error) kinesisOp {
	return kinesisOp{
		decode: func(body []byte) (kinesisInput, error) {
			in := P(new(T))
			return in, json.Unmarshal(body, in)
		},
		do: func(a *kin.Account, in kinesisInput, w *body) error { return do(a, in.(P), w) },
	}
}

// A kinesisCall is a request as read knows it.
type kinesisCall struct {
	op  kinesisOp
	in  kinesisInput
	err *kin.Error // if it cannot be applied
}

func (b kinesisBackend) settings() settings {
	return settings{"Kinesis", b.Script, b.Trace, b.Latency}
}

func (b kinesisBackend) read(r *request) {
	call := &kinesisCall{}
	r.parsed = call
	var known bool
	if call.op, known = kinesisOps[r.Operation]; !known {
		call.err = &kin.Error{Code: codeUnknown, Message: "unknown operation " + r.Operation}
		return
	}
	text := r.body
	if isCBOR(r) {
		var err error
		if text, err = jsonOf(r.body); err != nil {
			call.err = &kin.Error{Code: codeSerialization, Message: err.Error()}
			return
		}
		r.input = sync.OnceValue(func() map[string]any { return decodeInput(text) })
	}
	in, err := call.op.decode(text)
	if err != nil {
		call.err = &kin.Error{Code: codeSerialization, Message: err.Error()}
		return
	}
	call.in = in
	r.Resource, r.Key = in.target()
}

func (b kinesisBackend) apply(r *request) *reply {
	call := r.parsed.(*kinesisCall)
	if call.err != nil {
		return kinesisError(r, call.err, 0)
	}
	w := &body{cbor: isCBOR(r)}
	if err := call.op.do(b.engine(), call.in, w); err != nil {
		e, ok := errors.AsType[*kin.Error](err)
		if !ok {
			panic(err) // the engine has no other errors
		}
		return kinesisError(r, e, 0)
	}
	if w.b == nil && w.cbor {
		w.object(func() {})
	}
	return kinesisReply(w, http.StatusOK)
}

func (b kinesisBackend) fail(r *request, f Fault) *reply {
	return kinesisError(r, &kin.Error{Code: f.Code, Message: f.message()}, f.status())
}

// kinesisError is an error answer. A status of 0 is the usual one.
func kinesisError(r *request, e *kin.Error, status int) *reply {
	if status == 0 {
		status = Fault{Code: e.Code}.status()
	}
	w := &body{cbor: isCBOR(r)}
	w.object(func() {
		w.key("__type").text(e.Code)
		w.key("message").text(e.Message)
	})
	rep := kinesisReply(w, status)
	rep.code = e.Code
	return rep
}

func kinesisReply(w *body, status int) *reply {
	kind := jsonType
	if w.cbor {
		kind = cborType
	}
	return &reply{status: status, header: http.Header{"Content-Type": {kind}}, body: w.b}
}

func isCBOR(r *request) bool {
	return r.http != nil && strings.HasPrefix(r.http.Header.Get("Content-Type"), cborType)
}
