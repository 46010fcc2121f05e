package linear

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/leasehold/leasehold/awsfake"
	"github.com/leasehold/leasehold/dynamolease"
	"github.com/leasehold/leasehold/internal/emul"
	"github.com/leasehold/leasehold/lease"
)

// A wire is a table in DynamoDB, or in what passes for it, behind the real client.
// The faults are done between the two.
type wire struct {
	handler http.Handler
	name    string // the table's

	mu    sync.Mutex      // guards what follows
	tries map[string]*try // by the name of the caller
	// open counts the calls that are on their way; idle is when there are none.
	open int
	idle *sync.Cond
}

// newFake returns an empty table in the fake.
func newFake(t *testing.T) *wire {
	w := newWire("leases")
	db := &awsfake.DynamoDB{Trace: w.trace}
	db.SetScript(w.script)
	w.handler = db
	w.create(t)
	return w
}

// newEmulated returns an empty table in an emulator.
func newEmulated(t *testing.T, s emul.Service) *wire {
	w := newWire(emul.Name(t))
	address, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	layer := &awsfake.Faults{
		Trace: w.trace,
		Next: &httputil.ReverseProxy{
			Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(address) },
			Transport: s.Config().HTTPClient.(*http.Client).Transport,
		},
	}
	layer.SetScript(w.script)
	w.handler = layer
	w.create(t)
	return w
}

func newWire(name string) *wire {
	w := &wire{name: name, tries: map[string]*try{}}
	w.idle = sync.NewCond(&w.mu)
	return w
}

func (w *wire) create(t *testing.T) {
	t.Helper()
	m := lease.NewManager(w.store(0, nil))
	if _, err := m.CreateLeaseTableIfNotExists(t.Context(), 0, 0); err != nil {
		t.Fatal(err)
	}
	if ok, err := m.WaitUntilLeaseTableExists(t.Context(), 10*time.Millisecond, time.Minute); !ok || err != nil {
		t.Fatalf("WaitUntilLeaseTableExists: got %v, %v", ok, err)
	}
}

func (w *wire) drop() {
	client := dynamodb.NewFromConfig(awsfake.Config(w.handler, emul.AccessKey))
	client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &w.name})
}

func (w *wire) store(number int, weather *weather) lease.Store {
	name := fmt.Sprint("caller", number)
	s := dynamolease.New(dynamodb.NewFromConfig(awsfake.Config(w.handler, name)), w.name)
	if weather == nil {
		return s
	}
	return &path{s, weather, func(ctx context.Context, f fault, key string, request func(context.Context) error) error {
		try := &try{fault: f}
		w.mu.Lock()
		w.tries[name] = try
		w.mu.Unlock()
		err := request(ctx)
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.tries, name)
		if e, ok := errors.AsType[*lease.Error](err); ok && try.harmless() {
			err = &lease.Error{Op: e.Op, Key: e.Key, Kind: e.Kind, Retryable: e.Retryable, Err: harmless{e.Err}}
		}
		return err
	}}
}

// A try is a caller's present request.
type try struct {
	fault
	number int64 // of the call that the fault was done to, 0 if there is none yet
	ended  bool
	result string // see awsfake.Result
}

// harmless reports whether the try, which failed, has no effect: it was not sent,
// did not arrive, or was refused.
func (t *try) harmless() bool {
	return t.number == 0 || t.ended && t.result != "" && t.result != "lost"
}

// script gives a caller's request the fault that was drawn for it. A store may
// read a row after a refused write, and nothing befalls that.
func (w *wire) script(c awsfake.Call) awsfake.Fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open++
	try := w.tries[c.Caller]
	if try == nil || try.number != 0 || !strings.HasSuffix(c.Operation, "Item") {
		return awsfake.Fault{}
	}
	try.number = c.Number
	f := try.fault
	out := awsfake.Fault{Delay: f.before, DelayReply: f.after}
	switch f.what {
	case refuse:
		out.Refuse = true
	case throttle:
		out.Code = awsfake.Throttle().Code
	case lose:
		out.LoseReply, out.CutBody = !f.cut, f.cut
	case twice:
		out.Duplicate = true
	case late:
		out.Late = true
	}
	return out
}

// trace is told of the end of each call.
func (w *wire) trace(r awsfake.Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if try := w.tries[r.Call.Caller]; try != nil && try.number == r.Call.Number {
		try.ended, try.result = true, r.Err
	}
	w.open--
	if w.open == 0 {
		w.idle.Broadcast()
	}
}

func (w *wire) settle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.open > 0 {
		w.idle.Wait()
	}
}
