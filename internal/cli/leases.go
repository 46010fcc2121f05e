package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leasehold/leasehold/dynamolease"
	"github.com/leasehold/leasehold/kinesisstream"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

func (p *program) leasesCommand() *cobra.Command {
	return group("leases", "Who has what, and how far is it", p.leasesListCommand())
}

func (p *program) leasesListCommand() *cobra.Command {
	var observe time.Duration
	var tables tableFlags
	c := &cobra.Command{
		Use:   "list [KEY...]",
		Short: "The leases of an application, the worst first",
		Long: `The leases of an application, of any Kinesis Client Library, the worst first.

A lease holds no time, so that one look cannot tell whether its owner lives.
With --observe the table is looked at until each counter has moved, or stood
still for longer than the failover time, or the time is over.

With --stream, a name or an ARN, the shards of the stream are looked at too:
shards without a lease are found, leases without a shard, and leases that are
finished though their shard is open, so that nobody reads it.`,
		Example: `  leasehold leases list -a orders-app
  leasehold leases list -a orders-app -s orders --observe 12s
  leasehold leases list -a orders-app -o jsonl`,
		Args: count(0, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if p.flags.app == "" {
				return usage("no application is named").hinted("--app NAME, or LEASEHOLD_APP")
			}
			if observe < 0 {
				return usage("--observe %v: it must not be negative", observe)
			}
			return p.listLeases(cmd.Context(), args, tables, observe)
		},
	}
	c.Flags().DurationVar(&observe, "observe", 0, "look more than once, for up to this time (default: one look)")
	tables.addLook(c, "")
	return c
}

// listLeases prints the leases with these keys, or all.
func (p *program) listLeases(ctx context.Context, keys []string, tables tableFlags, observe time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime+observe)
	defer cancel()
	if err := checkTableName(p.flags.app); err != nil {
		return err
	}
	var source *kinesisstream.Stream
	var shards []stream.Shard
	if p.flags.stream != "" {
		ref, err := p.parseStream(p.flags.stream)
		if err != nil {
			return err
		}
		if source, shards, err = p.openStream(ctx, ref); err != nil {
			return err
		}
	}
	w, views, err := p.seeLeases(ctx, source, shards, tables, observe)
	if err != nil {
		return err
	}
	shown, err := pick(views, keys)
	if err != nil {
		return while(err, "list leases of %s", p.flags.app)
	}
	if j, ok := p.asJSON(); ok {
		for _, v := range shown {
			if err := j.object(p.leaseObject(w, v)); err != nil {
				return err
			}
		}
		return j.close()
	}
	return p.printLeases(w, source, views, shown)
}

// openStream opens a stream and lists its shards.
func (p *program) openStream(ctx context.Context, ref streamRef) (*kinesisstream.Stream, []stream.Shard, error) {
	client, _, err := p.kinesisClient(ctx)
	if err != nil {
		return nil, nil, err
	}
	source := ref.open(client)
	shards, err := shardsOf(ctx, source)
	return source, shards, while(err, "list shards of %s", ref.name)
}

// seeLeases looks at the application's table and judges what it sees. Shards
// are those of the source, which is nil if no stream was named.
func (p *program) seeLeases(ctx context.Context, source *kinesisstream.Stream, shards []stream.Shard, tables tableFlags, observe time.Duration) (*watch, []leaseView, error) {
	app := p.flags.app
	if err := checkTableName(app); err != nil {
		return nil, nil, err
	}
	dynamo, err := p.dynamoClient(ctx)
	if err != nil {
		return nil, nil, err
	}
	client := &lookClient{Client: dynamo}
	cfg, err := tables.config()
	if err != nil {
		return nil, nil, err
	}
	// Whether the application reads one stream or several is not known, and for
	// a look it does not matter.
	cfg.Keys = dynamolease.EitherKeys
	store, err := dynamolease.NewWithConfig(client, app, cfg)
	if err != nil {
		return nil, nil, err
	}
	if err := checkTable(ctx, store, app); err != nil {
		return nil, nil, err
	}
	w, err := p.look(ctx, store, observe)
	if err != nil {
		return nil, nil, while(err, "read lease table %s", app)
	}
	client.tell(p)
	if source == nil {
		return w, judge(w, "", nil, p.flags.failover), nil
	}
	views := judge(w, source.Name(), shards, p.flags.failover)
	if slices.ContainsFunc(views, unread) {
		// The shards were listed before the look at the table: one may have
		// ended in between.
		if shards, err = shardsOf(ctx, source); err != nil {
			return nil, nil, while(err, "list shards of %s", source.Name())
		}
		views = judge(w, source.Name(), shards, p.flags.failover)
	}
	p.tellUnread(views)
	return w, views, nil
}

// tellUnread says what to make of leases that are finished before their shards.
func (p *program) tellUnread(views []leaseView) {
	var shards []string
	for _, v := range views {
		if unread(v) {
			shards = append(shards, shortShard(v.shard))
		}
	}
	if len(shards) == 0 {
		return
	}
	p.say("nobody reads these shards, which are open, and finished by their leases: %s", someOf(shards))
	p.say("hint: if the stream was deleted and made again, the leases are of the old one: stop the workers and delete table %s", p.flags.app)
}

// checkTable refuses a table that is not there or holds no leases.
func checkTable(ctx context.Context, store lease.Store, app string) error {
	t, err := store.DescribeTable(ctx)
	if err != nil {
		return while(err, "read lease table %s", app)
	}
	what := "read lease table " + app
	switch {
	case t.Status == lease.Missing:
		return &Error{Code: notFound, What: what, Why: "the table does not exist",
			Hint: "an application's table has its name; check --app, --region and --profile, or the endpoint in force"}
	case t.Foreign != "":
		return &Error{Code: refused, What: what, Why: "this is not a lease table: " + t.Foreign,
			Hint: "the table belongs to something else; check --app"}
	case !t.Usable():
		return &Error{Code: tryAgain, What: what, Why: "the table is " + t.Status.String(), Hint: hints[tryAgain]}
	}
	return nil
}

// pick returns the views with these keys, or all for none.
func pick(views []leaseView, keys []string) ([]leaseView, error) {
	if len(keys) == 0 {
		return views, nil
	}
	wanted := map[string]bool{}
	for _, key := range keys {
		full := fullShard(key)
		var found []string
		for _, v := range views {
			if v.key == key || v.key == full || v.shard == full {
				found = append(found, v.key)
			}
		}
		switch {
		case len(found) == 0:
			return nil, &Error{Code: notFound, Why: fmt.Sprintf("there is no lease %s", key), Hint: "without a key all leases are listed"}
		case len(found) > 1 && !slices.Contains(found, key):
			return nil, usage("lease %s may be one of %s", key, strings.Join(found, ", "))
		case len(found) > 1:
			found = []string{key}
		}
		wanted[found[0]] = true
	}
	return slices.DeleteFunc(slices.Clone(views), func(v leaseView) bool { return !wanted[v.key] }), nil
}

// printLeases prints a line about all leases, and a table of those shown.
func (p *program) printLeases(w *watch, source *kinesisstream.Stream, all, shown []leaseView) error {
	if _, err := io.WriteString(p.stdout, p.leaseSummary(w, source, all)+"\n"); err != nil {
		return err
	}
	t := table{header: []string{"SHARD", "STATE", "OWNER", "ALIVE", "CHECKPOINT", "KB/S", "SWITCHES"}}
	if slices.ContainsFunc(shown, func(v leaseView) bool { return v.unreadable != nil }) {
		t.header = append(t.header, "FAULT")
	}
	for _, v := range shown {
		row := make([]cell, len(t.header))
		row[0].text, row[1] = v.name(), v.state.cell(p.stdout)
		switch l := v.lease; {
		case v.unreadable != nil:
			row[7].text = "attribute " + v.unreadable.Attribute + " " + v.unreadable.Reason
		case l != nil:
			row[2].text = l.Owner
			if l.HandingOff() {
				row[2].text += p.stdout.glyph(" → ", " -> ") + l.NextOwner
			}
			row[3].text = p.aliveText(w, v)
			row[4].text = p.shortPosition(l.Checkpoint)
			if l.Throughput != nil {
				row[5].text = strconv.FormatFloat(*l.Throughput, 'f', 0, 64)
			}
			row[6].text = fmt.Sprint(l.Switches)
		}
		t.rows = append(t.rows, row)
	}
	return t.print(p.stdout)
}

// name is the lease as people see it: the shard, or the whole key where the
// shard alone could be one of several streams.
func (v leaseView) name() string {
	if v.shard == v.key {
		return shortShard(v.key)
	}
	return v.key
}

// leaseSummary is the line above the table.
func (p *program) leaseSummary(w *watch, source *kinesisstream.Stream, all []leaseView) string {
	workers := map[string]bool{}
	for _, worker := range w.last.Workers {
		workers[worker.ID] = true
	}
	counts := map[string]int{}
	for _, v := range all {
		group := string(v.state)
		if v.lease != nil && v.lease.Owner != "" && !v.lease.Finished() {
			workers[v.lease.Owner] = true
			group = "owned"
		}
		counts[group]++
	}
	var parts []string
	add := func(group string) {
		if n := counts[group]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, group))
		}
	}
	add("owned")
	for _, look := range stateLooks {
		add(string(look.state))
	}
	dash := p.stdout.glyph("–", "-")
	leader, streamName := dash, dash
	if w.last.Lock != nil && w.last.Lock.Owner != "" {
		leader = w.last.Lock.Owner
	}
	if source != nil {
		streamName = source.Name()
	}
	s := fmt.Sprintf("APP %s   STREAM %s   LEADER %s   WORKERS %d   LEASES %d", p.flags.app, streamName, printable(leader), len(workers), len(w.last.Leases))
	if len(parts) > 0 {
		s += " (" + strings.Join(parts, ", ") + ")"
	}
	return s
}

// reportFresh is how old a worker's last report may be, by wall clock, to be
// shown beside a lease that was looked at once.
const reportFresh = time.Minute

// aliveText says whether a lease's owner lives: yes and no are seen; else it is
// a question, with the age of the owner's last report if that is young.
func (p *program) aliveText(w *watch, v leaseView) string {
	switch {
	case v.lease.Owner == "" || v.lease.Finished():
		return ""
	case v.alive != nil && *v.alive:
		return "yes"
	case v.alive != nil:
		return "no"
	}
	for _, worker := range w.last.Workers {
		age := w.seen.Sub(worker.Reported)
		if worker.ID == v.lease.Owner && age >= 0 && age < reportFresh {
			return fmt.Sprintf("? (%v ago)", age.Truncate(time.Second))
		}
	}
	return "?"
}

// shortPosition shows the last digits of a sequence number, which tell two
// positions of one shard apart.
func (p *program) shortPosition(pos lease.Position) string {
	text := pos.Text()
	if pos.IsRecord() && len(text) > 4 {
		text = p.stdout.glyph("…", "..") + text[len(text)-4:]
	}
	if pos.Sub() != 0 {
		text += fmt.Sprintf(" sub %d", pos.Sub())
	}
	return text
}
