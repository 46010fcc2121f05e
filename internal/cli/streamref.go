package cli

import (
	"cmp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/spf13/cobra"

	"github.com/leasehold/leasehold/kinesisstream"
)

// A streamRef is a stream as the command line names it: by name, or by ARN with
// the region and the account that it is in.
type streamRef struct {
	name string
	// arn is empty if the stream was given by its name.
	arn string
}

// parseStream reads a stream's name or ARN, such as
// arn:aws:kinesis:us-east-1:123456789012:stream/orders.
func (p *program) parseStream(s string) (streamRef, error) {
	if !isARN(s) {
		return streamRef{name: s}, checkStreamName(s)
	}
	bad := func(why string) (streamRef, error) {
		return streamRef{}, usage("stream %q: %s", s, why).hinted("the ARN of a stream is arn:aws:kinesis:REGION:ACCOUNT:stream/NAME")
	}
	a, err := arn.Parse(s)
	if err != nil {
		return bad("this is not an ARN")
	}
	name, ok := strings.CutPrefix(a.Resource, "stream/")
	if !ok || a.Service != "kinesis" || strings.Contains(name, "/") {
		return bad("this is not the ARN of a stream")
	}
	if a.Region == "" || a.AccountID == "" {
		return bad("it lacks the region or the account")
	}
	if err := checkStreamName(name); err != nil {
		return streamRef{}, err
	}
	p.streamRegion = a.Region
	return streamRef{name, s}, nil
}

func isARN(s string) bool { return strings.HasPrefix(s, "arn:") }

// open is the stream through a client.
func (r streamRef) open(client kinesisstream.Client) *kinesisstream.Stream {
	return kinesisstream.New(client, cmp.Or(r.arn, r.name))
}

// streamToRead returns the stream that a command is to read, which may be given
// by ARN.
func (p *program) streamToRead(cmd *cobra.Command, args []string) (streamRef, error) {
	name, rest, err := p.streamAndRest(cmd, args)
	if err == nil && len(rest) > 0 {
		err = twoStreams(name, rest[0])
	}
	if err != nil {
		return streamRef{}, err
	}
	return p.parseStream(name)
}
