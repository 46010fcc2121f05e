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
	RequestItems           map[string]keysOfTable
	ReturnConsumedCapacity string
}

// keysOfTable are what a batch reads of one table.
type keysOfTable struct {
	Keys                     []Item
	ConsistentRead           bool              `json:",omitempty"`
	ProjectionExpression     *string           `json:",omitempty"`
	ExpressionAttributeNames map[string]string `json:",omitempty"`
	AttributesToGet          []string          `json:",omitempty"`
}

func (op *batchGetItem) target() string { return onlyTable(op.RequestItems) }

func (op *batchGetItem) do(db *DB, o Options) (Output, *Error) {
	if len(op.RequestItems) == 0 {
		return Output{}, invalid("The requestItems parameter is required for BatchGetItem")
	}
	n := 0
	for _, name := range sortedKeys(op.RequestItems) {
		r := op.RequestItems[name]
		switch {
		case len(r.Keys) == 0:
			return Output{}, violated("[]", "requestItems."+name+".member.keys", "Member must have length greater than or equal to 1")
		case len(r.Keys) > 100:
			return Output{}, invalid("1 validation error detected: Value at 'RequestItems.%s.member.Keys' failed to satisfy constraint: Member must have length less than or equal to 100", name)
		}
		n += len(r.Keys)
	}
	if err := checkConsumed(op.ReturnConsumedCapacity); err != nil {
		return Output{}, err
	}
	switch {
	case n > 100:
		return Output{}, invalid("Too many items requested for the BatchGetItem call")
	}
	body := struct {
		Responses        map[string][]Item
		UnprocessedKeys  map[string]keysOfTable
		ConsumedCapacity []*consumedCapacity `json:",omitempty"`
	}{Responses: map[string][]Item{}, UnprocessedKeys: map[string]keysOfTable{}}
	out := Output{}
	bytes, left := 0, n
	var throttled *Error
	for _, name := range sortedKeys(op.RequestItems) {
		r := op.RequestItems[name]
		seen := map[rowKey]bool{}
		items := []Item{}
		c := cost{}
		for i, key := range r.Keys {
			get := &getItem{name, key, r.ConsistentRead, r.ProjectionExpression, r.ExpressionAttributeNames, r.AttributesToGet, ""}
			full := bytes >= maxBatchRead || left <= o.Unprocessed
			it, place, u, err := Item(nil), rowKey{}, 0.0, (*Error)(nil)
			if !full {
				it, place, u, err = get.one(db, o)
			}
			if full || err.throttles() {
				if err != nil {
					throttled = err
				}
				rest := r
				rest.Keys = r.Keys[i:]
				body.UnprocessedKeys[name] = rest
				left -= len(rest.Keys)
				break
			}
			if err != nil {
				return Output{}, err
			}
			if seen[place] {
				return Output{}, invalid("Provided list of item keys contains duplicates")
			}
			seen[place] = true
			if it != nil {
				items = append(items, it)
				bytes += it.Size()
			}
			c.table += u
			left--
		}
		body.Responses[name] = items
		out.ReadUnits += c.total()
		if cc := consumed(op.ReturnConsumedCapacity, name, c); cc != nil {
			body.ConsumedCapacity = append(body.ConsumedCapacity, cc)
		}
	}
	if throttled != nil && out.ReadUnits == 0 {
		return Output{}, throttled // of all, none was read
	}
	out.Body = body
	return out, nil
}

// maxBatchRead is how many bytes one BatchGetItem reads. (DynamoDB API
// Reference, BatchGetItem.)
const maxBatchRead = 16 << 20

type batchWriteItem struct {
	RequestItems                map[string][]batchWrite
	ReturnConsumedCapacity      string
	ReturnItemCollectionMetrics string
}

// A batchWrite is one write of a batch.
type batchWrite struct {
	PutRequest    *struct{ Item Item } `json:",omitempty"`
	DeleteRequest *struct{ Key Item }  `json:",omitempty"`
}

func (op *batchWriteItem) target() string { return onlyTable(op.RequestItems) }

func (op *batchWriteItem) do(db *DB, o Options) (Output, *Error) {
	if len(op.RequestItems) == 0 {
		return Output{}, invalid("The requestItems parameter is required for BatchWriteItem")
	}
	for _, name := range sortedKeys(op.RequestItems) {
		if n := len(op.RequestItems[name]); n == 0 || n > 25 {
			return Output{}, violated("{"+name+"=[...]}", "requestItems", "Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]")
		}
	}
	if err := together(checkConsumed(op.ReturnConsumedCapacity), checkMetrics(op.ReturnItemCollectionMetrics)); err != nil {
		return Output{}, err
	}
	var writes []planner
	var asked []batchWrite
	for _, name := range sortedKeys(op.RequestItems) {
		for _, r := range op.RequestItems[name] {
			p := condParams{TableName: name}
			asked = append(asked, r)
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
	case len(writes) > 25:
		return Output{}, invalid("Too many items requested for the BatchWriteItem call")
	}
	locked, err := db.lockAll(writes, o)
	if err != nil {
		return Output{}, err
	}
	defer locked.unlock()
	if err := locked.distinct(writes, "Provided list of item keys contains duplicates"); err != nil {
		return Output{}, err
	}
	var plans []write
	var throttled *Error
	unprocessed := map[string][]batchWrite{}
	for i, p := range writes {
		if len(writes)-i <= o.Unprocessed {
			unprocessed[p.target()] = append(unprocessed[p.target()], asked[i])
			continue
		}
		w, err := p.plan(locked[p.target()])
		switch {
		case err.throttles():
			throttled = err
			unprocessed[p.target()] = append(unprocessed[p.target()], asked[i])
			continue
		case err != nil:
			return Output{}, err
		}
		w.charge(1)
		plans = append(plans, w)
	}
	if throttled != nil && len(plans) == 0 {
		return Output{}, throttled // of all, none was written
	}
	costs := locked.commit(plans, 1, o)
	body := struct {
		UnprocessedItems      map[string][]batchWrite
		ConsumedCapacity      []*consumedCapacity          `json:",omitempty"`
		ItemCollectionMetrics map[string][]*itemCollection `json:",omitempty"`
	}{
		UnprocessedItems:      unprocessed,
		ConsumedCapacity:      consumedAll(op.ReturnConsumedCapacity, costs),
		ItemCollectionMetrics: collections(op.ReturnItemCollectionMetrics, plans),
	}
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
