package cli

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/leasehold/leasehold/internal/demo"
)

// demoFlags are the flags of demo.
type demoFlags struct {
	duration              time.Duration
	shards, workers, rate int
	failover              time.Duration
	seed                  uint64
	keep                  bool
}

func (p *program) demoCommand() *cobra.Command {
	var f demoFlags
	c := &cobra.Command{
		Use:   "demo",
		Short: "See worker processes share a stream, die, sleep and stop, with every record checked",
		Long: `Start both services in this process, write numbered records, and start worker
processes: they join, one is killed, one sleeps past its leases, one stops, and
shards split and merge meanwhile. Every line that they print is checked.

It needs no AWS and no set-up, and leaves nothing behind. It ends with 1 if a
record was lost or came out of order, or if something did not happen in time.`,
		Example: `  leasehold demo
  leasehold demo --duration 30s --json
  leasehold demo --keep`,
		Args: count(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("seed") {
				f.seed = rand.Uint64N(1_000_000)
			}
			return p.demo(cmd.Context(), f)
		},
	}
	fs := c.Flags()
	fs.DurationVar(&f.duration, "duration", time.Minute, "how long the story takes at least; its times scale with it, but no pause is shorter than twice the failover time")
	fs.IntVar(&f.shards, "shards", 4, "shards of the stream")
	fs.IntVar(&f.workers, "workers", 3, "worker processes that join")
	fs.IntVar(&f.rate, "rate", 200, "records a second")
	// In place of the global flag, whose default is that of a real fleet.
	fs.DurationVar(&f.failover, "failover", 3*time.Second, "the fleet's failover time")
	fs.Uint64Var(&f.seed, "seed", 0, "chooses the keys and their turns (default: random)")
	fs.BoolVar(&f.keep, "keep", false, "leave the services and the workers running until Ctrl-C")
	return c
}

// A demoObject is a demo as JSON.
type demoObject struct {
	head
	Produced    int    `json:"records_produced"`
	Delivered   int    `json:"records_delivered"`
	Lost        int    `json:"lost"`
	OutOfOrder  int    `json:"out_of_order"`
	Repeated    int    `json:"repeated"`
	AfterCrash  int    `json:"repeated_after_crash"`
	AfterPause  int    `json:"repeated_after_pause"`
	AfterLoss   int    `json:"repeated_after_loss"`
	Unexplained int    `json:"repeated_unexplained"`
	Shards      int    `json:"shards"`
	Workers     int    `json:"workers"`
	Splits      int    `json:"splits"`
	Merges      int    `json:"merges"`
	Kills       int    `json:"kills"`
	Pauses      int    `json:"pauses"`
	Stops       int    `json:"stops"`
	TakeoverMS  *int64 `json:"takeover_ms"`
	FailoverMS  int64  `json:"failover_ms"`
	TableWrites int    `json:"table_writes"`
	Seed        uint64 `json:"seed"`
}

func newDemoObject(r demo.Result, seed uint64) demoObject {
	o := demoObject{
		head:     kind("demo"),
		Produced: r.Produced, Delivered: r.Delivered, Lost: r.Lost, OutOfOrder: r.OutOfOrder,
		Repeated: r.Repeated, AfterCrash: r.AfterCrash, AfterPause: r.AfterPause, AfterLoss: r.AfterLoss, Unexplained: r.Unexplained,
		Shards: r.Shards, Workers: r.Workers, Splits: r.Splits, Merges: r.Merges, Kills: r.Kills, Pauses: r.Pauses, Stops: r.Stops,
		FailoverMS: r.Failover.Milliseconds(), TableWrites: r.TableWrites, Seed: seed,
	}
	if r.Takeover > 0 {
		o.TakeoverMS = new(r.Takeover.Milliseconds())
	}
	return o
}

// demo tells the story.
func (p *program) demo(ctx context.Context, f demoFlags) error {
	self, err := os.Executable()
	if err != nil {
		return while(err, "find this command")
	}
	j, json := p.asJSON()
	cfg := demo.Config{
		Command:  []string{self},
		Environ:  os.Environ(),
		Duration: f.duration,
		Failover: f.failover,
		Shards:   f.shards,
		Workers:  f.workers,
		Rate:     f.rate,
		Seed:     f.seed,
		Say: func(line string) {
			if json {
				p.say("%s", line)
				return
			}
			fmt.Fprintln(p.stdout, line)
		},
	}
	if p.flags.verbose {
		cfg.Tell = func(worker, event string) { p.say("%s  %s: %s", time.Now().Format("05.000"), worker, event) }
	}
	if err := cfg.Validate(); err != nil {
		return usage("%v", err)
	}
	d, err := demo.Start(cfg)
	if err != nil {
		return while(err, "start the demo")
	}
	defer d.Close()
	result, err := d.Run(ctx, f.keep)
	if json && !errors.Is(err, context.Canceled) {
		if err := j.object(newDemoObject(result, f.seed)); err != nil {
			return err
		}
		if err := j.close(); err != nil {
			return err
		}
	}
	if err != nil {
		return while(err, "demo with seed %d", f.seed)
	}
	if !result.Good() {
		return &Error{Code: failed, What: fmt.Sprintf("demo with seed %d", f.seed),
			Why: fmt.Sprintf("%d records are lost and %d came out of order", result.Lost, result.OutOfOrder)}
	}
	for _, line := range p.demoNext(d.URL(), f) {
		cfg.Say(line)
	}
	if f.keep {
		return while(d.Wait(ctx), "demo with seed %d", f.seed)
	}
	return nil
}

// demoNext is what to try after a demo.
func (p *program) demoNext(url string, f demoFlags) []string {
	if f.keep {
		at := " --endpoint-url " + url
		return []string{
			"all runs on until Ctrl-C; try next:",
			"  leasehold leases list -a " + demo.App + " -s " + demo.Stream + at,
			"  leasehold shards list " + demo.Stream + " -a " + demo.App + at,
			"  leasehold consume " + demo.Stream + " -a " + demo.App + " --failover " + f.failover.String() + " -f '%p %k %d\\n'" + at,
		}
	}
	return []string{
		"try next, each in a terminal of its own:",
		"  leasehold local --stream orders:4",
		"  leasehold produce orders --local --sample orders --rate 200/s",
		"  leasehold consume orders --local --app first -f '%t %p %k %d\\n'",
	}
}
