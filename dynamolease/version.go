package dynamolease

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/leasehold/leasehold/lease"
)

// versionInit is the state before a fleet's first. It is never stored but as
// the first entry of the history.
const versionInit = "CLIENT_VERSION_INIT"

// GetClientVersion returns the fleet's client-version state, as [lease.Store]
// says. A state that package lease has no name for is returned as it is.
func (s *Store) GetClientVersion(ctx context.Context) (lease.ClientVersion, error) {
	const op = "get client version"
	item, err := s.version(ctx, op)
	if err != nil {
		return "", err
	}
	if len(item) == 0 {
		return "", nil
	}
	r := newRow(item)
	v := parseVersion(r)
	if r.bad != nil {
		return "", invalid(op, "", r.bad)
	}
	return v, nil
}

// version reads the item of the client version, nil if there is none. Of separate
// tables the coordinator's counts, and the lease table's where that has none:
// Java's leader moves the item before the migration is complete.
//
// A worker starts with this call. As long as the layout is not known, the read of
// one table goes beside the question for it, so that it costs no time.
func (s *Store) version(ctx context.Context, op string) (map[string]types.AttributeValue, error) {
	l := s.layout.Load()
	if l == nil {
		var item map[string]types.AttributeValue
		var err error
		var read sync.WaitGroup
		read.Go(func() { item, err = s.item(ctx, keyVersion) })
		var unknown error
		l, unknown = s.where(ctx, op, "")
		read.Wait()
		switch {
		case unknown != nil:
			return nil, unknown
		case !l.separate && err != nil:
			return nil, s.fail(ctx, op, "", err)
		case !l.separate:
			return item, nil
		}
	}
	item, err := s.itemAt(ctx, l.state, keyVersion)
	if err != nil {
		return nil, s.failAt(ctx, l.state, op, "", err)
	}
	if len(item) > 0 || !l.separate {
		return item, nil
	}
	if item, err = s.item(ctx, keyVersion); err != nil {
		return nil, s.fail(ctx, op, "", err)
	}
	return item, nil
}

func parseVersion(r *row) lease.ClientVersion { return lease.ClientVersion(r.required(attrVersion)) }

// CreateClientVersion stores a new application's state, as [lease.Store] says.
func (s *Store) CreateClientVersion(ctx context.Context, v lease.ClientVersion, by string, at time.Time) (applied bool, err error) {
	const op = "create client version"
	if v == "" || by == "" {
		return false, invalid(op, "", errors.New("no state, or no worker who sets it"))
	}
	p, err := s.state(ctx, op)
	if err != nil {
		return false, err
	}
	// Each state comes with the history before it, as a Java worker of a new
	// application writes it.
	item := versionState(string(v), by, at)
	item[p.key] = text(keyVersion)
	item[attrEntity] = text(entityVersion)
	item[attrVersionPrevious] = &types.AttributeValueMemberL{Value: []types.AttributeValue{
		object(versionState(versionInit, by, at)),
	}}
	var e expression
	e.require("attribute_not_exists(%s)", p.key)
	_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                &p.table,
		Item:                     item,
		ConditionExpression:      e.condition(),
		ExpressionAttributeNames: e.names,
	}, once)
	if _, refused := refusal(err); refused {
		return false, nil
	}
	if err != nil {
		return false, s.failAt(ctx, p, op, "", err)
	}
	return true, nil
}

func versionState(v, by string, at time.Time) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		attrVersion:   text(v),
		attrVersionBy: text(by),
		attrVersionAt: number(at.UnixMilli()),
	}
}
