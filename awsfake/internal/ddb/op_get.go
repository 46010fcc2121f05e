package ddb

type getItem struct {
	TableName                string
	Key                      Item
	ConsistentRead           bool
	ProjectionExpression     *string
	ExpressionAttributeNames map[string]string
	AttributesToGet          []string
	ReturnConsumedCapacity   string
}

func (op *getItem) target() string { return op.TableName }

// projection compiles the two parameters that choose attributes.
func projection(expr *string, names *Names, legacy []string) (Projection, *Error) {
	if expr == nil {
		return legacyProjection(legacy)
	}
	if err := notBoth(map[string]bool{"AttributesToGet": legacy != nil}, map[string]bool{"ProjectionExpression": true}); err != nil {
		return nil, err
	}
	return parseProjection(*expr, names)
}

func (op *getItem) do(db *DB, o Options) (Output, *Error) {
	if err := checkConsumed(op.ReturnConsumedCapacity); err != nil {
		return Output{}, err
	}
	it, _, u, err := op.one(db, o)
	if err != nil {
		return Output{}, err
	}
	var body struct {
		Item             *Item             `json:",omitempty"`
		ConsumedCapacity *consumedCapacity `json:",omitempty"`
	}
	if it != nil {
		body.Item = &it // present though empty, if nothing of it was asked for
	}
	body.ConsumedCapacity = consumed(op.ReturnConsumedCapacity, op.TableName, cost{table: u})
	return Output{Body: body, ReadUnits: u}, nil
}

// one reads the item, nil if there is none, with its place and what it cost.
func (op *getItem) one(db *DB, o Options) (Item, rowKey, float64, *Error) {
	if op.Key == nil {
		return nil, rowKey{}, 0, violated("", "key", "Member must not be null")
	}
	names := newNames(op.ExpressionAttributeNames, nil)
	pr, err := projection(op.ProjectionExpression, names, op.AttributesToGet)
	if err != nil {
		return nil, rowKey{}, 0, err
	}
	if err := names.check(op.ProjectionExpression); err != nil {
		return nil, rowKey{}, 0, err
	}
	t, err := db.useItems(op.TableName)
	if err != nil {
		return nil, rowKey{}, 0, err
	}
	defer t.mu.Unlock()
	if err := t.schema.checkKey(op.Key); err != nil {
		return nil, rowKey{}, 0, err
	}
	place := t.schema.place(op.Key)
	r := t.read(op.ConsistentRead, o).get(place)
	return pr.of(r.image()), place, readUnits(r.bytes(), op.ConsistentRead), nil
}
