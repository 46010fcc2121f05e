package cli

import (
	"net"
	"slices"
	"time"

	"github.com/spf13/cobra"
)

// globals are the flags that every subcommand has.
type globals struct {
	app, stream                               string
	yes                                       bool
	region, profile                           string
	endpoint, endpointKinesis, endpointDynamo string
	local                                     string
	output                                    string
	json                                      bool
	failover                                  time.Duration
	quiet, verbose                            bool
	color                                     string
}

// addGlobals declares the global flags.
func (p *program) addGlobals(root *cobra.Command) {
	f, g := root.PersistentFlags(), &p.flags
	f.StringVarP(&g.app, "app", "a", "", "application, which is the name of its lease table ($LEASEHOLD_APP)")
	f.StringVarP(&g.stream, "stream", "s", "", "stream ($LEASEHOLD_STREAM); consume, shards and leases take its ARN too")
	f.BoolVarP(&g.yes, "yes", "y", false, "allow a change of what is not on this machine")
	f.StringVar(&g.region, "region", "", "AWS region")
	f.StringVar(&g.profile, "profile", "", "profile of the AWS configuration")
	f.StringVar(&g.endpoint, "endpoint-url", "", "URL of both services")
	f.StringVar(&g.endpointKinesis, "endpoint-url-kinesis", "", "URL of Kinesis only")
	f.StringVar(&g.endpointDynamo, "endpoint-url-dynamodb", "", "URL of DynamoDB only")
	f.StringVar(&g.local, "local", "", "use \"leasehold local\" at `ADDR`")
	f.Lookup("local").NoOptDefVal = localAddress
	f.StringVarP(&g.output, "output", "o", "table", "table, json (one array) or jsonl (an object a line)")
	f.BoolVar(&g.json, "json", false, "short for -o jsonl")
	f.DurationVar(&g.failover, "failover", 10*time.Second, "the fleet's failover time, which the lease table does not hold")
	f.BoolVarP(&g.quiet, "quiet", "q", false, "say nothing but errors on stderr")
	f.BoolVarP(&g.verbose, "verbose", "v", false, "say on stderr what is being done")
	f.StringVar(&g.color, "color", "auto", "auto, always or never")
}

// settle checks the global flags together and completes them from the
// environment.
func (p *program) settle(cmd *cobra.Command) error {
	g := &p.flags
	if g.json {
		if cmd.Flags().Changed("output") && g.output != "jsonl" {
			return usage("--json is -o jsonl, and -o %s is given too", g.output)
		}
		g.output = "jsonl"
	}
	if !slices.Contains([]string{"table", "json", "jsonl"}, g.output) {
		return usage("output %q: want table, json or jsonl", g.output)
	}
	if !slices.Contains([]string{"auto", "always", "never"}, g.color) {
		return usage("color %q: want auto, always or never", g.color)
	}
	if g.failover <= 0 {
		return usage("failover time %v: it must be longer than 0", g.failover)
	}
	if g.quiet && g.verbose {
		return usage("-q and -v cannot be had together")
	}
	if cmd.Flags().Changed("local") {
		for _, other := range []string{"endpoint-url", "endpoint-url-kinesis", "endpoint-url-dynamodb", "profile"} {
			if cmd.Flags().Changed(other) {
				return usage("--local and --%s cannot be had together", other)
			}
		}
		host, port, err := net.SplitHostPort(g.local)
		if err != nil || host == "" || port == "" {
			return usage("address %q: want HOST:PORT, such as %s", g.local, localAddress).hinted("--local takes its address with an equals sign: --local=%s", localAddress)
		}
	}
	if g.app == "" {
		g.app = p.env("LEASEHOLD_APP")
	}
	if g.stream == "" {
		g.stream = p.env("LEASEHOLD_STREAM")
	}
	p.stdout.setColor(g.color, p.env)
	p.stderr.setColor(g.color, p.env)
	return nil
}

// streamAndRest returns the stream that a command is about, as it was given, and
// the arguments that are something else: --stream and all arguments, or else the
// first of them and the others, or else LEASEHOLD_STREAM.
func (p *program) streamAndRest(cmd *cobra.Command, args []string) (name string, rest []string, err error) {
	name, rest = p.flags.stream, args
	if len(args) > 0 && !cmd.Flags().Changed("stream") {
		name, rest = args[0], args[1:]
	}
	if name == "" {
		return "", nil, usage("no stream is named").hinted("give its name as the first argument, or --stream, or LEASEHOLD_STREAM")
	}
	return name, rest, nil
}

// streamName is the name of the stream that a command is about which takes
// nothing else.
func (p *program) streamName(cmd *cobra.Command, args []string) (string, error) {
	name, rest, err := p.streamAndRest(cmd, args)
	if err == nil && len(rest) > 0 {
		err = twoStreams(name, rest[0])
	}
	if err != nil {
		return "", err
	}
	return name, checkStreamName(name)
}

func twoStreams(a, b string) error { return usage("two streams are named: %s and %s", a, b) }

// checkStreamName refuses what Kinesis would. (Kinesis API Reference,
// CreateStream: [a-zA-Z0-9_.-]+, 1 to 128.)
func checkStreamName(name string) error {
	if isARN(name) {
		return usage("stream %q: this command takes a name and no ARN", name).hinted("consume, shards and leases take both")
	}
	return checkName("stream", name, 1, 128)
}

// checkTableName refuses what DynamoDB would. (DynamoDB API Reference,
// CreateTable: [a-zA-Z0-9_.-]+, 3 to 255.)
func checkTableName(name string) error {
	return checkName("application", name, 3, 255)
}

func checkName(what, name string, shortest, longest int) error {
	for _, r := range name {
		ok := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '.' || r == '-'
		if !ok {
			return usage("%s %q: a name has letters, digits and _.- only", what, name)
		}
	}
	if len(name) < shortest || len(name) > longest {
		return usage("%s %q: a name has %d to %d characters", what, name, shortest, longest)
	}
	return nil
}
