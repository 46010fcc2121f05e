package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/spf13/cobra"
)

// produceFlags are the flags of produce.
type produceFlags struct {
	format string
	key    string
	sample string
	count  int64
	rate   string
	size   string
	keys   int
	create int32
}

func (p *program) produceCommand() *cobra.Command {
	var f produceFlags
	c := &cobra.Command{
		Use:   "produce STREAM [FILE...]",
		Short: "Write records to a stream",
		Long: `Write records to a stream: the lines of files or of stdin (-), or samples.

Records of one key are stored in their order: one request carries one record of
each key at most, and a record that was refused is sent again before the next of
its key. A request whose answer was lost is sent again too, so that its records
may be stored twice.

--key says which partition key a record gets:
  random       another one for each record (default)
  line         the line itself
  tab          what comes before the first tab; the data is what follows it
  field:PATH   a field of a line of JSON, such as field:user.id
  TEXT         this text, for all records`,
		Example: `  echo hello | leasehold produce orders --local --create 4
  leasehold produce orders --local --sample orders --count 1000 --rate 200/s
  leasehold produce orders --key field:user.id events.jsonl`,
		Args: count(0, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, files, err := p.streamAndRest(cmd, args)
			if err == nil {
				err = checkStreamName(name)
			}
			if err != nil {
				return err
			}
			return p.produce(cmd, name, files, f)
		},
	}
	fs := c.Flags()
	fs.StringVar(&f.format, "format", "lines", "lines, or jsonl: the lines that consume prints")
	fs.StringVar(&f.key, "key", "random", "partition key: random, line, tab, field:PATH or a text")
	fs.StringVar(&f.sample, "sample", "", "make records: orders, clicks or text")
	fs.Int64Var(&f.count, "count", 0, "make so many samples (default: no end)")
	fs.StringVar(&f.rate, "rate", "", "most records a second, such as 500/s (default 500/s for samples, else no limit)")
	fs.StringVar(&f.size, "size", "", "make each sample this long, such as 1k (default: as it comes)")
	fs.IntVar(&f.keys, "keys", 100, "number of different keys of the samples")
	fs.Int32Var(&f.create, "create", 0, "make the stream with so many `SHARDS` if it is missing")
	return c
}

// produce writes to the stream.
func (p *program) produce(cmd *cobra.Command, name string, files []string, f produceFlags) error {
	changed := cmd.Flags().Changed
	if f.sample == "" {
		for _, flag := range []string{"count", "size", "keys"} {
			if changed(flag) {
				return usage("--%s is for samples, and --sample is not given", flag)
			}
		}
	} else if len(files) > 0 || changed("format") {
		return usage("--sample makes the records, and files or a format are given too")
	}
	if changed("create") && f.create < 1 {
		return usage("--create %d: want a number of shards of 1 or more", f.create)
	}
	if changed("count") && f.count < 1 {
		return usage("--count %d: want a number of 1 or more", f.count)
	}
	source, err := p.recordSource(files, f, changed("key"))
	if err != nil {
		return err
	}
	defer source.Close()
	rate, err := parseRate(f.rate, f.sample != "")
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	client, loopback, err := p.kinesisClient(ctx)
	if err != nil {
		return err
	}
	if f.create > 0 {
		if err := p.createMissing(ctx, client, loopback, name, f.create); err != nil {
			return while(err, "create stream %s", name)
		}
	}
	return p.send(ctx, client, name, source, rate, f.sample != "" && f.count == 0)
}

// send writes what source has until it ends or ctx is done. Endless says that
// source has no end, so that being stopped is no failure.
func (p *program) send(ctx context.Context, client *kinesis.Client, name string, source recordSource, rate float64, endless bool) error {
	objects, wanted := p.asJSON()
	meter := newMeter(p)
	s := &sender{
		put: func(ctx context.Context, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
			in.StreamName = &name
			return client.PutRecords(ctx, in)
		},
		stored: func(r outRecord, res types.PutRecordsResultEntry) error {
			meter.stored(r)
			if !wanted {
				return nil
			}
			return objects.object(producedObject(r, res))
		},
		failed: func(r outRecord, why string) {
			meter.failed++
			p.say("line %d: not stored after %d tries: %s", r.line, r.tries, why)
		},
		retried: func(n int) { meter.retried += n },
		warn:    p.say,
		note:    p.verbose,
	}
	feed := startFeed(ctx, source, rate)
	err := s.run(ctx, feed)
	meter.end()
	if wanted {
		// However it ends, what was stored is an array.
		if e := objects.close(); err == nil {
			err = e
		}
	}
	switch {
	case err != nil && endless && errors.Is(err, context.Canceled):
		return nil
	case err != nil:
		e := while(err, "write to stream %s", name)
		if x, ok := errors.AsType[*Error](e); ok && x.Code == notFound {
			return x.hinted("--create SHARDS makes a missing stream")
		}
		return e
	case meter.failed > 0:
		return &Error{Code: failed, What: "write to stream " + name, Why: fmt.Sprintf("%d records could not be stored", meter.failed)}
	}
	return nil
}

// createMissing makes the stream if there is none, and waits until it can be
// written to.
func (p *program) createMissing(ctx context.Context, client *kinesis.Client, loopback bool, name string, shards int32) error {
	ctx, cancel := context.WithTimeout(ctx, changeTime)
	defer cancel()
	_, err := describeStream(ctx, client, name)
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing {
		if err := p.mayChange(loopback, "create stream "+name); err != nil {
			return err
		}
		_, err = client.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: &name, ShardCount: &shards})
		if err == nil {
			p.say("stream %s is being created with %s", name, counted(shards, "shard"))
		}
		if _, raced := errors.AsType[*types.ResourceInUseException](err); raced {
			err = nil
		}
	}
	if err != nil {
		return err
	}
	_, err = p.awaitActive(ctx, client, name)
	return err
}

// produced is a stored record as JSON.
type produced struct {
	head
	Line     int64  `json:"line"`
	Shard    string `json:"shard"`
	Sequence string `json:"sequence"`
	Key      string `json:"key"`
	Retries  int    `json:"retries"`
}

func producedObject(r outRecord, res types.PutRecordsResultEntry) produced {
	o := produced{head: kind("produced"), Line: r.line, Key: r.key, Retries: r.tries}
	if res.ShardId != nil {
		o.Shard = *res.ShardId
	}
	if res.SequenceNumber != nil {
		o.Sequence = *res.SequenceNumber
	}
	return o
}

// recordSource finds where the records come from.
func (p *program) recordSource(files []string, f produceFlags, keyGiven bool) (recordSource, error) {
	if !slices.Contains([]string{"lines", "jsonl"}, f.format) {
		return nil, usage("--format %q: want lines or jsonl", f.format)
	}
	if f.key == "" {
		return nil, usage("--key is empty")
	}
	if f.format == "jsonl" && keyGiven {
		return nil, usage("--format jsonl takes the keys from its lines, and --key is given too")
	}
	if f.sample != "" {
		size, err := parseSize(f.size)
		if err != nil {
			return nil, err
		}
		if f.keys < 1 {
			return nil, usage("--keys %d: want a number of 1 or more", f.keys)
		}
		s, err := newSample(f.sample, f.count, size, f.keys)
		if err != nil {
			return nil, err
		}
		if keyGiven {
			s.key = keyRule(f.key)
		}
		return s, nil
	}
	parse := lineRecord(keyRule(f.key))
	if f.format == "jsonl" {
		parse = objectRecord
	}
	l := &lineSource{parse: parse, open: []io.Reader{p.stdin}}
	if len(files) > 0 {
		l.open = nil
	}
	for _, path := range files {
		if path == "-" {
			l.open = append(l.open, p.stdin)
			continue
		}
		file, err := os.Open(path)
		if err != nil {
			l.Close()
			return nil, &Error{Code: failed, Why: err.Error(), Err: err}
		}
		l.open = append(l.open, file)
		l.files = append(l.files, file)
	}
	return l, nil
}

// parseRate reads "500/s" or "500"; 0 is no limit.
func parseRate(s string, sample bool) (float64, error) {
	if s == "" {
		if sample {
			return 500, nil
		}
		return 0, nil
	}
	n, err := strconv.ParseFloat(strings.TrimSuffix(s, "/s"), 64)
	if err != nil || !(n > 0) || n > 1e9 {
		return 0, usage("--rate %q: want records a second, such as 500/s", s)
	}
	return n, nil
}

// parseSize reads a number of bytes, with k or M for 1024 and 1024².
func parseSize(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	unit := 1
	digits := s
	switch s[len(s)-1] {
	case 'k', 'K':
		digits, unit = s[:len(s)-1], 1<<10
	case 'm', 'M':
		digits, unit = s[:len(s)-1], 1<<20
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || n > maxRecord/unit {
		return 0, usage("--size %q: want a number of bytes up to 10M, such as 1k", s)
	}
	return n * unit, nil
}
