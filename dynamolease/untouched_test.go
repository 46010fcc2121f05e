package dynamolease

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/leasehold/leasehold/awsfake"
	"github.com/leasehold/leasehold/lease"
)

// A write names the attributes that it means and no others. Here a table has
// attributes and items that nobody here knows, another process changes them all
// the time, and 10,000 operations of every sort go over it, with faults and with
// leases that were read long ago. After each one the whole table is compared
// with what it was: only what the operation is for may differ, and its requests
// may not even name anything else.
func TestFailure_F09_WritesNameOnlyWhatTheyMean(t *testing.T) {
	steps := 10_000
	if testing.Short() {
		steps = 1_000
	}
	u := newUntouched(t)
	before := u.rows()
	for n := range steps {
		if n%4 == 0 {
			u.outside(before)
			before = u.rows()
		}
		op := u.draw()
		u.writes = nil
		if op.do() {
			u.applied[op.name]++
		}
		writes, after := u.writes, u.rows()
		if err := errors.Join(op.changed(before, after), op.asked(writes)); err != nil {
			t.Fatalf("operation %d, %s of %q: %v", n, op.name, op.key, err)
		}
		if op.replaces || op.deletes && after[op.key] == nil {
			delete(u.planted, op.key)
		}
		before = after
	}
	// What the other process stored last is what is there.
	for key, planted := range u.planted {
		for attr, want := range planted {
			if got := u.tt.raw(t, key)[attr]; !reflect.DeepEqual(got, want) {
				t.Errorf("item %q: attribute %s is %#v, want %#v", key, attr, got, want)
			}
		}
	}
	for _, key := range u.kept {
		if before[key] == nil {
			t.Errorf("item %q is gone", key)
		}
	}
	for name, times := range u.applied {
		if times < steps/500 {
			t.Errorf("%s took effect %d times in %d operations: the test shows little of it", name, times, steps)
		}
	}
}

// rawRow is an item as it is on the wire, each attribute a JSON text.
type rawRow map[string]string

// An operation is a call of one of the library's methods, and what it may change.
type operation struct {
	name string
	key  string // of the only item that it may change
	// request is the only kind of write that it may ask for. Default UpdateItem.
	request string
	// attrs are the attributes that it may name.
	attrs []string
	// creates and deletes say that the item may begin and cease to be,
	// replaces that it may become another, and refused that nothing may change.
	creates, deletes, replaces, refused bool
	// do makes the call, and reports whether it did what it was for.
	do func() bool
}

// changed compares two looks at the table.
func (op operation) changed(before, after map[string]rawRow) error {
	var errs []error
	for key := range merged(before, after) {
		was, is := before[key], after[key]
		switch {
		case maps.Equal(was, is) && (was == nil) == (is == nil):
		case key != op.key:
			errs = append(errs, fmt.Errorf("item %q was %v, is %v", key, was, is))
		case op.refused, was == nil && !op.creates, is == nil && !op.deletes:
			errs = append(errs, fmt.Errorf("item was %v, is %v", was, is))
		case was != nil && is != nil && !op.replaces:
			for attr := range merged(was, is) {
				if was[attr] != is[attr] && !slices.Contains(op.attrs, attr) {
					errs = append(errs, fmt.Errorf("attribute %s was %s, is %s", attr, was[attr], is[attr]))
				}
			}
		}
	}
	return errors.Join(errs...)
}

// asked checks the requests of the operation, also those that were refused.
func (op operation) asked(writes []awsfake.Call) error {
	for _, w := range writes {
		if w.Key != op.key || w.Operation != cmp.Or(op.request, "UpdateItem") {
			return fmt.Errorf("it asks for %s of item %q", w.Operation, w.Key)
		}
		expr, _ := w.Input()["UpdateExpression"].(string)
		names, _ := w.Input()["ExpressionAttributeNames"].(map[string]any)
		for _, p := range assigned(expr) {
			if attr, _ := names[p].(string); !slices.Contains(op.attrs, attr) {
				return fmt.Errorf("it writes attribute %s (%s): %s", attr, p, expr)
			}
		}
	}
	return nil
}

func merged[M ~map[string]V, V any](a, b M) M {
	m := maps.Clone(a)
	maps.Copy(m, b)
	return m
}

// assigned returns the placeholders of what an update sets and removes.
func assigned(expr string) (names []string) {
	sets, removes, _ := strings.Cut(expr, "REMOVE ")
	sets = strings.TrimPrefix(sets, "SET ")
	for _, part := range append(strings.Split(sets, ","), strings.Split(removes, ",")...) {
		name, _, _ := strings.Cut(strings.TrimSpace(part), " = ")
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// untouched is the table of the test, and what works on it.
type untouched struct {
	t       *testing.T
	ctx     context.Context
	rnd     *rand.Rand
	tt      *target
	m       *lease.Manager
	http    *http.Client
	writes  []awsfake.Call
	parsed  map[string]rawRow       // the items of the last look, by their text
	planted map[string]item         // what the other process stored, by key and attribute
	kept    []string                // keys of items that nothing may delete
	old     map[string]*lease.Lease // leases as they were last read
	applied map[string]int          // how often an operation took effect
	serial  int64
}

const lockItem, versionItem = "Leader", "Migration3.0"

func newUntouched(t *testing.T) *untouched {
	u := &untouched{t: t, ctx: t.Context(), rnd: rand.New(rand.NewPCG(9, 0)), planted: map[string]item{}, old: map[string]*lease.Lease{}, applied: map[string]int{}}
	db := &awsfake.DynamoDB{Trace: func(r awsfake.Result) {
		switch op := r.Call.Operation; {
		case r.Call.Caller != "w-1": // the other process, and the looks
		case strings.HasPrefix(op, "Get"), strings.HasPrefix(op, "Describe"), op == "Scan", op == "Query":
		default:
			u.writes = append(u.writes, r.Call)
		}
	}}
	u.tt = newTarget(t, awsfake.Config(db, "w-1"), "orders")
	u.tt.client = dynamodb.NewFromConfig(awsfake.Config(db, "another"))
	u.http = awsfake.Client(db)
	u.m = lease.NewManager(u.tt.store)
	u.m.Backoff = time.Nanosecond

	for i := range 5 {
		l := genLease.Example(i)
		l.Key, l.Counter, l.Switches = fmt.Sprint("shardId-", i), int64(i), int64(i)
		row := leaseItem(l)
		if i%2 == 0 {
			delete(row, attrEntity)
		}
		u.keep(row)
	}
	u.keep(item{"leaseKey": text("w-1"), "entityType": text("WORKER_METRIC_STATS"), "lut": decimal("1"), "sts": object(item{"C": text("1")})})
	u.keep(item{"leaseKey": text(versionItem), "entityType": text("CLIENT_VERSION_MIGRATION"), "cv": text("CLIENT_VERSION_3X")})
	u.keep(item{"leaseKey": text("TableMigration3.5"), "entityType": text("TABLE_MIGRATION"), "tm": text("x")})
	u.keep(item{"leaseKey": text("stream"), "entityType": text("STREAM"), "x": text("y")})
	u.keep(item{"leaseKey": text("ticket"), "entityType": text("PARKING_TICKET"), "leaseCounter": decimal("5"), "ownerSwitchesSinceCheckpoint": decimal("5"), "leaseOwner": text("a")})
	u.keep(item{"leaseKey": text("broken"), "entityType": text("LEASE"), "leaseOwner": text("a"), "leaseCounter": text("5")})
	for i, key := range u.kept {
		all := values
		if i > 6 { // the leases, the worker and the version come first
			all = values[i%4:][:2]
		}
		for _, v := range all {
			u.plant(key, typeName(v), v)
		}
	}
	return u
}

func (u *untouched) keep(row item) {
	u.tt.mustPlant(u.t, row)
	u.kept = append(u.kept, newRow(row).key())
}

// rows is the whole table.
func (u *untouched) rows() map[string]rawRow {
	req, err := http.NewRequestWithContext(u.ctx, "POST", "http://fake/", strings.NewReader(`{"TableName":"orders","ConsistentRead":true}`))
	if err != nil {
		u.t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810.Scan")
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=another/20261124/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=x")
	resp, err := u.http.Do(req)
	if err != nil {
		u.t.Fatal(err)
	}
	defer resp.Body.Close()
	var page struct{ Items []json.RawMessage }
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, json.Unmarshal(body, &page)); err != nil || resp.StatusCode != 200 {
		u.t.Fatalf("scan: %v, %s", err, body)
	}
	rows, parsed := make(map[string]rawRow), make(map[string]rawRow)
	for _, it := range page.Items {
		row := u.parsed[string(it)] // most are as they were
		if row == nil {
			var attrs map[string]json.RawMessage
			if err := json.Unmarshal(it, &attrs); err != nil {
				u.t.Fatal(err)
			}
			row = rawRow{}
			for attr, v := range attrs {
				row[attr] = string(v)
			}
		}
		parsed[string(it)] = row
		rows[strings.Trim(strings.TrimPrefix(row[attrKey], `{"S":`), `"}`)] = row
	}
	u.parsed = parsed
	return rows
}

// plant stores an attribute that this library does not know.
func (u *untouched) plant(key, name string, v types.AttributeValue) {
	name = "of others " + name
	_, err := u.tt.client.UpdateItem(u.ctx, &dynamodb.UpdateItemInput{
		TableName: &u.tt.store.table, Key: item{attrKey: text(key)},
		UpdateExpression: new("SET #n = :v"), ExpressionAttributeNames: map[string]string{"#n": name}, ExpressionAttributeValues: item{":v": v},
	})
	if err != nil {
		u.t.Fatal(err)
	}
	if u.planted[key] == nil {
		u.planted[key] = item{}
	}
	u.planted[key][name] = v
}

// outside does what another process, of another library or version, may do: it
// changes an attribute of its own, or one of a lease without moving the counter.
func (u *untouched) outside(rows map[string]rawRow) {
	key := pick(u, slices.Sorted(maps.Keys(rows)))
	v := pick(u, []types.AttributeValue{
		text(u.next()), number(u.rnd.Int64()), binary([]byte(u.next())), stringSet([]string{u.next(), "5"}), object(item{"a": object(item{u.next(): number(1)})}),
		&types.AttributeValueMemberL{Value: []types.AttributeValue{text(u.next()), number(1)}}, &types.AttributeValueMemberBOOL{Value: u.rnd.IntN(2) == 0},
	})
	u.plant(key, typeName(v), v)
	if strings.HasPrefix(key, "shardId-") && u.rnd.IntN(2) == 0 {
		attr := pick(u, []string{"childShardIds", "parentShardId"})
		_, err := u.tt.client.UpdateItem(u.ctx, &dynamodb.UpdateItemInput{
			TableName: &u.tt.store.table, Key: item{attrKey: text(key)},
			UpdateExpression: new("SET #n = :v"), ExpressionAttributeNames: map[string]string{"#n": attr}, ExpressionAttributeValues: item{":v": stringSet([]string{u.next()})},
		})
		if err != nil {
			u.t.Fatal(err)
		}
	}
}

func (u *untouched) next() string { u.serial++; return fmt.Sprint("x", u.serial) }

func pick[T any](u *untouched, all []T) T { return all[u.rnd.IntN(len(all))] }
