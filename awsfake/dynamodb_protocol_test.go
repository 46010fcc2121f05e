package awsfake

import (
	"bytes"
	"encoding/json"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// call sends a body as it is, and returns the status and the answer.
func call(tb testing.TB, h http.Handler, operation, body string) (int, string) {
	tb.Helper()
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	resp, err := Client(h).Transport.RoundTrip(r)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	if got, want := resp.Header.Get("X-Amz-Crc32"), strconv.FormatUint(uint64(crc32.ChecksumIEEE(b)), 10); got != want {
		tb.Errorf("X-Amz-Crc32: got %s, want %s", got, want)
	}
	if resp.Header.Get("X-Amzn-Requestid") == "" || resp.Header.Get("Content-Type") != "application/x-amz-json-1.0" {
		tb.Errorf("headers: got %v", resp.Header)
	}
	return resp.StatusCode, string(b)
}

// wantCall sends a body and compares the answer, as JSON.
func wantCall(t *testing.T, h http.Handler, operation, body, want string) {
	t.Helper()
	_, got := call(t, h, operation, body)
	if d := cmp.Diff(canonical(t, want), canonical(t, got)); d != "" {
		t.Errorf("%s %s (-want +got):\n%s", operation, body, d)
	}
}

func canonical(t *testing.T, s string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatalf("%v in %s", err, s)
	}
	return v
}

const refusedCall = `{"Message": "The conditional request failed", "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}`

// The requests of other clients of a lease table, which write with the
// parameters from before expressions.
func TestLegacyRequests(t *testing.T) {
	db := &DynamoDB{}
	call(t, db, "CreateTable", `{"TableName": "app", "AttributeDefinitions": [{"AttributeName": "leaseKey", "AttributeType": "S"}], "BillingMode": "PAY_PER_REQUEST", "DeletionProtectionEnabled": false, "KeySchema": [{"AttributeName": "leaseKey", "KeyType": "HASH"}]}`)
	call(t, db, "UpdateTable", `{"TableName": "app", "AttributeDefinitions": [{"AttributeName": "leaseOwner", "AttributeType": "S"}, {"AttributeName": "leaseKey", "AttributeType": "S"}], "GlobalSecondaryIndexUpdates": [{"Create": {"IndexName": "LeaseOwnerToLeaseKeyIndex", "KeySchema": [{"AttributeName": "leaseOwner", "KeyType": "HASH"}, {"AttributeName": "leaseKey", "KeyType": "RANGE"}], "Projection": {"ProjectionType": "KEYS_ONLY"}}}]}`)

	create := `{"TableName": "app", "Expected": {"leaseKey": {"Exists": false}}, "Item": {"leaseKey": {"S": "s0"}, "leaseCounter": {"N": "0"}, "ownerSwitchesSinceCheckpoint": {"N": "0"}}}`
	wantCall(t, db, "PutItem", create, `{}`)
	wantCall(t, db, "PutItem", create, refusedCall)

	assign := `{"TableName": "app", "Key": {"leaseKey": {"S": "s0"}}, "AttributeUpdates": {"leaseOwner": {"Action": "PUT", "Value": {"S": "a"}}, "checkpointOwner": {"Action": "DELETE"}, "leaseCounter": {"Action": "ADD", "Value": {"N": "1"}}},
		"Expected": {"leaseKey": {"Exists": true, "Value": {"S": "s0"}}, "leaseOwner": {"Exists": false}, "checkpointOwner": {"Exists": false}}, "ReturnValues": "ALL_NEW", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}`
	assigned := `{"leaseKey": {"S": "s0"}, "leaseOwner": {"S": "a"}, "leaseCounter": {"N": "1"}, "ownerSwitchesSinceCheckpoint": {"N": "0"}}`
	wantCall(t, db, "UpdateItem", assign, `{"Attributes": `+assigned+`}`)
	wantCall(t, db, "UpdateItem", assign, `{"Item": `+assigned+`, `+refusedCall[1:])

	renew := func(counter int) string {
		return `{"TableName": "app", "Key": {"leaseKey": {"S": "s0"}}, "AttributeUpdates": {"leaseCounter": {"Action": "PUT", "Value": {"N": "` + strconv.Itoa(counter+1) + `"}}, "throughputKBps": {"Action": "PUT", "Value": {"N": "2.026042"}}},
		"Expected": {"checkpointOwner": {"Exists": false}, "leaseCounter": {"Value": {"N": "` + strconv.Itoa(counter) + `"}}}}`
	}
	wantCall(t, db, "UpdateItem", renew(1), `{}`)
	wantCall(t, db, "UpdateItem", renew(1), refusedCall)
	wantCall(t, db, "Query", `{"TableName": "app", "ExpressionAttributeValues": {":leaseOwner": {"S": "a"}}, "IndexName": "LeaseOwnerToLeaseKeyIndex", "KeyConditionExpression": "leaseOwner = :leaseOwner"}`,
		`{"Count": 1, "ScannedCount": 1, "Items": [{"leaseKey": {"S": "s0"}, "leaseOwner": {"S": "a"}}]}`)
	wantCall(t, db, "Query", `{"TableName": "app", "IndexName": "LeaseOwnerToLeaseKeyIndex", "KeyConditions": {"leaseOwner": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}}, "Select": "COUNT"}`,
		`{"Count": 1, "ScannedCount": 1}`)

	wantCall(t, db, "UpdateItem", `{"TableName": "app", "Key": {"leaseKey": {"S": "s0"}}, "AttributeUpdates": {"childShardIds": {"Action": "PUT", "Value": {"SS": ["s2", "s1"]}}}, "Expected": {"leaseKey": {"Exists": true, "Value": {"S": "s0"}}}, "ReturnValues": "UPDATED_NEW"}`,
		`{"Attributes": {"childShardIds": {"SS": ["s1", "s2"]}}}`)
	wantCall(t, db, "Scan", `{"TableName": "app", "Segment": 0, "TotalSegments": 1, "AttributesToGet": ["leaseCounter", "throughputKBps"]}`,
		`{"Count": 1, "ScannedCount": 1, "Items": [{"leaseCounter": {"N": "2"}, "throughputKBps": {"N": "2.026042"}}]}`)
	for filter, n := range map[string]string{
		`{"leaseCounter": {"ComparisonOperator": "GT", "AttributeValueList": [{"N": "1"}]}}`:                    "1",
		`{"leaseCounter": {"ComparisonOperator": "IN", "AttributeValueList": [{"N": "7"}, {"N": "8"}]}}`:        "0",
		`{"leaseCounter": {"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"N": "2"}, {"N": "8"}]}}`:   "1",
		`{"leaseOwner": {"ComparisonOperator": "NULL"}}`:                                                        "0",
		`{"childShardIds": {"ComparisonOperator": "CONTAINS", "AttributeValueList": [{"S": "s2"}]}}`:            "1",
		`{"childShardIds": {"ComparisonOperator": "NOT_CONTAINS", "AttributeValueList": [{"S": "s2"}]}}`:        "0",
		`{"leaseOwner": {"ComparisonOperator": "BEGINS_WITH", "AttributeValueList": [{"S": "a"}]}}`:             "1",
		`{"leaseOwner": {"ComparisonOperator": "NE", "AttributeValueList": [{"S": "a"}]}}`:                      "0",
		`{"leaseOwner": {"ComparisonOperator": "NULL"}, "checkpointOwner": {"ComparisonOperator": "NULL"}}`:     "0",
		`{"leaseOwner": {"ComparisonOperator": "NOT_NULL"}, "checkpointOwner": {"ComparisonOperator": "NULL"}}`: "1",
	} {
		wantCall(t, db, "Scan", `{"TableName": "app", "Select": "COUNT", "ScanFilter": `+filter+`}`, `{"Count": `+n+`, "ScannedCount": 1}`)
	}
	wantCall(t, db, "Scan", `{"TableName": "app", "Select": "COUNT", "ConditionalOperator": "OR", "ScanFilter": {"leaseOwner": {"ComparisonOperator": "NULL"}, "checkpointOwner": {"ComparisonOperator": "NULL"}}}`, `{"Count": 1, "ScannedCount": 1}`)
	wantCall(t, db, "DeleteItem", `{"TableName": "app", "Key": {"leaseKey": {"S": "s0"}}, "Expected": {"leaseCounter": {"Value": {"N": "7"}}}}`, refusedCall)
	wantCall(t, db, "DeleteItem", `{"TableName": "app", "Key": {"leaseKey": {"S": "s0"}}}`, `{}`)
	wantCall(t, db, "GetItem", `{"TableName": "app", "Key": {"leaseKey": {"S": "s0"}}, "ConsistentRead": false}`, `{}`)
}

// What cannot be read is answered.
func TestBadRequests(t *testing.T) {
	db := &DynamoDB{}
	newTable(t, db)
	const validation, serial = "com.amazon.coral.validate#ValidationException", "com.amazon.coral.service#SerializationException"
	for _, tt := range []struct{ operation, body, kind, message string }{
		{"Nothing", `{}`, "com.amazon.coral.service#UnknownOperationException", ""},
		{"", `{}`, "com.amazon.coral.service#UnknownOperationException", ""},
		{"GetItem", ``, serial, "JSON"},
		{"GetItem", `{`, serial, "JSON"},
		{"GetItem", `[]`, serial, ""},
		{"GetItem", `{"TableName": 7}`, serial, "TableName"},
		{"GetItem", `{"TableName": "app", "Key": {"leaseKey": {"S": 7}}}`, serial, ""},
		{"GetItem", `{"TableName": "app", "Key": {"leaseKey": "s0"}}`, serial, ""},
		{"GetItem", `null`, validation, "null"},
		{"GetItem", `{"TableName": "app"}`, validation, "'key'"},
		{"GetItem", `{"TableName": "x", "Key": {}}`, validation, "greater than or equal to 3"},
		{"GetItem", `{"TableName": "a b c", "Key": {}}`, validation, "pattern"},
		{"GetItem", `{"TableName": "app", "Key": {}}`, validation, "provided key element"},
		{"GetItem", `{"TableName": "app", "Key": {"leaseKey": {"N": "1"}}}`, validation, "provided key element"},
		{"GetItem", `{"TableName": "app", "Key": {"leaseKey": {"S": ""}}}`, validation, "empty string value. Key: leaseKey"},
		{"GetItem", `{"TableName": "app", "Key": {"leaseKey": {"S": "a"}, "n": {"S": "a"}}}`, validation, "provided key element"},
		{"GetItem", `{"TableName": "app", "Key": {"leaseKey": {}}}`, validation, "empty"},
		{"GetItem", `{"TableName": "app", "Key": {"leaseKey": {"S": "a", "N": "1"}}}`, validation, "more than one"},
		{"GetItem", `{"TableName": "app", "Key": {"leaseKey": {"X": "a"}}}`, validation, "empty"},
		{"PutItem", `{"TableName": "app", "Item": {"n": {"N": "1"}}}`, validation, "Missing the key leaseKey"},
		{"PutItem", `{"TableName": "app", "Item": {"leaseKey": {"N": "1"}}}`, validation, "Type mismatch for key leaseKey expected: S actual: N"},
		{"PutItem", `{"TableName": "app", "Item": {"leaseKey": {"S": "a"}, "leaseOwner": {"S": ""}}}`, validation, "IndexKey: leaseOwner"},
		{"PutItem", `{"TableName": "app", "Item": {"leaseKey": {"S": "a"}, "leaseOwner": {"N": "1"}}}`, validation, "Type mismatch for Index Key leaseOwner Expected: S Actual: N"},
		{"PutItem", `{"TableName": "app", "Item": {"leaseKey": {"S": "a"}, "n": {"N": "x"}}}`, validation, "cannot be converted to a numeric value: x"},
		{"PutItem", `{"TableName": "app", "Item": {"leaseKey": {"S": "a"}, "n": {"SS": []}}}`, validation, "may not be empty"},
		{"PutItem", `{"TableName": "app", "Item": {"leaseKey": {"S": "a"}, "n": {"SS": ["a", "a"]}}}`, validation, "duplicates"},
		{"PutItem", `{"TableName": "app", "Item": {"leaseKey": {"S": "a"}, "n": {"NULL": false}}}`, validation, "value of true"},
		{"PutItem", `{"TableName": "app", "Item": {"leaseKey": {"S": "a"}, "n": {"B": "%"}}}`, serial, "base64"},
		{"PutItem", `{"TableName": "app", "Item": {"leaseKey": {"S": "a"}, "": {"S": "a"}}}`, validation, "may not be empty"},
		{"PutItem", `{"TableName": "app", "Item": {"leaseKey": {"S": "a"}, "m": {"M": {"": {"S": "a"}}}}}`, validation, "may not be empty"},
		{"PutItem", `{"TableName": "app", "Item": {"leaseKey": {"S": "a"}}, "ReturnValues": "ALL_NEW"}`, validation, "ALL_OLD or NONE"},
		{"PutItem", `{"TableName": "app", "Item": {"leaseKey": {"S": "a"}}, "Expected": {"n": {}}}`, validation, "Value must be provided when Exists is null"},
		{"PutItem", `{"TableName": "app", "Item": {"leaseKey": {"S": "a"}}, "Expected": {"n": {"Exists": true}}}`, validation, "Value must be provided when Exists is true"},
		{"PutItem", `{"TableName": "app", "Item": {"leaseKey": {"S": "a"}}, "Expected": {"n": {"Exists": false, "Value": {"S": "a"}}}}`, validation, "Value cannot be used when Exists is false"},
		{"PutItem", `{"TableName": "app", "Item": {"leaseKey": {"S": "a"}}, "Expected": {"n": {"Exists": false}}, "ConditionExpression": "n = n"}`, validation, "Can not use both"},
		{"PutItem", `{"TableName": "app", "Item": {"leaseKey": {"S": "a"}}, "ExpressionAttributeNames": {"#a": "b"}}`, validation, "only be specified when using expressions"},
		{"UpdateItem", `{"TableName": "app", "Key": {"leaseKey": {"S": "a"}}, "UpdateExpression": "SET leaseKey = :a", "ExpressionAttributeValues": {":a": {"S": "b"}}}`, validation, "This attribute is part of the key"},
		{"UpdateItem", `{"TableName": "app", "Key": {"leaseKey": {"S": "a"}}, "UpdateExpression": "SET n = n + :a", "ExpressionAttributeValues": {":a": {"N": "1"}}}`, validation, "does not exist in the item"},
		{"UpdateItem", `{"TableName": "app", "Key": {"leaseKey": {"S": "a"}}, "AttributeUpdates": {"n": {"Action": "PUT"}}}`, validation, "Only DELETE action is allowed"},
		{"UpdateItem", `{"TableName": "app", "Key": {"leaseKey": {"S": "a"}}, "AttributeUpdates": {"n": {"Action": "X"}}}`, validation, "'action'"},
		{"Query", `{"TableName": "app"}`, validation, "must be specified"},
		{"Query", `{"TableName": "app", "KeyConditionExpression": "n = :a", "ExpressionAttributeValues": {":a": {"N": "1"}}}`, validation, "missed key schema element: leaseKey"},
		{"Query", `{"TableName": "app", "KeyConditionExpression": "leaseKey > :a", "ExpressionAttributeValues": {":a": {"S": "1"}}}`, validation, "not supported"},
		{"Query", `{"TableName": "app", "KeyConditionExpression": "leaseKey = :a OR leaseKey = :a", "ExpressionAttributeValues": {":a": {"S": "1"}}}`, validation, "Invalid operator used in KeyConditionExpression: OR"},
		{"Query", `{"TableName": "app", "KeyConditionExpression": "leaseKey = :a AND leaseKey = :a", "ExpressionAttributeValues": {":a": {"S": "1"}}}`, validation, "one condition per key"},
		{"Query", `{"TableName": "app", "KeyConditionExpression": "leaseKey = :a", "ExpressionAttributeValues": {":a": {"N": "1"}}}`, validation, "does not match schema type"},
		{"Query", `{"TableName": "app", "IndexName": "none", "KeyConditionExpression": "leaseKey = :a", "ExpressionAttributeValues": {":a": {"S": "1"}}}`, validation, "does not have the specified index"},
		{"Query", `{"TableName": "app", "KeyConditionExpression": "leaseKey = :a", "FilterExpression": "leaseKey = :a", "ExpressionAttributeValues": {":a": {"S": "1"}}}`, validation, "non-primary key attributes"},
		{"Query", `{"TableName": "app", "IndexName": "LeaseOwnerToLeaseKeyIndex", "Select": "ALL_ATTRIBUTES", "KeyConditionExpression": "leaseOwner = :a", "ExpressionAttributeValues": {":a": {"S": "1"}}}`, validation, "projection type is not ALL"},
		{"Query", `{"TableName": "app", "IndexName": "LeaseOwnerToLeaseKeyIndex", "ExclusiveStartKey": {"leaseKey": {"S": "1"}, "leaseOwner": {"S": "2"}}, "KeyConditionExpression": "leaseOwner = :a", "ExpressionAttributeValues": {":a": {"S": "1"}}}`, validation, "outside query boundaries"},
		{"Scan", `{"TableName": "app", "Limit": 0}`, validation, "'limit'"},
		{"Scan", `{"TableName": "app", "Segment": 0}`, validation, "TotalSegments"},
		{"Scan", `{"TableName": "app", "Segment": 2, "TotalSegments": 2}`, validation, "zero-based"},
		{"Scan", `{"TableName": "app", "ExclusiveStartKey": {"n": {"S": "1"}}}`, validation, "starting key is invalid"},
		{"CreateTable", `{"TableName": "new"}`, validation, "No Hash Key"},
		{"CreateTable", `{"TableName": "new", "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}]}`, validation, "not defined in AttributeDefinitions"},
		{"CreateTable", `{"TableName": "new", "BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}], "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}, {"AttributeName": "o", "AttributeType": "S"}]}`, validation, "not used"},
		{"UpdateTable", `{"TableName": "app"}`, validation, "At least one"},
		{"TransactWriteItems", `{}`, validation, "transactItems"},
		{"TransactWriteItems", `{"TransactItems": [{}]}`, validation, "one of"},
		{"BatchGetItem", `{"RequestItems": {"app": {"Keys": [{"leaseKey": {"S": "1"}}, {"leaseKey": {"S": "1"}}]}}}`, validation, "duplicates"},
		{"BatchWriteItem", `{"RequestItems": {"app": [{}]}}`, validation, ""},
	} {
		status, body := call(t, db, tt.operation, tt.body)
		var e struct {
			Type string `json:"__type"`
			Text string `json:"message"`
		}
		if err := json.Unmarshal([]byte(body), &e); err != nil {
			t.Fatal(err)
		}
		if status != 400 || e.Type != tt.kind || !strings.Contains(e.Text, tt.message) {
			t.Errorf("%s %s:\ngot %d %s\nwant 400 %s with %q", tt.operation, tt.body, status, body, tt.kind, tt.message)
		}
	}
}

func TestItemSizeLimit(t *testing.T) {
	db := &DynamoDB{}
	newTable(t, db)
	put := func(n int) string {
		_, body := call(t, db, "PutItem", `{"TableName": "app", "Item": {"leaseKey": {"S": "k"}, "d": {"S": "`+strings.Repeat("x", n)+`"}}}`)
		return body
	}
	const rest = len("leaseKey") + len("k") + len("d")
	if got := put(400<<10 - rest); got != "{}" {
		t.Errorf("put of 400 kB: got %s, want success", got)
	}
	if got := put(400<<10 - rest + 1); !strings.Contains(got, "Item size has exceeded the maximum allowed size") {
		t.Errorf("put of 400 kB and a byte: got %s, want a ValidationException", got)
	}
}

// No body makes the fake panic or leaves it unusable, and every answer is JSON
// with the right checksum.
func FuzzProtocol(f *testing.F) {
	operations := []string{
		"CreateTable", "UpdateTable", "DescribeTable", "DeleteTable", "ListTables", "GetItem", "PutItem", "UpdateItem",
		"DeleteItem", "Query", "Scan", "BatchGetItem", "BatchWriteItem", "TransactWriteItems", "ListTagsOfResource", "None",
		"TransactGetItems", "TagResource", "UntagResource", "UpdateTimeToLive", "DescribeTimeToLive", "UpdateContinuousBackups",
		"DescribeContinuousBackups", "DescribeLimits", "DescribeEndpoints",
	}
	for i := range operations {
		f.Add(uint8(i), []byte(`{"TableName": "app", "Key": {"leaseKey": {"S": "s0"}}}`))
	}
	f.Add(uint8(7), []byte(`{"TableName": "app", "Key": {"leaseKey": {"S": "s0"}}, "UpdateExpression": "SET a.b[1] = list_append(if_not_exists(#c, :d), :d) REMOVE x[0], x[1] ADD n :n DELETE s :s", "ConditionExpression": "(size(a) > :n OR NOT contains(b, :n)) AND a IN (:n, b) AND c BETWEEN :n AND :n", "ExpressionAttributeNames": {"#c": "c"}, "ExpressionAttributeValues": {":n": {"N": "-1.5e3"}, ":d": {"L": []}, ":s": {"SS": ["a"]}}, "ReturnValues": "UPDATED_NEW"}`))
	f.Add(uint8(9), []byte(`{"TableName": "app", "IndexName": "LeaseOwnerToLeaseKeyIndex", "KeyConditionExpression": "leaseOwner = :o AND leaseKey BETWEEN :o AND :o", "ProjectionExpression": "leaseKey", "ExpressionAttributeValues": {":o": {"S": "a"}}, "ExclusiveStartKey": {"leaseKey": {"S": "a"}, "leaseOwner": {"S": "a"}}}`))
	f.Add(uint8(10), []byte(`{"TableName": "app", "Segment": 1, "TotalSegments": 3, "Limit": 1, "ScanFilter": {"a": {"ComparisonOperator": "IN", "AttributeValueList": []}}}`))
	f.Add(uint8(13), []byte(`{"TransactItems": [{"Put": {"TableName": "app", "Item": {"leaseKey": {"S": "a"}}}}, {"Update": {"TableName": "app", "Key": {"leaseKey": {"S": "b"}}}}]}`))
	f.Add(uint8(1), []byte(`{"TableName": "app", "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "LeaseOwnerToLeaseKeyIndex"}}]}`))

	f.Add(uint8(16), []byte(`{"TransactItems": [{"Get": {"TableName": "app", "Key": {"leaseKey": {"S": "s0"}}, "ProjectionExpression": "a.b[0]"}}, {"Get": null}]}`))
	f.Add(uint8(17), []byte(`{"ResourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/app", "Tags": [{"Key": "a", "Value": "b"}]}`))
	f.Add(uint8(19), []byte(`{"TableName": "app", "TimeToLiveSpecification": {"AttributeName": "n", "Enabled": true}}`))
	f.Add(uint8(0), []byte(`{"TableName": "two", "BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}], "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "s", "AttributeType": "N"}, {"AttributeName": "o", "AttributeType": "B"}], "LocalSecondaryIndexes": [{"IndexName": "byO", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "o", "KeyType": "RANGE"}], "Projection": {"ProjectionType": "ALL"}}], "Tags": [{"Key": "a"}]}`))
	f.Add(uint8(1), []byte(`{"TableName": "app", "BillingMode": "PROVISIONED", "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}`))

	f.Fuzz(func(t *testing.T, op uint8, body []byte) {
		db := &DynamoDB{Limits: true, TTLTakes: -1, History: time.Minute}
		if len(body)%2 == 1 {
			db.Script = every("Scan", Fault{Stale: time.Second})
		}
		in, _ := json.Marshal(map[string]any{
			"TableName": "app", "BillingMode": "PAY_PER_REQUEST",
			"KeySchema":            []any{map[string]any{"AttributeName": "leaseKey", "KeyType": "HASH"}},
			"AttributeDefinitions": []any{map[string]any{"AttributeName": "leaseKey", "AttributeType": "S"}, map[string]any{"AttributeName": "leaseOwner", "AttributeType": "S"}},
			"GlobalSecondaryIndexes": []any{map[string]any{
				"IndexName":  "LeaseOwnerToLeaseKeyIndex",
				"KeySchema":  []any{map[string]any{"AttributeName": "leaseOwner", "KeyType": "HASH"}, map[string]any{"AttributeName": "leaseKey", "KeyType": "RANGE"}},
				"Projection": map[string]any{"ProjectionType": "KEYS_ONLY"},
			}},
		})
		call(t, db, "CreateTable", string(in))
		call(t, db, "PutItem", `{"TableName": "app", "Item": {"leaseKey": {"S": "s0"}, "leaseOwner": {"S": "a"}, "a": {"M": {"b": {"L": [{"N": "1"}]}}}, "x": {"L": [{"S": "1"}]}}}`)
		status, got := call(t, db, operations[int(op)%len(operations)], string(body))
		if status != 200 && status != 400 || !json.Valid(bytes.TrimSpace([]byte(got))) {
			t.Errorf("got %d %s", status, got)
		}
		if status, got := call(t, db, "ListTables", `{}`); status != 200 {
			t.Errorf("afterwards: got %d %s", status, got)
		}
	})
}
