package leasetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// A Difference is a rule that a target does not keep, or whose hook it cannot
// have, with the reason: a service's own behaviour, as a rule.
type Difference struct {
	Rule, Why string
}

// TestStore tests the store of the targets that fresh returns, one for each
// rule, and lease.Manager over it. A rule among the known differences is skipped
// as long as it is not kept; when it is, the difference is gone and the test
// fails, so that the list stays true. With -short the rules on large tables are
// skipped too.
func TestStore(t *testing.T, fresh func(t *testing.T) Target, known ...Difference) {
	why := map[string]string{}
	for _, d := range known {
		why[d.Rule] = d.Why
	}
	for _, r := range rules() {
		differs, isKnown := why[r.name]
		delete(why, r.name)
		t.Run(r.name, func(t *testing.T) {
			limit := time.Minute
			if r.large() {
				if testing.Short() {
					t.Skip("a large table takes seconds")
				}
				limit = 5 * time.Minute
			}
			e := newEnv(fresh(t))
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			skip, err := verdict(r.run(ctx, e), differs, isKnown)
			if skip != "" {
				t.Skip(skip)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	for rule := range why {
		t.Errorf("%q is no rule, and cannot be a known difference", rule)
	}
}

// verdict says what the result of a rule means: that it is to be skipped, and
// why; or that the target fails.
func verdict(broken error, differs string, isKnown bool) (skip string, err error) {
	switch hook, missing := errors.AsType[missingHook](broken); {
	case isKnown && broken == nil:
		return "", fmt.Errorf("the rule is kept: the known difference is gone (%s)", differs)
	case isKnown:
		return fmt.Sprintf("known difference: %s (%v)", differs, broken), nil
	case missing:
		return hook.Error(), nil
	}
	return "", broken
}

// rules returns all rules, the store's first.
func rules() []rule {
	return slices.Concat(tableRules(), leaseRules(), changeRules(), fleetRules(), failureRules(),
		managerTableRules(), managerLeaseRules(), managerFailureRules(),
		stateRules(), contextRules(), errorRules(), replyRules(), brokenRules(), foreignRules(), valueRules(), largeRules())
}

// A rule is one promise of a contract. Run returns nil if it is kept.
type rule struct {
	name string
	run  func(ctx context.Context, e *env) error
}

// operations are the thirteen of the contract, as lease.Manager has them.
type operations interface {
	CreateLeaseTableIfNotExists(ctx context.Context, readCapacity, writeCapacity int64) (bool, error)
	LeaseTableExists(ctx context.Context) (bool, error)
	WaitUntilLeaseTableExists(ctx context.Context, poll, timeout time.Duration) (bool, error)
	ListLeases(ctx context.Context) ([]*lease.Lease, error)
	CreateLeaseIfNotExists(ctx context.Context, l *lease.Lease) (bool, error)
	GetLease(ctx context.Context, key string) (*lease.Lease, error)
	RenewLease(ctx context.Context, l *lease.Lease) (bool, error)
	TakeLease(ctx context.Context, l *lease.Lease, owner string) (bool, error)
	EvictLease(ctx context.Context, l *lease.Lease) (bool, error)
	DeleteLease(ctx context.Context, l *lease.Lease) error
	DeleteAll(ctx context.Context) error
	UpdateLease(ctx context.Context, l *lease.Lease) (bool, error)
	IsLeaseTableEmpty(ctx context.Context) (bool, error)
}

var _ operations = (*lease.Manager)(nil)

// An env is what a rule works on.
type env struct {
	target Target
	s      lease.Store
	spy    *spy // between the manager and s
	m      operations
	// manager is what m is, unless that has a planted defect.
	manager *lease.Manager
}

func newEnv(target Target) *env {
	s := target.Store()
	spy := &spy{Store: s}
	m := lease.NewManager(spy)
	// Rules make every try of an operation fail: its pauses should be short,
	// and its tries end only if something hangs.
	m.Backoff = time.Millisecond
	m.Try = 10 * time.Second
	return &env{target: target, s: s, spy: spy, m: m, manager: m}
}

// hook returns the target's hook H.
func hook[H any](e *env) (H, error) {
	h, ok := e.target.(H)
	if !ok {
		return h, missingHook{reflect.TypeFor[H]().Name()}
	}
	return h, nil
}

type missingHook struct{ name string }

func (h missingHook) Error() string { return "the target is no leasetest." + h.name }

// patience is how long answers that may be old are asked for again. Real
// indexes lag by a few milliseconds, and rarely by seconds.
const patience = 15 * time.Second

// eventually calls check until it is content.
func eventually(ctx context.Context, check func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for pause := time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("for %v: %w", patience, err)
		case <-time.After(pause):
		}
	}
}

// kinds are all kinds of errors.
var kinds = []error{lease.ErrProvisionedThroughput, lease.ErrInvalidState, lease.ErrDependency}

// failed checks that err is an error as the contracts have them, of one kind
// and no other.
func failed(what string, err, kind error) error {
	if err == nil {
		return fmt.Errorf("%s: got no error, want %q", what, kind)
	}
	if _, ok := errors.AsType[*lease.Error](err); !ok {
		return fmt.Errorf("%s: error %q is no *lease.Error", what, err)
	}
	for _, k := range kinds {
		if errors.Is(err, k) != (k == kind) {
			return fmt.Errorf("%s: error %q: matches %q is %v, want only %q", what, err, k, errors.Is(err, k), kind)
		}
	}
	return nil
}

// retryable checks what err says about another try.
func retryable(what string, err error, want bool) error {
	if e, ok := errors.AsType[*lease.Error](err); !ok || e.Retryable != want {
		return fmt.Errorf("%s: error %#v: want Retryable %v", what, err, want)
	}
	return nil
}

// outcome checks a result that is a bool.
func outcome(what string, got bool, err error, want bool) error {
	if err != nil || got != want {
		return fmt.Errorf("%s: got %v, %v, want %v, nil", what, got, err, want)
	}
	return nil
}

// first returns the first of errs that is not nil.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
