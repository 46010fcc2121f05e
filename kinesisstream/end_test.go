package kinesisstream

import (
	"context"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/leasehold/leasehold/awsfake"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// checkChildren fails unless the last batch names the children that the stream has.
func (f *fixture) checkChildren(shard string, b stream.Batch) {
	f.t.Helper()
	want := map[string]awsfake.ShardInfo{}
	for _, s := range f.Kinesis.Shards("orders") {
		if slices.Contains(s.Parents, shard) {
			want[s.ID] = s
		}
	}
	if !b.End || len(b.Children) != len(want) {
		f.t.Errorf("%s: end %v, %d children, want %d", shard, b.End, len(b.Children), len(want))
	}
	for _, c := range b.Children {
		w, ok := want[c.ID]
		if !ok || !slices.Equal(c.Parents, w.Parents) || c.HashRange != (lease.HashRange{Start: w.FirstHash, End: w.LastHash}) {
			f.t.Errorf("%s: child %+v, want %+v", shard, c, w)
		}
	}
}

func TestEndOfAShard(t *testing.T) {
	for _, tt := range []struct {
		name    string
		records int
		fault   awsfake.ReadFault
		within  time.Duration
	}{
		{"with the last records", 5, 0, 0},
		{"of an empty shard", 0, 0, 0},
		{"in a reply of its own", 5, awsfake.LateEnd, 500 * time.Millisecond},
		{"without children", 5, awsfake.NoChildren, 2 * time.Second},
		{"without children, empty", 0, awsfake.NoChildren, 2 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, 2, Config{})
				for len(f.shardRecords(first)) < tt.records {
					f.write(1)
				}
				want := f.shardRecords(first)
				f.Split("orders", first)
				if tt.fault != 0 {
					f.FaultReads("orders", first, tt.fault, -1)
				}
				began := time.Now()
				r := f.Open(first, from(lease.TrimHorizon))
				got, b := f.until(r, all)
				f.checkChildren(first, b)
				if !slices.Equal(got, want) {
					t.Errorf("got %v, want %v", got, want)
				}
				if took := time.Since(began); took > tt.within {
					t.Errorf("took %v, want %v", took, tt.within)
				}
				again := f.read(r)
				f.checkChildren(first, again)
				if len(again.Records) > 0 {
					t.Errorf("after the end: %d records", len(again.Records))
				}
			})
		})
	}
}

// shardRecords are the numbers that were written to a shard.
func (f *fixture) shardRecords(shard string) []int {
	var got []int
	r := New(f.client, "orders").Open(shard, from(lease.TrimHorizon))
	for {
		b := f.read(r)
		got = append(got, numbers(f.t, b.Records)...)
		if b.Behind == 0 {
			return got
		}
	}
}

func TestEndOfAMerge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 2, Config{})
		second := "shardId-000000000001"
		f.Merge("orders", first, second)
		for _, shard := range []string{first, second} {
			_, b := f.until(f.Open(shard, from(lease.TrimHorizon)), all)
			f.checkChildren(shard, b)
			if len(b.Children) != 1 || len(b.Children[0].Parents) != 2 {
				t.Errorf("%s: %+v", shard, b.Children)
			}
		}
	})
}

// A reply without iterator and children, on a shard that is open, or closed with
// records left, is not the end.
func TestFailure_F44_MalformedReplyIsNotTheEnd(t *testing.T) {
	for _, closed := range []bool{false, true} {
		for times := range 12 {
			t.Run(fmt.Sprint("closed ", closed, " times ", times), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := newFixture(t, 1, Config{MaxRecords: 4})
					f.write(10)
					if closed {
						f.Split("orders", first)
					}
					r := f.Open(first, from(lease.TrimHorizon))
					var got []int
					got = append(got, numbers(t, f.read(r).Records)...)
					f.FaultReads("orders", first, awsfake.NoIterator, times)
					for range times {
						if b := f.read(r); b.End || len(b.Records) > 0 {
							t.Fatalf("end %v, %d records after a malformed reply", b.End, len(b.Records))
						}
					}
					rest, b := f.until(r, 6)
					if got = append(got, rest...); !slices.Equal(got, count(0, 10)) || b.End != closed {
						t.Errorf("got %v, end %v", got, b.End)
					}
					if !closed {
						f.write(1)
						if got, _ := f.until(r, 1); !slices.Equal(got, []int{10}) {
							t.Errorf("then got %v", got)
						}
					}
				})
			})
		}
	}
}

// A changed client is one whose replies are changed on their way.
type changed struct {
	Client
	change func(*kinesis.GetRecordsOutput)
}

func (c changed) GetRecords(ctx context.Context, in *kinesis.GetRecordsInput, opts ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error) {
	out, err := c.Client.GetRecords(ctx, in, opts...)
	if err == nil {
		c.change(out)
	}
	return out, err
}

// Some emulators never say that a reader is behind. Then it takes three such
// replies in a row to be believed.
func TestFailure_F44_WhereNobodyIsBehind(t *testing.T) {
	for times := range 3 {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, 1, Config{MaxRecords: 4})
			f.client = changed{f.client, func(out *kinesis.GetRecordsOutput) { *out.MillisBehindLatest = 0 }}
			f.write(10)
			f.Split("orders", first)
			f.FaultReads("orders", first, awsfake.NoIterator, times)
			got, b := f.until(f.Open(first, from(lease.TrimHorizon)), all)
			f.checkChildren(first, b)
			if !slices.Equal(got, count(0, 10)) {
				t.Errorf("%d malformed replies: got %v", times, got)
			}
		})
	}
}

// Children that are not whole prove nothing; the list of shards has them right.
func TestFailure_F44_MalformedChildren(t *testing.T) {
	for name, spoil := range map[string]func([]types.ChildShard) []types.ChildShard{
		"half of a split": func(c []types.ChildShard) []types.ChildShard { return c[:1] },
		"no parents":      func(c []types.ChildShard) []types.ChildShard { c[1].ParentShards = nil; return c },
		"other parents": func(c []types.ChildShard) []types.ChildShard {
			c[1].ParentShards = []string{"shardId-000000000099"}
			return c
		},
		"no range": func(c []types.ChildShard) []types.ChildShard { c[0].HashKeyRange = nil; return c },
		"no ID":    func(c []types.ChildShard) []types.ChildShard { c[0].ShardId = nil; return c },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, 1, Config{})
				f.client = changed{f.client, func(out *kinesis.GetRecordsOutput) {
					if len(out.ChildShards) > 0 {
						out.ChildShards = spoil(out.ChildShards)
					}
				}}
				f.write(10)
				f.Split("orders", first)
				got, b := f.until(f.Open(first, from(lease.TrimHorizon)), all)
				f.checkChildren(first, b)
				if !slices.Equal(got, count(0, 10)) {
					t.Errorf("got %v", got)
				}
			})
		})
	}
}

// At the tip of an open shard it is not the end either, however often.
func TestFailure_F44_AtTheTip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1, Config{})
		f.write(1)
		r := f.Open(first, from(lease.TrimHorizon))
		f.read(r)
		f.FaultReads("orders", first, awsfake.NoIterator, 100)
		for range 100 {
			if b := f.read(r); b.End {
				t.Fatal("end of an open shard")
			}
		}
		f.write(1)
		if got, _ := f.until(r, 1); !slices.Equal(got, []int{1}) {
			t.Errorf("then got %v", got)
		}
	})
}

// The list of shards is old, and the last reply names no children.
func TestEndWithAnOldList(t *testing.T) {
	for _, lag := range []time.Duration{0, 5 * time.Second, time.Minute} {
		t.Run(fmt.Sprint(lag), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, 1, Config{})
				time.Sleep(time.Hour)
				f.SetListShardsLag(lag)
				f.write(5)
				f.Split("orders", first)
				f.FaultReads("orders", first, awsfake.NoChildren, -1)
				began := time.Now()
				got, b := f.until(f.Open(first, from(lease.TrimHorizon)), all)
				f.checkChildren(first, b)
				if !slices.Equal(got, count(0, 5)) {
					t.Errorf("got %v", got)
				}
				if took := time.Since(began); took > lag+2*time.Second {
					t.Errorf("took %v with a list %v old", took, lag)
				}
			})
		})
	}
}

func TestFailure_F47_HalfOfASplitIsListed(t *testing.T) {
	for _, tt := range []struct {
		hidden time.Duration
		want   int
	}{{10 * time.Second, 2}, {time.Hour, 1}} {
		t.Run(fmt.Sprint(tt.hidden), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, 1, Config{})
				_, right := f.Split("orders", first)
				f.Hide("orders", right, tt.hidden)
				f.FaultReads("orders", first, awsfake.NoChildren, -1)
				began := time.Now()
				_, b := f.until(f.Open(first, from(lease.TrimHorizon)), all)
				if len(b.Children) != tt.want {
					t.Errorf("%d children, want %d", len(b.Children), tt.want)
				}
				if took := time.Since(began); took > 33*time.Second {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

// A stream is read by one reader a shard, children after their parents, while
// it is written and its shards are split and merged: each record comes once, and
// those of one key in order.
func TestReadThroughReshards(t *testing.T) {
	for seed := range uint64(8) {
		for _, fault := range []awsfake.ReadFault{0, awsfake.NoChildren, awsfake.LateEnd} {
			t.Run(fmt.Sprint(seed, " ", fault), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := newFixture(t, 2, Config{MaxRecords: 7})
					rnd := rand.New(rand.NewPCG(seed, 0))
					if fault != 0 {
						f.FaultReads("orders", "", fault, -1)
					}
					readers := map[string]stream.Reader{}
					for _, s := range f.Kinesis.Shards("orders") {
						readers[s.ID] = f.Open(s.ID, from(lease.TrimHorizon))
					}
					ended := map[string]bool{}
					waiting := map[string]stream.Shard{}
					lastOfKey := map[string]int{}
					got := 0
					for step := 0; step < 200 || got < f.put; step++ {
						if step == 5000 {
							t.Fatalf("%d of %d records read in %d steps", got, f.put, step)
						}
						if step < 200 {
							f.write(rnd.IntN(6))
						}
						if step < 200 && step%20 == 19 {
							f.reshard(rnd)
						}
						ids := make([]string, 0, len(readers))
						for id := range readers {
							ids = append(ids, id)
						}
						slices.Sort(ids)
						id := ids[rnd.IntN(len(ids))]
						b := f.read(readers[id])
						for _, n := range numbers(t, b.Records) {
							key := fmt.Sprint(n % 17)
							if last, ok := lastOfKey[key]; ok && n <= last {
								t.Fatalf("record %d after %d of the same key", n, last)
							}
							lastOfKey[key] = n
							got++
						}
						if !b.End {
							continue
						}
						f.checkChildren(id, b)
						ended[id] = true
						delete(readers, id)
						for _, c := range b.Children {
							waiting[c.ID] = c
						}
						for id, c := range waiting {
							if !slices.ContainsFunc(c.Parents, func(p string) bool { return !ended[p] }) {
								readers[id] = f.Open(id, from(lease.TrimHorizon))
								delete(waiting, id)
							}
						}
					}
					if got != f.put || len(ended) < 5 {
						t.Errorf("%d records read, %d written; %d shards ended", got, f.put, len(ended))
					}
				})
			})
		}
	}
}

// reshard splits or merges something.
func (f *fixture) reshard(rnd *rand.Rand) {
	var open []awsfake.ShardInfo
	for _, s := range f.Kinesis.Shards("orders") {
		if s.Open {
			open = append(open, s)
		}
	}
	if len(open) > 2 && rnd.IntN(2) == 0 {
		for _, a := range open {
			for _, b := range open {
				if adjacent(a, b) {
					f.Merge("orders", a.ID, b.ID)
					return
				}
			}
		}
	}
	f.Split("orders", open[rnd.IntN(len(open))].ID)
}

func adjacent(a, b awsfake.ShardInfo) bool {
	last, ok := new(big.Int).SetString(a.LastHash, 10)
	return ok && last.Add(last, big.NewInt(1)).String() == b.FirstHash
}

func TestCovered(t *testing.T) {
	shard := func(start, end string) stream.Shard {
		return stream.Shard{HashRange: lease.HashRange{Start: start, End: end}}
	}
	r := lease.HashRange{Start: "5", End: "20"}
	for _, tt := range []struct {
		name     string
		children []stream.Shard
		want     bool
	}{
		{"none", nil, false},
		{"both halves", []stream.Shard{shard("12", "20"), shard("5", "11")}, true},
		{"one half", []stream.Shard{shard("5", "11")}, false},
		{"the other", []stream.Shard{shard("12", "20")}, false},
		{"one key is missing", []stream.Shard{shard("5", "10"), shard("12", "20")}, false},
		{"a merge serves more", []stream.Shard{shard("0", "100")}, true},
		{"overlap", []stream.Shard{shard("5", "15"), shard("7", "9"), shard("10", "20")}, true},
		{"unreadable", []stream.Shard{shard("", "")}, false},
	} {
		if got := covered(r, tt.children); got != tt.want {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
	if !covered(lease.HashRange{}, []stream.Shard{shard("", "")}) {
		t.Error("a service without ranges: not covered")
	}
}
