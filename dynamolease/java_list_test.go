package dynamolease

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// javaLists are about making, reading and listing leases.
var javaLists = []behaviour{
	{24, "a stored lease is read as it is", func(t *testing.T) {
		w := newJava(t)
		l := &lease.Lease{Key: "k", Owner: "a", Checkpoint: position(t, "12", 3), Parents: []string{"p1", "p2"}}
		w.wants(true)(w.m.CreateLeaseIfNotExists(t.Context(), l))
		w.stores(l)
	}, ""},
	{25, "a lease that is not there is none, and no error", func(t *testing.T) {
		if l, err := newJava(t).m.GetLease(t.Context(), "bogus"); l != nil || err != nil {
			t.Errorf("got %v, %v, want nil, nil", l, err)
		}
	}, ""},
	{26, "an empty table has no leases", func(t *testing.T) { newJava(t).lists() }, ""},
	{27, "all leases are listed", func(t *testing.T) {
		w := newJava(t)
		w.holds("a", "b", "c")
		w.lists("a", "b", "c")
	}, ""},
	{28, "a list may be cut to a number of leases", nil,
		"nothing here asks for a part of the leases: a list is the whole table"},
	{29, "a list shorter than its number is whole", nil, "as 28"},
	{30, "a list has the leases of all pages", func(t *testing.T) {
		m, w := pages(javaPage("more", "a", "b"), javaPage("", "c"))
		wantListed(t, m, "a", "b", "c")
		if len(w.requests) != 2 {
			t.Errorf("%d calls, want 2", len(w.requests))
		}
	}, ""},
	{31, "a cut list reads no page more than it needs", nil, "as 28"},
	{32, "a cut list reads as many pages as it needs", nil, "as 28"},
	{33, "a table without leases is empty", func(t *testing.T) {
		newJava(t).empty(true)
	}, ""},
	{34, "a table with a lease is not empty", func(t *testing.T) {
		w := newJava(t)
		w.holds("a")
		w.empty(false)
	}, ""},
	{35, "a table whose first page has no lease is not empty for that", func(t *testing.T) {
		m, w := pages(ok(`{"Items":[`+notLeases+`],"LastEvaluatedKey":{"leaseKey":{"S":"x"}}}`), javaPage("", "a"))
		if got, err := m.IsLeaseTableEmpty(t.Context()); got || err != nil || len(w.requests) != 2 {
			t.Errorf("got %v, %v after %d calls, want false, nil after 2", got, err, len(w.requests))
		}
	}, ""},
	{36, "a table with other items only, of an unknown kind too, is empty", func(t *testing.T) {
		m, w := pages(ok(`{"Items":[` + notLeases + `,{"leaseKey":{"S":"x"},"entityType":{"S":"PARKING_TICKET"}}]}`))
		if got, err := m.IsLeaseTableEmpty(t.Context()); !got || err != nil || len(w.requests) != 1 {
			t.Errorf("got %v, %v after %d calls, want true, nil after 1", got, err, len(w.requests))
		}
	}, ""},
	{37, "a list in two segments has the good leases, and names the others", func(t *testing.T) {
		w := newJava(t)
		w.store.cfg.Segments = 2
		w.holds("good")
		w.mustPlant(t, item{"leaseKey": text("bad")})
		snap, err := w.store.Scan(t.Context())
		if err != nil || len(snap.Leases) != 1 || snap.Leases[0].Key != "good" || len(snap.Unreadable) != 1 || snap.Unreadable[0].Key != "bad" {
			t.Errorf("got %+v, %v, want lease good, and bad unreadable", snap, err)
		}
	}, ""},
	{38, "a list in two segments has the leases of both", func(t *testing.T) {
		w := newJava(t)
		w.store.cfg.Segments = 2
		w.holds("a", "b")
		w.lists("a", "b")
		if n := w.count("Scan"); n != 2 {
			t.Errorf("%d calls, want one for each segment", n)
		}
	}, ""},
	{39, "a plain list passes over what does not parse, without an error", nil,
		"the good leases come with an error that names the bad row and its attribute: a shard whose row is broken has no worker, and somebody must know"},
	{40, "a lease cannot be made with the key of a worker", func(t *testing.T) {
		w := newJava(t)
		w.mustPlant(t, item{"leaseKey": text("w"), "entityType": text("WORKER_METRIC_STATS"), "lut": decimal("1")})
		w.wants(false)(w.m.CreateLeaseIfNotExists(t.Context(), &lease.Lease{Key: "w", Checkpoint: lease.Latest}))
		w.attributes("w", map[string]string{"entityType": "S WORKER_METRIC_STATS", "checkpoint": ""})
	}, ""},
	{41, "a lease that is there is not made again, nor changed", func(t *testing.T) {
		w := newJava(t)
		before := w.has(owned("a", ""))
		w.wants(false)(w.m.CreateLeaseIfNotExists(t.Context(), &lease.Lease{Key: "k", Counter: 9, Checkpoint: lease.ShardEnd}))
		w.stores(before)
	}, ""},
	{42, "the lock is no lease", func(t *testing.T) {
		w := newJava(t)
		w.mustPlant(t, item{"leaseKey": text("Leader"), "entityType": text("LEADER"), "ownerName": text("a")})
		if l, err := w.m.GetLease(t.Context(), "Leader"); l != nil || err != nil {
			t.Errorf("got %v, %v, want nil, nil", l, err)
		}
	}, ""},
	{43, "without the table every operation says so", func(t *testing.T) {
		w := newJava(t)
		if err := w.DropTable(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.allFailWith(lease.ErrInvalidState)
	}, ""},
	{44, "a throttled operation says so", func(t *testing.T) {
		w := newJava(t)
		w.Throttle(1_000_000)
		w.allFailWith(lease.ErrProvisionedThroughput)
	}, ""},
	{45, "an operation that takes too long is cancelled and fails", inBubble(func(t *testing.T) {
		var begun, cancelled int
		s := storeWith(t, clientOver(doer(func(r *http.Request) (*http.Response, error) {
			begun++
			<-r.Context().Done()
			cancelled++
			return nil, r.Context().Err()
		})), Config{SingleTable: true})
		w := &javaWorld{target: &target{store: s}, t: t, m: lease.NewManager(s)}
		w.m.Try = 20 * time.Millisecond
		for name, op := range w.operations(t.Context()) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			begun, cancelled = 0, 0
			if err := op(ctx); !onlyKind(err, lease.ErrDependency) || begun == 0 || begun != cancelled {
				t.Errorf("%s: got %v, with %d of %d calls cancelled, want %q and all", name, err, cancelled, begun, lease.ErrDependency)
			}
			cancel()
		}
	}), ""},
	{46, "the leases of one of several streams can be listed", nil,
		"each lease of a list says its stream, and nothing here needs those of one alone"},
	{47, "the index has the keys of a worker's leases", func(t *testing.T) {
		w := newJava(t)
		for key, owner := range map[string]string{"1": "w", "2": "w", "3": "v"} {
			row := owned(owner, "")
			row["leaseKey"] = text(key)
			w.mustPlant(t, row)
		}
		got, err := w.store.KeysOf(t.Context(), "w")
		if slices.Sort(got); err != nil || !slices.Equal(got, []string{"1", "2"}) {
			t.Errorf("got %v, %v, want 1 and 2", got, err)
		}
	}, ""},
}

// holds makes leases.
func (w *javaWorld) holds(keys ...string) {
	w.t.Helper()
	for _, key := range keys {
		row := javaRow(item{"leaseKey": text(key)})
		w.mustPlant(w.t, row)
	}
}

func (w *javaWorld) lists(want ...string) {
	w.t.Helper()
	wantListed(w.t, w.m, want...)
}

func wantListed(t *testing.T, m *lease.Manager, want ...string) {
	t.Helper()
	leases, err := m.ListLeases(t.Context())
	got := make([]string, 0, len(leases))
	for _, l := range leases {
		got = append(got, l.Key)
	}
	slices.Sort(got)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("ListLeases: got %v, %v, want %v", got, err, want)
	}
}

func (w *javaWorld) empty(want bool) {
	w.t.Helper()
	w.wants(want)(w.m.IsLeaseTableEmpty(w.t.Context()))
}

// notLeases are two items of a page that are no leases.
const notLeases = `{"leaseKey":{"S":"w"},"entityType":{"S":"WORKER_METRIC_STATS"},"lut":{"N":"1"}},` +
	`{"leaseKey":{"S":"TableMigration3.5"},"entityType":{"S":"TABLE_MIGRATION"}}`

// javaPage is a page of leases, and more if there are more pages.
func javaPage(more string, keys ...string) reply {
	var items []string
	for _, key := range keys {
		items = append(items, `{"leaseKey":{"S":"`+key+`"},"leaseCounter":{"N":"0"},"ownerSwitchesSinceCheckpoint":{"N":"0"},"checkpoint":{"S":"LATEST"}}`)
	}
	body := `{"Items":[` + strings.Join(items, ",") + `]`
	if more != "" {
		body += `,"LastEvaluatedKey":{"leaseKey":{"S":"` + more + `"}}`
	}
	return ok(body + `}`)
}

func pages(replies ...reply) (*lease.Manager, *wire) {
	s, w := newWire(replies...)
	return lease.NewManager(s), w
}

// operations are all that read or write leases.
func (w *javaWorld) operations(ctx context.Context) map[string]func(context.Context) error {
	l := func() *lease.Lease { return &lease.Lease{Key: "k", Owner: "a", Checkpoint: lease.TrimHorizon} }
	change := func(set lease.Set) func(context.Context) error {
		return func(ctx context.Context) error {
			_, _, err := w.store.Change(ctx, "k", lease.Cond{Owners: &lease.Owners{Owner: "a"}}, set)
			return err
		}
	}
	return map[string]func(context.Context) error{
		"list":      func(ctx context.Context) error { _, err := w.m.ListLeases(ctx); return err },
		"empty":     func(ctx context.Context) error { _, err := w.m.IsLeaseTableEmpty(ctx); return err },
		"get":       func(ctx context.Context) error { _, err := w.m.GetLease(ctx, "k"); return err },
		"create":    func(ctx context.Context) error { _, err := w.m.CreateLeaseIfNotExists(ctx, l()); return err },
		"renew":     func(ctx context.Context) error { _, err := w.m.RenewLease(ctx, l()); return err },
		"take":      func(ctx context.Context) error { _, err := w.m.TakeLease(ctx, l(), "b"); return err },
		"evict":     func(ctx context.Context) error { _, err := w.m.EvictLease(ctx, l()); return err },
		"update":    func(ctx context.Context) error { _, err := w.m.UpdateLease(ctx, l()); return err },
		"delete":    func(ctx context.Context) error { return w.m.DeleteLease(ctx, l()) },
		"deleteAll": w.m.DeleteAll,
		"assign":    change(lease.Set{Bump: true, Mark: "m", Owners: &lease.Owners{Owner: "b"}}),
		"handoff":   change(lease.Set{Owners: &lease.Owners{Owner: "a", Next: "b"}}),
		"meta info": change(lease.Set{Children: []string{"c"}}),
	}
}

func (w *javaWorld) allFailWith(kind error) {
	w.t.Helper()
	for name, op := range w.operations(w.t.Context()) {
		if err := op(w.t.Context()); !onlyKind(err, kind) {
			w.t.Errorf("%s: got %v, want %q", name, err, kind)
		}
	}
}

// onlyKind reports whether err is of this kind and of no other.
func onlyKind(err, kind error) bool {
	for _, k := range []error{lease.ErrProvisionedThroughput, lease.ErrInvalidState, lease.ErrDependency} {
		if errors.Is(err, k) != (k == kind) {
			return false
		}
	}
	return true
}
