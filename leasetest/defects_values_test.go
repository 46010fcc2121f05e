package leasetest

import (
	"context"
	"math"
	"math/big"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// tidy makes of a lease what can be read again.
func tidy(l *lease.Lease) {
	tidyRange(&l.HashRange)
	tidyPosition(&l.Checkpoint)
	tidyPosition(&l.Pending)
	if t := l.Throughput; t != nil && !(*t >= 0 && *t < 1e15) {
		l.Throughput = nil
	}
}

func tidyRange(r *lease.HashRange) {
	for _, key := range []*string{&r.Start, &r.End} {
		n, ok := new(big.Int).SetString(*key, 0)
		if !ok {
			n = new(big.Int)
		}
		if *key != "" {
			*key = n.Abs(n).String()
		}
	}
}

func tidyPosition(p *lease.Position) {
	if p.IsRecord() && p.Sub() < 0 {
		*p = lease.At(p.Sequence(), 0)
	}
}

func valueDefects() []defect {
	const (
		unread = "/could not be read again"
		none   = "/throughput that is none"
		many   = "/throughput with many decimals"
		wait   = "Manager/WaitUntilLeaseTableExists/"
	)
	return []defect{
		{"stores another value where one cannot be", []string{"Store/Create" + unread, "Store/Change" + unread}, func(b *badStore) {
			b.create = func(ctx context.Context, l lease.Lease) (lease.Lease, bool, error) {
				l = l.Clone()
				tidy(&l)
				return b.Store.Create(ctx, l)
			}
			b.change = func(ctx context.Context, key string, cond lease.Cond, set lease.Set) (lease.Lease, bool, error) {
				if set.HashRange != nil {
					set.HashRange = new(*set.HashRange)
					tidyRange(set.HashRange)
				}
				for _, p := range []**lease.Position{&set.Checkpoint, &set.Pending} {
					if *p != nil {
						*p = new(**p)
						tidyPosition(*p)
					}
				}
				return b.Store.Change(ctx, key, cond, set)
			}
		}, nil},
		{"what cannot be read again is a lost lease", []string{"Manager/CreateLeaseIfNotExists" + unread, "Manager/UpdateLease" + unread, "Manager/RenewLease" + none}, nil, func(m *badManager) {
			tidied := func(do func(ctx context.Context, l *lease.Lease) (bool, error)) func(ctx context.Context, l *lease.Lease) (bool, error) {
				return func(ctx context.Context, l *lease.Lease) (bool, error) {
					c := l.Clone()
					if tidy(&c); same("", *l, c) != nil {
						return false, nil
					}
					return do(ctx, l)
				}
			}
			m.create, m.update, m.renew = tidied(m.operations.CreateLeaseIfNotExists), tidied(m.operations.UpdateLease), tidied(m.operations.RenewLease)
		}},
		{"looks before it refuses", []string{"Manager/CreateLeaseIfNotExists" + unread, "Manager/UpdateLease" + unread, "Manager/RenewLease" + none}, nil, func(m *badManager) {
			looks := func(do func(ctx context.Context, l *lease.Lease) (bool, error)) func(ctx context.Context, l *lease.Lease) (bool, error) {
				return func(ctx context.Context, l *lease.Lease) (bool, error) {
					if ctx.Err() == nil {
						m.spy.over(nil)
					}
					return do(ctx, l)
				}
			}
			m.create, m.update, m.renew = looks(m.operations.CreateLeaseIfNotExists), looks(m.operations.UpdateLease), looks(m.operations.RenewLease)
		}},
		{"a change fails for its throughput", []string{"Store/Change" + none}, func(b *badStore) {
			b.change = func(ctx context.Context, key string, cond lease.Cond, set lease.Set) (lease.Lease, bool, error) {
				if t := set.Throughput; t != nil && !(*t >= 0 && *t < 1e15) {
					return lease.Lease{}, false, raw("change lease")
				}
				return b.Store.Change(ctx, key, cond, set)
			}
		}, nil},
		{"a throughput that is none is no throughput", []string{"Store/Change" + none}, func(b *badStore) {
			rewrite(b, func(_ lease.Lease, after *lease.Lease, set lease.Set) {
				if t := set.Throughput; t != nil && !(*t >= 0 && *t < 1e15) {
					after.Throughput = nil
				}
			})
		}, nil},
		{"a throughput has three decimals", []string{"Store/Create" + many, "Store/Change" + many, "Manager/RenewLease" + many}, func(b *badStore) {
			got(b, func(l *lease.Lease) {
				if t := l.Throughput; t != nil && *t < 1e9 {
					*t = math.Round(*t*1000) / 1000
				}
			})
		}, nil},
		{"a timeout of 0 has time to try again", []string{wait + "timeout of 0 tries once"}, nil, func(m *badManager) {
			m.wait = func(ctx context.Context, poll, timeout time.Duration) (bool, error) {
				if timeout == 0 {
					return m.operations.LeaseTableExists(ctx)
				}
				return m.operations.WaitUntilLeaseTableExists(ctx, poll, timeout)
			}
		}},
		{"the wait pauses past its end", []string{wait + "no pause past the end"}, nil, func(m *badManager) {
			m.wait = func(ctx context.Context, poll, timeout time.Duration) (bool, error) {
				if timeout > 0 {
					if ok, err := m.operations.LeaseTableExists(ctx); ok || err != nil {
						return ok, err
					}
				}
				return m.operations.WaitUntilLeaseTableExists(ctx, poll, timeout)
			}
		}},
	}
}
