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

// compile checks what can be checked without the table, and returns what is
// asked for of the item.
func (op *getItem) compile() (Projection, *Error) {
	if err := checkTableName(op.TableName); err != nil {
		return nil, err
	}
	names := newNames(op.ExpressionAttributeNames, nil)
	pr, err := projection(op.ProjectionExpression, names, op.AttributesToGet)
	if err != nil {
		return nil, err
	}
	return pr, names.check(op.ProjectionExpression)
}

// one reads the item, nil if there is none, with its place and what it cost.
func (op *getItem) one(db *DB, o Options) (Item, rowKey, float64, *Error) {
	if op.Key == nil {
		return nil, rowKey{}, 0, violated("", "key", "Member must not be null")
	}
	pr, err := op.compile()
	if err != nil {
		return nil, rowKey{}, 0, err
	}
	t, err := db.useItems(op.TableName, o)
	if err != nil {
		return nil, rowKey{}, 0, err
	}
	defer t.mu.Unlock()
	if err := t.schema.checkKey(op.Key); err != nil {
		return nil, rowKey{}, 0, err
	}
	place := t.schema.place(op.Key)
	if err := t.allow(nil, reading, place.part); err != nil {
		return nil, place, 0, err
	}
	r := t.view(nil, t.read(op.ConsistentRead, o), op.ConsistentRead, false).get(place)
	u := readUnits(r.bytes(), op.ConsistentRead)
	t.charge(nil, reading, place.part, u)
	return pr.of(r.image()), place, u, nil
}
