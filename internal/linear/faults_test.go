package linear

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/memlease"
)

// A fault says what becomes of one request.
type fault struct {
	what what
	// before is how long the request is on its way, and after the reply.
	before, after time.Duration
	// cut says that the caller of a late request learns at once that its
	// connection broke. Otherwise it waits until its time is over.
	cut bool
}

type what uint8

const (
	served   what = iota
	refuse        // it never arrives
	throttle      // the service says no
	lose          // it is carried out and the reply is lost
	twice         // it is carried out twice, and the second reply comes back
	late          // it arrives after before, whatever its caller does meanwhile
)

// weather draws the faults of one caller. It depends on its seed and on how often
// it was asked, and not on what the other callers do.
type weather struct {
	rnd *rand.Rand
	// grain is what all times are multiples of. A coarse one has many requests
	// arrive at the same time.
	grain time.Duration
	// longest is that of the times on the way, and latest that of a late request.
	longest, latest time.Duration
	// gentle says that it is always known what became of a create.
	gentle bool

	storm int // so many more requests fail
	// doubled says that the last request was to be carried out twice. Its second
	// reply says nothing of what the first one did.
	doubled bool
}

// span draws a time of at most d.
func (w *weather) span(d time.Duration) time.Duration {
	return time.Duration(w.rnd.Int64N(int64(d)+1)) / w.grain * w.grain
}

// next draws the fault of a request. A get is never late: nobody would know.
func (w *weather) next(k kind) fault {
	f := fault{before: w.span(w.longest), after: w.span(w.longest)}
	defer func() { w.doubled = f.what == twice }()
	bad := 15
	if w.storm > 0 {
		w.storm--
		bad = 95
	} else if w.rnd.IntN(20) == 0 {
		w.storm = 4 + w.rnd.IntN(5) // long enough to use up the tries of an operation
	}
	if w.rnd.IntN(100) >= bad {
		return f
	}
	f.what = refuse + what(w.rnd.IntN(int(late)))
	if late := w.rnd.IntN(2) == 0; late {
		f.what = lose + what(w.rnd.IntN(3)) // the more interesting ones
	}
	switch {
	case k == get && f.what > throttle, k == create && w.gentle && f.what > throttle:
		f.what = refuse
	case f.what == late:
		f.before = w.span(w.latest)
		f.cut = w.rnd.IntN(2) == 0
	}
	return f
}

// pause waits for d and reports whether ctx lasted as long.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// A path is a store that does what the one behind it does, with a caller's faults
// on the way.
type path struct {
	lease.Store
	*weather
	// pass makes a request and does to it what f says.
	pass func(ctx context.Context, f fault, key string, request func(context.Context) error) error
}

// Get implements [lease.Store].
func (p *path) Get(ctx context.Context, key string) (*lease.Lease, error) {
	var l *lease.Lease
	err := p.pass(ctx, p.next(get), key, func(ctx context.Context) (err error) {
		l, err = p.Store.Get(ctx, key)
		return err
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// A reply is that of a write. A late request has one that nobody sees.
type reply struct {
	image   lease.Lease
	applied bool
}

func (p *path) write(ctx context.Context, k kind, key string, request func(context.Context) (reply, error)) (reply, error) {
	replies := make(chan reply, 2)
	err := p.pass(ctx, p.next(k), key, func(ctx context.Context) error {
		r, err := request(ctx)
		replies <- r
		return err
	})
	if err != nil {
		return reply{}, err
	}
	r := <-replies
	if len(replies) > 0 {
		r = <-replies // it was carried out twice
	}
	return r, nil
}

// Create implements [lease.Store].
func (p *path) Create(ctx context.Context, l lease.Lease) (lease.Lease, bool, error) {
	r, err := p.write(ctx, create, l.Key, func(ctx context.Context) (r reply, err error) {
		r.image, r.applied, err = p.Store.Create(ctx, l)
		return r, err
	})
	return r.image, r.applied, err
}

// Change implements [lease.Store].
func (p *path) Change(ctx context.Context, key string, cond lease.Cond, set lease.Set) (lease.Lease, bool, error) {
	cond, set = sent(cond, set)
	r, err := p.write(ctx, renew, key, func(ctx context.Context) (r reply, err error) {
		r.image, r.applied, err = p.Store.Change(ctx, key, cond, set)
		return r, err
	})
	return r.image, r.applied, err
}

// sent returns copies for a request that is carried out when its sender uses the
// originals for something else.
func sent(cond lease.Cond, set lease.Set) (lease.Cond, lease.Set) {
	if cond.Counter != nil {
		cond.Counter = new(*cond.Counter)
	}
	if cond.Owners != nil {
		cond.Owners = new(*cond.Owners)
	}
	if set.Owners != nil {
		set.Owners = new(*set.Owners)
	}
	return cond, set
}

// Delete implements [lease.Store].
func (p *path) Delete(ctx context.Context, key string, cond lease.Cond) (bool, error) {
	r, err := p.write(ctx, remove, key, func(ctx context.Context) (r reply, err error) {
		r.applied, err = p.Store.Delete(ctx, key, cond)
		return r, err
	})
	return r.applied, err
}

// The causes of the errors that a fault makes.
var (
	errRefused   = errors.New("connection refused")
	errThrottled = errors.New("the rate of requests is too high")
	errReset     = errors.New("connection reset by peer")
	errDoubled   = errors.New("carried out twice")
)

// broken is the error of a try that may be repeated.
func broken(key string, kind, cause error) error {
	return &lease.Error{Op: "send", Key: key, Kind: kind, Retryable: true, Err: cause}
}

// A table is where the leases of one history are.
type table interface {
	// store is how a caller, by its number, reaches the table. Without weather
	// nothing befalls its requests.
	store(number int, w *weather) lease.Store
	// settle waits until every request has arrived.
	settle()
}

// A memory is a table in memory, with the faults before it.
type memory struct {
	*memlease.Store
	late sync.WaitGroup
}

func newMemory() *memory { return &memory{Store: memlease.New("t")} }

func (m *memory) settle() { m.late.Wait() }

func (m *memory) store(_ int, w *weather) lease.Store {
	if w == nil {
		return m.Store
	}
	return &path{m.Store, w, m.pass}
}

func (m *memory) pass(ctx context.Context, f fault, key string, request func(context.Context) error) error {
	if f.what == late {
		m.late.Go(func() {
			time.Sleep(f.before)
			request(context.WithoutCancel(ctx))
		})
		if !f.cut {
			<-ctx.Done()
		}
		return broken(key, lease.ErrDependency, errReset)
	}
	switch {
	case !pause(ctx, f.before):
		return broken(key, lease.ErrDependency, harmless{ctx.Err()})
	case f.what == refuse:
		return broken(key, lease.ErrDependency, harmless{errRefused})
	case f.what == throttle:
		return broken(key, lease.ErrProvisionedThroughput, harmless{errThrottled})
	}
	err := request(ctx)
	if f.what == twice {
		err = request(ctx)
	}
	if !pause(ctx, f.after) {
		return broken(key, lease.ErrDependency, ctx.Err())
	}
	if f.what == lose {
		return broken(key, lease.ErrDependency, errReset)
	}
	return err
}
