package cli

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/leasehold/leasehold"
	"github.com/leasehold/leasehold/dynamolease"
	"github.com/leasehold/leasehold/kinesisstream"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// groupFlags are the flags of consume that only a worker of an application has.
type groupFlags struct {
	worker          string
	checkpointEvery time.Duration
	stdinControl    bool
	table           tableFlags
}

// add declares the flags.
func (g *groupFlags) add(c *cobra.Command) {
	fs := c.Flags()
	fs.StringVar(&g.worker, "worker", "", "with --app: this worker's `NAME`, different from all others (default: host, process ID and a random part)")
	fs.DurationVar(&g.checkpointEvery, "checkpoint-every", 0, "with --app: how old a checkpoint may get; 0 stores one after every batch (default: with each renewal of the lease, half a failover time)")
	fs.BoolVar(&g.stdinControl, "stdin-control", false, "with --app: stop cleanly at the line \"stop\" on stdin, and end at once with stdin")
	g.table.addMake(c, "with --app: ")
	// It is for the program that starts the worker and must not outlive it.
	fs.Lookup("stdin-control").Hidden = true
}

// refuse refuses the flags where there is no application.
func (g *groupFlags) refuse(cmd *cobra.Command) error {
	names := append([]string{"worker", "checkpoint-every", "stdin-control"}, tableFlagNames...)
	if name := given(cmd, names...); name != "" {
		return usage("--%s is for an application, and none is named", name).hinted("--app NAME")
	}
	return nil
}

// checkpoints says how a worker is to store checkpoints so that none gets older
// than asked for: the mode, and the time between renewals, 0 for the default.
func (g *groupFlags) checkpoints(given bool, failover time.Duration) (leasehold.Checkpoint, time.Duration, error) {
	every := g.checkpointEvery
	// A renewal is up to a tenth late, so that workers do not all write at once.
	renew := every * 10 / 11
	switch {
	case !given:
		return leasehold.WithRenewals, 0, nil
	case every < 0:
		return 0, 0, usage("--checkpoint-every %v is negative", every)
	case every < quickest:
		return leasehold.EveryBatch, 0, nil
	case renew >= failover/2:
		return leasehold.WithRenewals, 0, nil
	}
	return leasehold.WithRenewals, renew, nil
}

// quickest is the shortest time between renewals that is worth having: shards
// are polled no faster, so that a checkpoint for every batch is no more writes.
const quickest = 200 * time.Millisecond

// leastFailover is the shortest failover time that a worker takes.
const leastFailover = time.Second

// groupStart is where an application without leases begins.
func groupStart(text string, given bool) (stream.Start, error) {
	if !given {
		return leasehold.TrimHorizon, nil
	}
	start, err := parseStart(text)
	if err == nil && start.Position.IsRecord() {
		err = usage("position %q is a place in one shard, and an application reads all shards", text)
	}
	return start, err
}

// consumeGroup is a worker of the application until it is asked to stop.
func (p *program) consumeGroup(cmd *cobra.Command, from streamRef, f consumeFlags) error {
	given := cmd.Flags().Changed
	app, name := p.flags.app, from.name
	if err := checkTableName(app); err != nil {
		return err
	}
	if f.shard != "" {
		return usage("--shard %s: an application reads all shards", f.shard).hinted("leave out --app and LEASEHOLD_APP to read one shard")
	}
	if err := f.checkEnd(cmd); err != nil {
		return err
	}
	if p.flags.failover < leastFailover {
		return usage("failover time %v: a worker's is %v or more", p.flags.failover, leastFailover)
	}
	start, err := groupStart(f.from, given("from"))
	if err != nil {
		return err
	}
	mode, renew, err := f.group.checkpoints(given("checkpoint-every"), p.flags.failover)
	if err != nil {
		return err
	}
	table, err := f.group.table.config()
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(p.stdout, 64<<10)
	printer, err := p.recordPrinter(out, name, f, given("format"))
	if err != nil {
		return err
	}

	ctx, stop := context.WithCancel(cmd.Context())
	defer stop()
	source, store, err := p.group(ctx, from, app, table)
	if err != nil {
		return while(err, "consume stream %s as application %s", name, app)
	}
	h := &printing{out: out, printer: printer, stop: stop, left: f.limit}
	log := &groupLog{p: p, app: app, stream: name}
	cfg := leasehold.Config{
		Stream:       source,
		Leases:       store,
		Handler:      h,
		Worker:       f.group.worker,
		Start:        start,
		FailoverTime: p.flags.failover,
		RenewEvery:   renew,
		Checkpoint:   mode,
		Logger:       slog.New(log),
	}
	if f.limit > 0 {
		cfg.Stream = oneByOne{source}
	}
	var tip *tipWatch
	if f.untilCaughtUp {
		tip = newTipWatch(source, store)
		cfg.OnProgress = tip.progress
	}
	w, err := leasehold.New(cfg)
	if err != nil {
		return usage("%v", err)
	}
	log.worker = w.Name()
	if f.length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.length)
		defer cancel()
	}
	var watching sync.WaitGroup
	if tip != nil {
		watching.Go(func() { tip.run(ctx, w.Name(), stop) })
	}
	err = p.runWorker(ctx, w, stop, f.group.stdinControl)
	stop()
	watching.Wait()
	if err != nil {
		return while(err, "consume stream %s as application %s", name, app)
	}
	if h.err != nil {
		return while(h.err, "print records")
	}
	if err := printer.close(); err != nil {
		return err
	}
	return out.Flush()
}

// group opens the stream and the lease table, and refuses what a worker cannot
// work on before it writes anything.
func (p *program) group(ctx context.Context, from streamRef, app string, cfg dynamolease.Config) (*kinesisstream.Stream, *dynamolease.Store, error) {
	client, _, err := p.kinesisClient(ctx)
	if err != nil {
		return nil, nil, err
	}
	dynamo, err := p.dynamoClient(ctx)
	if err != nil {
		return nil, nil, err
	}
	source := from.open(client)
	store, err := dynamolease.NewWithConfig(dynamo, app, cfg)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if _, err := shardsOf(ctx, source); err != nil {
		return nil, nil, err
	}
	table, err := store.DescribeTable(ctx)
	if err != nil {
		return nil, nil, err
	}
	if table.Foreign != "" {
		return nil, nil, &Error{Code: refused, Why: "table " + app + " is not a lease table: " + table.Foreign, Hint: "the application's name is that of its table; choose another"}
	}
	if table.Status == lease.Deleting {
		return nil, nil, &Error{Code: tryAgain, Why: "lease table " + app + " is being deleted", Hint: hints[tryAgain]}
	}
	return source, store, nil
}

// errOrphan is why a worker ends whose starter has gone.
var errOrphan = errors.New("whoever started this worker has gone")

// runWorker runs the worker. If stdin controls it, it stops at a line on stdin,
// and does not wait for it once stdin has ended: there is nobody to wait for. The
// goroutine that reads stdin lasts as long as the process, as does the worker
// that is not waited for: the command ends now.
func (p *program) runWorker(ctx context.Context, w *leasehold.Worker, stop func(), stdin bool) error {
	if !stdin {
		return w.Run(ctx)
	}
	ran := make(chan error, 1)
	go func() { ran <- w.Run(ctx) }()
	orphan := make(chan struct{})
	go func() {
		defer close(orphan)
		lines := bufio.NewScanner(p.stdin)
		for lines.Scan() {
			if lines.Text() == "stop" {
				stop()
			}
		}
	}()
	select {
	case err := <-ran:
		return err
	case <-orphan:
		return errOrphan
	}
}
