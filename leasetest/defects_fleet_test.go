package leasetest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// fleetDefects are those of looks at the whole table, of the index, and of what is
// not a lease.
func fleetDefects() []defect {
	return []defect{
		{"Scan reads one page", []string{"Store/Scan/more than a page"}, func(b *badStore) {
			looked(b, func(look *lease.Snapshot) { look.Leases = look.Leases[:min(len(look.Leases), 33)] })
		}, nil},
		{"Scan returns what it has when it fails", []string{"Store/Scan/failure in the middle", "Store/Scan/no table"}, func(b *badStore) {
			b.scan = func(ctx context.Context) (*lease.Snapshot, error) {
				look, err := b.Store.Scan(ctx)
				if err != nil {
					return &lease.Snapshot{}, nil
				}
				return look, nil
			}
		}, nil},
		{"Scan hides what it cannot read", []string{"Store/Scan/rows that do not parse", "Store/Scan/rows of an unknown kind"},
			func(b *badStore) { looked(b, func(look *lease.Snapshot) { look.Unreadable = nil }) }, nil},
		{"Scan fails on what it cannot read", []string{"Store/Scan/rows that do not parse"}, func(b *badStore) {
			b.scan = func(ctx context.Context) (*lease.Snapshot, error) {
				look, err := b.Store.Scan(ctx)
				if err == nil && len(look.Unreadable) > 0 {
					return nil, raw("scan table")
				}
				return look, err
			}
		}, nil},
		{"Scan says that workers cannot be read", []string{"Store/Scan/every kind of row"}, func(b *badStore) {
			looked(b, func(look *lease.Snapshot) {
				for _, w := range look.Workers {
					look.Unreadable = append(look.Unreadable, lease.UnreadableError{Key: w.ID, Attribute: "leaseCounter", Reason: "is missing"})
				}
			})
		}, nil},
		{"Scan does not see the lock", []string{"Store/Scan/every kind of row"}, func(b *badStore) { looked(b, func(look *lease.Snapshot) { look.Lock = nil }) }, nil},
		{"Scan finds a version that nobody wrote", []string{"Store/Scan/empty table"},
			func(b *badStore) { looked(b, func(look *lease.Snapshot) { look.Version = lease.Version3X }) }, nil},

		{"the index has the owner during a handoff", []string{"Store/KeysOf/handoff"}, func(b *badStore) {
			b.keysOf = func(ctx context.Context, worker string) ([]string, error) {
				_, err := b.Store.KeysOf(ctx, worker)
				return ownedBy(ctx, b, err, func(l lease.Lease) bool { return l.Owner == worker })
			}
		}, nil},
		{"the index has everybody's leases", []string{"Store/KeysOf/owner", "Store/KeysOf/owner gone"}, func(b *badStore) {
			b.keysOf = func(ctx context.Context, worker string) ([]string, error) {
				_, err := b.Store.KeysOf(ctx, worker)
				return ownedBy(ctx, b, err, func(lease.Lease) bool { return true })
			}
		}, nil},
		{"the index never forgets", []string{"Store/KeysOf/owner gone"}, func(b *badStore) {
			var mu sync.Mutex // guards seen
			seen := map[string][]string{}
			b.create = func(ctx context.Context, l lease.Lease) (lease.Lease, bool, error) {
				mu.Lock()
				seen[l.Owner] = append(seen[l.Owner], l.Key)
				mu.Unlock()
				return b.Store.Create(ctx, l)
			}
			b.keysOf = func(ctx context.Context, worker string) ([]string, error) {
				keys, err := b.Store.KeysOf(ctx, worker)
				if err == nil && len(keys) == 0 {
					mu.Lock()
					keys = slices.Clone(seen[worker])
					mu.Unlock()
				}
				return keys, err
			}
		}, nil},

		{"a worker's first item stays", []string{"Store/PutWorker/new and again", "Store/PutWorker/over another", "Store/PutWorker/without nonce"}, func(b *badStore) {
			var put sync.Map
			b.putWorker = func(ctx context.Context, w lease.Worker, over *lease.Worker) (*lease.Worker, bool, error) {
				if _, again := put.LoadOrStore(w.ID, true); again {
					if _, err := b.Store.GetLock(ctx); err != nil {
						return nil, false, err
					}
					if p, ok, err := b.Store.PutWorker(ctx, lease.Worker{ID: w.ID, Nonce: "no such"}, nil); err != nil || p == nil || p.Nonce != w.Nonce {
						return p, ok, err
					}
					return &w, true, nil
				}
				return b.Store.PutWorker(ctx, w, over)
			}
		}, nil},
		{"the last worker has the name", []string{"Store/PutWorker/name of another", "Store/PutWorker/over another", "Store/PutWorker/without nonce", "Store/PutWorker/many at once"}, func(b *badStore) {
			b.putWorker = func(ctx context.Context, w lease.Worker, over *lease.Worker) (*lease.Worker, bool, error) {
				p, ok, err := b.Store.PutWorker(ctx, w, over)
				if err == nil && !ok && p != nil {
					return b.Store.PutWorker(ctx, w, p)
				}
				return p, ok, err
			}
		}, nil},
		{"a worker is replaced whatever it wrote since", []string{"Store/PutWorker/name of another"}, func(b *badStore) {
			b.putWorker = func(ctx context.Context, w lease.Worker, over *lease.Worker) (*lease.Worker, bool, error) {
				p, ok, err := b.Store.PutWorker(ctx, w, over)
				if err == nil && !ok && p != nil && over != nil && p.Nonce == over.Nonce {
					return b.Store.PutWorker(ctx, w, p)
				}
				return p, ok, err
			}
		}, nil},
		{"who has the name is not told", []string{"Store/PutWorker/name of another", "Store/PutWorker/over another", "Store/PutWorker/without nonce"}, func(b *badStore) {
			b.putWorker = func(ctx context.Context, w lease.Worker, over *lease.Worker) (*lease.Worker, bool, error) {
				p, ok, err := b.Store.PutWorker(ctx, w, over)
				if !ok {
					p = nil
				}
				return p, ok, err
			}
		}, nil},
		{"a worker's item stays", []string{"Store/DeleteWorker/present"}, func(b *badStore) {
			b.deleteWorker = func(ctx context.Context, id, nonce string) (bool, error) {
				_, err := b.Store.GetLock(ctx)
				return err == nil, err
			}
		}, nil},
		{"a worker is deleted by its name", []string{"Store/DeleteWorker/another of the name"}, func(b *badStore) {
			b.deleteWorker = func(ctx context.Context, id, nonce string) (bool, error) {
				ok, err := b.Store.DeleteWorker(ctx, id, nonce)
				if err == nil && !ok {
					return b.Store.DeleteWorker(ctx, id, worker(id).Nonce)
				}
				return ok, err
			}
		}, nil},
		{"deleting nobody is refused", []string{"Store/DeleteWorker/none"}, func(b *badStore) {
			b.deleteWorker = func(ctx context.Context, id, nonce string) (bool, error) {
				look, err := b.Store.Scan(ctx)
				if err == nil && !slices.ContainsFunc(look.Workers, func(w lease.Worker) bool { return w.ID == id }) {
					return false, nil
				}
				return b.Store.DeleteWorker(ctx, id, nonce)
			}
		}, nil},

		{"no lock is an empty lock", []string{"Store/GetLock/none", "Store/ReleaseLock/own", "Store/TakeLock/version gone", "Store/RenewLock/none"}, func(b *badStore) {
			b.getLock = func(ctx context.Context) (*lease.Lock, error) {
				l, err := b.Store.GetLock(ctx)
				if l == nil && err == nil {
					l = new(lease.Lock)
				}
				return l, err
			}
		}, nil},
		{"the deputy is not stored", []string{"Store/TakeLock/free", "Store/RenewLock/own"}, func(b *badStore) {
			b.takeLock = func(ctx context.Context, l lease.Lock, seen string) (*lease.Lock, bool, error) {
				l.Deputy = ""
				return b.Store.TakeLock(ctx, l, seen)
			}
			b.renewLock = func(ctx context.Context, l lease.Lock, seen string) (*lease.Lock, bool, error) {
				l.Deputy = ""
				return b.Store.RenewLock(ctx, l, seen)
			}
		}, nil},
		{"the duration is stored in seconds", []string{"Store/TakeLock/version seen"}, func(b *badStore) {
			b.takeLock = func(ctx context.Context, l lease.Lock, seen string) (*lease.Lock, bool, error) {
				l.Duration = l.Duration.Truncate(time.Second)
				return b.Store.TakeLock(ctx, l, seen)
			}
		}, nil},
		{"any lock can be taken", []string{"Store/TakeLock/held", "Store/TakeLock/many at once"}, func(b *badStore) {
			b.takeLock = func(ctx context.Context, l lease.Lock, seen string) (*lease.Lock, bool, error) {
				if p, err := b.Store.GetLock(ctx); p != nil && err == nil {
					seen = p.Version
				}
				return b.Store.TakeLock(ctx, l, seen)
			}
		}, nil},
		{"a lock that is gone can be taken", []string{"Store/TakeLock/version gone"}, func(b *badStore) {
			b.takeLock = func(ctx context.Context, l lease.Lock, seen string) (*lease.Lock, bool, error) {
				if p, err := b.Store.GetLock(ctx); p == nil && err == nil {
					seen = ""
				}
				return b.Store.TakeLock(ctx, l, seen)
			}
		}, nil},
		{"the lock of another is renewed", []string{"Store/RenewLock/lost"}, func(b *badStore) { b.renewLock = b.Store.TakeLock }, nil},
		{"a renewal makes a lock", []string{"Store/RenewLock/none"}, func(b *badStore) {
			b.renewLock = func(ctx context.Context, l lease.Lock, seen string) (*lease.Lock, bool, error) {
				if p, err := b.Store.GetLock(ctx); p == nil && err == nil {
					return b.Store.TakeLock(ctx, l, "")
				}
				return b.Store.RenewLock(ctx, l, seen)
			}
		}, nil},
		{"a refused lock has no image", []string{"Store/TakeLock/held", "Store/RenewLock/lost"}, func(b *badStore) {
			b.takeLock = func(ctx context.Context, l lease.Lock, seen string) (*lease.Lock, bool, error) {
				_, ok, err := b.Store.TakeLock(ctx, l, seen)
				return nil, ok, err
			}
			b.renewLock = func(ctx context.Context, l lease.Lock, seen string) (*lease.Lock, bool, error) {
				_, ok, err := b.Store.RenewLock(ctx, l, seen)
				return nil, ok, err
			}
		}, nil},
		{"the lock of another is released", []string{"Store/ReleaseLock/not held"}, func(b *badStore) {
			b.releaseLock = func(ctx context.Context, owner, version string) (bool, error) {
				if p, err := b.Store.GetLock(ctx); p != nil && err == nil {
					owner, version = p.Owner, p.Version
				}
				return b.Store.ReleaseLock(ctx, owner, version)
			}
		}, nil},
		{"releasing nothing is applied", []string{"Store/ReleaseLock/not held"}, func(b *badStore) {
			b.releaseLock = func(ctx context.Context, owner, version string) (bool, error) {
				_, err := b.Store.ReleaseLock(ctx, owner, version)
				return err == nil, err
			}
		}, nil},

		{"no version is today's", []string{"Store/GetClientVersion/none"}, func(b *badStore) {
			b.getVersion = func(ctx context.Context) (lease.ClientVersion, error) {
				v, err := b.Store.GetClientVersion(ctx)
				if v == "" {
					v = lease.Version3X
				}
				return v, err
			}
		}, nil},
		{"the last version wins", []string{"Store/CreateClientVersion/once"}, func(b *badStore) {
			var v lease.ClientVersion
			b.createVersion = func(ctx context.Context, w lease.ClientVersion, by string, at time.Time) (bool, error) {
				_, err := b.Store.CreateClientVersion(ctx, w, by, at)
				if err == nil {
					v = w
				}
				return err == nil, err
			}
			b.getVersion = func(ctx context.Context) (lease.ClientVersion, error) {
				_, err := b.Store.GetClientVersion(ctx)
				return v, err
			}
		}, nil},
	}
}

// ownedBy returns the keys of the leases for which owned is true.
func ownedBy(ctx context.Context, b *badStore, err error, owned func(lease.Lease) bool) ([]string, error) {
	if err != nil {
		return nil, err
	}
	look, err := b.Store.Scan(ctx)
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, l := range look.Leases {
		if owned(l) {
			keys = append(keys, l.Key)
		}
	}
	return keys, nil
}
