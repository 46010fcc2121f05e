package leasehold_test

import (
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasehold/leasehold"
	"github.com/leasehold/leasehold/awsfake"
)

// readPolicy reads the policy of docs/permissions.md, for the stream and the
// application of the tests. The fakes know resources by their plain names, and of
// a call with an iterator they know none.
func readPolicy(t *testing.T) []awsfake.Statement {
	text, err := os.ReadFile("docs/permissions.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text2, _ := strings.Cut(string(text), "```json\n")
	text2, _, ok := strings.Cut(text2, "```")
	var doc struct {
		Statement []struct {
			Effect   string
			Action   []string
			Resource string
		}
	}
	if err := json.Unmarshal([]byte(text2), &doc); err != nil || !ok {
		t.Fatalf("the policy of docs/permissions.md: %v", err)
	}
	var policy []awsfake.Statement
	for _, s := range doc.Statement {
		_, resource, _ := strings.Cut(s.Resource, "/")
		table, index, _ := strings.Cut(resource, "/index/")
		table = strings.Replace(table, "APP", fleetApp, 1)
		for _, action := range s.Action {
			st := awsfake.Statement{Deny: s.Effect != "Allow", Action: action, Resource: table}
			if strings.HasPrefix(action, "kinesis:") {
				st.Resource = ""
			}
			if (index != "") != (action == "dynamodb:Query") {
				t.Errorf("%s is for %s", action, s.Resource)
			}
			policy = append(policy, st)
		}
	}
	return policy
}

// Workers live by the policy that the document gives: they make the table, or an
// index on one that lacks it, share the shards, outlive a death and a split, and
// stop. Each line of the policy is needed for that.
func TestPolicySuffices(t *testing.T) {
	policy := readPolicy(t)
	var mu sync.Mutex
	needed := make(map[awsfake.Statement]bool)
	for _, given := range []string{"nothing", "a table without an index"} {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t, 2, time.Millisecond)
			log := &logs{}
			script := func(c awsfake.Call) awsfake.Fault {
				if c.Caller == "setup" || c.Caller == "test" {
					return awsfake.Fault{}
				}
				for _, s := range policy {
					if awsfake.Policy(s)(c) == (awsfake.Fault{}) {
						mu.Lock()
						needed[s] = true
						mu.Unlock()
					}
				}
				return awsfake.Policy(policy...)(c)
			}
			f.kinesis.SetScript(awsfake.First(f.cut, script))
			f.db.SetScript(awsfake.First(f.cut, script))
			if given != "nothing" {
				f.bareTable()
			}
			f.produce(8, time.Second)
			for _, name := range []string{"a", "b", "c"} {
				f.start(name, func(cfg *leasehold.Config) { cfg.Logger = slog.New(slog.NewTextHandler(log, nil)) })
				time.Sleep(20 * time.Second)
			}
			f.kinesis.Split(fleetStream, shardName(0))
			f.kill("a")
			time.Sleep(6 * time.Minute) // the lease of the shard that was split is deleted meanwhile
			f.stop("b")
			f.stopProducing()
			time.Sleep(5 * time.Second)
			f.end()
			if n := f.missing(); n != 0 {
				t.Errorf("%s: %d records are missing", given, n)
			}
			if n := log.count("AccessDenied"); n != 0 || f.put.Load() == 0 {
				t.Errorf("%s: %d lines about what the policy does not allow\n%s", given, n, log)
			}
		})
	}
	for _, s := range policy {
		if !needed[s] {
			t.Errorf("nobody needed %s on %s", s.Action, s.Resource)
		}
	}
}
