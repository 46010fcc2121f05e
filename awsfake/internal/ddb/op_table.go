package ddb

import (
	"crypto/rand"
	"maps"
	"slices"
	"strings"
	"time"
)

// The account that all tables are in.
const (
	region  = "us-east-1"
	account = "000000000000"
)

type (
	attributeDefinition struct{ AttributeName, AttributeType string }
	keyElement          struct{ AttributeName, KeyType string }
	tag                 struct{ Key, Value string }

	throughput struct {
		ReadCapacityUnits, WriteCapacityUnits int64
		NumberOfDecreasesToday                int64
	}

	projectionParams struct {
		ProjectionType   string
		NonKeyAttributes []string `json:",omitempty"`
	}

	indexParams struct {
		IndexName             string
		KeySchema             []keyElement
		Projection            *projectionParams
		ProvisionedThroughput *throughput
	}

	billing struct {
		BillingMode                       string
		LastUpdateToPayPerRequestDateTime float64
	}

	tableDescription struct {
		TableName                 string
		TableStatus               string
		TableArn                  string
		TableId                   string
		CreationDateTime          float64
		AttributeDefinitions      []attributeDefinition `json:",omitempty"`
		KeySchema                 []keyElement
		BillingModeSummary        *billing `json:",omitempty"`
		ProvisionedThroughput     throughput
		GlobalSecondaryIndexes    []indexDescription `json:",omitempty"`
		LocalSecondaryIndexes     []indexDescription `json:",omitempty"`
		ItemCount, TableSizeBytes int
		DeletionProtectionEnabled bool
	}

	indexDescription struct {
		IndexName                 string
		IndexStatus               string `json:",omitempty"`
		IndexArn                  string
		Backfilling               bool `json:",omitempty"`
		KeySchema                 []keyElement
		Projection                projectionParams
		ProvisionedThroughput     *throughput `json:",omitempty"`
		ItemCount, IndexSizeBytes int
	}
)

// describe is what the service says of the table, with its lock held. Doing,
// if not empty, is the status to say: an answer to a change says what begins,
// even if it takes no time.
func (t *table) describe(now time.Time, doing string) tableDescription {
	d := t.desc
	d.TableStatus = t.at(now)
	if doing != "" {
		d.TableStatus = doing
	}
	d.AttributeDefinitions = slices.Clone(t.attrs)
	d.ItemCount, d.TableSizeBytes = len(t.rows.list), t.rows.bytes
	d.DeletionProtectionEnabled = t.protected
	d.GlobalSecondaryIndexes, d.LocalSecondaryIndexes = nil, nil
	for _, x := range t.indexes {
		xd := x.desc
		if x.local {
			xd.ItemCount, xd.IndexSizeBytes = len(x.rows.list), x.rows.bytes
			d.LocalSecondaryIndexes = append(d.LocalSecondaryIndexes, xd)
			continue
		}
		xd.IndexStatus = x.at(now)
		if doing != "" && x.until == t.until && x.doing != "" {
			xd.IndexStatus = x.doing
		}
		xd.Backfilling = xd.IndexStatus == creating && doing != creating && d.TableStatus != creating
		xd.ItemCount, xd.IndexSizeBytes = len(x.rows.list), x.rows.bytes
		d.GlobalSecondaryIndexes = append(d.GlobalSecondaryIndexes, xd)
	}
	return d
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func described(name string, d tableDescription) Output {
	return Output{Body: map[string]tableDescription{name: d}}
}

type createTable struct {
	TableName                 string
	AttributeDefinitions      []attributeDefinition
	KeySchema                 []keyElement
	BillingMode               string
	ProvisionedThroughput     *throughput
	GlobalSecondaryIndexes    []indexParams
	LocalSecondaryIndexes     []indexParams
	DeletionProtectionEnabled bool
	Tags                      []tag
}

func (op *createTable) target() string { return op.TableName }

func (op *createTable) do(db *DB, o Options) (Output, *Error) {
	t, err := op.table(o)
	if err != nil {
		return Output{}, err
	}
	exists := inUse("Table already exists: %s", op.TableName)
	if old, _ := db.use(op.TableName); old != nil {
		old.mu.Unlock()
		return Output{}, exists
	}
	d := t.describe(time.Now(), creating)
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.tables[op.TableName] != nil {
		return Output{}, exists
	}
	if db.tables == nil {
		db.tables = map[string]*table{}
	}
	db.tables[op.TableName] = t
	return described("TableDescription", d), nil
}

// table makes the table.
func (op *createTable) table(o Options) (*table, *Error) {
	if op.TableName == "" {
		return nil, invalid("The parameter 'TableName' is required but was not present in the request")
	}
	if err := checkTableName(op.TableName); err != nil {
		return nil, err
	}
	if err := op.checkEnums(); err != nil {
		return nil, err
	}
	if err := checkTags(op.Tags); err != nil {
		return nil, err
	}
	now := time.Now()
	t := &table{
		name:      op.TableName,
		attrs:     op.AttributeDefinitions,
		tags:      op.Tags,
		protected: op.DeletionProtectionEnabled,
		state:     state{creating, now.Add(o.TableTakes)},
	}
	var err *Error
	if t.schema, err = newSchema(op.KeySchema, op.AttributeDefinitions); err != nil {
		return nil, err
	}
	t.desc = tableDescription{
		TableName:        op.TableName,
		TableArn:         "arn:aws:dynamodb:" + region + ":" + account + ":table/" + op.TableName,
		TableId:          rand.Text(),
		CreationDateTime: seconds(now),
		KeySchema:        op.KeySchema,
	}
	if err := t.setBilling(op.BillingMode, op.ProvisionedThroughput, now); err != nil {
		return nil, err
	}
	for _, x := range op.LocalSecondaryIndexes {
		if err := t.addLocalIndex(x); err != nil {
			return nil, err
		}
	}
	for _, x := range op.GlobalSecondaryIndexes {
		if err := t.addIndex(x, t.until); err != nil {
			return nil, err
		}
	}
	return t, t.checkDefinitions(op.AttributeDefinitions)
}

// checkEnums checks the parameters that are one of a few words.
func (op *createTable) checkEnums() *Error {
	var errs []*Error
	for i, d := range op.AttributeDefinitions {
		errs = append(errs, oneOf("attributeDefinitions."+itoa(i+1)+".member.attributeType", d.AttributeType, "B", "N", "S"))
	}
	if len(op.KeySchema) > 2 {
		errs = append(errs, violated("[...]", "keySchema", "Member must have length less than or equal to 2"))
	}
	for i, e := range op.KeySchema {
		errs = append(errs, oneOf("keySchema."+itoa(i+1)+".member.keyType", e.KeyType, "HASH", "RANGE"))
	}
	errs = append(errs, oneOf("billingMode", op.BillingMode, "PROVISIONED", "PAY_PER_REQUEST"))
	return together(errs...)
}

// newSchema reads a KeySchema.
func newSchema(elements []keyElement, defs []attributeDefinition) (schema, *Error) {
	var s schema
	for i, e := range elements {
		kind := Kind("")
		for _, d := range defs {
			if d.AttributeName == e.AttributeName {
				kind = Kind(d.AttributeType)
			}
		}
		switch {
		case kind == "":
			return s, badValues("Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: [%s]", e.AttributeName, names(defs))
		case kind != kindS && kind != kindN && kind != kindB:
			return s, violated(string(kind), "attributeDefinitions", "Member must satisfy enum value set: [B, N, S]")
		case i == 0 && e.KeyType == "HASH":
			s.hash, s.hashKind = e.AttributeName, kind
		case i == 1 && e.KeyType == "RANGE":
			s.sort, s.sortKind = e.AttributeName, kind
		default:
			return s, badValues("Invalid KeySchema: the first KeySchemaElement is a HASH key type and the second, if any, a RANGE key type")
		}
	}
	if s.hash == "" {
		return s, badValues("No Hash Key specified in schema")
	}
	if s.hash == s.sort {
		return s, invalid("Invalid KeySchema: Some index key attribute have no definition")
	}
	return s, nil
}

func names(defs []attributeDefinition) string {
	var ns []string
	for _, d := range defs {
		ns = append(ns, d.AttributeName)
	}
	return strings.Join(ns, ", ")
}

// checkDefinitions refuses attribute definitions that no key uses.
func (t *table) checkDefinitions(defs []attributeDefinition) *Error {
	used := map[string]bool{}
	schemas := []schema{t.schema}
	for _, x := range t.indexes {
		schemas = append(schemas, x.schema)
	}
	for _, s := range schemas {
		for _, n := range s.names() {
			used[n] = true
		}
	}
	for _, d := range defs {
		if !used[d.AttributeName] {
			return badValues("Some AttributeDefinitions are not used. AttributeDefinitions: [%s], keys used: [%s]", names(defs), strings.Join(slices.Sorted(maps.Keys(used)), ", "))
		}
	}
	return nil
}

// setBilling sets the mode, which is PROVISIONED if it is empty.
func (t *table) setBilling(mode string, tp *throughput, now time.Time) *Error {
	if err := oneOf("billingMode", mode, "PROVISIONED", "PAY_PER_REQUEST"); err != nil {
		return err
	}
	if mode == "PAY_PER_REQUEST" {
		if tp != nil && (tp.ReadCapacityUnits != 0 || tp.WriteCapacityUnits != 0) {
			return badValues("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		t.onDemand = true
		t.desc.ProvisionedThroughput = throughput{}
		t.desc.BillingModeSummary = &billing{mode, seconds(now)}
		for _, x := range t.indexes {
			if !x.local {
				x.desc.ProvisionedThroughput = new(throughput)
			}
		}
		return nil
	}
	if err := checkThroughput(tp, "the table"); err != nil {
		return err
	}
	if t.onDemand {
		// It was on demand before: from now on the table says what it is.
		t.desc.BillingModeSummary = &billing{"PROVISIONED", t.desc.BillingModeSummary.LastUpdateToPayPerRequestDateTime}
	}
	t.onDemand = false
	t.desc.ProvisionedThroughput = *tp
	for _, x := range t.indexes {
		// The service estimates what an index needs; it starts with as much as
		// its table here.
		if !x.local && x.desc.ProvisionedThroughput.ReadCapacityUnits == 0 {
			x.desc.ProvisionedThroughput = new(*tp)
		}
	}
	return nil
}

func checkThroughput(tp *throughput, of string) *Error {
	switch {
	case tp == nil:
		return badValues("No provisioned throughput specified for %s", of)
	case tp.ReadCapacityUnits < 1:
		return violated(itoa(int(tp.ReadCapacityUnits)), "provisionedThroughput.readCapacityUnits", "Member must have value greater than or equal to 1")
	case tp.WriteCapacityUnits < 1:
		return violated(itoa(int(tp.WriteCapacityUnits)), "provisionedThroughput.writeCapacityUnits", "Member must have value greater than or equal to 1")
	}
	return nil
}

// addIndex adds an index that is CREATING until some time, with what the
// table has.
func (t *table) addIndex(p indexParams, until time.Time) *Error {
	s, err := newSchema(p.KeySchema, t.attrs)
	if err != nil {
		return err
	}
	x, err := t.newIndex(p, s)
	if err != nil {
		return err
	}
	x.state = state{creating, until}
	switch tp := p.ProvisionedThroughput; {
	case !t.onDemand:
		if err := checkThroughput(tp, "the index: "+p.IndexName); err != nil {
			return err
		}
		x.desc.ProvisionedThroughput = tp
	case tp != nil && (tp.ReadCapacityUnits != 0 || tp.WriteCapacityUnits != 0):
		return badValues("ProvisionedThroughput should not be specified for index: %s when BillingMode is PAY_PER_REQUEST", p.IndexName)
	default:
		x.desc.ProvisionedThroughput = new(throughput)
	}
	for _, r := range t.rows.list {
		if xr := x.row(r.image()); xr != nil {
			x.rows.change(nil, xr)
		}
	}
	t.indexes = append(t.indexes, x)
	return nil
}

// addLocalIndex adds a local index, which is there as long as the table.
func (t *table) addLocalIndex(p indexParams) *Error {
	s, err := newSchema(p.KeySchema, t.attrs)
	switch {
	case err != nil:
		return err
	case t.schema.sort == "":
		return badValues("Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex")
	case s.sort == "":
		return badValues("Index KeySchema does not have a range key for index: %s", p.IndexName)
	case s.hash != t.schema.hash:
		return badValues("Index KeySchema does not have the same leading hash key as table KeySchema for index: %s. index hash key: %s, table hash key: %s", p.IndexName, s.hash, t.schema.hash)
	}
	x, err := t.newIndex(p, s)
	if err == nil {
		x.local = true
		t.indexes = append(t.indexes, x)
	}
	return err
}

// newIndex makes an index without rows.
func (t *table) newIndex(p indexParams, s schema) (*index, *Error) {
	if len(p.IndexName) < 3 || len(p.IndexName) > 255 || !plainName(p.IndexName) {
		return nil, violated(p.IndexName, "indexName", "Member must have length between 3 and 255 and satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
	}
	if t.index(p.IndexName) != nil {
		return nil, badValues("Duplicate index name: %s", p.IndexName)
	}
	if p.Projection == nil {
		return nil, badValues("Unknown ProjectionType: null")
	}
	x := &index{name: p.IndexName, schema: s, table: t.schema}
	switch p.Projection.ProjectionType {
	case "KEYS_ONLY":
	case "ALL":
		x.all = true
	case "INCLUDE":
		if len(p.Projection.NonKeyAttributes) == 0 {
			return nil, badValues("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
		}
		x.include = p.Projection.NonKeyAttributes
	default:
		return nil, badValues("Unknown ProjectionType: %s", p.Projection.ProjectionType)
	}
	if p.Projection.ProjectionType != "INCLUDE" && len(p.Projection.NonKeyAttributes) > 0 {
		return nil, badValues("ProjectionType is %s, but NonKeyAttributes is specified", p.Projection.ProjectionType)
	}
	x.desc = indexDescription{
		IndexName:  p.IndexName,
		IndexArn:   t.desc.TableArn + "/index/" + p.IndexName,
		KeySchema:  p.KeySchema,
		Projection: *p.Projection,
	}
	return x, nil
}

type describeTable struct{ TableName string }

func (op *describeTable) target() string { return op.TableName }

func (op *describeTable) do(db *DB, _ Options) (Output, *Error) {
	t, err := db.useNamed(op.TableName)
	if err != nil {
		return Output{}, err
	}
	defer t.mu.Unlock()
	return described("Table", t.describe(time.Now(), "")), nil
}

// useNamed is use with the message of operations on tables.
func (db *DB) useNamed(name string) (*table, *Error) {
	t, err := db.use(name)
	if err != nil && err.Code == codeNotFound {
		err = notFound("Requested resource not found: Table: %s not found", name)
	}
	return t, err
}

type deleteTable struct{ TableName string }

func (op *deleteTable) target() string { return op.TableName }

func (op *deleteTable) do(db *DB, o Options) (Output, *Error) {
	t, err := db.useNamed(op.TableName)
	if err != nil {
		return Output{}, err
	}
	defer t.mu.Unlock()
	now := time.Now()
	switch s := t.at(now); {
	case t.protected:
		return Output{}, invalid("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	case s == creating:
		return Output{}, inUse("Attempt to change a resource which is still in use: Table is being created: %s", t.name)
	case s == updating:
		return Output{}, inUse("Attempt to change a resource which is still in use: Table is being updated: %s", t.name)
	case s == deleting:
		return Output{}, inUse("Attempt to change a resource which is still in use: Table is being deleted: %s", t.name)
	}
	t.state = state{deleting, now.Add(o.TableTakes)}
	return described("TableDescription", t.describe(now, deleting)), nil
}

type listTables struct {
	ExclusiveStartTableName string
	Limit                   *int
}

func (op *listTables) target() string { return "" }

func (op *listTables) do(db *DB, _ Options) (Output, *Error) {
	limit := 100
	if op.Limit != nil {
		limit = *op.Limit
	}
	if limit < 1 || limit > 100 {
		return Output{}, violated(itoa(limit), "limit", "Member must have value between 1 and 100")
	}
	db.mu.Lock()
	all := sortedKeys(db.tables)
	db.mu.Unlock()
	var body struct {
		TableNames             []string
		LastEvaluatedTableName string `json:",omitempty"`
	}
	body.TableNames = []string{}
	for _, name := range all {
		if name <= op.ExclusiveStartTableName {
			continue
		}
		t, err := db.use(name)
		if err != nil {
			continue // gone
		}
		t.mu.Unlock()
		if len(body.TableNames) == limit {
			body.LastEvaluatedTableName = body.TableNames[limit-1]
			break
		}
		body.TableNames = append(body.TableNames, name)
	}
	return Output{Body: body}, nil
}
