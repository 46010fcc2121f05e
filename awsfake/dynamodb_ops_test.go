package awsfake

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// wantError sends a body and checks the code and a part of the message.
func wantError(t *testing.T, db *DynamoDB, operation, body, code, part string) {
	t.Helper()
	status, got := call(t, db, operation, body)
	if status != 400 || !strings.Contains(got, code+`"`) || !strings.Contains(got, part) {
		t.Errorf("%s %s:\ngot %d %s\nwant %s with %q", operation, body, status, got, code, part)
	}
}

const appARN = `"ResourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/app"`

func TestTags(t *testing.T) {
	db := &DynamoDB{}
	newTable(t, db)
	wantCall(t, db, "ListTagsOfResource", `{`+appARN+`}`, `{"Tags": []}`)
	wantCall(t, db, "TagResource", `{`+appARN+`, "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]}`, `{}`)
	wantCall(t, db, "TagResource", `{`+appARN+`, "Tags": [{"Key": "a", "Value": "3"}]}`, `{}`)
	wantCall(t, db, "ListTagsOfResource", `{`+appARN+`}`, `{"Tags": [{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "3"}]}`)
	wantCall(t, db, "UntagResource", `{`+appARN+`, "TagKeys": ["b", "none"]}`, `{}`)
	wantCall(t, db, "ListTagsOfResource", `{`+appARN+`}`, `{"Tags": [{"Key": "a", "Value": "3"}]}`)

	wantError(t, db, "TagResource", `{"ResourceArn": "app", "Tags": []}`, codeValidation, "ResourceArn")
	wantError(t, db, "TagResource", `{`+appARN+`, "Tags": [{"Key": "aws:x", "Value": "1"}]}`, codeValidation, "aws:")
	wantError(t, db, "UntagResource", `{"ResourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/none", "TagKeys": []}`, "ResourceNotFoundException", "table/none")
}

func TestContinuousBackups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &DynamoDB{}
		newTable(t, db)
		off := `{"ContinuousBackupsDescription": {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"}}}`
		wantCall(t, db, "DescribeContinuousBackups", `{"TableName": "app"}`, off)
		on := `{"ContinuousBackupsDescription": {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "ENABLED", "RecoveryPeriodInDays": 35, "EarliestRestorableDateTime": 946684800, "LatestRestorableDateTime": 9466`
		set := `{"TableName": "app", "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": true}}`
		wantCall(t, db, "UpdateContinuousBackups", set, on+`84800}}}`)
		time.Sleep(time.Hour)
		wantCall(t, db, "DescribeContinuousBackups", `{"TableName": "app"}`, on+`88400}}}`)
		wantCall(t, db, "UpdateContinuousBackups", strings.Replace(set, "true", "false", 1), off)
		wantError(t, db, "UpdateContinuousBackups", `{"TableName": "app", "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": true, "RecoveryPeriodInDays": 36}}`, codeValidation, "recoveryPeriodInDays")
		wantError(t, db, "DescribeContinuousBackups", `{"TableName": "none"}`, "TableNotFoundException", "none")
	})
}

func TestLimitsAndEndpoints(t *testing.T) {
	db := &DynamoDB{}
	wantCall(t, db, "DescribeLimits", `{}`, `{"AccountMaxReadCapacityUnits": 80000, "AccountMaxWriteCapacityUnits": 80000, "TableMaxReadCapacityUnits": 40000, "TableMaxWriteCapacityUnits": 40000}`)
	wantCall(t, db, "DescribeEndpoints", `{}`, `{"Endpoints": [{"Address": "example.com", "CachePeriodInMinutes": 1440}]}`)
}

func TestDeletionProtection(t *testing.T) {
	db := &DynamoDB{}
	newTable(t, db)
	protect := `{"TableName": "app", "DeletionProtectionEnabled": true}`
	call(t, db, "UpdateTable", protect)
	wantError(t, db, "DeleteTable", `{"TableName": "app"}`, codeValidation, "protected against deletion")
	call(t, db, "UpdateTable", strings.Replace(protect, "true", "false", 1))
	if status, got := call(t, db, "DeleteTable", `{"TableName": "app"}`); status != 200 {
		t.Errorf("unprotected: got %d %s", status, got)
	}
}

// A deletion is late by TTLTakes, and an index follows it.
func TestTimeToLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &DynamoDB{TTLTakes: time.Hour, TableTakes: time.Minute}
		c := newTable(t, db)
		time.Sleep(time.Minute)
		now := int(time.Now().Unix())
		wantCall(t, db, "DescribeTimeToLive", `{"TableName": "app"}`, `{"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}`)
		put(t, c, dbItem{"leaseKey": "before", "leaseOwner": "a", "ttl": now + 60})
		set := `{"TableName": "app", "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": true}}`
		wantCall(t, db, "UpdateTimeToLive", set, `{"TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": true}}`)
		wantCall(t, db, "DescribeTimeToLive", `{"TableName": "app"}`, `{"TimeToLiveDescription": {"AttributeName": "ttl", "TimeToLiveStatus": "ENABLING"}}`)
		wantError(t, db, "UpdateTimeToLive", set, codeValidation, "multiple times")
		put(t, c, dbItem{"leaseKey": "after", "leaseOwner": "a", "ttl": now + 120})
		put(t, c, dbItem{"leaseKey": "moved", "leaseOwner": "a", "ttl": now + 60})
		put(t, c, dbItem{"leaseKey": "moved", "leaseOwner": "a", "ttl": now + 240})
		put(t, c, dbItem{"leaseKey": "word", "leaseOwner": "a", "ttl": "soon"})
		put(t, c, dbItem{"leaseKey": "ancient", "leaseOwner": "a", "ttl": now - 6*365*24*3600})
		time.Sleep(time.Minute)
		wantCall(t, db, "DescribeTimeToLive", `{"TableName": "app"}`, `{"TimeToLiveDescription": {"AttributeName": "ttl", "TimeToLiveStatus": "ENABLED"}}`)
		wantError(t, db, "UpdateTimeToLive", set, codeValidation, "already enabled")

		for _, tt := range []struct {
			wait time.Duration
			want string
		}{
			{0, "after ancient before moved word"}, // expired, and still there
			{time.Hour - time.Second, "after ancient before moved word"},
			{time.Second, "after ancient moved word"},
			{time.Minute, "ancient moved word"},
			{2 * time.Minute, "ancient word"},
			{48 * time.Hour, "ancient word"},
		} {
			time.Sleep(tt.wait)
			if got := owned(t, c, "a"); got != tt.want {
				t.Errorf("after %v more: got %s, want %s", tt.wait, got, tt.want)
			}
		}
		wantCall(t, db, "UpdateTimeToLive", strings.Replace(set, "true", "false", 1), `{"TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": false}}`)
		wantCall(t, db, "DescribeTimeToLive", `{"TableName": "app"}`, `{"TimeToLiveDescription": {"AttributeName": "ttl", "TimeToLiveStatus": "DISABLING"}}`)
	})
}

func TestTimeToLiveByDefaultTakesTwoDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, atOnce := &DynamoDB{}, &DynamoDB{TTLTakes: -1}
		for _, d := range []*DynamoDB{db, atOnce} {
			c := newTable(t, d)
			call(t, d, "UpdateTimeToLive", `{"TableName": "app", "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": true}}`)
			put(t, c, dbItem{"leaseKey": "x", "ttl": int(time.Now().Unix()) + 1})
		}
		key := `{"TableName": "app", "Key": {"leaseKey": {"S": "x"}}, "AttributesToGet": ["leaseKey"]}`
		time.Sleep(48 * time.Hour)
		wantCall(t, db, "GetItem", key, `{"Item": {"leaseKey": {"S": "x"}}}`)
		wantCall(t, atOnce, "GetItem", key, `{}`)
		time.Sleep(time.Second)
		wantCall(t, db, "GetItem", key, `{}`)
	})
}

func TestTransactGet(t *testing.T) {
	db := &DynamoDB{}
	var last Result
	db.Trace = func(r Result) { last = r }
	c := newTable(t, db)
	put(t, c, dbItem{"leaseKey": "x", "data": strings.Repeat("d", 5000), "n": 1})
	get := func(keys ...string) string {
		var gets []string
		for _, k := range keys {
			gets = append(gets, `{"Get": {"TableName": "app", "Key": {`+k+`}, "ProjectionExpression": "n"}}`)
		}
		return `{"TransactItems": [` + strings.Join(gets, ",") + `], "ReturnConsumedCapacity": "TOTAL"}`
	}
	x, y := `"leaseKey": {"S": "x"}`, `"leaseKey": {"S": "y"}`
	wantCall(t, db, "TransactGetItems", get(x, y), `{"Responses": [{"Item": {"n": {"N": "1"}}}, {}], "ConsumedCapacity": [{"TableName": "app", "CapacityUnits": 6}]}`)
	if last.ReadUnits != 6 || last.Call.Resource != "app" {
		t.Errorf("trace: got %v units of %q, want 6 of app", last.ReadUnits, last.Call.Resource)
	}
	wantError(t, db, "TransactGetItems", get(x, x), codeValidation, "multiple operations on one item")
	wantError(t, db, "TransactGetItems", get(), codeValidation, "transactItems")
	wantError(t, db, "TransactGetItems", get(x, ``), "TransactionCanceledException", "[None, ValidationError]")
	wantError(t, db, "TransactGetItems", strings.Replace(get(x), `"app"`, `"none"`, 1), "ResourceNotFoundException", "not found")
}

// A transaction that is repeated under its token costs what reading does.
func TestTransactionRepeatedCostsReads(t *testing.T) {
	db := &DynamoDB{}
	newTable(t, db)
	body := `{"ClientRequestToken": "t", "ReturnConsumedCapacity": "TOTAL", "TransactItems": [{"Put": {"TableName": "app", "Item": {"leaseKey": {"S": "x"}, "data": {"S": "` + strings.Repeat("d", 5000) + `"}}}}]}`
	wantCall(t, db, "TransactWriteItems", body, `{"ConsumedCapacity": [{"TableName": "app", "CapacityUnits": 10}]}`)
	wantCall(t, db, "TransactWriteItems", body, `{"ConsumedCapacity": [{"TableName": "app", "CapacityUnits": 4}]}`)
}

const localTable = `{"TableName": "loc", "BillingMode": "PAY_PER_REQUEST",
	"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
	"AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "s", "AttributeType": "S"}, {"AttributeName": "o", "AttributeType": "N"}],
	"LocalSecondaryIndexes": [{"IndexName": "byO", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "o", "KeyType": "RANGE"}], "Projection": {"ProjectionType": "KEYS_ONLY"}}]}`

func TestLocalIndex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &DynamoDB{IndexLag: time.Hour, ReadLag: time.Minute}
		if status, got := call(t, db, "CreateTable", localTable); status != 200 || !strings.Contains(got, `"LocalSecondaryIndexes":[{"IndexName":"byO"`) {
			t.Fatalf("create: got %d %s", status, got)
		}
		item := func(s, o string) string {
			return `{"TableName": "loc", "Item": {"p": {"S": "x"}, "s": {"S": "` + s + `"}, "o": {"N": "` + o + `"}, "d": {"S": "d` + s + `"}}, "ReturnConsumedCapacity": "INDEXES", "ReturnItemCollectionMetrics": "SIZE"}`
		}
		metrics := `"ItemCollectionMetrics": {"ItemCollectionKey": {"p": {"S": "x"}}, "SizeEstimateRangeGB": [0, 1]}`
		wantCall(t, db, "PutItem", item("a", "2"), `{`+metrics+`, "ConsumedCapacity": {"TableName": "loc", "CapacityUnits": 2, "Table": {"CapacityUnits": 1}, "LocalSecondaryIndexes": {"byO": {"CapacityUnits": 1}}}}`)
		call(t, db, "PutItem", item("b", "1"))

		query := func(more string) string {
			return `{"TableName": "loc", "IndexName": "byO", "KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "x"}}` + more + `}`
		}
		keys := `{"Count": 2, "ScannedCount": 2, "Items": [{"p": {"S": "x"}, "s": {"S": "b"}, "o": {"N": "1"}}, {"p": {"S": "x"}, "s": {"S": "a"}, "o": {"N": "2"}}]}`
		wantCall(t, db, "Query", query(`, "ConsistentRead": true`), keys)
		wantCall(t, db, "Query", query(``), `{"Count": 0, "ScannedCount": 0, "Items": []}`) // reads are behind
		time.Sleep(time.Minute)
		wantCall(t, db, "Query", query(``), keys)
		// What the index has not is fetched from the table, at a price.
		wantCall(t, db, "Query", query(`, "ProjectionExpression": "d", "ConsistentRead": true, "ReturnConsumedCapacity": "INDEXES"`),
			`{"Count": 2, "ScannedCount": 2, "Items": [{"d": {"S": "db"}}, {"d": {"S": "da"}}], "ConsumedCapacity": {"TableName": "loc", "CapacityUnits": 3, "Table": {"CapacityUnits": 2}, "LocalSecondaryIndexes": {"byO": {"CapacityUnits": 1}}}}`)

		wantError(t, db, "CreateTable", strings.NewReplacer(`"loc"`, `"two"`, `, {"AttributeName": "s", "KeyType": "RANGE"}`, ``).Replace(localTable), codeValidation, "range key")
		wantError(t, db, "UpdateTable", `{"TableName": "loc", "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "byO"}}]}`, "ResourceNotFoundException", "not found")
	})
}

func TestSeveralBadParametersAreToldTogether(t *testing.T) {
	db := &DynamoDB{}
	newTable(t, db)
	wantError(t, db, "PutItem", `{"TableName": "app", "Item": {"leaseKey": {"S": "x"}}, "ReturnValues": "A", "ReturnConsumedCapacity": "B", "ReturnItemCollectionMetrics": "C"}`,
		codeValidation, "3 validation errors detected: Value 'A' at 'returnValues'")
}
