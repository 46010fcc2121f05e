package dynamolease

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// TestRequests shows every request that a Store sends, as it is on the wire.
// They are what Java KCL's workers meet in the table, and what a policy of
// permissions must allow.
func TestRequests(t *testing.T) {
	const (
		seq      = "49680519890916628484268698367474917806902183999664291842"
		describe = `{"Table":{"TableStatus":"ACTIVE","BillingModeSummary":{"BillingMode":"PAY_PER_REQUEST"},"KeySchema":[{"AttributeName":"leaseKey","KeyType":"HASH"}]}}`
		units    = `{"Table":{"TableStatus":"ACTIVE","ProvisionedThroughput":{"ReadCapacityUnits":100,"WriteCapacityUnits":200}}}`
		image    = `{"Attributes":{"leaseKey":{"S":"k"},"leaseCounter":{"N":"7"},"ownerSwitchesSinceCheckpoint":{"N":"0"}}}`
	)
	at := time.UnixMilli(1795518896515)
	lock := lease.Lock{Owner: "w-1", Duration: 15 * time.Second, Version: "v2", Deputy: "w-2"}
	counter := lease.Cond{Counter: new(int64(6))}
	owned := func(owner, next string) *lease.Owners { return &lease.Owners{Owner: owner, Next: next} }
	change := func(c lease.Cond, set lease.Set) func(context.Context, *Store) error {
		return func(ctx context.Context, s *Store) error { _, _, err := s.Change(ctx, "k", c, set); return err }
	}
	full := lease.Lease{
		Key: "shardId-000000000004", Owner: "w-1", NextOwner: "w-2", Counter: 1795518896515, Checkpoint: position(t, seq, 3),
		Pending: position(t, seq, 5), PendingState: []byte{1, 2, 3, 4}, Switches: 2,
		Parents: []string{"p2", "p1", "p2"}, Children: []string{"c1"},
		HashRange: lease.HashRange{Start: "0", End: "7"}, Throughput: new(1024.102412324), Mark: "n.1",
	}
	several := func(call func(context.Context, *Store) error) func(context.Context, *Store) error {
		return func(ctx context.Context, s *Store) error {
			s.cfg.Keys = ByStreamAndShard
			return call(ctx, s)
		}
	}
	ofSeveral := strings.Replace(image, "{\"leaseKey\":{\"S\":\"k\"}", `{"leaseKey":{"S":"1:orders:2:k"},"streamName":{"S":"1:orders:2"},"shardId":{"S":"k"}`, 1)
	var out strings.Builder
	for _, tt := range []struct {
		name    string
		replies []reply
		call    func(context.Context, *Store) error
	}{
		{"create table, on demand", []reply{failed(400, "ResourceNotFoundException"), ok(`{}`)},
			func(ctx context.Context, s *Store) error { _, err := s.CreateTable(ctx, 0, 0); return err }},
		{"create table, provisioned", []reply{failed(400, "ResourceNotFoundException"), ok(`{}`)},
			func(ctx context.Context, s *Store) error { _, err := s.CreateTable(ctx, 10, 20); return err }},
		{"create index, on demand", []reply{ok(describe), ok(`{}`)},
			func(ctx context.Context, s *Store) error { return s.CreateIndex(ctx) }},
		{"create index, provisioned", []reply{ok(units), ok(`{}`)},
			func(ctx context.Context, s *Store) error { return s.CreateIndex(ctx) }},
		{"get", []reply{ok(`{}`)},
			func(ctx context.Context, s *Store) error { _, err := s.Get(ctx, "k"); return err }},
		{"create lease", []reply{ok(`{}`)},
			func(ctx context.Context, s *Store) error {
				_, _, err := s.Create(ctx, lease.Lease{Key: "k", Checkpoint: lease.TrimHorizon})
				return err
			}},
		{"create lease, every field", []reply{ok(`{}`)},
			func(ctx context.Context, s *Store) error { _, _, err := s.Create(ctx, full); return err }},
		{"renew", []reply{ok(image)}, change(counter, lease.Set{Bump: true, Mark: "n.2"})},
		{"renew, unaware of a handoff", []reply{ok(image)},
			change(lease.Cond{Counter: new(int64(6)), Owners: owned("w-1", "")}, lease.Set{Bump: true, Mark: "n.2", Throughput: new(2.026042)})},
		{"checkpoint", []reply{ok(image)}, change(counter, lease.Set{Bump: true, Mark: "n.2", Checkpoint: new(position(t, seq, 3))})},
		{"prepare a checkpoint", []reply{ok(image)},
			change(counter, lease.Set{Bump: true, Mark: "n.2", Pending: new(position(t, seq, 3)), PendingState: []byte("s")})},
		{"end of the shard", []reply{ok(image)},
			change(counter, lease.Set{Bump: true, Mark: "n.2", Checkpoint: new(lease.ShardEnd), Children: []string{"c2", "c1"}})},
		{"assign, nobody's", []reply{ok(image)},
			change(lease.Cond{Counter: new(int64(6)), Owners: owned("", "")}, lease.Set{Bump: true, Mark: "n.2", Owners: owned("w-1", "")})},
		{"assign, another's", []reply{ok(image)},
			change(lease.Cond{Counter: new(int64(6)), Owners: owned("w-2", "")}, lease.Set{Bump: true, Mark: "n.2", Owners: owned("w-1", ""), AddSwitch: true})},
		{"begin a handoff", []reply{ok(image)}, change(lease.Cond{Owners: owned("w-1", "")}, lease.Set{Owners: owned("w-1", "w-2")})},
		{"end a handoff", []reply{ok(image)},
			change(lease.Cond{Counter: new(int64(6)), Owners: owned("w-1", "w-2")}, lease.Set{Bump: true, Mark: "n.2", Owners: owned("w-2", ""), Checkpoint: new(position(t, seq, 0))})},
		{"release", []reply{ok(image)}, change(counter, lease.Set{Bump: true, Mark: "n.2", Owners: owned("", "")})},
		{"rewind", []reply{ok(image)},
			change(counter, lease.Set{Bump: true, Mark: "n.2", Checkpoint: new(lease.TrimHorizon), Switches: new(int64(4)), HashRange: &lease.HashRange{Start: "1", End: "2"}})},
		{"refused, and the item did not come along", []reply{refused(""), ok(`{}`)}, change(counter, lease.Set{Bump: true, Mark: "n.2"})},
		{"delete", []reply{ok(`{}`)},
			func(ctx context.Context, s *Store) error { _, err := s.Delete(ctx, "k", lease.Cond{}); return err }},
		{"delete, conditionally", []reply{ok(`{}`)},
			func(ctx context.Context, s *Store) error {
				_, err := s.Delete(ctx, "k", lease.Cond{Counter: new(int64(6)), Owners: owned("w-1", "")})
				return err
			}},
		{"scan", []reply{ok(`{"LastEvaluatedKey":{"leaseKey":{"S":"k"}}}`), ok(`{}`)},
			func(ctx context.Context, s *Store) error { _, err := s.Scan(ctx); return err }},
		{"keys of a worker", []reply{ok(`{"LastEvaluatedKey":{"leaseKey":{"S":"k"},"leaseOwner":{"S":"w-1"}}}`), ok(`{}`)},
			func(ctx context.Context, s *Store) error { _, err := s.KeysOf(ctx, "w-1"); return err }},
		{"create lease, several streams", []reply{ok(`{}`)},
			several(func(ctx context.Context, s *Store) error {
				_, _, err := s.Create(ctx, lease.Lease{Key: "1:orders:2:k", Stream: "1:orders:2", Shard: "k", Checkpoint: lease.TrimHorizon})
				return err
			})},
		{"checkpoint, several streams", []reply{ok(ofSeveral)},
			several(change(counter, lease.Set{Bump: true, Mark: "n.2", Checkpoint: new(position(t, seq, 3))}))},
		{"delete, several streams", []reply{ok(`{}`)},
			several(func(ctx context.Context, s *Store) error {
				_, err := s.Delete(ctx, "1:orders:2:k", lease.Cond{})
				return err
			})},
		{"put worker", []reply{ok(`{}`)},
			func(ctx context.Context, s *Store) error {
				_, _, err := s.PutWorker(ctx, lease.Worker{ID: "w-1", Reported: at, Nonce: "n", Version: "leasehold 0.1"}, nil)
				return err
			}},
		{"delete worker", []reply{ok(`{}`)},
			func(ctx context.Context, s *Store) error { _, err := s.DeleteWorker(ctx, "w-1", "n"); return err }},
		{"get lock", []reply{ok(`{}`)},
			func(ctx context.Context, s *Store) error { _, err := s.GetLock(ctx); return err }},
		{"take lock, nobody's", []reply{ok(`{}`)},
			func(ctx context.Context, s *Store) error { _, _, err := s.TakeLock(ctx, lock, ""); return err }},
		{"take lock, a dead leader's", []reply{ok(`{}`)},
			func(ctx context.Context, s *Store) error { _, _, err := s.TakeLock(ctx, lock, "v1"); return err }},
		{"renew lock", []reply{ok(`{}`)},
			func(ctx context.Context, s *Store) error { _, _, err := s.RenewLock(ctx, lock, "v1"); return err }},
		{"renew lock, no deputy", []reply{ok(`{}`)},
			func(ctx context.Context, s *Store) error {
				_, _, err := s.RenewLock(ctx, lease.Lock{Owner: "w-1", Duration: time.Second, Version: "v2"}, "v1")
				return err
			}},
		{"release lock", []reply{ok(`{}`)},
			func(ctx context.Context, s *Store) error { _, err := s.ReleaseLock(ctx, "w-1", "v1"); return err }},
		{"get client version", []reply{ok(`{}`)},
			func(ctx context.Context, s *Store) error { _, err := s.GetClientVersion(ctx); return err }},
		{"create client version", []reply{ok(`{}`)},
			func(ctx context.Context, s *Store) error {
				_, err := s.CreateClientVersion(ctx, lease.Version3X, "w-1", at)
				return err
			}},
	} {
		s, w := newWire(tt.replies...)
		if err := tt.call(t.Context(), s); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		fmt.Fprintf(&out, "## %s\n", tt.name)
		for _, r := range w.requests {
			fmt.Fprintf(&out, "%s %s", r.op, pretty(t, r.body))
		}
		out.WriteByte('\n')
	}
	golden(t, "requests.txt", []byte(out.String()))
}
