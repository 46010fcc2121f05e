package dynamolease

import (
	"cmp"
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/leasehold/leasehold/lease"
)

// Get returns one lease, as [lease.Store] says.
func (s *Store) Get(ctx context.Context, k string) (*lease.Lease, error) {
	const op = "get lease"
	if err := lease.CheckKey(k); err != nil {
		return nil, invalid(op, k, err)
	}
	item, err := s.item(ctx, k)
	if err != nil {
		return nil, s.fail(ctx, op, k, err)
	}
	l, err := parseLease(item, s.cfg.Keys)
	if err != nil {
		return nil, invalid(op, k, err)
	}
	return l, nil
}

// Create stores a new lease, as [lease.Store] says.
func (s *Store) Create(ctx context.Context, l lease.Lease) (image lease.Lease, applied bool, err error) {
	const op = "create lease"
	if err := cmp.Or(l.Check(), s.cfg.Keys.check(&l)); err != nil {
		return image, false, invalid(op, l.Key, err)
	}
	item := leaseItem(l)
	var e expression
	e.require("attribute_not_exists(%s)", attrKey)
	_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                           &s.table,
		Item:                                item,
		ConditionExpression:                 e.condition(),
		ExpressionAttributeNames:            e.names,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, once)
	if old, refused := refusal(err); refused {
		old, err := s.present(ctx, l.Key, old)
		if err != nil {
			return image, false, s.fail(ctx, op, l.Key, err)
		}
		if present, err := parseLease(old, s.cfg.Keys); err == nil && present != nil {
			image = *present
		}
		return image, false, nil
	}
	if err != nil {
		return image, false, s.fail(ctx, op, l.Key, err)
	}
	created, err := parseLease(item, s.cfg.Keys)
	if err != nil {
		return image, false, invalid(op, l.Key, err)
	}
	return *created, true, nil
}

// changeOptions are those of every change.
var changeOptions = []func(*dynamodb.Options){once}

// Change makes one fenced write, as [lease.Store] says.
func (s *Store) Change(ctx context.Context, k string, cond lease.Cond, set lease.Set) (image lease.Lease, applied bool, err error) {
	op := verb(set)
	if err := lease.CheckChange(k, cond, set); err != nil {
		return image, false, invalid(op, k, err)
	}
	var e expression
	if set.Checkpoint != nil {
		// It names more than eight attributes, and together with owners has
		// more values: maps that grow are made twice.
		e.names = make(map[string]string, 12)
		if set.Owners != nil {
			e.values = make(map[string]types.AttributeValue, 12)
		}
	}
	e.requireLease(cond)
	s.cfg.Keys.require(&e)
	e.change(set)
	out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           &s.table,
		Key:                                 map[string]types.AttributeValue{attrKey: e.textValue(k)},
		UpdateExpression:                    e.update(),
		ConditionExpression:                 e.condition(),
		ExpressionAttributeNames:            e.names,
		ExpressionAttributeValues:           e.values,
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, changeOptions...)
	old, refused := refusal(err)
	var item map[string]types.AttributeValue
	switch {
	case refused:
		item, err = s.present(ctx, k, old)
	case err == nil:
		item = out.Attributes
	}
	if err != nil {
		return image, false, s.fail(ctx, op, k, err)
	}
	l, err := parseLease(item, s.cfg.Keys)
	if err != nil {
		return image, false, invalid(op, k, err)
	}
	if l != nil {
		image = *l
	}
	return image, !refused, nil
}

// change adds what set does to a lease. It must agree with [lease.Set.Apply],
// whose order matters where two fields concern one attribute: DynamoDB lets an
// update name an attribute once.
func (e *expression) change(set lease.Set) {
	if set.Bump {
		e.increment(attrCounter)
	}
	if set.Mark != "" {
		e.setText(attrMark, set.Mark)
	}
	if set.Owners != nil {
		leaseOwner, checkpointOwner := ownerAttributes(*set.Owners)
		e.setText(attrOwner, leaseOwner)
		e.setText(attrCheckpointOwner, checkpointOwner)
	}
	switch {
	case set.Switches != nil:
		e.setNumber(attrSwitches, *set.Switches)
	case set.Checkpoint != nil:
		e.setNumber(attrSwitches, 0)
	case set.AddSwitch:
		e.increment(attrSwitches)
	}
	if set.Checkpoint != nil {
		e.setText(attrCheckpoint, set.Checkpoint.Text())
		e.setNumber(attrCheckpointSub, set.Checkpoint.Sub())
	}
	switch {
	case set.Pending != nil && !set.Pending.IsZero():
		e.setText(attrPending, set.Pending.Text())
		e.setNumber(attrPendingSub, set.Pending.Sub())
	case set.Pending != nil || set.Checkpoint != nil:
		e.remove(attrPending)
		e.remove(attrPendingSub)
	}
	switch {
	case set.Pending != nil && len(set.PendingState) > 0:
		e.set(attrPendingState, binary(set.PendingState))
	case set.Pending != nil || set.Checkpoint != nil:
		e.remove(attrPendingState)
	}
	if len(set.Children) > 0 {
		e.set(attrChildren, stringSet(set.Children))
	}
	if h := set.HashRange; h != nil && h.Start != "" && h.End != "" {
		e.setText(attrHashStart, h.Start)
		e.setText(attrHashEnd, h.End)
	} else if h != nil {
		e.remove(attrHashStart)
		e.remove(attrHashEnd)
	}
	if v := throughput(set.Throughput); v != nil {
		e.set(attrThroughput, v)
	}
}

// verb names a change for people.
func verb(set lease.Set) string {
	switch o := set.Owners; {
	case o != nil && o.Next != "":
		return "hand over lease"
	case o != nil && o.Owner == "":
		return "release lease"
	case o != nil:
		return "assign lease"
	case set.Checkpoint != nil:
		return "checkpoint lease"
	case set.Bump:
		return "renew lease"
	}
	return "change lease"
}

// Delete removes a lease, as [lease.Store] says. A lease that does not parse is
// removed if cond is empty.
func (s *Store) Delete(ctx context.Context, k string, cond lease.Cond) (applied bool, err error) {
	const op = "delete lease"
	if err := lease.CheckChange(k, cond, lease.Set{}); err != nil {
		return false, invalid(op, k, err)
	}
	var e expression
	if cond == (lease.Cond{}) && entityByKey(k) == entityLease {
		e.requireLeaseType()
	} else {
		e.requireLease(cond)
	}
	s.cfg.Keys.require(&e)
	_, err = s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName:                 &s.table,
		Key:                       s.leases().primary(k),
		ConditionExpression:       e.orAbsent(attrKey),
		ExpressionAttributeNames:  e.names,
		ExpressionAttributeValues: e.values,
	}, once)
	if _, refused := refusal(err); refused {
		return false, nil
	}
	if err != nil {
		return false, s.fail(ctx, op, k, err)
	}
	return true, nil
}

// KeysOf returns the keys of the leases of one worker, as [lease.Store] says.
// It reads the owner index, which DynamoDB brings up to date after the table,
// as a rule within milliseconds.
func (s *Store) KeysOf(ctx context.Context, worker string) ([]string, error) {
	const op = "list leases of worker"
	if err := lease.CheckKey(worker); err != nil {
		return nil, invalid(op, worker, err)
	}
	var e expression
	e.require("%s = %s", attrOwner, text(worker))
	pages := dynamodb.NewQueryPaginator(s.client, &dynamodb.QueryInput{
		TableName:                 &s.table,
		IndexName:                 new(indexName),
		KeyConditionExpression:    e.condition(),
		ExpressionAttributeNames:  e.names,
		ExpressionAttributeValues: e.values,
	})
	var keys []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx, once)
		if err != nil {
			return nil, s.fail(ctx, op, worker, err)
		}
		for _, item := range page.Items {
			keys = append(keys, newRow(item).key())
		}
	}
	return keys, nil
}
