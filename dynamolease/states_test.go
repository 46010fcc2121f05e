package dynamolease

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/leasehold/leasehold/awsfake"
	"github.com/leasehold/leasehold/lease"
)

// A stateful is a target on a DynamoDB in memory whose table really is in the
// states that other targets only pretend.
type stateful struct {
	indexed
	rows *dynamodb.Client // of the last service that served the table
}

// SetTableStatus moves the store to a service on which the table is in this state.
// Where a table is served, it has the rows of the last one that was.
func (t *stateful) SetTableStatus(ctx context.Context, s lease.TableStatus) error {
	service := &awsfake.DynamoDB{}
	if s == lease.Creating {
		service.TableTakes = time.Hour
	}
	cfg := awsfake.Config(service, "w-1")
	client := dynamodb.NewFromConfig(cfg)
	if _, err := New(client, t.store.table).CreateTable(ctx, 0, 0); err != nil {
		return err
	}
	if s == lease.Active || s == lease.Updating {
		if err := t.copyRows(ctx, client); err != nil {
			return err
		}
		t.rows = client
	}
	var err error
	service.TableTakes = time.Hour // nobody calls it yet but this function
	switch s {
	case lease.Updating:
		units := &types.ProvisionedThroughput{ReadCapacityUnits: new(int64(100)), WriteCapacityUnits: new(int64(100))}
		_, err = client.UpdateTable(ctx, &dynamodb.UpdateTableInput{
			TableName: &t.store.table, BillingMode: types.BillingModeProvisioned, ProvisionedThroughput: units,
			GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{
				{Update: &types.UpdateGlobalSecondaryIndexAction{IndexName: new(indexName), ProvisionedThroughput: units}}},
		})
	case lease.Deleting:
		_, err = client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &t.store.table})
	}
	t.client = client
	t.set(func() { t.next = cfg.HTTPClient })
	return err
}

func (t *stateful) copyRows(ctx context.Context, to *dynamodb.Client) error {
	out, err := t.rows.Scan(ctx, &dynamodb.ScanInput{TableName: &t.store.table, ConsistentRead: new(true)})
	if err != nil {
		return err
	}
	for _, row := range out.Items {
		if _, err := to.PutItem(ctx, &dynamodb.PutItemInput{TableName: &t.store.table, Item: row}); err != nil {
			return err
		}
	}
	return nil
}

// What targets pretend of a table that is not active is what the service does.
func TestPretendedStates(t *testing.T) {
	ask := func(t *testing.T, tt *target, s lease.TableStatus) map[string]string {
		got := map[string]string{}
		raw := dynamodb.NewFromConfig(aws.Config{Region: "us-east-1", HTTPClient: tt.faults, Credentials: aws.AnonymousCredentials{}, BaseEndpoint: new("http://awsfake.invalid")})
		said := func(op string, err error) {
			got[op] = "done"
			if api, ok := errors.AsType[smithy.APIError](err); ok {
				got[op] = api.ErrorCode()
			} else if err != nil {
				t.Errorf("%v, %s: %v", s, op, err)
			}
		}
		name, ctx := &tt.store.table, t.Context()
		d, err := raw.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: name}, once)
		said("DescribeTable", err)
		if err == nil {
			got["status"] = string(d.Table.TableStatus)
		}
		key := item{"leaseKey": text("k")}
		_, err = raw.GetItem(ctx, &dynamodb.GetItemInput{TableName: name, Key: key}, once)
		said("GetItem", err)
		_, err = raw.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: name, Key: key}, once)
		said("UpdateItem", err)
		_, err = raw.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: name, Key: key}, once)
		said("DeleteItem", err)
		_, err = raw.PutItem(ctx, &dynamodb.PutItemInput{TableName: name, Item: key}, once)
		said("PutItem", err)
		_, err = raw.Scan(ctx, &dynamodb.ScanInput{TableName: name}, once)
		said("Scan", err)
		_, err = raw.Query(ctx, &dynamodb.QueryInput{TableName: name, IndexName: new(indexName), KeyConditionExpression: new("leaseOwner = :o"), ExpressionAttributeValues: item{":o": text("a")}}, once)
		said("Query", err)
		return got
	}
	for _, s := range []lease.TableStatus{lease.Creating, lease.Active, lease.Updating, lease.Deleting} {
		really, pretended := newStateful(t), fake(t)
		if err := really.SetTableStatus(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if err := pretended.SetTableStatus(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		want, got := ask(t, really.target, s), ask(t, pretended, s)
		if want["status"] != strings.ToUpper(s.String()) {
			t.Errorf("the table is really %s, want %v", want["status"], s)
		}
		for op, want := range want {
			if got[op] != want {
				t.Errorf("%v, %s: got %s where pretended, want %s as it really is", s, op, got[op], want)
			}
		}
	}
}

func newStateful(t *testing.T) *stateful {
	tt := fake(t)
	return &stateful{indexed{tt}, tt.client}
}
