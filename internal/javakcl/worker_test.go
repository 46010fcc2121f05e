package javakcl

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	ktypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/leasehold/leasehold/internal/emul"
)

// A Java worker that finds four leases named after itself reads their shards,
// stops when told to, and has checkpointed what it read.
func TestJavaWorkerReads(t *testing.T) {
	const shards, records, owner = 4, 40, "java-a"
	k, d := emul.One(t, emul.KinesisLocal), emul.One(t, emul.DynamoDBLocal)
	stream := emul.CreateStream(t, k, shards)
	app := emul.Name(t)
	table := dynamodb.NewFromConfig(d.Config())
	createLeases(t, table, app, owner, shards)

	want := map[string]string{} // data by key
	var entries []ktypes.PutRecordsRequestEntry
	for i := range records {
		key, data := fmt.Sprintf("key %d", i), fmt.Sprintf("data %d", i)
		want[key] = data
		entries = append(entries, ktypes.PutRecordsRequestEntry{PartitionKey: &key, Data: []byte(data)})
	}
	if _, err := kinesis.NewFromConfig(k.Config()).PutRecords(t.Context(),
		&kinesis.PutRecordsInput{StreamName: &stream, Records: entries}); err != nil {
		t.Fatalf("put records: %v", err)
	}

	w := Start(t, Options{App: app, Stream: stream, Name: owner, Kinesis: k, DynamoDB: d})
	last := map[string]string{} // sequence number by shard
	deadline := time.After(2 * time.Minute)
	for got := 0; got < records; {
		select {
		case e, ok := <-w.Events():
			switch {
			case !ok:
				t.Fatalf("the worker ended with %d of %d records read", got, records)
			case e.Kind == Failed:
				t.Fatal(e)
			case e.Kind == Record:
				if want[e.Key] != string(e.Data) {
					t.Errorf("record with key %q: got data %q, want %q", e.Key, e.Data, want[e.Key])
				}
				last[e.Shard] = e.Sequence
				got++
			}
		case <-deadline:
			t.Fatalf("%d of %d records read in time", got, records)
		}
	}
	if err := w.Stop(); err != nil {
		t.Error(err)
	}
	stopped := false
	for e := range w.Events() {
		stopped = stopped || e.Kind == Stopped
		if e.Kind == Record || e.Kind == Failed {
			t.Errorf("after the last record: %v", e)
		}
	}
	if !stopped {
		t.Error("the worker did not say that it stopped")
	}

	for shard, sequence := range last {
		out, err := table.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &app, Key: map[string]types.AttributeValue{"leaseKey": text(shard)}})
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := out.Item["checkpoint"].(*types.AttributeValueMemberS); got == nil || got.Value != sequence {
			t.Errorf("checkpoint of %s: got %v, want %s", shard, out.Item["checkpoint"], sequence)
		}
	}
	if len(last) != shards {
		t.Errorf("records came from %d shards, want %d", len(last), shards)
	}
}

// createLeases makes a lease table as the library does, with one lease for each
// shard, held by owner.
func createLeases(t *testing.T, d *dynamodb.Client, app, owner string, shards int) {
	t.Helper()
	attribute := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS}
	}
	part := func(name string, kind types.KeyType) types.KeySchemaElement {
		return types.KeySchemaElement{AttributeName: &name, KeyType: kind}
	}
	if _, err := d.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName:            &app,
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{attribute("leaseKey"), attribute("leaseOwner")},
		KeySchema:            []types.KeySchemaElement{part("leaseKey", types.KeyTypeHash)},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName:  aws.String("LeaseOwnerToLeaseKeyIndex"),
			KeySchema:  []types.KeySchemaElement{part("leaseOwner", types.KeyTypeHash), part("leaseKey", types.KeyTypeRange)},
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}},
	}); err != nil {
		t.Fatalf("create table: %v", err)
	}
	number := func(n int) types.AttributeValue { return &types.AttributeValueMemberN{Value: fmt.Sprint(n)} }
	for i := range shards {
		if _, err := d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &app, Item: map[string]types.AttributeValue{
			"leaseKey":                     text(fmt.Sprintf("shardId-%012d", i)),
			"entityType":                   text("LEASE"),
			"leaseOwner":                   text(owner),
			"leaseCounter":                 number(1),
			"ownerSwitchesSinceCheckpoint": number(0),
			"checkpoint":                   text("TRIM_HORIZON"),
			"checkpointSubSequenceNumber":  number(0),
		}}); err != nil {
			t.Fatalf("put lease: %v", err)
		}
	}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
