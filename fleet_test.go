package leasehold_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/leasehold/leasehold"
	"github.com/leasehold/leasehold/awsfake"
	"github.com/leasehold/leasehold/dynamolease"
	"github.com/leasehold/leasehold/kinesisstream"
	"github.com/leasehold/leasehold/lease"
)

// A fleet is whole workers over both fakes, under the real SDK clients, in a
// bubble: the workers' calls take time, nothing else does. Its records are
// numbered per key, and it checks what the handlers get.
type fleet struct {
	t       *testing.T
	kinesis *awsfake.Kinesis
	db      *awsfake.DynamoDB
	dead    sync.Map // by worker's name

	workers  map[string]*member
	putting  sync.WaitGroup
	stopPut  chan struct{}
	stopOnce sync.Once
	put      atomic.Int64

	mu         sync.Mutex // guards what follows
	deliveries []seen
	first      map[string]int // by key: the next number not yet delivered
	repeats    int
}

type seen struct {
	at            time.Time
	worker, shard string
	key           string
	number        int
	token         int64
}

type member struct {
	cancel context.CancelFunc
	done   chan error
}

const fleetStream, fleetApp = "orders", "mailer"

func newFleet(t *testing.T, shards int, latency time.Duration) *fleet {
	f := &fleet{
		t:       t,
		workers: make(map[string]*member),
		stopPut: make(chan struct{}),
		first:   make(map[string]int),
	}
	f.kinesis = &awsfake.Kinesis{Latency: latency}
	f.db = &awsfake.DynamoDB{Latency: latency}
	f.kinesis.SetScript(f.cut)
	f.db.SetScript(f.cut)
	f.kinesis.Create(fleetStream, shards)
	return f
}

// cut is the script by which nothing of a dead worker arrives.
func (f *fleet) cut(c awsfake.Call) awsfake.Fault {
	_, dead := f.dead.Load(c.Caller)
	return awsfake.Fault{Refuse: dead}
}

func (f *fleet) store(caller string) *dynamolease.Store {
	return dynamolease.New(dynamodb.NewFromConfig(awsfake.Config(f.db, caller)), fleetApp)
}

// createTable makes the table, as an application that ran before has left it.
func (f *fleet) createTable() {
	ctx := context.Background()
	m := lease.NewManager(f.store("setup"))
	if _, err := m.CreateLeaseTableIfNotExists(ctx, 0, 0); err != nil {
		f.t.Fatal(err)
	}
	if ok, err := m.WaitUntilLeaseTableExists(ctx, time.Second, time.Minute); !ok || err != nil {
		f.t.Fatal(ok, err)
	}
}

// start starts a worker. Change may be nil.
func (f *fleet) start(name string, change func(*leasehold.Config)) {
	f.t.Helper()
	cfg := leasehold.Config{
		Worker:  name,
		Stream:  kinesisstream.New(kinesis.NewFromConfig(awsfake.Config(f.kinesis, name)), fleetStream),
		Leases:  f.store(name),
		Handler: leasehold.HandlerFunc(func(ctx context.Context, b *leasehold.Batch) error { return f.handle(ctx, name, b) }),
		Logger:  slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&cfg)
	}
	w, err := leasehold.New(cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	m := &member{cancel: cancel, done: make(chan error, 1)}
	f.workers[name] = m
	go func() { m.done <- w.Run(ctx) }()
}

// stop stops a worker cleanly and waits for it.
func (f *fleet) stop(name string) {
	f.t.Helper()
	m := f.workers[name]
	delete(f.workers, name)
	m.cancel()
	if err := <-m.done; err != nil {
		f.t.Errorf("%s: Run returned %v, want nil", name, err)
	}
}

// kill cuts a worker off for good, as far as others can tell: none of its calls
// arrives, and its handler does nothing more.
func (f *fleet) kill(name string) {
	f.dead.Store(name, true)
	m := f.workers[name]
	delete(f.workers, name)
	f.putting.Go(func() {
		m.cancel()
		<-m.done
	})
}

func (f *fleet) stopProducing() { f.stopOnce.Do(func() { close(f.stopPut) }) }

// end stops everything that is left.
func (f *fleet) end() {
	f.stopProducing()
	for name := range f.workers {
		f.stop(name)
	}
	f.putting.Wait()
}

// produce puts numbered records under each of many keys until the end.
func (f *fleet) produce(keys int, every time.Duration) {
	f.putting.Go(func() {
		for n := 0; ; n++ {
			for k := range keys {
				f.kinesis.Put(fleetStream, fmt.Sprintf("key-%d", k), []byte(strconv.Itoa(n)))
				f.put.Add(1)
			}
			select {
			case <-f.stopPut:
				return
			case <-time.After(every):
			}
		}
	})
}

func (f *fleet) handle(ctx context.Context, worker string, b *leasehold.Batch) error {
	if _, dead := f.dead.Load(worker); dead {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range b.Records {
		n, err := strconv.Atoi(string(r.Data))
		if err != nil {
			f.t.Errorf("record with data %q", r.Data)
		}
		f.deliveries = append(f.deliveries, seen{time.Now(), worker, b.Shard.ID, r.PartitionKey, n, b.Token})
		switch next := f.first[r.PartitionKey]; {
		case n > next:
			f.t.Errorf("%s delivers record %d of %s before record %d", worker, n, r.PartitionKey, next)
		case n < next:
			f.repeats++
		default:
			f.first[r.PartitionKey]++
		}
	}
	return nil
}

// missing counts the records that were put and never delivered.
func (f *fleet) missing() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.put.Load()
	for _, next := range f.first {
		n -= int64(next)
	}
	return n
}

// shardsOf are the shards that a worker has delivered from since a time.
func (f *fleet) shardsOf(worker string, since time.Time) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, d := range f.deliveries {
		if (worker == "" || d.worker == worker) && !d.at.Before(since) && !slices.Contains(out, d.shard) {
			out = append(out, d.shard)
		}
	}
	slices.Sort(out)
	return out
}

// gap is how long a shard stood still between the last batch of a worker and the
// first of another.
func (f *fleet) gap(shard, worker string) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	var last time.Time
	for _, d := range f.deliveries {
		if d.shard == shard && d.worker == worker {
			last = d.at
		}
	}
	for _, d := range f.deliveries {
		if d.shard == shard && d.worker != worker && d.at.After(last) {
			return d.at.Sub(last)
		}
	}
	return -1
}

// bubble runs a test in a bubble with a fleet, and ends it.
func bubble(t *testing.T, shards int, latency time.Duration, run func(t *testing.T, f *fleet)) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, shards, latency)
		run(t, f)
		f.end()
	})
}

// A worker starts on a table and a stream that exist: each shard has delivered
// within 0.4 s when every call takes 20 ms.
func TestColdStartOverTheFakes(t *testing.T) {
	bubble(t, 8, 20*time.Millisecond, func(t *testing.T, f *fleet) {
		f.createTable()
		f.produce(64, 50*time.Millisecond)
		time.Sleep(time.Second)
		began := time.Now()
		f.start("a", nil)
		time.Sleep(400 * time.Millisecond)
		if got := f.shardsOf("a", began); len(got) != 8 {
			t.Errorf("after 0.4 s %d of 8 shards have delivered: %v", len(got), got)
		}
	})
}

// The life of a fleet: workers join, one dies, shards are split and merged, one
// stops. Nothing is lost or out of order, and only the death repeats anything.
func TestFleetOverTheFakes(t *testing.T) {
	bubble(t, 8, 5*time.Millisecond, func(t *testing.T, f *fleet) {
		f.createTable()
		f.produce(64, 200*time.Millisecond)
		f.start("a", nil)
		time.Sleep(15 * time.Second)

		joined := time.Now()
		f.start("b", nil)
		time.Sleep(10 * time.Second)
		if got := f.shardsOf("b", joined); len(got) != 4 {
			t.Errorf("10 s after it joined b has %d of 8 shards, want 4", len(got))
		}
		f.start("c", nil)
		time.Sleep(15 * time.Second)
		if f.repeats != 0 {
			t.Errorf("%d records came twice while workers joined", f.repeats)
		}

		died := time.Now()
		mine := f.shardsOf("b", died.Add(-2*time.Second))
		f.kill("b")
		time.Sleep(12500 * time.Millisecond)
		if len(mine) == 0 {
			t.Error("b had no shard to lose")
		}
		for _, shard := range mine {
			if gap := f.gap(shard, "b"); gap < 0 || gap > 13*time.Second {
				t.Errorf("%s stood still for %v after its worker's death", shard, gap)
			}
		}
		time.Sleep(5 * time.Second)
		crashRepeats := f.repeats
		if crashRepeats == 0 {
			t.Error("nothing came twice after a death between two checkpoints")
		}

		left, right := f.kinesis.Split(fleetStream, shardName(0))
		time.Sleep(5 * time.Second)
		merged := f.kinesis.Merge(fleetStream, shardName(1), shardName(2))
		time.Sleep(8 * time.Second)
		for _, id := range []string{left, right, merged} {
			if !slices.Contains(f.shardsOf("", died), id) {
				t.Errorf("%s, the child of a reshard, is not read", id)
			}
		}

		stopped := time.Now()
		mine = f.shardsOf("c", stopped.Add(-2*time.Second))
		f.stop("c")
		time.Sleep(3 * time.Second)
		for _, shard := range mine {
			if gap := f.gap(shard, "c"); gap < 0 || gap > time.Second+200*time.Millisecond {
				t.Errorf("%s stood still for %v after a clean stop", shard, gap)
			}
		}
		if f.repeats != crashRepeats {
			t.Errorf("%d records came twice by resharding and a clean stop", f.repeats-crashRepeats)
		}
		f.stopProducing()
		time.Sleep(2 * time.Second)
		if n := f.missing(); n != 0 {
			t.Errorf("%d records are missing", n)
		}
	})
}

// The end of a shard waits for the handler: SHARD_END is stored only when the
// last batch is acknowledged, however long that takes.
func TestFailure_F45_ShardEndWaitsForTheHandler(t *testing.T) {
	bubble(t, 1, 5*time.Millisecond, func(t *testing.T, f *fleet) {
		f.createTable()
		for n := range 10 {
			f.kinesis.Put(fleetStream, "key-0", []byte(strconv.Itoa(n)))
			f.put.Add(1)
		}
		release := make(chan struct{})
		f.start("a", func(cfg *leasehold.Config) {
			inner := cfg.Handler
			cfg.Handler = leasehold.HandlerFunc(func(ctx context.Context, b *leasehold.Batch) error {
				if b.Shard.ID == shardName(0) {
					select {
					case <-release:
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				return inner.Handle(ctx, b)
			})
		})
		time.Sleep(2 * time.Second)
		left, _ := f.kinesis.Split(fleetStream, shardName(0))
		f.kinesis.Put(fleetStream, "key-0", []byte("10"))
		f.kinesis.Put(fleetStream, "key-1", []byte("0"))
		f.put.Add(2)
		time.Sleep(time.Minute)
		m := lease.NewManager(f.store("test"))
		l, err := m.GetLease(context.Background(), shardName(0))
		if err != nil || l == nil {
			t.Fatalf("lease of the parent: %v, %v", l, err)
		}
		if l.Checkpoint != lease.TrimHorizon {
			t.Errorf("the handler has returned nothing and the checkpoint is %v", l.Checkpoint)
		}
		if child, err := m.GetLease(context.Background(), left); err != nil || child != nil {
			t.Errorf("the child has lease %v (%v) before the parent's last batch is acknowledged", child, err)
		}
		close(release)
		time.Sleep(5 * time.Second)
		if l, err = m.GetLease(context.Background(), shardName(0)); err != nil || !l.Finished() {
			t.Errorf("the parent's lease is %+v (%v), want finished", l, err)
		}
		if n := f.missing(); n != 0 {
			t.Errorf("%d records are missing", n)
		}
	})
}

func shardName(i int) string { return fmt.Sprintf("shardId-%012d", i) }

// What the steady state costs, by the service's own count: writes of lease items
// with the checkpoints that ride on them, looks at the table, and what each
// worker reads besides.
func TestCostOverTheFakes(t *testing.T) {
	for _, workers := range []int{1, 4, 16} {
		t.Run(strconv.Itoa(workers), func(t *testing.T) {
			bubble(t, 16, 5*time.Millisecond, func(t *testing.T, f *fleet) {
				var mu sync.Mutex // guards what follows
				counting := false
				writes := make(map[string]int) // by lease
				var writeUnits float64
				looks := 0
				units := make(map[string]float64) // read, by worker
				f.db.Trace = func(r awsfake.Result) {
					mu.Lock()
					defer mu.Unlock()
					switch c := r.Call; {
					case !counting:
					case c.Operation == "Scan":
						looks++
					case c.Operation == "UpdateItem" && strings.HasPrefix(c.Key, "shardId-"):
						writes[c.Key]++
						writeUnits += r.WriteUnits
					default:
						units[c.Caller] += r.ReadUnits
					}
				}
				f.createTable()
				f.produce(64, time.Second)
				for i := range workers {
					f.start(fmt.Sprintf("w%d", i), nil)
					time.Sleep(100 * time.Millisecond)
				}
				time.Sleep(2 * time.Minute)
				mu.Lock()
				counting = true
				mu.Unlock()
				minutes := 5.0
				if testing.Short() {
					minutes = 1
				}
				time.Sleep(time.Duration(minutes) * time.Minute)
				mu.Lock()
				defer mu.Unlock()
				counting = false
				if len(writes) != 16 {
					t.Errorf("%d leases were written, want 16", len(writes))
				}
				total := 0
				for key, n := range writes {
					total += n
					if perMinute := float64(n) / minutes; perMinute > 12 {
						t.Errorf("%s was written %.2f times a minute, want at most 12", key, perMinute)
					}
				}
				if writeUnits != float64(total) {
					t.Errorf("%d writes of lease items cost %v units, want one each", total, writeUnits)
				}
				if perSecond := float64(looks) / (minutes * 60); perSecond > 2.01 {
					t.Errorf("%.2f looks a second, want at most 2", perSecond)
				}
				for worker, n := range units {
					if perMinute := n / minutes; perMinute > 36.1 {
						t.Errorf("%s reads %.2f units a minute, want at most 36", worker, perMinute)
					}
				}
				if f.repeats != 0 {
					t.Errorf("%d records came twice", f.repeats)
				}
			})
		})
	}
}
