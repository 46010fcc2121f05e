package leasetest

import (
	"context"
	"errors"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// deaf ends in an hour, whenever ctx does.
func deaf(ctx context.Context) context.Context {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Hour)
	time.AfterFunc(time.Hour, cancel)
	return ctx
}

// late is deaf to all but a ctx that is over already.
func late(ctx context.Context) context.Context {
	if ctx.Err() != nil {
		return ctx
	}
	return deaf(ctx)
}

// respond makes an operation's errors what edit makes of them.
func respond(m *badManager, edit func(e *lease.Error, cancelled error)) {
	m.out = func(err error) error {
		old, ok := errors.AsType[*lease.Error](err)
		if !ok {
			return err
		}
		e := *old
		for _, cause := range []error{context.Canceled, context.DeadlineExceeded} {
			if errors.Is(err, cause) {
				edit(&e, cause)
				return &e
			}
		}
		edit(&e, nil)
		return &e
	}
}

func contextDefects() []defect {
	const renew, list, wait, all = "Manager/RenewLease/", "Manager/ListLeases/", "Manager/WaitUntilLeaseTableExists/", "Manager/DeleteAll/"
	return []defect{
		{"what failed before the context ended is the kind of error", []string{renew + "cancelled in a pause", list + "deadline in a pause", renew + "deadline as a try fails", list + "cancelled as a try fails"}, nil, func(m *badManager) {
			respond(m, func(e *lease.Error, cancelled error) {
				if cancelled != nil && errors.Is(e, errThrottled) {
					e.Kind = lease.ErrProvisionedThroughput
				}
			})
		}},
		{"a missing table is the kind of error after the context's end", []string{renew + "cancelled as a try fails", list + "deadline as a try fails"}, nil, func(m *badManager) {
			respond(m, func(e *lease.Error, cancelled error) {
				if cancelled != nil && status(m.s) == lease.Missing {
					e.Kind = lease.ErrInvalidState
				}
			})
		}},
		{"the context's end hides what failed before", []string{renew + "cancelled in a pause", list + "deadline in a pause", renew + "deadline as a try fails"}, nil, func(m *badManager) {
			respond(m, func(e *lease.Error, cancelled error) {
				if cancelled != nil {
					e.Err = cancelled
				}
			})
		}},
		{"who cancels may try again", []string{renew + "cancelled in a try", list + "cancelled in a pause"}, nil, func(m *badManager) {
			respond(m, func(e *lease.Error, cancelled error) { e.Retryable = e.Retryable || cancelled == context.Canceled })
		}},
		{"a deadline is for good", []string{renew + "deadline", renew + "deadline in a try", list + "deadline in a pause"}, nil, func(m *badManager) {
			respond(m, func(e *lease.Error, cancelled error) { e.Retryable = e.Retryable && cancelled == nil })
		}},
		{"a deadline is told as a cancellation", []string{renew + "deadline in a try", wait + "deadline in its sleep"}, nil, func(m *badManager) {
			respond(m, func(e *lease.Error, cancelled error) {
				if cancelled == context.DeadlineExceeded {
					e.Err = context.Canceled
				}
			})
		}},
		{"the context is only looked at before", []string{renew + "cancelled in a try", renew + "deadline in a pause", list + "deadline in a try", wait + "cancelled in a pause"}, nil, func(m *badManager) {
			m.in = late
		}},
		{"a call goes on after its context", []string{
			"Store/Get/cancelled in the middle", "Store/Change/deadline in the middle", "Store/Scan/cancelled in the middle", "Store/CreateTable/deadline in the middle",
		}, func(b *badStore) { b.in = late }, nil},
		{"asks before it looks at the context", []string{renew + "cancelled", renew + "deadline", list + "deadline"}, nil, func(m *badManager) {
			m.in = func(ctx context.Context) context.Context {
				if ctx.Err() != nil {
					m.spy.over(nil)
				}
				return ctx
			}
		}},
		{"delete-all does not stop", []string{all + "cancelled between deletions", all + "deadline between deletions"}, nil, func(m *badManager) {
			m.deleteAll = func(ctx context.Context) error {
				leases, err := m.operations.ListLeases(ctx)
				for _, l := range leases {
					if err := m.operations.DeleteLease(context.WithoutCancel(ctx), l); err != nil {
						return err
					}
				}
				return errors.Join(err, ctx.Err())
			}
		}},
	}
}

func errorDefects() []defect {
	const says = "/what the error says"
	manager := func(ops ...string) (rules []string) {
		for _, op := range ops {
			rules = append(rules, "Manager/"+op+says)
		}
		return rules
	}
	store := func(methods ...string) (rules []string) {
		for _, method := range methods {
			rules = append(rules, "Store/"+method+says)
		}
		return rules
	}
	return []defect{
		{"errors say what the store did", manager("RenewLease", "TakeLease", "EvictLease", "UpdateLease", "ListLeases", "DeleteAll", "IsLeaseTableEmpty"), nil, func(m *badManager) {
			respond(m, func(e *lease.Error, _ error) { e.Op = "call the store" })
		}},
		{"errors do not say which lease", manager("CreateLeaseIfNotExists", "GetLease", "RenewLease", "DeleteLease"), nil, func(m *badManager) {
			respond(m, func(e *lease.Error, _ error) { e.Key = "" })
		}},
		{"errors about the table name a lease", manager("CreateLeaseTableIfNotExists", "LeaseTableExists", "WaitUntilLeaseTableExists", "ListLeases"), nil, func(m *badManager) {
			respond(m, func(e *lease.Error, _ error) { e.Key = "k" })
		}},
		{"errors have the words of the cause only", manager("RenewLease", "ListLeases", "LeaseTableExists"), nil, func(m *badManager) {
			respond(m, func(e *lease.Error, cancelled error) {
				if _, unreadable := errors.AsType[*lease.UnreadableError](e); cancelled == nil && !unreadable {
					e.Err = errors.New(e.Err.Error())
				}
			})
		}},
		{"what is throttled is so for good", manager("RenewLease", "ListLeases"), nil, func(m *badManager) {
			respond(m, func(e *lease.Error, _ error) { e.Retryable = e.Retryable && e.Kind != lease.ErrProvisionedThroughput })
		}},
		{"a lost reply is for good", manager("RenewLease", "CreateLeaseIfNotExists", "DeleteAll"), nil, func(m *badManager) {
			respond(m, func(e *lease.Error, _ error) { e.Retryable = e.Retryable && !errors.Is(e, errReply) })
		}},
		{"a missing table passes", append(manager("RenewLease", "ListLeases"), "Store/Get"+says), func(b *badStore) {
			b.out = func(err error) error {
				e, _ := errors.AsType[*lease.Error](err)
				return &lease.Error{Op: e.Op, Key: e.Key, Kind: e.Kind, Retryable: e.Retryable || status(b) == lease.Missing && e.Kind == lease.ErrInvalidState, Err: e.Err}
			}
		}, nil},
		{"the store's errors have the words of the cause only", store("Get", "Create", "Change", "Delete", "Scan", "KeysOf", "PutWorker", "TakeLock"), func(b *badStore) {
			b.out = func(err error) error {
				e, _ := errors.AsType[*lease.Error](err)
				cause := errors.New(e.Err.Error())
				for _, known := range []error{context.Canceled, context.DeadlineExceeded} {
					if errors.Is(err, known) {
						cause = known
					}
				}
				if u, ok := errors.AsType[*lease.UnreadableError](err); ok {
					cause = u
				}
				return &lease.Error{Op: e.Op, Key: e.Key, Kind: e.Kind, Retryable: e.Retryable, Err: cause}
			}
		}, nil},
		{"the store's errors do not say of what", store("Get", "Create", "Change", "Delete", "KeysOf", "PutWorker", "DeleteWorker"), func(b *badStore) {
			b.out = func(err error) error {
				e, _ := errors.AsType[*lease.Error](err)
				return &lease.Error{Op: e.Op, Kind: e.Kind, Retryable: e.Retryable, Err: e.Err}
			}
		}, nil},
		{"the store's errors do not say what was done", store("CreateTable", "DescribeTable", "CreateIndex", "Get", "Scan", "GetLock", "CreateClientVersion"), func(b *badStore) {
			b.out = func(err error) error {
				e, _ := errors.AsType[*lease.Error](err)
				return &lease.Error{Key: e.Key, Kind: e.Kind, Retryable: e.Retryable, Err: e.Err}
			}
		}, nil},
	}
}
