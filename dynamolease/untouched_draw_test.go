package dynamolease

import (
	"errors"
	"slices"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// The attributes that the fields of a change are stored in.
var (
	attrsOfOwners     = []string{"leaseOwner", "checkpointOwner"}
	attrsOfPending    = []string{"pendingCheckpoint", "pendingCheckpointSubSequenceNumber", "pendingCheckpointState"}
	attrsOfCheckpoint = append([]string{"checkpoint", "checkpointSubSequenceNumber", "ownerSwitchesSinceCheckpoint"}, attrsOfPending...)
	attrsOfHashRange  = []string{"startingHashKey", "endingHashKey"}
)

// attrsOf are the attributes that a change means.
func attrsOf(set lease.Set) (attrs []string) {
	add := func(means bool, more ...string) {
		if means {
			attrs = append(attrs, more...)
		}
	}
	add(set.Bump, "leaseCounter")
	add(set.Mark != "", "lhw")
	add(set.Owners != nil, attrsOfOwners...)
	add(set.AddSwitch || set.Switches != nil, "ownerSwitchesSinceCheckpoint")
	add(set.Checkpoint != nil, attrsOfCheckpoint...)
	add(set.Pending != nil, attrsOfPending...)
	add(len(set.Children) > 0, "childShardIds")
	add(set.HashRange != nil, attrsOfHashRange...)
	add(set.Throughput != nil, "throughputKBps")
	return attrs
}

// draw returns the next operation, on leases that were read just now or long
// ago, on keys of leases and of other things, and now and then on a service that
// fails.
func (u *untouched) draw() operation {
	var ops []operation
	switch n := u.rnd.IntN(20); {
	case n < 8:
		ops = u.leaseOperations(pick(u, []string{"shardId-0", "shardId-1", "shardId-2", "shardId-3", "shardId-4", "broken"}))
	case n < 14:
		ops = u.refusedOperations(pick(u, []string{"w-1", versionItem, "TableMigration3.5", "stream", "ticket", lockItem}))
	default:
		ops = u.otherOperations()
	}
	for _, op := range ops {
		u.applied[op.name] += 0
	}
	switch u.rnd.IntN(12) {
	case 0:
		u.tt.LoseReplies(1)
	case 1:
		u.tt.Fail(1 + u.rnd.IntN(2))
	}
	return pick(u, ops)
}

// happened is the result of a write as a single word.
func happened(applied bool, err error) bool { return applied && err == nil }

// leaseOperations are those that change the lease of this key.
func (u *untouched) leaseOperations(key string) []operation {
	s, m := u.tt.store, u.m
	l := u.lease(key)
	set := u.set()
	var cond lease.Cond
	if u.rnd.IntN(4) > 0 {
		cond.Counter = new(l.Counter)
	}
	if u.rnd.IntN(4) == 0 {
		cond.Owners = new(l.Owners())
	}
	counter := []string{"leaseCounter", "lhw"}
	with := func(attrs ...[]string) []string { return slices.Concat(append(attrs, counter)...) }
	var throughput, known []string
	if l.Throughput != nil {
		throughput = []string{"throughputKBps"}
	}
	if len(l.Children) > 0 {
		known = append(known, "childShardIds")
	}
	if !l.HashRange.IsZero() {
		known = append(known, attrsOfHashRange...)
	}
	update := u.set()
	return []operation{
		{name: "Change", key: key, attrs: attrsOf(set), do: func() bool {
			_, applied, err := s.Change(u.ctx, key, cond, set)
			return happened(applied, err)
		}},
		{name: "RenewLease", key: key, attrs: with(throughput), do: func() bool { return happened(m.RenewLease(u.ctx, l)) }},
		{name: "TakeLease", key: key, attrs: with(attrsOfOwners, []string{"ownerSwitchesSinceCheckpoint"}), do: func() bool {
			return happened(m.TakeLease(u.ctx, l, pick(u, []string{"a", "b"})))
		}},
		{name: "EvictLease", key: key, attrs: with(attrsOfOwners), do: func() bool { return happened(m.EvictLease(u.ctx, l)) }},
		{name: "UpdateLease", key: key, attrs: with(attrsOfCheckpoint, known), do: func() bool {
			if update.Checkpoint != nil {
				l.Checkpoint = *update.Checkpoint
			}
			l.Pending, l.PendingState = lease.Position{}, nil
			if update.Pending != nil {
				l.Pending, l.PendingState = *update.Pending, update.PendingState
			}
			// The application does not write these, whatever the lease says.
			l.Owner, l.NextOwner, l.Parents, l.Throughput = "w-9", "", []string{"old"}, new(1e9)
			return happened(m.UpdateLease(u.ctx, l))
		}},
	}
}

// lease returns the lease of this key, as it is or as it was when it was last
// read, in which case most of what it says is old.
func (u *untouched) lease(key string) *lease.Lease {
	if l := u.old[key]; l != nil && u.rnd.IntN(4) == 0 {
		return l
	}
	l, err := u.tt.store.Get(u.ctx, key)
	if l == nil || err != nil {
		return &lease.Lease{Key: key, Owner: "a", Counter: 5, Checkpoint: lease.Latest}
	}
	u.old[key] = l
	return new(l.Clone())
}

// set draws a change of a lease.
func (u *untouched) set() lease.Set {
	set := genSet.Example(int(u.rnd.Int32()))
	if set.Switches != nil {
		*set.Switches &= 0xffff // with many more, one more may be no number of 64 bits
	}
	return set
}

// refusedOperations are those that must leave the item of this key alone, as it
// is not what they are for.
func (u *untouched) refusedOperations(key string) []operation {
	s, m := u.tt.store, u.m
	set := u.set()
	at := time.Unix(u.rnd.Int64N(1e9), 0)
	present := pick(u, u.kept)
	ops := []operation{
		{name: "Change of what is no lease", key: key, attrs: attrsOf(set), do: func() bool {
			_, applied, _ := s.Change(u.ctx, key, lease.Cond{}, set)
			return !applied
		}},
		{name: "UpdateLease of what is no lease", key: key, attrs: slices.Concat(attrsOfCheckpoint, []string{"leaseCounter", "lhw"}), do: func() bool {
			return !happened(m.UpdateLease(u.ctx, &lease.Lease{Key: key, Counter: 5, Checkpoint: lease.Latest}))
		}},
		{name: "DeleteLease of what is no lease", key: key, request: "DeleteItem", do: func() bool {
			m.DeleteLease(u.ctx, &lease.Lease{Key: key})
			return true
		}},
		{name: "CreateLeaseIfNotExists of what is there", key: present, request: "PutItem", do: func() bool {
			return !happened(m.CreateLeaseIfNotExists(u.ctx, &lease.Lease{Key: present, Checkpoint: lease.Latest}))
		}},
		{name: "Delete by another counter", key: "shardId-1", request: "DeleteItem", do: func() bool {
			return !happened(s.Delete(u.ctx, "shardId-1", lease.Cond{Counter: new(int64(1 << 60))}))
		}},
		{name: "PutWorker of a lease", key: "shardId-2", attrs: attrsOfWorkers, do: func() bool {
			_, applied, _ := s.PutWorker(u.ctx, lease.Worker{ID: "shardId-2", Reported: at}, nil)
			return !applied
		}},
		{name: "DeleteWorker of another process", key: "w-1", request: "DeleteItem", do: func() bool {
			return !happened(s.DeleteWorker(u.ctx, "w-1", "another"))
		}},
		{name: "CreateClientVersion of another", key: versionItem, request: "PutItem", do: func() bool {
			return !happened(s.CreateClientVersion(u.ctx, lease.Version2X, "w-1", at))
		}},
		{name: "looks", do: func() bool {
			_, err1 := s.Scan(u.ctx)
			_, err2 := s.KeysOf(u.ctx, "a")
			_, err3 := s.GetLock(u.ctx)
			_, err4 := s.GetClientVersion(u.ctx)
			_, err5 := s.CreateTable(u.ctx, 0, 0)
			return errors.Join(err1, err2, err3, err4, err5, s.CreateIndex(u.ctx)) == nil
		}},
	}
	for i := range ops {
		ops[i].refused = true
	}
	return ops
}

var attrsOfWorkers = []string{"entityType", "lut", "sts", "opr", "sup", "slu", "properties"}

// otherOperations are on leases that come and go, on workers and on the lock.
func (u *untouched) otherOperations() []operation {
	s, m := u.tt.store, u.m
	temporary := pick(u, []string{"temporary-0", "temporary-1"})
	worker := pick(u, []string{"w-1", "w-2"})
	nonce := pick(u, []string{"", "n"})
	var over *lease.Worker
	lock, _ := s.GetLock(u.ctx)
	if lock == nil {
		lock = &lease.Lock{Owner: "w-1"}
	}
	if snap, err := s.Scan(u.ctx); err == nil && u.rnd.IntN(2) == 0 {
		for i, w := range snap.Workers {
			if w.ID == worker {
				over = &snap.Workers[i]
			}
		}
	}
	next := lease.Lock{Owner: lock.Owner, Version: u.next(), Duration: time.Second, Deputy: pick(u, []string{"", "w-2"})}
	return []operation{
		{name: "CreateLeaseIfNotExists", key: temporary, request: "PutItem", creates: true, do: func() bool {
			return happened(m.CreateLeaseIfNotExists(u.ctx, &lease.Lease{Key: temporary, Checkpoint: lease.Latest}))
		}},
		{name: "DeleteLease", key: temporary, request: "DeleteItem", deletes: true, do: func() bool {
			return m.DeleteLease(u.ctx, &lease.Lease{Key: temporary}) == nil
		}},
		{name: "PutWorker", key: worker, attrs: attrsOfWorkers, creates: worker != "w-1", do: func() bool {
			_, applied, err := s.PutWorker(u.ctx, lease.Worker{ID: worker, Reported: time.Unix(u.rnd.Int64N(1e9), 0), Nonce: nonce, Version: u.next()}, over)
			return happened(applied, err)
		}},
		{name: "DeleteWorker", key: "w-2", request: "DeleteItem", deletes: true, do: func() bool { return happened(s.DeleteWorker(u.ctx, "w-2", nonce)) }},
		{name: "TakeLock", key: lockItem, request: "PutItem", creates: true, replaces: true, do: func() bool {
			_, applied, err := s.TakeLock(u.ctx, next, lock.Version)
			return happened(applied, err)
		}},
		{name: "RenewLock", key: lockItem, attrs: []string{"leaseDuration", "recordVersionNumber", "deputy"}, do: func() bool {
			_, applied, err := s.RenewLock(u.ctx, next, lock.Version)
			return happened(applied, err)
		}},
		{name: "ReleaseLock", key: lockItem, request: "DeleteItem", deletes: true, do: func() bool { return happened(s.ReleaseLock(u.ctx, lock.Owner, lock.Version)) }},
	}
}
