package ddb

import (
	"slices"
	"time"
)

type updateTable struct {
	TableName                   string
	AttributeDefinitions        []attributeDefinition
	BillingMode                 string
	ProvisionedThroughput       *throughput
	DeletionProtectionEnabled   *bool
	GlobalSecondaryIndexUpdates []struct {
		Create *indexParams
		Update *struct {
			IndexName             string
			ProvisionedThroughput *throughput
		}
		Delete *struct{ IndexName string }
	}
}

func (op *updateTable) target() string { return op.TableName }

func (op *updateTable) do(db *DB, o Options) (Output, *Error) {
	t, err := db.useNamed(op.TableName)
	if err != nil {
		return Output{}, err
	}
	defer t.mu.Unlock()
	now := time.Now()
	switch s := t.at(now); s {
	case creating, deleting:
		return Output{}, inUse("Attempt to change a resource which is still in use: Table is being %s: %s", map[string]string{creating: "created", deleting: "deleted"}[s], t.name)
	case updating:
		return Output{}, inUse("Attempt to change a resource which is still in use: Table is being updated: %s", t.name)
	}
	changesIndexes := 0
	for _, u := range op.GlobalSecondaryIndexUpdates {
		if u.Create != nil || u.Delete != nil {
			changesIndexes++
		}
	}
	switch {
	case op.BillingMode == "" && op.ProvisionedThroughput == nil && op.DeletionProtectionEnabled == nil && len(op.GlobalSecondaryIndexUpdates) == 0:
		return Output{}, invalid("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required")
	case changesIndexes > 1:
		return Output{}, limitExceeded("Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table")
	}

	// Everything is tried on a copy, so that a refused request changes nothing.
	c := &table{name: t.name, schema: t.schema, desc: t.desc, onDemand: t.onDemand, protected: t.protected, rows: t.rows}
	c.attrs = t.attrs
	for _, x := range t.indexes {
		c.indexes = append(c.indexes, new(*x))
	}
	takes := o.TableTakes
	if changesIndexes > 0 {
		takes = o.IndexTakes
	}
	c.state = state{updating, now.Add(takes)}
	if err := op.change(c, now); err != nil {
		return Output{}, err
	}
	t.attrs, t.desc, t.onDemand, t.protected, t.state, t.indexes = c.attrs, c.desc, c.onDemand, c.protected, c.state, c.indexes
	return described("TableDescription", t.describe(now, updating)), nil
}

func (op *updateTable) change(t *table, now time.Time) *Error {
	for _, d := range op.AttributeDefinitions {
		i := slices.IndexFunc(t.attrs, func(a attributeDefinition) bool { return a.AttributeName == d.AttributeName })
		switch {
		case i < 0:
			t.attrs = append(slices.Clone(t.attrs), d)
		case t.attrs[i] != d:
			return badValues("Attribute %s cannot change its type", d.AttributeName)
		}
	}
	if op.BillingMode != "" || op.ProvisionedThroughput != nil {
		mode := op.BillingMode
		if tp, was := op.ProvisionedThroughput, t.desc.ProvisionedThroughput; !t.onDemand && mode != "PAY_PER_REQUEST" && tp != nil &&
			tp.ReadCapacityUnits == was.ReadCapacityUnits && tp.WriteCapacityUnits == was.WriteCapacityUnits {
			return invalid("The provisioned throughput for the table will not change. The requested value equals the current value. Current ReadCapacityUnits provisioned for the table: %d. Requested ReadCapacityUnits: %d. Current WriteCapacityUnits provisioned for the table: %d. Requested WriteCapacityUnits: %d.",
				was.ReadCapacityUnits, tp.ReadCapacityUnits, was.WriteCapacityUnits, tp.WriteCapacityUnits)
		}
		if mode == "" && t.onDemand {
			mode = "PAY_PER_REQUEST"
		}
		if err := t.setBilling(mode, op.ProvisionedThroughput, now); err != nil {
			return err
		}
	}
	if op.DeletionProtectionEnabled != nil {
		t.protected = *op.DeletionProtectionEnabled
	}
	for _, u := range op.GlobalSecondaryIndexUpdates {
		var err *Error
		switch {
		case u.Create != nil:
			if t.index(u.Create.IndexName) != nil {
				return invalid("Attempting to create an index which already exists")
			}
			err = t.addIndex(*u.Create, t.until)
		case u.Delete != nil:
			x := t.index(u.Delete.IndexName)
			if x == nil || x.local {
				return notFound("Requested resource not found")
			}
			x.state = state{deleting, t.until}
		case u.Update != nil:
			x := t.index(u.Update.IndexName)
			if x == nil || x.local {
				return notFound("Requested resource not found")
			}
			if err = checkThroughput(u.Update.ProvisionedThroughput, "the index: "+x.name); err == nil {
				x.desc.ProvisionedThroughput = u.Update.ProvisionedThroughput
			}
		default:
			err = badValues("Empty GlobalSecondaryIndexUpdate")
		}
		if err != nil {
			return err
		}
	}
	// The service forgets definitions that nothing uses any more.
	t.attrs = slices.DeleteFunc(slices.Clone(t.attrs), func(d attributeDefinition) bool {
		return t.checkDefinitions([]attributeDefinition{d}) != nil
	})
	return nil
}
