package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/spf13/cobra"
)

// answerTime is how long a command that only looks waits for the services.
const answerTime = 30 * time.Second

func (p *program) streamsCommand() *cobra.Command {
	return group("streams", "What streams there are; make, reshard and delete them",
		p.streamsListCommand(),
		p.streamsShowCommand(),
		p.streamsCreateCommand(),
		p.streamsSplitCommand(),
		p.streamsMergeCommand(),
		p.streamsDeleteCommand(),
	)
}

// streamObject is a stream as JSON.
type streamObject struct {
	head
	Stream      string  `json:"stream"`
	ARN         *string `json:"arn"`
	Status      string  `json:"status"`
	Mode        *string `json:"mode"`
	OpenShards  *int32  `json:"open_shards"`
	RetentionMS *int64  `json:"retention_ms"`
	Consumers   *int32  `json:"consumers"`
	Encryption  *string `json:"encryption"`
	CreatedAt   *string `json:"created_at"`
}

func (p *program) streamsListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "The streams of the account and region",
		Example: "  leasehold streams list --local",
		Args:    count(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), answerTime)
			defer cancel()
			client, _, err := p.kinesisClient(ctx)
			if err != nil {
				return err
			}
			names, err := streamNames(ctx, client)
			if err != nil {
				return while(err, "list streams")
			}
			var all []streamObject
			for _, name := range names {
				o, err := describeStream(ctx, client, name)
				if _, gone := errors.AsType[*types.ResourceNotFoundException](err); gone {
					continue // deleted since it was listed
				}
				if err != nil {
					return while(err, "describe stream %s", name)
				}
				all = append(all, o)
			}
			return p.printStreams(all)
		},
	}
}

// streamNames lists all streams.
func streamNames(ctx context.Context, client *kinesis.Client) ([]string, error) {
	var names []string
	in := &kinesis.ListStreamsInput{}
	for {
		out, err := client.ListStreams(ctx, in)
		if err != nil {
			return nil, err
		}
		names = append(names, out.StreamNames...)
		if !aws.ToBool(out.HasMoreStreams) || len(out.StreamNames) == 0 {
			return names, nil
		}
		in.ExclusiveStartStreamName = &names[len(names)-1]
	}
}

func (p *program) streamsShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "One stream",
		Example: "  leasehold streams show orders --local -o json",
		Args:    count(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := p.streamName(cmd, args)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), answerTime)
			defer cancel()
			client, _, err := p.kinesisClient(ctx)
			if err != nil {
				return err
			}
			o, err := describeStream(ctx, client, name)
			if err != nil {
				return while(err, "describe stream %s", name)
			}
			return p.printStreams([]streamObject{o})
		},
	}
}

// describeStream asks for one stream.
func describeStream(ctx context.Context, client *kinesis.Client, name string) (streamObject, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	out, err := client.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &name})
	if err != nil {
		return streamObject{}, err
	}
	d := out.StreamDescriptionSummary
	if d == nil {
		return streamObject{}, errors.New("the answer describes no stream")
	}
	o := streamObject{
		head:       kind("stream"),
		Stream:     name,
		ARN:        d.StreamARN,
		Status:     string(d.StreamStatus),
		OpenShards: d.OpenShardCount,
		Consumers:  d.ConsumerCount,
		Encryption: orNull(string(d.EncryptionType)),
		CreatedAt:  instant(aws.ToTime(d.StreamCreationTimestamp)),
	}
	if d.StreamModeDetails != nil {
		o.Mode = orNull(string(d.StreamModeDetails.StreamMode))
	}
	if d.RetentionPeriodHours != nil {
		o.RetentionMS = new((time.Duration(*d.RetentionPeriodHours) * time.Hour).Milliseconds())
	}
	return o, nil
}

// printStreams prints streams as asked for.
func (p *program) printStreams(all []streamObject) error {
	if j, ok := p.asJSON(); ok {
		for _, o := range all {
			if err := j.object(o); err != nil {
				return err
			}
		}
		return j.close()
	}
	t := table{header: []string{"STREAM", "STATUS", "MODE", "OPEN SHARDS", "RETENTION", "CONSUMERS", "ENCRYPTION"}}
	for _, o := range all {
		t.add(o.Stream, o.Status, aws.ToString(o.Mode), number(o.OpenShards), retention(o.RetentionMS), number(o.Consumers), aws.ToString(o.Encryption))
	}
	return t.print(p.stdout)
}

// counted is n of a thing.
func counted(n int32, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

func number(n *int32) string {
	if n == nil {
		return ""
	}
	return fmt.Sprint(*n)
}

func retention(ms *int64) string {
	if ms == nil {
		return ""
	}
	return fmt.Sprintf("%d h", *ms/time.Hour.Milliseconds())
}

// changeTime is how long a change of a stream may take. Kinesis needs some
// 30 s for one; an account's limits can make it wait.
const changeTime = 10 * time.Minute

// awaitActive waits until the stream is ACTIVE again after a change.
func (p *program) awaitActive(ctx context.Context, client *kinesis.Client, name string) (streamObject, error) {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		o, err := describeStream(ctx, client, name)
		if err != nil {
			return streamObject{}, err
		}
		if o.Status == string(types.StreamStatusActive) {
			return o, nil
		}
		p.verbose("stream %s is %s", name, o.Status)
		if err := sleep(ctx, wait); err != nil {
			return streamObject{}, err
		}
	}
}

// sleep waits for d, or returns ctx's error when that is done first.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
