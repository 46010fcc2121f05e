package coordinator

import (
	"slices"
	"testing"
	"time"
)

func TestColdStart(t *testing.T) {
	w := newWorld(t, 1, 8)
	w.latency = 20 * time.Millisecond
	w.every = Mono(10 * time.Millisecond)
	w.worker("a")
	w.run(400 * time.Millisecond)
	for id := range w.shards {
		if w.firstAfter(id, 0, "") == Never {
			t.Errorf("%s has delivered nothing after 0.4 s", id)
		}
	}
}

func TestJoin(t *testing.T) {
	for seed := range uint64(20) {
		w := newWorld(t, seed, 8)
		w.worker("a")
		w.run(time.Duration(20+w.rnd.IntN(10_000)) * time.Millisecond)
		w.run(20 * time.Second)
		b := w.worker("b")
		w.until(10*time.Second, "b reading its half", func() bool { return b.reading() == 4 })
		w.run(30 * time.Second)
		if got := w.holds(); got["a"] != 4 || got["b"] != 4 {
			t.Errorf("seed %d: leases %v, want 4 and 4", seed, got)
		}
		if w.repeats != 0 {
			t.Errorf("seed %d: %d records delivered twice", seed, w.repeats)
		}
		if !w.allDelivered(time.Second) {
			t.Errorf("seed %d: records were not delivered", seed)
		}
	}
}

// TestCrashTakeover kills a worker at a random moment, in turn a plain worker,
// the deputy and the leader.
func TestCrashTakeover(t *testing.T) {
	runs := 1000
	if testing.Short() {
		runs = 60
	}
	const bound = 12500 * time.Millisecond
	var worst [3]time.Duration
	for seed := range uint64(runs) {
		w := newWorld(t, seed, 6)
		w.every = Mono(20 * time.Millisecond)
		for _, n := range []string{"a", "b", "c"} {
			w.worker(n)
			w.run(time.Duration(1+w.rnd.IntN(3000)) * time.Millisecond)
		}
		w.until(60*time.Second, "balanced", func() bool { h := w.holds(); return h["a"] == 2 && h["b"] == 2 && h["c"] == 2 })
		w.run(time.Duration(20_000+w.rnd.IntN(15_000)) * time.Millisecond)
		role := int(seed % 3)
		victim := w.byRole(role)
		if victim == nil {
			t.Fatalf("seed %d: nobody is of role %d", seed, role)
		}
		var lost []string
		for key, o := range w.owners() {
			if o == victim.name {
				lost = append(lost, key)
			}
		}
		died := w.now
		victim.kill()
		w.run(bound + time.Second)
		for _, key := range lost {
			took := time.Duration(w.firstAfter(key, died, victim.name) - died)
			worst[role] = max(worst[role], took)
			if took > bound {
				t.Errorf("seed %d: %s, of %s (role %d), stood still for %v, want at most %v", seed, key, victim.name, role, took, bound)
			}
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("worst takeover of a worker %v, of the deputy %v, of the leader %v", worst[0], worst[1], worst[2])
}

// TestTwoDeaths kills the leader together with a third worker, and together with
// the deputy.
func TestTwoDeaths(t *testing.T) {
	for _, tt := range []struct {
		name  string
		other int // the role of the other victim
		bound time.Duration
	}{
		{"leader and a third", 0, 14500 * time.Millisecond},
		{"leader and deputy", 1, 45 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var worst time.Duration
			for seed := range uint64(100) {
				w := newWorld(t, seed, 8)
				w.every = Mono(20 * time.Millisecond)
				for i := range 4 {
					w.worker(string(rune('a' + i)))
					w.run(time.Duration(1+w.rnd.IntN(3000)) * time.Millisecond)
				}
				w.run(time.Duration(40_000+w.rnd.IntN(15_000)) * time.Millisecond)
				victims := []*actor{w.byRole(2), w.byRole(tt.other)}
				owners := w.owners()
				died := w.now
				for _, a := range victims {
					a.kill()
				}
				w.run(tt.bound + time.Second)
				for key, o := range owners {
					for _, a := range victims {
						if o == a.name {
							worst = max(worst, w.since(key, died, victims))
						}
					}
				}
				if worst > tt.bound {
					t.Fatalf("seed %d: a shard stood still for %v, want at most %v", seed, worst, tt.bound)
				}
			}
			t.Logf("worst takeover %v", worst)
		})
	}
}

// since is how long after a time a shard was first delivered by somebody who is
// none of the victims.
func (w *world) since(shard string, t Mono, victims []*actor) time.Duration {
	for _, d := range w.deliveries {
		if d.shard == shard && d.at >= t && !slices.ContainsFunc(victims, func(a *actor) bool { return a.name == d.worker }) {
			return time.Duration(d.at - t)
		}
	}
	return time.Duration(Never)
}

// byRole finds a worker that neither leads nor is deputy (0), the deputy (1) or
// the leader (2).
func (w *world) byRole(role int) *actor {
	i := slices.IndexFunc(w.actors, func(a *actor) bool {
		leads, watches := a.core.lock.leading, a.core.watch.on
		switch role {
		case 0:
			return !leads && !watches
		case 1:
			return !leads && watches
		}
		return leads
	})
	if i < 0 {
		return nil
	}
	return w.actors[i]
}

func TestCleanStop(t *testing.T) {
	runs := 1000
	if testing.Short() {
		runs = 60
	}
	var gaps []time.Duration
	for seed := range uint64(runs) {
		w := newWorld(t, seed, 6)
		w.every = Mono(20 * time.Millisecond)
		for _, n := range []string{"a", "b", "c"} {
			w.worker(n)
			w.run(time.Duration(1+w.rnd.IntN(3000)) * time.Millisecond)
		}
		w.until(60*time.Second, "balanced", func() bool { h := w.holds(); return h["a"] == 2 && h["b"] == 2 && h["c"] == 2 })
		w.run(time.Duration(20_000+w.rnd.IntN(15_000)) * time.Millisecond)
		victim := w.byRole(int(seed % 3))
		w.repeats = 0
		var mine []string
		for key, o := range w.owners() {
			if o == victim.name {
				mine = append(mine, key)
			}
		}
		victim.stop()
		w.until(10*time.Second, "stopped", func() bool { return victim.stopped })
		w.run(5 * time.Second)
		for _, key := range mine {
			var last Mono
			for _, d := range w.deliveries {
				if d.shard == key && d.worker == victim.name {
					last = d.at
				}
			}
			gaps = append(gaps, time.Duration(w.firstAfter(key, last, victim.name)-last))
		}
		if w.repeats != 0 {
			t.Errorf("seed %d: %d records delivered twice", seed, w.repeats)
		}
		if h := w.holds(); h[victim.name] != 0 {
			t.Errorf("seed %d: %s still holds leases: %v", seed, victim.name, w.owners())
		}
	}
	slices.Sort(gaps)
	p99 := gaps[len(gaps)*99/100]
	t.Logf("gap at a clean stop: p50 %v, p99 %v, max %v", gaps[len(gaps)/2], p99, gaps[len(gaps)-1])
	if p99 > time.Second {
		t.Errorf("p99 of the gap is %v, want at most 1s", p99)
	}
}

// TestCost counts what the steady state costs.
func TestCost(t *testing.T) {
	for _, workers := range []int{1, 4, 16} {
		w := newWorld(t, 7, 32)
		for i := range workers {
			w.worker(string(rune('a' + i)))
			w.run(100 * time.Millisecond)
		}
		w.run(2 * time.Minute)
		clear(w.writes)
		w.looks, w.owns, w.readUnits = 0, 0, 0
		const minutes = 10
		w.run(minutes * time.Minute)
		for key, n := range w.writes {
			if perMinute := float64(n) / minutes; perMinute > 12 {
				t.Errorf("%d workers: %s was written %.2f times a minute, want at most 12", workers, key, perMinute)
			}
		}
		if perSecond := float64(w.looks) / (minutes * 60); perSecond > 2.001 {
			t.Errorf("%d workers: %.3f looks a second, want at most 2", workers, perSecond)
		}
		if units := w.readUnits / minutes / float64(workers); units > 36.01 {
			t.Errorf("%d workers: %.2f read units per worker and minute, want at most 36", workers, units)
		}
		t.Logf("%d workers: %.2f looks a second, %.2f read units per worker and minute", workers, float64(w.looks)/(minutes*60), w.readUnits/minutes/float64(workers))
	}
}
