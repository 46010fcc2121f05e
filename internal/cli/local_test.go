package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// environment makes an environment of NAME=VALUE.
func environment(vars ...string) func(string) string {
	return func(name string) string {
		for _, v := range vars {
			if value, ok := strings.CutPrefix(v, name+"="); ok {
				return value
			}
		}
		return ""
	}
}

// run runs the command and returns its exit code and what it wrote.
func run(t *testing.T, env func(string) string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	return runWith(t, env, "", args...)
}

// runWith is run with something on stdin.
func runWith(t *testing.T, env func(string) string, stdin string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	t.Setenv("AWS_CA_BUNDLE", "")
	var out, errs bytes.Buffer
	status = Main(t.Context(), args, strings.NewReader(stdin), &out, &errs, env)
	return status, out.String(), errs.String()
}

// startLocal serves in the background and returns the address. The returned
// stop ends it and returns its exit code.
func startLocal(t *testing.T, args ...string) (address string, ready *os.File, stop func() int) {
	t.Helper()
	ready, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	// The command closes the descriptor it is given.
	fd, err := syscall.Dup(int(w.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	out, in := io.Pipe()
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan int, 1)
	args = append([]string{"local", "--listen", "127.0.0.1:0", "--ready-fd", strconv.Itoa(fd)}, args...)
	go func() {
		ended <- Main(ctx, args, strings.NewReader(""), in, t.Output(), environment())
		in.Close()
	}()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), " at http://"); ok {
			address = url
		}
		if strings.HasPrefix(lines.Text(), "export ") {
			break
		}
	}
	go io.Copy(io.Discard, out)
	if address == "" {
		t.Fatalf("it did not say where it serves, and ended with %d", <-ended)
	}
	return address, ready, func() int {
		cancel(&SignalError{os.Interrupt})
		return <-ended
	}
}

func TestLocal(t *testing.T) {
	address, ready, stop := startLocal(t, "--stream", "orders:4", "--stream", "clicks:1")
	if b, err := io.ReadAll(ready); err != nil || len(b) != 1 {
		t.Errorf("ready: got %q, %v, want one byte", b, err)
	}
	status, stdout, stderr := run(t, environment(), "streams", "list", "--local="+address, "-o", "jsonl")
	if status != 0 || strings.Count(stdout, `"kind":"stream"`) != 2 || !strings.Contains(stdout, `"stream":"orders"`) {
		t.Errorf("streams list: exit code %d\n%s%s", status, stdout, stderr)
	}
	// The address given by the environment is as good.
	status, stdout, stderr = run(t, environment("AWS_ENDPOINT_URL=http://"+address), "shards", "list", "orders", "-o", "jsonl")
	if status != 0 || strings.Count(stdout, `"open":true`) != 4 {
		t.Errorf("shards list: exit code %d\n%s%s", status, stdout, stderr)
	}
	// Both services are there.
	if status, _, stderr := run(t, environment(), "leases", "list", "-a", "app", "--local="+address); status != int(notFound) {
		t.Errorf("leases list: exit code %d, want %d\n%s", status, notFound, stderr)
	}
	for name, set := range map[string]func(*http.Protocols){
		"HTTP/1.1": func(p *http.Protocols) { p.SetHTTP1(true) },
		"HTTP/2.0": func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) },
	} {
		transport := &http.Transport{Protocols: new(http.Protocols)}
		set(transport.Protocols)
		req, _ := http.NewRequest("POST", "http://"+address, strings.NewReader("{}"))
		req.Header.Set("X-Amz-Target", "Kinesis_20131202.ListStreams")
		req.Header.Set("Content-Type", "application/x-amz-json-1.1")
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if resp.Proto != name {
			t.Errorf("asked in %s, answered in %s", name, resp.Proto)
		}
		resp.Body.Close()
		transport.CloseIdleConnections()
	}
	if status := stop(); status != 0 {
		t.Errorf("stopped: exit code %d, want 0", status)
	}
	if status, _, _ := run(t, environment("AWS_MAX_ATTEMPTS=1"), "streams", "list", "--local="+address); status == 0 {
		t.Error("it still serves after its end")
	}
}

func TestLocalRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		want code
	}{
		{"all addresses", []string{"--listen", ":0"}, refused},
		{"all addresses by number", []string{"--listen", "0.0.0.0:0"}, refused},
		{"another machine's", []string{"--listen", "192.0.2.1:0"}, refused},
		{"a name", []string{"--listen", "example.com:0"}, refused},
		{"no port", []string{"--listen", "127.0.0.1"}, wrongUsage},
		{"a stream without shards", []string{"--listen", "127.0.0.1:0", "--stream", "a"}, wrongUsage},
		{"a stream twice", []string{"--listen", "127.0.0.1:0", "--stream", "a:1", "--stream", "a:1"}, failed},
		{"no such port", []string{"--listen", "127.0.0.1:99999"}, wrongUsage},
		{"no such descriptor", []string{"--listen", "127.0.0.1:0", "--ready-fd", "999999"}, failed},
		{"no port of one's own", []string{"--listen", "127.0.0.1:1"}, failed},
	} {
		if tt.name == "no port of one's own" && os.Geteuid() == 0 {
			continue // root may listen there
		}
		if status, _, stderr := run(t, environment(), append([]string{"local"}, tt.args...)...); status != int(tt.want) {
			t.Errorf("%s: exit code %d, want %d\n%s", tt.name, status, tt.want, stderr)
		}
	}
}

func TestLocalEnvironment(t *testing.T) {
	status, stdout, _ := run(t, environment(), "local", "--print-env", "--listen", "127.0.0.1:9999")
	const want = "export AWS_ENDPOINT_URL=http://127.0.0.1:9999 AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local\n"
	if status != 0 || stdout != want {
		t.Errorf("got %q with exit code %d, want %q", stdout, status, want)
	}
}

func TestLocalTwice(t *testing.T) {
	address, ready, stop := startLocal(t)
	defer ready.Close()
	defer stop()
	status, _, stderr := run(t, environment(), "local", "--listen", address)
	want := "leasehold: listen on " + address + ": something listens there already\n"
	if status != int(failed) || !strings.HasPrefix(stderr, want) || !strings.Contains(stderr, "\nhint: ") {
		t.Errorf("exit code %d and %q, want %d and %q with a hint", status, stderr, failed, want)
	}
}

// Whoever stops a producer has a whole array of what was stored.
func TestProducedArray(t *testing.T) {
	address, ready, stop := startLocal(t, "--stream", "orders:1")
	defer ready.Close()
	defer stop()
	ctx, cancel := context.WithCancelCause(t.Context())
	out, in := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- Main(ctx, []string{"produce", "orders", "--sample", "text", "-o", "json", "-q", "--local=" + address},
			strings.NewReader(""), in, t.Output(), environment())
		in.Close()
	}()
	var text bytes.Buffer
	if _, err := io.CopyN(&text, out, 10); err != nil {
		t.Fatal(err)
	}
	cancel(&SignalError{os.Interrupt})
	if _, err := io.Copy(&text, out); err != nil {
		t.Fatal(err)
	}
	var objects []map[string]any
	if err := json.Unmarshal(text.Bytes(), &objects); err != nil || len(objects) == 0 {
		t.Errorf("%d objects, %v, in %q", len(objects), err, text.Bytes())
	}
	if status := <-ended; status != 0 {
		t.Errorf("exit code %d, want 0", status)
	}
}

// A reader that closes the pipe ends the command without a word.
func TestClosedPipe(t *testing.T) {
	address, ready, stop := startLocal(t, "--stream", "orders:1")
	defer ready.Close()
	defer stop()
	out, in := io.Pipe()
	var stderr bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- Main(t.Context(), []string{"produce", "orders", "--sample", "text", "--rate", "10000", "-o", "jsonl", "-q", "--local=" + address},
			strings.NewReader(""), in, &stderr, environment())
	}()
	if _, err := bufio.NewReaderSize(out, 16).ReadByte(); err != nil {
		t.Fatal(err)
	}
	out.Close()
	if status := <-ended; status != 0 || stderr.Len() > 0 {
		t.Errorf("exit code %d and %q, want 0 and nothing", status, stderr.String())
	}
}
