package dynamolease

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/leasehold/leasehold/awsfake"
	"github.com/leasehold/leasehold/internal/emul"
	"github.com/leasehold/leasehold/lease"
)

// usualLease is a lease as a stream of some size has it: its shard came of a
// split, and its worker is named by a UUID.
func usualLease(t testing.TB) lease.Lease {
	return lease.Lease{
		Key: "shardId-000000000007", Owner: "0192c8a1-7d3e-7c55-9f6e-7d0f5e1c2b3a", Counter: 1795518896, Switches: 1,
		Checkpoint: position(t, "49680519890916628484268698367474917806902183999664291842", 0),
		Parents:    []string{"shardId-000000000003"},
		HashRange:  lease.HashRange{Start: "170141183460469231731687303715884105728", End: "340282366920938463463374607431768211455"},
		Mark:       "ABCDEFGHIJKLM-zzzzzz",
	}
}

// itemSize is what an item counts for, in bytes: its names and its values. A
// number is a byte and one more for two digits, leading and trailing zeros
// apart. (Amazon DynamoDB Developer Guide, "DynamoDB item sizes and formats".)
func itemSize(t *testing.T, row item) int {
	size := 0
	for attr, v := range row {
		size += len(attr)
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			size += len(v.Value)
		case *types.AttributeValueMemberN:
			size += 1 + (len(strings.Trim(strings.Replace(v.Value, ".", "", 1), "0"))+1)/2
		case *types.AttributeValueMemberB:
			size += len(v.Value)
		case *types.AttributeValueMemberSS:
			for _, s := range v.Value {
				size += len(s)
			}
		default:
			t.Fatalf("%s has type %s, which a lease does not have", attr, typeName(v))
		}
	}
	return size
}

// testSize checks that a usual lease is a small item, after it has been created,
// renewed and checkpointed, and that the service agrees on how small: with as
// many bytes more as make 1 kB it costs one unit, and with another byte two.
func testSize(t *testing.T, cfg aws.Config, table string) {
	const most = 440
	m := &meter{}
	tt := newTarget(t, m.on(cfg), table)
	ctx := t.Context()
	l := usualLease(t)
	mustCreate(t, tt.store, l)
	if _, applied, err := tt.store.Change(ctx, l.Key, lease.Cond{Counter: &l.Counter},
		lease.Set{Bump: true, Mark: l.Mark, Checkpoint: &l.Checkpoint, Throughput: new(1024.102412)}); !applied || err != nil {
		t.Fatalf("checkpoint: got %v, %v", applied, err)
	}
	row := tt.raw(t, l.Key)
	size := itemSize(t, row)
	t.Logf("%d bytes", size)
	if size > most {
		t.Errorf("a usual lease has %d bytes, want at most %d: %v", size, most, describe(row))
	}
	for _, c := range []struct {
		full int
		want string
	}{{1024, "1+0"}, {1025, "2+0"}} {
		row["p"] = text(strings.Repeat("x", c.full-size-len("p")))
		tt.mustPlant(t, row)
		if got := m.units(); got != c.want {
			t.Errorf("a lease of %d bytes by our count, padded to %d: costs %s units, want %s", size, c.full, got, c.want)
		}
	}
}

func TestSizeOfALease(t *testing.T) {
	testSize(t, awsfake.Config(&awsfake.DynamoDB{}, "w-1"), "orders")
}

func TestEmulatorSizeOfALease(t *testing.T) {
	for _, s := range emul.DynamoDBs(t) {
		t.Run(s.Name, func(t *testing.T) { testSize(t, s.Config(), emul.Name(t)) })
	}
}
