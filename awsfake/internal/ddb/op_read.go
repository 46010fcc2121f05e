package ddb

import (
	"slices"
	"time"
)

// pageSize is how many bytes of items one page reads. (DynamoDB API
// Reference, Query and Scan.)
const pageSize = 1 << 20

// A pageParams is what Query and Scan have in common.
type pageParams struct {
	TableName                 string
	IndexName                 *string
	ConsistentRead            bool
	ExclusiveStartKey         Item
	Limit                     *int
	Select                    string
	FilterExpression          *string
	ProjectionExpression      *string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]Value
	AttributesToGet           []string
	ConditionalOperator       string
	ReturnConsumedCapacity    string

	isQuery    bool // the service words some errors of the two otherwise
	names      *Names
	filter     Cond
	projection Projection
}

func (p *pageParams) target() string { return p.TableName }

// compile checks what can be checked without the table. Legacy are the
// request's legacy parameters by name, with whether they are there, and
// others its other expressions.
func (p *pageParams) compile(legacy map[string]bool, filter map[string]expected, others map[string]*string) (err *Error) {
	legacy["AttributesToGet"] = p.AttributesToGet != nil
	legacy["ConditionalOperator"] = p.ConditionalOperator != ""
	modern := map[string]bool{"FilterExpression": p.FilterExpression != nil, "ProjectionExpression": p.ProjectionExpression != nil}
	all := []*string{p.FilterExpression, p.ProjectionExpression}
	for k, e := range others {
		modern[k] = e != nil
		all = append(all, e)
	}
	if err := notBoth(legacy, modern); err != nil {
		return err
	}
	if err := together(
		checkConsumed(p.ReturnConsumedCapacity),
		oneOf("select", p.Select, "SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"),
	); err != nil {
		return err
	}
	if p.Limit != nil && *p.Limit < 1 {
		if !p.isQuery {
			return violated(itoa(*p.Limit), "limit", "Member must have value greater than or equal to 1")
		}
		return invalid("1 validation error detected: Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1")
	}
	if p.projection, err = projection(p.ProjectionExpression, p.names, p.AttributesToGet); err != nil {
		return err
	}
	chosen := p.projection != nil
	switch {
	case p.Select == "SPECIFIC_ATTRIBUTES" && !chosen:
		return badValues("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
	case p.Select != "" && p.Select != "SPECIFIC_ATTRIBUTES" && chosen:
		return invalid("Cannot specify the AttributesToGet when choosing to get %s", p.Select)
	case p.Select == "ALL_PROJECTED_ATTRIBUTES" && p.IndexName == nil:
		return badValues("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
	}
	if p.FilterExpression != nil {
		if p.filter, err = parseCondition("FilterExpression", *p.FilterExpression, p.names); err != nil {
			return err
		}
	} else if p.filter, err = legacyConditions(filter, p.ConditionalOperator); err != nil {
		return err
	}
	return p.names.check(all...)
}

// A source is what a page is read from: a table or an index.
type source struct {
	rows   *rows
	schema schema
	table  schema
	index  *index // nil for the table

	// whole is the table, where the items of a local index are fetched that
	// it does not have whole; else nil.
	whole *rows
}

// keyNames are the attributes that say where a row stands.
func (s source) keyNames() []string {
	names := s.schema.names()
	for _, n := range s.table.names() {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

// source finds what p reads of t, which its caller has locked.
func (p *pageParams) source(t *table, o Options) (source, *Error) {
	if p.IndexName == nil {
		return source{rows: t.view(nil, t.read(p.ConsistentRead, o), p.ConsistentRead, true), schema: t.schema, table: t.schema}, nil
	}
	now := time.Now()
	x := t.index(*p.IndexName)
	switch {
	case x == nil:
		return source{}, invalid("The table does not have the specified index: %s", *p.IndexName)
	case x.at(now) == creating:
		return source{}, invalid("Cannot read from backfilling global secondary index: %s", x.name)
	case x.at(now) == deleting:
		return source{}, invalid("The table does not have the specified index: %s", x.name)
	case p.ConsistentRead && !x.local:
		return source{}, invalid("Consistent reads are not supported on global secondary indexes")
	case p.Select == "ALL_ATTRIBUTES" && !x.all && !x.local:
		return source{}, badValues("Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL", x.name)
	}
	s := source{rows: t.view(x, x.read(p.ConsistentRead, o), p.ConsistentRead, true), schema: x.schema, table: t.schema, index: x}
	if x.local && p.Select == "ALL_ATTRIBUTES" && !x.all {
		s.whole = t.view(nil, t.read(p.ConsistentRead, o), p.ConsistentRead, true)
	}
	for _, path := range p.projection {
		switch {
		case x.projects(path[0].name):
		case x.local:
			s.whole = t.view(nil, t.read(p.ConsistentRead, o), p.ConsistentRead, true)
		default:
			return source{}, badValues("Global secondary index %s does not project [%s]", x.name, path[0].name)
		}
	}
	return s, nil
}

// start is the place of ExclusiveStartKey.
func (p *pageParams) start(s source) (rowKey, *Error) {
	names := s.keyNames()
	bad := invalid("The provided starting key is invalid")
	if len(p.ExclusiveStartKey) != len(names) {
		return rowKey{}, bad
	}
	for _, n := range names {
		kind := s.table.kind(n)
		if n == s.schema.hash || n == s.schema.sort {
			kind = s.schema.kind(n)
		}
		if v, ok := p.ExclusiveStartKey[n]; !ok || v.Kind != kind {
			return rowKey{}, bad
		}
	}
	k := s.schema.place(p.ExclusiveStartKey)
	if s.index != nil {
		t := s.table.place(p.ExclusiveStartKey)
		k.tablePart, k.tableSrt = t.part, t.srt
	}
	return k, nil
}

// A page is the answer to Query and Scan.
type page struct {
	Items            *[]Item `json:",omitempty"`
	Count            int
	ScannedCount     int
	LastEvaluatedKey Item              `json:",omitempty"`
	ConsumedCapacity *consumedCapacity `json:",omitempty"`
}

// page reads the rows of a span, one by one or, if back, from its end. Part is
// their partition key, empty if they have several.
func (p *pageParams) page(t *table, s source, lo, hi int, back bool, part string) (Output, *Error) {
	if err := t.allow(s.index, reading, part); err != nil {
		return Output{}, err
	}
	if p.ExclusiveStartKey != nil {
		k, err := p.start(s)
		if err != nil {
			return Output{}, err
		}
		i, found := s.rows.find(k)
		switch {
		case back:
			hi = min(hi, i)
		case found:
			lo = max(lo, i+1)
		default:
			lo = max(lo, i)
		}
	}
	list := s.rows.list[min(lo, hi):hi]

	var body page
	items := []Item{}
	bytes, fetched := 0, 0.0
	for n := range len(list) {
		r := list[n]
		if back {
			r = list[len(list)-1-n]
		}
		bytes += r.size
		body.ScannedCount++
		own := r.image()
		it := own
		if s.whole != nil {
			if w := s.whole.get(s.table.place(own)); w != nil {
				it = w.image()
				fetched += readUnits(w.size, p.ConsistentRead)
			}
		}
		if p.filter == nil || p.filter.holds(it) {
			body.Count++
			items = append(items, p.projection.of(it))
		}
		full := p.Limit != nil && body.ScannedCount == *p.Limit
		if full || bytes >= pageSize && n+1 < len(list) {
			body.LastEvaluatedKey = Item{}
			for _, k := range s.keyNames() {
				body.LastEvaluatedKey[k] = own[k]
			}
			break
		}
	}
	if p.Select != "COUNT" {
		body.Items = &items
	}
	u := readUnits(bytes, p.ConsistentRead)
	c := cost{table: u}
	if s.index != nil {
		c = cost{table: fetched}
		c.add(s.index, u)
	}
	t.charge(s.index, reading, part, u)
	t.charge(nil, reading, "", fetched)
	body.ConsumedCapacity = consumed(p.ReturnConsumedCapacity, t.name, c)
	return Output{Body: body, ReadUnits: c.total()}, nil
}
