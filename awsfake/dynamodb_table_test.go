package awsfake

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestTableStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		db := &DynamoDB{TableTakes: time.Minute, IndexTakes: time.Hour}
		c := newClient(db, "a")
		states := func() string {
			out, err := c.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: new("app")})
			if err != nil {
				return "none"
			}
			s := string(out.Table.TableStatus)
			for _, x := range out.Table.GlobalSecondaryIndexes {
				s += " " + string(x.IndexStatus)
			}
			return s
		}
		want := func(s string) {
			t.Helper()
			if got := states(); got != s {
				t.Errorf("states: got %q, want %q", got, s)
			}
		}
		in := leaseTable("app")
		gsi := in.GlobalSecondaryIndexes[0]
		in.GlobalSecondaryIndexes, in.AttributeDefinitions = nil, stringAttrs("leaseKey")

		_, err := c.CreateTable(ctx, in)
		wantCode(t, err, "")
		want("CREATING")
		_, err = c.CreateTable(ctx, in)
		wantCode(t, err, "ResourceInUseException")
		_, err = renew(ctx, c, "s0", 1)
		wantCode(t, err, "ResourceNotFoundException")
		time.Sleep(time.Minute)
		want("ACTIVE")
		put(t, c, dbItem{"leaseKey": "s0", "leaseOwner": "a"})

		create := &dynamodb.UpdateTableInput{
			TableName: new("app"), AttributeDefinitions: stringAttrs("leaseOwner", "leaseKey"),
			GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Create: &types.CreateGlobalSecondaryIndexAction{
				IndexName: gsi.IndexName, KeySchema: gsi.KeySchema, Projection: gsi.Projection,
			}}},
		}
		out, err := c.UpdateTable(ctx, create)
		wantCode(t, err, "")
		if got := out.TableDescription.GlobalSecondaryIndexes[0].IndexStatus; got != "CREATING" {
			t.Errorf("answer to UpdateTable: index is %s, want CREATING", got)
		}
		want("UPDATING CREATING")
		_, err = c.UpdateTable(ctx, create)
		wantCode(t, err, "ResourceInUseException")
		put(t, c, dbItem{"leaseKey": "s1", "leaseOwner": "a"}) // an UPDATING table is in use
		_, err = c.Query(ctx, &dynamodb.QueryInput{
			TableName: new("app"), IndexName: new(ownerIndex),
			KeyConditionExpression: new("leaseOwner = :o"), ExpressionAttributeValues: attributes(dbItem{":o": "a"}),
		})
		wantCode(t, err, "ValidationException")
		time.Sleep(time.Hour)
		want("ACTIVE ACTIVE")
		if got := owned(t, c, "a"); got != "s0 s1" {
			t.Errorf("a new index has %q, want s0 s1", got)
		}

		_, err = c.UpdateTable(ctx, &dynamodb.UpdateTableInput{
			TableName:                   new("app"),
			GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Delete: &types.DeleteGlobalSecondaryIndexAction{IndexName: new(ownerIndex)}}},
		})
		wantCode(t, err, "")
		want("UPDATING DELETING")
		time.Sleep(time.Hour)
		want("ACTIVE")

		_, err = c.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: new("app")})
		wantCode(t, err, "")
		want("DELETING")
		time.Sleep(time.Minute)
		want("none")
		_, err = c.CreateTable(ctx, in)
		wantCode(t, err, "")
	})
}

// Without times of its own, a table is ready when the answer is there, though
// the answer says CREATING, as the service's does.
func TestTableAtOnce(t *testing.T) {
	db := &DynamoDB{}
	c := newClient(db, "a")
	out, err := c.CreateTable(t.Context(), leaseTable("app"))
	wantCode(t, err, "")
	d := out.TableDescription
	if d.TableStatus != "CREATING" || d.GlobalSecondaryIndexes[0].IndexStatus != "CREATING" {
		t.Errorf("answer: table is %s, index %s, want both CREATING", d.TableStatus, d.GlobalSecondaryIndexes[0].IndexStatus)
	}
	desc, err := c.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: new("app")})
	wantCode(t, err, "")
	d = desc.Table
	if d.TableStatus != "ACTIVE" || d.GlobalSecondaryIndexes[0].IndexStatus != "ACTIVE" {
		t.Errorf("then: table is %s, index %s, want both ACTIVE", d.TableStatus, d.GlobalSecondaryIndexes[0].IndexStatus)
	}
	if got := d.BillingModeSummary.BillingMode; got != "PAY_PER_REQUEST" {
		t.Errorf("billing mode: got %s, want PAY_PER_REQUEST", got)
	}
}

func TestProvisionedTable(t *testing.T) {
	ctx := t.Context()
	c := newClient(&DynamoDB{}, "a")
	in := leaseTable("app")
	in.BillingMode = types.BillingModeProvisioned
	in.GlobalSecondaryIndexes, in.AttributeDefinitions = nil, stringAttrs("leaseKey")
	_, err := c.CreateTable(ctx, in)
	wantCode(t, err, "ValidationException") // no capacity
	in.ProvisionedThroughput = &types.ProvisionedThroughput{ReadCapacityUnits: new(int64(10)), WriteCapacityUnits: new(int64(20))}
	in.DeletionProtectionEnabled = new(true)
	in.Tags = []types.Tag{{Key: new("team"), Value: new("mail")}}
	out, err := c.CreateTable(ctx, in)
	wantCode(t, err, "")

	d := out.TableDescription
	if d.BillingModeSummary != nil || *d.ProvisionedThroughput.WriteCapacityUnits != 20 || !*d.DeletionProtectionEnabled {
		t.Errorf("got billing summary %v, %d write units, protection %v; want none, 20, true",
			d.BillingModeSummary, *d.ProvisionedThroughput.WriteCapacityUnits, *d.DeletionProtectionEnabled)
	}
	tags, err := c.ListTagsOfResource(ctx, &dynamodb.ListTagsOfResourceInput{ResourceArn: d.TableArn})
	wantCode(t, err, "")
	if len(tags.Tags) != 1 || *tags.Tags[0].Value != "mail" {
		t.Errorf("tags: got %v, want team=mail", tags.Tags)
	}
	_, err = c.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: new("app")})
	wantCode(t, err, "ValidationException")
	_, err = c.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: new("app"), DeletionProtectionEnabled: new(false), BillingMode: types.BillingModePayPerRequest})
	wantCode(t, err, "")
	_, err = c.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: new("app")})
	wantCode(t, err, "")
	list, err := c.ListTables(ctx, &dynamodb.ListTablesInput{})
	wantCode(t, err, "")
	if len(list.TableNames) != 0 {
		t.Errorf("tables: got %v, want none", list.TableNames)
	}
}
