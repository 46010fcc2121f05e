package awsfake

import (
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// A renewal through the SDK client, most of which is the client.
func BenchmarkRenew(b *testing.B) {
	db := &DynamoDB{}
	c := newClient(db, "a")
	c.CreateTable(b.Context(), leaseTable("app"))
	c.PutItem(b.Context(), &dynamodb.PutItemInput{TableName: new("app"), Item: attributes(dbItem{"leaseKey": "s0", "leaseCounter": 0})})
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if _, err := renew(b.Context(), c, "s0", n); err != nil {
			b.Fatal(err)
		}
	}
}

// The same without the client.
func BenchmarkRenewRequest(b *testing.B) {
	db := &DynamoDB{}
	c := newClient(db, "a")
	c.CreateTable(b.Context(), leaseTable("app"))
	body := `{"TableName": "app", "Key": {"leaseKey": {"S": "s0"}}, "UpdateExpression": "ADD leaseCounter :n", "ConditionExpression": "leaseCounter <> :n OR attribute_exists(leaseKey)", "ExpressionAttributeValues": {":n": {"N": "1"}}}`
	call(b, db, "PutItem", `{"TableName": "app", "Item": {"leaseKey": {"S": "s0"}}}`)
	b.ReportAllocs()
	for b.Loop() {
		if status, got := call(b, db, "UpdateItem", body); status != 200 {
			b.Fatal(got)
		}
	}
}

// A scan of a table of a thousand leases, as a leader makes.
func BenchmarkScan(b *testing.B) {
	db := &DynamoDB{}
	c := newClient(db, "a")
	c.CreateTable(b.Context(), leaseTable("app"))
	for i := range 1000 {
		c.PutItem(b.Context(), &dynamodb.PutItemInput{TableName: new("app"), Item: attributes(dbItem{
			"leaseKey": "shardId-" + strconv.Itoa(i), "leaseOwner": "a", "leaseCounter": i, "checkpoint": "49680519890916628484268698367474917806902183999664291842",
		})})
	}
	b.ReportAllocs()
	for b.Loop() {
		out, err := c.Scan(b.Context(), &dynamodb.ScanInput{TableName: new("app")})
		if err != nil || out.Count != 1000 {
			b.Fatal(out, err)
		}
	}
}
