package coordinator

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/leasehold/leasehold/internal/assign"
	"github.com/leasehold/leasehold/internal/lineage"
	"github.com/leasehold/leasehold/lease"
)

// watcher is what the leader and its deputy know of the whole table.
type watcher struct {
	c  *Core
	on bool

	lookT, dueT *timer
	looking     bool
	// began is when this worker began to watch.
	began Mono
	// looked is when the last look came back, -1 if none did.
	looked Mono
	// units is what the last look cost.
	units float64

	rows  map[string]*row
	peers map[string]*peer
	// gone are unfinished leases as they were before somebody deleted them, until
	// they are there again.
	gone map[string]lease.Lease
	// unreadable are the rows that were reported.
	unreadable map[string]lease.UnreadableError
	// moving are leases with an assignment or a handoff being written, and to
	// whom.
	moving map[string]string
	// refusals are by lease; they count for refusedFor.
	refusals   map[string][]refusal
	refusedFor time.Duration
}

// row is a lease as last seen.
type row struct {
	lease lease.Lease
	// sight is when this counter was first seen, -1 to be seen anew.
	sight Mono
	// known is when the row was read or written.
	known Mono
	// renewed says that the present owner was seen to write.
	renewed bool
	// finished is since when the lease is seen as finished, -1 if it is not.
	finished Mono
	// offer is the last handoff, until it is seen to be over.
	offer offer
}

// peer is another worker as last seen.
type peer struct {
	item lease.Worker
	// present says that its item was in the last look.
	present bool
	// moved is when it last showed that it lives.
	moved Mono
	// still is since when this worker watches it and it shows nothing.
	still Mono
	// deleting says that its item is being deleted.
	deleting bool
	// silent says that a lease of its has expired since.
	silent bool
	// deaf is when a lease that it was given was last left unread, though it
	// lives: it does not see its rows.
	deaf Mono
}

// deafFor is how long such a worker receives nothing: longer than an index may be
// behind.
const deafFor = time.Minute

// lives takes note that the worker has shown that it lives.
func (p *peer) lives(now Mono) { p.moved, p.still, p.silent = now, now, false }

// longAgo is before anything was seen.
const longAgo = -Mono(1 << 60)

func (c *Core) initWatch() {
	c.watch = watcher{
		c:      c,
		lookT:  c.newTimer(c.look),
		dueT:   c.newTimer(c.decide),
		looked: -1,
		rows:   make(map[string]*row),
		peers:  make(map[string]*peer),
		gone:   make(map[string]lease.Lease),
		moving: make(map[string]string),

		refusals:   make(map[string][]refusal),
		refusedFor: refusedFor,
	}
}

// watchIf begins or ends to watch, for a worker that does not lead.
func (c *Core) watchIf(on bool) {
	if c.lock.leading || on == c.watch.on {
		return
	}
	if on {
		c.beginWatch()
	} else {
		c.endWatch()
	}
}

func (c *Core) beginWatch() {
	w := &c.watch
	if w.on {
		return
	}
	// What was seen in an earlier watch says nothing about the time between.
	clear(w.rows)
	clear(w.peers)
	clear(w.gone)
	clear(w.refusals)
	w.on, w.began, w.looked = true, c.now, -1
	if !w.looking {
		c.look()
	}
}

func (c *Core) endWatch() {
	w := &c.watch
	w.on = false
	w.lookT.stop()
	w.dueT.stop()
	// The peers stay: a stop that comes soon asks which of them live.
	clear(w.rows)
}

// restart makes every counter be seen anew: while nobody looked, it may have
// moved without being seen. So may a worker have shown itself.
func (w *watcher) restart() {
	for _, r := range w.rows {
		r.sight = -1
	}
	for _, p := range w.peers {
		p.still = w.c.now
	}
}

// slept forgets what is only true of the time before a suspend.
func (w *watcher) slept() {
	w.restart()
	for _, p := range w.peers {
		p.moved = longAgo
	}
}

func (c *Core) look() {
	w := &c.watch
	if w.looking || !w.on {
		return
	}
	w.looking = true
	c.call(Action{Kind: Look}, func(r Result) {
		w.looking = false
		if !w.on {
			return
		}
		if r.Err != nil || r.Sent <= c.gapped {
			w.lookT.set(max(c.now, r.Sent.Add(lookEvery)))
			return
		}
		c.looked(r.Sent, r.Snapshot)
		w.lookT.set(max(c.now, r.Sent.Add(w.pace())))
	})
}

// pace is the time between looks, start to start.
func (w *watcher) pace() time.Duration {
	d := lookEvery
	if w.c.alone() && !w.othersNamed() {
		d = lookAloneEvery
	}
	if b := w.c.cfg.ReadBudget; b > 0 {
		d = max(d, time.Duration(w.units/b*float64(time.Second)))
	}
	return d
}

// report tells of rows that cannot be read, each once until it changes. Such a
// row may be a lease: its shard stands still, and only a person can help.
func (w *watcher) report(rows []lease.UnreadableError) {
	before := w.unreadable
	w.unreadable = make(map[string]lease.UnreadableError, len(rows))
	for _, u := range rows {
		w.unreadable[u.Key] = u
		if before[u.Key] != u {
			w.c.note(u.Key, 0, Notice{Name: "row.unreadable", Warn: true, Err: &u})
		}
	}
}

// fresh reports whether the last look is young enough to act on.
func (w *watcher) fresh() bool {
	return w.looked > w.c.gapped && w.c.now-w.looked <= 3*Mono(w.pace())
}

// looked takes a look.
func (c *Core) looked(sent Mono, s *lease.Snapshot) {
	w := &c.watch
	first := w.looked < 0
	if !first && sent-w.looked > 3*Mono(w.pace()) {
		// From the end of the last look: one that takes long is not a gap.
		w.restart()
	}
	w.looked, w.units = c.now, s.Units
	if c.sawLock(s.Lock); !w.on {
		// Another is the deputy now.
		return
	}
	w.seePeers(s.Workers, first)
	if w.seeRows(s.Leases, sent) {
		c.lead.auditDue = true
	}
	w.report(s.Unreadable)
	for _, l := range s.Leases {
		if !l.Finished() {
			// Somebody may have set it back.
			delete(c.own.finished, l.Key)
		}
	}
	for _, key := range rowsOf(s.Leases, c.cfg.Worker) {
		c.named(key)
	}
	c.audit()
	c.decide()
	c.tidy()
	c.tidyWorkers()
	c.hurryDeputy()
}

func (w *watcher) seePeers(workers []lease.Worker, first bool) {
	for _, p := range w.peers {
		p.present = false
	}
	for _, item := range workers {
		if item.ID == w.c.cfg.Worker {
			continue
		}
		p := w.peers[item.ID]
		switch {
		case p == nil:
			p = &peer{moved: w.c.now, still: w.c.now, deaf: longAgo}
			if first && !w.c.reportedWithin(item, w.c.cfg.FailoverTime) {
				p.moved = longAgo
			}
			w.peers[item.ID] = p
		case item != p.item:
			p.lives(w.c.now)
			if item.Nonce != p.item.Nonce {
				p.deaf = longAgo
			}
		}
		p.item, p.present = item, true
	}
	for id, p := range w.peers {
		if !p.present {
			delete(w.peers, id)
		}
	}
}

// reportedWithin compares the worker's wall clock with ours; only where nothing
// better is known yet.
func (c *Core) reportedWithin(item lease.Worker, d time.Duration) bool {
	if !item.Ours() {
		d = foreignAlive
	}
	// The item's time is cut to the second.
	return c.cfg.Wall.Add(dur(c.now)).Sub(item.Reported) < d+time.Second
}

// seeRows takes the leases of a look and reports whether there may be leases to
// make: one that was known before is missing, or a shard has ended and its
// children were not known.
func (w *watcher) seeRows(leases []lease.Lease, sent Mono) (gap bool) {
	in := make(map[string]bool, len(leases))
	for _, l := range leases {
		in[l.Key] = true
		r := w.rows[l.Key]
		if r == nil {
			w.rows[l.Key] = w.newRow(l, sent)
			delete(w.gone, l.Key)
			continue
		}
		if r.known > sent {
			// The look began before what is known already.
			continue
		}
		if l.Finished() && !r.lease.Finished() && len(l.Children) == 0 {
			gap = true
		}
		if l.Counter != r.lease.Counter {
			r.renewed = l.Owner == r.lease.Owner
			if p := w.peers[l.Owner]; p != nil && r.renewed {
				p.lives(w.c.now)
			}
			r.sight = w.c.now
		} else if r.sight < 0 {
			r.sight = w.c.now
		}
		w.sawOwners(r, &l)
		r.now(l, sent)
	}
	for key, r := range w.rows {
		if !in[key] && r.known <= sent {
			delete(w.refusals, key)
			if !r.lease.Finished() {
				w.gone[key] = r.lease
			}
			delete(w.rows, key)
			gap = true
		}
	}
	return gap
}

// learn takes a lease that was read or written otherwise than by a look. Who
// does not watch would never forget it.
func (w *watcher) learn(l lease.Lease) {
	if l.Key == "" || !w.on {
		return
	}
	r := w.rows[l.Key]
	if r == nil {
		w.rows[l.Key] = w.newRow(l, w.c.now)
		return
	}
	if l.Counter != r.lease.Counter {
		r.sight = w.c.now
		r.renewed = r.renewed && l.Owner == r.lease.Owner
	}
	w.sawOwners(r, &l)
	r.now(l, w.c.now)
}

func (w *watcher) newRow(l lease.Lease, known Mono) *row {
	r := &row{sight: w.c.now, finished: -1}
	r.now(l, known)
	return r
}

// now takes the lease as it was at a time.
func (r *row) now(l lease.Lease, at Mono) {
	r.lease, r.known = l, at
	switch {
	case !l.Finished():
		r.finished = -1
	case r.finished < 0:
		r.finished = at
	}
}

// alive reports whether the worker showed within the failover time that it
// lives.
func (w *watcher) alive(id string) bool {
	if id == w.c.cfg.Worker {
		return true
	}
	p := w.peers[id]
	if p == nil {
		return false
	}
	limit := w.c.cfg.FailoverTime
	if !p.item.Ours() {
		limit = foreignAlive
	}
	return w.c.now-p.moved < Mono(limit)
}

// foreign reports whether a worker is known to run another library.
func (w *watcher) foreign(id string) bool {
	p := w.peers[id]
	return p != nil && p.present && !p.item.Ours()
}

// alone reports whether this worker leads and the last look showed no other
// living worker.
func (c *Core) alone() bool {
	w := &c.watch
	if !c.lock.leading || w.looked < 0 {
		return false
	}
	for id, p := range w.peers {
		if p.present && w.alive(id) {
			return false
		}
	}
	return true
}

// othersNamed reports whether an unfinished lease is named after another.
func (w *watcher) othersNamed() bool {
	for _, r := range w.rows {
		if namesOther(&r.lease, w.c.cfg.Worker) {
			return true
		}
	}
	return false
}

// namesOther reports whether an unfinished lease names a worker besides me.
func namesOther(l *lease.Lease, me string) bool {
	return !l.Finished() && (l.Owner != "" && l.Owner != me || l.HandingOff())
}

// deputy is the worker that watches beside the leader: the present one while it
// lives, else any other of ours.
func (w *watcher) deputy(present string) string {
	var ids []string
	for id, p := range w.peers {
		if p.present && p.item.Ours() && !p.silent && w.alive(id) {
			ids = append(ids, id)
		}
	}
	switch {
	case slices.Contains(ids, present):
		return present
	case present != "" && w.c.now-w.began < Mono(w.c.cfg.FailoverTime):
		// It was named by a leader before; whether it lives is not known yet.
		return present
	case len(ids) == 0:
		return ""
	}
	return slices.Min(ids)
}

// due is when a lease may be assigned to another, Never if it may not be as
// things stand. The deputy leaves the leader time to do it.
func (w *watcher) due(r *row) Mono {
	c := w.c
	if r.sight < 0 {
		return Never
	}
	at := r.sight
	if r.lease.Owner != "" {
		at = at.Add(c.cfg.FailoverTime)
		if !r.renewed && w.foreign(r.lease.Owner) && w.alive(r.lease.Owner) {
			at = at.Add(foreignNotice)
		}
	}
	if c.lock.leading {
		return at
	}
	if k := c.lock.present; k != nil && r.lease.Owner != "" && k.Owner == r.lease.Owner {
		return at.Add(deputyLeader)
	}
	return at.Add(deputyOthers)
}

// decide assigns what nobody holds, and, if there is nothing of the kind, lets
// the leader balance.
func (c *Core) decide() {
	w := &c.watch
	w.dueT.stop()
	if !w.on || !w.fresh() || c.stop.begun || c.lock.leading && !c.mayDecide() {
		return
	}
	next := Never
	var leases []assign.Lease
	orphans := make(map[string]*row)
	settled := true
	proof := longAgo
	for key, r := range w.rows {
		l := &r.lease
		if l.Finished() {
			continue
		}
		a := assign.Lease{Key: key, Owner: l.Owner, Fixed: l.HandingOff()}
		switch {
		case l.HandingOff():
			a.Owner = l.NextOwner
		case r.offer.to != "" && r.offer.from == l.Owner:
			// As far as is known it still is: the look may be older.
			a.Owner, a.Fixed = r.offer.to, true
		}
		switch to, moving := w.moving[key]; {
		case moving:
			a.Owner, a.Fixed = to, true
		case c.held[key] != nil:
			h := c.held[key]
			a.Owner = cmp.Or(h.image.NextOwner, h.successor, c.cfg.Worker)
			a.Fixed = h.image.HandingOff() || h.successor != "" || h.phase > running
		case l.Owner == "" && (w.blocked(l) || w.untaken(key)):
			// Its turn comes when its parents are done.
			continue
		default:
			switch due := w.due(r); {
			case due <= c.now:
				if p := w.peers[l.Owner]; p != nil {
					p.silent = true
					if w.unheard(r) {
						p.deaf = c.now
					}
				}
				if l.Owner != "" && (w.blocked(l) || w.untaken(key)) {
					// A dead worker's, and nobody may read it yet.
					a.Fixed = true
					break
				}
				a.Owner, a.Fixed = "", false
				orphans[key] = r
				settled = false
				if l.Owner != "" {
					// Its owner may not have died alone: a worker that lives
					// has shown it by now, since the owner last did.
					proof = max(proof, r.sight.Add(c.cfg.renewWithin()+lookEvery*5/4))
				}
			default:
				next = min(next, due)
				settled = settled && l.Owner != ""
			}
		}
		a.Fixed = a.Fixed || a.Owner != "" && w.disputed(key)
		leases = append(leases, a)
	}
	w.dueT.set(next)
	workers := w.receivers(proof)
	for _, m := range assign.Plan(leases, workers) {
		switch {
		case m.From == "":
			switch r := orphans[m.Key]; {
			case r == nil:
			case w.unheard(r):
				// Another may not hear of it either; this worker has seen it.
				c.assign(r, w.taker(m.Key, c.cfg.Worker, workers))
			default:
				c.assign(r, w.taker(m.Key, w.heir(&r.lease, m.To), workers))
			}
		case settled && c.mayBalance() && (c.held[m.Key] != nil || w.wrote(w.rows[m.Key])):
			// An owner that has not written yet may not know of the lease, and
			// would not find it in the index any more.
			c.handOver(w.rows[m.Key], m.To)
		}
	}
}

// wrote reports whether the present owner is known to have written the lease.
// The marks of its writes tell at once; where there are none, the counter does.
func (w *watcher) wrote(r *row) bool {
	if p := w.peers[r.lease.Owner]; p != nil && p.item.Ours() {
		return strings.HasPrefix(r.lease.Mark, p.item.Nonce+"-")
	}
	return r.renewed
}

// unheard reports whether the lease was given to a worker of ours that lives and
// never wrote it.
func (w *watcher) unheard(r *row) bool {
	p := w.peers[r.lease.Owner]
	return p != nil && p.item.Ours() && w.alive(p.item.ID) && !w.wrote(r)
}

// receivers are the living workers with their items in the table. One whose
// lease has expired receives nothing until it is seen to write, and for a time
// if it does not see what it is given.
// Nor does one that has not shown since a time that it lives.
func (w *watcher) receivers(since Mono) []assign.Worker {
	workers := []assign.Worker{{ID: w.c.cfg.Worker, Receives: true}}
	for id, p := range w.peers {
		if p.present && w.alive(id) {
			hears := w.c.now-p.deaf >= Mono(deafFor)
			workers = append(workers, assign.Worker{ID: id, Receives: hears && !p.silent && p.moved >= since})
		}
	}
	return workers
}

// heir is who gets an expired lease: the next owner of a handoff that the owner
// did not live to finish, else the worker whose turn it is.
func (w *watcher) heir(l *lease.Lease, turn string) string {
	if p := w.peers[l.NextOwner]; p != nil && p.present && !p.silent && w.alive(l.NextOwner) {
		return l.NextOwner
	}
	return turn
}

// lookup returns a lease as last seen, nil if there is none.
func (w *watcher) lookup(shard string) *lease.Lease {
	if r := w.rows[shard]; r != nil {
		return &r.lease
	}
	return nil
}

// blocked reports whether a parent of the lease is not finished, as far as the
// looks show. A parent that has no lease is the audit's business: until the
// stream's shards are known it blocks.
func (w *watcher) blocked(l *lease.Lease) bool {
	if len(l.Parents) == 0 {
		return false
	}
	if len(lineage.Unfinished(l, w.lookup, w.c.listed(l.Key, w.c.now))) == 0 {
		return false
	}
	if slices.ContainsFunc(l.Parents, func(p string) bool { return w.lookup(p) == nil }) {
		w.c.lead.auditDue = true
	}
	return true
}

// assign gives an orphan to a worker. If the worker is this one, the write is
// the first own write of its term.
func (c *Core) assign(r *row, to string) {
	l := r.lease
	if to == "" {
		// Nobody can read it.
		return
	}
	if to == l.Owner && !l.HandingOff() {
		return
	}
	cause := "expired"
	if l.Owner == "" {
		cause = "unowned"
	}
	set := lease.Set{
		Bump:      true,
		Owners:    &lease.Owners{Owner: to},
		AddSwitch: l.Owner != "",
	}
	if to == c.cfg.Worker {
		c.claim(l, set, cause, l.Owner)
		return
	}
	set.Mark = c.mark()
	c.move(l, lease.Cond{Counter: new(l.Counter), Owners: new(l.Owners())}, set, to, cause)
}

// move writes a decision about another worker's lease. If its outcome stays
// unknown, the next look tells.
func (c *Core) move(l lease.Lease, cond lease.Cond, set lease.Set, to, cause string) {
	w := &c.watch
	w.moving[l.Key] = to
	c.call(Action{Kind: Change, Key: l.Key, Cond: cond, Set: set}, func(r Result) {
		delete(w.moving, l.Key)
		if r.Err != nil {
			return
		}
		if r.Applied {
			c.note(l.Key, 0, Notice{Name: "assign.moved", Cause: cause, Other: to})
		}
		if h := c.held[l.Key]; h == nil {
			w.learn(r.Image)
		}
	})
}
