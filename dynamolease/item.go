package dynamolease

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/leasehold/leasehold/lease"
)

// entity returns the kind of an item.
//
// An item without entityType is a lease, unless it has one of the fixed keys
// and no counter: versions of Java KCL before 3.5 wrote no type to their
// coordinator items either.
func entity(r *row) string {
	if r.has(attrEntity) {
		return r.text(attrEntity)
	}
	if !r.has(attrCounter) {
		return entityByKey(r.key())
	}
	return entityLease
}

// isOther reports whether an item of the lease table is known to be no lease.
func isOther(r *row) bool {
	if v := r.item[attrEntity]; v != nil {
		kind, ok := v.(*types.AttributeValueMemberS)
		return ok && kind.Value != entityLease
	}
	return entity(r) != entityLease
}

// entityByKey returns the kind of an item that has neither type nor counter.
func entityByKey(key string) string {
	switch key {
	case keyLock:
		return entityLock
	case keyVersion:
		return entityVersion
	case keyTableMigration:
		return entityTableMigration
	}
	return entityLease
}

// parseLease reads a lease. It returns nil with a nil error for no item and for
// an item that is not a lease; the error is an *lease.UnreadableError.
func parseLease(item map[string]types.AttributeValue, keys Keys) (*lease.Lease, error) {
	r := newRow(item)
	if len(item) == 0 || entity(r) != entityLease {
		return nil, r.err()
	}
	l := leaseOf(r, keys)
	if r.bad != nil {
		return nil, r.bad
	}
	return l, nil
}

// leaseOf reads a row that is a lease.
func leaseOf(r *row, keys Keys) *lease.Lease {
	// Whose row it is comes before what else may be wrong with it.
	stream, shard := keys.read(r)
	l := &lease.Lease{
		Key:        r.required(attrKey),
		Stream:     stream,
		Shard:      shard,
		Counter:    r.counter(attrCounter),
		Switches:   r.requiredWhole(attrSwitches),
		Checkpoint: r.position(attrCheckpoint, attrCheckpointSub),
		Parents:    r.set(attrParents),
		Children:   r.set(attrChildren),
		HashRange:  parseHashRange(r),
		Throughput: r.rate(attrThroughput),
		Mark:       r.text(attrMark),
	}
	l.Owner, l.NextOwner = parseOwners(r)
	if r.text(attrPending) != "" {
		l.Pending = r.position(attrPending, attrPendingSub)
	}
	switch v := r.item[attrPendingState].(type) {
	case nil:
	case *types.AttributeValueMemberB:
		l.PendingState = v.Value
	case *types.AttributeValueMemberN:
		// Java KCL, creating a lease with a state, writes the sub-sequence
		// number here by mistake.
	default:
		r.fail(attrPendingState, "has type %s, not B", typeName(v))
	}
	return l
}

func parseOwners(r *row) (owner, next string) {
	leaseOwner, checkpointOwner := r.name(attrOwner), r.name(attrCheckpointOwner)
	switch checkpointOwner {
	case "":
		return leaseOwner, ""
	case leaseOwner:
		return leaseOwner, ""
	}
	return checkpointOwner, leaseOwner
}

// parseHashRange reads the hash range, zero unless both ends are there. Unlike
// Java KCL it accepts a range of a single key, since Kinesis can have a shard
// of one.
func parseHashRange(r *row) lease.HashRange {
	h := lease.HashRange{Start: r.text(attrHashStart), End: r.text(attrHashEnd)}
	if h.Start == "" || h.End == "" {
		return lease.HashRange{}
	}
	if err := h.Check(); err != nil {
		attr := attrHashStart
		if (lease.HashRange{Start: h.End, End: h.End}).Check() != nil {
			attr = attrHashEnd
		}
		r.fail(attr, "is wrong: %v", err)
	}
	return h
}

// leaseItem returns l as a new row. Nothing empty is in it: Java KCL takes an
// empty string for a mistake, and DynamoDB an empty set.
func leaseItem(l lease.Lease) map[string]types.AttributeValue {
	item := map[string]types.AttributeValue{
		attrKey:           text(l.Key),
		attrEntity:        text(entityLease),
		attrCounter:       number(l.Counter),
		attrSwitches:      number(l.Switches),
		attrCheckpointSub: number(l.Checkpoint.Sub()),
	}
	putText := func(attr, s string) {
		if s != "" {
			item[attr] = text(s)
		}
	}
	leaseOwner, checkpointOwner := ownerAttributes(l.Owners())
	putText(attrOwner, leaseOwner)
	putText(attrCheckpointOwner, checkpointOwner)
	putText(attrCheckpoint, l.Checkpoint.Text())
	putText(attrStream, l.Stream)
	putText(attrShard, l.Shard)
	putText(attrMark, l.Mark)
	if !l.Pending.IsZero() {
		item[attrPending] = text(l.Pending.Text())
		item[attrPendingSub] = number(l.Pending.Sub())
	}
	if len(l.PendingState) > 0 {
		item[attrPendingState] = binary(l.PendingState)
	}
	if len(l.Parents) > 0 {
		item[attrParents] = stringSet(l.Parents)
	}
	if len(l.Children) > 0 {
		item[attrChildren] = stringSet(l.Children)
	}
	if l.HashRange.Start != "" && l.HashRange.End != "" {
		item[attrHashStart] = text(l.HashRange.Start)
		item[attrHashEnd] = text(l.HashRange.End)
	}
	if v := throughput(l.Throughput); v != nil {
		item[attrThroughput] = v
	}
	return item
}

// ownerAttributes returns what a row stores for o, empty where the attribute
// is absent.
func ownerAttributes(o lease.Owners) (leaseOwner, checkpointOwner string) {
	if o.Next == "" {
		return o.Owner, ""
	}
	return o.Next, o.Owner
}

// throughput returns a rate as Java KCL stores it, nil for what is none.
func throughput(f *float64) types.AttributeValue {
	if f = lease.RoundThroughput(f); f == nil {
		return nil
	}
	return &types.AttributeValueMemberN{Value: strconv.FormatFloat(*f, 'f', -1, 64)}
}
