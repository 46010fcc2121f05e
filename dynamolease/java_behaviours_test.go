package dynamolease

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leasehold/leasehold/lease"
)

// The files java_*_test.go list the behaviours of Java KCL 3.5.1 around its lease
// table, as its own tests and code have them, numbered so that a row can be
// cited. Each row is shown by a test with our operations for Java's, or says why
// it is otherwise here. Numbers 129 to 153 were about Java's threads above the
// table, and are not in use.
//
// Java's operations are here:
//
//   - createLeaseTableIfNotExists to isLeaseTableEmpty, renewLease, takeLease,
//     evictLease, updateLease and deleteLease: those of lease.Manager.
//   - assignLease, initiateGracefulLeaseHandoff and updateLeaseWithMetaInfo:
//     values of lease.Cond and lease.Set, as [javaWorld.assign] and so on have
//     them.
//   - The index and listings by worker, in segments or of several kinds: the
//     Store's own.
type behaviour struct {
	number int
	what   string
	// One of these two is set.
	test      func(*testing.T)
	otherwise string
}

var javaBehaviours = slices.Concat(javaTables, javaLists, javaRenewals, javaOwners, javaUpdates, javaItemRules, javaPredicates, javaScans)

func TestJavaBehaviours(t *testing.T) {
	for _, b := range javaBehaviours {
		if b.test == nil {
			continue
		}
		if !t.Run(strconv.Itoa(b.number), b.test) {
			t.Logf("%d: %s", b.number, b.what)
		}
	}
}

func TestNoBehaviourOfJavaIsLeftOut(t *testing.T) {
	seen := map[int]bool{}
	for _, b := range javaBehaviours {
		switch {
		case seen[b.number]:
			t.Errorf("%d is there twice", b.number)
		case b.number < 1 || b.number > 164 || b.number > 128 && b.number < 154:
			t.Errorf("%d is none of the numbers", b.number)
		case b.what == "":
			t.Errorf("%d does not say what it is", b.number)
		case (b.test != nil) == (b.otherwise != ""):
			t.Errorf("%d %s: want a test or a reason why it is otherwise, and not both", b.number, b.what)
		}
		seen[b.number] = true
	}
	for n := 1; n <= 164; n++ {
		if !seen[n] && (n <= 128 || n >= 154) {
			t.Errorf("%d is left out", n)
		}
	}
}

// A javaWorld is an application's table.
type javaWorld struct {
	*target
	t *testing.T
	m *lease.Manager
}

func newJava(t *testing.T) *javaWorld {
	t.Helper()
	tt := fake(t)
	m := lease.NewManager(tt.store)
	m.Backoff = time.Millisecond
	return &javaWorld{target: tt, t: t, m: m}
}

// javaRow is the row of the lease "k" that Java's tests begin with, changed.
func javaRow(change item) item {
	row := rowWith(item{"leaseCounter": decimal("0"), "ownerSwitchesSinceCheckpoint": decimal("0"), "checkpoint": text("TRIM_HORIZON")})
	for attr, v := range change {
		if v == nil {
			delete(row, attr)
		} else {
			row[attr] = v
		}
	}
	return row
}

// owned is javaRow with owners as Java stores them.
func owned(leaseOwner, checkpointOwner string) item {
	row := javaRow(nil)
	if leaseOwner != "" {
		row["leaseOwner"] = text(leaseOwner)
	}
	if checkpointOwner != "" {
		row["checkpointOwner"] = text(checkpointOwner)
	}
	return row
}

// has plants a row and returns the lease as a worker reads it.
func (w *javaWorld) has(row item) *lease.Lease {
	w.t.Helper()
	w.mustPlant(w.t, row)
	return w.get(newRow(row).key())
}

func (w *javaWorld) get(key string) *lease.Lease {
	w.t.Helper()
	l, err := w.m.GetLease(w.t.Context(), key)
	if err != nil || l == nil {
		w.t.Fatalf("GetLease(%q): got %v, %v", key, l, err)
	}
	return l
}

// wants checks the result of an operation.
func (w *javaWorld) wants(want bool) func(got bool, err error) {
	return func(got bool, err error) {
		w.t.Helper()
		if got != want || err != nil {
			w.t.Errorf("got %v, %v, want %v, nil", got, err, want)
		}
	}
}

// stores checks that the stored lease is the one in memory. The mark, which is
// ours, is not looked at.
func (w *javaWorld) stores(l *lease.Lease) {
	w.t.Helper()
	stored, memory := w.get(l.Key).Clone(), l.Clone()
	stored.Mark, memory.Mark = "", ""
	if diff := cmp.Diff(memory, stored, compare, nilIsEmpty); diff != "" {
		w.t.Errorf("stored lease (-memory +stored):\n%s", diff)
	}
}

// attributes checks some attributes of a stored row; an empty one is absent.
func (w *javaWorld) attributes(key string, want map[string]string) {
	w.t.Helper()
	got := describe(w.raw(w.t, key))
	for attr, v := range want {
		if got[attr] != v {
			w.t.Errorf("%s: got %q, want %q", attr, got[attr], v)
		}
	}
}

// nothing checks that there is no row.
func (w *javaWorld) nothing(key string) {
	w.t.Helper()
	if row := w.raw(w.t, key); row != nil {
		w.t.Errorf("there is a row: %v", describe(row))
	}
}

// assign is the write by which a leader gives a lease to a worker, with what
// it last saw of the lease.
func (w *javaWorld) assign(l *lease.Lease, to string) (bool, error) {
	return w.change(l, lease.Cond{Counter: new(l.Counter), Owners: new(l.Owners())},
		lease.Set{Bump: true, Mark: "leader-1", Owners: &lease.Owners{Owner: to}, AddSwitch: l.Owner != ""})
}

// handOver is the write by which a leader begins a handoff.
func (w *javaWorld) handOver(l *lease.Lease, to string) (bool, error) {
	return w.change(l, lease.Cond{Owners: new(l.Owners())}, lease.Set{Owners: &lease.Owners{Owner: l.Owner, Next: to}})
}

// finish is the write by which the owner ends a handoff.
func (w *javaWorld) finish(l *lease.Lease) (bool, error) {
	return w.change(l, lease.Cond{Counter: new(l.Counter), Owners: new(l.Owners())},
		lease.Set{Bump: true, Mark: "owner-1", Owners: &lease.Owners{Owner: l.NextOwner}})
}

// renew is the renewal of a worker, which learns from the image of a handoff.
func (w *javaWorld) renew(l *lease.Lease) (bool, error) {
	return w.change(l, lease.Cond{Counter: new(l.Counter)}, lease.Set{Bump: true, Mark: "owner-2"})
}

// change writes, and l becomes what is stored if that was applied.
func (w *javaWorld) change(l *lease.Lease, cond lease.Cond, set lease.Set) (bool, error) {
	image, applied, err := w.store.Change(w.t.Context(), l.Key, cond, set)
	if applied {
		*l = image
	}
	return applied, err
}
