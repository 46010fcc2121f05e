package leasetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// A defect is a planted fault and the rules that it must break.
type defect struct {
	name  string
	rules []string
	store func(b *badStore)
	// manager is planted over a store without defect.
	manager func(b *badManager)
}

// rewrite makes Change do what Apply does after edit has spoilt it: it deletes
// the lease and creates it anew, like nobody should.
func rewrite(b *badStore, edit func(before lease.Lease, after *lease.Lease, set lease.Set)) {
	b.change = func(ctx context.Context, key string, cond lease.Cond, set lease.Set) (lease.Lease, bool, error) {
		before, err := b.Store.Get(ctx, key)
		if err != nil || before == nil || !cond.Holds(before) {
			return b.Store.Change(ctx, key, cond, set)
		}
		after := before.Clone()
		set.Apply(&after)
		edit(*before, &after, set)
		if _, err := b.Store.Delete(ctx, key, lease.Cond{}); err != nil {
			return lease.Lease{}, false, err
		}
		return b.Store.Create(ctx, after)
	}
}

// loosen makes Change and Delete look at less of the condition.
func loosen(b *badStore, less func(lease.Cond, *lease.Lease) lease.Cond) {
	b.change = func(ctx context.Context, key string, cond lease.Cond, set lease.Set) (lease.Lease, bool, error) {
		if l, err := b.Store.Get(ctx, key); err == nil && l != nil {
			cond = less(cond, l)
		}
		return b.Store.Change(ctx, key, cond, set)
	}
	b.delete = func(ctx context.Context, key string, cond lease.Cond) (bool, error) {
		if l, err := b.Store.Get(ctx, key); err == nil && l != nil {
			cond = less(cond, l)
		}
		return b.Store.Delete(ctx, key, cond)
	}
}

// got spoils every lease that is read.
func got(b *badStore, spoil func(l *lease.Lease)) {
	b.get = func(ctx context.Context, key string) (*lease.Lease, error) {
		l, err := b.Store.Get(ctx, key)
		if l != nil {
			spoil(l)
		}
		return l, err
	}
}

// looked spoils every look.
func looked(b *badStore, spoil func(look *lease.Snapshot)) {
	b.scan = func(ctx context.Context) (*lease.Snapshot, error) {
		look, err := b.Store.Scan(ctx)
		if look != nil {
			spoil(look)
		}
		return look, err
	}
}

// share makes the store hand out and keep the caller's memory.
func share(b *badStore, in, changed, out, scanned bool) {
	var kept sync.Map // by key: *lease.Lease
	b.create = func(ctx context.Context, l lease.Lease) (lease.Lease, bool, error) {
		image, ok, err := b.Store.Create(ctx, l)
		if ok && in {
			kept.Store(l.Key, &l)
		}
		return image, ok, err
	}
	b.change = func(ctx context.Context, key string, cond lease.Cond, set lease.Set) (lease.Lease, bool, error) {
		image, ok, err := b.Store.Change(ctx, key, cond, set)
		if changed && err == nil {
			kept.Store(key, new(image))
		}
		return image, ok, err
	}
	b.get = func(ctx context.Context, key string) (*lease.Lease, error) {
		if l, ok := kept.Load(key); ok {
			return new(*l.(*lease.Lease)), nil
		}
		l, err := b.Store.Get(ctx, key)
		if out && l != nil {
			kept.Store(key, l)
		}
		return l, err
	}
	b.scan = func(ctx context.Context) (*lease.Snapshot, error) {
		look, err := b.Store.Scan(ctx)
		if scanned && err == nil {
			for _, l := range look.Leases {
				kept.Store(l.Key, &l)
			}
		}
		return look, err
	}
}

var errRaw = errors.New("ResourceInUseException")

func raw(op string) error { return &lease.Error{Op: op, Kind: lease.ErrDependency, Err: errRaw} }

func storeDefects() []defect {
	return []defect{
		{"a present table is created again", []string{"Store/CreateTable/present table", "Store/CreateTable/table in creation or deletion"}, func(b *badStore) {
			b.createTable = func(ctx context.Context, r, w int64) (bool, error) {
				_, err := b.Store.CreateTable(ctx, r, w)
				return err == nil, err
			}
		}, nil},
		{"a present table is an error", []string{"Store/CreateTable/present table"}, func(b *badStore) {
			b.createTable = func(ctx context.Context, r, w int64) (bool, error) {
				ok, err := b.Store.CreateTable(ctx, r, w)
				if err == nil && !ok {
					err = raw("create table")
				}
				return ok, err
			}
		}, nil},
		{"only says that it creates the table", []string{"Store/CreateTable/missing table"}, func(b *badStore) {
			b.createTable = func(ctx context.Context, r, w int64) (bool, error) {
				t, err := b.Store.DescribeTable(ctx)
				return t.Status == lease.Missing, err
			}
		}, nil},
		{"a missing table is an error", []string{"Store/DescribeTable/missing table"}, func(b *badStore) {
			b.describe = func(ctx context.Context) (lease.Table, error) {
				t, err := b.Store.DescribeTable(ctx)
				if err == nil && t.Status == lease.Missing {
					err = &lease.Error{Op: "describe", Kind: lease.ErrInvalidState}
				}
				return t, err
			}
		}, nil},
		{"every table is active", []string{"Store/DescribeTable/each status", "Store/DescribeTable/missing table"}, func(b *badStore) {
			b.describe = func(ctx context.Context) (lease.Table, error) {
				_, err := b.Store.DescribeTable(ctx)
				return lease.Table{Status: lease.Active, Index: lease.Active}, err
			}
		}, nil},
		{"the index is not looked at", []string{"Store/DescribeTable/active table", "Store/CreateIndex/present index"}, func(b *badStore) {
			b.describe = func(ctx context.Context) (lease.Table, error) {
				t, err := b.Store.DescribeTable(ctx)
				t.Index = lease.Missing
				return t, err
			}
		}, nil},
		{"the index is not made", []string{"Store/CreateIndex/missing index"}, func(b *badStore) {
			b.createIndex = func(ctx context.Context) error {
				_, err := b.Store.DescribeTable(ctx)
				return err
			}
		}, nil},
		{"a present index is an error", []string{"Store/CreateIndex/present index", "Store/CreateIndex/missing index"}, func(b *badStore) {
			b.createIndex = func(ctx context.Context) error {
				if t, _ := b.Store.DescribeTable(ctx); t.Index != lease.Missing {
					return raw("create index")
				}
				return b.Store.CreateIndex(ctx)
			}
		}, nil},

		{"no lease is an empty lease", []string{"Store/Get/no lease", "Store/Get/key of a worker", "Store/Get/row of an unknown kind"}, func(b *badStore) {
			b.get = func(ctx context.Context, key string) (*lease.Lease, error) {
				l, err := b.Store.Get(ctx, key)
				if l == nil && err == nil {
					l = new(lease.Lease)
				}
				return l, err
			}
		}, nil},
		{"a broken row is no lease", []string{"Store/Get/broken row"}, func(b *badStore) {
			b.get = func(ctx context.Context, key string) (*lease.Lease, error) {
				l, err := b.Store.Get(ctx, key)
				if _, ok := errors.AsType[*lease.UnreadableError](err); ok {
					return nil, nil
				}
				return l, err
			}
		}, nil},
		{"a broken row may be read later", []string{"Store/Get/broken row"}, func(b *badStore) {
			b.out = func(err error) error {
				e, _ := errors.AsType[*lease.Error](err)
				return &lease.Error{Op: e.Op, Key: e.Key, Kind: e.Kind, Retryable: true, Err: e.Err}
			}
		}, nil},
		{"the checkpoint is not read", []string{"Store/Create/all fields", "Store/Create/every kind of checkpoint", "Store/Change/every kind of checkpoint"},
			func(b *badStore) { got(b, func(l *lease.Lease) { l.Checkpoint = lease.TrimHorizon }) }, nil},
		{"the sub-sequence number is not read", []string{"Store/Create/every kind of checkpoint"},
			func(b *badStore) {
				got(b, func(l *lease.Lease) {
					if l.Checkpoint.IsRecord() {
						l.Checkpoint = lease.At(l.Checkpoint.Sequence(), 0)
					}
				})
			}, nil},
		{"the pending state is not read", []string{"Store/Create/all fields", "Store/Change/pending"},
			func(b *badStore) { got(b, func(l *lease.Lease) { l.PendingState = nil }) }, nil},
		{"stream and shard are not read", []string{"Store/Create/one of several streams"}, func(b *badStore) { got(b, func(l *lease.Lease) { l.Stream, l.Shard = "", "" }) }, nil},
		{"the owners are mixed up", []string{"Store/Create/all fields"},
			func(b *badStore) {
				got(b, func(l *lease.Lease) {
					if l.NextOwner != "" {
						l.Owner, l.NextOwner = l.NextOwner, l.Owner
					}
				})
			}, nil},
		{"the mark is not read", []string{"Store/Create/all fields"}, func(b *badStore) { got(b, func(l *lease.Lease) { l.Mark = "" }) }, nil},
		{"counters are floating-point numbers", []string{"Store/Change/renew"}, func(b *badStore) { got(b, func(l *lease.Lease) { l.Counter = int64(float64(l.Counter)) }) }, nil},

		{"shares what is passed to Create", []string{"Store/Create/copy"}, func(b *badStore) { share(b, true, false, false, false) }, nil},
		{"shares what Change returns", []string{"Store/Change/copy"}, func(b *badStore) { share(b, false, true, false, false) }, nil},
		{"shares what Get returns", []string{"Store/Get/copy"}, func(b *badStore) { share(b, false, false, true, false) }, nil},
		{"shares what Scan returns", []string{"Store/Scan/copy"}, func(b *badStore) { share(b, false, false, false, true) }, nil},

		{"Create replaces", []string{"Store/Create/key in use"}, func(b *badStore) {
			b.create = func(ctx context.Context, l lease.Lease) (lease.Lease, bool, error) {
				if _, err := b.Store.Delete(ctx, l.Key, lease.Cond{}); err != nil {
					return lease.Lease{}, false, err
				}
				return b.Store.Create(ctx, l)
			}
		}, nil},
		{"a refused Create is an error", []string{"Store/Create/key in use", "Store/Create/key of a worker", "Store/Create/key of a broken row"}, func(b *badStore) {
			b.create = func(ctx context.Context, l lease.Lease) (lease.Lease, bool, error) {
				image, ok, err := b.Store.Create(ctx, l)
				if err == nil && !ok {
					err = raw("create lease")
				}
				return image, ok, err
			}
		}, nil},
		{"Create replaces what is not a lease", []string{"Store/Create/key of a worker", "Store/Create/key of a broken row"}, func(b *badStore) {
			b.create = func(ctx context.Context, l lease.Lease) (lease.Lease, bool, error) {
				if err := dropWorker(ctx, b.Store, l.Key); err != nil {
					return lease.Lease{}, false, err
				}
				if _, err := b.Store.Get(ctx, l.Key); err != nil {
					b.Store.Delete(ctx, l.Key, lease.Cond{})
				}
				return b.Store.Create(ctx, l)
			}
		}, nil},
		{"a refused Create has no image", []string{"Store/Create/key in use"}, func(b *badStore) {
			b.create = func(ctx context.Context, l lease.Lease) (lease.Lease, bool, error) {
				_, ok, err := b.Store.Create(ctx, l)
				return lease.Lease{}, ok, err
			}
		}, nil},
		{"Create looks and then writes", []string{"Store/Create/many at once"}, func(b *badStore) {
			b.create = func(ctx context.Context, l lease.Lease) (lease.Lease, bool, error) {
				if present, err := b.Store.Get(ctx, l.Key); present != nil || err != nil {
					return b.Store.Create(ctx, l)
				}
				time.Sleep(time.Millisecond)
				b.Store.Delete(ctx, l.Key, lease.Cond{})
				image, _, err := b.Store.Create(ctx, l)
				return image, err == nil, err
			}
		}, nil},

		{"a refused Change is an error", []string{"Store/Change/refused by counter", "Store/Change/no lease"}, func(b *badStore) {
			b.change = func(ctx context.Context, key string, cond lease.Cond, set lease.Set) (lease.Lease, bool, error) {
				image, ok, err := b.Store.Change(ctx, key, cond, set)
				if err == nil && !ok {
					err = raw("change lease")
				}
				return image, ok, err
			}
		}, nil},
		{"a refused Change has no image", []string{"Store/Change/refused by counter", "Store/Change/lost reply"}, func(b *badStore) {
			b.change = func(ctx context.Context, key string, cond lease.Cond, set lease.Set) (lease.Lease, bool, error) {
				image, ok, err := b.Store.Change(ctx, key, cond, set)
				if !ok {
					image = lease.Lease{}
				}
				return image, ok, err
			}
		}, nil},
		{"the image of a change is the lease before it", nil, func(b *badStore) {
			b.change = func(ctx context.Context, key string, cond lease.Cond, set lease.Set) (lease.Lease, bool, error) {
				before, _ := b.Store.Get(ctx, key)
				image, ok, err := b.Store.Change(ctx, key, cond, set)
				if ok {
					image = *before
				}
				return image, ok, err
			}
		}, nil},
		{"no condition is refused", []string{"Store/Change/condition holds"}, func(b *badStore) {
			b.change = func(ctx context.Context, key string, cond lease.Cond, set lease.Set) (lease.Lease, bool, error) {
				if cond == (lease.Cond{}) {
					cond.Counter = new(int64(-1))
				}
				return b.Store.Change(ctx, key, cond, set)
			}
		}, nil},
		{"the counter is no condition", []string{"Store/Change/refused by counter", "Store/Change/many at once", "Store/Delete/condition does not hold"},
			func(b *badStore) {
				loosen(b, func(c lease.Cond, _ *lease.Lease) lease.Cond { c.Counter = nil; return c })
			}, nil},
		{"the owner is no condition", []string{"Store/Change/refused by owner", "Store/Change/refused when unowned", "Store/Delete/condition does not hold"},
			func(b *badStore) {
				loosen(b, func(c lease.Cond, _ *lease.Lease) lease.Cond { c.Owners = nil; return c })
			}, nil},
		{"the next owner is no condition", []string{"Store/Change/refused by next owner"}, func(b *badStore) {
			loosen(b, func(c lease.Cond, l *lease.Lease) lease.Cond {
				if c.Owners != nil {
					c.Owners = &lease.Owners{Owner: c.Owners.Owner, Next: l.NextOwner}
				}
				return c
			})
		}, nil},
		{"nobody as owner is no condition", []string{"Store/Change/refused by owner"}, func(b *badStore) {
			loosen(b, func(c lease.Cond, l *lease.Lease) lease.Cond {
				if c.Owners != nil && *c.Owners == (lease.Owners{}) {
					c.Owners = nil
				}
				return c
			})
		}, nil},
		{"any owner will do when unowned", []string{"Store/Change/refused when unowned"}, func(b *badStore) {
			loosen(b, func(c lease.Cond, l *lease.Lease) lease.Cond {
				if l.Owner == "" {
					c.Owners = nil
				}
				return c
			})
		}, nil},
		{"a change makes a lease", []string{"Store/Change/no lease"}, func(b *badStore) {
			b.change = func(ctx context.Context, key string, cond lease.Cond, set lease.Set) (lease.Lease, bool, error) {
				image, ok, err := b.Store.Change(ctx, key, cond, set)
				if image.Key == "" && err == nil {
					b.Store.Create(ctx, fresh(key))
				}
				return image, ok, err
			}
		}, nil},
		{"a change makes a worker a lease", []string{"Store/Change/key of a worker"}, func(b *badStore) {
			b.change = func(ctx context.Context, key string, cond lease.Cond, set lease.Set) (lease.Lease, bool, error) {
				dropWorker(ctx, b.Store, key)
				return b.Store.Change(ctx, key, cond, set)
			}
		}, nil},
		{"a change looks and then writes", []string{"Store/Change/many at once"}, func(b *badStore) {
			b.change = func(ctx context.Context, key string, cond lease.Cond, set lease.Set) (lease.Lease, bool, error) {
				l, err := b.Store.Get(ctx, key)
				if err != nil || l == nil || !cond.Holds(l) {
					return b.Store.Change(ctx, key, cond, set)
				}
				time.Sleep(time.Millisecond)
				return b.Store.Change(ctx, key, lease.Cond{}, set)
			}
		}, nil},
		{"the counter is not moved", []string{"Store/Change/renew", "Store/Change/counter without mark"},
			func(b *badStore) {
				rewrite(b, func(b lease.Lease, a *lease.Lease, _ lease.Set) { a.Counter = b.Counter })
			}, nil},
		{"every change moves the counter", []string{"Store/Change/begin handoff", "Store/Change/children", "Store/Change/hash range", "Store/Change/throughput"},
			func(b *badStore) {
				rewrite(b, func(b lease.Lease, a *lease.Lease, _ lease.Set) { a.Counter = b.Counter + 1 })
			}, nil},
		{"the mark is not stored", []string{"Store/Change/take", "Store/Change/rewind"},
			func(b *badStore) { rewrite(b, func(b lease.Lease, a *lease.Lease, _ lease.Set) { a.Mark = b.Mark }) }, nil},
		{"no mark removes the mark", []string{"Store/Change/begin handoff", "Store/Change/counter without mark"},
			func(b *badStore) { rewrite(b, func(_ lease.Lease, a *lease.Lease, s lease.Set) { a.Mark = s.Mark }) }, nil},
		{"the next owner stays", []string{"Store/Change/take", "Store/Change/release"},
			func(b *badStore) {
				rewrite(b, func(b lease.Lease, a *lease.Lease, _ lease.Set) { a.NextOwner = b.NextOwner })
			}, nil},
		{"every renewal ends a handoff", []string{"Store/Change/renew"},
			func(b *badStore) {
				rewrite(b, func(_ lease.Lease, a *lease.Lease, s lease.Set) {
					if s.Bump {
						a.NextOwner = ""
					}
				})
			}, nil},
		{"nobody as owner is not stored", []string{"Store/Change/release"},
			func(b *badStore) {
				rewrite(b, func(b lease.Lease, a *lease.Lease, _ lease.Set) {
					if a.Owner == "" {
						a.Owner = b.Owner
					}
				})
			}, nil},
		{"switches are not counted", []string{"Store/Change/take"},
			func(b *badStore) {
				rewrite(b, func(b lease.Lease, a *lease.Lease, s lease.Set) {
					if s.AddSwitch && s.Checkpoint == nil {
						a.Switches = b.Switches
					}
				})
			}, nil},
		{"a checkpoint keeps the count of switches", []string{"Store/Change/checkpoint", "Store/Change/finish handoff with last checkpoint"},
			func(b *badStore) {
				rewrite(b, func(b lease.Lease, a *lease.Lease, s lease.Set) {
					if s.Checkpoint != nil && s.Switches == nil {
						a.Switches = b.Switches
					}
				})
			}, nil},
		{"a checkpoint discards the count that is passed", []string{"Store/Change/checkpoint and switches"},
			func(b *badStore) {
				rewrite(b, func(_ lease.Lease, a *lease.Lease, s lease.Set) {
					if s.Checkpoint != nil {
						a.Switches = 0
					}
				})
			}, nil},
		{"a count of 0 is not stored", []string{"Store/Change/switches"},
			func(b *badStore) {
				rewrite(b, func(b lease.Lease, a *lease.Lease, s lease.Set) {
					if s.Switches != nil && *s.Switches == 0 {
						a.Switches = b.Switches
					}
				})
			}, nil},
		{"a checkpoint keeps the pending one", []string{"Store/Change/checkpoint", "Store/Change/end of shard"},
			func(b *badStore) {
				rewrite(b, func(b lease.Lease, a *lease.Lease, s lease.Set) {
					if s.Checkpoint != nil && s.Pending == nil {
						a.Pending, a.PendingState = b.Pending, b.PendingState
					}
				})
			}, nil},
		{"a checkpoint discards the pending one that is passed", []string{"Store/Change/checkpoint and pending"},
			func(b *badStore) {
				rewrite(b, func(_ lease.Lease, a *lease.Lease, s lease.Set) {
					if s.Checkpoint != nil {
						a.Pending, a.PendingState = lease.Position{}, nil
					}
				})
			}, nil},
		{"the old pending state stays", []string{"Store/Change/pending without state"},
			func(b *badStore) {
				rewrite(b, func(b lease.Lease, a *lease.Lease, s lease.Set) {
					if s.Pending != nil && s.PendingState == nil {
						a.PendingState = b.PendingState
					}
				})
			}, nil},
		{"a checkpoint never goes back", []string{"Store/Change/rewind"},
			func(b *badStore) {
				rewrite(b, func(b lease.Lease, a *lease.Lease, _ lease.Set) {
					if a.Checkpoint.Compare(b.Checkpoint) < 0 {
						a.Checkpoint = b.Checkpoint
					}
				})
			}, nil},
		{"children are added to those there were", []string{"Store/Change/children", "Store/Change/end of shard"},
			func(b *badStore) {
				rewrite(b, func(b lease.Lease, a *lease.Lease, s lease.Set) {
					if len(s.Children) > 0 {
						a.Children = append(slices.Clone(b.Children), s.Children...)
					}
				})
			}, nil},
		{"no children removes the children", []string{"Store/Change/renew", "Store/Change/hash range"},
			func(b *badStore) {
				rewrite(b, func(_ lease.Lease, a *lease.Lease, s lease.Set) { a.Children = s.Children })
			}, nil},
		{"the hash range is not stored", []string{"Store/Change/hash range"},
			func(b *badStore) {
				rewrite(b, func(b lease.Lease, a *lease.Lease, _ lease.Set) { a.HashRange = b.HashRange })
			}, nil},
		{"no throughput removes it", []string{"Store/Change/renew"},
			func(b *badStore) {
				rewrite(b, func(_ lease.Lease, a *lease.Lease, s lease.Set) { a.Throughput = s.Throughput })
			}, nil},
		{"a throughput of 0 is none", []string{"Store/Change/throughput"},
			func(b *badStore) {
				rewrite(b, func(b lease.Lease, a *lease.Lease, s lease.Set) {
					if s.Throughput != nil && *s.Throughput == 0 {
						a.Throughput = nil
					}
				})
			}, nil},
		{"throughput is stored in whole units", []string{"Store/Change/renew with throughput"},
			func(b *badStore) {
				rewrite(b, func(_ lease.Lease, a *lease.Lease, _ lease.Set) {
					if a.Throughput != nil {
						a.Throughput = new(float64(int(*a.Throughput)))
					}
				})
			}, nil},

		{"Delete has no condition", []string{"Store/Delete/condition does not hold"}, func(b *badStore) {
			b.delete = func(ctx context.Context, key string, _ lease.Cond) (bool, error) {
				return b.Store.Delete(ctx, key, lease.Cond{})
			}
		}, nil},
		{"Delete only says so", []string{"Store/Delete/condition holds"}, func(b *badStore) {
			b.delete = func(ctx context.Context, key string, c lease.Cond) (bool, error) {
				_, err := b.Store.Get(ctx, key)
				return err == nil, err
			}
		}, nil},
		{"deleting nothing is refused", []string{"Store/Delete/no lease"}, func(b *badStore) {
			b.delete = func(ctx context.Context, key string, c lease.Cond) (bool, error) {
				l, err := b.Store.Get(ctx, key)
				if l == nil && err == nil {
					return false, nil
				}
				return b.Store.Delete(ctx, key, c)
			}
		}, nil},
		{"Delete deletes workers", []string{"Store/Delete/key of a worker"}, func(b *badStore) {
			b.delete = func(ctx context.Context, key string, c lease.Cond) (bool, error) {
				dropWorker(ctx, b.Store, key)
				return b.Store.Delete(ctx, key, c)
			}
		}, nil},

		{"errors are the client's own", nil, func(b *badStore) { b.out = func(err error) error { return errors.New(err.Error()) } }, nil},
		{"errors are left out", nil, func(b *badStore) { b.out = func(error) error { return nil } }, nil},
		{"no error is worth another try", []string{"Store/Change/lost reply", "Store/Scan/throttled", "Store/Scan/failure", "Store/Get/deadline", "Manager/RenewLease/throttled for a while"}, func(b *badStore) {
			b.out = func(err error) error {
				e, _ := errors.AsType[*lease.Error](err)
				return &lease.Error{Op: e.Op, Key: e.Key, Kind: e.Kind, Err: e.Err}
			}
		}, nil},
		{"the cause is lost", []string{"Store/Get/cancelled", "Store/Get/deadline", "Store/Get/broken row"}, func(b *badStore) {
			b.out = func(err error) error {
				e, _ := errors.AsType[*lease.Error](err)
				return &lease.Error{Op: e.Op, Key: e.Key, Kind: e.Kind, Retryable: e.Retryable}
			}
		}, nil},
		{"the context is not looked at", []string{"Store/Get/cancelled", "Store/KeysOf/deadline"}, func(b *badStore) { b.in = deaf }, nil},
		{"C21: throttling is like any failure", []string{"Store/Change/throttled", "Manager/RenewLease/throttled", "Manager/CreateLeaseTableIfNotExists/throttled"}, func(b *badStore) {
			b.out = kindInto(lease.ErrProvisionedThroughput, lease.ErrDependency)
		}, nil},
		{"a missing table is like any failure", []string{"Store/Change/no table", "Manager/RenewLease/no table"}, func(b *badStore) {
			b.out = kindInto(lease.ErrInvalidState, lease.ErrDependency)
		}, nil},
		{"an error has two kinds", []string{"Store/Get/throttled"}, func(b *badStore) {
			b.out = func(err error) error {
				return &lease.Error{Op: "x", Kind: lease.ErrDependency, Retryable: true, Err: err}
			}
		}, nil},
	}
}

// kindInto makes errors of one kind errors of another.
func kindInto(from, to error) func(error) error {
	return func(err error) error {
		e, _ := errors.AsType[*lease.Error](err)
		if e.Kind != from {
			return err
		}
		return &lease.Error{Op: e.Op, Key: e.Key, Kind: to, Retryable: e.Retryable, Err: e.Err}
	}
}
