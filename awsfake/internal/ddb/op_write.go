package ddb

import "slices"

// A condParams is what the three writes of one item have in common.
type condParams struct {
	TableName                           string
	ConditionExpression                 *string
	ExpressionAttributeNames            map[string]string
	ExpressionAttributeValues           map[string]Value
	Expected                            map[string]expected
	ConditionalOperator                 string
	ReturnValues                        string
	ReturnConsumedCapacity              string
	ReturnItemCollectionMetrics         string
	ReturnValuesOnConditionCheckFailure string
}

func (p *condParams) target() string { return p.TableName }

func (p *condParams) wantOld() bool { return p.ReturnValuesOnConditionCheckFailure == "ALL_OLD" }

// condition compiles the condition, nil if there is none. Update is the
// request's other expression, if it has one, and attributeUpdates whether it
// has that legacy parameter.
func (p *condParams) condition(update *string, attributeUpdates bool) (c Cond, u Update, err *Error) {
	if err := notBoth(
		map[string]bool{"Expected": p.Expected != nil, "AttributeUpdates": attributeUpdates, "ConditionalOperator": p.ConditionalOperator != ""},
		map[string]bool{"ConditionExpression": p.ConditionExpression != nil, "UpdateExpression": update != nil},
	); err != nil {
		return nil, u, err
	}
	names := newNames(p.ExpressionAttributeNames, p.ExpressionAttributeValues)
	if update != nil {
		if u, err = parseUpdate(*update, names); err != nil {
			return nil, u, err
		}
	}
	if p.ConditionExpression != nil {
		if c, err = parseCondition("ConditionExpression", *p.ConditionExpression, names); err != nil {
			return nil, u, err
		}
	}
	if err := names.check(update, p.ConditionExpression); err != nil {
		return nil, u, err
	}
	if c == nil {
		c, err = legacyConditions(p.Expected, p.ConditionalOperator)
	}
	return c, u, err
}

// check checks the parameters that are one of a few words, with what others
// were found to violate.
func (p *condParams) check(others ...*Error) *Error {
	if err := checkTableName(p.TableName); err != nil {
		return err
	}
	return together(append(others,
		checkConsumed(p.ReturnConsumedCapacity),
		checkMetrics(p.ReturnItemCollectionMetrics),
		oneOf("returnValuesOnConditionCheckFailure", p.ReturnValuesOnConditionCheckFailure, "ALL_OLD", "NONE"),
	)...)
}

func (p *condParams) checkReturnValues(words ...string) *Error {
	if err := p.check(oneOf("returnValues", p.ReturnValues, "ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW")); err != nil {
		return err
	}
	if oneOf("", p.ReturnValues, words...) != nil {
		return invalid("ReturnValues can only be ALL_OLD or NONE")
	}
	return nil
}

// A planner is a write that can be planned: alone, or in a transaction.
type planner interface {
	target() string
	// compile checks what can be checked without the table.
	compile() *Error
	// plan works the write out on its table, which the caller has locked.
	plan(*table) (write, *Error)
	// keyIn is the item's key in the table.
	keyIn(*table) (Item, *Error)
}

// writeOne serves a single write. Attributes chooses what is returned of it.
func (db *DB) writeOne(p planner, params *condParams, attributes func(write) Item, o Options) (Output, *Error) {
	if err := p.compile(); err != nil {
		return Output{}, err
	}
	t, err := db.useItems(p.target(), o)
	if err != nil {
		return Output{}, err
	}
	defer t.mu.Unlock()
	w, err := p.plan(t)
	if err != nil {
		return Output{}, err
	}
	w.charge(1)
	w.commit(o)
	var body struct {
		Attributes            Item              `json:",omitempty"`
		ConsumedCapacity      *consumedCapacity `json:",omitempty"`
		ItemCollectionMetrics *itemCollection   `json:",omitempty"`
	}
	body.Attributes = attributes(w)
	body.ConsumedCapacity = consumed(params.ReturnConsumedCapacity, t.name, w.cost)
	body.ItemCollectionMetrics = w.collection(params.ReturnItemCollectionMetrics)
	return Output{Body: body, WriteUnits: w.cost.total()}, nil
}

// oldImage returns the old item if a request wants it.
func (p *condParams) oldImage(w write) Item {
	if p.ReturnValues != "ALL_OLD" {
		return nil
	}
	return w.old.image()
}

// A putItem is the request of that name; so are the others.
type putItem struct {
	condParams
	Item Item

	cond Cond
}

func (op *putItem) compile() (err *Error) {
	if err := op.checkReturnValues("ALL_OLD", "NONE"); err != nil {
		return err
	}
	if op.Item == nil {
		return violated("", "item", "Member must not be null")
	}
	op.cond, _, err = op.condition(nil, false)
	return err
}

func (op *putItem) keyIn(t *table) (Item, *Error) { return op.Item, t.schema.checkItem(op.Item) }

func (op *putItem) plan(t *table) (write, *Error) {
	if err := t.schema.checkItem(op.Item); err != nil {
		return write{}, err
	}
	return t.plan(op.Item, op.cond, func(Item) (Item, *Error) { return op.Item, nil }, op.wantOld())
}

func (op *putItem) do(db *DB, o Options) (Output, *Error) {
	return db.writeOne(op, &op.condParams, op.oldImage, o)
}

type deleteItem struct {
	condParams
	Key Item

	cond Cond
}

func (op *deleteItem) compile() (err *Error) {
	if err := op.checkReturnValues("ALL_OLD", "NONE"); err != nil {
		return err
	}
	if op.Key == nil {
		return violated("", "key", "Member must not be null")
	}
	op.cond, _, err = op.condition(nil, false)
	return err
}

func (op *deleteItem) keyIn(t *table) (Item, *Error) { return op.Key, t.schema.checkKey(op.Key) }

func (op *deleteItem) plan(t *table) (write, *Error) {
	if err := t.schema.checkKey(op.Key); err != nil {
		return write{}, err
	}
	return t.plan(op.Key, op.cond, func(Item) (Item, *Error) { return nil, nil }, op.wantOld())
}

func (op *deleteItem) do(db *DB, o Options) (Output, *Error) {
	return db.writeOne(op, &op.condParams, op.oldImage, o)
}

type updateItem struct {
	condParams
	Key              Item
	UpdateExpression *string
	AttributeUpdates map[string]attributeUpdate

	cond   Cond
	update Update
}

func (op *updateItem) compile() (err *Error) {
	if err := op.checkReturnValues("ALL_OLD", "NONE", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"); err != nil {
		return err
	}
	if op.Key == nil {
		return violated("", "key", "Member must not be null")
	}
	op.cond, op.update, err = op.condition(op.UpdateExpression, op.AttributeUpdates != nil)
	if err == nil && op.AttributeUpdates != nil {
		op.update, err = legacyUpdate(op.AttributeUpdates)
	}
	return err
}

func (op *updateItem) keyIn(t *table) (Item, *Error) { return op.Key, t.schema.checkKey(op.Key) }

func (op *updateItem) plan(t *table) (write, *Error) {
	if err := t.schema.checkKey(op.Key); err != nil {
		return write{}, err
	}
	for _, a := range op.update.actions {
		if name := a.path[0].name; name == t.schema.hash || name == t.schema.sort {
			return write{}, badValues("Cannot update attribute %s. This attribute is part of the key", name)
		}
	}
	return t.plan(op.Key, op.cond, func(old Item) (Item, *Error) {
		if old == nil {
			old = op.Key
		}
		it, err := op.update.apply(old)
		if err == nil && it.Size() > maxItem {
			err = invalid("Item size to update has exceeded the maximum allowed size")
		}
		return it, err
	}, op.wantOld())
}

func (op *updateItem) do(db *DB, o Options) (Output, *Error) {
	return db.writeOne(op, &op.condParams, func(w write) Item {
		switch op.ReturnValues {
		case "ALL_OLD":
			return w.old.image()
		case "ALL_NEW":
			return w.new.image()
		case "UPDATED_OLD":
			return op.changed(w.old.image())
		case "UPDATED_NEW":
			return op.changed(w.new.image())
		}
		return nil
	}, o)
}

// changed is the part of an image that the update is about. Of a list it is
// all, for what is left of an index is not what it meant.
func (op *updateItem) changed(it Item) Item {
	pr := Projection{}
	for _, p := range op.update.paths() {
		if i := slices.IndexFunc(p, func(s step) bool { return s.name == "" }); i >= 0 {
			p = p[:i]
		}
		pr = append(pr, p)
	}
	return pr.of(it)
}
