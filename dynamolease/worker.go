package dynamolease

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/leasehold/leasehold/lease"
)

// supportCode says which of Java KCL's breaking features a worker has: 1 is
// the one table for everything. Java's fleet asks all workers for it before it
// moves to one table.
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
// A worker that has the key of another kind of item is refused: Java's write,
// which has no condition, would make a lease into a worker.
func (s *Store) PutWorker(ctx context.Context, w lease.Worker) error {
	const op = "put worker"
	var e expression
	e.requireEntity(entityWorker)
	reported := number(w.Reported.Unix())
	e.set(attrEntity, text(entityWorker))
	e.set(attrReported, reported)
	e.set(attrStats, object(map[string]types.AttributeValue{}))
	e.set(attrOperatingRange, object(map[string]types.AttributeValue{}))
	e.set(attrSupport, number(supportCode))
	e.set(attrSupportAt, reported)
	e.set(attrProperties, properties(w))
	_, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &s.table,
		Key:                       key(w.ID),
		UpdateExpression:          e.update(),
		ConditionExpression:       e.orAbsent(),
		ExpressionAttributeNames:  e.names,
		ExpressionAttributeValues: e.values,
	}, once)
	if _, refused := refusal(err); refused {
		return invalid(op, w.ID, errors.New("the key belongs to an item that is not a worker"))
	}
	if err != nil {
		return s.fail(ctx, op, w.ID, err)
	}
	return nil
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
func (s *Store) DeleteWorker(ctx context.Context, id string) error {
	var e expression
	e.requireEntity(entityWorker)
	_, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName:                 &s.table,
		Key:                       key(id),
		ConditionExpression:       e.orAbsent(),
		ExpressionAttributeNames:  e.names,
		ExpressionAttributeValues: e.values,
	}, once)
	if _, refused := refusal(err); refused {
		return nil
	}
	if err != nil {
		return s.fail(ctx, "delete worker", id, err)
	}
	return nil
}
