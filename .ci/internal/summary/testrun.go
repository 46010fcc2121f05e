package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// An event is a line of go test -json, documented in go doc test2json.
type event struct {
	Action, Package, Test, Output, ImportPath string
	Elapsed                                   float64
}

// A count is how many tests ended which way.
type count struct{ passed, failed, skipped int }

func (c *count) add(o count) {
	c.passed += o.passed
	c.failed += o.failed
	c.skipped += o.skipped
}

// one is the count of a single end, such as "pass".
func one(action string) count {
	switch action {
	case "pass":
		return count{passed: 1}
	case "fail":
		return count{failed: 1}
	case "skip":
		return count{skipped: 1}
	}
	return count{}
}

// A testRun is what one run of go test said.
type testRun struct {
	packages []string      // in the order of their ends
	tests    []key         // in the order of their ends
	ended    map[key]event // of tests and of packages
	output   map[key][]string
	build    []string // what the compiler said
	parents  map[key]bool
	open     map[key]bool // begun and not ended
}

// A key is a test of a package, or the package itself, without a test.
type key struct{ pkg, test string }

// readRun reads the output of go test -json.
func readRun(in io.Reader) (*testRun, error) {
	r := &testRun{ended: map[key]event{}, output: map[key][]string{}, parents: map[key]bool{}, open: map[key]bool{}}
	d := json.NewDecoder(in)
	for {
		var e event
		if err := d.Decode(&e); errors.Is(err, io.EOF) {
			return r, nil
		} else if err != nil {
			return nil, fmt.Errorf("read the output of go test -json: %w", err)
		}
		k := key{e.Package, e.Test}
		switch e.Action {
		case "build-output":
			r.build = append(r.build, e.Output)
		case "run", "start":
			r.open[k] = true
			if i := strings.LastIndex(e.Test, "/"); i > 0 {
				r.parents[key{e.Package, e.Test[:i]}] = true
			}
		case "output":
			r.output[k] = append(r.output[k], e.Output)
		case "pass", "fail", "skip":
			delete(r.open, k)
			r.ended[k] = e
			if e.Test == "" {
				r.packages = append(r.packages, e.Package)
			} else {
				r.tests = append(r.tests, k)
			}
		}
	}
}

// count counts the tests. A package that failed without a failed test, since it
// did not compile or was ended, counts as one failure.
func (r *testRun) count() count {
	var c count
	byTests := map[string]bool{}
	for _, k := range r.tests {
		action := r.ended[k].Action
		c.add(one(action))
		byTests[k.pkg] = byTests[k.pkg] || action == "fail"
	}
	for _, p := range r.packages {
		if r.ended[key{pkg: p}].Action == "fail" && !byTests[p] {
			c.failed++
		}
	}
	return c
}

// targets counts, for each target, the tests that ran against it and have no
// subtests. An emulator's tests have its name as an element of theirs.
func (r *testRun) targets() map[string]count {
	counts := map[string]count{}
	for _, k := range r.tests {
		if r.parents[k] {
			continue
		}
		for _, name := range targetsOf(k.test) {
			c := counts[name]
			c.add(one(r.ended[k].Action))
			counts[name] = c
		}
	}
	return counts
}

// targetsOf returns the targets that a test runs against, by its name.
func targetsOf(test string) []string {
	var found []string
	for _, t := range []struct{ prefix, name string }{{"TestJava", "java"}, {"TestProcess", "process"}} {
		if strings.HasPrefix(test, t.prefix) {
			found = append(found, t.name)
		}
	}
	for _, element := range strings.Split(test, "/") {
		switch element {
		case "dynamodb-local", "dynalite", "kinesis-local", "kinesalite":
			found = append(found, element)
		}
	}
	return found
}

// report prints the run, and fails if it did.
func (r *testRun) report(out io.Writer) error {
	for _, line := range r.build {
		io.WriteString(out, line)
	}
	failed := 0
	for _, p := range r.packages {
		e := r.ended[key{pkg: p}]
		var c count
		for _, k := range r.tests {
			if k.pkg == p {
				c.add(one(r.ended[k].Action))
			}
		}
		if e.Action == "fail" {
			failed++
			r.reportFailure(out, p)
			fmt.Fprintf(out, "FAIL %s %d passed, %d failed, %d skipped, %.1f s\n", p, c.passed, c.failed, c.skipped, e.Elapsed)
		} else if c != (count{}) {
			fmt.Fprintf(out, "ok   %s %d passed, %d skipped, %.1f s\n", p, c.passed, c.skipped, e.Elapsed)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d packages failed", failed)
	}
	if len(r.packages) == 0 {
		return errors.New("no package was tested")
	}
	return nil
}

// reportFailure prints what a package's failed and unfinished tests printed, and
// what the package did.
func (r *testRun) reportFailure(out io.Writer, pkg string) {
	show := func(k key) {
		for _, line := range r.output[k] {
			if !strings.HasPrefix(line, "=== ") {
				io.WriteString(out, line)
			}
		}
	}
	for _, k := range r.tests {
		if k.pkg == pkg && r.ended[k].Action == "fail" {
			show(k)
		}
	}
	for k := range r.open {
		if k.pkg == pkg && k.test != "" {
			fmt.Fprintf(out, "not ended: %s\n", k.test)
			show(k)
		}
	}
	show(key{pkg: pkg})
}
