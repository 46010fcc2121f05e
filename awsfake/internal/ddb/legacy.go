package ddb

import "slices"

// An expected is a condition on one attribute, from before there were
// expressions.
type expected struct {
	Value              *Value
	Exists             *bool
	ComparisonOperator string
	AttributeValueList []Value
}

// legacyConditions turns Expected, QueryFilter or ScanFilter into a Cond, nil
// if there are none.
func legacyConditions(m map[string]expected, operator string) (Cond, *Error) {
	if err := oneOf("conditionalOperator", operator, "AND", "OR"); err != nil {
		return nil, err
	}
	if operator != "" && len(m) == 0 {
		return nil, invalid("ConditionalOperator cannot be used without Filter or Expected")
	}
	if len(m) == 0 {
		return nil, nil
	}
	if operator != "" && len(m) == 1 {
		return nil, invalid("ConditionalOperator can only be used when Filter or Expected has two or more elements")
	}
	var conds []Cond
	for _, name := range sortedKeys(m) {
		c, err := m[name].cond(name)
		if err != nil {
			return nil, err
		}
		conds = append(conds, c)
	}
	if operator == "OR" {
		return or(conds), nil
	}
	return and(conds), nil
}

func (e expected) cond(name string) (Cond, *Error) {
	p := attribute(name)
	if e.ComparisonOperator != "" {
		if e.Exists != nil {
			return nil, badValues("Exists and ComparisonOperator cannot be used together for Attribute: %s", name)
		}
		if e.Value != nil {
			if e.AttributeValueList != nil {
				return nil, badValues("Value and AttributeValueList cannot be used together for Attribute: %s", name)
			}
			e.AttributeValueList = []Value{*e.Value}
		}
		return legacyComparison(name, e.ComparisonOperator, e.AttributeValueList)
	}
	switch {
	case e.AttributeValueList != nil:
		return nil, badValues("AttributeValueList can only be used with a ComparisonOperator for Attribute: %s", name)
	case e.Exists != nil && !*e.Exists && e.Value != nil:
		return nil, badValues("Value cannot be used when Exists is false for Attribute: %s", name)
	case e.Exists != nil && !*e.Exists:
		return not{exists{p}}, nil
	case e.Value == nil && e.Exists != nil:
		return nil, badValues("Value must be provided when Exists is true for Attribute: %s", name)
	case e.Value == nil:
		return nil, badValues("Value must be provided when Exists is null for Attribute: %s", name)
	}
	return compare{"=", p, literal{*e.Value}}, nil
}

// legacyOperators are the ComparisonOperators with an infix spelling.
var legacyOperators = map[string]string{"EQ": "=", "NE": "<>", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">"}

func legacyComparison(name, op string, args []Value) (Cond, *Error) {
	all := []string{"IN", "NULL", "BETWEEN", "LT", "NOT_CONTAINS", "EQ", "GT", "NOT_NULL", "NE", "LE", "BEGINS_WITH", "GE", "CONTAINS"}
	if err := oneOf("comparisonOperator", op, all...); err != nil {
		return nil, err
	}
	want := 1
	switch op {
	case "NULL", "NOT_NULL":
		want = 0
	case "BETWEEN":
		want = 2
	case "IN":
		want = max(1, len(args))
	}
	if len(args) != want {
		return nil, badValues("Invalid number of argument(s) for the %s ComparisonOperator", op)
	}
	var bad bool
	switch op {
	case "LE", "LT", "GE", "GT", "BETWEEN", "IN":
		bad = slices.ContainsFunc(args, func(v Value) bool { return !v.scalar() })
	case "BEGINS_WITH":
		bad = args[0].Kind != kindS && args[0].Kind != kindB
	}
	if op == "BETWEEN" && !bad && args[0].Kind == args[1].Kind && args[0].compare(args[1]) > 0 {
		return nil, invalid("The BETWEEN condition was provided a range where the lower bound is greater than the upper bound")
	}
	if bad {
		return nil, badValues("ComparisonOperator %s is not valid for %s AttributeValue type", op, args[0].Kind)
	}

	p := attribute(name)
	switch op {
	case "NULL":
		return not{exists{p}}, nil
	case "NOT_NULL":
		return exists{p}, nil
	case "BETWEEN":
		return between{p, literal{args[0]}, literal{args[1]}}, nil
	case "IN":
		c := in{x: p}
		for _, v := range args {
			c.set = append(c.set, literal{v})
		}
		return c, nil
	case "BEGINS_WITH":
		return beginsWith{p, literal{args[0]}}, nil
	case "CONTAINS":
		return contains{p, literal{args[0]}}, nil
	case "NOT_CONTAINS":
		return and{exists{p}, not{contains{p, literal{args[0]}}}}, nil
	}
	return compare{legacyOperators[op], p, literal{args[0]}}, nil
}

// An attributeUpdate is a change of one attribute, from before there were
// expressions.
type attributeUpdate struct {
	Action string
	Value  *Value
}

func legacyUpdate(m map[string]attributeUpdate) (Update, *Error) {
	var u Update
	for _, name := range sortedKeys(m) {
		up := m[name]
		if err := oneOf("action", up.Action, "ADD", "PUT", "DELETE"); err != nil {
			return Update{}, err
		}
		a := action{path: attribute(name)}
		switch {
		case up.Value == nil && up.Action != "DELETE":
			return Update{}, badValues("Only DELETE action is allowed when no attribute value is specified")
		case up.Value == nil:
			a.verb = "REMOVE"
		case up.Action == "DELETE":
			if elementKinds[up.Value.Kind] == "" {
				return Update{}, badValues("DELETE action with value is not supported for the type %s", kindNames[up.Value.Kind])
			}
			a.verb, a.arg = "DELETE", *up.Value
		case up.Action == "ADD":
			switch up.Value.Kind {
			case kindN, kindL, kindSS, kindNS, kindBS:
			default:
				return Update{}, badValues("ADD action is not supported for the type %s", kindNames[up.Value.Kind])
			}
			a.verb, a.arg = "ADD", *up.Value
		default:
			a.verb, a.term = "SET", operandTerm{literal{*up.Value}}
		}
		u.actions = append(u.actions, a)
	}
	return u, nil
}

// legacyProjection turns AttributesToGet into a Projection.
func legacyProjection(names []string) (Projection, *Error) {
	if names == nil {
		return nil, nil
	}
	if len(names) == 0 {
		return nil, violated("[]", "attributesToGet", "Member must have length greater than or equal to 1")
	}
	var pr Projection
	for _, n := range names {
		if n == "" {
			return nil, badValues("An attribute name is empty")
		}
		if slices.ContainsFunc(pr, func(p Path) bool { return p[0].name == n }) {
			return nil, badValues("Duplicate value in attribute name: %s", n)
		}
		pr = append(pr, attribute(n))
	}
	return pr, nil
}

// notBoth refuses a request that has parameters of both kinds: given a list of
// names, legacy ones first, each followed by whether it is there.
func notBoth(legacy, modern map[string]bool) *Error {
	list := func(m map[string]bool) (s string) {
		for _, k := range sortedKeys(m) {
			if !m[k] {
				continue
			}
			if s != "" {
				s += ", "
			}
			s += k
		}
		return s
	}
	l, m := list(legacy), list(modern)
	if l == "" || m == "" {
		return nil
	}
	return invalid("Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {%s} Expression parameters: {%s}", l, m)
}
