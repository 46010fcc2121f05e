package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// The time that a test may take with a defect: so many times what it takes
// without, and some more, since a machine is not always as fast. A test that the
// defect lets hang costs all of it.
const (
	patienceFactor = 10
	patienceExtra  = 20 * time.Second
)

// A verdict is what became of a defect.
type verdict string

const (
	killed   verdict = "killed"
	survived verdict = "SURVIVED"
	broken   verdict = "BROKEN" // the list is wrong, or the test
)

// A runner plants defects in one module.
type runner struct {
	root string // the module's, absolute
	tmp  string // a folder for what is built

	mu        sync.Mutex // guards what follows, not what it points to
	baselines map[test]*baseline
	originals map[string]*binary
}

// A baseline is how a test did without a defect. It is made once.
type baseline struct {
	once sync.Once
	took time.Duration
	err  error
}

// A binary is a package's tests, compiled without a defect. It is made once.
type binary struct {
	once sync.Once
	path string
	err  error
}

func newRunner(root, tmp string) *runner {
	return &runner{root: root, tmp: tmp, baselines: map[test]*baseline{}, originals: map[string]*binary{}}
}

// try plants a defect and runs its tests. The text says more about any verdict
// but killed.
func (r *runner) try(ctx context.Context, d defect) (verdict, string) {
	for _, t := range d.tests {
		if b := r.baseline(ctx, t); b.err != nil {
			return broken, fmt.Sprintf("%v without the defect: %v", t, b.err)
		}
	}
	dir, err := os.MkdirTemp(r.tmp, "defect-")
	if err != nil {
		return broken, err.Error()
	}
	defer os.RemoveAll(dir)
	overlay, err := r.plant(d, dir)
	if err != nil {
		return broken, err.Error()
	}
	compiled := map[string]string{} // by package
	for _, t := range d.tests {
		if compiled[t.pkg] == "" {
			path := filepath.Join(dir, fmt.Sprintf("%d.test", len(compiled)))
			if err := r.compile(ctx, t.pkg, path, "-overlay="+overlay); err != nil {
				return broken, err.Error()
			}
			compiled[t.pkg] = path
		}
		out, err := r.run(ctx, compiled[t.pkg], t, r.baseline(ctx, t).took*patienceFactor+patienceExtra)
		switch {
		case ctx.Err() != nil:
			return broken, ctx.Err().Error()
		case said(out, "PASS", t.name):
			return survived, fmt.Sprintf("%v passes", t)
		case strings.Contains(out, "panic: test timed out"):
			return broken, fmt.Sprintf("%v hangs", t)
		case !said(out, "FAIL", t.name):
			return broken, fmt.Sprintf("%v did not come to an end: %v\n%s", t, err, tail(out))
		case panicked.MatchString(out) && !d.panics:
			return broken, fmt.Sprintf("%v fails by a panic, not an assertion\n%s", t, tail(out))
		}
	}
	return killed, ""
}

// panicked finds the first line of a panic that ended a test.
var panicked = regexp.MustCompile(`(?m)^(panic|fatal error): `)

// plant writes the defect's files into dir, and returns the overlay that puts them
// over the module's.
func (r *runner) plant(d defect, dir string) (overlay string, err error) {
	replace := map[string]string{}
	for i, e := range d.edits {
		path := filepath.Join(r.root, filepath.FromSlash(e.file))
		text, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		changed, err := apply(string(text), e.blocks)
		if err != nil {
			return "", fmt.Errorf("%s: %w", e.file, err)
		}
		replace[path] = filepath.Join(dir, fmt.Sprintf("%d-%s", i, filepath.Base(path)))
		if err := os.WriteFile(replace[path], []byte(changed), 0o666); err != nil {
			return "", err
		}
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, b, 0o666)
}

// baseline runs a test without a defect, the first time that it is asked. The error
// says why the test can guard nothing.
func (r *runner) baseline(ctx context.Context, t test) *baseline {
	r.mu.Lock()
	if r.baselines[t] == nil {
		r.baselines[t] = &baseline{}
	}
	if r.originals[t.pkg] == nil {
		r.originals[t.pkg] = &binary{path: filepath.Join(r.tmp, fmt.Sprintf("original-%d.test", len(r.originals)))}
	}
	b, bin := r.baselines[t], r.originals[t.pkg]
	r.mu.Unlock()

	b.once.Do(func() {
		bin.once.Do(func() { bin.err = r.compile(ctx, t.pkg, bin.path) })
		if b.err = bin.err; b.err != nil {
			return
		}
		start := time.Now()
		out, err := r.run(ctx, bin.path, t, 5*time.Minute)
		b.took = time.Since(start)
		switch {
		case said(out, "PASS", t.name):
		case said(out, "SKIP", t.name):
			b.err = fmt.Errorf("it is skipped")
		case said(out, "FAIL", t.name):
			b.err = fmt.Errorf("it fails\n%s", tail(out))
		case err == nil:
			b.err = fmt.Errorf("there is no such test")
		default:
			b.err = fmt.Errorf("%w\n%s", err, tail(out))
		}
	})
	return b
}

// compile builds a package's tests.
func (r *runner) compile(ctx context.Context, pkg, to string, flags ...string) error {
	args := append([]string{"test", "-c", "-vet=off", "-ldflags=-s -w", "-o", to}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, pkg)...)
	cmd.Dir = r.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s does not compile: %w\n%s", pkg, err, tail(string(out)))
	}
	if _, err := os.Stat(to); err != nil {
		return fmt.Errorf("%s has no tests", pkg)
	}
	return nil
}

// run runs one test, in its package's folder as go test does, and returns what it
// printed.
func (r *runner) run(ctx context.Context, binary string, t test, limit time.Duration) (string, error) {
	// The test ends itself with a trace at the limit; a process that cannot do
	// even that is killed.
	ctx, cancel := context.WithTimeout(ctx, limit+10*time.Second)
	defer cancel()
	var pattern []string
	for _, element := range strings.Split(t.name, "/") {
		pattern = append(pattern, "^"+regexp.QuoteMeta(element)+"$")
	}
	cmd := exec.CommandContext(ctx, binary, "-test.v", "-test.run="+strings.Join(pattern, "/"), "-test.timeout="+limit.String())
	cmd.Dir = filepath.Join(r.root, filepath.FromSlash(t.pkg))
	cmd.WaitDelay = time.Second
	// A property test that fails here, as it should, leaves nothing behind.
	cmd.Env = append(os.Environ(), "RAPID_NOFAILFILE=true")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// said reports whether a test's output says that the test ended so.
func said(out, how, name string) bool {
	return regexp.MustCompile(`(?m)^ *--- ` + how + `: ` + regexp.QuoteMeta(name) + ` \(`).MatchString(out)
}

// tail is the end of an output, for a person.
func tail(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) > 15 {
		lines = append([]string{"..."}, lines[len(lines)-15:]...)
	}
	return "\t" + strings.Join(lines, "\n\t")
}
