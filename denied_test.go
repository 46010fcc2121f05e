package leasehold_test

import (
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasehold/leasehold"
	"github.com/leasehold/leasehold/awsfake"
)

// denials is a fleet one action of which can be denied to all of its workers.
type denials struct {
	*fleet
	action atomic.Pointer[string] // "" or nil: none
	log    *logs

	mu    sync.Mutex // guards what follows
	asked int        // calls of that action
}

// deny denies an action from now on, and counts it; an empty one, none.
func (f *denials) deny(action string) {
	f.mu.Lock()
	f.asked = 0
	f.mu.Unlock()
	f.action.Store(&action)
}

func (f *denials) tries() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

// script is an identity policy with AWS's own words for what it denies.
func (f *denials) script(c awsfake.Call) awsfake.Fault {
	action := f.action.Load()
	if action == nil || *action == "" || c.Caller == "setup" || c.Caller == "test" {
		return awsfake.Fault{}
	}
	fault := awsfake.Policy(awsfake.Statement{}, awsfake.Statement{Deny: true, Action: *action})(c)
	if fault != (awsfake.Fault{}) {
		f.mu.Lock()
		f.asked++
		f.mu.Unlock()
	}
	return fault
}

// named reports whether a line of the log, or an error, names the action that is
// denied and the table or stream.
func named(action string, text string) bool {
	resource := fleetApp
	if strings.HasPrefix(action, "kinesis:") {
		resource = fleetStream
	}
	for line := range strings.Lines(text) {
		if strings.Contains(line, "AccessDenied") && strings.Contains(line, "perform: "+action+" ") && strings.Contains(line, resource) {
			return true
		}
	}
	return false
}

func denialBubble(t *testing.T, run func(t *testing.T, f *denials)) {
	synctest.Test(t, func(t *testing.T) {
		f := &denials{fleet: newFleet(t, 4, 5*time.Millisecond), log: &logs{}}
		f.kinesis.SetScript(awsfake.First(f.cut, f.script))
		f.db.SetScript(awsfake.First(f.cut, f.script))
		f.produce(16, time.Second)
		run(t, f)
		f.end()
	})
}

func (f *denials) begin(names ...string) {
	for _, n := range names {
		f.start(n, func(cfg *leasehold.Config) {
			cfg.Logger = slog.New(slog.NewTextHandler(f.log, nil))
		})
	}
}

// A denial is one action, when it is missed, and what the test has to do for that.
type denial struct {
	action string
	// within is how soon a line must name it, once the action is denied to a
	// fleet that works. 0: such a fleet does not need it.
	within time.Duration
	// needs makes a fleet need it, where it does so seldom.
	needs func(f *denials)
	// most is how often it may be tried in ten minutes.
	most int
	// start says what becomes of a worker that starts without it where there is
	// no table, a table without an index, a new application, and one that ran
	// before: f for an error of Run that names it, l for a line of the log that
	// does, and - if it is not needed.
	start string
}

func split(f *denials) { f.kinesis.Split(fleetStream, shardName(0)) }

// newLeader has another worker lead.
func newLeader(f *denials) {
	leader := "a"
	for line := range strings.Lines(f.log.String()) {
		if strings.Contains(line, "leader.elected") && strings.Contains(line, "worker=b") {
			leader = "b"
		}
	}
	f.stop(leader)
}

// Two workers ask twice a second for their rows and the watchers look once a second
// each, so 1,200 calls in ten minutes are no more than without a denial. Writes are
// tried again at once, and then about every 0.8 s, for each lease.
var allDenials = []denial{
	{"dynamodb:CreateTable", 0, nil, 0, "f---"},
	{"dynamodb:UpdateTable", 0, nil, 60, "-l--"},
	{"dynamodb:DescribeTable", 0, nil, 0, "ffff"},
	{"dynamodb:GetItem", 5 * time.Second, nil, 200, "ffff"},
	{"dynamodb:PutItem", time.Second, split, 9000, "fffl"},
	{"dynamodb:UpdateItem", 5500 * time.Millisecond, nil, 9000, "ffff"},
	{"dynamodb:DeleteItem", time.Second, newLeader, 100, "----"},
	{"dynamodb:Query", time.Second, nil, 1210, "f-ff"},
	{"dynamodb:Scan", time.Second, nil, 1210, "fffl"},
	{"kinesis:ListShards", 20 * time.Second, newLeader, 1210, "ffff"},
	{"kinesis:GetShardIterator", time.Second, split, 300, "llll"},
	{"kinesis:GetRecords", time.Second, nil, 400, "llll"},
}

// Each action in turn is denied to a fleet at work, and allowed again ten minutes
// later.
func TestFailure_F22_DeniedDuringTheRun(t *testing.T) {
	long, part := 10*time.Minute, 1
	if testing.Short() {
		// A fifth of the time has more than a fifth of the tries: they begin fast.
		long, part = 2*time.Minute, 2
	}
	for _, d := range allDenials {
		t.Run(d.action, func(t *testing.T) {
			denialBubble(t, func(t *testing.T, f *denials) {
				f.createTable()
				f.begin("a", "b")
				time.Sleep(20 * time.Second)
				before := len(f.log.String())
				f.deny(d.action)
				if d.needs != nil {
					d.needs(f)
				}
				time.Sleep(d.within + 20*time.Millisecond)
				if text := f.log.String()[before:]; d.within > 0 && !named(d.action, text) {
					t.Errorf("%v later the log does not name the action and what it was for:\n%s", d.within, text)
				}
				time.Sleep(long - d.within)
				if n, most := f.tries(), d.most/part; n > most || d.within > 0 && n == 0 {
					t.Errorf("%d tries in %v, want at most %d", n, long, most)
				}
				// The first line of its sort, and then one a minute: of each sort of
				// call, worker or shard.
				if n := f.log.count("perform: " + d.action); n > 100 {
					t.Errorf("%d lines about it in %v", n, long)
				}
				f.allow()
			})
		})
	}
}

// allow allows everything, and wants every shard to be read soon, with nothing
// missing.
func (f *denials) allow() {
	f.t.Helper()
	f.deny("")
	time.Sleep(15 * time.Second)
	open := 0
	for _, s := range f.kinesis.Shards(fleetStream) {
		if s.Open {
			open++
		}
	}
	f.reads(open, 0)
	f.stopProducing()
	time.Sleep(5 * time.Second)
	if n := f.missing(); n != 0 {
		f.t.Errorf("%d records are missing", n)
	}
}

// Each action in turn is denied to a worker from its start: Run says so at once, or
// the log does and the worker goes on by itself when it is allowed.
func TestFailure_F22_DeniedFromTheStart(t *testing.T) {
	for _, d := range allDenials {
		for i, given := range []string{"no table", "no index", "new application", "old application"} {
			t.Run(d.action+"/"+given, func(t *testing.T) {
				denialBubble(t, func(t *testing.T, f *denials) {
					switch given {
					case "no index":
						f.bareTable()
					case "new application":
						f.createTable()
					case "old application":
						f.createTable()
						f.start("before", nil)
						time.Sleep(5 * time.Second)
						f.stop("before")
					}
					f.deny(d.action)
					f.begin("a")
					time.Sleep(2 * time.Second)
					m := f.workers["a"]
					got := "-"
					select {
					case err := <-m.done:
						m.done <- nil
						got = "f"
						if err == nil || !named(d.action, err.Error()) {
							t.Errorf("Run: %v", err)
						}
					default:
						if named(d.action, f.log.String()) {
							got = "l"
						}
					}
					if want := d.start[i : i+1]; got != want {
						t.Errorf("after 2 s %s, want %s, of: - nothing, f an error, l a line that names it\n%s", got, want, f.log)
					}
					if got == "f" {
						return
					}
					time.Sleep(2 * time.Minute)
					if f.tries() > 0 && !named(d.action, f.log.String()) {
						t.Errorf("%d tries without a line in the log", f.tries())
					}
					f.allow()
				})
			})
		}
	}
}

// The index is being built, and the worker may not ask for how long.
func TestFailure_F22_DeniedWhileTheIndexIsBuilt(t *testing.T) {
	denialBubble(t, func(t *testing.T, f *denials) {
		f.db.IndexTakes = 5 * time.Minute
		c := f.countCalls()
		f.bareTable()
		f.begin("a")
		time.Sleep(15 * time.Second)
		f.deny("dynamodb:DescribeTable")
		time.Sleep(10*time.Second + 20*time.Millisecond)
		if !named("dynamodb:DescribeTable", f.log.String()) {
			t.Errorf("10 s later the log does not name what is denied:\n%s", f.log)
		}
		time.Sleep(10 * time.Minute)
		if n, lines := f.tries(), f.log.count("DescribeTable"); n > 62 || lines > 11 {
			t.Errorf("%d tries and %d lines in ten minutes, want at most 62 and 11", n, lines)
		}
		c.reset()
		f.allow()
		if of, _ := c.made("Query"); of == 0 {
			t.Error("the index is there, and is not used")
		}
	})
}

// A worker that may not delete its item stops all the same, in its time.
func TestFailure_F22_DeniedAtTheStop(t *testing.T) {
	denialBubble(t, func(t *testing.T, f *denials) {
		f.createTable()
		f.begin("a")
		time.Sleep(10 * time.Second)
		f.deny("dynamodb:DeleteItem")
		began := time.Now()
		f.stop("a")
		if d := time.Since(began); d > 32*time.Second || !named("dynamodb:DeleteItem", f.log.String()) {
			t.Errorf("the stop took %v, want at most 32 s and a line that names what was denied:\n%s", d, f.log)
		}
	})
}
