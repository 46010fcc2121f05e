package dynamolease

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// A wire is the far end of a real client: it answers from a list and keeps the
// requests.
type wire struct {
	mu       sync.Mutex // guards what follows
	replies  []reply
	requests []request
}

type reply struct {
	status int
	body   string
	err    error // instead of a reply
}

type request struct {
	op   string
	body string
}

// ok is a reply with a body.
func ok(body string) reply { return reply{status: 200, body: body} }

// refused is the reply to a write whose condition does not hold, with the old
// item, if it is not empty.
func refused(item string) reply {
	body := `{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","Message":"The conditional request failed"}`
	if item != "" {
		body = strings.TrimSuffix(body, "}") + `,"Item":` + item + `}`
	}
	return reply{status: 400, body: body}
}

// failed is an error of the service.
func failed(status int, code string) reply {
	return reply{status: status, body: `{"__type":"com.amazonaws.dynamodb.v20120810#` + code + `","message":"no"}`}
}

func (w *wire) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	w.requests = append(w.requests, request{op, string(body)})
	if len(w.replies) == 0 {
		return nil, errors.New("wire has no more replies")
	}
	next := w.replies[0]
	if len(w.replies) > 1 {
		w.replies = w.replies[1:]
	}
	if next.err != nil {
		return nil, next.err
	}
	return &http.Response{
		StatusCode: next.status,
		Header: http.Header{
			"Content-Type":     {"application/x-amz-json-1.0"},
			"X-Amzn-Requestid": {"REQ1"},
		},
		Body:    io.NopCloser(strings.NewReader(next.body)),
		Request: r,
	}, nil
}

// newWire returns a store whose real client gets these replies, the last one
// again and again. It does not ask for separate tables.
func newWire(replies ...reply) (*Store, *wire) {
	w := &wire{replies: replies}
	s := New(clientOver(w), "orders")
	s.layout.Store(s.singleTable())
	return s, w
}

// pretty returns JSON with sorted keys, each on its line.
func pretty(t *testing.T, s string) string {
	t.Helper()
	var v any
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("not JSON: %v: %s", err, s)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test -update rewrites it); got:\n%s", path, got)
	}
}

// clientOver returns a real client over h, with the SDK's own retries.
func clientOver(h aws.HTTPClient) *dynamodb.Client {
	return dynamodb.NewFromConfig(aws.Config{
		Region:      "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", ""),
		HTTPClient:  h,
	})
}
