// Command leasehold shares the shards of a Kinesis stream among many processes,
// and shows who has what. "leasehold --help" lists what it does.
package main

import (
	"context"
	"os"

	"github.com/leasehold/leasehold/internal/cli"
)

func main() {
	ctx, stop := cli.Signals(context.Background())
	status := cli.Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv)
	stop()
	os.Exit(status)
}
