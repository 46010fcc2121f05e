package dynamolease

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/leasehold/leasehold/lease"
)

// A target is a store on a service, and the means to make its life hard. What
// it does to requests it does between the client and the service, so that all
// services, real ones too, misbehave alike.
type target struct {
	store  *Store
	client *dynamodb.Client // without the faults
	*faults
}

// newTarget returns a target on a fresh table of this name.
func newTarget(t *testing.T, cfg aws.Config, table string) *target {
	t.Helper()
	f := &faults{next: cfg.HTTPClient, calls: map[string]int{}}
	tt := &target{client: dynamodb.NewFromConfig(cfg), faults: f}
	cfg.HTTPClient = f
	tt.store = New(dynamodb.NewFromConfig(cfg), table)
	if created, err := tt.store.CreateTable(t.Context(), 0, 0); err != nil || !created {
		t.Fatalf("CreateTable: %v, %v", created, err)
	}
	tt.wait(t.Context(), func(s lease.Table) bool { return s.Status == lease.Active && s.Index == lease.Active })
	t.Cleanup(func() { tt.client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &table}) })
	return tt
}

func (t *target) Store() lease.Store { return t.store }

// wait waits until the table is as ready says.
func (t *target) wait(ctx context.Context, ready func(lease.Table) bool) error {
	for {
		s, err := t.store.DescribeTable(ctx)
		if err != nil || ready(s) {
			return err
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (t *target) plant(ctx context.Context, item map[string]types.AttributeValue) error {
	_, err := t.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &t.store.table, Item: item})
	return err
}

func (t *target) PlantBroken(ctx context.Context, key string) error {
	return t.plant(ctx, map[string]types.AttributeValue{
		"leaseKey": text(key), "entityType": text("LEASE"), "checkpoint": text("TRIM_HORIZON"), "leaseOwner": text("a")})
}

func (t *target) PlantForeign(ctx context.Context, key string) error {
	return t.plant(ctx, map[string]types.AttributeValue{
		"leaseKey": text(key), "entityType": text("PARKING_TICKET"), "leaseCounter": number(1)})
}

func (t *target) DropTable(ctx context.Context) error {
	if _, err := t.client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &t.store.table}); err != nil {
		return err
	}
	return t.wait(ctx, func(s lease.Table) bool { return s.Status == lease.Missing })
}

// An indexed is a target on a service that can remove an index, which dynalite
// cannot.
type indexed struct{ *target }

func (t indexed) DropIndex(ctx context.Context) error {
	// On dynalite the index stays, and nobody should wait long for that.
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err := t.client.UpdateTable(ctx, &dynamodb.UpdateTableInput{
		TableName: &t.store.table,
		GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{
			{Delete: &types.DeleteGlobalSecondaryIndexAction{IndexName: new(indexName)}}},
	})
	if err != nil {
		return err
	}
	return t.wait(ctx, func(s lease.Table) bool { return s.Status == lease.Active && s.Index == lease.Missing })
}

// faults is a client's HTTP client that spoils some requests.
type faults struct {
	mu        sync.Mutex // guards what follows
	next      aws.HTTPClient
	throttle  int
	fail      int
	lose      int
	hang      int
	breakScan int // 2: the next page is to be one item, 1: the next page fails
	status    lease.TableStatus
	calls     map[string]int
}

// count returns how often an operation was asked for.
func (f *faults) count(op string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[op]
}

func (f *faults) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *faults) Throttle(n int)    { f.set(func() { f.throttle = n }) }
func (f *faults) Fail(n int)        { f.set(func() { f.fail = n }) }
func (f *faults) LoseReplies(n int) { f.set(func() { f.lose = n }) }
func (f *faults) Hang(n int)        { f.set(func() { f.hang = n }) }
func (f *faults) BreakScan()        { f.set(func() { f.breakScan = 2 }) }

// SetTableStatus makes a service say that the table is in this state, and refuse
// what it refuses then.
func (f *faults) SetTableStatus(_ context.Context, s lease.TableStatus) error {
	f.set(func() { f.status = s })
	return nil
}

var errReset = &netError{syscall.ECONNRESET}

// A netError is what the HTTP client returns of a broken connection.
type netError struct{ error }

func (e *netError) Unwrap() error { return e.error }

func (f *faults) Do(r *http.Request) (*http.Response, error) {
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	rows := strings.HasSuffix(op, "Item") || op == "Query" || op == "Scan"
	writes := rows && !slices.Contains([]string{"GetItem", "BatchGetItem", "Query", "Scan"}, op) || op == "CreateTable" || op == "UpdateTable"
	f.mu.Lock()
	f.calls[op]++
	next := f.next
	hang, throttle, fail := f.hang > 0, f.throttle > 0, f.fail > 0
	lose := writes && f.lose > 0
	status := f.status
	one := op == "Scan" && f.breakScan == 2
	broken := op == "Scan" && f.breakScan == 1
	switch {
	case hang:
		f.hang--
	case throttle:
		f.throttle--
	case fail:
		f.fail--
	case lose:
		f.lose--
	case one, broken:
		f.breakScan--
	}
	f.mu.Unlock()

	switch {
	case hang:
		<-r.Context().Done()
		return nil, r.Context().Err()
	case throttle:
		return canned(r, 400, "ProvisionedThroughputExceededException"), nil
	case fail, broken:
		return canned(r, 500, "InternalServerError"), nil
	case rows && (status == lease.Creating || status == lease.Deleting):
		return canned(r, 400, "ResourceNotFoundException"), nil
	case one:
		return onePage(next, r)
	}
	resp, err := next.Do(r)
	if err != nil {
		return nil, err
	}
	switch {
	case lose:
		resp.Body.Close()
		return nil, errReset
	case op == "DescribeTable" && status != lease.Missing && resp.StatusCode == 200:
		return edit(resp, func(m map[string]any) {
			m["Table"].(map[string]any)["TableStatus"] = strings.ToUpper(status.String())
		})
	}
	return resp, nil
}

// onePage asks a scan for one item only, so that there is a second page.
func onePage(next aws.HTTPClient, r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, err
	}
	m["Limit"] = 1
	body, err = json.Marshal(m)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return next.Do(r)
}

func canned(r *http.Request, status int, code string) *http.Response {
	return &http.Response{
		StatusCode: status,
		Header:     http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body:       io.NopCloser(strings.NewReader(fmt.Sprintf(`{"__type":"com.amazonaws.dynamodb.v20120810#%s"}`, code))),
		Request:    r,
	}
}

func edit(resp *http.Response, change func(map[string]any)) (*http.Response, error) {
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	var m map[string]any
	if err = errors.Join(err, json.Unmarshal(body, &m)); err != nil {
		return nil, err
	}
	change(m)
	if body, err = json.Marshal(m); err != nil {
		return nil, err
	}
	resp.Header = maps.Clone(resp.Header)
	resp.Header.Del("X-Amz-Crc32")
	resp.Header.Del("Content-Length")
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, nil
}
