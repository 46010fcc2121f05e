package ddb

import (
	"container/heap"
	"math/big"
	"time"
)

// tooOld is how far in the past an item's time may be: one further back is
// taken for a mistake, and the item stays. (DynamoDB Developer Guide, Time to
// Live.)
const tooOld = 5 * 365 * 24 * time.Hour

// A timeToLive is a table's attribute with the second in which an item expires.
type timeToLive struct {
	attribute string // empty if there never was one
	enabled   bool
	until     time.Time // the last change lasts until then
	queue     expiries
}

// An expiry is an item's time. It stands though the item has changed since.
type expiry struct {
	at  time.Time
	key rowKey
}

// expiries are a heap, the first to come on top.
type expiries []expiry

func (q expiries) Len() int           { return len(q) }
func (q expiries) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q expiries) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *expiries) Push(x any)        { *q = append(*q, x.(expiry)) }
func (q *expiries) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// of is when the item expires, and whether it does at all.
func (ttl *timeToLive) of(it Item) (time.Time, bool) {
	v, ok := it[ttl.attribute]
	if !ttl.enabled || !ok || v.Kind != kindN {
		return time.Time{}, false
	}
	f, _, err := big.ParseFloat(v.Num.String(), 10, 64, big.ToZero)
	if err != nil {
		return time.Time{}, false
	}
	secs, _ := f.Int64()
	return time.Unix(secs, 0), secs >= 0 && secs < 1<<40
}

// watch remembers when a row that was written expires.
func (ttl *timeToLive) watch(r *row) {
	if r == nil || !ttl.enabled {
		return
	}
	if at, ok := ttl.of(r.image()); ok {
		heap.Push(&ttl.queue, expiry{at, r.key})
	}
}

// expire deletes what expired longer ago than the service takes, each item at
// the time when its turn came.
func (t *table) expire(now time.Time, o Options) {
	for t.ttl.enabled && len(t.ttl.queue) > 0 && !t.ttl.queue[0].at.Add(o.TTLTakes).After(now) {
		e := heap.Pop(&t.ttl.queue).(expiry)
		old := t.rows.get(e.key)
		if at, ok := t.ttl.of(old.image()); !ok || !at.Equal(e.at) || now.Sub(at) > tooOld {
			continue
		}
		w, err := t.plan(old.image(), nil, func(Item) (Item, *Error) { return nil, nil }, false)
		if err == nil {
			w.commit(o)
		}
	}
}

type updateTimeToLive struct {
	TableName               string
	TimeToLiveSpecification *struct {
		AttributeName string
		Enabled       *bool
	}
}

func (op *updateTimeToLive) target() string { return op.TableName }

func (op *updateTimeToLive) do(db *DB, o Options) (Output, *Error) {
	spec := op.TimeToLiveSpecification
	switch {
	case spec == nil:
		return Output{}, violated("", "timeToLiveSpecification", "Member must not be null")
	case spec.Enabled == nil:
		return Output{}, violated("", "timeToLiveSpecification.enabled", "Member must not be null")
	case spec.AttributeName == "":
		return Output{}, invalid("1 validation error detected: Value '' at 'timeToLiveSpecification.attributeName' failed to satisfy constraint: Member must have length greater than or equal to 1")
	case len(spec.AttributeName) > 255:
		return Output{}, violated(spec.AttributeName, "timeToLiveSpecification.attributeName", "Member must have length less than or equal to 255")
	}
	t, err := db.useNamed(op.TableName)
	if err != nil {
		return Output{}, err
	}
	defer t.mu.Unlock()
	now := time.Now()
	if s := t.at(now); s == creating || s == deleting {
		return Output{}, inUse("Attempt to change a resource which is still in use: Table is not ACTIVE: %s", t.name)
	}
	switch {
	case now.Before(t.ttl.until):
		return Output{}, invalid("Time to live has been modified multiple times within a fixed interval")
	case *spec.Enabled && t.ttl.enabled:
		return Output{}, invalid("TimeToLive is already enabled")
	case !*spec.Enabled && !t.ttl.enabled:
		return Output{}, invalid("TimeToLive is already disabled")
	case !*spec.Enabled && spec.AttributeName != t.ttl.attribute:
		return Output{}, invalid("TimeToLive is active on a different AttributeName: current AttributeName is %s", t.ttl.attribute)
	}
	t.ttl = timeToLive{attribute: spec.AttributeName, enabled: *spec.Enabled, until: now.Add(o.TableTakes)}
	for _, r := range t.rows.list {
		t.ttl.watch(r)
	}
	return Output{Body: map[string]any{"TimeToLiveSpecification": spec}}, nil
}

type describeTimeToLive struct{ TableName string }

func (op *describeTimeToLive) target() string { return op.TableName }

func (op *describeTimeToLive) do(db *DB, _ Options) (Output, *Error) {
	t, err := db.useNamed(op.TableName)
	if err != nil {
		return Output{}, err
	}
	defer t.mu.Unlock()
	var d struct {
		AttributeName    string `json:",omitempty"`
		TimeToLiveStatus string
	}
	changing := time.Now().Before(t.ttl.until)
	switch {
	case t.ttl.enabled && changing:
		d.TimeToLiveStatus = "ENABLING"
	case t.ttl.enabled:
		d.TimeToLiveStatus = "ENABLED"
	case changing:
		d.TimeToLiveStatus = "DISABLING"
	default:
		d.TimeToLiveStatus = "DISABLED"
	}
	if t.ttl.enabled || changing {
		d.AttributeName = t.ttl.attribute
	}
	return Output{Body: map[string]any{"TimeToLiveDescription": d}}, nil
}
