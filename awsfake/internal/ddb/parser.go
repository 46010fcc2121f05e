package ddb

import (
	"fmt"
	"strconv"
)

// maxExpression is the length of an expression, in bytes. (DynamoDB Developer
// Guide, Quotas.)
const maxExpression = 4096

// Names are a request's ExpressionAttributeNames and
// ExpressionAttributeValues, and which of them its expressions used.
type Names struct {
	names      map[string]string
	values     map[string]Value
	usedNames  map[string]bool
	usedValues map[string]bool
}

func newNames(names map[string]string, values map[string]Value) *Names {
	return &Names{names, values, map[string]bool{}, map[string]bool{}}
}

// check reports names and values that are malformed, or not used by any of the
// request's expressions.
func (n *Names) check(expressions ...*string) *Error {
	some := false
	for _, e := range expressions {
		some = some || e != nil
	}
	switch {
	case n.names != nil && !some:
		return invalid("ExpressionAttributeNames can only be specified when using expressions")
	case n.values != nil && !some:
		return invalid("ExpressionAttributeValues can only be specified when using expressions")
	case n.names != nil && len(n.names) == 0:
		return invalid("ExpressionAttributeNames must not be empty")
	case n.values != nil && len(n.values) == 0:
		return invalid("ExpressionAttributeValues must not be empty")
	}
	for _, k := range sortedKeys(n.names) {
		if t := tokens(k); len(t) != 2 || t[0].kind != tokName || t[0].text != k {
			return invalid("ExpressionAttributeNames contains invalid key: Syntax error; key: %q", k)
		}
		if !n.usedNames[k] {
			return invalid("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", k)
		}
	}
	for _, k := range sortedKeys(n.values) {
		if t := tokens(k); len(t) != 2 || t[0].kind != tokValue || t[0].text != k {
			return invalid("ExpressionAttributeValues contains invalid key: Syntax error; key: %q", k)
		}
		if !n.usedValues[k] {
			return invalid("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", k)
		}
	}
	return nil
}

// A parser reads one expression. After its first error it sees only the end,
// so that every loop ends and the error is looked at once.
type parser struct {
	what  string // such as "ConditionExpression", for messages
	src   string
	toks  []token
	i     int
	names *Names
	err   *Error
}

func newParser(what, src string, names *Names) *parser {
	p := &parser{what: what, src: src, names: names}
	switch {
	case len(src) > maxExpression:
		p.toks = tokens("")
		p.fail("Expression size has exceeded the maximum allowed size; expression size: %d", len(src))
	default:
		p.toks = tokens(src)
		if len(p.toks) == 1 {
			p.fail("The expression can not be empty;")
		}
	}
	return p
}

// end checks that all has been read, and returns the first error.
func (p *parser) end() *Error {
	if p.err == nil && p.peek().kind != tokEnd {
		p.syntax()
	}
	return p.err
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = invalid("Invalid %s: %s", p.what, fmt.Sprintf(format, args...))
	}
	p.i = len(p.toks) - 1
}

// syntax reports the next token.
func (p *parser) syntax() {
	t := p.peek()
	from, to := t.from, t.to
	if p.i > 0 {
		from = p.toks[p.i-1].from
	}
	if p.i+1 < len(p.toks) {
		to = p.toks[p.i+1].to
	}
	p.fail("Syntax error; token: %q, near: %q", t.text, p.src[from:to])
}

func (p *parser) peek() token { return p.toks[p.i] }

func (p *parser) peekNext() token { return p.toks[min(p.i+1, len(p.toks)-1)] }

func (p *parser) next() token {
	t := p.toks[p.i]
	p.i = min(p.i+1, len(p.toks)-1)
	return t
}

// accept reads the next token if it is s.
func (p *parser) accept(s string) bool {
	if p.err == nil && p.peek().is(s) {
		p.next()
		return true
	}
	return false
}

func (p *parser) expect(s string) {
	if !p.accept(s) {
		p.syntax()
	}
}

// path reads a document path.
func (p *parser) path() Path {
	path := Path{{name: p.element()}}
	for p.err == nil {
		switch {
		case p.accept("."):
			path = append(path, step{name: p.element()})
		case p.accept("["):
			t := p.peek()
			i, err := strconv.Atoi(t.text)
			if t.kind != tokInt || err != nil {
				p.syntax()
				break
			}
			p.next()
			path = append(path, step{index: i})
			p.expect("]")
		default:
			if len(path) > maxDepth {
				p.fail("The document path has too many nesting elements; nesting levels: %d", len(path))
			}
			return path
		}
	}
	return path
}

// element reads a name in a path.
func (p *parser) element() string {
	t := p.peek()
	switch t.kind {
	case tokIdent:
		if reserved(t.text) {
			p.fail("Attribute name is a reserved keyword; reserved keyword: %s", t.text)
			break
		}
		p.next()
		return t.text
	case tokName:
		name, ok := p.names.names[t.text]
		if !ok {
			p.fail("An expression attribute name used in the document path is not defined; attribute name: %s", t.text)
			break
		}
		p.names.usedNames[t.text] = true
		if name == "" {
			p.fail("An expression attribute name used in the document path is empty; attribute name: %s", t.text)
			break
		}
		p.next()
		return name
	default:
		p.syntax()
	}
	return "?" // never looked at: there is an error
}

// literal reads a :value.
func (p *parser) literal() Value {
	t := p.peek()
	if t.kind != tokValue {
		p.syntax()
		return Value{}
	}
	v, ok := p.names.values[t.text]
	if !ok {
		p.fail("An expression attribute value used in expression is not defined; attribute value: %s", t.text)
		return Value{}
	}
	p.names.usedValues[t.text] = true
	p.next()
	return v
}

// parseProjection reads a list of paths.
func parseProjection(src string, names *Names) (Projection, *Error) {
	p := newParser("ProjectionExpression", src, names)
	var pr Projection
	for {
		pr = append(pr, p.path())
		if !p.accept(",") {
			break
		}
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	return pr, checkOverlaps(p.what, pr)
}
