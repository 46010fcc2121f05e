package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

// run is the command. Its error says that a defect was not killed, or that nothing
// could be tried.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("mutate", flag.ContinueOnError)
	pattern := flags.String("run", "", "try only defects whose names match this `regexp`")
	workers := flags.Int("j", runtime.NumCPU(), "try so many defects at once")
	root := flags.String("root", "", "the module's `folder` (default the one that holds the working directory)")
	dir := flags.String("defects", "internal/mutate/defects", "the `folder` of the defects, below the module's")
	if err := flags.Parse(args); err != nil {
		return err
	}
	match, err := regexp.Compile(*pattern)
	if err != nil {
		return err
	}
	if *root, err = moduleRoot(*root); err != nil {
		return err
	}
	defects, err := readDefects(filepath.Join(*root, filepath.FromSlash(*dir)), match)
	if err != nil {
		return err
	}
	if len(defects) == 0 {
		return fmt.Errorf("no defect in %s matches %q", *dir, *pattern)
	}
	tmp, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)

	start := time.Now()
	count, err := tryAll(ctx, newRunner(*root, tmp), defects, max(1, *workers), out)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d defects: %d killed, %d survived, %d broken, in %.0f s\n",
		len(defects), count[killed], count[survived], count[broken], time.Since(start).Seconds())
	if count[killed] != len(defects) {
		return errors.New("not every defect is killed")
	}
	return ctx.Err()
}

// tryAll tries the defects, some at once, and prints each when it and all before it
// are done.
func tryAll(ctx context.Context, r *runner, defects []defect, workers int, out io.Writer) (map[verdict]int, error) {
	type result struct {
		verdict verdict
		text    string
	}
	results := make([]chan result, len(defects))
	for i := range results {
		results[i] = make(chan result, 1)
	}
	var g errgroup.Group
	g.Go(func() error {
		var tries errgroup.Group
		tries.SetLimit(workers)
		for i, d := range defects {
			tries.Go(func() error {
				v, text := r.try(ctx, d)
				results[i] <- result{v, text}
				return nil
			})
		}
		return tries.Wait()
	})
	count := map[verdict]int{}
	for i, d := range defects {
		got := <-results[i]
		count[got.verdict]++
		line := fmt.Sprintf("%-8s %s", got.verdict, d.name)
		if got.verdict != killed {
			line += fmt.Sprintf(": %s\n\t%s", got.text, d.why)
		}
		fmt.Fprintln(out, line)
	}
	return count, g.Wait()
}

// moduleRoot is the absolute folder of the module that holds dir.
func moduleRoot(dir string) (string, error) {
	cmd := exec.Command("go", "env", "GOMOD")
	cmd.Dir = dir
	b, err := cmd.Output()
	mod := strings.TrimSpace(string(b))
	if err != nil || mod == "" || mod == os.DevNull {
		return "", fmt.Errorf("find the module: no go.mod in or above %q", dir)
	}
	return filepath.Dir(mod), nil
}
