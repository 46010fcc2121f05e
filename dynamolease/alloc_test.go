//go:build !race

// The race detector makes sync.Pool forget at random, and with it the counts.

package dynamolease

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/leasehold/leasehold/lease"
)

// A change of a lease costs little more than the SDK's own call, once that has
// its input: a worker makes one for each lease every few seconds.
func TestAllocationsOfChanges(t *testing.T) {
	const most = 15
	const seq = "49680519890916628484268698367474917806902183999664291842"
	const image = `{"Attributes":{"leaseKey":{"S":"shardId-000000000007"},"entityType":{"S":"LEASE"},` +
		`"leaseOwner":{"S":"0192c8a1-7d3e-7c55-9f6e-7d0f5e1c2b3a"},"leaseCounter":{"N":"1701"},"ownerSwitchesSinceCheckpoint":{"N":"0"},` +
		`"checkpoint":{"S":"` + seq + `"},"checkpointSubSequenceNumber":{"N":"0"},"parentShardId":{"SS":["shardId-000000000003"]},` +
		`"startingHashKey":{"S":"170141183460469231731687303715884105728"},"endingHashKey":{"S":"340282366920938463463374607431768211455"},` +
		`"lhw":{"S":"ABCDEFGHIJKLM-1a"}}}`
	header := http.Header{"Content-Type": {"application/x-amz-json-1.0"}}
	client := clientOver(doer(func(r *http.Request) (*http.Response, error) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return nil, err
		}
		return &http.Response{StatusCode: 200, Header: header, Body: io.NopCloser(strings.NewReader(image)), Request: r}, nil
	}))
	s := New(client, "orders")

	const key, mark = "shardId-000000000007", "ABCDEFGHIJKLM-1a"
	counter, at := new(int64(1700)), position(t, seq, 0)
	owners := func(owner, next string) *lease.Owners { return &lease.Owners{Owner: owner, Next: next} }
	for _, tt := range []struct {
		name string
		cond lease.Cond
		set  lease.Set
	}{
		{"renew", lease.Cond{Counter: counter}, lease.Set{Bump: true, Mark: mark}},
		{"renew, and tell the throughput", lease.Cond{Counter: counter}, lease.Set{Bump: true, Mark: mark, Throughput: new(2.5)}},
		{"renew, unaware of a handoff", lease.Cond{Counter: counter, Owners: owners("w-1", "")}, lease.Set{Bump: true, Mark: mark}},
		{"checkpoint", lease.Cond{Counter: counter}, lease.Set{Bump: true, Mark: mark, Checkpoint: &at}},
		{"prepare a checkpoint", lease.Cond{Counter: counter}, lease.Set{Bump: true, Mark: mark, Pending: &at, PendingState: []byte("s")}},
		{"end of the shard", lease.Cond{Counter: counter}, lease.Set{Bump: true, Mark: mark, Checkpoint: &lease.ShardEnd, Children: []string{"c1", "c2"}}},
		{"take", lease.Cond{Counter: counter, Owners: owners("w-2", "")}, lease.Set{Bump: true, Mark: mark, Owners: owners("w-1", ""), AddSwitch: true}},
		{"begin a handoff", lease.Cond{Owners: owners("w-1", "")}, lease.Set{Owners: owners("w-1", "w-2")}},
		{"end a handoff", lease.Cond{Counter: counter, Owners: owners("w-1", "w-2")}, lease.Set{Bump: true, Mark: mark, Owners: owners("w-2", ""), Checkpoint: &at}},
		{"release", lease.Cond{Counter: counter}, lease.Set{Bump: true, Mark: mark, Owners: owners("", "")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx := t.Context()
			// The input of the bare call is that of the change itself.
			var in *dynamodb.UpdateItemInput
			if _, _, err := New(inputs{client, &in}, "orders").Change(ctx, key, tt.cond, tt.set); err != nil {
				t.Fatal(err)
			}
			bare := testing.AllocsPerRun(200, func() {
				if _, err := client.UpdateItem(ctx, in); err != nil {
					t.Fatal(err)
				}
			})
			change := testing.AllocsPerRun(200, func() {
				if _, applied, err := s.Change(ctx, key, tt.cond, tt.set); !applied || err != nil {
					t.Fatalf("Change: got %v, %v", applied, err)
				}
			})
			if change-bare > most {
				t.Errorf("got %v allocations, %v more than the SDK's %v, want at most %d more", change, change-bare, bare, most)
			}
		})
	}
}

// inputs is a client that keeps the input of the last UpdateItem.
type inputs struct {
	API
	last **dynamodb.UpdateItemInput
}

func (i inputs) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	*i.last = in
	return i.API.UpdateItem(ctx, in, opts...)
}
