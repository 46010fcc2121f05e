package awsfake

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Every item is in one segment and on one page, whatever the pages' size.
func TestScanPagesAndSegments(t *testing.T) {
	const items = 100
	c := newTable(t, &DynamoDB{})
	for i := range items {
		put(t, c, dbItem{"leaseKey": "s" + strconv.Itoa(i), "n": i})
	}
	for _, segments := range []int32{0, 1, 3, 7} {
		for _, limit := range []int32{0, 1, 10, 100} {
			seen := map[string]int{}
			sizes := map[int32]int32{}
			for segment := range max(segments, 1) {
				in := &dynamodb.ScanInput{TableName: new("app"), FilterExpression: new("n >= :n"), ExpressionAttributeValues: attributes(dbItem{":n": 50})}
				if limit > 0 {
					in.Limit = new(limit)
				}
				if segments > 0 {
					in.Segment, in.TotalSegments = new(segment), new(segments)
				}
				for {
					out, err := c.Scan(t.Context(), in)
					wantCode(t, err, "")
					sizes[segment] += out.ScannedCount
					if limit > 0 && out.ScannedCount > limit {
						t.Errorf("page of %d with limit %d", out.ScannedCount, limit)
					}
					for _, it := range out.Items {
						seen[it["leaseKey"].(*types.AttributeValueMemberS).Value]++
					}
					if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
						break
					}
				}
			}
			total := int32(0)
			for s, n := range sizes {
				total += n
				if n == 0 {
					t.Errorf("segment %d of %d is empty", s, segments)
				}
			}
			if len(seen) != items/2 || total != items {
				t.Errorf("%d segments, limit %d: got %d different items, scanned %d; want %d, %d", segments, limit, len(seen), total, items/2, items)
			}
		}
	}
}

func TestPagesOfOneMegabyte(t *testing.T) {
	c := newTable(t, &DynamoDB{})
	for i := range 7 {
		put(t, c, dbItem{"leaseKey": "s" + strconv.Itoa(i), "leaseOwner": "a", "data": strings.Repeat("x", 300<<10)})
	}
	pages, items := 0, 0
	p := dynamodb.NewScanPaginator(c, &dynamodb.ScanInput{TableName: new("app"), ReturnConsumedCapacity: "TOTAL"})
	for p.HasMorePages() {
		out, err := p.NextPage(t.Context())
		wantCode(t, err, "")
		pages++
		items += len(out.Items)
		if u := *out.ConsumedCapacity.CapacityUnits; u > 170 {
			t.Errorf("page %d cost %v read units, more than a megabyte or so", pages, u)
		}
	}
	if pages != 2 || items != 7 {
		t.Errorf("got %d items on %d pages, want 7 on 2", items, pages)
	}
}

func TestQueryBackAndPaged(t *testing.T) {
	c := newTable(t, &DynamoDB{})
	for i := range 9 {
		put(t, c, dbItem{"leaseKey": "s" + strconv.Itoa(i), "leaseOwner": "a"})
		put(t, c, dbItem{"leaseKey": "t" + strconv.Itoa(i), "leaseOwner": "a"})
	}
	for _, forward := range []bool{true, false} {
		in := &dynamodb.QueryInput{
			TableName: new("app"), IndexName: new(ownerIndex), Limit: new(int32(4)), ScanIndexForward: &forward,
			KeyConditionExpression:    new("leaseOwner = :o AND begins_with(leaseKey, :p)"),
			ExpressionAttributeValues: attributes(dbItem{":o": "a", ":p": "s"}),
		}
		got := ""
		for p := dynamodb.NewQueryPaginator(c, in); p.HasMorePages(); {
			out, err := p.NextPage(t.Context())
			wantCode(t, err, "")
			for _, it := range out.Items {
				got += strings.TrimPrefix(it["leaseKey"].(*types.AttributeValueMemberS).Value, "s")
			}
			got += "|"
		}
		want := map[bool]string{true: "0123|4567|8|", false: "8765|4321|0|"}[forward]
		if got != want {
			t.Errorf("forward %v: got %s, want %s", forward, got, want)
		}
	}
}

func TestIndexFollowsWrites(t *testing.T) {
	c := newTable(t, &DynamoDB{})
	put(t, c, dbItem{"leaseKey": "s1", "leaseOwner": "a"})
	put(t, c, dbItem{"leaseKey": "s0", "leaseOwner": "a"})
	put(t, c, dbItem{"leaseKey": "s2"})
	if got := owned(t, c, "a"); got != "s0 s1" {
		t.Errorf("owned by a: got %q, want %q", got, "s0 s1")
	}
	put(t, c, dbItem{"leaseKey": "s0", "leaseOwner": "b"})
	put(t, c, dbItem{"leaseKey": "s1"})
	if got := owned(t, c, "a"); got != "" {
		t.Errorf("owned by a after both left: got %q, want none", got)
	}
	if got := owned(t, c, "b"); got != "s0" {
		t.Errorf("owned by b: got %q, want s0", got)
	}
	_, err := c.Query(t.Context(), &dynamodb.QueryInput{
		TableName: new("app"), IndexName: new(ownerIndex), ConsistentRead: new(true),
		KeyConditionExpression: new("leaseOwner = :o"), ExpressionAttributeValues: attributes(dbItem{":o": "a"}),
	})
	wantCode(t, err, "ValidationException")
}

func TestIndexLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTable(t, &DynamoDB{IndexLag: 3 * time.Second})
		put(t, c, dbItem{"leaseKey": "s0", "leaseOwner": "a"})
		time.Sleep(3 * time.Second)
		put(t, c, dbItem{"leaseKey": "s0", "leaseOwner": "b"})

		time.Sleep(3*time.Second - 1)
		if a, b := owned(t, c, "a"), owned(t, c, "b"); a != "s0" || b != "" {
			t.Errorf("a moment before the lag has passed: a owns %q, b %q, want s0 and none", a, b)
		}
		time.Sleep(time.Nanosecond)
		if a, b := owned(t, c, "a"), owned(t, c, "b"); a != "" || b != "s0" {
			t.Errorf("when the lag has passed: a owns %q, b %q, want none and s0", a, b)
		}
	})
}

func TestReadLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTable(t, &DynamoDB{ReadLag: time.Second})
		put(t, c, dbItem{"leaseKey": "s0"})
		stale := func() int32 {
			out, err := c.Scan(t.Context(), &dynamodb.ScanInput{TableName: new("app")})
			wantCode(t, err, "")
			return out.Count
		}
		if n := stale(); n != 0 {
			t.Errorf("scan at once: got %d items, want 0", n)
		}
		wantItem(t, get(t, c, "s0"), dbItem{"leaseKey": "s0"})
		time.Sleep(time.Second)
		if n := stale(); n != 1 {
			t.Errorf("scan after the lag: got %d items, want 1", n)
		}
	})
}
