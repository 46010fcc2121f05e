package dynamolease

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/leasehold/leasehold/lease"
)

// indexName is the owner index's, the same in all tables of Java KCL 3.
const indexName = "LeaseOwnerToLeaseKeyIndex"

// CreateTable creates the table with its owner index, as [lease.Store] says, and
// with the tags and the protection that [Config] has. Java KCL adds the index
// afterwards and finds it there just as well.
//
// It looks first, so that a worker on an existing table needs no permission to
// create one; a look that fails is not an answer, and it then tries.
func (s *Store) CreateTable(ctx context.Context, readCapacity, writeCapacity int64) (created bool, err error) {
	const op = "create lease table"
	if t, err := s.describe(ctx); err == nil && t != nil {
		return false, nil
	}
	billing, units := types.BillingModePayPerRequest, (*types.ProvisionedThroughput)(nil)
	if readCapacity != 0 || writeCapacity != 0 {
		billing = types.BillingModeProvisioned
		units = &types.ProvisionedThroughput{ReadCapacityUnits: &readCapacity, WriteCapacityUnits: &writeCapacity}
	}
	_, err = s.client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:             &s.table,
		AttributeDefinitions:  attributeDefinitions(),
		KeySchema:             []types.KeySchemaElement{{AttributeName: new(attrKey), KeyType: types.KeyTypeHash}},
		BillingMode:           billing,
		ProvisionedThroughput: units,
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName:             new(indexName),
			KeySchema:             indexSchema(),
			Projection:            &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
			ProvisionedThroughput: units,
		}},
		DeletionProtectionEnabled: &s.cfg.DeletionProtection,
		Tags:                      s.tags(),
	}, once)
	if _, raced := errors.AsType[*types.ResourceInUseException](err); raced {
		return false, nil
	}
	if err != nil {
		return false, s.fail(ctx, op, "", err)
	}
	return true, nil
}

// tags returns the tags in the order of their keys.
func (s *Store) tags() []types.Tag {
	var tags []types.Tag
	for _, k := range slices.Sorted(maps.Keys(s.cfg.Tags)) {
		tags = append(tags, types.Tag{Key: &k, Value: new(s.cfg.Tags[k])})
	}
	return tags
}

// ProtectTable switches point-in-time recovery on if [Config] says so, also on
// a table that has it or that somebody else created. It can be done once the
// table is active; of a table that is new, the error may be retryable for a while.
func (s *Store) ProtectTable(ctx context.Context) error {
	if !s.cfg.PointInTimeRecovery {
		return nil
	}
	_, err := s.client.UpdateContinuousBackups(ctx, &dynamodb.UpdateContinuousBackupsInput{
		TableName:                        &s.table,
		PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: new(true)},
	}, once)
	if err != nil {
		return s.fail(ctx, "switch on point-in-time recovery", "", err)
	}
	return nil
}

func attributeDefinitions() []types.AttributeDefinition {
	return []types.AttributeDefinition{
		{AttributeName: new(attrOwner), AttributeType: types.ScalarAttributeTypeS},
		{AttributeName: new(attrKey), AttributeType: types.ScalarAttributeTypeS},
	}
}

func indexSchema() []types.KeySchemaElement {
	return []types.KeySchemaElement{
		{AttributeName: new(attrOwner), KeyType: types.KeyTypeHash},
		{AttributeName: new(attrKey), KeyType: types.KeyTypeRange},
	}
}

// describe returns the table's description, nil if there is no such table.
func (s *Store) describe(ctx context.Context) (*types.TableDescription, error) {
	out, err := s.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &s.table}, once)
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if out.Table == nil {
		return nil, errors.New("reply without a table")
	}
	if n := out.Table.TableSizeBytes; n != nil {
		s.described.Store(*n)
	}
	return out.Table, nil
}

// DescribeTable returns the state of the table, as [lease.Store] says. A table
// that DynamoDB keeps but does not serve, such as an archived one, is an error
// of kind [lease.ErrDependency].
func (s *Store) DescribeTable(ctx context.Context) (lease.Table, error) {
	const op = "describe lease table"
	d, err := s.describe(ctx)
	if err != nil {
		return lease.Table{}, s.fail(ctx, op, "", err)
	}
	if d == nil {
		return lease.Table{Status: lease.Missing}, nil
	}
	status, ok := tableStatus(string(d.TableStatus))
	if !ok {
		return lease.Table{}, invalid(op, "", fmt.Errorf("table has status %s", d.TableStatus))
	}
	t := lease.Table{Status: status}
	if got, want := schema(d.KeySchema, d.AttributeDefinitions), "leaseKey S HASH"; got != want {
		t.Foreign = fmt.Sprintf("its key is %s, not %s", got, want)
	}
	if index := ownerIndex(d); index != nil {
		if t.Index, ok = tableStatus(string(index.IndexStatus)); !ok {
			return lease.Table{}, invalid(op, "", fmt.Errorf("index has status %s", index.IndexStatus))
		}
		got, want := schema(index.KeySchema, d.AttributeDefinitions), "leaseOwner S HASH, leaseKey S RANGE"
		if t.Foreign == "" && got != want {
			t.Foreign = fmt.Sprintf("the key of its index %s is %s, not %s", indexName, got, want)
		}
	}
	return t, nil
}

func tableStatus(s string) (_ lease.TableStatus, known bool) {
	switch s {
	case "CREATING":
		return lease.Creating, true
	case "ACTIVE":
		return lease.Active, true
	case "UPDATING":
		return lease.Updating, true
	case "DELETING":
		return lease.Deleting, true
	}
	return lease.Missing, false
}

func ownerIndex(d *types.TableDescription) *types.GlobalSecondaryIndexDescription {
	for i := range d.GlobalSecondaryIndexes {
		if index := &d.GlobalSecondaryIndexes[i]; index.IndexName != nil && *index.IndexName == indexName {
			return index
		}
	}
	return nil
}

// schema returns a key as text: "leaseKey S HASH".
func schema(key []types.KeySchemaElement, defs []types.AttributeDefinition) string {
	var parts []string
	for _, k := range key {
		if k.AttributeName == nil {
			continue
		}
		var typ types.ScalarAttributeType
		for _, d := range defs {
			if d.AttributeName != nil && *d.AttributeName == *k.AttributeName {
				typ = d.AttributeType
			}
		}
		parts = append(parts, fmt.Sprintf("%s %s %s", *k.AttributeName, typ, k.KeyType))
	}
	return strings.Join(parts, ", ")
}

// CreateIndex adds the owner index to a table that lacks it, as [lease.Store]
// says. The index of a provisioned table gets the units that the table has at
// this moment.
//
// DynamoDB changes one thing of a table at a time. A table that is busy is no
// error: its index may be what keeps it busy. DescribeTable tells when to call
// again.
func (s *Store) CreateIndex(ctx context.Context) error {
	const op = "create owner index"
	d, err := s.describe(ctx)
	if err != nil {
		return s.fail(ctx, op, "", err)
	}
	if d == nil {
		return &lease.Error{Op: op, Kind: lease.ErrInvalidState, Err: fmt.Errorf("table %q", s.table)}
	}
	if ownerIndex(d) != nil {
		return nil
	}
	_, err = s.client.UpdateTable(ctx, &dynamodb.UpdateTableInput{
		TableName:            &s.table,
		AttributeDefinitions: attributeDefinitions(),
		GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{
			Create: &types.CreateGlobalSecondaryIndexAction{
				IndexName:             new(indexName),
				KeySchema:             indexSchema(),
				Projection:            &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
				ProvisionedThroughput: unitsOf(d),
			},
		}},
	}, once)
	if err == nil {
		return nil
	}
	if _, busy := errors.AsType[*types.ResourceInUseException](err); busy {
		return nil
	}
	// Somebody may have made the index since the look: DynamoDB then says that
	// it exists, or that too many are being made, each under a general name.
	if d, again := s.describe(ctx); again == nil && d != nil && ownerIndex(d) != nil {
		return nil
	}
	return s.fail(ctx, op, "", err)
}

// unitsOf returns the units of a provisioned table, nil for one on demand. A
// table without billing mode is provisioned.
func unitsOf(d *types.TableDescription) *types.ProvisionedThroughput {
	if d.BillingModeSummary != nil && d.BillingModeSummary.BillingMode == types.BillingModePayPerRequest {
		return nil
	}
	if d.ProvisionedThroughput == nil {
		return nil
	}
	return &types.ProvisionedThroughput{
		ReadCapacityUnits:  d.ProvisionedThroughput.ReadCapacityUnits,
		WriteCapacityUnits: d.ProvisionedThroughput.WriteCapacityUnits,
	}
}
