package awsfake

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// far returns a client over HTTP that does not repeat calls.
func far(t *testing.T, db *DynamoDB) *dynamodb.Client {
	t.Helper()
	srv := httptest.NewServer(db)
	t.Cleanup(srv.Close)
	cfg := Config(db, "far")
	cfg.HTTPClient, cfg.BaseEndpoint = srv.Client(), &srv.URL
	return dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 })
}

func every(operation string, f Fault) Script {
	return func(c Call) Fault {
		if c.Operation != operation {
			return Fault{}
		}
		return f
	}
}

func TestStaleReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &DynamoDB{Script: every("none", Fault{})}
		c := newTable(t, db)
		put(t, c, dbItem{"leaseKey": "s", "leaseOwner": "a"})
		put(t, c, dbItem{"leaseKey": "gone", "leaseOwner": "a"})
		time.Sleep(10 * time.Second)
		put(t, c, dbItem{"leaseKey": "s", "leaseOwner": "b"})
		c.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: new("app"), Key: attributes(dbItem{"leaseKey": "gone"})})
		put(t, c, dbItem{"leaseKey": "new", "leaseOwner": "a"})
		time.Sleep(10 * time.Second)

		scan := func(consistent bool) string {
			out, err := c.Scan(t.Context(), &dynamodb.ScanInput{TableName: new("app"), ConsistentRead: &consistent})
			wantCode(t, err, "")
			var all []string
			for _, it := range out.Items {
				all = append(all, it["leaseKey"].(*types.AttributeValueMemberS).Value+it["leaseOwner"].(*types.AttributeValueMemberS).Value)
			}
			slices.Sort(all)
			return strings.Join(all, " ")
		}
		for _, tt := range []struct {
			stale       time.Duration
			index, scan string
		}{
			{0, "new", "newa sb"},
			{5 * time.Second, "new", "newa sb"},
			{15 * time.Second, "gone s", "gonea sa"},
			{25 * time.Second, "", ""},
		} {
			db.SetScript(func(c Call) Fault { return Fault{Stale: tt.stale} })
			if got := owned(t, c, "a"); got != tt.index {
				t.Errorf("index, stale by %v: got %q, want %q", tt.stale, got, tt.index)
			}
			if got := scan(false); got != tt.scan {
				t.Errorf("scan, stale by %v: got %q, want %q", tt.stale, got, tt.scan)
			}
			if got := scan(true); got != "newa sb" {
				t.Errorf("consistent scan, stale by %v: got %q, want %q", tt.stale, got, "newa sb")
			}
		}
	})
}

func TestStaleReadsOverLoopback(t *testing.T) {
	db := &DynamoDB{History: 2 * time.Hour}
	newTable(t, db)
	c := far(t, db)
	put(t, c, dbItem{"leaseKey": "s", "leaseOwner": "a"})
	if got := owned(t, c, "a"); got != "s" {
		t.Errorf("got %q, want s", got)
	}
	db.SetScript(every("Query", Fault{Stale: time.Hour}))
	if got := owned(t, c, "a"); got != "" {
		t.Errorf("stale by an hour: got %q, want nothing", got)
	}
}

// versions returns the smallest and largest n of the items of a scan.
func versions(t *testing.T, c *dynamodb.Client) (least, most int) {
	t.Helper()
	out, err := c.Scan(t.Context(), &dynamodb.ScanInput{TableName: new("app"), ConsistentRead: new(true)})
	wantCode(t, err, "")
	if len(out.Items) != 20 {
		t.Errorf("got %d items, want 20", len(out.Items))
	}
	var all []int
	for _, it := range out.Items {
		n, _ := strconv.Atoi(it["n"].(*types.AttributeValueMemberN).Value)
		all = append(all, n)
	}
	return slices.Min(all), slices.Max(all)
}

// A torn scan sees an item as it was when the scan began and another as it is
// at the end, though all were written in between.
func TestTornScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &DynamoDB{Script: every("Scan", Fault{Torn: 3 * time.Second})}
		c := newTable(t, db)
		write := func(n int) {
			for i := range 20 {
				put(t, c, dbItem{"leaseKey": fmt.Sprint("s", i), "n": n})
			}
		}
		write(0)
		go func() {
			for n := range 5 {
				write(n + 1)
				time.Sleep(time.Second)
			}
		}()
		time.Sleep(1500 * time.Millisecond)
		start := time.Now()
		least, most := versions(t, c)
		if took := time.Since(start); least != 2 || most != 5 || took != 3*time.Second {
			t.Errorf("got versions %d and %d in %v, want 2 and 5 in 3s", least, most, took)
		}
		time.Sleep(time.Second) // the writer ends
		db.SetScript(nil)
		if least, most := versions(t, c); least != 5 || most != 5 {
			t.Errorf("whole: got versions %d to %d, want 5", least, most)
		}
	})
}

func TestTornScanOverLoopback(t *testing.T) {
	db := &DynamoDB{Script: every("Scan", Fault{Torn: 50 * time.Millisecond})}
	near := newTable(t, db)
	c := far(t, db)
	write := func(n int) {
		for i := range 20 {
			put(t, near, dbItem{"leaseKey": fmt.Sprint("s", i), "n": n})
		}
	}
	write(0)
	done, stop := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for n := 1; ; n++ {
			select {
			case <-stop:
				return
			default:
				write(n)
			}
		}
	}()
	// A whole scan sees at most two versions: the one being written and the
	// one before.
	torn := false
	for n := 0; n < 20 && !torn; n++ { // the writer may be slow
		least, most := versions(t, c)
		torn = most-least >= 2
	}
	close(stop)
	<-done
	if !torn {
		t.Error("twenty scans, and none was torn")
	}
}

func TestUnprocessedOverLoopback(t *testing.T) {
	db := &DynamoDB{Script: every("BatchWriteItem", Fault{Unprocessed: 1})}
	newTable(t, db)
	out, err := far(t, db).BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"app": {
		{PutRequest: &types.PutRequest{Item: attributes(dbItem{"leaseKey": "a"})}},
		{PutRequest: &types.PutRequest{Item: attributes(dbItem{"leaseKey": "b"})}},
	}}})
	wantCode(t, err, "")
	if left := out.UnprocessedItems["app"]; len(left) != 1 {
		t.Fatalf("got %d unprocessed, want 1", len(left))
	}
	wantItem(t, out.UnprocessedItems["app"][0].PutRequest.Item, dbItem{"leaseKey": "b"})
}
