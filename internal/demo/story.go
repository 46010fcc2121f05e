package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// A story is a telling under way.
type story struct {
	*Demo
	ctx context.Context
	// children are the shards that the split made.
	children [2]string
	// sleeper is the worker that slept.
	sleeper *worker
}

// until waits for a time of the script.
func (s *story) until(t time.Time) error { return s.board.sleep(s.ctx, t) }

// await waits for what a step does.
func (s *story) await(what string, ok func() bool) error {
	return s.board.await(s.ctx, s.cfg.stepTime(), what, ok)
}

// holdings returns how many open shards each working worker holds, and whether
// all are held evenly and read by who holds them. The board is locked.
func (s *story) holdings(open []string) (counts []int, settled bool) {
	n := map[string]int{}
	settled = true
	for _, shard := range open {
		h, held := s.board.holders[shard]
		r := s.board.readers[shard]
		settled = settled && held && r.term == h
		if held {
			n[h.worker]++
		}
	}
	for _, w := range s.fleet.working() {
		counts = append(counts, n[w.name])
	}
	slices.SortFunc(counts, func(a, b int) int { return b - a })
	return counts, settled && counts[0]-counts[len(counts)-1] <= 1
}

// join has one more worker come.
func (s *story) join(name string) error {
	open := s.services.openShards()
	before := 0
	s.board.read(func() { before = s.board.check.repeated })
	began := time.Now()
	if _, err := s.fleet.start(name); err != nil {
		return err
	}
	s.result.Workers++
	var counts []int
	err := s.await("worker "+name+" joins and has its share", func() (ok bool) {
		counts, ok = s.holdings(open)
		return ok && s.board.started[name]
	})
	if err != nil {
		return err
	}
	took, twice := time.Since(began), 0
	s.board.read(func() { twice = s.board.check.repeated - before })
	if len(counts) == 1 {
		s.say("%s holds %d of %d shards after %s", name, counts[0], len(open), seconds(took))
		return nil
	}
	held := make([]string, len(counts))
	for i, n := range counts {
		held[i] = fmt.Sprint(n)
	}
	why := ""
	switch {
	case len(open) < len(counts):
		why = "; more workers than shards, so that some have none"
	case twice == 0:
		why = ": each shard was handed over after a last checkpoint"
	}
	s.say("%s joins: %s after %s, %d records twice%s", name, and(held), seconds(took), twice, why)
	return nil
}

// cast chooses a worker to whom something happens: the one of this name if it
// can hold something, else any that does. It waits until the worker reads what it
// holds. Never is not chosen.
func (s *story) cast(name string) (w *worker, terms []termID, err error) {
	open := s.services.openShards()
	err = s.await("worker "+name+" holds and reads a shard", func() bool {
		working := s.fleet.working()
		spare := len(open) < len(working)
		for _, c := range working {
			if c.name != name && !spare {
				continue
			}
			held := s.board.heldBy(c.name)
			reads := len(held) > 0 && !slices.ContainsFunc(held, func(id termID) bool {
				return s.board.readers[id.shard].token != id.token
			})
			if reads {
				w, terms = c, held
				return true
			}
		}
		return false
	})
	return w, terms, err
}

// kill ends a worker without a warning.
func (s *story) kill() error {
	w, terms, err := s.cast(workerName(1))
	if err != nil {
		return err
	}
	died := time.Now()
	if err := s.fleet.kill(w); err != nil {
		return fmt.Errorf("kill worker %s: %w", w.name, err)
	}
	<-w.ended
	s.result.Kills++
	if err := s.excuse(terms, crashExcuse); err != nil {
		return err
	}
	if err := s.await("the shards of dead worker "+w.name+" are read elsewhere", func() bool { return s.board.readOn(terms) }); err != nil {
		return err
	}
	var by []string
	var twice int
	s.board.read(func() {
		var at time.Time
		at, by = s.board.takenOver(terms)
		s.result.Takeover = at.Sub(died)
		twice = s.board.check.repeatsOf(terms)
	})
	s.say("%s is dead. Its %s taken by %s after %s; %d records came twice: those after %s's last %s",
		w.name, plural(len(terms), "lease is", "leases are"), and(by), seconds(s.result.Takeover), twice, w.name, plural(len(terms), "checkpoint", "checkpoints"))
	return nil
}

// excuse notes why records of these terms may come again.
func (s *story) excuse(terms []termID, why string) error {
	stored, err := s.services.checkpoints(s.ctx, terms)
	if err != nil {
		return err
	}
	s.board.read(func() {
		for _, id := range terms {
			s.board.check.excuse(id.shard, id.token, why, stored[id])
		}
	})
	return nil
}

// split splits a shard.
func (s *story) split() error {
	open := s.services.openShards()
	parent := open[min(1, len(open)-1)]
	began := time.Now()
	left, right := s.services.fakes.Kinesis.Split(Stream, parent)
	s.children = [2]string{left, right}
	if err := s.reshard("split", []string{parent}, s.children[:]); err != nil {
		return err
	}
	s.result.Splits++
	s.say("shard %s → %s and %s, both read after %s: children start only when %s is finished%s",
		short(parent), short(left), short(right), seconds(time.Since(began)), short(parent), s.order())
	return nil
}

// merge merges the two shards again.
func (s *story) merge() error {
	began := time.Now()
	child := s.services.fakes.Kinesis.Merge(Stream, s.children[0], s.children[1])
	if err := s.reshard("merge", s.children[:], []string{child}); err != nil {
		return err
	}
	s.result.Merges++
	s.say("shards %s and %s → %s, read after %s: it starts only when both are finished%s",
		short(s.children[0]), short(s.children[1]), short(child), seconds(time.Since(began)), s.order())
	return nil
}

// reshard waits until the parents are finished and all children are read.
func (s *story) reshard(what string, parents, children []string) error {
	return s.await("after the "+what+" the children are read", func() bool {
		for _, p := range parents {
			if !s.board.ended[p] {
				return false
			}
		}
		for _, c := range children {
			if s.board.readers[c].worker == "" {
				return false
			}
		}
		return true
	})
}

// order says whether order was kept so far.
func (s *story) order() (text string) {
	s.board.read(func() {
		if n := s.board.check.disordered; n > 0 {
			text = fmt.Sprintf("; yet %d records came out of order", n)
			return
		}
		text = ": order kept for every key"
	})
	return text
}

// pause has a worker sleep past its leases, and wake.
func (s *story) pause() error {
	w, terms, err := s.cast(workerName(2))
	if err != nil {
		return err
	}
	began := time.Now()
	if err := pause(w.cmd.Process); err != nil {
		return fmt.Errorf("pause worker %s: %w", w.name, err)
	}
	s.sleeper = w
	s.result.Pauses++
	if err := s.excuse(terms, pauseExcuse); err != nil {
		return err
	}
	if err := s.await("the shards of sleeping worker "+w.name+" are read elsewhere", func() bool { return s.board.readOn(terms) }); err != nil {
		return err
	}
	if err := s.until(began.Add(pauseTime(s.cfg.Failover))); err != nil {
		return err
	}
	before, err := s.services.checkpoints(s.ctx, terms)
	if err != nil {
		return err
	}
	refusals := map[termID]int{}
	refused := func(id termID) int { return s.board.refused[[2]string{w.name, id.shard}] }
	s.board.read(func() {
		for _, id := range terms {
			refusals[id] = refused(id)
		}
	})
	if err := resume(w.cmd.Process); err != nil {
		return fmt.Errorf("wake worker %s: %w", w.name, err)
	}
	err = s.await("the table refuses what "+w.name+" writes after its sleep", func() bool {
		return !slices.ContainsFunc(terms, func(id termID) bool { return refused(id) == refusals[id] || !s.board.lost[id] })
	})
	if err != nil {
		return err
	}
	after, err := s.services.checkpoints(s.ctx, terms)
	if err != nil {
		return err
	}
	s.tellPause(w, terms, began, before, after)
	return nil
}

// tellPause says what became of a pause.
func (s *story) tellPause(w *worker, terms []termID, began time.Time, before, after map[termID]lease.Position) {
	back := 0
	for _, id := range terms {
		if after[id].Compare(before[id]) < 0 {
			back++
		}
	}
	outcome := "Nothing went back"
	if back > 0 {
		outcome = fmt.Sprintf("Yet %d checkpoints went back", back)
	}
	var by []string
	var took time.Duration
	var now int64
	s.board.read(func() {
		var at time.Time
		at, by = s.board.takenOver(terms)
		took = at.Sub(began)
		now = s.board.readers[terms[0].shard].token
	})
	s.say("%s slept past its %s, taken by %s after %s. It wakes and tries to write: refused by the table (its token %d, now %d). %s",
		w.name, plural(len(terms), "lease", "leases"), and(by), seconds(took), terms[0].token, now, outcome)
}

// stop has the worker that slept, or another where it could not, stop cleanly.
func (s *story) stop() error {
	name := workerName(2)
	if s.sleeper != nil {
		name = s.sleeper.name
	}
	w, terms, err := s.cast(name)
	if err != nil {
		return err
	}
	asked := time.Now()
	if err := s.fleet.stop(w); err != nil {
		return fmt.Errorf("stop worker %s: %w", w.name, err)
	}
	if err := s.await("the shards of stopped worker "+w.name+" are read elsewhere", func() bool { return s.board.readOn(terms) }); err != nil {
		return err
	}
	if err := s.gone(w); err != nil {
		return err
	}
	s.result.Stops++
	var took time.Duration
	var twice int
	s.board.read(func() {
		at, _ := s.board.takenOver(terms)
		took, twice = at.Sub(asked), s.board.check.repeatsOf(terms)
	})
	s.say("%s is asked to stop: its %s elsewhere after %s, %d records twice", w.name, plural(len(terms), "shard runs", "shards run"), seconds(took), twice)
	return nil
}

// gone waits for the end of a worker that was asked to stop.
func (s *story) gone(w *worker) error {
	over := time.NewTimer(s.cfg.stepTime())
	defer over.Stop()
	select {
	case <-w.ended:
	case <-s.ctx.Done():
		return s.ctx.Err()
	case <-over.C:
		return &LateError{"worker " + w.name + " stops", s.cfg.stepTime(), s.board.String()}
	}
	if w.err != nil {
		return fmt.Errorf("worker %s did not stop cleanly: %w", w.name, w.err)
	}
	return nil
}

// sum waits for what is under way, stops who is left, and sums up.
func (s *story) sum(keep bool) error {
	s.halt()
	// What is not there after this time is lost, which is a result.
	err := s.board.await(s.ctx, s.cfg.settleTime(), "all records are delivered", func() bool { return s.board.check.missing() == 0 })
	if _, late := errors.AsType[*LateError](err); err != nil && !late {
		return err
	}
	if !keep {
		var left []*worker
		s.board.read(func() { left = s.fleet.working() })
		for _, w := range left {
			if err := s.fleet.stop(w); err != nil {
				return fmt.Errorf("stop worker %s: %w", w.name, err)
			}
		}
		for _, w := range left {
			if err := s.gone(w); err != nil {
				return err
			}
		}
	}
	s.count()
	s.say("%s", s.result.String())
	return nil
}
