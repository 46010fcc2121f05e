package dynamolease

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/leasehold/leasehold/lease"
)

// Two applications of a different kind have the same table, beside rows that are
// neither's. Whatever the one does, by accident with the keys and the counters of
// the other, it writes no row but its own, and counts none.
func TestFailure_F91_TwoApplicationsOneTable(t *testing.T) {
	operations := 4000
	if testing.Short() {
		operations = 800
	}
	tt := fake(t)
	for _, row := range []item{
		{"leaseKey": text("worker"), "entityType": text("WORKER_METRIC_STATS"), "lut": decimal("1"), "leaseCounter": decimal("1")},
		{"leaseKey": text("Leader"), "entityType": text("LEADER"), "ownerName": text("a"), "leaseDuration": text("1"), "recordVersionNumber": text("r")},
		{"leaseKey": text("Migration3.0"), "cv": text("CLIENT_VERSION_3X")},
		{"leaseKey": text("stream"), "entityType": text("STREAM"), "streamName": text(theStream), "leaseCounter": decimal("1")},
		{"leaseKey": text("ticket"), "entityType": text("PARKING_TICKET"), "leaseCounter": decimal("1"), "ownerSwitchesSinceCheckpoint": decimal("0")},
		{"leaseKey": text("broken"), "entityType": text("LEASE"), "leaseOwner": text("a")},
		{"leaseKey": text(theStream + ":broken"), "streamName": text(theStream), "shardId": text("broken"), "leaseOwner": text("a")},
	} {
		tt.mustPlant(t, row)
	}
	table := &sharedTable{target: tt, rnd: rand.New(rand.NewPCG(91, 0))}
	for i := range 6 {
		shard := fmt.Sprintf("shardId-%012d", i)
		table.leases = append(table.leases,
			lease.Lease{Key: shard, Checkpoint: lease.TrimHorizon},
			lease.Lease{Key: theStream + ":" + shard, Stream: theStream, Shard: shard, Checkpoint: lease.TrimHorizon})
	}
	var apps []*app
	for _, keys := range []Keys{ByShard, ByStreamAndShard} {
		s := tt.withKeys(keys)
		apps = append(apps, &app{table: table, keys: keys, s: s, m: lease.NewManager(s)})
	}
	before := table.rows(t)
	for i := range 2 * operations {
		a := apps[i%2]
		what := a.operate(t, before)
		after := table.rows(t)
		for key := range before {
			if kind(before[key]) != a.keys && cmp.Diff(describe(before[key]), describe(after[key])) != "" {
				t.Fatalf("operation %d, %s, of keys %d: row %q (-before +after):\n%s", i, what, a.keys, key, cmp.Diff(describe(before[key]), describe(after[key])))
			}
		}
		for key, row := range after {
			if kind(row) != a.keys && before[key] == nil {
				t.Fatalf("operation %d, %s, of keys %d: made row %q: %v", i, what, a.keys, key, describe(row))
			}
		}
		before = after
	}
	for _, a := range apps {
		if a.wrote < operations/10 || a.matched < operations/20 {
			t.Errorf("keys %d: %d writes, and %d tries with the other's own counter: too few to show anything", a.keys, a.wrote, a.matched)
		}
	}
	// The one gives up its leases. The other's are all there.
	last := table.rows(t)
	if err := apps[0].m.DeleteAll(t.Context()); !unreadable(err) {
		t.Errorf("DeleteAll: got %v, want an error that names the rows of the other", err)
	}
	maps.DeleteFunc(last, func(key string, row item) bool { return kind(row) == ByShard && key != "broken" })
	if got := table.rows(t); !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(last))) {
		t.Errorf("after DeleteAll: got %v, want %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(last)))
	}
	if empty, err := apps[0].m.IsLeaseTableEmpty(t.Context()); empty || !unreadable(err) {
		t.Errorf("IsLeaseTableEmpty: got %v, %v, want an error that names the rows of the other", empty, err)
	}
}

// neither is the kind of a row that is no lease.
const neither = EitherKeys

// kind says whose a row is, by what Java KCL's serializers write.
func kind(row item) Keys {
	typ := newRow(row).text("entityType")
	switch {
	case typ != "" && typ != "LEASE", newRow(row).key() == "Migration3.0":
		return neither
	case row["streamName"] != nil:
		return ByStreamAndShard
	}
	return ByShard
}

func unreadable(err error) bool {
	_, ok := errors.AsType[*lease.UnreadableError](err)
	return ok && errors.Is(err, lease.ErrDependency)
}

type sharedTable struct {
	*target
	rnd *rand.Rand
	// leases are those that the applications may have, of both.
	leases []lease.Lease
}

// rows returns all rows by key.
func (s *sharedTable) rows(t *testing.T) map[string]item {
	t.Helper()
	out, err := s.client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &s.store.table, ConsistentRead: new(true)})
	if err != nil || out.LastEvaluatedKey != nil {
		t.Fatalf("scan: %v, %v", out, err)
	}
	rows := make(map[string]item)
	for _, row := range out.Items {
		rows[newRow(row).key()] = row
	}
	return rows
}

// An app is one of the applications.
type app struct {
	table *sharedTable
	keys  Keys
	s     *Store
	m     *lease.Manager
	// wrote counts what was applied, and matched the tries to write a lease of
	// the other's whose counter and owners were right.
	wrote, matched int
}

// operate does something by chance to some row, and says what.
func (a *app) operate(t *testing.T, rows map[string]item) (what string) {
	ctx, rnd := t.Context(), a.table.rnd
	l := a.table.leases[rnd.IntN(len(a.table.leases))]
	if rnd.IntN(8) == 0 {
		l = lease.Lease{Key: slices.Sorted(maps.Keys(rows))[rnd.IntN(len(rows))], Checkpoint: lease.Latest}
	}
	l = l.Clone()
	row, known := rows[l.Key]
	stored, _ := parseLease(row, EitherKeys)
	if stored != nil && rnd.IntN(4) != 0 {
		l = *stored
		if kind(row) != a.keys {
			a.matched++
		}
	}
	worker := fmt.Sprint("w", rnd.IntN(3))
	set := lease.Set{Bump: true, Mark: worker, Owners: &lease.Owners{Owner: worker, Next: []string{"", "next"}[rnd.IntN(2)]}}
	var applied bool
	var err error
	switch n := rnd.IntN(100); {
	case n < 20:
		what = "CreateLeaseIfNotExists"
		applied, err = a.m.CreateLeaseIfNotExists(ctx, &l)
	case n < 28:
		what = "RenewLease"
		applied, err = a.m.RenewLease(ctx, &l)
	case n < 38:
		what = "TakeLease"
		applied, err = a.m.TakeLease(ctx, &l, worker)
	case n < 48:
		what = "EvictLease"
		applied, err = a.m.EvictLease(ctx, &l)
	case n < 58:
		what, l.Checkpoint = "UpdateLease", lease.ShardEnd
		applied, err = a.m.UpdateLease(ctx, &l)
	case n < 59:
		what = "DeleteLease"
		err = a.m.DeleteLease(ctx, &l)
	case n < 70:
		what = "Change"
		_, applied, err = a.s.Change(ctx, l.Key, cond(rnd, l), set)
	case n < 73:
		what = "Delete"
		_, err = a.s.Delete(ctx, l.Key, cond(rnd, l))
	case n < 76 && stored != nil:
		what = "PutWorker"
		if _, applied, err := a.s.PutWorker(ctx, lease.Worker{ID: l.Key, Reported: time.Unix(1, 0), Nonce: "n"}, nil); applied || err == nil {
			t.Errorf("PutWorker(%q): got %v, %v, want an error", l.Key, applied, err)
		}
		return what
	case n < 80 && stored != nil:
		what = "DeleteWorker"
		applied, err = a.s.DeleteWorker(ctx, l.Key, "")
	case n < 81 && rnd.IntN(4) == 0:
		if err := a.m.DeleteAll(ctx); unreadable(err) != a.reports(rows) {
			t.Errorf("DeleteAll, of keys %d: got %v", a.keys, err)
		}
		return "DeleteAll"
	case n < 90:
		a.get(ctx, t, l.Key, row, known)
		return "GetLease"
	default:
		a.list(ctx, t, rows)
		return "ListLeases"
	}
	if applied {
		a.wrote++
	}
	// Only the store's own words say that a row is another's.
	if err != nil && !errors.Is(err, lease.ErrDependency) {
		t.Errorf("%s %q: %v", what, l.Key, err)
	}
	if applied && known && kind(row) != a.keys {
		t.Errorf("%s %q, of keys %d: reported as applied to a row of keys %d", what, l.Key, a.keys, kind(row))
	}
	return what
}

// cond returns a condition on some of what l has.
func cond(rnd *rand.Rand, l lease.Lease) lease.Cond {
	var c lease.Cond
	if rnd.IntN(2) == 0 {
		c.Counter = &l.Counter
	}
	if rnd.IntN(2) == 0 {
		c.Owners = new(l.Owners())
	}
	return c
}

func (a *app) get(ctx context.Context, t *testing.T, key string, row item, known bool) {
	l, err := a.m.GetLease(ctx, key)
	switch {
	case !known || kind(row) == neither:
		if l != nil || err != nil {
			t.Errorf("GetLease(%q): got %+v, %v, want nil, nil", key, l, err)
		}
	case kind(row) != a.keys:
		if l != nil || !unreadable(err) {
			t.Errorf("GetLease(%q), of keys %d: got %+v, %v, want an unreadable row", key, a.keys, l, err)
		}
	}
}

// reports says whether there is a row that a cannot read: the other's, or broken.
func (a *app) reports(rows map[string]item) bool {
	for _, row := range rows {
		if k := kind(row); k != neither && (k != a.keys || row["leaseCounter"] == nil) {
			return true
		}
	}
	return false
}

func (a *app) list(ctx context.Context, t *testing.T, rows map[string]item) {
	var want, got []string
	for key, row := range rows {
		if kind(row) == a.keys && row["leaseCounter"] != nil {
			want = append(want, key)
		}
	}
	leases, err := a.m.ListLeases(ctx)
	for _, l := range leases {
		got = append(got, l.Key)
	}
	slices.Sort(want)
	slices.Sort(got)
	reports := a.reports(rows)
	if !slices.Equal(got, want) || unreadable(err) != reports {
		t.Errorf("ListLeases, of keys %d: got %v, %v, want %v and others reported %v", a.keys, got, err, want, reports)
	}
	empty, err := a.m.IsLeaseTableEmpty(ctx)
	if empty != (len(want) == 0 && !reports) || unreadable(err) != (len(want) == 0 && reports) {
		t.Errorf("IsLeaseTableEmpty, of keys %d with %d leases: got %v, %v, others reported %v", a.keys, len(want), empty, err, reports)
	}
}
