package ddb

// onlyTable is the name of the one table that a request is for, empty if it is
// for several.
func onlyTable[V any](m map[string]V) string {
	if len(m) != 1 {
		return ""
	}
	return sortedKeys(m)[0]
}

type batchGetItem struct {
	RequestItems map[string]struct {
		Keys                     []Item
		ConsistentRead           bool
		ProjectionExpression     *string
		ExpressionAttributeNames map[string]string
		AttributesToGet          []string
	}
	ReturnConsumedCapacity string
}

func (op *batchGetItem) target() string { return onlyTable(op.RequestItems) }

func (op *batchGetItem) do(db *DB, o Options) (Output, *Error) {
	n := 0
	for _, r := range op.RequestItems {
		n += len(r.Keys)
	}
	switch {
	case n == 0:
		return Output{}, violated("{}", "requestItems", "Member must have length greater than or equal to 1")
	case n > 100:
		return Output{}, invalid("Too many items requested for the BatchGetItem call")
	}
	body := struct {
		Responses        map[string][]Item
		UnprocessedKeys  struct{}
		ConsumedCapacity []*consumedCapacity `json:",omitempty"`
	}{Responses: map[string][]Item{}}
	out := Output{}
	for _, name := range sortedKeys(op.RequestItems) {
		r := op.RequestItems[name]
		seen := map[rowKey]bool{}
		items := []Item{}
		c := cost{}
		for _, key := range r.Keys {
			get := &getItem{name, key, r.ConsistentRead, r.ProjectionExpression, r.ExpressionAttributeNames, r.AttributesToGet, ""}
			it, place, u, err := get.one(db, o)
			if err != nil {
				return Output{}, err
			}
			if seen[place] {
				return Output{}, invalid("Provided list of item keys contains duplicates")
			}
			seen[place] = true
			if it != nil {
				items = append(items, it)
			}
			c.table += u
		}
		body.Responses[name] = items
		out.ReadUnits += c.total()
		if cc := consumed(op.ReturnConsumedCapacity, name, c); cc != nil {
			body.ConsumedCapacity = append(body.ConsumedCapacity, cc)
		}
	}
	out.Body = body
	return out, nil
}

type batchWriteItem struct {
	RequestItems map[string][]struct {
		PutRequest    *struct{ Item Item }
		DeleteRequest *struct{ Key Item }
	}
	ReturnConsumedCapacity      string
	ReturnItemCollectionMetrics string
}

func (op *batchWriteItem) target() string { return onlyTable(op.RequestItems) }

func (op *batchWriteItem) do(db *DB, o Options) (Output, *Error) {
	var writes []planner
	for _, name := range sortedKeys(op.RequestItems) {
		for _, r := range op.RequestItems[name] {
			p := condParams{TableName: name}
			switch {
			case r.PutRequest != nil && r.DeleteRequest == nil:
				writes = append(writes, &putItem{condParams: p, Item: r.PutRequest.Item})
			case r.DeleteRequest != nil && r.PutRequest == nil:
				writes = append(writes, &deleteItem{condParams: p, Key: r.DeleteRequest.Key})
			default:
				return Output{}, invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
			}
		}
	}
	switch {
	case len(writes) == 0:
		return Output{}, violated("{}", "requestItems", "Member must have length greater than or equal to 1")
	case len(writes) > 25:
		return Output{}, invalid("Too many items requested for the BatchWriteItem call")
	}
	locked, err := db.lockAll(writes)
	if err != nil {
		return Output{}, err
	}
	defer locked.unlock()
	if err := locked.distinct(writes, "Provided list of item keys contains duplicates"); err != nil {
		return Output{}, err
	}
	var plans []write
	for _, p := range writes {
		w, err := p.plan(locked[p.target()])
		if err != nil {
			return Output{}, err
		}
		plans = append(plans, w)
	}
	costs := locked.commit(plans, 1, o)
	body := struct {
		UnprocessedItems struct{}
		ConsumedCapacity []*consumedCapacity `json:",omitempty"`
	}{ConsumedCapacity: consumedAll(op.ReturnConsumedCapacity, costs)}
	return Output{Body: body, WriteUnits: total(costs)}, nil
}

// consumedAll is consumed for several tables.
func consumedAll(how string, costs map[string]cost) (ccs []*consumedCapacity) {
	for _, name := range sortedKeys(costs) {
		if cc := consumed(how, name, costs[name]); cc != nil {
			ccs = append(ccs, cc)
		}
	}
	return ccs
}

func total(costs map[string]cost) (sum float64) {
	for _, c := range costs {
		sum += c.total()
	}
	return sum
}
