package leasehold_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/leasehold/leasehold"
	"github.com/leasehold/leasehold/awsfake"
	"github.com/leasehold/leasehold/kinesisstream"
	"github.com/leasehold/leasehold/lease"
)

// twins is a fleet whose processes may have the same worker name, and can be put
// to sleep. It checks that no two of them deliver one shard at once or under an
// older term, and that none writes a lease again which another process of its name
// has written since.
type twins struct {
	*fleet
	mu      sync.Mutex // guards what follows
	procs   map[string]*process
	busy    map[string]string // by shard: the process in the handler
	newest  map[string]int64  // by shard: the greatest token
	under   map[string]string // by shard and token: the process
	writer  map[string]string // by lease: the last process that wrote it
	deposed map[string]bool   // by lease and process

	// hold, if set, makes a handler wait while it has its batch.
	hold func(p *process, b *leasehold.Batch)
}

// A process runs one worker.
type process struct {
	*leasehold.Worker
	id  string
	log *logs

	mu     sync.Mutex
	asleep chan struct{} // nil while it is awake
}

// gate holds whoever comes to it while the process sleeps.
func (p *process) gate() {
	p.mu.Lock()
	c := p.asleep
	p.mu.Unlock()
	if c != nil {
		<-c
	}
}

// Write is that of the process's log: whoever logs sleeps with the process.
func (p *process) Write(b []byte) (int, error) {
	p.gate()
	return p.log.Write(b)
}

// sleep stops the process: its calls, its handlers, and the goroutine that decides,
// which logs that a call of it has failed.
func (p *process) sleep() {
	p.mu.Lock()
	p.asleep = make(chan struct{})
	p.mu.Unlock()
}

func (p *process) wake() {
	p.mu.Lock()
	close(p.asleep)
	p.asleep = nil
	p.mu.Unlock()
}

// twinBubble runs a test of processes over both fakes, which ends with what must
// hold in every case.
func twinBubble(t *testing.T, shards int, run func(t *testing.T, f *twins)) {
	synctest.Test(t, func(t *testing.T) {
		f := &twins{
			fleet:   newFleet(t, shards, 5*time.Millisecond),
			procs:   make(map[string]*process),
			busy:    make(map[string]string),
			newest:  make(map[string]int64),
			under:   make(map[string]string),
			writer:  make(map[string]string),
			deposed: make(map[string]bool),
		}
		f.db.Trace = f.trace
		asleep := func(c awsfake.Call) awsfake.Fault {
			p := f.process(c.Caller)
			if p == nil {
				return awsfake.Fault{}
			}
			p.mu.Lock()
			asleep := p.asleep != nil
			p.mu.Unlock()
			// The query of the own rows, once a second, is what puts the deciding
			// goroutine to sleep: it fails, and that is logged.
			if asleep && c.Operation == "Query" {
				return awsfake.Refuse()
			}
			p.gate()
			return awsfake.Fault{}
		}
		f.kinesis.SetScript(awsfake.First(f.cut, asleep))
		f.db.SetScript(awsfake.First(f.cut, asleep))
		f.createTable()
		f.store("setup").CreateClientVersion(context.Background(), lease.Version3X, "setup", time.Now())
		f.produce(16, 200*time.Millisecond)
		run(t, f)
		f.stopProducing()
		time.Sleep(3 * time.Second)
		if n := f.missing(); n != 0 {
			t.Errorf("%d records are missing", n)
		}
		f.end()
	})
}

func (f *twins) process(id string) *process {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.procs[id]
}

// begin starts a process whose worker is to have a name.
func (f *twins) begin(id, name string, change func(*leasehold.Config)) *process {
	f.t.Helper()
	p := &process{id: id, log: &logs{}}
	cfg := leasehold.Config{
		Worker:  name,
		Stream:  kinesisstream.New(kinesis.NewFromConfig(awsfake.Config(f.kinesis, id)), fleetStream),
		Leases:  f.store(id),
		Logger:  slog.New(slog.NewTextHandler(p, nil)),
		Handler: leasehold.HandlerFunc(func(ctx context.Context, b *leasehold.Batch) error { return f.deliver(ctx, p, b) }),
	}
	if change != nil {
		change(&cfg)
	}
	w, err := leasehold.New(cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	p.Worker = w
	f.mu.Lock()
	f.procs[id] = p
	f.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	m := &member{cancel: cancel, done: make(chan error, 1)}
	f.workers[id] = m
	go func() { m.done <- w.Run(ctx) }()
	return p
}

// deliver takes a moment for each batch, in which nobody else may have the shard.
func (f *twins) deliver(ctx context.Context, p *process, b *leasehold.Batch) error {
	p.gate()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	shard := b.Shard.ID
	term := fmt.Sprint(shard, b.Token)
	f.mu.Lock()
	if other := f.busy[shard]; other != "" {
		f.t.Errorf("%s delivers %s while %s does", p.id, shard, other)
	}
	if b.Token < f.newest[shard] {
		f.t.Errorf("%s delivers %s under token %d after %d", p.id, shard, b.Token, f.newest[shard])
	}
	if other := f.under[term]; other != "" && other != p.id {
		f.t.Errorf("%s and %s deliver %s under token %d", p.id, other, shard, b.Token)
	}
	f.busy[shard], f.newest[shard], f.under[term] = p.id, max(f.newest[shard], b.Token), p.id
	f.mu.Unlock()
	time.Sleep(20 * time.Millisecond)
	if f.hold != nil {
		f.hold(p, b)
	}
	f.mu.Lock()
	delete(f.busy, shard)
	f.mu.Unlock()
	return f.handle(ctx, p.id, b)
}

// trace sees each call of the table that was applied.
func (f *twins) trace(r awsfake.Result) {
	c := r.Call
	if r.Err != "" && r.Err != "lost" || c.Operation != "UpdateItem" || !strings.HasPrefix(c.Key, "shardId-") {
		return
	}
	p := f.process(c.Caller)
	if p == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	last := f.procs[f.writer[c.Key]]
	if last != nil && last != p && last.Name() == p.Name() {
		f.deposed[c.Key+last.id] = true
	}
	if f.deposed[c.Key+p.id] {
		f.t.Errorf("%s writes %s, which another process of the name has written since", p.id, c.Key)
	}
	f.writer[c.Key] = p.id
}

// items are the worker items in the table: how many of each name.
func (f *twins) items() map[string]lease.Worker {
	f.t.Helper()
	snap, err := f.store("test").Scan(context.Background())
	if err != nil {
		f.t.Fatal(err)
	}
	out := make(map[string]lease.Worker)
	for _, w := range snap.Workers {
		out[w.ID] = w
	}
	return out
}

// apart wants two processes at work under different names, with all shards, of
// which one has the name that both were to have.
func (f *twins) apart(a, b *process, cause string) {
	f.t.Helper()
	if b.Name() == "w" {
		a, b = b, a
	}
	if a.Name() != "w" || !strings.HasPrefix(b.Name(), "w~") {
		f.t.Errorf("the workers are called %s and %s, want w and w~…", a.Name(), b.Name())
		return
	}
	since := time.Now().Add(-2 * time.Second)
	if x, y := f.shardsOf(a.id, since), f.shardsOf(b.id, since); len(x) == 0 || len(y) == 0 || len(x)+len(y) != 4 {
		f.t.Errorf("%s reads %v and %s reads %v, want some of 4 each", a.id, x, b.id, y)
	}
	if n := b.log.count("worker.renamed", "worker="+b.Name(), "configured=w", "cause="+cause); n != 1 {
		f.t.Errorf("worker.renamed is in the log of %s %d times, want once:\n%s", b.id, n, b.log)
	}
	if n := b.log.count("worker.started", "worker="+b.Name()); n != 1 {
		f.t.Errorf("the log of %s does not go on under the new name:\n%s", b.id, b.log)
	}
	if n := a.log.count("worker.renamed"); n != 0 {
		f.t.Errorf("%s was renamed too:\n%s", a.id, a.log)
	}
	items := f.items()
	if _, ok := items[b.Name()]; !ok || len(items) != 2 || items["w"].Nonce == items[b.Name()].Nonce {
		f.t.Errorf("worker items %v, want those of %s and %s", items, a.Name(), b.Name())
	}
	if f.repeats != 0 {
		f.t.Errorf("%d records came twice", f.repeats)
	}
}

// Two processes with one name in their configuration: the one that comes second, if
// only by a moment, sees that the other lives and takes a name of its own.
func TestFailure_F08_TwoLiveUnderOneName(t *testing.T) {
	for _, after := range []time.Duration{0, time.Millisecond, 7 * time.Millisecond, 50 * time.Millisecond, time.Second, 17 * time.Second} {
		t.Run(fmt.Sprint("after ", after), func(t *testing.T) {
			twinBubble(t, 4, func(t *testing.T, f *twins) {
				a := f.begin("p1", "w", nil)
				time.Sleep(after)
				b := f.begin("p2", "w", nil)
				time.Sleep(35 * time.Second)
				f.apart(a, b, "alive")
			})
		})
	}
}

// Three at once, and one more later.
func TestFailure_F08_MoreThanTwo(t *testing.T) {
	twinBubble(t, 4, func(t *testing.T, f *twins) {
		ps := []*process{f.begin("p1", "w", nil), f.begin("p2", "w", nil), f.begin("p3", "w", nil)}
		time.Sleep(20 * time.Second)
		ps = append(ps, f.begin("p4", "w", nil))
		time.Sleep(30 * time.Second)
		names := make(map[string]bool)
		for _, p := range ps {
			names[p.Name()] = true
			if got := f.shardsOf(p.id, time.Now().Add(-2*time.Second)); len(got) != 1 {
				t.Errorf("%s, called %s, reads %v, want one shard", p.id, p.Name(), got)
			}
		}
		if len(names) != 4 || !names["w"] || len(f.items()) != 4 {
			t.Errorf("four workers are called %v, with items %v", names, f.items())
		}
		if f.repeats != 0 {
			t.Errorf("%d records came twice", f.repeats)
		}
	})
}

// A process begins while another of its name stops, which has no item any more and
// still finishes its batches.
func TestFailure_F08_TheOtherIsStopping(t *testing.T) {
	twinBubble(t, 4, func(t *testing.T, f *twins) {
		release := make(chan struct{})
		var stopping atomic.Bool
		f.hold = func(p *process, b *leasehold.Batch) {
			if p.id == "p1" && stopping.Load() {
				<-release
			}
		}
		f.begin("p1", "w", nil)
		time.Sleep(10 * time.Second)
		stopping.Store(true)
		time.Sleep(time.Second)
		m := f.workers["p1"]
		delete(f.workers, "p1")
		m.cancel()
		time.Sleep(time.Second)
		b := f.begin("p2", "w", nil)
		time.Sleep(8 * time.Second)
		close(release)
		if err := <-m.done; err != nil {
			t.Errorf("p1: Run returned %v", err)
		}
		time.Sleep(5 * time.Second)
		if got := f.shardsOf("p2", time.Now().Add(-2*time.Second)); len(got) != 4 {
			t.Errorf("p2, called %s, reads %v, want all", b.Name(), got)
		}
		if items := f.items(); len(items) != 1 || items[b.Name()].Nonce == "" {
			t.Errorf("worker items %v, want that of %s", items, b.Name())
		}
		if f.repeats != 0 {
			t.Errorf("%d records came twice by a clean stop", f.repeats)
		}
	})
}

// A clean stop frees the name at once, with the leases.
func TestCleanStopFreesTheName(t *testing.T) {
	twinBubble(t, 4, func(t *testing.T, f *twins) {
		f.begin("p1", "w", nil)
		time.Sleep(20 * time.Second)
		f.stop("p1")
		began := time.Now()
		b := f.begin("p2", "w", nil)
		time.Sleep(2 * time.Second)
		if got := f.shardsOf("p2", began); len(got) != 4 || b.Name() != "w" {
			t.Errorf("2 s after a clean stop the next, called %s, reads %v, want w to read all", b.Name(), got)
		}
		if f.repeats != 0 {
			t.Errorf("%d records came twice by a clean stop", f.repeats)
		}
	})
}

// A process dies, and another of its name begins: soon, so that it cannot know yet,
// or late. It resumes once nothing has moved for a failover time.
func TestFailure_F08_RestartAfterDeath(t *testing.T) {
	for _, after := range []time.Duration{0, 3 * time.Second, time.Minute} {
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			twinBubble(t, 4, func(t *testing.T, f *twins) {
				f.begin("p1", "w", nil)
				time.Sleep(22 * time.Second)
				f.kill("p1")
				died := time.Now()
				time.Sleep(after)
				began := time.Now()
				b := f.begin("p2", "w", nil)
				time.Sleep(9500 * time.Millisecond)
				if got := f.shardsOf("p2", died); len(got) != 0 {
					t.Errorf("9.5 s after its start the second process reads %v", got)
				}
				time.Sleep(2500 * time.Millisecond)
				if got := f.shardsOf("p2", died); len(got) != 4 || b.Name() != "w" {
					t.Errorf("12 s after its start the second process, called %s, reads %v, want w to read all", b.Name(), got)
				}
				time.Sleep(20*time.Second - time.Since(began))
				// 16 records each 200 ms; what came since the last renewals comes
				// again.
				if most := 16 * 5 * 6; f.repeats == 0 || f.repeats > most {
					t.Errorf("%d records came twice, want some and at most %d", f.repeats, most)
				}
				if got := f.items(); len(got) != 1 {
					t.Errorf("worker items %v, want one", got)
				}
			})
		})
	}
}

// A process sleeps, its successor of the same name starts a second later, and the
// first wakes: before the second can have taken it for dead, at the moments around
// that, and long after. Only in the first case do both go on.
func TestFailure_F08_SleeperWakes(t *testing.T) {
	var wakes []time.Duration
	for d := 10990 * time.Millisecond; d < 11090*time.Millisecond; d += 5 * time.Millisecond {
		wakes = append(wakes, d)
	}
	wakes = append(wakes, 3*time.Second, 9*time.Second, 10500*time.Millisecond, 11500*time.Millisecond, 13*time.Second, time.Minute)
	var mu sync.Mutex
	outcomes := make(map[string]int)
	for _, after := range wakes {
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			twinBubble(t, 4, func(t *testing.T, f *twins) {
				a := f.begin("p1", "w", nil)
				time.Sleep(20 * time.Second)
				a.sleep()
				time.Sleep(time.Second)
				b := f.begin("p2", "w", nil)
				time.Sleep(after - time.Second)
				a.wake()
				time.Sleep(5 * time.Second)
				if got := f.shardsOf("p2", time.Now().Add(-2*time.Second)); b.Name() == "w" && len(got) != 4 {
					t.Errorf("5 s later the second process reads %v, want all", got)
				}
				time.Sleep(20 * time.Second)
				mu.Lock()
				defer mu.Unlock()
				if b.Name() != "w" {
					outcomes["both"]++
					if after > 12*time.Second {
						t.Errorf("the second process did not take over for %v", after)
					}
					f.repeats = 0 // some, if the first slept past its own deadline
					f.apart(a, b, "alive")
					return
				}
				outcomes["second"]++
				if after < 11*time.Second {
					t.Errorf("the second process took over %v after the first fell asleep", after)
				}
				m := f.workers["p1"]
				delete(f.workers, "p1")
				m.cancel()
				named, ok := errors.AsType[*leasehold.NameError](<-m.done)
				if !ok || named.Worker != "w" {
					t.Errorf("Run of the first process: %v, want a NameError", named)
				}
				if n := a.log.count("worker.stopping", "cause=failed", "another process"); n != 1 {
					t.Errorf("the first process did not stop by itself:\n%s", a.log)
				}
				if got := f.shardsOf("p2", time.Now().Add(-2*time.Second)); len(got) != 4 {
					t.Errorf("the second process reads %v, want all", got)
				}
				if items := f.items(); len(items) != 1 || items["w"].Nonce == "" {
					t.Errorf("worker items %v, want one of w", items)
				}
			})
		})
	}
	if outcomes["both"] < 5 || outcomes["second"] < 5 {
		t.Errorf("outcomes %v, want several of each", outcomes)
	}
}

// plant stores an item as another library might.
func (f *twins) plant(item map[string]types.AttributeValue) {
	f.t.Helper()
	client := dynamodb.NewFromConfig(awsfake.Config(f.db, "test"))
	if _, err := client.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: new(fleetApp), Item: item}); err != nil {
		f.t.Fatal(err)
	}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func whole(n int64) types.AttributeValue { return &types.AttributeValueMemberN{Value: fmt.Sprint(n)} }

// A worker of another library has the name, writes its item every 30 s, and holds a
// lease or none. It is left alone, and its item as it was.
func TestFailure_F08_NamesakeOfAnotherLibrary(t *testing.T) {
	for _, holds := range []bool{false, true} {
		t.Run(fmt.Sprint("holds ", holds), func(t *testing.T) {
			twinBubble(t, 4, func(t *testing.T, f *twins) {
				java := f.store("java")
				item := lease.Worker{ID: "w", Reported: time.Now()}
				f.putWorker(java, item)
				l := lease.Lease{Key: shardName(0), Owner: "w", Checkpoint: lease.TrimHorizon}
				if holds {
					if _, ok, err := java.Create(context.Background(), l); !ok || err != nil {
						t.Fatal(ok, err)
					}
				}
				began := time.Now()
				b := f.begin("p2", "w", nil)
				lives := true
				for lives {
					time.Sleep(3 * time.Second)
					if holds {
						image, ok, err := java.Change(context.Background(), l.Key, lease.Cond{Counter: new(l.Counter)}, lease.Set{Bump: true})
						if !ok || err != nil || image.Owner != "w" {
							t.Errorf("the namesake's renewal: %+v, %v, %v", image, ok, err)
							break
						}
						l = image
					}
					if time.Since(item.Reported) >= 30*time.Second {
						item.Reported = time.Now()
						f.putWorker(java, item)
					}
					lives = time.Since(began) < 2*time.Minute
				}
				if !strings.HasPrefix(b.Name(), "w~") || b.log.count("worker.renamed", "cause=foreign") != 1 {
					t.Errorf("the worker is called %s:\n%s", b.Name(), b.log)
				}
				// The leader gives the namesake leases as it does any worker.
				if got := f.shardsOf("p2", time.Now().Add(-2*time.Second)); len(got) < 2 || holds && slices.Contains(got, l.Key) {
					t.Errorf("it reads %v, want some, and not the namesake's", got)
				}
				if got := f.items()["w"]; got.Nonce != "" || !got.Reported.Equal(item.Reported.Truncate(time.Second)) {
					t.Errorf("the namesake's item became %+v, want %+v", got, item)
				}
				// Now it dies: its lease goes the way of all leases.
				time.Sleep(40 * time.Second)
				if got := f.shardsOf("p2", time.Now().Add(-2*time.Second)); len(got) != 4 {
					t.Errorf("40 s after the namesake's death it reads %v", got)
				}
			})
		})
	}
}

func (f *twins) putWorker(s lease.Store, w lease.Worker) {
	f.t.Helper()
	if _, ok, err := s.PutWorker(context.Background(), w, nil); !ok || err != nil {
		f.t.Errorf("write of the item of %s: %v, %v", w.ID, ok, err)
	}
}

// The item of the name cannot be read: nobody can say whose it is.
func TestFailure_F08_UnreadableItem(t *testing.T) {
	twinBubble(t, 1, func(t *testing.T, f *twins) {
		f.plant(map[string]types.AttributeValue{"leaseKey": text("w"), "entityType": text("WORKER_METRIC_STATS"), "lut": text("yesterday")})
		b := f.begin("p1", "w", nil)
		time.Sleep(3 * time.Second)
		if !strings.HasPrefix(b.Name(), "w~") || b.log.count("worker.renamed", "cause=unreadable") != 1 {
			t.Errorf("the worker is called %s:\n%s", b.Name(), b.log)
		}
		if got := f.shardsOf("p1", time.Time{}); len(got) != 1 {
			t.Errorf("it reads %v, want one shard", got)
		}
	})
}

// The key of the name is that of something else.
func TestNameThatIsAnotherItemsKey(t *testing.T) {
	twinBubble(t, 1, func(t *testing.T, f *twins) {
		f.plant(map[string]types.AttributeValue{"leaseKey": text("w"), "leaseCounter": whole(0)})
		f.begin("p1", "w", nil)
		m := f.workers["p1"]
		delete(f.workers, "p1")
		if err := <-m.done; err == nil || !strings.Contains(err.Error(), "not a worker") {
			t.Errorf("Run: %v, want an error that says that the key is not a worker's", err)
		}
		f.begin("p2", "v", nil)
		time.Sleep(time.Second)
	})
}
