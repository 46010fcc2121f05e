package coordinator

import (
	"context"
	"slices"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// javaWorker is a worker of Java KCL, as far as the table shows it: it writes its
// item every 30 s, looks for its leases every 10 s, renews them every 3.3 s, the
// finished ones too, marks no write, and obeys handoffs.
type javaWorker struct {
	*actor
	held map[string]lease.Lease
}

func (w *world) java(name string) *javaWorker {
	j := &javaWorker{actor: &actor{w: w, name: name, start: w.now}, held: make(map[string]lease.Lease)}
	every := func(d time.Duration, f func()) {
		var turn func()
		turn = func() {
			if !j.dead {
				f()
				w.in(d, turn)
			}
		}
		turn()
	}
	every(30*time.Second, j.report)
	every(10*time.Second, j.discover)
	every(3300*time.Millisecond, j.renew)
	return j
}

func (j *javaWorker) report() {
	item := lease.Worker{ID: j.name, Reported: epoch.Add(time.Duration(j.w.now)).Truncate(time.Second)}
	if _, _, err := j.w.store.PutWorker(context.Background(), item, nil); err != nil {
		j.w.t.Fatal(err)
	}
}

func (j *javaWorker) get(key string) *lease.Lease {
	l, err := j.w.store.Get(context.Background(), key)
	if err != nil {
		j.w.t.Fatal(err)
	}
	return l
}

func (j *javaWorker) discover() {
	keys, err := j.w.store.KeysOf(context.Background(), j.name)
	if err != nil {
		j.w.t.Fatal(err)
	}
	for _, key := range keys {
		if _, ok := j.held[key]; ok {
			continue
		}
		if l := j.get(key); l != nil && l.Owner == j.name && !l.Finished() {
			j.held[key] = *l
		}
	}
}

// change makes a write on the counter and keeps what it stored.
func (j *javaWorker) change(l lease.Lease, set lease.Set) bool {
	set.Bump = true
	r := j.w.apply(j.actor, Action{Kind: Change, Key: l.Key, Cond: lease.Cond{Counter: &l.Counter}, Set: set})
	if r.Err != nil {
		j.w.t.Fatal(r.Err)
	}
	if !r.Applied || r.Image.Owner != j.name {
		delete(j.held, l.Key)
		return false
	}
	j.held[l.Key] = r.Image
	return true
}

func (j *javaWorker) renew() {
	var keys []string
	for key := range j.held {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		if j.change(j.held[key], lease.Set{}) && !new(j.held[key]).Finished() {
			j.work(j.held[key])
		}
	}
}

// work reads a shard whose lease was renewed just now.
func (j *javaWorker) work(l lease.Lease) {
	for _, p := range l.Parents {
		if parent := j.get(p); parent != nil && !parent.Finished() {
			return
		}
	}
	s := j.w.shards[l.Key]
	first := 0
	if l.Checkpoint.IsRecord() {
		first = index(l.Checkpoint) + 1
	}
	last := j.w.tip(s)
	var set lease.Set
	if last >= first {
		j.w.delivered(&testConsumer{a: j.actor, key: l.Key}, first, last)
		set.Checkpoint = new(position(last))
	}
	switch {
	case l.HandingOff():
		set.Owners = &lease.Owners{Owner: l.NextOwner}
	case s.Closed:
		for _, c := range j.w.children(l.Key) {
			j.w.apply(j.actor, Action{Kind: Create, Key: c.ID, Lease: lease.Lease{Key: c.ID, Parents: c.Parents, Checkpoint: lease.TrimHorizon}})
			set.Children = append(set.Children, c.ID)
		}
		set.Checkpoint = &lease.ShardEnd
	case set.Checkpoint == nil:
		return
	}
	j.change(l, set)
}
