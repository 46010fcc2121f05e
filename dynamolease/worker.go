package dynamolease

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/leasehold/leasehold/lease"
)

// supportCode says which of Java KCL's breaking features a worker has: 1 is
// the one table for everything. Java's leader asks all workers for it before it
// moves an application to one table, so workers write it only where there is one:
// they take no part in the move.
const supportCode = 1

// The names in a worker's properties, a map of Java KCL's that it never writes.
const (
	propertyNonce   = "nonce"
	propertyVersion = "version"
)

// PutWorker stores a worker's item, as [lease.Store] says. Without measurements
// in it, Java's leader takes the worker for alive and balances by leases and
// throughput alone.
//
// A worker that has the key of another kind of item is an error: Java's write,
// which has no condition, would make a lease into a worker.
func (s *Store) PutWorker(ctx context.Context, w lease.Worker, over *lease.Worker) (present *lease.Worker, applied bool, err error) {
	const op = "put worker"
	if err := lease.CheckWorker(w.ID); err != nil {
		return nil, false, invalid(op, w.ID, err)
	}
	l, err := s.where(ctx, op, w.ID)
	if err != nil {
		return nil, false, err
	}
	var e expression
	e.requireWorker(l, w.Nonce, over)
	reported := number(w.Reported.Unix())
	e.set(attrEntity, text(entityWorker))
	e.set(attrReported, reported)
	e.set(attrStats, object(map[string]types.AttributeValue{}))
	e.set(attrOperatingRange, object(map[string]types.AttributeValue{}))
	if l.separate {
		e.set(attrSupport, nil)
		e.set(attrSupportAt, nil)
	} else {
		e.set(attrSupport, number(supportCode))
		e.set(attrSupportAt, reported)
	}
	e.set(attrProperties, properties(w))
	_, err = s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           &l.workers.table,
		Key:                                 l.workers.primary(w.ID),
		UpdateExpression:                    e.update(),
		ConditionExpression:                 e.orAbsent(l.workers.key),
		ExpressionAttributeNames:            e.names,
		ExpressionAttributeValues:           e.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, once)
	old, refused := refusal(err)
	if refused {
		old, err = s.presentAt(ctx, l.workers, w.ID, old)
	}
	if err != nil {
		return nil, false, s.failAt(ctx, l.workers, op, w.ID, err)
	}
	if !refused {
		w.Reported = w.Reported.Truncate(time.Second)
		return &w, true, nil
	}
	r := newRow(old)
	if len(old) > 0 && !l.separate && entity(r) != entityWorker {
		return nil, false, invalid(op, w.ID, errors.New("the key belongs to an item that is not a worker"))
	}
	if other := parseWorker(r); r.bad == nil {
		present = &other
	}
	return present, false, nil
}

// requireWorker demands the item of a worker with this nonce, or the item that
// over, if not nil, describes. A table of workers only has no other items, and
// versions of Java KCL before 3.5 wrote no type to those.
func (e *expression) requireWorker(l *layout, nonce string, over *lease.Worker) {
	if !l.separate {
		e.requireEntity(entityWorker)
	}
	mine := e.nonceIs(nonce)
	if over == nil {
		e.where(mine)
		return
	}
	e.where(fmt.Sprintf("(%s OR (%s = %s AND %s))",
		mine, e.name(attrReported), e.value(number(over.Reported.Unix())), e.nonceIs(over.Nonce)))
}

// nonceIs is a condition on a worker's nonce, which is empty if there is none.
func (e *expression) nonceIs(nonce string) string {
	path := e.name(attrProperties) + "." + e.name(propertyNonce)
	if nonce == "" {
		return "attribute_not_exists(" + path + ")"
	}
	return path + " = " + e.value(text(nonce))
}

func properties(w lease.Worker) types.AttributeValue {
	m := make(map[string]types.AttributeValue)
	if w.Nonce != "" {
		m[propertyNonce] = text(w.Nonce)
	}
	if w.Version != "" {
		m[propertyVersion] = text(w.Version)
	}
	if len(m) == 0 {
		return nil
	}
	return object(m)
}

// parseWorker reads a worker's item. Properties of another shape than ours are
// not ours, and no mistake.
func parseWorker(r *row) lease.Worker {
	w := lease.Worker{
		ID:       r.required(attrKey),
		Reported: time.Unix(r.requiredWhole(attrReported), 0),
	}
	if m, ok := r.item[attrProperties].(*types.AttributeValueMemberM); ok {
		if v, ok := m.Value[propertyNonce].(*types.AttributeValueMemberS); ok {
			w.Nonce = v.Value
		}
		if v, ok := m.Value[propertyVersion].(*types.AttributeValueMemberS); ok {
			w.Version = v.Value
		}
	}
	return w
}

// DeleteWorker removes a worker's item, as [lease.Store] says, and no other
// item that has its key.
func (s *Store) DeleteWorker(ctx context.Context, id, nonce string) (applied bool, err error) {
	const op = "delete worker"
	if err := lease.CheckKey(id); err != nil {
		return false, invalid(op, id, err)
	}
	l, err := s.where(ctx, op, id)
	if err != nil {
		return false, err
	}
	var e expression
	e.requireWorker(l, nonce, nil)
	_, err = s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName:                 &l.workers.table,
		Key:                       l.workers.primary(id),
		ConditionExpression:       e.orAbsent(l.workers.key),
		ExpressionAttributeNames:  e.names,
		ExpressionAttributeValues: e.values,
	}, once)
	if _, refused := refusal(err); refused {
		return false, nil
	}
	if err != nil {
		return false, s.failAt(ctx, l.workers, op, id, err)
	}
	return true, nil
}
