package leasetest

import (
	"context"
	"fmt"
	"strings"

	"github.com/leasehold/leasehold/lease"
)

// A change is a value of lease.Set and what it means.
type change struct {
	name string
	set  lease.Set
}

func changes() []change {
	return []change{
		{"renew", lease.Set{Mark: "m-2", Bump: true}},
		{"renew with throughput", lease.Set{Mark: "m-2", Bump: true, Throughput: new(0.25)}},
		{"counter without mark", lease.Set{Bump: true}},
		{"take", lease.Set{Mark: "m-2", Bump: true, Owners: &lease.Owners{Owner: "b"}, AddSwitch: true}},
		{"begin handoff", lease.Set{Owners: &lease.Owners{Owner: "a", Next: "b"}}},
		{"finish handoff with last checkpoint", lease.Set{
			Mark: "m-2", Bump: true, Owners: &lease.Owners{Owner: "b"}, AddSwitch: true, Checkpoint: new(lease.At(seq(8), 0)),
		}},
		{"release", lease.Set{Mark: "m-2", Bump: true, Owners: &lease.Owners{}}},
		{"checkpoint", lease.Set{Mark: "m-2", Bump: true, Checkpoint: new(lease.At(seq(8), 2))}},
		{"end of shard", lease.Set{Mark: "m-2", Bump: true, Checkpoint: new(lease.ShardEnd), Children: []string{"c1", "c2"}}},
		{"rewind", lease.Set{Mark: "m-2", Bump: true, Checkpoint: new(lease.TrimHorizon)}},
		{"checkpoint and switches", lease.Set{Mark: "m-2", Bump: true, Checkpoint: new(lease.Latest), Switches: new(int64(5))}},
		{"pending", lease.Set{Mark: "m-2", Bump: true, Pending: new(lease.At(seq(10), 1)), PendingState: []byte("state")}},
		{"pending without state", lease.Set{Mark: "m-2", Bump: true, Pending: new(lease.ShardEnd)}},
		{"checkpoint and pending", lease.Set{
			Mark: "m-2", Bump: true, Checkpoint: new(lease.At(seq(8), 0)), Pending: new(lease.At(seq(10), 0)), PendingState: []byte{0},
		}},
		{"switches", lease.Set{Mark: "m-2", Bump: true, Switches: new(int64(0))}},
		{"children", lease.Set{Children: []string{"c1", "c2"}}},
		{"hash range", lease.Set{HashRange: &lease.HashRange{Start: "1", End: "2"}}},
		{"throughput", lease.Set{Throughput: new(0.0)}},
	}
}

func changeRules() []rule {
	rules := []rule{}
	for _, c := range changes() {
		rules = append(rules, rule{"Store/Change/" + c.name, func(ctx context.Context, e *env) error {
			// What is named is changed, and nothing else, whatever was there.
			bare, handoff, many := fresh("bare"), full("handoff"), full("many")
			bare.Owner = "a"
			handoff.NextOwner = "b"
			many.Children = []string{"c0"}
			many.Counter = 1 << 53 // one more is no floating-point number
			for _, l := range []lease.Lease{full("full"), bare, handoff, many} {
				if err := create(ctx, e.s, l); err != nil {
					return err
				}
				want := l.Clone()
				c.set.Apply(&want)
				image, applied, err := e.s.Change(ctx, l.Key, lease.Cond{Counter: &l.Counter, Owners: new(l.Owners())}, c.set)
				if err := first(
					outcome("Change whose condition holds", applied, err, true),
					same("image", image, want),
					stored(ctx, e.s, "Change", want)); err != nil {
					return err
				}
			}
			return nil
		}})
	}
	return append(rules, []rule{
		{"Store/Change/condition holds", func(ctx context.Context, e *env) error {
			free, handoff := fresh("free"), full("handoff")
			handoff.NextOwner = "b"
			for _, l := range []lease.Lease{full("full"), free, handoff} {
				if err := create(ctx, e.s, l); err != nil {
					return err
				}
				for i := range 4 {
					var cond lease.Cond
					if i&1 != 0 {
						cond.Counter = new(l.Counter)
					}
					if i&2 != 0 {
						cond.Owners = new(l.Owners())
					}
					_, applied, err := e.s.Change(ctx, l.Key, cond, lease.Set{Bump: true, Mark: "m"})
					l.Counter++
					l.Mark = "m"
					if err := first(
						outcome(fmt.Sprintf("Change, condition %d of lease %q", i, l.Key), applied, err, true),
						stored(ctx, e.s, "Change", l)); err != nil {
						return err
					}
				}
			}
			return nil
		}},
		{"Store/Change/refused by counter", func(ctx context.Context, e *env) error {
			return refused(ctx, e, full("k"),
				lease.Cond{Counter: new(int64(40))},
				lease.Cond{Counter: new(int64(42))},
				lease.Cond{Counter: new(int64(0))},
				lease.Cond{Counter: new(int64(40)), Owners: &lease.Owners{Owner: "a"}})
		}},
		{"Store/Change/refused by owner", func(ctx context.Context, e *env) error {
			return refused(ctx, e, full("k"),
				lease.Cond{Owners: &lease.Owners{}},
				lease.Cond{Owners: &lease.Owners{Owner: "b"}},
				lease.Cond{Counter: new(int64(41)), Owners: &lease.Owners{Owner: "b"}})
		}},
		{"Store/Change/refused by next owner", func(ctx context.Context, e *env) error {
			if err := refused(ctx, e, full("k1"), lease.Cond{Owners: &lease.Owners{Owner: "a", Next: "b"}}); err != nil {
				return err
			}
			handoff := full("k2")
			handoff.NextOwner = "b"
			return refused(ctx, e, handoff,
				lease.Cond{Owners: &lease.Owners{Owner: "a"}},
				lease.Cond{Owners: &lease.Owners{Owner: "b"}},
				lease.Cond{Owners: &lease.Owners{Owner: "a", Next: "c"}},
				lease.Cond{Owners: &lease.Owners{Owner: "b", Next: "a"}},
				lease.Cond{Owners: &lease.Owners{}})
		}},
		{"Store/Change/refused when unowned", func(ctx context.Context, e *env) error {
			return refused(ctx, e, fresh("k"),
				lease.Cond{Owners: &lease.Owners{Owner: "a"}},
				lease.Cond{Owners: &lease.Owners{Owner: "a", Next: "b"}})
		}},
		{"Store/Change/no lease", func(ctx context.Context, e *env) error {
			for i, cond := range []lease.Cond{{}, {Counter: new(int64(0))}, {Owners: &lease.Owners{}}} {
				image, applied, err := e.s.Change(ctx, "k", cond, lease.Set{Bump: true, Mark: "m", Owners: &lease.Owners{Owner: "a"}})
				if err := first(
					outcome(fmt.Sprintf("Change of no lease, condition %d", i), applied, err, false),
					same("image", image, lease.Lease{}),
					absent(ctx, e.s, "after Change of no lease", "k")); err != nil {
					return err
				}
			}
			return eventually(ctx, func() error {
				look, err := e.s.Scan(ctx)
				if err != nil || len(look.Leases)+len(look.Unreadable) != 0 {
					return fmt.Errorf("Scan after Change of no lease: got %+v, %v, want nothing", look, err)
				}
				return nil
			})
		}},
		{"Store/Change/key of a worker", func(ctx context.Context, e *env) error {
			if err := putWorker(ctx, e.s, worker("w")); err != nil {
				return err
			}
			image, applied, err := e.s.Change(ctx, "w", lease.Cond{}, lease.Set{Bump: true, Mark: "m", Owners: &lease.Owners{Owner: "a"}})
			return first(
				outcome("Change with the key of a worker", applied, err, false),
				same("image", image, lease.Lease{}),
				absent(ctx, e.s, "after it", "w"),
				eventually(ctx, func() error { return workers(ctx, e.s, worker("w")) }))
		}},
		{"Store/Change/every kind of checkpoint", func(ctx context.Context, e *env) error {
			l := full("k")
			if err := create(ctx, e.s, l); err != nil {
				return err
			}
			for _, p := range positions() {
				set := lease.Set{Bump: true, Mark: "m", Checkpoint: &p, Pending: &p}
				_, applied, err := e.s.Change(ctx, "k", lease.Cond{Counter: new(l.Counter)}, set)
				set.Apply(&l)
				if err := first(outcome("Change to checkpoint "+p.String(), applied, err, true), stored(ctx, e.s, "Change", l)); err != nil {
					return err
				}
			}
			return nil
		}},
		{"Store/Change/copy", func(ctx context.Context, e *env) error {
			if err := create(ctx, e.s, full("k")); err != nil {
				return err
			}
			set := lease.Set{
				Checkpoint: new(lease.At(seq(8), 0)), Pending: new(lease.At(seq(9), 0)), PendingState: []byte("state"),
				Children: []string{"c1"}, Throughput: new(3.5),
			}
			want := full("k")
			set.Apply(&want)
			want = want.Clone()
			image, applied, err := e.s.Change(ctx, "k", lease.Cond{}, set)
			if err := outcome("Change", applied, err, true); err != nil {
				return err
			}
			set.PendingState[0], set.Children[0], *set.Throughput = 'X', "spoilt", -1
			*set.Checkpoint = lease.ShardEnd
			spoil(&image)
			image, _, err = e.s.Change(ctx, "k", lease.Cond{Counter: new(int64(0))}, set)
			if err != nil {
				return err
			}
			spoil(&image)
			return stored(ctx, e.s, "after the caller changed what it passed to Change and got from it", want)
		}},
		{"Store/Change/many at once", func(ctx context.Context, e *env) error {
			l := full("k")
			if err := create(ctx, e.s, l); err != nil {
				return err
			}
			n, err := winners(8, func(i int) (bool, error) {
				owner := strings.Repeat("w", i+1)
				image, applied, err := e.s.Change(ctx, "k", lease.Cond{Counter: &l.Counter},
					lease.Set{Bump: true, Mark: "m-" + owner, Owners: &lease.Owners{Owner: owner}})
				if err == nil && (image.Counter != l.Counter+1 || applied != (image.Owner == owner)) {
					err = fmt.Errorf("image of %q, applied %v: counter %d, owner %q", owner, applied, image.Counter, image.Owner)
				}
				return applied, err
			})
			if err != nil || n != 1 {
				return fmt.Errorf("8 callers of Change on one counter at once: %d applied, %v, want 1, nil", n, err)
			}
			return nil
		}},
		{"Store/Change/lost reply", func(ctx context.Context, e *env) error {
			lose, err := hook[ReplyLoser](e)
			if err != nil {
				return err
			}
			l := full("k")
			if err := create(ctx, e.s, l); err != nil {
				return err
			}
			cond, set := lease.Cond{Counter: new(l.Counter)}, lease.Set{Mark: "m-2", Bump: true}
			lose.LoseReplies(1)
			_, _, err = e.s.Change(ctx, "k", cond, set)
			if err := first(failed("Change whose reply is lost", err, lease.ErrDependency), retryable("Change whose reply is lost", err, true)); err != nil {
				return err
			}
			set.Apply(&l)
			if err := stored(ctx, e.s, "Change whose reply is lost", l); err != nil {
				return err
			}
			image, applied, err := e.s.Change(ctx, "k", cond, set)
			return first(outcome("second try", applied, err, false), same("image of the second try", image, l))
		}},
	}...)
}

// refused checks that each condition refuses a change of l, and that nothing
// is changed.
func refused(ctx context.Context, e *env, l lease.Lease, conds ...lease.Cond) error {
	if err := create(ctx, e.s, l); err != nil {
		return err
	}
	for i, cond := range conds {
		image, applied, err := e.s.Change(ctx, l.Key, cond, lease.Set{
			Mark: "m-2", Bump: true, Owners: &lease.Owners{Owner: "z"}, AddSwitch: true, Checkpoint: new(lease.ShardEnd), Children: []string{"c"},
		})
		if err := first(
			outcome(fmt.Sprintf("Change, condition %d", i), applied, err, false),
			same("image of the refused Change", image, l),
			stored(ctx, e.s, "after the refused Change", l)); err != nil {
			return err
		}
	}
	return nil
}
