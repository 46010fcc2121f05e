package awsfake_test

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"pgregory.net/rapid"

	"github.com/leasehold/leasehold/awsfake"
)

func childrenOf(out *kinesis.GetRecordsOutput) string {
	var s []string
	for _, c := range out.ChildShards {
		s = append(s, fmt.Sprintf("%s of %s", *c.ShardId, strings.Join(c.ParentShards, "+")))
	}
	return strings.Join(s, ", ")
}

func TestSplitEndsTheParentAndNamesItsChildren(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &awsfake.Kinesis{}
		c := streamClient(k)
		k.Create("s", 1)
		put(t, k, "a")
		last := put(t, k, "b")
		mid := "170141183460469231731687303715884105728"
		if _, err := c.SplitShard(t.Context(), &kinesis.SplitShardInput{StreamName: new("s"), ShardToSplit: new(shard0), NewStartingHashKey: &mid}); err != nil {
			t.Fatal(err)
		}
		first := put(t, k, "c")

		r := readerOf(t, c, shard0, kinesis.GetShardIteratorInput{})
		wantTexts(t, "first page of the parent", r.texts(1), "a")
		if r.next == nil || r.last.ChildShards != nil {
			t.Errorf("before the end: next %v, children %s", r.next, childrenOf(r.last))
		}
		wantTexts(t, "last page of the parent", r.texts(0), "b")
		want := shard1 + " of " + shard0 + ", " + shard2 + " of " + shard0
		if got := childrenOf(r.last); r.next != nil || got != want || *r.last.MillisBehindLatest != 0 {
			t.Errorf("at the end: next %v, children %s, %d ms behind; want none, %s, 0", r.next, got, *r.last.MillisBehindLatest, want)
		}
		if h := r.last.ChildShards[1].HashKeyRange; *h.StartingHashKey != mid || *h.EndingHashKey != "340282366920938463463374607431768211455" {
			t.Errorf("range of the second child: %s to %s", *h.StartingHashKey, *h.EndingHashKey)
		}
		if latest := readerOf(t, c, shard0, kinesis.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeLatest}); len(latest.page(0)) != 0 || latest.next != nil || childrenOf(latest.last) != want {
			t.Errorf("LATEST of a closed shard: next %v, children %s, want the end at once", latest.next, childrenOf(latest.last))
		}

		sh := k.Shards("s")
		if end := sh[0].LastSequence; end <= last || end >= sh[1].FirstSequence || sh[1].FirstSequence >= first || sh[0].Open || !sh[1].Open {
			t.Errorf("numbers do not grow: last of the parent %s, its end %s, child's start %s, its first record %s", last, end, sh[1].FirstSequence, first)
		}
		after := readerOf(t, c, shard0, kinesis.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeAfterSequenceNumber, StartingSequenceNumber: &sh[0].LastSequence})
		if got := after.page(0); len(got) != 0 || after.next != nil {
			t.Errorf("AFTER the ending number: %d records, next %v, want the end", len(got), after.next)
		}
	})
}

func TestMergeEndsBothParents(t *testing.T) {
	k := &awsfake.Kinesis{}
	c := streamClient(k)
	k.Create("s", 3)
	if _, err := c.MergeShards(t.Context(), &kinesis.MergeShardsInput{StreamName: new("s"), ShardToMerge: new(shard2), AdjacentShardToMerge: new(shard1)}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{shard1, shard2} {
		r := readerOf(t, c, id, kinesis.GetShardIteratorInput{})
		r.page(0)
		if want := shard3 + " of " + shard2 + "+" + shard1; r.next != nil || childrenOf(r.last) != want {
			t.Errorf("end of %s: next %v, children %s, want %s", id, r.next, childrenOf(r.last), want)
		}
	}
	out, err := c.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: new("s"), ShardFilter: &types.ShardFilter{Type: types.ShardFilterTypeAtLatest}})
	if err != nil {
		t.Fatal(err)
	}
	child := out.Shards[1]
	if *child.ParentShardId != shard2 || *child.AdjacentParentShardId != shard1 ||
		*child.HashKeyRange.StartingHashKey != "113427455640312821154458202477256070485" || *child.HashKeyRange.EndingHashKey != "340282366920938463463374607431768211455" {
		t.Errorf("child of the merge: %+v", child)
	}
	_, err = c.MergeShards(t.Context(), &kinesis.MergeShardsInput{StreamName: new("s"), ShardToMerge: new(shard1), AdjacentShardToMerge: new(shard2)})
	wantCode(t, "merge of closed shards", err, "InvalidArgumentException")
}

func TestReshardTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &awsfake.Kinesis{ReshardTakes: 30 * time.Second}
		c := streamClient(k)
		k.Create("s", 1)
		k.Split("s", shard0)
		r := readerOf(t, c, shard0, kinesis.GetShardIteratorInput{})
		time.Sleep(30*time.Second - time.Nanosecond)
		put(t, k, "late")
		wantTexts(t, "while the stream is UPDATING", r.texts(0), "late")
		if r.next == nil || len(listed(t, c, nil)) != 1 {
			t.Errorf("the shard ended before the split was done")
		}
		_, err := c.SplitShard(t.Context(), &kinesis.SplitShardInput{StreamName: new("s"), ShardToSplit: new(shard0), NewStartingHashKey: new("5")})
		wantCode(t, "a second split", err, "ResourceInUseException")
		due := time.Now().Add(time.Nanosecond)
		time.Sleep(time.Hour)
		// Nobody looked for an hour, yet the split is as old as it is.
		if got := listed(t, c, &types.ShardFilter{Type: types.ShardFilterTypeAtTimestamp, Timestamp: new(due.Add(time.Millisecond))}); !slices.Equal(got, []string{shard1, shard2}) {
			t.Errorf("shards when the split was due: %v, want the children", got)
		}
		r = readerOf(t, c, shard0, kinesis.GetShardIteratorInput{})
		if r.page(0); r.next != nil || len(r.last.ChildShards) != 2 || len(listed(t, c, nil)) != 3 {
			t.Errorf("after the split: next %v, children %s", r.next, childrenOf(r.last))
		}
	})
}

// Any resharding leaves ranges that cover all hash keys once, numbers that grow
// from parent to child, and filters that agree.
func TestReshardingKeepsTheStreamWhole(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		k := &awsfake.Kinesis{}
		c := streamClient(k)
		k.Create("s", rapid.IntRange(1, 5).Draw(rt, "shards"))
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			open := slices.DeleteFunc(k.Shards("s"), func(s awsfake.ShardInfo) bool { return !s.Open })
			slices.SortFunc(open, func(a, b awsfake.ShardInfo) int { return number(a.FirstHash).Cmp(number(b.FirstHash)) })
			i := rapid.IntRange(0, len(open)-1).Draw(rt, "shard")
			switch what := rapid.IntRange(0, 2).Draw(rt, "what"); {
			case what == 0:
				k.Split("s", open[i].ID)
			case what == 1 && i > 0:
				k.Merge("s", open[i].ID, open[i-1].ID)
			default:
				n := rapid.IntRange((len(open)+1)/2, 2*len(open)).Draw(rt, "n")
				if _, err := c.UpdateShardCount(t.Context(), &kinesis.UpdateShardCountInput{StreamName: new("s"), TargetShardCount: new(int32(n)), ScalingType: types.ScalingTypeUniformScaling}); err != nil {
					rt.Fatalf("UpdateShardCount(%d) of %d: %v", n, len(open), err)
				}
				if got := len(listed(t, c, &types.ShardFilter{Type: types.ShardFilterTypeAtLatest})); got != n {
					rt.Fatalf("UpdateShardCount(%d) left %d open shards", n, got)
				}
			}
			checkWhole(rt, k.Shards("s"))
		}
	})
}

func number(s string) *big.Int {
	n, _ := new(big.Int).SetString(s, 10)
	return n
}

func checkWhole(t *rapid.T, shards []awsfake.ShardInfo) {
	byID := map[string]awsfake.ShardInfo{}
	var open []awsfake.ShardInfo
	for _, s := range shards {
		byID[s.ID] = s
		if s.Open {
			open = append(open, s)
		}
		for _, p := range s.Parents {
			if parent := byID[p]; parent.Open || parent.LastSequence >= s.FirstSequence || !slices.Contains(parent.Children, s.ID) {
				t.Fatalf("child %+v does not follow its parent %+v", s, parent)
			}
		}
	}
	slices.SortFunc(open, func(a, b awsfake.ShardInfo) int { return number(a.FirstHash).Cmp(number(b.FirstHash)) })
	next := new(big.Int)
	for _, s := range open {
		if number(s.FirstHash).Cmp(next) != 0 {
			t.Fatalf("range of %+v does not begin at %s", s, next)
		}
		next.Add(number(s.LastHash), big.NewInt(1))
	}
	if next.Cmp(new(big.Int).Lsh(big.NewInt(1), 128)) != 0 {
		t.Fatalf("open shards end at %s", next)
	}
}

// Sixteen writers and, for each shard, a reader that starts with them, while
// shards split and merge: every record is read once, each key's in its order.
func TestWritersAndLiveReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const writers, each = 16, 60
		k := &awsfake.Kinesis{Latency: 2 * time.Millisecond, ReshardTakes: 10 * time.Millisecond}
		c := streamClient(k)
		k.Create("s", 2)

		var mu sync.Mutex
		got := map[string][]string{}
		begun := map[string]bool{}
		var all sync.WaitGroup
		var read func(shard string)
		read = func(shard string) {
			r := readerOf(t, c, shard, kinesis.GetShardIteratorInput{})
			for r.next != nil {
				records := r.page(7)
				mu.Lock()
				n := 0
				for _, rec := range records {
					got[*rec.PartitionKey] = append(got[*rec.PartitionKey], string(rec.Data))
				}
				for _, g := range got {
					n += len(g)
				}
				mu.Unlock()
				if n == writers*each {
					return
				}
				time.Sleep(3 * time.Millisecond)
			}
			for _, child := range r.last.ChildShards {
				mu.Lock()
				ready := !begun[*child.ShardId]
				// A merged shard begins when both parents are read to the end.
				for _, p := range child.ParentShards {
					ready = ready && (begun["end "+p] || p == shard)
				}
				begun["end "+shard] = true
				if ready {
					begun[*child.ShardId] = true
				}
				mu.Unlock()
				if ready {
					all.Go(func() { read(*child.ShardId) })
				}
			}
		}
		for _, s := range k.Shards("s") {
			all.Go(func() { read(s.ID) })
		}
		for w := range writers {
			all.Go(func() {
				for i := range each {
					if _, err := c.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: new("s"), PartitionKey: new(fmt.Sprint("w", w)), Data: fmt.Append(nil, i)}); err != nil {
						t.Errorf("put: %v", err)
					}
				}
			})
		}
		all.Go(func() {
			time.Sleep(20 * time.Millisecond)
			_, r := k.Split("s", shard0)
			time.Sleep(40 * time.Millisecond)
			k.Merge("s", r, shard1)
		})
		all.Wait()
		for w := range writers {
			records := got[fmt.Sprint("w", w)]
			for i := range each {
				if i >= len(records) || records[i] != fmt.Sprint(i) {
					t.Fatalf("writer %d: read %d records of %d: %v", w, len(records), each, records)
				}
			}
		}
		if n := len(k.Shards("s")); n != 5 {
			t.Errorf("%d shards, want 5: the split and the merge did not happen", n)
		}
	})
}
