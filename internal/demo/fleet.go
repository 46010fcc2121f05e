package demo

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/leasehold/leasehold/lease"
)

// A fleet is the worker processes.
type fleet struct {
	cfg Config
	url string
	b   *board
	// starts are run by one goroutine that keeps its thread: Linux ends a
	// child when the thread that started it ends.
	starts  chan func()
	started sync.WaitGroup

	workers []*worker
}

// A worker is one process.
type worker struct {
	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	// ended is closed when the process has ended and all that it printed is
	// read; then err is what Wait returned.
	ended chan struct{}
	err   error

	// The board guards these. Dismissed says that the worker is meant to end.
	dismissed bool
	// trouble are the last lines of its stderr that were no events.
	trouble []string
}

func newFleet(cfg Config, url string, b *board) *fleet {
	f := &fleet{cfg: cfg, url: url, b: b, starts: make(chan func())}
	f.started.Go(func() {
		// Not unlocked: the thread ends with the goroutine, after all children.
		runtime.LockOSThread()
		for start := range f.starts {
			start()
		}
	})
	return f
}

// environ is the environment of a worker: its name signs its calls.
func (f *fleet) environ(name string) []string {
	env := slices.DeleteFunc(slices.Clone(f.cfg.Environ), func(v string) bool {
		return strings.HasPrefix(v, "AWS_") || strings.HasPrefix(v, "LEASEHOLD_")
	})
	return append(env, "AWS_ACCESS_KEY_ID="+name, "AWS_SECRET_ACCESS_KEY=none", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE="+nowhere, "AWS_SHARED_CREDENTIALS_FILE="+nowhere)
}

// nowhere is a file that does not exist.
const nowhere = "leasehold-demo-has-no-such-file"

// start starts a worker.
func (f *fleet) start(name string) (*worker, error) {
	args := append(slices.Clone(f.cfg.Command[1:]),
		"consume", Stream, "--app", App, "--worker", name, "-f", "jsonl", "-o", "jsonl", "--stdin-control",
		"--failover", f.cfg.Failover.String(), "--endpoint-url", f.url, "--region", Region)
	w := &worker{name: name, cmd: exec.Command(f.cfg.Command[0], args...), ended: make(chan struct{})}
	w.cmd.Env = f.environ(name)
	// A Ctrl-C at the terminal is for the demo, which ends its workers itself.
	w.cmd.SysProcAttr = apart()
	stdout, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	stderr, err := w.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	stdin, err := w.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	w.stdin = stdin
	began := make(chan error)
	f.starts <- func() { began <- w.cmd.Start() }
	if err := <-began; err != nil {
		return nil, fmt.Errorf("start worker %s: %w", name, err)
	}
	f.b.read(func() { f.workers = append(f.workers, w) })
	if f.cfg.Tell != nil {
		f.cfg.Tell(name, fmt.Sprintf("process %d", w.cmd.Process.Pid))
	}
	go f.follow(w, stdout, stderr)
	return w, nil
}

// follow reads all that a worker prints, and waits for its end.
func (f *fleet) follow(w *worker, stdout, stderr io.Reader) {
	var reading sync.WaitGroup
	reading.Go(func() { lines(stdout, func(line []byte) { f.record(w, line) }) })
	reading.Go(func() { lines(stderr, func(line []byte) { f.event(w, line) }) })
	reading.Wait()
	w.err = w.cmd.Wait()
	close(w.ended)
	var err error
	f.b.update(func() {
		f.b.forget(w.name)
		if !w.dismissed {
			err = fmt.Errorf("%w: %s, %v: %s", errExit, w.name, w.cmd.ProcessState, strings.Join(w.trouble, "; "))
		}
	})
	if err != nil {
		f.b.fail(err)
	}
}

// lines calls f with every whole line. The last one of a killed process may be
// cut short: then it was not printed.
func lines(r io.Reader, f func(line []byte)) {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		f(line)
	}
}

// record takes a line of stdout.
func (f *fleet) record(w *worker, line []byte) {
	var r struct {
		Kind        string         `json:"kind"`
		Shard       string         `json:"shard"`
		Sequence    lease.Sequence `json:"sequence"`
		Key         string         `json:"key"`
		Token       int64          `json:"token"`
		DeliveredAt time.Time      `json:"delivered_at"`
		Data        string         `json:"data"`
	}
	err := json.Unmarshal(line, &r)
	if err == nil && r.Kind != "record" {
		err = fmt.Errorf("kind %q", r.Kind)
	}
	n, nerr := strconv.Atoi(r.Data)
	if err == nil {
		err = nerr
	}
	if err != nil {
		f.b.fail(fmt.Errorf("worker %s printed a line that is no numbered record: %q: %w", w.name, line, err))
		return
	}
	f.b.delivered(delivery{w.name, r.Shard, r.Token, r.Sequence, r.Key, n, r.DeliveredAt})
}

// event takes a line of stderr.
func (f *fleet) event(w *worker, line []byte) {
	var e struct {
		Kind  string `json:"kind"`
		Level string `json:"level"`
		Event string `json:"event"`
		Shard string `json:"shard"`
		Token int64  `json:"token"`
		Cause string `json:"cause"`
		Other string `json:"other"`
		Err   string `json:"err"`
	}
	if err := json.Unmarshal(line, &e); err != nil || e.Kind != "event" || e.Level == "error" {
		f.b.read(func() {
			w.trouble = append(w.trouble, strings.TrimSpace(string(line)))
			w.trouble = w.trouble[max(0, len(w.trouble)-3):]
		})
	}
	if e.Kind == "event" {
		if f.cfg.Tell != nil {
			f.cfg.Tell(w.name, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s %s", e.Event, short(e.Shard), e.Cause, e.Other, e.Err)), " "))
		}
		f.b.happened(w.name, e.Event, e.Shard, e.Token)
	}
}

// dismiss notes that the worker is meant to end.
func (f *fleet) dismiss(w *worker) { f.b.read(func() { w.dismissed = true }) }

// kill ends a worker without a warning.
func (f *fleet) kill(w *worker) error {
	f.dismiss(w)
	return w.cmd.Process.Kill()
}

// stop asks a worker to stop cleanly.
func (f *fleet) stop(w *worker) error {
	f.dismiss(w)
	if w.cmd.Process.Signal(syscall.SIGTERM) == nil {
		return nil
	}
	// Not every system can ask a process to stop by a signal.
	_, err := io.WriteString(w.stdin, "stop\n")
	return err
}

// working are the workers that have not been dismissed, in the order of their
// names. The board is locked.
func (f *fleet) working() []*worker {
	var ws []*worker
	for _, w := range f.workers {
		if !w.dismissed {
			ws = append(ws, w)
		}
	}
	return ws
}

// close ends every worker that is left, and returns when all have ended.
func (f *fleet) close() {
	var all []*worker
	f.b.read(func() {
		for _, w := range f.workers {
			w.dismissed = true
		}
		all = slices.Clone(f.workers)
	})
	for _, w := range all {
		select {
		case <-w.ended:
			continue
		default:
		}
		// The signal to kill also ends one that is stopped.
		w.cmd.Process.Kill()
		<-w.ended
	}
	close(f.starts)
	f.started.Wait()
}
