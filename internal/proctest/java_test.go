package proctest

import (
	"testing"
	"time"

	"github.com/leasehold/leasehold/internal/javakcl"
)

// A Java KCL worker joins an application that ours made and lead. It is given
// leases by a handoff, gives some back by a handoff, and gets them again when ours
// stop: nothing comes twice, nothing is lost, and Java finds nothing to complain of.
func TestJavaWorkerSharesTheTable(t *testing.T) {
	b := newBench(t, 4)
	b.failover = 10 * time.Second // Java's own
	stopProducing := b.produce(16)
	defer stopProducing()

	a := b.consume("a")
	b.until("a prints of all shards", func() bool { return len(b.shards("a", 0)) == 4 })

	java := b.startJava()
	b.until("java has its half, handed over by ours", func() bool { return len(b.shards("java", 0)) == 2 })

	// Two more of ours: the leader takes a lease from Java for them.
	c := b.consume("c")
	d := b.consume("d")
	joined := b.mark()
	b.until("everybody has one", func() bool {
		return len(b.shards("c", joined)) >= 1 && len(b.shards("d", joined)) >= 1
	})
	given := b.leasesOf("java")
	if given != 1 {
		t.Errorf("java holds %d of 4 leases among four workers, want 1", given)
	}
	b.stop(c)
	b.stop(d)
	b.stop(a)
	gone := b.mark()
	b.until("java has all, released to it by name", func() bool { return len(b.shards("java", gone)) == 4 })

	stopProducing()
	b.until("everything is processed", b.complete)
	if again := b.checkOrder(); len(again) != 0 {
		t.Errorf("%d records came twice: %v", len(again), again)
	}
	if err := java.Stop(); err != nil {
		t.Errorf("stop java: %v", err)
	}
}

// leasesOf counts the leases that a worker holds, once no handoff is under way.
func (b *bench) leasesOf(worker string) int {
	b.t.Helper()
	for range 60 {
		n, moving := 0, false
		for _, l := range b.leases() {
			moving = moving || l.HandingOff()
			if l.Owner == worker {
				n++
			}
		}
		if !moving {
			return n
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-b.t.Context().Done():
		}
	}
	b.t.Error("a handoff is under way for half a minute")
	return 0
}

// startJava starts a Java worker, called java, whose records count as ours do.
func (b *bench) startJava() *javakcl.Worker {
	java := javakcl.Start(b.t, javakcl.Options{App: b.app, Stream: b.stream, Name: "java", Kinesis: b.kinesis, DynamoDB: b.dynamo})
	go func() {
		for e := range java.Events() {
			switch e.Kind {
			case javakcl.Record:
				b.printed(line{worker: "java", Shard: e.Shard, Sequence: e.Sequence, Key: e.Key, Data: string(e.Data)})
			case javakcl.Failed:
				b.t.Errorf("java: %s", e)
			}
		}
	}()
	return java
}
