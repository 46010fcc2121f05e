package demo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leasehold/leasehold/internal/cli"
	"github.com/leasehold/leasehold/internal/demo"
)

// The test binary is also the command, for the processes that a demo starts.
const (
	asCommand = "DEMO_TEST_COMMAND"
	// plant has the workers leave out what it says.
	plant = "DEMO_TEST_PLANT"
)

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) == "" {
		os.Setenv(asCommand, "1")
		os.Exit(m.Run())
	}
	ctx, stop := cli.Signals(context.Background())
	stdout := &faulty{plant: os.Getenv(plant)}
	status := cli.Main(ctx, os.Args[1:], os.Stdin, stdout, os.Stderr, os.Getenv)
	stop()
	os.Exit(status)
}

// faulty is a stdout with a planted fault.
type faulty struct {
	plant string
	held  []byte
	n     int
}

func (f *faulty) Write(b []byte) (int, error) {
	for line := range bytes.Lines(b) {
		f.n++
		switch {
		case f.plant == "loss" && f.n == 20:
			continue
		case f.plant == "swap" && f.n == 20:
			// Held until another line of the same key was printed.
			f.held = bytes.Clone(line)
			continue
		}
		if _, err := os.Stdout.Write(line); err != nil {
			return 0, err
		}
		if f.held != nil && keyOf(line) == keyOf(f.held) {
			os.Stdout.Write(f.held)
			f.held = nil
		}
	}
	return len(b), nil
}

func keyOf(line []byte) string {
	var r struct{ Key string }
	json.Unmarshal(line, &r)
	return r.Key
}

// run runs the command in this process, and returns its exit code and output.
func run(ctx context.Context, args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	status = cli.Main(ctx, args, strings.NewReader(""), &out, &err, os.Getenv)
	return status, out.String(), err.String()
}

// sum is the last line of a demo with --json.
type sum struct {
	Kind      string
	V         int
	Produced  int  `json:"records_produced"`
	Delivered int  `json:"records_delivered"`
	Lost      *int `json:"lost"`
	Disorder  *int `json:"out_of_order"`
	Shards    int
	Workers   int
	Splits    int
	Merges    int
	Kills     int
	Pauses    int
	Stops     int
	Takeover  int `json:"takeover_ms"`
	Failover  int `json:"failover_ms"`
	Writes    int `json:"table_writes"`
	Seed      int
}

func lastLine(t *testing.T, out string) (s sum) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &s); err != nil {
		t.Fatalf("last line: %v\n%s", err, out)
	}
	return s
}

// The whole story, as short as it can be told.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	t.Parallel()
	status, stdout, stderr := run(t.Context(), "demo", "--duration", "1s", "--failover", "2s", "--seed", "7", "--json")
	if status != 0 {
		t.Fatalf("exit code %d, want 0\n%s%s", status, stdout, stderr)
	}
	got := lastLine(t, stdout)
	if got.Kind != "demo" || got.V != 1 || got.Lost == nil || *got.Lost != 0 || got.Disorder == nil || *got.Disorder != 0 || got.Produced == 0 || got.Delivered != got.Produced {
		t.Errorf("sum %s", stdout)
	}
	if got.Shards != 4 || got.Workers != 3 || got.Splits != 1 || got.Merges != 1 || got.Kills != 1 || got.Stops != 1 || got.Seed != 7 || got.Failover != 2000 {
		t.Errorf("what happened: %s", stdout)
	}
	if got.Pauses > 0 && !strings.Contains(stderr, "refused by the table (its token ") {
		t.Errorf("the pause is not told:\n%s", stderr)
	}
	// A counter that just moved stands still for a failover time.
	if got.Takeover <= 0 || got.Writes == 0 {
		t.Errorf("takeover after %d ms, %d table writes", got.Takeover, got.Writes)
	}
	if strings.Contains(stderr, "without an explanation") || strings.Contains(stderr, "went back") && !strings.Contains(stderr, "Nothing went back") {
		t.Errorf("the story:\n%s", stderr)
	}
}

// A demo whose workers do not print all, or not in order, fails and says so.
func TestDemoWithPlantedFaultFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		plant string
		// settle is shorter where no time will do.
		settle time.Duration
		good   func(demo.Result) bool
	}{
		{"none", 0, func(r demo.Result) bool { return r.Good() && r.Lost == 0 && r.OutOfOrder == 0 }},
		{"loss", 3 * time.Second, func(r demo.Result) bool { return !r.Good() && r.Lost > 0 && r.OutOfOrder == 0 }},
		// A line that a worker holds back when it ends is lost as well.
		{"swap", 0, func(r demo.Result) bool { return !r.Good() && r.OutOfOrder > 0 }},
	} {
		t.Run(tt.plant, func(t *testing.T) {
			t.Parallel()
			d, err := demo.Start(demo.Brief(config(t, plant+"="+tt.plant), tt.settle))
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			r, err := d.Run(t.Context(), false)
			if err != nil || !tt.good(r) {
				t.Errorf("sum %v, %v", r, err)
			}
		})
	}
}

func config(t *testing.T, env ...string) demo.Config {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return demo.Config{
		Command: []string{self}, Environ: append(os.Environ(), env...),
		Duration: time.Second, Failover: time.Second, Shards: 2, Workers: 3, Rate: 500,
		Say: func(line string) { t.Log(line) },
	}
}

// A demo that finds a loss ends with 1.
func TestDemoWithPlantedLossExits1(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	t.Setenv(plant, "loss")
	status, stdout, stderr := run(t.Context(), "demo", "--duration", "1s", "--failover", "1s", "--json")
	if status != 1 {
		t.Fatalf("exit code %d, want 1\n%s%s", status, stdout, stderr)
	}
	if got := lastLine(t, stdout); got.Lost == nil || *got.Lost == 0 {
		t.Errorf("the loss is not in the sum: %s", stdout)
	}
	if !strings.Contains(stderr, "records are lost and 0 came out of order") {
		t.Errorf("the loss is not told:\n%s", stderr)
	}
}

// Ctrl-C ends the demo and all that it started.
func TestDemoInterrupted(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancelCause(t.Context())
	defer interrupt(nil)
	out := &watched{word: "a holds 4 of 4", found: func() { interrupt(&cli.SignalError{Signal: os.Interrupt}) }}
	var stderr bytes.Buffer
	status := cli.Main(ctx, []string{"demo"}, strings.NewReader(""), out, &stderr, os.Getenv)
	if status != 130 {
		t.Errorf("exit code %d, want 130: %s", status, stderr.String())
	}
}

// watched calls found once a word is written.
type watched struct {
	mu    sync.Mutex
	text  strings.Builder
	word  string
	found func()
}

func (w *watched) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(b)
	if strings.Contains(w.text.String(), w.word) {
		w.found()
	}
	return len(b), nil
}

func TestDemoRefusesWhatItCannotTell(t *testing.T) {
	for _, args := range [][]string{
		{"--workers", "2"}, {"--shards", "0"}, {"--rate", "0"}, {"--failover", "500ms"}, {"--duration", "0s"}, {"extra"},
	} {
		if status, _, stderr := run(t.Context(), append([]string{"demo"}, args...)...); status != 2 {
			t.Errorf("demo %v: exit code %d, want 2: %s", args, status, stderr)
		}
	}
}

// A command that is no worker ends the story at once, with what it said.
func TestDemoTellsOfAWorkerThatEnds(t *testing.T) {
	cfg := config(t)
	cfg.Command = append(cfg.Command, "--nosuchflag")
	d, err := demo.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	_, err = d.Run(t.Context(), false)
	if err == nil || !strings.Contains(err.Error(), "a worker ended by itself: a, ") || !strings.Contains(err.Error(), "unknown flag: --nosuchflag") {
		t.Errorf("got %v, want that worker a ended for an unknown flag", err)
	}
}
