package cli

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/spf13/cobra"

	"github.com/leasehold/leasehold/kinesisstream"
	"github.com/leasehold/leasehold/stream"
)

// mayChange refuses to change what is not on this machine without --yes:
// these commands are for demonstrations and tests, and a stream that is deleted
// or split by mistake cannot be brought back.
func (p *program) mayChange(loopback bool, what string) error {
	if loopback || p.flags.yes {
		return nil
	}
	return &Error{Code: refused, What: what, Why: "refused, since the endpoint is not on this machine",
		Hint: "--yes if it is meant, --local for the services of \"leasehold local\""}
}

// changeStream runs one change of a stream and waits until it has happened.
func (p *program) changeStream(cmd *cobra.Command, name, what string, change func(context.Context, *kinesis.Client) error) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), changeTime)
	defer cancel()
	client, err := p.beginChange(ctx, name, what, change)
	if err != nil {
		return err
	}
	o, err := p.awaitActive(ctx, client, name)
	if err != nil {
		return while(err, "%s: wait until it is done", what)
	}
	p.say("stream %s is %s with %s", name, o.Status, counted(aws.ToInt32(o.OpenShards), "open shard"))
	if j, ok := p.asJSON(); ok {
		if err := j.object(o); err != nil {
			return err
		}
		return j.close()
	}
	return nil
}

// beginChange asks for a change of a stream.
func (p *program) beginChange(ctx context.Context, name, what string, change func(context.Context, *kinesis.Client) error) (*kinesis.Client, error) {
	if err := checkStreamName(name); err != nil {
		return nil, err
	}
	client, loopback, err := p.kinesisClient(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.mayChange(loopback, what); err != nil {
		return nil, err
	}
	// The service answers at once: what takes time is the change.
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	return client, while(change(ctx, client), "%s", what)
}

func (p *program) streamsCreateCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "create NAME SHARDS",
		Short:   "Make a stream with so many shards",
		Example: "  leasehold streams create orders 4 --local",
		Args:    count(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			shards, err := parseShards(args[1])
			if err != nil {
				return err
			}
			return p.changeStream(cmd, args[0], "create stream "+args[0], func(ctx context.Context, client *kinesis.Client) error {
				_, err := client.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: &args[0], ShardCount: &shards})
				return err
			})
		},
	}
}

// parseShards reads a number of shards. (Kinesis API Reference, CreateStream:
// at least 1.)
func parseShards(s string) (int32, error) {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n < 1 {
		return 0, usage("shards %q: want a number of 1 or more", s)
	}
	return int32(n), nil
}

func (p *program) streamsSplitCommand() *cobra.Command {
	var at string
	c := &cobra.Command{
		Use:     "split NAME SHARD",
		Short:   "Split a shard in two",
		Example: "  leasehold streams split orders 1 --local",
		Args:    count(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			id := fullShard(args[1])
			what := fmt.Sprintf("split shard %s of stream %s", shortShard(id), args[0])
			return p.changeStream(cmd, args[0], what, func(ctx context.Context, client *kinesis.Client) error {
				found, err := openShards(ctx, client, args[0], id)
				if err != nil {
					return err
				}
				hash, err := splitAt(found[0], at)
				if err != nil {
					return err
				}
				_, err = client.SplitShard(ctx, &kinesis.SplitShardInput{StreamName: &args[0], ShardToSplit: &id, NewStartingHashKey: &hash})
				return err
			})
		},
	}
	c.Flags().StringVar(&at, "at", "", "the hash key, in decimal, with which the second child begins (default: the middle)")
	return c
}

// splitAt finds the hash key with which the second child of a split begins: the
// one given, if it lies inside the shard, or else the middle.
func splitAt(s stream.Shard, at string) (string, error) {
	start, ok1 := new(big.Int).SetString(s.HashRange.Start, 10)
	end, ok2 := new(big.Int).SetString(s.HashRange.End, 10)
	if !ok1 || !ok2 {
		return "", fmt.Errorf("the shard's hash range %q to %q is not a range of numbers", s.HashRange.Start, s.HashRange.End)
	}
	if start.Cmp(end) >= 0 {
		return "", errors.New("the shard has one hash key only and cannot be split")
	}
	if at == "" {
		middle := new(big.Int).Add(start, end)
		return middle.Rsh(middle.Add(middle, big.NewInt(1)), 1).String(), nil
	}
	hash, ok := new(big.Int).SetString(at, 10)
	if !ok || hash.Cmp(start) <= 0 || hash.Cmp(end) > 0 {
		return "", usage("hash key %q: want a number above %s and up to %s", at, start, end)
	}
	return hash.String(), nil
}

func (p *program) streamsMergeCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "merge NAME SHARD SHARD",
		Short:   "Merge two adjacent shards",
		Example: "  leasehold streams merge orders 2 3 --local",
		Args:    count(3, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, b := fullShard(args[1]), fullShard(args[2])
			what := fmt.Sprintf("merge shards %s and %s of stream %s", shortShard(a), shortShard(b), args[0])
			return p.changeStream(cmd, args[0], what, func(ctx context.Context, client *kinesis.Client) error {
				found, err := openShards(ctx, client, args[0], a, b)
				if err != nil {
					return err
				}
				if !follows(found[0], found[1]) && !follows(found[1], found[0]) {
					return usage("the shards are not adjacent").hinted("leasehold shards list %s shows their ranges", args[0])
				}
				// Kinesis takes them in any order; some emulators want the lower first.
				lower, upper := found[0], found[1]
				if follows(upper, lower) {
					lower, upper = upper, lower
				}
				_, err = client.MergeShards(ctx, &kinesis.MergeShardsInput{StreamName: &args[0], ShardToMerge: &lower.ID, AdjacentShardToMerge: &upper.ID})
				return err
			})
		},
	}
}

// follows reports whether the range of b begins where that of a ends.
func follows(a, b stream.Shard) bool {
	end, ok := new(big.Int).SetString(a.HashRange.End, 10)
	return ok && end.Add(end, big.NewInt(1)).String() == b.HashRange.Start
}

// openShards finds shards that are to be changed, and must be open.
func openShards(ctx context.Context, client *kinesis.Client, name string, ids ...string) ([]stream.Shard, error) {
	all, err := shardsOf(ctx, kinesisstream.New(client, name))
	if err != nil {
		return nil, err
	}
	var found []stream.Shard
	for _, id := range ids {
		i := slices.IndexFunc(all, func(s stream.Shard) bool { return s.ID == id })
		if i < 0 {
			return nil, noShard(id, all)
		}
		if all[i].Closed {
			return nil, &Error{Code: failed, Why: fmt.Sprintf("shard %s is closed", shortShard(id)), Hint: "leasehold shards list " + name + " shows the open ones"}
		}
		found = append(found, all[i])
	}
	return found, nil
}

// noShard says that the stream lacks a shard, and which it has.
func noShard(id string, all []stream.Shard) *Error {
	var names []string
	for _, s := range all {
		names = append(names, shortShard(s.ID))
	}
	return &Error{Code: notFound, Why: fmt.Sprintf("the stream has no shard %s", shortShard(id)), Hint: "it has " + someOf(names)}
}

// someOf is a list that fits a line.
func someOf(names []string) string {
	const most = 20
	if len(names) > most {
		names = append(names[:most:most], "…")
	}
	return strings.Join(names, ", ")
}

func (p *program) streamsDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "delete NAME",
		Short:   "Delete a stream and its records",
		Example: "  leasehold streams delete orders --local",
		Args:    count(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := args[0]
			what := "delete stream " + name
			ctx, cancel := context.WithTimeout(cmd.Context(), changeTime)
			defer cancel()
			client, err := p.beginChange(ctx, name, what, func(ctx context.Context, client *kinesis.Client) error {
				_, err := client.DeleteStream(ctx, &kinesis.DeleteStreamInput{StreamName: &name})
				return err
			})
			if err != nil {
				return err
			}
			if err := p.awaitGone(ctx, client, name); err != nil {
				return while(err, "%s: wait until it is gone", what)
			}
			p.say("stream %s is gone", name)
			return nil
		},
	}
}

// awaitGone waits until the stream is not there any more.
func (p *program) awaitGone(ctx context.Context, client *kinesis.Client, name string) error {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		o, err := describeStream(ctx, client, name)
		if _, ok := errors.AsType[*types.ResourceNotFoundException](err); ok {
			return nil
		}
		if err != nil {
			return err
		}
		p.verbose("stream %s is %s", name, o.Status)
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}
