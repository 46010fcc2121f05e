package awsfake_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/leasehold/leasehold/awsfake"
)

// A write is stored and its reply is lost. The SDK repeats it, and is refused
// by what it wrote itself.
func ExampleDynamoDB() {
	ctx := context.Background()
	db := &awsfake.DynamoDB{}
	client := dynamodb.NewFromConfig(awsfake.Config(db, "worker1"))
	client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:            new("locks"),
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: new("id"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: new("id"), KeyType: types.KeyTypeHash}},
	})

	db.SetScript(func(c awsfake.Call) awsfake.Fault {
		if c.Operation == "PutItem" && c.Number == 2 {
			return awsfake.LoseReply()
		}
		return awsfake.Fault{}
	})
	_, err := client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:           new("locks"),
		Item:                map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: "leader"}},
		ConditionExpression: new("attribute_not_exists(id)"),
	})
	refused, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	fmt.Println(ok, refused.ErrorMessage())
	// Output:
	// true The conditional request failed
}
