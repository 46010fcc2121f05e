package cli

import (
	"bufio"
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// consumeFlags are the flags of consume.
type consumeFlags struct {
	from          string
	shard         string
	limit         int
	length        time.Duration
	untilCaughtUp bool
	format        string
	data          string

	group groupFlags
}

func (p *program) consumeCommand() *cobra.Command {
	var f consumeFlags
	c := &cobra.Command{
		Use:   "consume STREAM",
		Short: "Read the records of a stream",
		Long: `Read the records of all shards of a stream, which is given by name or ARN,
without leases and without a table.
With --app, be a worker of that application: share the shards with its other
workers, and store how far each is.

The records of a shard come in order, and those of a child only when all of its
parents are read to their end. A closed output pipe is a clean end.

A template has %t arrival time, %p shard, %k partition key, %s sequence number,
%S sub-sequence number, %l length of the data, %a age, %d data, %% and \n \t \\.`,
		Example: `  leasehold consume orders --local -n 10 --from trim-horizon
  leasehold consume orders --local --from -1h --until-caught-up -f data
  leasehold consume orders --local -f '%t %p %k %d\n'
  leasehold consume orders --local --app mailer --worker w-a`,
		Args: count(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			source, err := p.streamToRead(cmd, args)
			if err != nil {
				return err
			}
			if p.flags.app != "" {
				return p.consumeGroup(cmd, source, f)
			}
			if err := f.group.refuse(cmd); err != nil {
				return err
			}
			return p.consume(cmd, source, f)
		},
	}
	fs := c.Flags()
	fs.StringVar(&f.from, "from", "latest", "where to begin (with --app: trim-horizon, and only for an application without leases): `POS` is "+positionHelp)
	fs.StringVar(&f.shard, "shard", "", "read this shard only, to its end")
	fs.IntVarP(&f.limit, "number", "n", 0, "end after so many records (default: no end)")
	fs.DurationVar(&f.length, "for", 0, "end after this time (default: no end)")
	fs.BoolVar(&f.untilCaughtUp, "until-caught-up", false, "end when all shards are read to their tip")
	fs.StringVarP(&f.format, "format", "f", "jsonl", "jsonl, data (its bytes and a newline), or a template")
	fs.StringVar(&f.data, "data", "auto", "auto (text if it is UTF-8, else base64), text, base64 or none")
	f.group.add(c)
	return c
}

// checkEnd checks the flags that say when to end.
func (f *consumeFlags) checkEnd(cmd *cobra.Command) error {
	if f.limit < 0 || cmd.Flags().Changed("number") && f.limit == 0 {
		return usage("-n %d: want a number of 1 or more", f.limit)
	}
	if f.length < 0 || cmd.Flags().Changed("for") && f.length == 0 {
		return usage("--for %v: it must be longer than 0", f.length)
	}
	return nil
}

// consume reads the stream without leases.
func (p *program) consume(cmd *cobra.Command, ref streamRef, f consumeFlags) error {
	ctx, name := cmd.Context(), ref.name
	from, err := parseStart(f.from)
	if err != nil {
		return err
	}
	if err := f.checkEnd(cmd); err != nil {
		return err
	}
	if from.Position.IsRecord() && f.shard == "" {
		return usage("position %q is a place in one shard, and no shard is named", f.from).hinted("--shard 7")
	}
	out := bufio.NewWriterSize(p.stdout, 64<<10)
	printer, err := p.recordPrinter(out, name, f, cmd.Flags().Changed("format"))
	if err != nil {
		return err
	}
	client, _, err := p.kinesisClient(ctx)
	if err != nil {
		return err
	}
	source := ref.open(client)
	listing, stop := context.WithTimeout(ctx, answerTime)
	shards, err := shardsOf(listing, source)
	stop()
	if err != nil {
		return while(err, "read stream %s", name)
	}
	if f.shard != "" {
		id := fullShard(f.shard)
		i := slices.IndexFunc(shards, func(s stream.Shard) bool { return s.ID == id })
		if i < 0 {
			return while(noShard(id, shards), "read stream %s", name)
		}
		shards = shards[i : i+1]
	}
	if f.length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.length)
		defer cancel()
	}
	reading := &peek{
		stream:        source,
		line:          newLineup(shards, from, f.shard != ""),
		untilCaughtUp: f.untilCaughtUp,
		warn:          p.say,
		note:          p.verbose,
		batch: func(shard string, b *stream.Batch) (bool, error) {
			for i := range b.Records {
				if err := printer.record(shard, b, &b.Records[i]); err != nil {
					return false, err
				}
				if f.limit > 0 {
					if f.limit--; f.limit == 0 {
						return true, nil
					}
				}
			}
			return false, out.Flush()
		},
	}
	if err := reading.run(ctx); err != nil {
		return while(err, "read stream %s", name)
	}
	if err := printer.close(); err != nil {
		return err
	}
	return out.Flush()
}

// afterReshard is where the children of a shard begin that is read from start.
func afterReshard(start stream.Start) stream.Start {
	if start.Position == lease.AtTimestamp {
		return start
	}
	return stream.Start{Position: lease.TrimHorizon}
}
