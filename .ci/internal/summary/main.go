// Summary tells a person what go test -json printed.
//
//	summary report <FILE
//	summary total [-real FILE] [-required "TARGET ..."] [-passed N] [-failed N] FILE...
//
// Report prints a line for each package and the output of what failed, and fails
// if anything did.
//
// Total counts over several runs and closes with "N passed, N failed". One more run
// can be -real: that of the tests which need emulators or processes. For each of
// these targets it prints how many tests passed, and it fails when a required one
// has none. -passed and -failed are checks that are no tests, to be counted too.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "summary:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("usage: summary report | summary total FILE")
	}
	switch args[0] {
	case "report":
		r, err := readRun(in)
		if err != nil {
			return err
		}
		return r.report(out)
	case "total":
		return total(args[1:], out)
	}
	return fmt.Errorf("unknown command %q", args[0])
}

func total(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("total", flag.ContinueOnError)
	real := flags.String("real", "", "the `file` of the run against targets")
	required := flags.String("required", "", "targets that must have run")
	passed := flags.Int("passed", 0, "checks that passed and are no tests")
	failed := flags.Int("failed", 0, "checks that failed and are no tests")
	if err := flags.Parse(args); err != nil {
		return err
	}
	all := count{passed: *passed, failed: *failed}
	for _, file := range flags.Args() {
		r, err := readFile(file)
		if err != nil {
			return err
		}
		all.add(r.count())
	}
	targets := map[string]count{}
	if *real != "" {
		r, err := readFile(*real)
		if err != nil {
			return err
		}
		all.add(r.count())
		targets = r.targets()
	}
	fmt.Fprintln(out, "tests that ran against")
	for _, name := range slices.Sorted(maps.Keys(targets)) {
		c := targets[name]
		fmt.Fprintf(out, "  %-16s %4d passed, %d failed, %d skipped\n", name, c.passed, c.failed, c.skipped)
	}
	for _, name := range strings.Fields(*required) {
		if targets[name].passed == 0 {
			fmt.Fprintf(out, "MISSING: no test passed against %s\n", name)
			all.failed++
		}
	}
	fmt.Fprintf(out, "%d passed, %d failed\n", all.passed, all.failed)
	if all.failed > 0 {
		return fmt.Errorf("%d failed", all.failed)
	}
	return nil
}

func readFile(name string) (*testRun, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := readRun(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}
