package coordinator

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// put stores the item of a worker that nothing else is seen of.
func (w *world) put(id, nonce string) {
	w.t.Helper()
	item := lease.Worker{ID: id, Nonce: nonce, Reported: epoch.Add(time.Duration(w.now)).Truncate(time.Second)}
	if _, ok, err := w.store.PutWorker(context.Background(), item, nil); !ok || err != nil {
		w.t.Fatalf("item of %s: %v, %v", id, ok, err)
	}
}

// Whoever is alone watches too. A dead worker's item stays for a day, and no longer.
func TestDeadWorkerGoesAfterADay(t *testing.T) {
	w := newWorld(t, 12, 1)
	w.every = Mono(100 * time.Hour)
	w.put("dead", "nonce")
	w.worker("a")
	w.run(24*time.Hour - time.Minute)
	if w.item("dead") == nil {
		t.Error("the item of a dead worker is gone within a day")
	}
	w.run(2 * time.Minute)
	if w.item("dead") != nil {
		t.Error("the item of a dead worker is there after a day")
	}
}

// Workers die, and their default names come no more: in time their items are gone
// from the table, and those of everybody else are not.
func TestDeadWorkersGo(t *testing.T) {
	w := newWorld(t, 13, 2)
	w.every = Mono(100 * time.Hour)
	w.deadAfter = time.Hour
	a := w.worker("a")
	w.run(2 * time.Second)
	b := w.worker("b")
	for i := range 20 {
		w.put(fmt.Sprint("dead", i), fmt.Sprint("nonce", i))
	}
	w.put("java", "") // Java KCL's own leader sees to its workers
	w.run(10 * time.Second)
	died := w.worker("c")
	w.run(20 * time.Second)
	died.kill()
	w.run(w.deadAfter - time.Minute)
	for _, id := range []string{"dead0", "dead19", "c", "a", "b", "java"} {
		if w.item(id) == nil {
			t.Errorf("%s has no item any more, before its time", id)
		}
	}
	// One of a dead worker's name comes back just before its time is over.
	w.worker("dead7")
	w.run(10 * time.Minute)
	for i := range 20 {
		if id := fmt.Sprint("dead", i); (w.item(id) != nil) != (i == 7) {
			t.Errorf("%s has item %v, want one for dead7 only", id, w.item(id))
		}
	}
	for id, want := range map[string]bool{"c": false, "a": true, "b": true, "java": true} {
		if got := w.item(id) != nil; got != want {
			t.Errorf("the item of %s is there: %v, want %v", id, got, want)
		}
	}
	if n := a.noted("worker.deleted", "dead") + b.noted("worker.deleted", "dead"); n != 20 {
		t.Errorf("%d items were reported as deleted, want 20", n)
	}
}

// The table is out for a day, and the deputy is the first to reach it again: nobody
// is dead because nobody was seen.
func TestDeadOnlyAsWatched(t *testing.T) {
	w := newWorld(t, 14, 3)
	w.every = Mono(100 * time.Hour)
	w.deadAfter = time.Hour
	for _, name := range []string{"a", "b", "c"} {
		w.worker(name)
		w.run(10 * time.Second)
	}
	leader, deputy, plain := w.byRole(2), w.byRole(1), w.byRole(0)
	out := map[string]bool{leader.name: true, deputy.name: true, plain.name: true}
	w.fault = func(by *actor, act *Action) fault {
		if act.Kind == DeleteWorker {
			t.Errorf("%v: %s deletes the item of %s", time.Duration(w.now), by.name, act.Worker.ID)
		}
		return fault{refuse: out[by.name]}
	}
	w.run(time.Minute)
	leader.kill()
	w.run(2 * time.Hour)
	out[deputy.name] = false
	w.run(time.Minute)
	if !deputy.core.lock.leading {
		t.Error("the deputy does not lead")
	}
	out[plain.name] = false
	w.run(2 * time.Minute)
	if w.item(plain.name) == nil {
		t.Errorf("%s, which lives, has no item", plain.name)
	}
}

// The item of a worker that slept for so long is gone when it wakes: it writes it
// again, and has its share.
func TestSleeperWithoutItsItem(t *testing.T) {
	w := newWorld(t, 15, 4)
	w.deadAfter = time.Minute
	w.worker("a")
	w.run(10 * time.Second)
	b := w.worker("b")
	w.run(30 * time.Second)
	b.pause()
	w.run(3 * time.Minute)
	if w.item("b") != nil {
		t.Fatal("the item of a worker that is silent for three minutes is there, want it deleted")
	}
	b.resume()
	w.run(45 * time.Second)
	if w.item("b") == nil || b.reading() != 2 {
		t.Errorf("b has item %v and reads %d shards, want its item and 2", w.item("b"), b.reading())
	}
	if !w.allDelivered(2 * time.Second) {
		t.Errorf("records stand still: %v", w.owners())
	}
}
