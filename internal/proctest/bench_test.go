package proctest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/leasehold/leasehold/dynamolease"
	"github.com/leasehold/leasehold/internal/emul"
	"github.com/leasehold/leasehold/lease"
)

// command builds the command once for all tests.
var command = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "leasehold-proctest")
	if err != nil {
		return "", err
	}
	builtIn = dir
	path := filepath.Join(dir, "leasehold")
	out, err := exec.Command("go", "build", "-o", path, "github.com/leasehold/leasehold/cmd/leasehold").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the command: %w\n%s", err, out)
	}
	return path, nil
})

// builtIn is the folder of the built command, empty if no test needed it.
var builtIn string

func TestMain(m *testing.M) {
	code := m.Run()
	if builtIn != "" {
		os.RemoveAll(builtIn)
	}
	os.Exit(code)
}

// A bench is a stream, an application on it, and all that is printed of it. Its
// records are numbered per key.
type bench struct {
	t        *testing.T
	kinesis  emul.Service
	dynamo   emul.Service
	stream   string
	app      string
	failover time.Duration
	client   *kinesis.Client

	mu      sync.Mutex // guards what follows
	changed chan struct{}
	lines   []line
	put     map[string]int // by key: how many records were put
}

// A line is a record that a worker printed, or that Java's processed.
type line struct {
	worker   string
	Shard    string `json:"shard"`
	Sequence string `json:"sequence"`
	Key      string `json:"key"`
	Data     string `json:"data"`
	Token    int64  `json:"token"`
}

func newBench(t *testing.T, shards int32) *bench {
	b := &bench{
		t:        t,
		kinesis:  emul.One(t, emul.KinesisLocal),
		dynamo:   emul.One(t, emul.DynamoDBLocal),
		app:      emul.Name(t),
		failover: 5 * time.Second,
		changed:  make(chan struct{}),
		put:      make(map[string]int),
	}
	b.stream = emul.CreateStream(t, b.kinesis, shards)
	b.client = kinesis.NewFromConfig(b.kinesis.Config())
	return b
}

func (b *bench) store() *dynamolease.Store {
	return dynamolease.New(dynamodb.NewFromConfig(b.dynamo.Config()), b.app)
}

// leases reads the table.
func (b *bench) leases() map[string]lease.Lease {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 10*time.Second)
	defer cancel()
	s, err := b.store().Scan(ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	if len(s.Unreadable) > 0 {
		b.t.Errorf("unreadable rows: %v", s.Unreadable)
	}
	out := make(map[string]lease.Lease)
	for _, l := range s.Leases {
		out[l.Key] = l
	}
	return out
}

// produce puts numbered records under each of the keys, a round at a time, and
// returns a function that stops it and waits.
func (b *bench) produce(keys int) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			for k := range keys {
				if ctx.Err() != nil {
					return
				}
				b.putRecord(fmt.Sprintf("key-%d", k), n)
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// putRecord puts one record, as often as it takes. A put whose outcome is unknown
// is not told apart from one that failed: the emulator does not lose replies.
func (b *bench) putRecord(key string, n int) {
	for {
		_, err := b.client.PutRecord(context.Background(), &kinesis.PutRecordInput{
			StreamName:   &b.stream,
			PartitionKey: &key,
			Data:         []byte(strconv.Itoa(n)),
		})
		if err == nil {
			break
		}
		if _, busy := errors.AsType[*types.ResourceInUseException](err); !busy {
			b.t.Errorf("put record: %v", err)
			return
		}
	}
	b.mu.Lock()
	b.put[key] = n + 1
	b.mu.Unlock()
}

// reshard calls f and waits until the stream is ACTIVE again.
func (b *bench) reshard(f func(context.Context) error) {
	b.t.Helper()
	if err := f(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	w := kinesis.NewStreamExistsWaiter(b.client, func(o *kinesis.StreamExistsWaiterOptions) { o.MinDelay = 50 * time.Millisecond })
	if err := w.Wait(b.t.Context(), &kinesis.DescribeStreamInput{StreamName: &b.stream}, 30*time.Second); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) split(shard, at string) {
	b.reshard(func(ctx context.Context) error {
		_, err := b.client.SplitShard(ctx, &kinesis.SplitShardInput{StreamName: &b.stream, ShardToSplit: &shard, NewStartingHashKey: &at})
		return err
	})
}

func (b *bench) merge(x, y string) {
	b.reshard(func(ctx context.Context) error {
		_, err := b.client.MergeShards(ctx, &kinesis.MergeShardsInput{StreamName: &b.stream, ShardToMerge: &x, AdjacentShardToMerge: &y})
		return err
	})
}

func (b *bench) printed(l line) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, l)
	close(b.changed)
	b.changed = make(chan struct{})
}

// until waits until ok, which is asked under the lock after each line, says so.
func (b *bench) until(what string, ok func() bool) {
	b.t.Helper()
	limit := time.After(2 * time.Minute)
	for {
		b.mu.Lock()
		done, changed := ok(), b.changed
		b.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-limit:
			b.t.Fatalf("not in two minutes: %s", what)
		}
	}
}

// mark is how many lines there are by now.
func (b *bench) mark() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.lines)
}

// shards are those that the worker has printed of since a mark. The lock is held.
func (b *bench) shards(worker string, since int) []string {
	var out []string
	for _, l := range b.lines[since:] {
		if l.worker == worker && !slices.Contains(out, l.Shard) {
			out = append(out, l.Shard)
		}
	}
	return out
}

// complete reports whether everything put was printed. The lock is held.
func (b *bench) complete() bool {
	seen := make(map[string]map[string]bool)
	for _, l := range b.lines {
		if seen[l.Key] == nil {
			seen[l.Key] = make(map[string]bool)
		}
		seen[l.Key][l.Data] = true
	}
	for key, n := range b.put {
		if len(seen[key]) != n {
			return false
		}
	}
	return true
}

// checkOrder checks that the first line of each record comes in order per key,
// and returns the lines that came again.
func (b *bench) checkOrder() (again []line) {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := make(map[string]int)
	for _, l := range b.lines {
		n, err := strconv.Atoi(l.Data)
		switch {
		case err != nil:
			b.t.Errorf("%s printed data %q", l.worker, l.Data)
		case n > next[l.Key]:
			b.t.Errorf("%s printed record %d of %s before record %d", l.worker, n, l.Key, next[l.Key])
		case n < next[l.Key]:
			again = append(again, l)
		default:
			next[l.Key]++
		}
	}
	return again
}

// A process is a running "leasehold consume".
type process struct {
	name  string
	cmd   *exec.Cmd
	log   bytes.Buffer
	ended chan struct{}
}

// consume starts a worker. It is killed when the test ends, if it still runs.
func (b *bench) consume(name string) *process {
	b.t.Helper()
	path, err := command()
	if err != nil {
		b.t.Fatal(err)
	}
	p := &process{name: name, ended: make(chan struct{})}
	p.cmd = exec.Command(path, "consume", b.stream, "--app", b.app, "--worker", name, "--checkpoint-every", "0",
		"--failover", b.failover.String(), "--endpoint-url-kinesis", b.kinesis.URL, "--endpoint-url-dynamodb", b.dynamo.URL, "-v")
	p.cmd.Env = append(os.Environ(),
		"AWS_ACCESS_KEY_ID="+emul.AccessKey, "AWS_SECRET_ACCESS_KEY="+emul.SecretKey, "AWS_REGION="+emul.Region)
	p.cmd.Stderr = &p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			l := line{worker: name}
			if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
				// The last line of a killed process may be cut.
				continue
			}
			b.printed(l)
		}
		p.cmd.Wait()
	}()
	b.t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.ended
		if b.t.Failed() {
			b.t.Logf("%s said:\n%s", name, p.log.String())
		}
	})
	return p
}

// kill ends the process without a chance to say good-bye.
func (p *process) kill() {
	p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.ended
}

// stop asks the process to end, and checks that it does so cleanly.
func (b *bench) stop(p *process) {
	b.t.Helper()
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(time.Minute):
		b.t.Fatalf("%s did not end within a minute of SIGTERM", p.name)
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		b.t.Errorf("%s ended with %d after SIGTERM, want 0", p.name, code)
	}
}

func shardID(i int) string { return fmt.Sprintf("shardId-%012d", i) }
