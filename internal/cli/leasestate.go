package cli

import (
	"cmp"
	"slices"
	"time"

	"github.com/leasehold/leasehold/internal/lineage"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// A leaseState is what can be said of a lease. The words are the same in
// tables and in JSON.
type leaseState string

// The states, the worst first, which is also the order in which leases are
// listed.
const (
	// stateUnread: it is finished, and the stream has the shard open. No worker
	// reads it, or ever will.
	stateUnread leaseState = "unread"
	// stateExpired: it was watched for longer than the failover time, and its
	// counter stood still.
	stateExpired leaseState = "expired"
	// stateMissing: a shard of the stream that ought to have a lease has none.
	stateMissing leaseState = "missing"
	// stateUnreadable: the row does not parse.
	stateUnreadable leaseState = "unreadable"
	// stateUnowned: nobody owns it.
	stateUnowned leaseState = "unowned"
	// stateOrphan: the stream no longer has the shard.
	stateOrphan leaseState = "orphan"
	// stateUnknown: it has an owner, which was not seen to live or not to.
	stateUnknown leaseState = "unknown"
	// stateHandingOff: both owners are named.
	stateHandingOff leaseState = "handing-off"
	// stateWaiting: a parent is not finished.
	stateWaiting leaseState = "waiting"
	// stateOK: its counter was seen to move.
	stateOK leaseState = "ok"
	// stateFinished: its checkpoint is SHARD_END, and the shard, if the stream
	// was asked, is closed or gone.
	stateFinished leaseState = "finished"
)

// stateLooks is how states are shown and in which order.
var stateLooks = []struct {
	state          leaseState
	unicode, ascii string
	color          string
}{
	{stateUnread, "⊘", "/", "red"},
	{stateExpired, "✖", "x", "red"},
	{stateMissing, "?", "?", "red"},
	{stateUnreadable, "!", "!", "red"},
	{stateUnowned, "○", "o", "yellow"},
	{stateOrphan, "∅", "0", "yellow"},
	{stateUnknown, " ", " ", ""},
	{stateHandingOff, "⇄", "~", "yellow"},
	{stateWaiting, "…", ".", "dim"},
	{stateOK, "●", "*", "green"},
	{stateFinished, "✓", "+", "dim"},
}

// rank is the state's place in the order.
func (s leaseState) rank() int {
	for i, look := range stateLooks {
		if look.state == s {
			return i
		}
	}
	return len(stateLooks)
}

// cell is the state in a table: glyph and word.
func (s leaseState) cell(on *screen) cell {
	look := stateLooks[s.rank()]
	return cell{on.glyph(look.unicode, look.ascii) + " " + string(s), look.color}
}

// A leaseView is one lease, or the lack of one, and what can be said of it.
type leaseView struct {
	// key is the lease's; shard and stream are what it is for. Stream is empty
	// if it is not known.
	key, shard, stream string
	state              leaseState
	// lease is nil where there is none or where it cannot be read.
	lease      *lease.Lease
	unreadable *lease.UnreadableError
	// alive is nil while it is not known.
	alive *bool
	// movedAt is when the counter was last seen to have moved.
	movedAt time.Time
}

// judge says what looks at a table tell about its leases, the worst first. Shards
// are those of the stream with this name; nil if no stream was asked.
func judge(w *watch, streamName string, shards []stream.Shard, failover time.Duration) []leaseView {
	snapshot := w.last
	type place struct{ stream, shard string }
	byShard := map[place]*lease.Lease{}
	for i := range snapshot.Leases {
		l := &snapshot.Leases[i]
		byShard[place{l.Stream, shardOf(l)}] = l
	}
	inStream, open := map[string]bool{}, map[string]bool{}
	for _, s := range shards {
		inStream[s.ID], open[s.ID] = true, !s.Closed
	}
	var views []leaseView
	for i := range snapshot.Leases {
		l := &snapshot.Leases[i]
		v := leaseView{key: l.Key, shard: shardOf(l), stream: cmp.Or(l.Stream, streamName), lease: l}
		v.state, v.alive, v.movedAt = w.state(l, failover)
		// In a table of several streams the stream that was asked is one of them,
		// and the shards of the others are not known.
		known := shards != nil && l.Stream == ""
		unfinished := lineage.Unfinished(l,
			func(shard string) *lease.Lease { return byShard[place{l.Stream, shard}] },
			func(shard string) bool { return known && inStream[shard] })
		switch {
		case l.Finished() && known && open[v.shard]:
			v.state = stateUnread
		case l.Finished():
			v.state = stateFinished
		case known && !inStream[v.shard]:
			v.state = stateOrphan
		case l.HandingOff():
			v.state = stateHandingOff
		case len(unfinished) > 0:
			v.state = stateWaiting
		}
		views = append(views, v)
	}
	for i := range snapshot.Unreadable {
		u := &snapshot.Unreadable[i]
		views = append(views, leaseView{key: u.Key, shard: u.Key, stream: streamName, state: stateUnreadable, unreadable: u})
	}
	if !slices.ContainsFunc(snapshot.Leases, func(l lease.Lease) bool { return l.Stream != "" }) {
		for _, l := range lineage.Missing(shards, snapshot.Leases, lease.TrimHorizon) {
			if !slices.ContainsFunc(views, func(v leaseView) bool { return v.key == l.Key }) {
				views = append(views, leaseView{key: l.Key, shard: l.Key, stream: streamName, state: stateMissing})
			}
		}
	}
	slices.SortFunc(views, func(a, b leaseView) int {
		return cmp.Or(cmp.Compare(a.state.rank(), b.state.rank()), cmp.Compare(a.key, b.key))
	})
	return views
}

// unread reports whether the lease is finished before its shard.
func unread(v leaseView) bool { return v.state == stateUnread }

// shardOf is the shard that a lease is for.
func shardOf(l *lease.Lease) string { return cmp.Or(l.Shard, l.Key) }
