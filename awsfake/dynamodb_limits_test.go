package awsfake

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// passed repeats a call n times and returns how many were served; each other
// answer must have all the given parts.
func passed(t *testing.T, db *DynamoDB, n int, operation string, body func(i int) string, parts ...string) (served int) {
	t.Helper()
	for i := range n {
		status, got := call(t, db, operation, body(i))
		if status == 200 {
			served++
			continue
		}
		for _, p := range parts {
			if !strings.Contains(got, p) {
				t.Fatalf("call %d: got %s, want %s", i, got, p)
			}
		}
	}
	return served
}

func same(body string) func(int) string { return func(int) string { return body } }

func putOf(key, owner string) string {
	return `{"TableName": "app", "Item": {"leaseKey": {"S": "` + key + `"}, "leaseOwner": {"S": "` + owner + `"}}}`
}

func TestLimitOfAPartitionKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &DynamoDB{Limits: true}
		newTable(t, db)
		hot := same(putOf("hot", "a"))
		const kind = "availability#ThrottlingException"
		// Rewriting an item as it is costs one unit, and none of the index.
		if got := passed(t, db, 1100, "PutItem", hot, kind, "TableWriteKeyRangeThroughputExceeded", `"resource":"arn:aws:dynamodb:us-east-1:000000000000:table/app"`); got != 1000 {
			t.Errorf("at once: got %d writes, want 1000", got)
		}
		if got := passed(t, db, 10, "PutItem", same(putOf("cold", "b"))); got != 10 {
			t.Errorf("another key: got %d writes, want 10", got)
		}
		time.Sleep(100 * time.Millisecond)
		if got := passed(t, db, 200, "PutItem", hot, kind); got != 100 {
			t.Errorf("0.1 s later: got %d writes, want 100", got)
		}
		time.Sleep(time.Hour) // nothing is saved
		if got := passed(t, db, 1100, "PutItem", hot, kind); got != 1000 {
			t.Errorf("an hour later: got %d writes, want 1000", got)
		}
		read := same(`{"TableName": "app", "Key": {"leaseKey": {"S": "hot"}}, "ConsistentRead": true}`)
		if got := passed(t, db, 3100, "GetItem", read, kind, "TableReadKeyRangeThroughputExceeded"); got != 3000 {
			t.Errorf("got %d reads, want 3000", got)
		}
	})
}

// Writes of many keys meet in one partition of an index.
func TestLimitOfAnIndexPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &DynamoDB{Limits: true}
		newTable(t, db)
		if got := passed(t, db, 1100, "PutItem", func(i int) string { return putOf(fmt.Sprint("k", i), "a") },
			"IndexWriteKeyRangeThroughputExceeded", "index/"+ownerIndex); got != 1000 {
			t.Errorf("one owner: got %d writes, want 1000", got)
		}
		if got := passed(t, db, 100, "PutItem", func(i int) string { return putOf(fmt.Sprint("l", i), "b") }); got != 100 {
			t.Errorf("another owner: got %d writes, want 100", got)
		}
		query := `{"TableName": "app", "IndexName": "` + ownerIndex + `", "KeyConditionExpression": "leaseOwner = :o", "ExpressionAttributeValues": {":o": {"S": "b"}}}`
		if got := passed(t, db, 6100, "Query", same(query), "IndexReadKeyRangeThroughputExceeded"); got != 6000 {
			t.Errorf("got %d queries of half a unit each, want 6000", got)
		}
	})
}

func provisioned(db *DynamoDB, t *testing.T) {
	status, got := call(t, db, "CreateTable", `{"TableName": "app", "KeySchema": [{"AttributeName": "leaseKey", "KeyType": "HASH"}],
		"AttributeDefinitions": [{"AttributeName": "leaseKey", "AttributeType": "S"}], "ProvisionedThroughput": {"ReadCapacityUnits": 2, "WriteCapacityUnits": 1}}`)
	if status != 200 {
		t.Fatal(got)
	}
}

func TestLimitOfAProvisionedTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &DynamoDB{Limits: true}
		provisioned(db, t)
		write := func(i int) string { return putOf(fmt.Sprint("k", i), "a") }
		const kind = "v20120810#ProvisionedThroughputExceededException"
		if got := passed(t, db, 5, "PutItem", write, kind, "TableWriteProvisionedThroughputExceeded"); got != 1 {
			t.Errorf("at once: got %d writes, want 1", got)
		}
		if got := passed(t, db, 5, "Scan", same(`{"TableName": "app", "ConsistentRead": true}`), kind, "TableReadProvisionedThroughputExceeded"); got != 2 {
			t.Errorf("got %d scans, want 2", got)
		}
		time.Sleep(time.Second)
		if got := passed(t, db, 5, "PutItem", write, kind); got != 1 {
			t.Errorf("a second later: got %d writes, want 1", got)
		}
		time.Sleep(time.Hour) // five minutes of it are saved
		if got := passed(t, db, 400, "PutItem", write, kind); got != 300 {
			t.Errorf("an hour later: got %d writes, want 300", got)
		}
		// A write of 10 units passes on one that is left, and is paid for.
		time.Sleep(time.Second)
		big := `{"TableName": "app", "Item": {"leaseKey": {"S": "big"}, "d": {"S": "` + strings.Repeat("x", 10000) + `"}}}`
		if got := passed(t, db, 2, "PutItem", same(big), kind); got != 1 {
			t.Errorf("large: got %d writes, want 1", got)
		}
		time.Sleep(9 * time.Second)
		if got := passed(t, db, 1, "PutItem", write, kind); got != 0 {
			t.Error("nine seconds after ten units there was one again")
		}
		time.Sleep(time.Second)
		if got := passed(t, db, 1, "PutItem", write, kind); got != 1 {
			t.Error("ten seconds after ten units there was none")
		}
	})
}

func TestLimitOfTheAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &DynamoDB{Limits: true, AccountUnits: 50}
		newTable(t, db)
		if got := passed(t, db, 100, "PutItem", func(i int) string {
			return `{"TableName": "app", "Item": {"leaseKey": {"S": "` + fmt.Sprint(i) + `"}}}`
		},
			"ThrottlingException", "TableWriteAccountLimitExceeded"); got != 50 {
			t.Errorf("got %d writes, want 50", got)
		}
		// A condition that fails costs a write too.
		time.Sleep(time.Second)
		fails := `{"TableName": "app", "Item": {"leaseKey": {"S": "0"}}, "ConditionExpression": "attribute_not_exists(leaseKey)"}`
		refused := 0
		for range 100 {
			if _, got := call(t, db, "PutItem", fails); strings.Contains(got, "ConditionalCheckFailed") {
				refused++
			}
		}
		if refused != 50 {
			t.Errorf("got %d refused conditions, want 50 and then throttling", refused)
		}
	})
}

// What is over the limit of a batch is handed back; of a transaction it
// cancels all.
func TestLimitsOfBatchesAndTransactions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &DynamoDB{Limits: true}
		provisioned(db, t)
		put := func(key string) string { return `{"PutRequest": {"Item": {"leaseKey": {"S": "` + key + `"}}}}` }
		batch := `{"RequestItems": {"app": [` + put("a") + `, ` + put("b") + `, ` + put("c") + `]}}`
		wantCall(t, db, "BatchWriteItem", batch, `{"UnprocessedItems": {"app": [`+put("b")+`, `+put("c")+`]}}`)
		wantError(t, db, "BatchWriteItem", batch, "ProvisionedThroughputExceededException", "TableWrite")

		key := func(key string) string { return `{"leaseKey": {"S": "` + key + `"}}` }
		gets := `{"RequestItems": {"app": {"ConsistentRead": true, "Keys": [` + key("a") + `, ` + key("b") + `, ` + key("c") + `]}}}`
		wantCall(t, db, "BatchGetItem", gets, `{"Responses": {"app": [`+key("a")+`]}, "UnprocessedKeys": {"app": {"ConsistentRead": true, "Keys": [`+key("c")+`]}}}`)
		wantError(t, db, "BatchGetItem", gets, "ProvisionedThroughputExceededException", "TableRead")
		wantError(t, db, "TransactWriteItems", `{"TransactItems": [{"Put": {"TableName": "app", "Item": `+key("x")+`}}]}`,
			"TransactionCanceledException", "[ProvisionedThroughputExceeded]")
	})
}

func TestUnprocessedByScript(t *testing.T) {
	db := &DynamoDB{}
	newTable(t, db)
	db.SetScript(func(c Call) Fault {
		if strings.HasPrefix(c.Operation, "Batch") {
			return Fault{Unprocessed: 2}
		}
		return Fault{}
	})
	put := func(key string) string { return `{"PutRequest": {"Item": {"leaseKey": {"S": "` + key + `"}}}}` }
	wantCall(t, db, "BatchWriteItem", `{"RequestItems": {"app": [`+put("a")+`, `+put("b")+`, `+put("c")+`]}}`,
		`{"UnprocessedItems": {"app": [`+put("b")+`, `+put("c")+`]}}`)
	key := func(key string) string { return `{"leaseKey": {"S": "` + key + `"}}` }
	wantCall(t, db, "BatchGetItem", `{"RequestItems": {"app": {"Keys": [`+key("a")+`, `+key("b")+`, `+key("c")+`]}}}`,
		`{"Responses": {"app": [`+key("a")+`]}, "UnprocessedKeys": {"app": {"Keys": [`+key("b")+`, `+key("c")+`]}}}`)
}
