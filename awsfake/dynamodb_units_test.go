package awsfake

import (
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestCapacityUnits(t *testing.T) {
	ctx := t.Context()
	c := newTable(t, &DynamoDB{})
	kb := func(n float64) string { return strings.Repeat("x", int(n*1024)) }
	putUnits := func(it dbItem) string {
		out, err := c.PutItem(ctx, &dynamodb.PutItemInput{TableName: new("app"), Item: attributes(it), ReturnConsumedCapacity: "INDEXES"})
		wantCode(t, err, "")
		return capacity(out.ConsumedCapacity)
	}
	for _, tt := range []struct {
		name string
		item dbItem
		want string
	}{
		{"new, in no index", dbItem{"leaseKey": "s"}, "1+0"},
		{"enters the index", dbItem{"leaseKey": "s", "leaseOwner": "a"}, "1+1"},
		{"index untouched", dbItem{"leaseKey": "s", "leaseOwner": "a", "n": 1}, "1+0"},
		{"moves in the index", dbItem{"leaseKey": "s", "leaseOwner": "b"}, "1+2"},
		{"grows to 1.5 kB", dbItem{"leaseKey": "s", "leaseOwner": "b", "data": kb(1.5)}, "2+0"},
		{"shrinks, the larger counts", dbItem{"leaseKey": "s", "leaseOwner": "b"}, "2+0"},
		{"leaves the index", dbItem{"leaseKey": "s"}, "1+1"},
		{"new, 1.5 kB, with index", dbItem{"leaseKey": "t", "leaseOwner": "b", "data": kb(1.5)}, "2+1"},
		{"5 kB", dbItem{"leaseKey": "u", "data": kb(5)}, "6+0"},
	} {
		if got := putUnits(tt.item); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
	for _, tt := range []struct {
		key        string
		consistent bool
		want       float64
	}{{"none", false, 0.5}, {"none", true, 1}, {"s", false, 0.5}, {"s", true, 1}, {"u", false, 1}, {"u", true, 2}} {
		out, err := c.GetItem(ctx, &dynamodb.GetItemInput{TableName: new("app"), Key: attributes(dbItem{"leaseKey": tt.key}), ConsistentRead: &tt.consistent, ReturnConsumedCapacity: "TOTAL"})
		wantCode(t, err, "")
		if got := *out.ConsumedCapacity.CapacityUnits; got != tt.want {
			t.Errorf("get %s, consistent %v: got %v units, want %v", tt.key, tt.consistent, got, tt.want)
		}
	}
}

func capacity(cc *types.ConsumedCapacity) string {
	f := func(c *types.Capacity) string { return strconv.FormatFloat(*c.CapacityUnits, 'g', -1, 64) }
	index := "0"
	for _, x := range cc.GlobalSecondaryIndexes {
		index = f(&x)
	}
	return f(cc.Table) + "+" + index
}

// The trace counts the units of every call, refused ones too, though their
// answers do not say them.
func TestTraceCountsUnits(t *testing.T) {
	db := &DynamoDB{}
	c := newTable(t, db)
	put(t, c, dbItem{"leaseKey": "s", "leaseCounter": 1, "data": strings.Repeat("x", 1500)})
	var last Result
	db.Trace = func(r Result) { last = r }
	_, err := renew(t.Context(), c, "s", 7)
	wantCode(t, err, "ConditionalCheckFailedException")
	if last.WriteUnits != 2 || last.Err != "ConditionalCheckFailedException" {
		t.Errorf("refused write: got %v units, error %q, want 2 and ConditionalCheckFailedException", last.WriteUnits, last.Err)
	}
	if got := last.Call; got.Operation != "UpdateItem" || got.Resource != "app" || got.Key != "s" || got.Caller != "maker" || got.Service != "DynamoDB" || got.Number != 3 {
		t.Errorf("call: got %+v", got)
	}
	if got := last.Call.Input()["TableName"]; got != "app" {
		t.Errorf("input: table is %v, want app", got)
	}
}
