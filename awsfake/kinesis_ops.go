package awsfake

import (
	"math"
	"strings"
	"time"

	"github.com/leasehold/leasehold/awsfake/internal/kin"
)

// kinesisOps are the operations that the fake knows, by their names.
var kinesisOps = map[string]kinesisOp{
	"AddTagsToStream":                        op(addTagsToStream),
	"CreateStream":                           op(createStream),
	"DecreaseStreamRetentionPeriod":          op(decreaseRetention),
	"DeleteStream":                           op(deleteStream),
	"DescribeLimits":                         op(describeLimits),
	"DescribeStream":                         op(describeStream),
	"DescribeStreamSummary":                  op(describeStreamSummary),
	"GetRecords":                             op(getRecords),
	"GetShardIterator":                       op(getShardIterator),
	"IncreaseStreamRetentionPeriod":          op(increaseRetention),
	"ListShards":                             op(listShards),
	"ListStreams":                            op(listStreams),
	"ListTagsForStream":                      op(listTagsForStream),
	"MergeShards":                            op(mergeShards),
	"PutRecord":                              op(putRecord),
	"PutRecords":                             op(putRecords),
	"RemoveTagsFromStream":                   op(removeTagsFromStream),
	"SplitShard":                             op(splitShard),
	"UpdateMaxRecordSize":                    op(updateMaxRecordSize),
	"UpdateShardCount":                       op(updateShardCount),
	"UpdateStreamRecordDistributionStrategy": op(updateDistribution),
}

// A streamRef is how most requests name their stream: by name, ARN or both.
type streamRef struct {
	StreamName *string
	StreamARN  *string
}

// stream returns the name.
func (r *streamRef) stream() (string, error) {
	if r.StreamARN == nil {
		if r.StreamName == nil {
			return "", &kin.Error{Code: "InvalidArgumentException", Message: "Either StreamName or StreamARN must be given."}
		}
		return *r.StreamName, kin.CheckName(*r.StreamName)
	}
	name, err := kin.NameOfARN(*r.StreamARN)
	if err == nil && r.StreamName != nil && *r.StreamName != name {
		err = &kin.Error{Code: "InvalidArgumentException", Message: "StreamName and StreamARN name different streams."}
	}
	return name, err
}

func (r *streamRef) target() (string, string) {
	if r.StreamName != nil {
		return *r.StreamName, ""
	}
	if r.StreamARN != nil {
		_, name, _ := strings.Cut(*r.StreamARN, ":stream/")
		return name, ""
	}
	return "", ""
}

// epoch is a time in a request: seconds, with a fraction.
type epoch float64

// milli is the time in Unix milliseconds.
func (e epoch) milli() int64 {
	ms := math.Round(float64(e) * 1000)
	return int64(max(math.MinInt64/2, min(ms, math.MaxInt64/2)))
}

func missing(member string) error {
	return kin.Invalid("Value null at '%s' failed to satisfy constraint: Member must not be null", member)
}

type createStreamInput struct {
	streamRef
	ShardCount                 *int
	StreamModeDetails          *struct{ StreamMode string }
	RecordDistributionStrategy string
	MaxRecordSizeInKiB         int
	Tags                       map[string]string
}

func createStream(a *kin.Account, in *createStreamInput, _ *body) error {
	if in.StreamName == nil {
		return missing("streamName")
	}
	c := kin.Creation{Name: *in.StreamName, Tags: in.Tags, MaxRecordSize: clampInt(in.MaxRecordSizeInKiB) * 1024}
	if in.StreamModeDetails != nil {
		switch in.StreamModeDetails.StreamMode {
		case "ON_DEMAND":
			c.OnDemand = true
		case "PROVISIONED":
		default:
			return kin.Invalid("Value '%s' at 'streamModeDetails.streamMode' failed to satisfy constraint: "+
				"Member must satisfy enum value set: [PROVISIONED, ON_DEMAND]", in.StreamModeDetails.StreamMode)
		}
	}
	var err error
	if c.Auto, err = distribution(in.RecordDistributionStrategy); err != nil {
		return err
	}
	if in.ShardCount != nil {
		c.Shards = *in.ShardCount
	} else if !c.OnDemand {
		return missing("shardCount")
	}
	return a.Create(c)
}

// distribution says whether the service distributes the records.
func distribution(strategy string) (auto bool, err error) {
	switch strategy {
	case "AUTO":
		return true, nil
	case "", "USER_PARTITION_KEY":
		return false, nil
	}
	return false, kin.Invalid("Value '%s' at 'recordDistributionStrategy' failed to satisfy constraint: "+
		"Member must satisfy enum value set: [AUTO, USER_PARTITION_KEY]", strategy)
}

// clampInt keeps a number small enough to be reckoned with.
func clampInt(n int) int { return max(-1<<30, min(n, 1<<30)) }

type deleteStreamInput struct{ streamRef }

func deleteStream(a *kin.Account, in *deleteStreamInput, _ *body) error {
	name, err := in.stream()
	if err != nil {
		return err
	}
	return a.Delete(name)
}

type splitShardInput struct {
	streamRef
	ShardToSplit       string
	NewStartingHashKey string
}

func (in *splitShardInput) target() (string, string) {
	stream, _ := in.streamRef.target()
	return stream, in.ShardToSplit
}

func splitShard(a *kin.Account, in *splitShardInput, _ *body) error {
	name, err := in.stream()
	switch {
	case err != nil:
		return err
	case in.ShardToSplit == "":
		return missing("shardToSplit")
	case in.NewStartingHashKey == "":
		return missing("newStartingHashKey")
	}
	_, _, err = a.Split(name, in.ShardToSplit, in.NewStartingHashKey)
	return err
}

type mergeShardsInput struct {
	streamRef
	ShardToMerge         string
	AdjacentShardToMerge string
}

func (in *mergeShardsInput) target() (string, string) {
	stream, _ := in.streamRef.target()
	return stream, in.ShardToMerge
}

func mergeShards(a *kin.Account, in *mergeShardsInput, _ *body) error {
	name, err := in.stream()
	switch {
	case err != nil:
		return err
	case in.ShardToMerge == "":
		return missing("shardToMerge")
	case in.AdjacentShardToMerge == "":
		return missing("adjacentShardToMerge")
	}
	_, err = a.Merge(name, in.ShardToMerge, in.AdjacentShardToMerge)
	return err
}

type updateShardCountInput struct {
	streamRef
	ScalingType      string
	TargetShardCount int
}

func updateShardCount(a *kin.Account, in *updateShardCountInput, w *body) error {
	name, err := in.stream()
	switch {
	case err != nil:
		return err
	case in.ScalingType != "UNIFORM_SCALING":
		return kin.Invalid("Value '%s' at 'scalingType' failed to satisfy constraint: Member must satisfy enum value set: [UNIFORM_SCALING]", in.ScalingType)
	case in.TargetShardCount < 1:
		return kin.Invalid("Value '%d' at 'targetShardCount' failed to satisfy constraint: Member must have value greater than or equal to 1", in.TargetShardCount)
	}
	current, err := a.Scale(name, clampInt(in.TargetShardCount))
	if err != nil {
		return err
	}
	w.object(func() {
		w.key("StreamName").text(name)
		w.key("StreamARN").text(kin.ARN(name))
		w.key("CurrentShardCount").int(int64(current))
		w.key("TargetShardCount").int(int64(in.TargetShardCount))
	})
	return nil
}

type retentionInput struct {
	streamRef
	RetentionPeriodHours int
}

func (in *retentionInput) change(a *kin.Account, more bool) error {
	name, err := in.stream()
	if err != nil {
		return err
	}
	return a.Retain(name, time.Duration(max(0, min(in.RetentionPeriodHours, 1<<20)))*time.Hour, more)
}

func increaseRetention(a *kin.Account, in *retentionInput, _ *body) error { return in.change(a, true) }
func decreaseRetention(a *kin.Account, in *retentionInput, _ *body) error { return in.change(a, false) }

type updateDistributionInput struct {
	streamRef
	RecordDistributionStrategy string
}

func updateDistribution(a *kin.Account, in *updateDistributionInput, _ *body) error {
	name, err := in.stream()
	if err != nil {
		return err
	}
	if in.RecordDistributionStrategy == "" {
		return missing("recordDistributionStrategy")
	}
	auto, err := distribution(in.RecordDistributionStrategy)
	if err != nil {
		return err
	}
	return a.Distribute(name, auto)
}

type updateMaxRecordSizeInput struct {
	streamRef
	MaxRecordSizeInKiB int
}

func updateMaxRecordSize(a *kin.Account, in *updateMaxRecordSizeInput, _ *body) error {
	name, err := in.stream()
	if err != nil {
		return err
	}
	return a.SetMaxRecordSize(name, clampInt(in.MaxRecordSizeInKiB)*1024)
}
