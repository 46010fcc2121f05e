package dynamolease

import (
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The names of the attributes, as Java KCL has them. Some mislead:
// parentShardId is a set, and streamName is account:name:epoch.
const (
	attrKey    = "leaseKey"
	attrEntity = "entityType"

	attrOwner           = "leaseOwner"
	attrCheckpointOwner = "checkpointOwner"
	attrCounter         = "leaseCounter"
	attrSwitches        = "ownerSwitchesSinceCheckpoint"
	attrCheckpoint      = "checkpoint"
	attrCheckpointSub   = "checkpointSubSequenceNumber"
	attrPending         = "pendingCheckpoint"
	attrPendingSub      = "pendingCheckpointSubSequenceNumber"
	attrPendingState    = "pendingCheckpointState"
	attrParents         = "parentShardId"
	attrChildren        = "childShardIds"
	attrHashStart       = "startingHashKey"
	attrHashEnd         = "endingHashKey"
	attrThroughput      = "throughputKBps"
	attrStream          = "streamName"
	attrShard           = "shardId"
	attrMark            = "lhw" // ours

	attrReported       = "lut" // Unix seconds
	attrStats          = "sts"
	attrOperatingRange = "opr"
	attrSupport        = "sup"
	attrSupportAt      = "slu" // Unix seconds
	attrProperties     = "properties"

	attrLockOwner    = "ownerName"
	attrLockDuration = "leaseDuration" // milliseconds, as a string
	attrLockVersion  = "recordVersionNumber"
	attrLockReleased = "isReleased"
	attrLockDeputy   = "deputy" // ours

	attrVersion         = "cv"
	attrVersionBy       = "mb"
	attrVersionAt       = "mts" // Unix milliseconds
	attrVersionPrevious = "h"
)

// The values of entityType.
const (
	entityLease          = "LEASE"
	entityWorker         = "WORKER_METRIC_STATS"
	entityLock           = "LEADER"
	entityVersion        = "CLIENT_VERSION_MIGRATION"
	entityTableMigration = "TABLE_MIGRATION"
	entityStream         = "STREAM"
)

// The keys of items of which a table has one.
const (
	keyLock           = "Leader"
	keyVersion        = "Migration3.0"
	keyTableMigration = "TableMigration3.5"
)

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func binary(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }

// stringSet returns ss as a string set, which must not be empty. DynamoDB refuses a
// set with a member twice, and its order means nothing.
func stringSet(ss []string) types.AttributeValue {
	ss = slices.Clone(ss)
	slices.Sort(ss)
	return &types.AttributeValueMemberSS{Value: slices.Compact(ss)}
}

func object(m map[string]types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberM{Value: m}
}
