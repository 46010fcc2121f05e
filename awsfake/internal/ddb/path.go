package ddb

import (
	"slices"
	"strings"
)

// A Path leads to an attribute or into a document.
type Path []step

// A step is a name, or an index if name is empty: DynamoDB knows no attribute
// with an empty name.
type step struct {
	name  string
	index int
}

func attribute(name string) Path { return Path{{name: name}} }

// String is the path as error messages show it, "[a, b, [0]]".
func (p Path) String() string {
	parts := make([]string, len(p))
	for i, s := range p {
		parts[i] = s.name
		if s.name == "" {
			parts[i] = "[" + itoa(s.index) + "]"
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// value finds what p leads to in it.
func (p Path) value(it Item) (Value, bool) {
	v, ok := it[p[0].name]
	for _, s := range p[1:] {
		if !ok {
			return Value{}, false
		}
		v, ok = v.at(s)
	}
	return v, ok
}

// at is the element of v that s leads to.
func (v Value) at(s step) (Value, bool) {
	if s.name != "" {
		e, ok := v.Map[s.name]
		return e, ok
	}
	if v.Kind != kindL || s.index >= len(v.List) {
		return Value{}, false
	}
	return v.List[s.index], true
}

// overlap reports whether p and q lead to the same place or one into the
// other, and conflict whether they take the same place for a map and a list.
func overlap(p, q Path) (over, conflict bool) {
	for i := range min(len(p), len(q)) {
		if (p[i].name == "") != (q[i].name == "") {
			return false, true
		}
		if p[i] != q[i] {
			return false, false
		}
	}
	return true, false
}

// checkOverlaps refuses paths of one expression that meddle with each other.
func checkOverlaps(what string, paths []Path) *Error {
	for i, p := range paths {
		for _, q := range paths[:i] {
			how := ""
			switch over, conflict := overlap(p, q); {
			case over:
				how = "overlap"
			case conflict:
				how = "conflict"
			default:
				continue
			}
			return invalid("Invalid %s: Two document paths %s with each other; must remove or rewrite one of these paths; path one: %v, path two: %v", what, how, q, p)
		}
	}
	return nil
}

// errBadPath is that of a change below something that is not there.
func errBadPath() *Error {
	return invalid("The document path provided in the update expression is invalid for update")
}

// set returns a copy of it in which p leads to v.
func (it Item) set(p Path, v Value) (Item, *Error) {
	root, err := Value{Kind: kindM, Map: it}.set(p, v)
	return root.Map, err
}

func (v Value) set(p Path, x Value) (Value, *Error) {
	if len(p) == 0 {
		return x, nil
	}
	s, rest := p[0], p[1:]
	child, ok := v.at(s)
	if !ok && len(rest) > 0 {
		return Value{}, errBadPath()
	}
	child, err := child.set(rest, x)
	if err != nil {
		return Value{}, err
	}
	switch {
	case s.name != "" && v.Kind == kindM:
		m := make(Item, len(v.Map)+1)
		for k, e := range v.Map {
			m[k] = e
		}
		m[s.name] = child
		return Value{Kind: kindM, Map: m}, nil
	case s.name == "" && v.Kind == kindL:
		l := slices.Clone(v.List)
		if s.index < len(l) {
			l[s.index] = child
		} else {
			l = append(l, child)
		}
		return Value{Kind: kindL, List: l}, nil
	}
	return Value{}, errBadPath()
}

// remove returns a copy of it without what p leads to.
func (it Item) remove(p Path) (Item, *Error) {
	root, err := Value{Kind: kindM, Map: it}.remove(p)
	return root.Map, err
}

func (v Value) remove(p Path) (Value, *Error) {
	s, rest := p[0], p[1:]
	child, ok := v.at(s)
	if len(rest) > 0 {
		if !ok {
			return Value{}, errBadPath()
		}
		child, err := child.remove(rest)
		if err != nil {
			return Value{}, err
		}
		return v.set(p[:1], child)
	}
	switch {
	case s.name != "" && v.Kind == kindM:
		m := make(Item, len(v.Map))
		for k, e := range v.Map {
			if k != s.name {
				m[k] = e
			}
		}
		return Value{Kind: kindM, Map: m}, nil
	case s.name == "" && v.Kind == kindL:
		if !ok {
			return v, nil
		}
		return Value{Kind: kindL, List: slices.Delete(slices.Clone(v.List), s.index, s.index+1)}, nil
	}
	return Value{}, errBadPath()
}

// A Projection is the part of an item that some paths lead to. Nil is all.
type Projection []Path

// of returns the part of it.
func (pr Projection) of(it Item) Item {
	if pr == nil || it == nil {
		return it
	}
	paths := make([]Path, len(pr))
	copy(paths, pr)
	part, _ := Value{Kind: kindM, Map: it}.part(paths)
	if part.Map == nil {
		return Item{}
	}
	return part.Map
}

// part returns what paths lead to in v, and whether there is any.
func (v Value) part(paths []Path) (Value, bool) {
	below := map[step][]Path{}
	for _, p := range paths {
		if len(p) == 0 {
			return v, true
		}
		below[p[0]] = append(below[p[0]], p[1:])
	}
	out := Value{Kind: v.Kind}
	for i, e := range v.List {
		if v.Kind != kindL {
			break
		}
		if ps := below[step{index: i}]; ps != nil {
			if e, ok := e.part(ps); ok {
				out.List = append(out.List, e)
			}
		}
	}
	for s, ps := range below {
		if s.name == "" || v.Kind != kindM {
			continue
		}
		if e, ok := v.Map[s.name]; ok {
			if e, ok = e.part(ps); ok {
				if out.Map == nil {
					out.Map = Item{}
				}
				out.Map[s.name] = e
			}
		}
	}
	return out, out.List != nil || out.Map != nil
}
