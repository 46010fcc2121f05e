package dynamolease

import (
	"context"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/leasehold/leasehold/lease"
)

// The lock is an item of AWS's lock client for Java, version 1.4. A lock whose
// owner has released it without deleting it (isReleased) is read as none.

// GetLock returns the leader's lock, as [lease.Store] says.
func (s *Store) GetLock(ctx context.Context) (*lease.Lock, error) {
	const op = "get lock"
	p, err := s.state(ctx, op)
	if err != nil {
		return nil, err
	}
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &p.table,
		Key:       p.primary(keyLock),
	}, once)
	if err != nil {
		return nil, s.failAt(ctx, p, op, "", err)
	}
	return lockOf(op, p.row(out.Item))
}

// lockOf parses the lock's item, which may be absent.
func lockOf(op string, item map[string]types.AttributeValue) (*lease.Lock, error) {
	if len(item) == 0 {
		return nil, nil
	}
	r := newRow(item)
	l := parseLock(r)
	if r.bad != nil {
		return nil, invalid(op, "", r.bad)
	}
	return l, nil
}

// parseLock reads the lock, nil if it is released or does not parse.
func parseLock(r *row) *lease.Lock {
	if r.has(attrLockReleased) {
		return nil
	}
	l := &lease.Lock{
		Owner:   r.required(attrLockOwner),
		Version: r.required(attrLockVersion),
		Deputy:  r.text(attrLockDeputy),
	}
	ms := r.required(attrLockDuration)
	n, err := strconv.ParseInt(ms, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/int64(time.Millisecond) {
		r.fail(attrLockDuration, "is %q, not a number of milliseconds", ms)
	}
	if r.bad != nil {
		return nil
	}
	l.Duration = time.Duration(n) * time.Millisecond
	return l
}

func milliseconds(d time.Duration) types.AttributeValue {
	return text(strconv.FormatInt(d.Milliseconds(), 10))
}

// TakeLock stores l, as [lease.Store] says.
func (s *Store) TakeLock(ctx context.Context, l lease.Lock, seen string) (present *lease.Lock, applied bool, err error) {
	const op = "take lock"
	if err := checkLock(l); err != nil {
		return nil, false, invalid(op, "", err)
	}
	p, err := s.state(ctx, op)
	if err != nil {
		return nil, false, err
	}
	// The whole item is replaced, so all of it is given each time: without
	// entityType every Java worker would report a broken lease.
	item := map[string]types.AttributeValue{
		p.key:            text(keyLock),
		attrEntity:       text(entityLock),
		attrLockOwner:    text(l.Owner),
		attrLockDuration: milliseconds(l.Duration),
		attrLockVersion:  text(l.Version),
	}
	if l.Deputy != "" {
		item[attrLockDeputy] = text(l.Deputy)
	}
	var e expression
	if seen == "" {
		e.require("attribute_not_exists(%s) OR attribute_exists(%s)", p.key, attrLockReleased)
	} else {
		e.require("%s = %s AND attribute_not_exists(%s)", attrLockVersion, text(seen), attrLockReleased)
	}
	_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                           &p.table,
		Item:                                item,
		ConditionExpression:                 e.condition(),
		ExpressionAttributeNames:            e.names,
		ExpressionAttributeValues:           e.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, once)
	return s.lockOutcome(ctx, p, op, l, err)
}

// RenewLock stores l, as [lease.Store] says.
func (s *Store) RenewLock(ctx context.Context, l lease.Lock, seen string) (present *lease.Lock, applied bool, err error) {
	const op = "renew lock"
	if err := checkLock(l); err != nil {
		return nil, false, invalid(op, "", err)
	}
	p, err := s.state(ctx, op)
	if err != nil {
		return nil, false, err
	}
	var e expression
	e.requireLock(l.Owner, seen)
	e.set(attrLockDuration, milliseconds(l.Duration))
	e.set(attrLockVersion, text(l.Version))
	e.setText(attrLockDeputy, l.Deputy)
	_, err = s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           &p.table,
		Key:                                 p.primary(keyLock),
		UpdateExpression:                    e.update(),
		ConditionExpression:                 e.condition(),
		ExpressionAttributeNames:            e.names,
		ExpressionAttributeValues:           e.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, once)
	return s.lockOutcome(ctx, p, op, l, err)
}

// checkLock refuses a lock that a row cannot hold.
func checkLock(l lease.Lock) error {
	if l.Owner == "" || l.Version == "" {
		return errors.New("lock has no owner or no version")
	}
	return nil
}

// lockOutcome turns the result of a write of l at p into the contract's.
func (s *Store) lockOutcome(ctx context.Context, p place, op string, l lease.Lock, err error) (present *lease.Lock, applied bool, _ error) {
	old, refused := refusal(err)
	if refused {
		old, err = s.presentAt(ctx, p, keyLock, old)
	}
	if err != nil {
		return nil, false, s.failAt(ctx, p, op, "", err)
	}
	if refused {
		present, err = lockOf(op, old)
		return present, false, err
	}
	return &l, true, nil
}

// ReleaseLock removes the lock, as [lease.Store] says.
func (s *Store) ReleaseLock(ctx context.Context, owner, version string) (applied bool, err error) {
	const op = "release lock"
	p, err := s.state(ctx, op)
	if err != nil {
		return false, err
	}
	var e expression
	e.requireLock(owner, version)
	_, err = s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName:                 &p.table,
		Key:                       p.primary(keyLock),
		ConditionExpression:       e.condition(),
		ExpressionAttributeNames:  e.names,
		ExpressionAttributeValues: e.values,
	}, once)
	if _, refused := refusal(err); refused {
		return false, nil
	}
	if err != nil {
		return false, s.failAt(ctx, p, op, "", err)
	}
	return true, nil
}

// requireLock demands the lock of this owner and version.
func (e *expression) requireLock(owner, version string) {
	e.require("%s = %s AND %s = %s AND attribute_not_exists(%s)",
		attrLockVersion, text(version), attrLockOwner, text(owner), attrLockReleased)
}
