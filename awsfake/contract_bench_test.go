package awsfake

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/internal/emul"
)

// BenchmarkTargets compares the fake at its handler with dynalite over HTTP,
// one caller each, call by call:
//
//	bash .ci/emulators go test -run '^$' -bench Targets -cpu 1 ./awsfake
func BenchmarkTargets(b *testing.B) {
	targets := []struct {
		name string
		make func(b *testing.B) contractTarget
	}{
		{"fake", func(b *testing.B) contractTarget {
			return contractTarget{"http://awsfake.invalid", Client(&DynamoDB{}), emul.Name(b)}
		}},
		{emul.Dynalite, func(b *testing.B) contractTarget {
			return contractTarget{emul.One(b, emul.Dynalite).URL, &http.Client{Transport: &http.Transport{}}, emul.Name(b)}
		}},
	}
	for _, op := range []struct{ name, body string }{
		{"PutItem", putBody(`{"k": {"S": "a"}, "n": {"N": "1"}, "s": {"S": "some text"}}`, ``)},
		{"GetItem", `{` + keyA + `, "ConsistentRead": true}`},
		{"UpdateItem", `{` + keyA + `, "UpdateExpression": "SET n = n + :one", "ConditionExpression": "attribute_exists(k) AND n <> :old", "ExpressionAttributeValues": {":one": {"N": "1"}, ":old": {"N": "-1"}}}`},
	} {
		for _, target := range targets {
			b.Run(op.name+"/"+target.name, func(b *testing.B) {
				c := target.make(b)
				if err := c.create(); err != nil {
					b.Fatal(err)
				}
				if err := c.do(step{"PutItem", putBody(`{"k": {"S": "a"}, "n": {"N": "1"}, "s": {"S": "some text"}}`, ``), ``}); err != nil {
					b.Fatal(err)
				}
				for b.Loop() {
					if status, answer, err := c.send(op.name, op.body); status != http.StatusOK || err != nil {
						b.Fatal(status, string(answer), err)
					}
				}
			})
		}
	}
}

// A table is a value, not a goroutine.
func TestTablesHaveNoGoroutines(t *testing.T) {
	db := &DynamoDB{}
	before := runtime.NumGoroutine()
	for i := range 1000 {
		call(t, db, "CreateTable", strings.ReplaceAll(contractTable, "TABLE", fmt.Sprint("table", i)))
	}
	if now := runtime.NumGoroutine(); now > before {
		t.Errorf("a thousand tables: %d goroutines, %d before", now, before)
	}
}

// An item takes at most two bytes for each byte that it is counted for.
func TestMemoryOfItems(t *testing.T) {
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for _, tt := range []struct {
		name  string
		items int
		item  string // %d is its number
	}{
		{"documents of 4 kB", 2000, `{"k": {"S": "key-%d"}, "text": {"S": "` + strings.Repeat("x", 4000) + `"}}`},
		{"leases", 20000, `{"k": {"S": "shardId-%012d"}, "leaseOwner": {"S": "worker-0123456789abcdef"}, "leaseCounter": {"N": "123456"}, "checkpoint": {"S": "49680519890916628484268698367474917806902183999664291842"}, "checkpointSubSequenceNumber": {"N": "0"}, "ownerSwitchesSinceCheckpoint": {"N": "3"}}`},
	} {
		db := &DynamoDB{}
		call(t, db, "CreateTable", strings.ReplaceAll(contractTable, "TABLE", "app"))
		before := heap()
		for i := range tt.items {
			call(t, db, "PutItem", `{"TableName": "app", "Item": `+fmt.Sprintf(tt.item, i)+`}`)
		}
		used := int(heap() - before)
		_, stored := call(t, db, "DescribeTable", `{"TableName": "app"}`)
		runtime.KeepAlive(db)
		var size int
		if _, after, ok := strings.Cut(stored, `"TableSizeBytes":`); ok {
			fmt.Sscan(strings.FieldsFunc(after, func(r rune) bool { return r < '0' || r > '9' })[0], &size)
		}
		t.Logf("%s: %.2f bytes for each byte", tt.name, float64(used)/float64(size))
		if used > 2*size {
			t.Errorf("%s: %d bytes for %d stored", tt.name, used, size)
		}
	}
}
