package leasehold_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/leasehold/leasehold/awsfake"
)

// calls counts the calls of the table service, by what they do and by caller.
type calls struct {
	mu sync.Mutex // guards what follows
	of map[string]int
	ok map[string]int
}

// countCalls counts from now on. It must come before any call: the service reads
// Trace without a lock.
func (f *fleet) countCalls() *calls {
	c := &calls{of: make(map[string]int), ok: make(map[string]int)}
	f.db.Trace = func(r awsfake.Result) {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, who := range []string{"", " by " + r.Call.Caller} {
			c.of[r.Call.Operation+who]++
			if r.Err == "" {
				c.ok[r.Call.Operation+who]++
			}
		}
	}
	return c
}

// made returns how often an operation was called, and how often it succeeded.
func (c *calls) made(op string) (of, ok int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of[op], c.ok[op]
}

// reset forgets what was counted.
func (c *calls) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.of)
	clear(c.ok)
}

func (f *fleet) client() *dynamodb.Client {
	return dynamodb.NewFromConfig(awsfake.Config(f.db, "setup"))
}

// bareTable makes the lease table without its index, as Java KCL 2 left it.
func (f *fleet) bareTable() {
	f.t.Helper()
	_, err := f.client().CreateTable(context.Background(), &dynamodb.CreateTableInput{
		TableName:            new(fleetApp),
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: new("leaseKey"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: new("leaseKey"), KeyType: types.KeyTypeHash}},
		BillingMode:          types.BillingModePayPerRequest,
	})
	if err != nil {
		f.t.Errorf("create a table without an index: %v", err)
	}
}

// status returns the states of the table and of its index.
func (f *fleet) status() string {
	t, err := f.store("test").DescribeTable(context.Background())
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%v, index %v", t.Status, t.Index)
}

// reads wants each worker to read so many shards, at least, and all together each
// shard.
func (f *fleet) reads(shards, each int, workers ...string) {
	f.t.Helper()
	since := time.Now().Add(-3 * time.Second)
	if got := f.shardsOf("", since); len(got) != shards {
		f.t.Errorf("%d of %d shards are read: %v", len(got), shards, got)
	}
	for _, w := range workers {
		if got := f.shardsOf(w, since); len(got) < each {
			f.t.Errorf("%s reads %v, want %d shards at least", w, got, each)
		}
	}
}

// fresh wants nothing to have come twice, and nothing to be missing at the end.
func (f *fleet) fresh() {
	f.t.Helper()
	f.stopProducing()
	time.Sleep(3 * time.Second)
	if n := f.missing(); n != 0 || f.repeats != 0 {
		f.t.Errorf("%d records are missing, %d came twice", n, f.repeats)
	}
}

// tableBubble is a bubble with a table service that takes its time.
func tableBubble(t *testing.T, shards int, takes time.Duration, run func(t *testing.T, f *fleet, c *calls)) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, shards, 5*time.Millisecond)
		f.db.TableTakes = takes
		f.db.IndexTakes = time.Hour
		if testing.Short() {
			f.db.IndexTakes = 15 * time.Minute
		}
		c := f.countCalls()
		f.produce(8*shards, 2*time.Second)
		run(t, f, c)
		f.end()
	})
}

// Ten workers start at the same moment where there is no table.
func TestFailure_F21_TenMakeTheTable(t *testing.T) {
	for _, takes := range []time.Duration{0, 15 * time.Second} {
		t.Run(fmt.Sprint("in ", takes), func(t *testing.T) {
			tableBubble(t, 20, takes, func(t *testing.T, f *fleet, c *calls) {
				var names []string
				for i := range 10 {
					names = append(names, fmt.Sprintf("w%d", i))
					f.start(names[i], nil)
				}
				time.Sleep(takes + 30*time.Second)
				f.reads(20, 2, names...)
				if of, ok := c.made("CreateTable"); ok != 1 || of > 10 {
					t.Errorf("the table was made %d times in %d tries, want once in at most 10", ok, of)
				}
				if got := f.status(); got != "active, index active" {
					t.Errorf("the table is %s", got)
				}
				f.fresh()
			})
		})
	}
}

// A table that is being changed can be used, and is, at once.
func TestFailure_F21_TableIsUpdating(t *testing.T) {
	tableBubble(t, 4, 30*time.Second, func(t *testing.T, f *fleet, c *calls) {
		f.createTable()
		if _, err := f.client().UpdateTable(context.Background(), &dynamodb.UpdateTableInput{
			TableName: new(fleetApp), DeletionProtectionEnabled: new(true),
		}); err != nil {
			t.Error(err)
		}
		if got := f.status(); got != "updating, index active" {
			t.Errorf("the table is %s", got)
		}
		f.start("a", nil)
		time.Sleep(2 * time.Second)
		f.reads(4, 4, "a")
		if got := f.status(); got != "updating, index active" {
			t.Errorf("the table is %s", got)
		}
		f.fresh()
	})
}

// A table that is being made by somebody else is waited for, and used as soon as it
// can be.
func TestFailure_F21_TableIsBeingMade(t *testing.T) {
	tableBubble(t, 4, 8*time.Minute, func(t *testing.T, f *fleet, c *calls) {
		if ok, err := f.store("setup").CreateTable(context.Background(), 0, 0); !ok || err != nil {
			t.Error(ok, err)
		}
		time.Sleep(time.Minute)
		f.start("a", nil)
		time.Sleep(7*time.Minute - time.Second)
		if got := f.status(); got != "creating, index creating" {
			t.Errorf("the table is %s", got)
		}
		time.Sleep(5 * time.Second)
		f.reads(4, 4, "a")
		if of, _ := c.made("DescribeTable by a"); of > 8*60*2 {
			t.Errorf("the worker has looked at the table %d times in 7 minutes", of)
		}
		if of, _ := c.made("CreateTable by a"); of != 0 {
			t.Errorf("the worker has tried to make the table %d times", of)
		}
		f.fresh()
	})
}

// A table that is being deleted is waited for, and made anew.
func TestFailure_F21_TableIsBeingDeleted(t *testing.T) {
	tableBubble(t, 4, time.Minute, func(t *testing.T, f *fleet, c *calls) {
		f.createTable()
		time.Sleep(2 * time.Minute)
		if _, err := f.client().DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: new(fleetApp)}); err != nil {
			t.Error(err)
		}
		c.reset()
		f.start("a", nil)
		time.Sleep(50 * time.Second)
		if got := f.status(); got != "deleting, index deleting" && got != "deleting, index active" {
			t.Errorf("the table is %s", got)
		}
		if of, _ := c.made("CreateTable"); of != 0 {
			t.Errorf("the worker has tried %d times to make a table that is being deleted", of)
		}
		// The rest of it, and then a minute for the new one.
		time.Sleep(10*time.Second + time.Minute + 10*time.Second)
		f.reads(4, 4, "a")
		f.fresh()
	})
}

// The index is missing, and DynamoDB takes an hour to build it. Two workers find
// that at the same moment. Meanwhile everything works, by looks at the table: a
// worker joins, one stops, one dies. What it costs stays within bounds, and ends
// with the hour.
func TestFailure_F21_IndexTakesAnHour(t *testing.T) {
	tableBubble(t, 4, 0, func(t *testing.T, f *fleet, c *calls) {
		f.bareTable()
		time.Sleep(time.Second)
		f.start("a", nil)
		f.start("b", nil)
		time.Sleep(30 * time.Second)
		if _, ok := c.made("UpdateTable"); ok != 1 {
			t.Errorf("the index was made %d times, want once", ok)
		}
		if got := f.status(); got != "updating, index creating" {
			t.Errorf("the table is %s", got)
		}
		f.reads(4, 2, "a", "b")

		f.start("c", nil)
		time.Sleep(40 * time.Second)
		f.reads(4, 1, "a", "b", "c")
		f.stop("b")
		time.Sleep(20 * time.Second)
		f.reads(4, 2, "a", "c")
		if f.repeats != 0 {
			t.Errorf("%d records came twice by handoffs", f.repeats)
		}

		// Nobody comes or goes for some time.
		c.reset()
		const minutes = 5
		time.Sleep(minutes * time.Minute)
		looks := 0
		for _, w := range []string{"a", "c"} {
			scans, _ := c.made("Scan by " + w)
			looks += scans
			if describes, _ := c.made("DescribeTable by " + w); describes > 7*minutes {
				t.Errorf("%s has looked at the state of the table %d times in %d minutes", w, describes, minutes)
			}
		}
		// Leader and deputy look every second. Each worker looks for its own rows
		// every ten.
		if most := (2*60 + 2*6) * minutes * 101 / 100; looks > most {
			t.Errorf("%d looks at the table in %d minutes, want at most %d", looks, minutes, most)
		}
		if of, _ := c.made("UpdateTable"); of != 0 {
			t.Errorf("%d more tries to make the index", of)
		}
		if of, _ := c.made("Query"); of != 0 {
			t.Errorf("%d queries of an index that is not there", of)
		}

		f.kill("c")
		time.Sleep(30 * time.Second)
		f.reads(4, 4, "a")

		time.Sleep(f.db.IndexTakes - minutes*time.Minute)
		if got := f.status(); got != "active, index active" {
			t.Errorf("an hour later the table is %s", got)
		}
		c.reset()
		repeats := f.repeats
		f.start("e", nil)
		time.Sleep(time.Minute)
		f.reads(4, 2, "a", "e")
		for _, w := range []string{"a", "e"} {
			if of, _ := c.made("Query by " + w); of < 50 {
				t.Errorf("%s has asked the index %d times in a minute", w, of)
			}
			if of, _ := c.made("DescribeTable by " + w); w != "e" && of > 1 {
				t.Errorf("%s has looked at the state of the table %d times in a minute", w, of)
			}
		}
		if f.repeats != repeats {
			t.Errorf("%d records came twice by a join", f.repeats-repeats)
		}
		f.stopProducing()
		time.Sleep(3 * time.Second)
		if n := f.missing(); n != 0 {
			t.Errorf("%d records are missing", n)
		}
	})
}
