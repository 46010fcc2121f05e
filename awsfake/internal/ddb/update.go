package ddb

import (
	"cmp"
	"slices"
)

// An Update is what UpdateItem does to an item.
type Update struct {
	actions []action
}

// An action changes what one path leads to.
type action struct {
	verb string // SET, REMOVE, ADD, DELETE
	path Path
	term term  // of SET
	arg  Value // of ADD and DELETE
}

// A term is the right side of a SET. It sees the item as it was.
type term interface {
	eval(Item) (Value, *Error)
}

type (
	operandTerm struct{ o operand }
	sum         struct {
		l, r  term
		minus bool
	}
	ifNotExists struct {
		p Path
		t term
	}
	listAppend struct{ l, r term }
)

func errWrongKind() *Error {
	return invalid("An operand in the update expression has an incorrect data type")
}

func (t operandTerm) eval(it Item) (Value, *Error) {
	v, ok := t.o.value(it)
	if !ok {
		return Value{}, invalid("The provided expression refers to an attribute that does not exist in the item")
	}
	return v, nil
}

func (t sum) eval(it Item) (Value, *Error) {
	l, err := t.l.eval(it)
	if err != nil {
		return Value{}, err
	}
	r, err := t.r.eval(it)
	if err != nil {
		return Value{}, err
	}
	if l.Kind != kindN || r.Kind != kindN {
		return Value{}, errWrongKind()
	}
	if t.minus {
		r.Num = r.Num.Neg()
	}
	n, err := l.Num.Add(r.Num)
	return number(n), err
}

func (t ifNotExists) eval(it Item) (Value, *Error) {
	if v, ok := t.p.value(it); ok {
		return v, nil
	}
	return t.t.eval(it)
}

func (t listAppend) eval(it Item) (Value, *Error) {
	l, err := t.l.eval(it)
	if err != nil {
		return Value{}, err
	}
	r, err := t.r.eval(it)
	if err != nil {
		return Value{}, err
	}
	if l.Kind != kindL || r.Kind != kindL {
		return Value{}, errWrongKind()
	}
	return Value{Kind: kindL, List: slices.Concat(l.List, r.List)}, nil
}

// paths are those that u changes.
func (u Update) paths() []Path {
	ps := make([]Path, len(u.actions))
	for i, a := range u.actions {
		ps[i] = a.path
	}
	return ps
}

// apply returns the item that u makes of it.
func (u Update) apply(it Item) (Item, *Error) {
	type change struct {
		path   Path
		v      Value
		remove bool
	}
	var changes []change
	for _, a := range u.actions {
		c := change{path: a.path}
		var err *Error
		switch old, ok := a.path.value(it); a.verb {
		case "SET":
			c.v, err = a.term.eval(it)
		case "REMOVE":
			c.remove = true
		case "ADD":
			c.v, err = add(old, ok, a.arg)
		case "DELETE":
			if !ok {
				continue
			}
			if old.Kind != a.arg.Kind {
				return nil, errWrongKind()
			}
			c.v = Value{Kind: old.Kind, List: minus(old.List, a.arg.List)}
			c.remove = len(c.v.List) == 0
		}
		if err != nil {
			return nil, err
		}
		changes = append(changes, c)
	}

	// All indexes mean the list as it was. So first what is set, the smaller
	// index first, for those past the end are appended; then what is removed,
	// the larger index first.
	slices.SortStableFunc(changes, func(a, b change) int {
		if a.remove != b.remove {
			if b.remove {
				return -1
			}
			return 1
		}
		if a.remove {
			a, b = b, a
		}
		return slices.CompareFunc(a.path, b.path, func(s, t step) int {
			return cmp.Or(cmp.Compare(s.name, t.name), cmp.Compare(s.index, t.index))
		})
	})
	for _, c := range changes {
		var err *Error
		if c.remove {
			it, err = it.remove(c.path)
		} else {
			it, err = it.set(c.path, c.v)
		}
		if err != nil {
			return nil, err
		}
	}
	return it, nil
}

// add is what ADD makes of old, if there is an old.
func add(old Value, ok bool, arg Value) (Value, *Error) {
	switch {
	case !ok:
		return arg, nil
	case old.Kind != arg.Kind:
		return Value{}, errWrongKind()
	case arg.Kind == kindN:
		n, err := old.Num.Add(arg.Num)
		return number(n), err
	case arg.Kind == kindL: // only the legacy parameters get here
		return Value{Kind: kindL, List: slices.Concat(old.List, arg.List)}, nil
	}
	return Value{Kind: arg.Kind, List: union(old.List, arg.List)}, nil
}

// parseUpdate reads an UpdateExpression.
func parseUpdate(src string, names *Names) (Update, *Error) {
	p := newParser("UpdateExpression", src, names)
	var u Update
	seen := map[string]bool{}
	for p.err == nil && p.peek().kind != tokEnd {
		verb := ""
		for _, v := range []string{"SET", "REMOVE", "ADD", "DELETE"} {
			if p.peek().is(v) {
				verb = v
			}
		}
		switch {
		case verb == "":
			p.syntax()
		case seen[verb]:
			p.fail("The %q section can only be used once in an update expression;", verb)
		default:
			seen[verb] = true
			p.next()
			for {
				u.actions = append(u.actions, p.action(verb))
				if !p.accept(",") {
					break
				}
			}
		}
	}
	if err := p.end(); err != nil {
		return Update{}, err
	}
	return u, checkOverlaps(p.what, u.paths())
}

func (p *parser) action(verb string) action {
	a := action{verb: verb, path: p.path()}
	switch verb {
	case "SET":
		p.expect("=")
		a.term = p.sum()
	case "ADD", "DELETE":
		a.arg = p.literal()
		ok := elementKinds[a.arg.Kind] != "" || verb == "ADD" && a.arg.Kind == kindN
		if !ok && p.err == nil {
			p.fail("Incorrect operand type for operator or function; operator: %s, operand type: %s, typeSet: ALLOWED_FOR_%s_OPERAND", verb, kindNames[a.arg.Kind], verb)
		}
	}
	return a
}

func (p *parser) sum() term {
	l := p.term()
	op := p.peek().text
	if !p.accept("+") && !p.accept("-") {
		return l
	}
	s := sum{l, p.term(), op == "-"}
	for _, t := range []term{s.l, s.r} {
		if o, ok := t.(operandTerm); ok {
			p.checkKind(op, o.o, kindN)
		}
	}
	return s
}

func (p *parser) term() term {
	t := p.peek()
	if t.kind != tokIdent || !p.peekNext().is("(") {
		return operandTerm{p.operand()}
	}
	switch t.text {
	case "if_not_exists":
		p.next()
		p.expect("(")
		if p.peek().kind == tokValue {
			p.fail("Operator or function requires a document path; operator or function: %s", t.text)
		}
		f := ifNotExists{p: p.path()}
		p.expect(",")
		f.t = p.term()
		p.expect(")")
		return f
	case "list_append":
		p.next()
		p.expect("(")
		f := listAppend{l: p.term()}
		p.expect(",")
		f.r = p.term()
		p.expect(")")
		for _, t := range []term{f.l, f.r} {
			if o, ok := t.(operandTerm); ok {
				p.checkKind("list_append", o.o, kindL)
			}
		}
		return f
	}
	p.badFunction(t.text)
	return operandTerm{literal{}}
}
