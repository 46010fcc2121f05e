package awsfake

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Client serves any handler, and shows what a server would show it.
func TestClientServesAnyHandler(t *testing.T) {
	c := Client(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", r.Host+r.RequestURI)
		w.WriteHeader(http.StatusTeapot)
		w.Header().Set("X-Late", "too late")
		io.WriteString(w, strings.ToUpper(string(b)))
	}))
	resp, err := c.Post("http://fake.invalid/a?b=c", "text/plain", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(resp.Body)
	if got := resp.Header.Get("X-Seen"); resp.StatusCode != http.StatusTeapot || got != "fake.invalid/a?b=c" || string(b) != "BODY" || resp.Header.Get("X-Late") != "" {
		t.Errorf("got %d, header %q, body %q, late header %q", resp.StatusCode, got, b, resp.Header.Get("X-Late"))
	}

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	r, _ := http.NewRequestWithContext(gone, "GET", "http://fake.invalid/", nil)
	if _, err := c.Do(r); !errors.Is(err, context.Canceled) {
		t.Errorf("call with a done context: got %v, want %v", err, context.Canceled)
	}
}

// A handler behind another that wraps the writer, the usual way, can still
// break the connection and stream.
type wrapped struct{ http.ResponseWriter }

func (w wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func TestWrappedWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stopped := false
		c := Client(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/cut" {
				cut(wrapped{w}, lost)
			}
			write(wrapped{w}, r, &reply{status: 200, stream: func(ctx context.Context, w io.Writer) {
				io.WriteString(w, "first")
				time.Sleep(time.Minute)
				io.WriteString(w, "second")
				<-ctx.Done()
				stopped = true
			}})
		}))
		if _, err := c.Get("http://fake.invalid/cut"); !errors.Is(err, lost) {
			t.Errorf("cut: got %v, want %v", err, lost)
		}
		resp, err := c.Get("http://fake.invalid/stream")
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		readAs(t, resp.Body, "first")
		if took := time.Since(start); took != 0 {
			t.Errorf("first after %v, want at once", took)
		}
		readAs(t, resp.Body, "second")
		if took := time.Since(start); took != time.Minute {
			t.Errorf("second after %v, want 1m", took)
		}
		resp.Body.Close()
		synctest.Wait()
		if !stopped {
			t.Error("the writer goes on after the body was closed")
		}
		if _, err := resp.Body.Read(make([]byte, 1)); err == nil {
			t.Error("read of a closed body: got no error")
		}
	})
}

func readAs(t *testing.T, r io.Reader, want string) {
	t.Helper()
	b := make([]byte, len(want))
	if _, err := io.ReadFull(r, b); err != nil || string(b) != want {
		t.Errorf("read %q, %v, want %q", b, err, want)
	}
}

// A writer runs ahead of its reader, but not endlessly, and its last words
// are read.
func TestPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := newPipe(ctx, cancel)
		written := 0
		go func() {
			defer p.closeWrite()
			for range 4 {
				n, _ := p.Write(make([]byte, pipeSize/2))
				written += n
			}
		}()
		synctest.Wait()
		if written != pipeSize {
			t.Errorf("without a reader: %d bytes written, want %d", written, pipeSize)
		}
		b, err := io.ReadAll(p)
		if len(b) != 2*pipeSize || err != nil {
			t.Errorf("read %d bytes, %v, want %d", len(b), err, 2*pipeSize)
		}
		p.Close()
		if _, err := p.Write([]byte("x")); err == nil {
			t.Error("write to a closed pipe: got no error")
		}
	})
}

func TestServices(t *testing.T) {
	db := &DynamoDB{}
	if status, got := call(t, &Services{DynamoDB: db}, "ListTables", `{}`); status != 200 {
		t.Errorf("ListTables: got %d %s", status, got)
	}
	r, _ := http.NewRequest("POST", "http://fake.invalid/", strings.NewReader(`{}`))
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
	for name, s := range map[string]*Services{"no DynamoDB": {}, "another service": {DynamoDB: db}} {
		if name == "another service" {
			r.Header.Set("X-Amz-Target", "SQS.Send")
		}
		resp, err := Client(s).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != 400 || !strings.Contains(string(b), "UnknownOperationException") {
			t.Errorf("%s: got %d %s", name, resp.StatusCode, b)
		}
	}
}
