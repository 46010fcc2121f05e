package awsfake

import (
	"fmt"
	"strings"
	"sync/atomic"
)

// A contractCase is one thing that DynamoDB does. Bare cases make their own
// table.
type contractCase struct {
	name  string
	bare  bool
	check func(contractTarget) error
}

func steps(s ...step) func(contractTarget) error {
	return func(c contractTarget) error { return c.do(s...) }
}

// Requests of the cases.
const (
	noTable  = "!ResourceNotFoundException"
	badValue = "!ValidationException"
	failed   = "!ConditionalCheckFailedException"
	keyA     = `"TableName": "TABLE", "Key": {"k": {"S": "a"}}`
)

func putBody(item, more string) string {
	return `{"TableName": "TABLE", "Item": ` + item + more + `}`
}

// query is a query of the index for owner x.
func query(more string) string {
	return `{"TableName": "TABLE", "IndexName": "byO", "KeyConditionExpression": "o = :o` + more
}

const ownerX = `"ExpressionAttributeValues": {":o": {"S": "x"}}`

var contract = []contractCase{
	{"a missing table", true, steps(
		step{"DescribeTable", `{"TableName": "TABLE"}`, noTable},
		step{"DeleteTable", `{"TableName": "TABLE"}`, noTable},
		step{"UpdateTable", `{"TableName": "TABLE", "BillingMode": "PAY_PER_REQUEST"}`, noTable},
		step{"GetItem", `{` + keyA + `}`, noTable},
		step{"PutItem", putBody(`{"k": {"S": "a"}}`, ``), noTable},
		step{"UpdateItem", `{` + keyA + `}`, noTable},
		step{"DeleteItem", `{` + keyA + `}`, noTable},
		step{"Scan", `{"TableName": "TABLE"}`, noTable},
		step{"Query", `{"TableName": "TABLE", "KeyConditionExpression": "k = :k", "ExpressionAttributeValues": {":k": {"S": "a"}}}`, noTable},
		step{"BatchWriteItem", `{"RequestItems": {"TABLE": [{"PutRequest": {"Item": {"k": {"S": "a"}}}}]}}`, noTable},
	)},
	{"a table on demand with an index", false, steps(
		step{"DescribeTable", `{"TableName": "TABLE"}`, `{"Table": {"TableName": "TABLE", "TableStatus": "ACTIVE", "ItemCount": 0, "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"}, "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}], "GlobalSecondaryIndexes": [{"IndexName": "byO", "IndexStatus": "ACTIVE"}]}}`},
	)},
	{"a new table is CREATING", true, steps(
		step{"CreateTable", contractTable, `{"TableDescription": {"TableStatus": "CREATING"}}`},
		step{"PutItem", putBody(`{"k": {"S": "a"}}`, ``), noTable},
	)},
	{"a table is created once", false, steps(step{"CreateTable", contractTable, "!ResourceInUseException"})},
	{"the keys of an index are limited", false, steps(
		step{"PutItem", putBody(`{"k": {"S": "`+strings.Repeat("k", 1024)+`"}, "o": {"S": "`+strings.Repeat("o", 2048)+`"}}`, ``), `{}`},
		// Also where the item is not in the index, since it lacks the other key.
		step{"PutItem", putBody(`{"k": {"S": "`+strings.Repeat("k", 1025)+`"}}`, ``), badValue},
		step{"PutItem", putBody(`{"k": {"S": "a"}}`, ``), `{}`},
		step{"UpdateItem", `{` + keyA + `, "UpdateExpression": "SET o = :o", "ExpressionAttributeValues": {":o": {"S": "` + strings.Repeat("o", 2049) + `"}}}`, badValue},
	)},
	{"put if absent", false, steps(
		step{"PutItem", putBody(`{"k": {"S": "a"}, "n": {"N": "1"}}`, `, "ConditionExpression": "attribute_not_exists(k)"`), `{}`},
		step{"PutItem", putBody(`{"k": {"S": "a"}, "n": {"N": "2"}}`, `, "ConditionExpression": "attribute_not_exists(k)"`), failed},
		step{"GetItem", `{` + keyA + `, "ConsistentRead": true}`, `{"Item": {"n": {"N": "1"}}}`},
	)},
	{"update", false, steps(
		step{"PutItem", putBody(`{"k": {"S": "a"}, "n": {"N": "1"}, "r": {"S": "x"}}`, ``), `{}`},
		step{"UpdateItem", `{` + keyA + `, "UpdateExpression": "SET s = :s REMOVE r ADD n :one", "ConditionExpression": "n = :one", "ExpressionAttributeValues": {":s": {"S": "new"}, ":one": {"N": "1"}}, "ReturnValues": "ALL_NEW"}`,
			`{"Attributes": {"k": {"S": "a"}, "n": {"N": "2"}, "s": {"S": "new"}, "r": "absent"}}`},
		step{"UpdateItem", `{` + keyA + `, "UpdateExpression": "SET n = :one", "ConditionExpression": "n = :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}`, failed},
	)},
	{"old item with a failed condition", false, steps(
		step{"PutItem", putBody(`{"k": {"S": "a"}, "n": {"N": "7"}}`, ``), `{}`},
		step{"PutItem", putBody(`{"k": {"S": "a"}}`, `, "ConditionExpression": "attribute_not_exists(k)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"`), failed + ` {"Item": {"n": {"N": "7"}}}`},
		step{"UpdateItem", `{` + keyA + `, "UpdateExpression": "REMOVE n", "ConditionExpression": "attribute_not_exists(k)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}`, failed + ` {"Item": {"n": {"N": "7"}}}`},
		step{"DeleteItem", `{` + keyA + `, "ConditionExpression": "attribute_not_exists(k)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}`, failed + ` {"Item": {"n": {"N": "7"}}}`},
	)},
	{"legacy parameters", false, steps(
		step{"PutItem", putBody(`{"k": {"S": "a"}, "n": {"N": "1"}}`, `, "Expected": {"k": {"Exists": false}}`), `{}`},
		step{"UpdateItem", `{` + keyA + `, "AttributeUpdates": {"n": {"Action": "ADD", "Value": {"N": "1"}}, "s": {"Action": "PUT", "Value": {"S": "x"}}}, "Expected": {"n": {"Value": {"N": "1"}}}, "ReturnValues": "ALL_NEW"}`,
			`{"Attributes": {"n": {"N": "2"}, "s": {"S": "x"}}}`},
		step{"UpdateItem", `{` + keyA + `, "AttributeUpdates": {"s": {"Action": "DELETE"}}, "Expected": {"n": {"Value": {"N": "1"}}}}`, failed},
		step{"PutItem", putBody(`{"k": {"S": "a"}}`, `, "Expected": {"k": {"Exists": false}}`), failed},
		step{"DeleteItem", `{` + keyA + `, "Expected": {"n": {"Value": {"N": "1"}}}}`, failed},
		step{"DeleteItem", `{` + keyA + `, "Expected": {"n": {"Value": {"N": "2"}}}}`, `{}`},
	)},
	{"parallel scan with a limit", false, scanSegments},
	{"scan with filter and projection", false, steps(
		step{"PutItem", putBody(`{"k": {"S": "a"}, "n": {"N": "1"}, "m": {"N": "1"}}`, ``), `{}`},
		step{"PutItem", putBody(`{"k": {"S": "b"}, "n": {"N": "2"}, "m": {"N": "1"}}`, ``), `{}`},
		step{"Scan", `{"TableName": "TABLE", "FilterExpression": "n > :n", "ProjectionExpression": "n", "ExpressionAttributeValues": {":n": {"N": "1"}}}`,
			`{"Count": 1, "ScannedCount": 2, "Items": [{"n": {"N": "2"}, "m": "absent", "k": "absent"}]}`},
	)},
	{"query of an index", false, steps(
		step{"PutItem", putBody(`{"k": {"S": "a1"}, "o": {"S": "x"}, "d": {"S": "d"}}`, ``), `{}`},
		step{"PutItem", putBody(`{"k": {"S": "a2"}, "o": {"S": "x"}}`, ``), `{}`},
		step{"PutItem", putBody(`{"k": {"S": "b1"}, "o": {"S": "x"}}`, ``), `{}`},
		step{"PutItem", putBody(`{"k": {"S": "a3"}, "o": {"S": "y"}}`, ``), `{}`},
		step{"Query", query(` AND begins_with(k, :k)", "ScanIndexForward": false, "ExpressionAttributeValues": {":o": {"S": "x"}, ":k": {"S": "a"}}}`),
			`{"Count": 2, "Items": [{"k": {"S": "a2"}}, {"k": {"S": "a1"}, "o": {"S": "x"}, "d": "absent"}]}`},
		step{"Query", query(`", "Limit": 2, ` + ownerX + `}`), `{"Count": 2, "LastEvaluatedKey": {"k": {"S": "a2"}, "o": {"S": "x"}}}`},
		step{"Query", query(`", "ExclusiveStartKey": {"k": {"S": "a2"}, "o": {"S": "x"}}, ` + ownerX + `}`), `{"Items": [{"k": {"S": "b1"}}], "LastEvaluatedKey": "absent"}`},
	)},
	{"an index cannot be read consistently", false, steps(step{"Query", query(`", "ConsistentRead": true, ` + ownerX + `}`), badValue})},
	{"an index is sparse and follows", false, steps(
		step{"PutItem", putBody(`{"k": {"S": "a"}}`, ``), `{}`},
		step{"Query", query(`", ` + ownerX + `}`), `{"Count": 0}`},
		step{"UpdateItem", `{` + keyA + `, "UpdateExpression": "SET o = :o", ` + ownerX + `}`, `{}`},
		step{"Query", query(`", ` + ownerX + `}`), `{"Items": [{"k": {"S": "a"}}]}`},
		step{"UpdateItem", `{` + keyA + `, "UpdateExpression": "REMOVE o"}`, `{}`},
		step{"Query", query(`", ` + ownerX + `}`), `{"Count": 0}`},
	)},
	{"transactions", false, steps(
		step{"TransactWriteItems", `{"TransactItems": [{"Put": ` + putBody(`{"k": {"S": "a"}, "n": {"N": "1"}}`, ``) + `}, {"Put": ` + putBody(`{"k": {"S": "b"}}`, ``) + `}]}`, `{}`},
		step{"TransactGetItems", `{"TransactItems": [{"Get": {` + keyA + `}}, {"Get": {"TableName": "TABLE", "Key": {"k": {"S": "none"}}}}]}`, `{"Responses": [{"Item": {"n": {"N": "1"}}}, {"Item": "absent"}]}`},
	)},
	{"a cancelled transaction", false, steps(
		step{"PutItem", putBody(`{"k": {"S": "a"}, "n": {"N": "7"}}`, ``), `{}`},
		step{"TransactWriteItems", `{"TransactItems": [{"Put": ` + putBody(`{"k": {"S": "b"}}`, ``) + `}, {"Put": ` + putBody(`{"k": {"S": "a"}}`, `, "ConditionExpression": "attribute_not_exists(k)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"`) + `}]}`,
			`!TransactionCanceledException {"CancellationReasons": [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Item": {"n": {"N": "7"}}}]}`},
		step{"GetItem", `{"TableName": "TABLE", "Key": {"k": {"S": "b"}}, "ConsistentRead": true}`, `{"Item": "absent"}`},
	)},
	{"a transaction under its token", false, steps(
		step{"TransactWriteItems", tokenBody("1"), `{}`},
		step{"TransactWriteItems", tokenBody("1"), `{}`},
		step{"GetItem", `{` + keyA + `, "ConsistentRead": true}`, `{"Item": {"n": {"N": "1"}}}`},
		step{"TransactWriteItems", tokenBody("2"), `!IdempotentParameterMismatchException`},
		step{"TransactWriteItems", strings.Replace(tokenBody("1"), "TOKEN", strings.Repeat("t", 37), 1), badValue},
	)},
	{"units of a write", false, steps(
		step{"PutItem", putBody(`{"k": {"S": "a"}, "d": {"S": "`+strings.Repeat("x", 1500)+`"}}`, `, "ReturnConsumedCapacity": "TOTAL"`), `{"ConsumedCapacity": {"TableName": "TABLE", "CapacityUnits": 2}}`},
		step{"GetItem", `{` + keyA + `, "ReturnConsumedCapacity": "TOTAL"}`, `{"ConsumedCapacity": {"CapacityUnits": 0.5}}`},
		step{"GetItem", `{` + keyA + `, "ConsistentRead": true, "ReturnConsumedCapacity": "TOTAL"}`, `{"ConsumedCapacity": {"CapacityUnits": 1}}`},
	)},
	{"an index costs units", false, steps(
		step{"PutItem", putBody(`{"k": {"S": "a"}, "o": {"S": "x"}, "d": {"S": "`+strings.Repeat("x", 1500)+`"}}`, `, "ReturnConsumedCapacity": "INDEXES"`),
			`{"ConsumedCapacity": {"CapacityUnits": 3, "Table": {"CapacityUnits": 2}, "GlobalSecondaryIndexes": {"byO": {"CapacityUnits": 1}}}}`},
	)},
	{"a transaction costs double", false, steps(
		step{"TransactWriteItems", `{"ReturnConsumedCapacity": "TOTAL", "TransactItems": [{"Put": ` + putBody(`{"k": {"S": "a"}, "o": {"S": "x"}, "d": {"S": "`+strings.Repeat("x", 1500)+`"}}`, ``) + `}]}`, `{"ConsumedCapacity": [{"CapacityUnits": 6}]}`},
	)},
	{"an index is added", false, func(c contractTarget) error {
		return orFirst(
			func() error {
				return c.do(
					step{"PutItem", putBody(`{"k": {"S": "a"}, "z": {"S": "x"}}`, ``), `{}`},
					step{"UpdateTable", addIndexBody,
						`{"TableDescription": {"GlobalSecondaryIndexes": [{"IndexName": "byO"}, {"IndexName": "byZ", "IndexStatus": "CREATING"}]}}`})
			},
			func() error {
				return c.until(step{"DescribeTable", `{"TableName": "TABLE"}`, `{"Table": {"TableStatus": "ACTIVE", "GlobalSecondaryIndexes": [{"IndexStatus": "ACTIVE"}, {"IndexStatus": "ACTIVE"}]}}`})
			},
			func() error {
				return c.until(step{"Query", `{"TableName": "TABLE", "IndexName": "byZ", "KeyConditionExpression": "z = :z", "ExpressionAttributeValues": {":z": {"S": "x"}}}`, `{"Items": [{"k": {"S": "a"}}]}`})
			})
	}},
	{"a table is UPDATING", false, steps(
		step{"UpdateTable", addIndexBody, `{"TableDescription": {"TableStatus": "UPDATING"}}`},
		step{"UpdateTable", `{"TableName": "TABLE", "BillingMode": "PAY_PER_REQUEST"}`, "!ResourceInUseException"},
	)},
	{"billing there and back", true, func(c contractTarget) error {
		set := func(mode, more, want string) func() error {
			return func() error {
				if err := c.until(isActive); err != nil {
					return err
				}
				return orFirst(
					func() error {
						// DynamoDB Local fails now and then when somebody else changes a
						// table at the same moment; a client would try again.
						update := func() error {
							return c.do(step{"UpdateTable", `{"TableName": "TABLE", "BillingMode": "` + mode + `"` + more + `}`, ``})
						}
						err := update()
						for n := 0; n < 3 && err != nil && strings.Contains(err.Error(), "InternalFailure"); n++ {
							err = update()
						}
						return err
					},
					func() error { return c.until(isActive) },
					func() error { return c.do(step{"DescribeTable", `{"TableName": "TABLE"}`, want}) })
			}
		}
		return orFirst(
			func() error {
				return c.do(step{"CreateTable", `{"TableName": "TABLE", "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}], "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}], "BillingMode": "PAY_PER_REQUEST"}`, ``})
			},
			set("PROVISIONED", `, "ProvisionedThroughput": {"ReadCapacityUnits": 3, "WriteCapacityUnits": 2}`, `{"Table": {"ProvisionedThroughput": {"ReadCapacityUnits": 3, "WriteCapacityUnits": 2}}}`),
			set("PAY_PER_REQUEST", ``, `{"Table": {"BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"}}}`))
	}},
	{"time to live", false, steps(
		step{"DescribeTimeToLive", `{"TableName": "TABLE"}`, `{"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}`},
		step{"UpdateTimeToLive", `{"TableName": "TABLE", "TimeToLiveSpecification": {"AttributeName": "t", "Enabled": true}}`, `{"TimeToLiveSpecification": {"AttributeName": "t", "Enabled": true}}`},
		step{"DescribeTimeToLive", `{"TableName": "TABLE"}`, `{"TimeToLiveDescription": {"AttributeName": "t"}}`},
	)},
	{"one of sixteen racers wins", false, raceForOne},
	{"ADD loses nothing", false, addTogether},
	{"lists, sizes and paths", false, steps(
		step{"PutItem", putBody(`{"k": {"S": "a"}, "l": {"L": [{"N": "1"}]}, "m": {"M": {"in": {"M": {"n": {"N": "1"}}}}}, "s": {"S": "text"}, "set": {"SS": ["x", "y"]}}`, ``), `{}`},
		step{"UpdateItem", `{` + keyA + `, "UpdateExpression": "SET l = list_append(l, :l), m.#in.n = m.#in.n + :one, f = if_not_exists(f, :one) DELETE #set :x", "ConditionExpression": "size(s) = :four AND contains(#set, :sx) AND contains(s, :ex) AND l[0] = :one", "ExpressionAttributeNames": {"#in": "in", "#set": "set"},
			"ExpressionAttributeValues": {":l": {"L": [{"N": "2"}]}, ":one": {"N": "1"}, ":four": {"N": "4"}, ":sx": {"S": "x"}, ":ex": {"S": "ex"}, ":x": {"SS": ["x"]}}, "ReturnValues": "ALL_NEW"}`,
			`{"Attributes": {"l": {"L": [{"N": "1"}, {"N": "2"}]}, "m": {"M": {"in": {"M": {"n": {"N": "2"}}}}}, "f": {"N": "1"}, "set": {"SS": ["y"]}}}`},
	)},
	{"bad requests", false, steps(
		step{"PutItem", putBody(`{"k": {"S": "a"}, "d": {"S": "`+strings.Repeat("x", 400<<10)+`"}}`, ``), badValue},
		step{"UpdateItem", `{` + keyA + `, "UpdateExpression": "REMOVE n", "ExpressionAttributeValues": {":unused": {"N": "1"}}}`, badValue},
		step{"PutItem", putBody(`{"k": {"S": ""}}`, ``), badValue},
		step{"UpdateItem", `{` + keyA + `, "UpdateExpression": "SET name = :v", "ExpressionAttributeValues": {":v": {"N": "1"}}}`, badValue},
		step{"GetItem", `{"TableName": "TABLE", "Key": {"other": {"S": "a"}}}`, badValue},
	)},
	{"deletion protection", false, steps(
		step{"UpdateTable", `{"TableName": "TABLE", "DeletionProtectionEnabled": true}`, `{"TableDescription": {"DeletionProtectionEnabled": true}}`},
	)},
	{"tags", true, func(c contractTarget) error {
		code, out, err := c.call("CreateTable", contractTable)
		if err != nil || code != "" {
			return fmt.Errorf("create: %s %v", code, err)
		}
		d, _ := out["TableDescription"].(map[string]any)
		arn := fmt.Sprint(d["TableArn"])
		return orFirst(
			func() error { return c.until(isActive) },
			func() error {
				return c.do(
					step{"TagResource", `{"ResourceArn": "` + arn + `", "Tags": [{"Key": "a", "Value": "1"}]}`, ``},
					step{"ListTagsOfResource", `{"ResourceArn": "` + arn + `"}`, `{"Tags": [{"Key": "a", "Value": "1"}]}`})
			})
	}},
	{"point-in-time recovery", false, steps(
		step{"UpdateContinuousBackups", `{"TableName": "TABLE", "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": true}}`, `{"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "ENABLED"}}}`},
	)},
	{"numbers of 38 digits", false, steps(
		step{"PutItem", putBody(`{"k": {"S": "a"}, "n": {"N": "12345678901234567890123456789012345678"}}`, ``), `{}`},
		step{"UpdateItem", `{` + keyA + `, "UpdateExpression": "ADD n :n", "ExpressionAttributeValues": {":n": {"N": "1"}}, "ReturnValues": "ALL_NEW"}`, `{"Attributes": {"n": {"N": "12345678901234567890123456789012345679"}}}`},
		step{"PutItem", putBody(`{"k": {"S": "a"}, "n": {"N": "123456789012345678901234567890123456789"}}`, ``), badValue},
	)},
	{"a provisioned table throttles", true, func(c contractTarget) error {
		if err := c.do(step{"CreateTable", `{"TableName": "TABLE", "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}], "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}], "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}`, ``}); err != nil {
			return err
		}
		if err := c.until(isActive); err != nil {
			return err
		}
		for range 50 {
			code, _, err := c.call("PutItem", putBody(`{"k": {"S": "a"}, "d": {"S": "`+strings.Repeat("x", 100_000)+`"}}`, ``))
			if err != nil {
				return err
			}
			if code == "ProvisionedThroughputExceededException" {
				return nil
			}
		}
		return fmt.Errorf("50 writes of 98 units passed")
	}},
}

const addIndexBody = `{"TableName": "TABLE", "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}, {"AttributeName": "z", "AttributeType": "S"}], "GlobalSecondaryIndexUpdates": [{"Create": {"IndexName": "byZ", "KeySchema": [{"AttributeName": "z", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}}]}`

// orFirst does one thing after the other until one fails.
func orFirst(todo ...func() error) error {
	for _, f := range todo {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

func tokenBody(n string) string {
	return `{"ClientRequestToken": "TOKEN", "TransactItems": [{"Update": {` + keyA + `, "UpdateExpression": "ADD n :n", "ExpressionAttributeValues": {":n": {"N": "` + n + `"}}}}]}`
}

// scanSegments reads a table in three segments of small pages.
func scanSegments(c contractTarget) error {
	for i := range 30 {
		if err := c.do(step{"PutItem", putBody(fmt.Sprintf(`{"k": {"S": "k%d"}}`, i), ``), `{}`}); err != nil {
			return err
		}
	}
	seen := map[string]int{}
	for segment := range 3 {
		from := ""
		for {
			code, out, err := c.call("Scan", fmt.Sprintf(`{"TableName": "TABLE", "Segment": %d, "TotalSegments": 3, "Limit": 4%s}`, segment, from))
			if err != nil || code != "" {
				return fmt.Errorf("scan: %s %v", code, err)
			}
			items, _ := out["Items"].([]any)
			if len(items) > 4 {
				return fmt.Errorf("a page has %d items, want at most 4", len(items))
			}
			for _, it := range items {
				seen[fmt.Sprint(it)]++
			}
			last, ok := out["LastEvaluatedKey"].(map[string]any)
			if !ok {
				break
			}
			k, _ := last["k"].(map[string]any)
			from = fmt.Sprintf(`, "ExclusiveStartKey": {"k": {"S": %q}}`, k["S"])
		}
	}
	for it, n := range seen {
		if n != 1 {
			return fmt.Errorf("item %s came %d times", it, n)
		}
	}
	if len(seen) != 30 {
		return fmt.Errorf("got %d items, want 30", len(seen))
	}
	return nil
}

// raceForOne has sixteen writers race for each of fifty items.
func raceForOne(c contractTarget) error {
	for round := range 50 {
		var won atomic.Int32
		err := together(16, func(i int) error {
			code, _, err := c.call("PutItem", putBody(fmt.Sprintf(`{"k": {"S": "r%d"}, "w": {"N": "%d"}}`, round, i), `, "ConditionExpression": "attribute_not_exists(k)"`))
			if code == "" && err == nil {
				won.Add(1)
			}
			return err
		})
		if n := won.Load(); err != nil || n != 1 {
			return fmt.Errorf("round %d: %d winners, %v", round, n, err)
		}
	}
	return nil
}

// addTogether has sixteen writers add one, fifty times each.
func addTogether(c contractTarget) error {
	err := together(16, func(int) error {
		for range 50 {
			if err := c.do(step{"UpdateItem", `{` + keyA + `, "UpdateExpression": "ADD n :n", "ExpressionAttributeValues": {":n": {"N": "1"}}}`, ``}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.do(step{"GetItem", `{` + keyA + `, "ConsistentRead": true}`, `{"Item": {"n": {"N": "800"}}}`})
}
