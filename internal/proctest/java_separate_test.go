package proctest

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// An application that began with Java KCL 3.0 to 3.4 has a table for the lock and
// one for the workers. A Java worker and ours share those too, and hand leases to
// each other: nothing comes twice, nothing is lost.
func TestJavaSeparateTables(t *testing.T) {
	b := newBench(t, 4)
	b.failover = 10 * time.Second // Java's own
	for table, key := range map[string]string{b.app + "-CoordinatorState": "key", b.app + "-WorkerMetricStats": "wid"} {
		b.makeTable(table, key)
	}
	stopProducing := b.produce(16)
	defer stopProducing()

	a := b.consume("a")
	b.until("a prints of all shards", func() bool { return len(b.shards("a", 0)) == 4 })
	java := b.startJava()
	b.until("java has its half, handed over by ours", func() bool { return len(b.shards("java", 0)) == 2 })
	b.wantSeparate("a", "a", "java")

	c, d := b.consume("c"), b.consume("d")
	joined := b.mark()
	b.until("everybody has one", func() bool {
		return len(b.shards("c", joined)) >= 1 && len(b.shards("d", joined)) >= 1
	})
	if given := b.leasesOf("java"); given != 1 {
		t.Errorf("java holds %d of 4 leases among four workers, want 1", given)
	}
	b.wantSeparate("a", "a", "c", "d", "java")
	for _, p := range []*process{c, d, a} {
		b.stop(p)
	}
	gone := b.mark()
	b.until("java has all, released to it by name", func() bool { return len(b.shards("java", gone)) == 4 })
	b.wantSeparate("java", "java") // it looks at the lock every 30 s

	stopProducing()
	b.until("everything is processed", b.complete)
	if again := b.checkOrder(); len(again) != 0 {
		t.Errorf("%d records came twice: %v", len(again), again)
	}
	if err := java.Stop(); err != nil {
		t.Errorf("stop java: %v", err)
	}
}

// makeTable makes a table as those versions of Java KCL did.
func (b *bench) makeTable(table, key string) {
	b.t.Helper()
	client := dynamodb.NewFromConfig(b.dynamo.Config())
	_, err := client.CreateTable(b.t.Context(), &dynamodb.CreateTableInput{
		TableName:            &table,
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: &key, AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: &key, KeyType: types.KeyTypeHash}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &table}) })
}

// wantSeparate waits until the lock is the leader's and the workers are those, in
// the separate tables, and checks that nothing is where it does not belong.
func (b *bench) wantSeparate(leader string, workers ...string) {
	b.t.Helper()
	var lock string
	var reported []string
	for range 120 {
		lock = stringOf(b.rows(b.app+"-CoordinatorState", "key")["Leader"]["ownerName"])
		items := b.rows(b.app+"-WorkerMetricStats", "wid")
		reported = slices.Sorted(maps.Keys(items))
		if lock == leader && slices.Equal(reported, workers) {
			for name, item := range items {
				// Ours take no part in the move to one table, and must not say so.
				if _, moves := item["sup"]; moves != (name == "java") {
					b.t.Errorf("worker %s has a support code: %v", name, moves)
				}
			}
			break
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-b.t.Context().Done():
		}
	}
	if lock != leader || !slices.Equal(reported, workers) {
		b.t.Errorf("the lock is %q's and the workers are %q, want %q's and %q", lock, reported, leader, workers)
	}
	if version := b.rows(b.app+"-CoordinatorState", "key")["Migration3.0"]; stringOf(version["cv"]) != "CLIENT_VERSION_3X" {
		b.t.Errorf("the client version is %v, want CLIENT_VERSION_3X in the coordinator table", version)
	}
	for key, item := range b.rows(b.app, "leaseKey") {
		if stringOf(item["entityType"]) != "LEASE" {
			b.t.Errorf("the lease table has %s, a %s", key, stringOf(item["entityType"]))
		}
	}
}

// rows reads a table, by key.
func (b *bench) rows(table, key string) map[string]map[string]types.AttributeValue {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 10*time.Second)
	defer cancel()
	out, err := dynamodb.NewFromConfig(b.dynamo.Config()).Scan(ctx, &dynamodb.ScanInput{TableName: &table, ConsistentRead: new(true)})
	if err != nil {
		b.t.Fatal(err)
	}
	rows := make(map[string]map[string]types.AttributeValue)
	for _, item := range out.Items {
		rows[stringOf(item[key])] = item
	}
	return rows
}

// stringOf is a string attribute, empty if v is none.
func stringOf(v types.AttributeValue) string {
	s, ok := v.(*types.AttributeValueMemberS)
	if !ok {
		return ""
	}
	return s.Value
}
