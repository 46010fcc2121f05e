package leasetest

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// defective is a target whose store has a defect.
type defective struct {
	memory
	s lease.Store
}

func (d defective) Store() lease.Store { return d.s }

// newDefective returns what a rule works on when d is planted.
func newDefective(d defect) *env {
	mem := newMemory()
	b := &badStore{Store: mem.Store()}
	if d.store != nil {
		d.store(b)
	}
	e := newEnv(defective{mem, b})
	if d.manager != nil {
		m := &badManager{operations: e.m, s: e.s, spy: e.spy}
		d.manager(m)
		e.m = m
	}
	return e
}

// breaks runs one rule against one defect, in virtual time, since answers that
// may be old are asked for again and again.
func breaks(t *testing.T, r rule, d defect) (broken bool) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		broken = r.run(ctx, newDefective(d)) != nil
	})
	return broken
}

// TestPlantedDefects shows that the rules can fail: each defect breaks the
// rules that are named with it, and each rule is broken by a defect.
func TestPlantedDefects(t *testing.T) {
	all := rules()
	seen := map[string]bool{}
	defects := slices.Concat(storeDefects(), fleetDefects(), managerDefects(), unknownDefects(), stateDefects(),
		contextDefects(), errorDefects(), replyDefects(), rowDefects(), valueDefects())
	names := map[string]bool{}
	for _, d := range defects {
		t.Run(d.name, func(t *testing.T) {
			var broken []string
			for _, r := range all {
				// A rule on a large table takes as long as all others. In a short run
				// those count that must break.
				must := slices.Contains(d.rules, r.name)
				if !must && (r.large() || testing.Short() && len(d.rules) > 0) {
					continue
				}
				if breaks(t, r, d) {
					broken = append(broken, r.name)
					seen[r.name] = true
				}
			}
			if len(broken) == 0 {
				t.Errorf("no rule is broken")
			}
			for _, want := range d.rules {
				names[want] = true
				if !slices.Contains(broken, want) {
					t.Errorf("rule %q holds; broken are %q", want, broken)
				}
			}
		})
	}
	for _, r := range all {
		if !seen[r.name] && !testing.Short() {
			t.Errorf("rule %q is broken by no defect", r.name)
		}
		delete(names, r.name)
	}
	for name := range names {
		t.Errorf("no rule is called %q", name)
	}
	t.Logf("%d planted defects are found; %d of %d rules were seen to fail", len(defects), len(seen), len(all))
}

// TestNoDefect shows that the machinery of TestPlantedDefects breaks nothing
// itself.
func TestNoDefect(t *testing.T) {
	for _, r := range rules() {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := r.run(ctx, newDefective(defect{})); err != nil {
				t.Errorf("%s: %v", r.name, err)
			}
		})
	}
}
