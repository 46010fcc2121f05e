package ddb

import (
	"slices"
	"strings"
)

// A Cond is a condition over an item; a missing item is an empty one.
type Cond interface{ holds(Item) bool }

// An operand is a path, a literal or a size.
type operand interface {
	value(Item) (Value, bool)
}

type literal struct{ v Value }

func (l literal) value(Item) (Value, bool) { return l.v, true }

type size struct{ of operand }

func (s size) value(it Item) (Value, bool) {
	v, ok := s.of.value(it)
	if !ok {
		return Value{}, false
	}
	switch v.Kind {
	case kindS:
		return integer(len([]rune(v.Str))), true
	case kindB:
		return integer(len(v.Str)), true
	case kindL, kindSS, kindNS, kindBS:
		return integer(len(v.List)), true
	case kindM:
		return integer(len(v.Map)), true
	}
	return Value{}, false
}

type (
	and     []Cond
	or      []Cond
	not     struct{ c Cond }
	compare struct {
		op   string
		l, r operand
	}
	between struct{ x, lo, hi operand }
	in      struct {
		x   operand
		set []operand
	}
	exists     struct{ p Path }
	hasType    struct{ p, kind operand }
	beginsWith struct{ x, prefix operand }
	contains   struct{ x, part operand }
)

func (c and) holds(it Item) bool {
	return !slices.ContainsFunc(c, func(c Cond) bool { return !c.holds(it) })
}

func (c or) holds(it Item) bool {
	return slices.ContainsFunc(c, func(c Cond) bool { return c.holds(it) })
}

func (c not) holds(it Item) bool { return !c.c.holds(it) }

func (c compare) holds(it Item) bool {
	l, lok := c.l.value(it)
	r, rok := c.r.value(it)
	switch c.op {
	case "=":
		return lok && rok && l.Equal(r)
	case "<>":
		// What is missing differs from everything.
		return !lok || !rok || !l.Equal(r)
	}
	if !lok || !rok || l.Kind != r.Kind || !l.scalar() {
		return false
	}
	d := l.compare(r)
	switch c.op {
	case "<":
		return d < 0
	case "<=":
		return d <= 0
	case ">":
		return d > 0
	}
	return d >= 0
}

func (c between) holds(it Item) bool {
	return compare{">=", c.x, c.lo}.holds(it) && compare{"<=", c.x, c.hi}.holds(it)
}

func (c in) holds(it Item) bool {
	return slices.ContainsFunc(c.set, func(o operand) bool { return compare{"=", c.x, o}.holds(it) })
}

func (c exists) holds(it Item) bool {
	_, ok := c.p.value(it)
	return ok
}

func (c hasType) holds(it Item) bool {
	v, ok := c.p.value(it)
	k, kok := c.kind.value(it)
	return ok && kok && string(v.Kind) == k.Str
}

func (c beginsWith) holds(it Item) bool {
	x, ok := c.x.value(it)
	p, pok := c.prefix.value(it)
	return ok && pok && x.Kind == p.Kind && (x.Kind == kindS || x.Kind == kindB) && strings.HasPrefix(x.Str, p.Str)
}

func (c contains) holds(it Item) bool {
	x, ok := c.x.value(it)
	part, pok := c.part.value(it)
	if !ok || !pok {
		return false
	}
	switch x.Kind {
	case kindS, kindB:
		return x.Kind == part.Kind && strings.Contains(x.Str, part.Str)
	case kindL, kindSS, kindNS, kindBS:
		return slices.ContainsFunc(x.List, part.Equal)
	}
	return false
}

// parseCondition reads a condition. What is the parameter that it came in.
func parseCondition(what, src string, names *Names) (Cond, *Error) {
	p := newParser(what, src, names)
	c := p.or()
	return c, p.end()
}

func (p *parser) or() Cond {
	c := or{p.and()}
	for p.accept("OR") {
		c = append(c, p.and())
	}
	if len(c) == 1 {
		return c[0]
	}
	return c
}

func (p *parser) and() Cond {
	c := and{p.not()}
	for p.accept("AND") {
		c = append(c, p.not())
	}
	if len(c) == 1 {
		return c[0]
	}
	return c
}

func (p *parser) not() Cond {
	if p.accept("NOT") {
		return not{p.not()}
	}
	if !p.accept("(") {
		return p.test()
	}
	double := p.peek().is("(")
	c := p.or()
	// ((a = b)) is refused, ((a = b) AND c) is not.
	double = double && p.toks[p.i].is(")") && p.closesInner()
	p.expect(")")
	if double {
		p.fail("The expression has redundant parentheses;")
	}
	return c
}

// closesInner reports whether the parenthesis before the next token closes
// the one that directly follows the one that the next token closes.
func (p *parser) closesInner() bool {
	if p.i == 0 || !p.toks[p.i-1].is(")") {
		return false
	}
	depth := 0
	for i := p.i - 1; i >= 0; i-- {
		switch {
		case p.toks[i].is(")"):
			depth++
		case p.toks[i].is("("):
			if depth--; depth == 0 {
				return i > 0 && p.toks[i-1].is("(")
			}
		}
	}
	return false
}

// comparators are the infix ones.
var comparators = []string{"=", "<>", "<", "<=", ">", ">="}

// test reads a comparison or a function that is a condition.
func (p *parser) test() Cond {
	if t := p.peek(); t.kind == tokIdent && p.peekNext().is("(") && t.text != "size" {
		return p.function()
	}
	x := p.operand()
	switch t := p.peek(); {
	case t.kind == tokPunct && slices.Contains(comparators, t.text):
		p.next()
		c := compare{t.text, x, p.operand()}
		if c.op != "=" && c.op != "<>" {
			p.checkKind(c.op, c.l, kindS, kindN, kindB)
			p.checkKind(c.op, c.r, kindS, kindN, kindB)
		}
		p.checkDistinct(c.op, c.l, c.r)
		return c
	case p.accept("BETWEEN"):
		c := between{x: x, lo: p.operand()}
		p.expect("AND")
		c.hi = p.operand()
		for _, o := range []operand{c.x, c.lo, c.hi} {
			p.checkKind("BETWEEN", o, kindS, kindN, kindB)
		}
		lo, lok := c.lo.(literal)
		hi, hok := c.hi.(literal)
		switch {
		case p.err != nil || !lok || !hok:
		case lo.v.Kind != hi.v.Kind:
			p.fail("The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {%s}, upper bound operand: AttributeValue: {%s}", show(lo.v), show(hi.v))
		case lo.v.compare(hi.v) > 0:
			p.fail("The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {%s}, upper bound operand: AttributeValue: {%s}", show(lo.v), show(hi.v))
		}
		return c
	case p.accept("IN"):
		c := in{x: x}
		p.expect("(")
		for {
			c.set = append(c.set, p.operand())
			if !p.accept(",") {
				break
			}
		}
		p.expect(")")
		return c
	}
	if s, ok := x.(size); ok && p.err == nil && s.of != nil {
		p.badFunction("size")
	}
	p.syntax()
	return and{}
}

func show(v Value) string { return string(v.Kind) + ":" + v.text() }

// operand reads a path, a literal or a size.
func (p *parser) operand() operand {
	t := p.peek()
	if t.kind == tokIdent && p.peekNext().is("(") {
		if t.text != "size" {
			p.badFunction(t.text)
			return literal{}
		}
		p.next()
		args := p.arguments(t.text, 1)
		if p.err != nil {
			return literal{}
		}
		p.checkKind("size", args[0], kindS, kindB, kindSS, kindNS, kindBS, kindL, kindM)
		return size{args[0]}
	}
	if t.kind == tokValue {
		return literal{p.literal()}
	}
	return p.path()
}

// arguments reads the arguments of a function.
func (p *parser) arguments(name string, n int) []operand {
	var args []operand
	p.expect("(")
	for {
		args = append(args, p.operand())
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
	if len(args) != n && p.err == nil {
		p.fail("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", name, len(args))
	}
	return args
}

func (p *parser) badFunction(name string) {
	update := p.what == "UpdateExpression"
	switch name {
	case "size", "attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains":
		if update {
			p.fail("The function is not allowed in an update expression; function: %s", name)
		}
		p.fail("The function is not allowed to be used this way in an expression; function: %s", name)
	case "if_not_exists", "list_append":
		if !update {
			p.fail("The function is not allowed in a condition expression; function: %s", name)
		}
		p.fail("The function is not allowed to be used this way in an expression; function: %s", name)
	default:
		p.fail("Invalid function name; function: %s", name)
	}
}

// function reads a function that is a condition.
func (p *parser) function() Cond {
	name := p.peek().text
	n := 2
	switch name {
	case "attribute_exists", "attribute_not_exists":
		n = 1
	case "attribute_type", "begins_with", "contains":
	default:
		p.badFunction(name)
		return and{}
	}
	p.next()
	args := p.arguments(name, n)
	if p.err != nil {
		return and{}
	}
	switch name {
	case "attribute_exists", "attribute_not_exists":
		path, ok := args[0].(Path)
		if !ok {
			p.fail("Operator or function requires a document path; operator or function: %s", name)
			return and{}
		}
		if name == "attribute_exists" {
			return exists{path}
		}
		return not{exists{path}}
	case "attribute_type":
		p.checkKind(name, args[1], kindS)
		if l, ok := args[1].(literal); ok && p.err == nil && kindNames[Kind(l.v.Str)] == "" {
			p.fail("Invalid attribute type name found; type: %s, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}", l.v.Str)
		}
		return hasType{args[0], args[1]}
	case "begins_with":
		p.checkKind(name, args[0], kindS, kindB)
		p.checkKind(name, args[1], kindS, kindB)
		p.checkDistinct(name, args[0], args[1])
		return beginsWith{args[0], args[1]}
	}
	p.checkDistinct(name, args[0], args[1])
	return contains{args[0], args[1]}
}

// checkKind refuses a literal of another kind than those allowed.
func (p *parser) checkKind(name string, o operand, kinds ...Kind) {
	var kind Kind
	switch o := o.(type) {
	case literal:
		kind = o.v.Kind
	case size:
		kind = kindN
	default:
		return
	}
	if p.err == nil && !slices.Contains(kinds, kind) {
		p.fail("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", name, kind)
	}
}

// checkDistinct refuses a comparison of a path with itself.
func (p *parser) checkDistinct(name string, l, r operand) {
	lp, lok := l.(Path)
	rp, rok := r.(Path)
	if p.err == nil && lok && rok && slices.Equal(lp, rp) {
		p.fail("The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %v", name, lp)
	}
}
