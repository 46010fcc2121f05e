// Ready waits until the emulators answer, and makes a first request of each kind
// to DynamoDB Local: its virtual machine takes up to 3 s for each of them, which
// a test with a deadline would take for a failure.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/leasehold/leasehold/internal/emul"
)

// patience is how long all servers together may take to start. They take 4 s on
// two idle cores.
const patience = 2 * time.Minute

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()

	errs := make(chan error)
	services := emul.Running(os.Getenv)
	for _, s := range services {
		go func() {
			start := time.Now()
			err := ready(ctx, s)
			if err == nil {
				fmt.Fprintf(os.Stderr, "%s answers after %.1f s\n", s.Name, time.Since(start).Seconds())
			}
			errs <- err
		}()
	}
	var err error
	for range services {
		err = errors.Join(err, <-errs)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// ready asks s until it answers.
func ready(ctx context.Context, s emul.Service) error {
	d, k := dynamodb.NewFromConfig(s.Config()), kinesis.NewFromConfig(s.Config())
	for {
		try, cancel := context.WithTimeout(ctx, 20*time.Second)
		var err error
		switch s.Name {
		case emul.DynamoDBLocal, emul.Dynalite:
			_, err = d.ListTables(try, &dynamodb.ListTablesInput{})
		default:
			_, err = k.ListStreams(try, &kinesis.ListStreamsInput{})
		}
		cancel()
		if err == nil {
			break
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%s at %s does not answer: %w", s.Name, s.URL, err)
		}
	}
	if s.Name == emul.DynamoDBLocal {
		if err := warm(ctx, d); err != nil {
			return fmt.Errorf("first requests to %s: %w", s.Name, err)
		}
	}
	return nil
}

// warm does once, on a table that it deletes again, what leases need of
// DynamoDB.
func warm(ctx context.Context, d *dynamodb.Client) error {
	table, index := aws.String("ready"), aws.String("byOwner")
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	key := map[string]types.AttributeValue{"k": text("a")}
	_, err := d.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:   table,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("k"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("o"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("k"), KeyType: types.KeyTypeHash}},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName:  index,
			KeySchema:  []types.KeySchemaElement{{AttributeName: aws.String("o"), KeyType: types.KeyTypeHash}},
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}},
	})
	if err != nil {
		return err
	}
	// A refused write and an unknown table are first requests too: only the
	// time they take matters, not what they say.
	d.PutItem(ctx, &dynamodb.PutItemInput{TableName: table, Item: map[string]types.AttributeValue{"k": text("a"), "o": text("x")},
		ConditionExpression: aws.String("attribute_not_exists(k)")})
	for range 2 {
		d.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: table, Key: key,
			UpdateExpression:                    aws.String("SET o = :y ADD n :one"),
			ConditionExpression:                 aws.String("o = :x"),
			ExpressionAttributeValues:           map[string]types.AttributeValue{":x": text("x"), ":y": text("y"), ":one": &types.AttributeValueMemberN{Value: "1"}},
			ReturnValues:                        types.ReturnValueAllNew,
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld})
	}
	d.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String("no-such-table")})
	d.GetItem(ctx, &dynamodb.GetItemInput{TableName: table, Key: key, ConsistentRead: aws.Bool(true)})
	d.Scan(ctx, &dynamodb.ScanInput{TableName: table, Segment: aws.Int32(0), TotalSegments: aws.Int32(1)})
	d.Query(ctx, &dynamodb.QueryInput{TableName: table, IndexName: index, KeyConditionExpression: aws.String("o = :y"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":y": text("y")}})
	d.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Delete: &types.Delete{TableName: table, Key: key}}}})
	d.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: table, Key: key})
	_, err = d.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: table})
	return err
}
