package javakcl

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/leasehold/leasehold/internal/emul"
)

// stopWithin is how long a worker may take to stop. The program itself gives up
// after 30 s.
const stopWithin = 45 * time.Second

// Options says what a worker is to do. All but Failover is needed.
type Options struct {
	// App is the application's name, and so its lease table's.
	App string
	// Stream is the stream that the worker reads, from TRIM_HORIZON.
	Stream string
	// Name is the worker's own: the owner of its leases.
	Name string
	// Kinesis and DynamoDB are the services it uses.
	Kinesis, DynamoDB emul.Service
	// Failover is how long a counter may stand still before the lease is
	// assigned to somebody else. Default 10s, which is the library's.
	Failover time.Duration
}

// A Worker is a running process of the Java library.
type Worker struct {
	name   string
	cmd    *exec.Cmd
	events chan Event
	ended  chan struct{} // closed when the process has ended

	mu  sync.Mutex // guards what follows
	log bytes.Buffer
}

// Start starts a worker, and ends it when the test ends. What it logs, warnings
// and errors, is in the test's output if the test fails.
func Start(t testing.TB, o Options) *Worker {
	t.Helper()
	path := classpath(t)
	if o.Failover == 0 {
		o.Failover = 10 * time.Second
	}
	cmd := exec.Command("java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m",
		// JSON on the wire, which a proxy can read and every emulator speaks.
		"-Daws.cborEnabled=false",
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true",
		"-cp", path, "leasehold.Worker",
		"--app", o.App, "--stream", o.Stream, "--worker", o.Name,
		"--kinesis", o.Kinesis.URL, "--dynamodb", o.DynamoDB.URL,
		"--failover", fmt.Sprint(o.Failover.Milliseconds()))
	cmd.Env = append(os.Environ(), "AWS_EC2_METADATA_DISABLED=true")

	w := &Worker{name: o.Name, cmd: cmd, events: make(chan Event), ended: make(chan struct{})}
	cmd.Stderr = logWriter{w}
	// The worker ends when its input does: with this process, however that ends.
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatalf("start Java worker %s: %v", o.Name, err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatalf("start Java worker %s: %v", o.Name, err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start Java worker %s: %v", o.Name, err)
	}
	queue := newQueue()
	go w.read(output, input, queue)
	go queue.deliver(w.events)
	t.Cleanup(func() {
		w.Kill()
		queue.close()
		for range w.events {
		}
		if t.Failed() {
			t.Logf("Java worker %s logged:\n%s", o.Name, w.Log())
		}
	})
	return w
}

// read puts what the process says into the queue until the process has ended.
func (w *Worker) read(output io.Reader, input io.Closer, queue *queue) {
	lines := bufio.NewScanner(output)
	// A record is at most 10 MiB, a third more in base64.
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		queue.put(parse(lines.Text()))
	}
	w.cmd.Wait()
	input.Close()
	queue.end()
	close(w.ended)
}

// Events is what the worker says, in order. The channel is closed when its
// process has ended and all has been read.
func (w *Worker) Events() <-chan Event { return w.events }

// PID is the number of the worker's process.
func (w *Worker) PID() int { return w.cmd.Process.Pid }

// Log is what the worker has written to standard error: warnings and errors.
func (w *Worker) Log() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.String()
}

// Stop stops the worker gracefully and waits until its process has ended. It
// reports an error if that took longer than 45 s; then the process was killed.
func (w *Worker) Stop() error {
	if err := w.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-w.ended:
		return nil
	case <-time.After(stopWithin):
		w.Kill()
		return fmt.Errorf("java worker %s still ran %v after SIGTERM", w.name, stopWithin)
	}
}

// Kill ends the process at once, as a crash would, and waits until it has ended.
// It does nothing to a process that has ended.
func (w *Worker) Kill() {
	w.cmd.Process.Kill() // an error says that it has ended
	<-w.ended
}

// Signal sends a signal to the process, such as SIGSTOP.
func (w *Worker) Signal(s os.Signal) error {
	if err := w.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("signal java worker %s: %w", w.name, err)
	}
	return nil
}

// logWriter keeps what is written to it as its worker's log.
type logWriter struct{ w *Worker }

func (l logWriter) Write(p []byte) (int, error) {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	return l.w.log.Write(p)
}
