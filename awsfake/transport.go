package awsfake

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"strconv"
)

// Client returns an HTTP client that reaches h without sockets. A request is
// served in the goroutine that makes it and honours the request's context, so
// the client can be used in a testing/synctest bubble.
func Client(h http.Handler) *http.Client {
	return &http.Client{Transport: transport{h}}
}

type transport struct{ h http.Handler }

// A cutter is a ResponseWriter whose connection can be seen to break with a
// given error. A real connection is simply closed.
type cutter interface{ cut(error) }

// A streamer is a ResponseWriter that runs the writer of a long body itself,
// beside the reader of the body.
type streamer interface {
	stream(func(ctx context.Context, w io.Writer))
}

// RoundTrip serves r from the handler.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	if ctx.Err() != nil {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, context.Cause(ctx)
	}
	in := r.WithContext(ctx) // a shallow copy: the caller's request stays as it is
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer in.Body.Close()
	in.RequestURI = r.URL.RequestURI()
	in.RemoteAddr = "in process"
	if in.Host == "" {
		in.Host = r.URL.Host
	}

	w := &recorder{header: http.Header{}}
	if err := w.run(t.h, in); err != nil {
		return nil, err
	}
	return w.response(r), nil
}

// A recorder is the ResponseWriter of a request in process.
type recorder struct {
	header  http.Header
	status  int
	sent    http.Header // header as it was when the status was written
	body    bytes.Buffer
	streams func(context.Context, io.Writer)
	broken  error
	flushed bool // what was written was sent
}

// run serves in, and returns the error with which its connection broke.
func (w *recorder) run(h http.Handler, in *http.Request) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			if w.broken == nil {
				w.broken = lost
			}
			if !w.flushed {
				err = w.broken
			}
		default:
			panic(p)
		}
	}()
	h.ServeHTTP(w, in)
	return nil
}

func (w *recorder) response(r *http.Request) *http.Response {
	w.WriteHeader(http.StatusOK)
	resp := &http.Response{
		Status:        strconv.Itoa(w.status) + " " + http.StatusText(w.status),
		StatusCode:    w.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        w.sent,
		Body:          io.NopCloser(bytes.NewReader(w.body.Bytes())),
		ContentLength: int64(w.body.Len()),
		Request:       r,
	}
	if w.broken != nil {
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(w.body.Bytes()), brokenReader{w.broken}))
		resp.ContentLength = -1
	}
	if w.streams != nil {
		ctx, cancel := context.WithCancel(r.Context())
		p := newPipe(ctx, cancel)
		go func() {
			defer p.closeWrite()
			w.streams(ctx, p)
		}()
		resp.Body, resp.ContentLength = p, -1
	}
	return resp
}

// A brokenReader is the end of a connection that broke.
type brokenReader struct{ err error }

func (r brokenReader) Read([]byte) (int, error) { return 0, r.err }

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status, w.sent = status, w.header.Clone()
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// Flush sends what was written: the caller sees it even if the connection
// breaks then.
func (w *recorder) Flush() {
	w.WriteHeader(http.StatusOK)
	w.flushed = true
}

func (w *recorder) cut(err error) { w.broken = err }

func (w *recorder) stream(f func(context.Context, io.Writer)) { w.streams = f }

// as finds a T in w or in a writer that w wraps, the way
// http.ResponseController does.
func as[T any](w http.ResponseWriter) (t T, ok bool) {
	for {
		if t, ok = w.(T); ok {
			return t, true
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return t, false
		}
		w = u.Unwrap()
	}
}

// cut breaks the connection. It does not return: net/http closes the
// connection of a handler that panics so, and so does transport.
func cut(w http.ResponseWriter, err error) {
	if c, ok := as[cutter](w); ok {
		c.cut(err)
	}
	panic(http.ErrAbortHandler)
}

// write sends a reply.
func write(w http.ResponseWriter, r *http.Request, rep *reply) {
	if rep.direct != nil {
		rep.direct(w)
		return
	}
	h := w.Header()
	for k, v := range rep.header {
		h[k] = v
	}
	h.Set("X-Amzn-Requestid", requestID())
	if rep.stream == nil {
		h.Set("Content-Length", strconv.Itoa(len(rep.body)))
		w.WriteHeader(rep.status)
		w.Write(rep.body)
		return
	}
	w.WriteHeader(rep.status)
	if s, ok := as[streamer](w); ok {
		s.stream(rep.stream)
		return
	}
	out := &flusher{w, http.NewResponseController(w)}
	out.rc.Flush()
	rep.stream(r.Context(), out)
}

// writeHalf sends the first half of a reply.
func writeHalf(w http.ResponseWriter, rep *reply) {
	h := w.Header()
	for k, v := range rep.header {
		h[k] = v
	}
	h.Set("X-Amzn-Requestid", requestID())
	h.Set("Content-Length", strconv.Itoa(len(rep.body)))
	w.WriteHeader(rep.status)
	w.Write(rep.body[:len(rep.body)/2])
	http.NewResponseController(w).Flush() // an error is a connection that broke by itself
}

// A flusher sends each Write at once.
type flusher struct {
	w  io.Writer
	rc *http.ResponseController
}

func (f *flusher) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if err == nil {
		err = f.rc.Flush()
	}
	return n, err
}

// requestID looks like those of AWS: 52 letters and digits.
func requestID() string { return rand.Text() + rand.Text() }
