package demo

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Demo is one telling of the story.
type Demo struct {
	cfg      Config
	board    *board
	services *services
	fleet    *fleet
	rnd      *rand.Rand
	keys     []string

	produceCtx  context.Context
	stopProduce context.CancelFunc
	producing   sync.WaitGroup

	result Result
}

// A Result is the sum of a story.
type Result struct {
	// Produced records were written, and Delivered of them, counted once each,
	// were printed by a worker.
	Produced, Delivered int
	// Lost records were written and not delivered; OutOfOrder ones came after a
	// later record of their key.
	Lost, OutOfOrder int
	// Repeated counts the deliveries beyond the first. Those after a crash, a
	// pause, or a lease that a worker lost to a busy machine are explained.
	Repeated, AfterCrash, AfterPause, AfterLoss, Unexplained int
	// Shards are open at the end. Workers were started.
	Shards, Workers int
	// How often what happened.
	Splits, Merges, Kills, Pauses, Stops int
	// Takeover is the time from the kill to the first record of the last of the
	// dead worker's shards elsewhere.
	Takeover, Failover time.Duration
	// TableWrites counts the workers' writes to the lease table.
	TableWrites int
}

// The reasons why records may come twice.
const (
	crashExcuse = "crash"
	pauseExcuse = "pause"
	lostExcuse  = "lost"
)

// Good reports whether nothing was lost or out of order.
func (r Result) Good() bool { return r.Lost == 0 && r.OutOfOrder == 0 }

// Start starts the services, the stream and the producer. Close ends them.
func Start(cfg Config) (*Demo, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	d := &Demo{cfg: cfg, board: newBoard(), rnd: rand.New(rand.NewPCG(cfg.Seed, 0))}
	s, err := serve(d.board)
	if err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	d.services = s
	d.keys = keys(d.rnd, cfg.Shards)
	d.result = Result{Failover: cfg.Failover}
	d.services.fakes.Kinesis.Create(Stream, cfg.Shards)
	d.fleet = newFleet(cfg, s.url, d.board)
	d.resume()
	return d, nil
}

// resume lets the producer write.
func (d *Demo) resume() {
	d.produceCtx, d.stopProduce = context.WithCancel(context.Background())
	d.producing.Go(func() { produce(d.produceCtx, d.services, d.board, d.cfg.Rate, d.rnd, d.keys) })
}

// halt stops the producer and waits for it.
func (d *Demo) halt() {
	d.stopProduce()
	d.producing.Wait()
}

// URL is where both services are.
func (d *Demo) URL() string { return d.services.url }

// Close ends everything that the demo started.
func (d *Demo) Close() {
	d.halt()
	d.fleet.close()
	d.services.close()
}

// Run tells the story, and returns its sum. With keep the workers that are left
// run on, and records are written, until Close; else the workers have stopped.
//
// The error is ctx's if that is done first, and says what went wrong if the story
// could not be told to its end. The sum is then of what happened until then.
func (d *Demo) Run(ctx context.Context, keep bool) (Result, error) {
	err := d.tell(ctx, keep)
	d.halt()
	d.count()
	if err == nil && keep {
		d.resume()
	}
	return d.result, err
}

// Wait waits until ctx is done, and returns nil, or until a worker ends by itself,
// and returns why.
func (d *Demo) Wait(ctx context.Context) error {
	const ever = 100 * 365 * 24 * time.Hour
	err := d.board.sleep(ctx, time.Now().Add(ever))
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// tell goes through the script.
func (d *Demo) tell(ctx context.Context, keep bool) error {
	began := time.Now()
	d.say("stream %s with %d %s, %d records/s, failover time %s; records are numbered, and every one is checked",
		Stream, d.cfg.Shards, plural(d.cfg.Shards, "shard", "shards"), d.cfg.Rate, d.cfg.Failover)
	s := &story{Demo: d, ctx: ctx}
	acts := d.cfg.acts
	if acts == nil {
		acts = script(d.cfg.Duration, d.cfg.Workers, canPause)
	}
	for _, m := range acts {
		if err := s.until(began.Add(m.at)); err != nil {
			return err
		}
		var err error
		switch m.act {
		case joins:
			err = s.join(workerName(m.worker))
		case kills:
			err = s.kill()
		case splits:
			err = s.split()
		case merges:
			err = s.merge()
		case pauses:
			err = s.pause()
		case stops:
			err = s.stop()
		case sums:
			err = s.sum(keep)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// count sums up.
func (d *Demo) count() {
	shards := len(d.services.openShards())
	d.board.read(func() {
		c := d.board.check
		by := c.repeats()
		r := &d.result
		r.Produced, r.Delivered, r.Lost, r.OutOfOrder = c.total(), c.distinct, c.missing(), c.disordered
		r.Repeated, r.AfterCrash, r.AfterPause, r.AfterLoss, r.Unexplained = c.repeated, by[crashExcuse], by[pauseExcuse], by[lostExcuse], by[""]
		r.Shards, r.TableWrites = shards, d.board.writes
	})
}

func (d *Demo) say(format string, args ...any) { d.cfg.Say(fmt.Sprintf(format, args...)) }

// short is how people see a shard: 7 for shardId-000000000007.
func short(shard string) string {
	n, err := strconv.Atoi(strings.TrimPrefix(shard, "shardId-"))
	if err != nil {
		return shard
	}
	return strconv.Itoa(n)
}

// compareShards orders shards by their number. All IDs have the same length.
func compareShards(a, b string) int { return cmp.Compare(a, b) }

// and joins words: "a", "a and b", "a, b and c".
func and(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// plural is the word for n of a thing.
func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// seconds writes a duration as people say it.
func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
