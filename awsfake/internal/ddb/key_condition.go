package ddb

import (
	"slices"
	"strings"
)

// keyCondition takes a condition apart into the partition that it names, and
// where a sort key stands to what it allows: before, in it, or after.
func (s schema) keyCondition(cond Cond) (part string, class func(string) int, err *Error) {
	class = func(string) int { return 0 }
	conds, ok := cond.(and)
	if !ok {
		conds = and{cond}
	}
	unsupported := invalid("Query key condition not supported")
	seen := map[string]bool{}
	for _, c := range conds {
		var x operand
		var args []operand
		op := ""
		switch c := c.(type) {
		case compare:
			x, op, args = c.l, c.op, []operand{c.r}
			if _, ok := x.(literal); ok {
				x, args = c.r, []operand{c.l}
				op = map[string]string{"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<=", "<>": "<>"}[op]
			}
		case between:
			x, op, args = c.x, "BETWEEN", []operand{c.lo, c.hi}
		case beginsWith:
			x, op, args = c.x, "begins_with", []operand{c.prefix}
		case or, not, in, exists, hasType, contains:
			return "", nil, badKeyOperator(operatorName(c))
		default:
			return "", nil, unsupported
		}
		if op == "<>" {
			return "", nil, badKeyOperator(op)
		}
		p, ok := x.(Path)
		if !ok || len(p) != 1 {
			return "", nil, unsupported
		}
		name := p[0].name
		if seen[name] {
			return "", nil, invalid("KeyConditionExpressions must only contain one condition per key")
		}
		seen[name] = true
		if name != s.hash && (name != s.sort || s.sort == "") {
			continue // reported below
		}
		vals := make([]string, len(args))
		for i, a := range args {
			l, ok := a.(literal)
			if !ok {
				return "", nil, unsupported
			}
			if l.v.Kind != s.kind(name) {
				return "", nil, badValues("Condition parameter type does not match schema type")
			}
			vals[i] = l.v.ordered()
		}
		if name == s.hash {
			if op != "=" {
				return "", nil, unsupported
			}
			if l := args[0].(literal); l.v.Kind != kindN && l.v.Str == "" {
				return "", nil, invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: %s", name)
			}
			part = vals[0]
			continue
		}
		class = sortClass(op, vals)
	}
	for _, n := range s.names() {
		if !seen[n] && (n == s.hash || len(seen) > 1) {
			return "", nil, invalid("Query condition missed key schema element: %s", n)
		}
	}
	if len(seen) > len(s.names()) {
		return "", nil, unsupported
	}
	return part, class, nil
}

func badKeyOperator(name string) *Error {
	return invalid("Invalid operator used in KeyConditionExpression: %s", name)
}

// operatorName is the name of a condition that no key condition can have.
func operatorName(c Cond) string {
	switch c := c.(type) {
	case or:
		return "OR"
	case in:
		return "IN"
	case exists:
		return "attribute_exists"
	case hasType:
		return "attribute_type"
	case contains:
		return "contains"
	case not:
		if _, ok := c.c.(exists); ok {
			return "attribute_not_exists"
		}
	}
	return "NOT"
}

// sortClass says where a sort key stands to what an operator allows.
func sortClass(op string, vals []string) func(string) int {
	v := vals[0]
	return func(s string) int {
		c := strings.Compare(s, v)
		in := false
		switch op {
		case "=":
			return c
		case "<":
			in = c < 0
		case "<=":
			in = c <= 0
		case ">":
			if c <= 0 {
				return -1
			}
			return 0
		case ">=":
			return min(c, 0)
		case "BETWEEN":
			if c < 0 {
				return -1
			}
			in = s <= vals[1]
		case "begins_with":
			if strings.HasPrefix(s, v) {
				return 0
			}
			return c
		}
		if in {
			return 0
		}
		return 1
	}
}

// filtersKey returns a key attribute that a filter looks at, if it does.
func filtersKey(c Cond, s schema) string {
	for _, o := range operands(c) {
		if sz, ok := o.(size); ok {
			o = sz.of
		}
		if p, ok := o.(Path); ok && slices.Contains(s.names(), p[0].name) {
			return p[0].name
		}
	}
	return ""
}

// operands are those of all parts of c.
func operands(c Cond) (os []operand) {
	switch c := c.(type) {
	case and:
		for _, c := range c {
			os = append(os, operands(c)...)
		}
	case or:
		for _, c := range c {
			os = append(os, operands(c)...)
		}
	case not:
		return operands(c.c)
	case compare:
		return []operand{c.l, c.r}
	case between:
		return []operand{c.x, c.lo, c.hi}
	case in:
		return append([]operand{c.x}, c.set...)
	case exists:
		return []operand{c.p}
	case hasType:
		return []operand{c.p, c.kind}
	case beginsWith:
		return []operand{c.x, c.prefix}
	case contains:
		return []operand{c.x, c.part}
	}
	return os
}
