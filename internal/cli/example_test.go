package cli_test

import (
	"context"
	"os"
	"strings"

	"github.com/leasehold/leasehold/internal/cli"
)

// The command runs without a process, with an environment of the caller's.
func ExampleMain() {
	env := func(string) string { return "" }
	args := []string{"local", "--print-env", "--listen", "127.0.0.1:9000"}
	cli.Main(context.Background(), args, strings.NewReader(""), os.Stdout, os.Stderr, env)
	// Output:
	// export AWS_ENDPOINT_URL=http://127.0.0.1:9000 AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local
}
