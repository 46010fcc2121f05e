package dynamolease

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leasehold/leasehold/internal/emul"
	"github.com/leasehold/leasehold/lease"
)

const (
	theStream = "123456789012:orders:1680616058"
	theShard  = "shardId-000000000001"
)

// ofSeveral is a good row of an application with several streams.
func ofSeveral(change item) item {
	row := rowWith(item{"leaseKey": text(theStream + ":" + theShard), "streamName": text(theStream), "shardId": text(theShard)})
	for attr, v := range change {
		if v == nil {
			delete(row, attr)
		} else {
			row[attr] = v
		}
	}
	return row
}

func TestRowsByKeys(t *testing.T) {
	const readable = ""
	for _, tt := range []struct {
		name string
		row  item
		want map[Keys]string // attribute and the reason's start
	}{
		{"of one stream", rowWith(nil), map[Keys]string{
			ByShard: readable, ByStreamAndShard: "streamName " + ofOneStream, EitherKeys: readable}},
		{"of several", ofSeveral(nil), map[Keys]string{
			ByShard: "streamName " + ofSeveralStreams, ByStreamAndShard: readable, EitherKeys: readable}},
		{"of several, otherwise broken too", ofSeveral(item{"leaseCounter": nil}), map[Keys]string{
			ByShard: "streamName " + ofSeveralStreams, ByStreamAndShard: "leaseCounter is missing", EitherKeys: "leaseCounter is missing"}},
		{"stream of another type", ofSeveral(item{"streamName": decimal("1")}), map[Keys]string{
			ByShard: "streamName " + ofSeveralStreams, ByStreamAndShard: "streamName has type N", EitherKeys: "streamName has type N"}},
		{"stream that names none", ofSeveral(item{"leaseKey": text("orders:" + theShard), "streamName": text("orders")}), map[Keys]string{
			ByShard: "streamName " + ofSeveralStreams, ByStreamAndShard: "streamName does not fit: stream", EitherKeys: "streamName does not fit: stream"}},
		{"key of another shard", ofSeveral(item{"shardId": text("shardId-000000000002")}), map[Keys]string{
			ByShard: "streamName " + ofSeveralStreams, ByStreamAndShard: "streamName does not fit: key", EitherKeys: "streamName does not fit: key"}},
		{"stream without shard", ofSeveral(item{"shardId": nil}), map[Keys]string{
			ByShard: "streamName " + ofSeveralStreams, ByStreamAndShard: "shardId is missing", EitherKeys: "shardId is missing"}},
		{"shard without stream", ofSeveral(item{"streamName": nil}), map[Keys]string{
			ByShard: "streamName is missing", ByStreamAndShard: "streamName is missing", EitherKeys: "streamName is missing"}},
	} {
		for keys, want := range tt.want {
			l, err := parseLease(tt.row, keys)
			u, _ := errors.AsType[*lease.UnreadableError](err)
			switch {
			case want == readable && (err != nil || l == nil):
				t.Errorf("%s, keys %d: got %v, want a lease", tt.name, keys, err)
			case want != readable && (l != nil || u == nil || !strings.HasPrefix(u.Attribute+" "+u.Reason, want) || u.Key != newRow(tt.row).key()):
				t.Errorf("%s, keys %d: got %v, %v, want %s", tt.name, keys, l, err, want)
			}
			if snap, bad := look(tt.row, keys); (bad == nil) != (want == readable) || bad != nil && *bad != *u || (len(snap.Leases) == 1) != (want == readable) {
				t.Errorf("%s, keys %d: a look has %+v, %v", tt.name, keys, snap, bad)
			}
		}
	}
}

// What does not fit the application is refused before anything is asked.
func TestCreateByKeys(t *testing.T) {
	one := lease.Lease{Key: theShard, Checkpoint: lease.Latest}
	several := lease.Lease{Key: theStream + ":" + theShard, Stream: theStream, Shard: theShard, Checkpoint: lease.Latest}
	but := func(l lease.Lease, change func(*lease.Lease)) lease.Lease { change(&l); return l }
	for _, tt := range []struct {
		name   string
		keys   Keys
		l      lease.Lease
		reason string // empty: created
	}{
		{"one stream", ByShard, one, ""},
		{"one stream, any key without a stream", ByShard, but(one, func(l *lease.Lease) { l.Key = "a:b" }), ""},
		{"several", ByShard, several, "has a stream or a shard"},
		{"stream only", ByShard, but(one, func(l *lease.Lease) { l.Stream = theStream }), "has a stream or a shard"},
		{"shard only", ByShard, but(one, func(l *lease.Lease) { l.Shard = theShard }), "has a stream or a shard"},
		{"key of a stream", ByShard, but(several, func(l *lease.Lease) { l.Stream, l.Shard = "", "" }), "the key names a stream"},
		{"one stream", ByStreamAndShard, one, "stream is not set"},
		{"several", ByStreamAndShard, several, ""},
		{"no shard", ByStreamAndShard, but(several, func(l *lease.Lease) { l.Shard = "" }), "shard is not set"},
		{"no stream", ByStreamAndShard, but(several, func(l *lease.Lease) { l.Stream = "" }), "stream is not set"},
		{"name of a stream", ByStreamAndShard, but(several, func(l *lease.Lease) { l.Stream, l.Key = "orders", "orders:"+theShard }), "is not account:name:created"},
		{"another key", ByStreamAndShard, but(several, func(l *lease.Lease) { l.Key = theShard }), "as stream and shard make it"},
		{"one stream", EitherKeys, one, "makes no leases"},
		{"several", EitherKeys, several, "makes no leases"},
	} {
		s, w := newWire(ok(`{}`))
		s.cfg.Keys = tt.keys
		_, applied, err := s.Create(t.Context(), tt.l)
		if tt.reason == "" {
			if !applied || err != nil || len(w.requests) != 1 {
				t.Errorf("%s, keys %d: got %v, %v, want created", tt.name, tt.keys, applied, err)
			}
			continue
		}
		e, isError := errors.AsType[*lease.Error](err)
		if applied || !isError || e.Kind != lease.ErrDependency || e.Retryable || !strings.Contains(err.Error(), tt.reason) || len(w.requests) != 0 {
			t.Errorf("%s, keys %d: got %v, %v after %d requests, want refused: %s", tt.name, tt.keys, applied, err, len(w.requests), tt.reason)
		}
	}
}

// conds are conditions that all hold of rowWith(nil).
var conds = []lease.Cond{
	{},
	{Counter: new(int64(5))},
	{Owners: &lease.Owners{}},
	{Counter: new(int64(5)), Owners: &lease.Owners{}},
}

// A row of the other kind is refused by the service, in the condition: what
// a look before the write would show may be old when the write comes.
func TestFailure_F91_ForeignRowIsNeverWritten(t *testing.T) { testForeignRows(t, fake(t)) }

func TestEmulatorRefusesForeignRows(t *testing.T) {
	for _, s := range emul.DynamoDBs(t) {
		t.Run(s.Name, func(t *testing.T) { testForeignRows(t, newTarget(t, s.Config(), emul.Name(t))) })
	}
}

func testForeignRows(t *testing.T, tt *target) {
	for _, c := range []struct {
		name string
		keys Keys
		row  item
	}{
		{"of several streams", ByShard, ofSeveral(nil)},
		{"of several streams, broken", ByShard, ofSeveral(item{"shardId": nil})},
		{"of one stream", ByStreamAndShard, rowWith(nil)},
		{"of one stream, with the key of several", ByStreamAndShard, ofSeveral(item{"streamName": nil, "shardId": nil})},
	} {
		s, key := tt.withKeys(c.keys), newRow(c.row).key()
		tt.mustPlant(t, c.row)
		refused := func(what string, err error) {
			t.Helper()
			if u, ok := errors.AsType[*lease.UnreadableError](err); !ok || u.Attribute != "streamName" || u.Key != key || !errors.Is(err, lease.ErrDependency) {
				t.Errorf("%s: %s: got %v, want an error of attribute streamName", c.name, what, err)
			}
		}
		l, err := s.Get(t.Context(), key)
		if refused("Get", err); l != nil {
			t.Errorf("%s: Get: got lease %+v", c.name, l)
		}
		for _, cond := range conds {
			image, applied, err := s.Change(t.Context(), key, cond, lease.Set{Bump: true, Mark: "m", Owners: &lease.Owners{Owner: "thief"}})
			if refused("Change", err); applied || image.Key != "" {
				t.Errorf("%s: Change on %+v: got %v, %+v, want refused", c.name, cond, applied, image)
			}
			if applied, err := s.Delete(t.Context(), key, cond); applied || err != nil {
				t.Errorf("%s: Delete on %+v: got %v, %v, want false, nil", c.name, cond, applied, err)
			}
		}
		if diff := cmp.Diff(describe(c.row), describe(tt.raw(t, key))); diff != "" {
			t.Errorf("%s: changed (-want +got):\n%s", c.name, diff)
		}
	}
}

// A tool works on a row as it is.
func TestEitherKeysWritesWhatIsThere(t *testing.T) {
	tt := fake(t)
	s := tt.withKeys(EitherKeys)
	for _, row := range []item{rowWith(nil), ofSeveral(nil)} {
		tt.mustPlant(t, row)
		key := newRow(row).key()
		image, applied, err := s.Change(t.Context(), key, conds[3], lease.Set{Bump: true, Mark: "m", Checkpoint: new(lease.TrimHorizon)})
		if !applied || err != nil || image.Counter != 6 || (image.Stream == "") != (row["streamName"] == nil) {
			t.Errorf("Change(%q): got %+v, %v, %v, want counter 6", key, image, applied, err)
		}
		if applied, err := s.Delete(t.Context(), key, lease.Cond{Counter: new(int64(6))}); !applied || err != nil || tt.raw(t, key) != nil {
			t.Errorf("Delete(%q): got %v, %v, want deleted", key, applied, err)
		}
	}
	tt.mustPlant(t, rowWith(nil))
	tt.mustPlant(t, ofSeveral(nil))
	if snap, err := s.Scan(t.Context()); err != nil || len(snap.Leases) != 2 || len(snap.Unreadable) != 0 {
		t.Errorf("Scan: got %+v, %v, want both leases", snap, err)
	}
}
