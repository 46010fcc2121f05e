package awsfake

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// A dbItem is an item in few words: strings are S, ints N.
type dbItem map[string]any

func attributes(it dbItem) map[string]types.AttributeValue {
	m := map[string]types.AttributeValue{}
	for k, v := range it {
		switch v := v.(type) {
		case string:
			m[k] = &types.AttributeValueMemberS{Value: v}
		case int:
			m[k] = &types.AttributeValueMemberN{Value: strconv.Itoa(v)}
		case types.AttributeValue:
			m[k] = v
		}
	}
	return m
}

var ignoreUnexported = cmpopts.IgnoreUnexported(
	types.AttributeValueMemberS{}, types.AttributeValueMemberN{}, types.AttributeValueMemberSS{}, types.AttributeValueMemberL{},
)

func wantItem(t *testing.T, got map[string]types.AttributeValue, want dbItem) {
	t.Helper()
	if d := cmp.Diff(attributes(want), got, ignoreUnexported, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("item (-want +got):\n%s", d)
	}
}

// wantCode checks the error code, "" for success.
func wantCode(t *testing.T, err error, want string) {
	t.Helper()
	got := ""
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		got = e.ErrorCode()
	} else if err != nil {
		got = err.Error()
	}
	if got != want {
		t.Fatalf("got error %q (%v), want %q", got, err, want)
	}
}

func newClient(h http.Handler, caller string) *dynamodb.Client {
	return dynamodb.NewFromConfig(Config(h, caller))
}

// once is newClient without retries, where a test counts calls.
func once(h http.Handler, caller string) *dynamodb.Client {
	return dynamodb.NewFromConfig(Config(h, caller), func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 })
}

const ownerIndex = "LeaseOwnerToLeaseKeyIndex"

func hashKey(name string) []types.KeySchemaElement {
	return []types.KeySchemaElement{{AttributeName: &name, KeyType: types.KeyTypeHash}}
}

func stringAttrs(names ...string) (defs []types.AttributeDefinition) {
	for _, n := range names {
		defs = append(defs, types.AttributeDefinition{AttributeName: new(n), AttributeType: types.ScalarAttributeTypeS})
	}
	return defs
}

// leaseTable is the request for a table of leases with its owner index.
func leaseTable(name string) *dynamodb.CreateTableInput {
	return &dynamodb.CreateTableInput{
		TableName:            &name,
		AttributeDefinitions: stringAttrs("leaseKey", "leaseOwner"),
		KeySchema:            hashKey("leaseKey"),
		BillingMode:          types.BillingModePayPerRequest,
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName: new(ownerIndex),
			KeySchema: []types.KeySchemaElement{
				{AttributeName: new("leaseOwner"), KeyType: types.KeyTypeHash},
				{AttributeName: new("leaseKey"), KeyType: types.KeyTypeRange},
			},
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}},
	}
}

// newTable returns a client of db with a lease table "app".
func newTable(t *testing.T, db *DynamoDB) *dynamodb.Client {
	t.Helper()
	c := newClient(db, "maker")
	_, err := c.CreateTable(t.Context(), leaseTable("app"))
	wantCode(t, err, "")
	return c
}

func put(t *testing.T, c *dynamodb.Client, it dbItem) {
	t.Helper()
	_, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: new("app"), Item: attributes(it)})
	wantCode(t, err, "")
}

func get(t *testing.T, c *dynamodb.Client, key string) map[string]types.AttributeValue {
	t.Helper()
	out, err := c.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: new("app"), Key: attributes(dbItem{"leaseKey": key}), ConsistentRead: new(true)})
	wantCode(t, err, "")
	return out.Item
}

// owned returns the keys that the owner index has of a worker.
func owned(t *testing.T, c *dynamodb.Client, owner string) string {
	t.Helper()
	out, err := c.Query(t.Context(), &dynamodb.QueryInput{
		TableName:                 new("app"),
		IndexName:                 new(ownerIndex),
		KeyConditionExpression:    new("leaseOwner = :o"),
		ExpressionAttributeValues: attributes(dbItem{":o": owner}),
	})
	wantCode(t, err, "")
	var keys []string
	for _, it := range out.Items {
		keys = append(keys, it["leaseKey"].(*types.AttributeValueMemberS).Value)
	}
	return strings.Join(keys, " ")
}

// renew adds one to the counter if it is as given.
func renew(ctx context.Context, c *dynamodb.Client, key string, counter int) (*dynamodb.UpdateItemOutput, error) {
	return c.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           new("app"),
		Key:                                 attributes(dbItem{"leaseKey": key}),
		UpdateExpression:                    new("SET leaseCounter = :new"),
		ConditionExpression:                 new("leaseCounter = :old"),
		ExpressionAttributeValues:           attributes(dbItem{":new": counter + 1, ":old": counter}),
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
}

func TestConditionalWrite(t *testing.T) {
	c := newTable(t, &DynamoDB{})
	put(t, c, dbItem{"leaseKey": "s0", "leaseCounter": 5})

	out, err := renew(t.Context(), c, "s0", 5)
	wantCode(t, err, "")
	wantItem(t, out.Attributes, dbItem{"leaseKey": "s0", "leaseCounter": 6})

	_, err = renew(t.Context(), c, "s0", 5)
	e, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	if !ok {
		t.Fatalf("second write: got %v, want ConditionalCheckFailedException", err)
	}
	wantItem(t, e.Item, dbItem{"leaseKey": "s0", "leaseCounter": 6})
	if got, want := e.ErrorMessage(), "The conditional request failed"; got != want {
		t.Errorf("message: got %q, want %q", got, want)
	}

	_, err = renew(t.Context(), c, "none", 5)
	if e, ok := errors.AsType[*types.ConditionalCheckFailedException](err); !ok || e.Item != nil {
		t.Errorf("write of no item: got %v with item %v, want ConditionalCheckFailedException without", err, e.Item)
	}
	wantItem(t, get(t, c, "none"), nil)
}

func TestMissingTable(t *testing.T) {
	db := &DynamoDB{}
	c := newClient(db, "a")
	_, err := renew(t.Context(), c, "s0", 1)
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
		t.Errorf("UpdateItem: got %v, want ResourceNotFoundException", err)
	}
	_, err = c.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: new("app")})
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
		t.Errorf("DescribeTable: got %v, want ResourceNotFoundException", err)
	}
}

// Sixteen workers write on the counter that they all read: one of them wins,
// in each of fifty rounds.
func TestOneConditionalWriterWins(t *testing.T) {
	const racers, rounds = 16, 50
	db := &DynamoDB{}
	c := newTable(t, db)
	put(t, c, dbItem{"leaseKey": "s0", "leaseCounter": 0})
	for round := range rounds {
		won := make(chan int, racers)
		var wg sync.WaitGroup
		for i := range racers {
			wg.Go(func() {
				if _, err := renew(t.Context(), c, "s0", round); err == nil {
					won <- i
				} else if _, ok := errors.AsType[*types.ConditionalCheckFailedException](err); !ok {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := len(won); n != 1 {
			t.Fatalf("round %d: got %d winners, want 1", round, n)
		}
	}
}

func TestAddLosesNothing(t *testing.T) {
	const writers, times = 16, 50
	c := newTable(t, &DynamoDB{})
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range times {
				_, err := c.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
					TableName:                 new("app"),
					Key:                       attributes(dbItem{"leaseKey": "s0"}),
					UpdateExpression:          new("ADD leaseCounter :one"),
					ExpressionAttributeValues: attributes(dbItem{":one": 1}),
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	wantItem(t, get(t, c, "s0"), dbItem{"leaseKey": "s0", "leaseCounter": writers * times})
}

func TestLatencyInBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &DynamoDB{Latency: time.Hour}
		c := newTable(t, db)
		start := time.Now()
		put(t, c, dbItem{"leaseKey": "s0"})
		if got := time.Since(start); got != time.Hour {
			t.Errorf("a call took %v, want 1h", got)
		}
	})
}

// A deadline that passes while the call waits is the caller's own error, not
// an answer.
func TestDeadlineDuringLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &DynamoDB{}
		c := newTable(t, db)
		put(t, c, dbItem{"leaseKey": "s0", "leaseCounter": 0})
		var got []string
		db.Trace = func(r Result) { got = append(got, r.Err) }
		db.Latency = 10 * time.Second
		for _, d := range []time.Duration{5*time.Second - 1, 10*time.Second - 1} {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			_, err := renew(ctx, c, "s0", 0)
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("deadline %v: got %v, want %v", d, err, context.DeadlineExceeded)
			}
		}
		if d := cmp.Diff([]string{"gone", "lost"}, got); d != "" {
			t.Errorf("results (-want +got):\n%s", d)
		}
		wantItem(t, get(t, c, "s0"), dbItem{"leaseKey": "s0", "leaseCounter": 1})
	})
}

func TestTransaction(t *testing.T) {
	ctx := t.Context()
	c := newTable(t, &DynamoDB{})
	put(t, c, dbItem{"leaseKey": "lock", "ownerName": "a"})
	move := func(owner, token string) error {
		_, err := c.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{ClientRequestToken: &token, TransactItems: []types.TransactWriteItem{
			{ConditionCheck: &types.ConditionCheck{
				TableName: new("app"), Key: attributes(dbItem{"leaseKey": "lock"}), ConditionExpression: new("ownerName = :o"),
				ExpressionAttributeValues:           attributes(dbItem{":o": owner}),
				ReturnValuesOnConditionCheckFailure: "ALL_OLD",
			}},
			{Put: &types.Put{TableName: new("app"), Item: attributes(dbItem{"leaseKey": "new"}), ConditionExpression: new("attribute_not_exists(leaseKey)")}},
		}})
		return err
	}
	err := move("b", "1")
	e, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok || len(e.CancellationReasons) != 2 || *e.CancellationReasons[0].Code != "ConditionalCheckFailed" || *e.CancellationReasons[1].Code != "None" {
		t.Fatalf("wrong owner: got %v, want it cancelled for its first item", err)
	}
	wantItem(t, e.CancellationReasons[0].Item, dbItem{"leaseKey": "lock", "ownerName": "a"})
	wantItem(t, get(t, c, "new"), nil)

	wantCode(t, move("a", "2"), "")
	wantItem(t, get(t, c, "new"), dbItem{"leaseKey": "new"})
	wantCode(t, move("a", "2"), "") // the same again
	wantCode(t, move("b", "2"), "IdempotentParameterMismatchException")
}

func TestBatches(t *testing.T) {
	ctx := t.Context()
	c := newTable(t, &DynamoDB{})
	put(t, c, dbItem{"leaseKey": "old"})
	_, err := c.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"app": {
		{PutRequest: &types.PutRequest{Item: attributes(dbItem{"leaseKey": "x"})}},
		{DeleteRequest: &types.DeleteRequest{Key: attributes(dbItem{"leaseKey": "old"})}},
	}}})
	wantCode(t, err, "")
	out, err := c.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"app": {
		Keys: []map[string]types.AttributeValue{attributes(dbItem{"leaseKey": "x"}), attributes(dbItem{"leaseKey": "old"})},
	}}})
	wantCode(t, err, "")
	if got := out.Responses["app"]; len(got) != 1 {
		t.Fatalf("got %d items, want 1", len(got))
	}
	wantItem(t, out.Responses["app"][0], dbItem{"leaseKey": "x"})
}

func TestOverLoopback(t *testing.T) {
	db := &DynamoDB{}
	srv := httptest.NewServer(&Services{DynamoDB: db})
	defer srv.Close()
	cfg := Config(db, "far")
	cfg.HTTPClient, cfg.BaseEndpoint = srv.Client(), aws.String(srv.URL)
	c := dynamodb.NewFromConfig(cfg)
	_, err := c.CreateTable(t.Context(), leaseTable("app"))
	wantCode(t, err, "")
	put(t, c, dbItem{"leaseKey": "s0", "leaseCounter": 1})
	_, err = renew(t.Context(), c, "s0", 1)
	wantCode(t, err, "")
	_, err = renew(t.Context(), c, "s0", 1)
	wantCode(t, err, "ConditionalCheckFailedException")
}
