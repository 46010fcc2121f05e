package leasehold_test

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasehold/leasehold"
	"github.com/leasehold/leasehold/internal/consume/memstream"
	"github.com/leasehold/leasehold/lease"
)

// Two applications may read one stream with one logger: every event says whose it
// is, once, also after a change of the worker's name.
func TestEventsNameTheApplication(t *testing.T) {
	bubble(t, 2, 5*time.Millisecond, func(t *testing.T, f *fleet) {
		log := &logs{}
		logged := func(cfg *leasehold.Config) {
			cfg.Worker = "same"
			cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
		}
		f.produce(4, time.Second)
		f.start("a", logged)
		time.Sleep(20 * time.Second)
		f.start("b", logged)
		time.Sleep(2 * time.Minute)
		f.stop("b")
		f.stop("a")
		if log.count("worker.renamed") != 1 || log.count("table.created") != 1 || log.count("leader.elected") == 0 {
			t.Fatalf("the log lacks an event:\n%s", log)
		}
		for line := range strings.Lines(log.String()) {
			if n := strings.Count(line, "app="+fleetApp+" stream="+fleetStream+" worker="); n != 1 || strings.Count(line, " app=") != 1 {
				t.Errorf("the application and the stream stand %d times in %q", n, line)
			}
		}
	})
}

// A store need not tell its name.
func TestEventsOfAStoreWithoutAName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1)
		f.stream.Put(memstream.ID(0), "a")
		cfg := f.config("w")
		cfg.Leases = struct{ lease.Store }{f.store}
		w := f.start(cfg)
		time.Sleep(5 * time.Second)
		w.stop()
		f.want(0, "a")
		if f.log.count("app=") != 0 || f.log.count("stream=orders") == 0 {
			t.Errorf("the log of a store without a name:\n%s", f.log)
		}
	})
}
