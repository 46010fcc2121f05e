package awsfake

import (
	"maps"
	"slices"
	"sort"

	"github.com/leasehold/leasehold/awsfake/internal/kin"
)

// summary writes the members that DescribeStream and DescribeStreamSummary
// share.
func (w *body) summary(d kin.Description) {
	w.key("StreamName").text(d.Name)
	w.key("StreamARN").text(d.ARN)
	w.key("StreamStatus").text(string(d.Status))
	w.key("StreamModeDetails").object(func() { w.key("StreamMode").text(mode(d)) })
	w.key("StreamCreationTimestamp").time(d.Created)
	w.key("RetentionPeriodHours").int(int64(d.Retention.Hours()))
	w.key("EnhancedMonitoring").list(1, func(int) {
		w.object(func() { w.key("ShardLevelMetrics").texts(nil) })
	})
	w.key("EncryptionType").text("NONE")
}

func mode(d kin.Description) string {
	if d.OnDemand {
		return "ON_DEMAND"
	}
	return "PROVISIONED"
}

func (w *body) hashRange(first, last kin.Hash) {
	w.key("HashKeyRange").object(func() {
		w.key("StartingHashKey").text(first.String())
		w.key("EndingHashKey").text(last.String())
	})
}

func (w *body) shard(sh kin.Shard) {
	w.object(func() {
		w.key("ShardId").text(sh.ID)
		if len(sh.Parents) > 0 {
			w.key("ParentShardId").text(sh.Parents[0])
		}
		if len(sh.Parents) > 1 {
			w.key("AdjacentParentShardId").text(sh.Parents[1])
		}
		w.hashRange(sh.First, sh.Last)
		w.key("SequenceNumberRange").object(func() {
			w.key("StartingSequenceNumber").sequence(sh.Start)
			if !sh.Open {
				w.key("EndingSequenceNumber").sequence(sh.End)
			}
		})
	})
}

func (w *body) shards(shards []kin.Shard) {
	w.list(len(shards), func(i int) { w.shard(shards[i]) })
}

type describeStreamInput struct {
	streamRef
	Limit                 *int
	ExclusiveStartShardId string
}

func describeStream(a *kin.Account, in *describeStreamInput, w *body) error {
	name, err := in.stream()
	if err != nil {
		return err
	}
	limit := 100
	if in.Limit != nil {
		if *in.Limit < 1 || *in.Limit > 10_000 {
			return kin.Invalid("Value '%d' at 'limit' failed to satisfy constraint: Member must be between 1 and 10000", *in.Limit)
		}
		limit = min(limit, *in.Limit)
	}
	if err := a.CountDescribe(); err != nil {
		return err
	}
	d, err := a.Describe(name)
	if err != nil {
		return err
	}
	// IDs have one length, so they are in the order of their text.
	from := sort.Search(len(d.Shards), func(i int) bool { return d.Shards[i].ID > in.ExclusiveStartShardId })
	shards := d.Shards[from:]
	shown := shards[:min(limit, len(shards))]
	w.object(func() {
		w.key("StreamDescription").object(func() {
			w.summary(d)
			w.key("Shards").shards(shown)
			w.key("HasMoreShards").bool(len(shown) < len(shards))
		})
	})
	return nil
}

type describeStreamSummaryInput struct{ streamRef }

func describeStreamSummary(a *kin.Account, in *describeStreamSummaryInput, w *body) error {
	name, err := in.stream()
	if err != nil {
		return err
	}
	if err := a.CountSummary(); err != nil {
		return err
	}
	d, err := a.Describe(name)
	if err != nil {
		return err
	}
	w.object(func() {
		w.key("StreamDescriptionSummary").object(func() {
			w.summary(d)
			w.key("OpenShardCount").int(int64(d.OpenShards))
			w.key("ConsumerCount").int(0)
			w.key("MaxRecordSizeInKiB").int(int64(d.MaxRecordSize / 1024))
			if d.OnDemand {
				strategy := "USER_PARTITION_KEY"
				if d.Auto {
					strategy = "AUTO"
				}
				w.key("RecordDistributionStrategy").text(strategy)
			}
		})
	})
	return nil
}

type describeLimitsInput struct{}

func (*describeLimitsInput) target() (string, string) { return "", "" }

func describeLimits(a *kin.Account, _ *describeLimitsInput, w *body) error {
	l := a.Limits()
	w.object(func() {
		w.key("ShardLimit").int(int64(l.Shards))
		w.key("OpenShardCount").int(int64(l.OpenShards))
		w.key("OnDemandStreamCount").int(int64(l.OnDemandStreams))
		w.key("OnDemandStreamCountLimit").int(int64(l.OnDemandLimit))
	})
	return nil
}

type listStreamsInput struct {
	Limit                    *int
	ExclusiveStartStreamName string
	NextToken                string
}

func (*listStreamsInput) target() (string, string) { return "", "" }

func listStreams(a *kin.Account, in *listStreamsInput, w *body) error {
	limit := 100
	if in.Limit != nil {
		if *in.Limit < 1 || *in.Limit > 10_000 {
			return kin.Invalid("Value '%d' at 'limit' failed to satisfy constraint: Member must be between 1 and 10000", *in.Limit)
		}
		limit = min(limit, *in.Limit)
	}
	// The token is the last name of the page before.
	after := max(in.ExclusiveStartStreamName, in.NextToken)
	all := a.Streams()
	all = all[sort.Search(len(all), func(i int) bool { return all[i].Name > after }):]
	shown := all[:min(limit, len(all))]
	w.object(func() {
		w.key("StreamNames").list(len(shown), func(i int) { w.text(shown[i].Name) })
		w.key("StreamSummaries").list(len(shown), func(i int) {
			d := shown[i]
			w.object(func() {
				w.key("StreamName").text(d.Name)
				w.key("StreamARN").text(d.ARN)
				w.key("StreamStatus").text(string(d.Status))
				w.key("StreamModeDetails").object(func() { w.key("StreamMode").text(mode(d)) })
				w.key("StreamCreationTimestamp").time(d.Created)
			})
		})
		w.key("HasMoreStreams").bool(len(shown) < len(all))
		if len(shown) < len(all) {
			w.key("NextToken").text(shown[len(shown)-1].Name)
		}
	})
	return nil
}

type listShardsInput struct {
	streamRef
	NextToken               *string
	ExclusiveStartShardId   *string
	MaxResults              *int
	StreamCreationTimestamp *epoch
	ShardFilter             *struct {
		Type      string
		ShardId   string
		Timestamp *epoch
	}
}

func listShards(a *kin.Account, in *listShardsInput, w *body) error {
	l, err := in.listing()
	if err != nil {
		return err
	}
	shards, token, err := a.List(l)
	if err != nil {
		return err
	}
	w.object(func() {
		w.key("Shards").shards(shards)
		if token != "" {
			w.key("NextToken").text(token)
		}
	})
	return nil
}

func (in *listShardsInput) listing() (l kin.Listing, err error) {
	if in.MaxResults != nil {
		if *in.MaxResults < 1 {
			return l, kin.Invalid("Value '%d' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1", *in.MaxResults)
		}
		l.Max = *in.MaxResults
	}
	if in.NextToken != nil {
		switch {
		case *in.NextToken == "":
			return l, kin.Invalid("Value '' at 'nextToken' failed to satisfy constraint: Member must have length greater than or equal to 1")
		case in.StreamName != nil || in.ExclusiveStartShardId != nil || in.StreamCreationTimestamp != nil:
			return l, &kin.Error{Code: "InvalidArgumentException",
				Message: "NextToken and StreamName, ExclusiveStartShardId or StreamCreationTimestamp cannot be provided together."}
		}
		l.Token = *in.NextToken
		return l, nil
	}
	if l.Stream, err = in.stream(); err != nil {
		return l, err
	}
	if in.ExclusiveStartShardId != nil {
		l.After = *in.ExclusiveStartShardId
	}
	if in.StreamCreationTimestamp != nil {
		l.Created = in.StreamCreationTimestamp.milli()
	}
	if f := in.ShardFilter; f != nil {
		if f.Type == "" {
			return l, missing("shardFilter.type")
		}
		l.Filter = kin.Filter{Type: kin.FilterType(f.Type), Shard: f.ShardId}
		if f.Timestamp != nil {
			l.Filter.At, l.Filter.Timed = f.Timestamp.milli(), true
		}
	}
	return l, nil
}

type addTagsInput struct {
	streamRef
	Tags map[string]string
}

func addTagsToStream(a *kin.Account, in *addTagsInput, _ *body) error {
	name, err := in.stream()
	if err != nil {
		return err
	}
	return a.Tag(name, in.Tags, nil)
}

type removeTagsInput struct {
	streamRef
	TagKeys []string
}

func removeTagsFromStream(a *kin.Account, in *removeTagsInput, _ *body) error {
	name, err := in.stream()
	if err != nil {
		return err
	}
	return a.Tag(name, nil, in.TagKeys)
}

type listTagsInput struct {
	streamRef
	ExclusiveStartTagKey string
	Limit                *int
}

func listTagsForStream(a *kin.Account, in *listTagsInput, w *body) error {
	name, err := in.stream()
	if err != nil {
		return err
	}
	limit := 50
	if in.Limit != nil {
		if *in.Limit < 1 || *in.Limit > 50 {
			return kin.Invalid("Value '%d' at 'limit' failed to satisfy constraint: Member must be between 1 and 50", *in.Limit)
		}
		limit = *in.Limit
	}
	d, err := a.Describe(name)
	if err != nil {
		return err
	}
	keys := slices.Sorted(maps.Keys(d.Tags))
	keys = keys[sort.Search(len(keys), func(i int) bool { return keys[i] > in.ExclusiveStartTagKey }):]
	shown := keys[:min(limit, len(keys))]
	w.object(func() {
		w.key("Tags").list(len(shown), func(i int) {
			w.object(func() {
				w.key("Key").text(shown[i])
				w.key("Value").text(d.Tags[shown[i]])
			})
		})
		w.key("HasMoreTags").bool(len(shown) < len(keys))
	})
	return nil
}
