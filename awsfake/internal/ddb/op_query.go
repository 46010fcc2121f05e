package ddb

type scan struct {
	pageParams
	Segment, TotalSegments *int
	ScanFilter             map[string]expected
}

func (op *scan) do(db *DB, o Options) (Output, *Error) {
	// A request may be served twice: what is compiled belongs to one time.
	q := *op
	q.names = newNames(q.ExpressionAttributeNames, q.ExpressionAttributeValues)
	if err := q.compile(map[string]bool{"ScanFilter": q.ScanFilter != nil}, q.ScanFilter, nil); err != nil {
		return Output{}, err
	}
	class := func(rowKey) int { return 0 }
	switch {
	case q.Segment == nil && q.TotalSegments == nil:
	case q.Segment == nil:
		return Output{}, invalid("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	case q.TotalSegments == nil:
		return Output{}, invalid("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case *q.TotalSegments < 1 || *q.TotalSegments > 1000000:
		return Output{}, violated(itoa(*q.TotalSegments), "totalSegments", "Member must have value between 1 and 1000000")
	case *q.Segment < 0:
		return Output{}, violated(itoa(*q.Segment), "segment", "Member must have value greater than or equal to 0")
	case *q.Segment >= *q.TotalSegments:
		return Output{}, invalid("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d", *q.Segment, *q.TotalSegments)
	default:
		class = func(k rowKey) int { return k.segment(*q.TotalSegments) - *q.Segment }
	}
	t, err := db.useItems(q.TableName, o)
	if err != nil {
		return Output{}, err
	}
	defer t.mu.Unlock()
	s, err := q.source(t, o)
	if err != nil {
		return Output{}, err
	}
	if q.ExclusiveStartKey != nil {
		k, err := q.start(s)
		if err != nil {
			return Output{}, err
		}
		if class(k) != 0 {
			return Output{}, invalid("The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: %d Segment: %d", *q.TotalSegments, *q.Segment)
		}
	}
	lo, hi := s.rows.span(class)
	return q.page(t, s, lo, hi, false, "")
}

type query struct {
	pageParams
	KeyConditionExpression *string
	KeyConditions          map[string]expected
	QueryFilter            map[string]expected
	ScanIndexForward       *bool
}

func (op *query) do(db *DB, o Options) (Output, *Error) {
	q := *op
	q.isQuery = true
	q.names = newNames(q.ExpressionAttributeNames, q.ExpressionAttributeValues)
	var cond Cond
	var err *Error
	switch {
	case q.KeyConditionExpression != nil:
		cond, err = parseCondition("KeyConditionExpression", *q.KeyConditionExpression, q.names)
	case len(q.KeyConditions) > 0:
		cond, err = legacyConditions(q.KeyConditions, "")
	default:
		err = invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	if err != nil {
		return Output{}, err
	}
	legacy := map[string]bool{"KeyConditions": q.KeyConditions != nil, "QueryFilter": q.QueryFilter != nil}
	if err := q.compile(legacy, q.QueryFilter, map[string]*string{"KeyConditionExpression": q.KeyConditionExpression}); err != nil {
		return Output{}, err
	}
	t, err := db.useItems(q.TableName, o)
	if err != nil {
		return Output{}, err
	}
	defer t.mu.Unlock()
	s, err := q.source(t, o)
	if err != nil {
		return Output{}, err
	}
	part, sortClass, err := s.schema.keyCondition(cond)
	if err != nil {
		return Output{}, err
	}
	if name := filtersKey(q.filter, s.schema); name != "" {
		return Output{}, invalid("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", name)
	}
	first := rowKey{part: part, hash: hash(part)}
	class := func(k rowKey) int {
		c := rowKey{hash: k.hash, part: k.part}.compare(first)
		if c == 0 {
			c = sortClass(k.srt)
		}
		return c
	}
	if q.ExclusiveStartKey != nil {
		k, err := q.start(s)
		if err != nil {
			return Output{}, err
		}
		if class(k) != 0 {
			return Output{}, invalid("The provided starting key is outside query boundaries based on provided conditions")
		}
	}
	lo, hi := s.rows.span(class)
	return q.page(t, s, lo, hi, q.ScanIndexForward != nil && !*q.ScanIndexForward, part)
}
