package awsfake_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/leasehold/leasehold/awsfake"
)

// In a bubble an hour passes at once: an item that expires is there until its
// time and as long after it as the service takes.
func Example_anHourPasses() {
	t := new(testing.T) // in a test, its own
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		client := dynamodb.NewFromConfig(awsfake.Config(&awsfake.DynamoDB{TTLTakes: 10 * time.Minute}, "worker1"))
		client.CreateTable(ctx, &dynamodb.CreateTableInput{
			TableName:            new("sessions"),
			BillingMode:          types.BillingModePayPerRequest,
			AttributeDefinitions: []types.AttributeDefinition{{AttributeName: new("id"), AttributeType: types.ScalarAttributeTypeS}},
			KeySchema:            []types.KeySchemaElement{{AttributeName: new("id"), KeyType: types.KeyTypeHash}},
		})
		client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
			TableName:               new("sessions"),
			TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: new("ends"), Enabled: new(true)},
		})
		key := map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: "s1"}}
		client.PutItem(ctx, &dynamodb.PutItemInput{TableName: new("sessions"), Item: map[string]types.AttributeValue{
			"id":   key["id"],
			"ends": &types.AttributeValueMemberN{Value: fmt.Sprint(time.Now().Add(55 * time.Minute).Unix())},
		}})
		for range 2 {
			time.Sleep(time.Hour)
			out, err := client.GetItem(ctx, &dynamodb.GetItemInput{TableName: new("sessions"), Key: key})
			fmt.Println(len(out.Item) > 0, err)
		}
	})
	// Output:
	// true <nil>
	// false <nil>
}
