package ddb

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
)

// maxDepth is how deep documents may be. (DynamoDB Developer Guide, Quotas.)
const maxDepth = 32

func itoa(i int) string { return strconv.Itoa(i) }

// serialization is the answer to JSON that is not of the protocol's shape.
func serialization(what string) *Error {
	return &Error{Code: codeSerialization, Message: what}
}

// UnmarshalJSON reads the protocol's form, {"S": "text"}.
func (v *Value) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var raw any
	if err := d.Decode(&raw); err != nil {
		return err
	}
	dec, err := decodeValue(raw, 0)
	if err != nil {
		return err
	}
	*v = dec
	return nil
}

// UnmarshalJSON reads the protocol's form, {"name": {"S": "text"}}.
func (it *Item) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var raw map[string]any
	if err := d.Decode(&raw); err != nil {
		return err
	}
	if raw == nil {
		*it = nil
		return nil
	}
	m, err := decodeMap(raw, -1)
	if err != nil {
		return err
	}
	*it = m
	return nil
}

func decodeMap(raw map[string]any, depth int) (map[string]Value, *Error) {
	m := make(map[string]Value, len(raw))
	for k, e := range raw {
		if k == "" {
			return nil, errEmptyName()
		}
		v, err := decodeValue(e, depth+1)
		if err != nil {
			return nil, err
		}
		m[k] = v
	}
	return m, nil
}

func errEmptyName() *Error { return badValues("An AttributeName may not be empty") }

func decodeValue(raw any, depth int) (Value, *Error) {
	m, ok := raw.(map[string]any)
	if !ok {
		return Value{}, serialization("Unexpected value type in payload")
	}
	if depth > maxDepth {
		return Value{}, invalid("Nesting Levels have exceeded supported limits: Attributes with nesting more than 32 levels are not supported")
	}
	switch {
	case len(m) == 0:
		return Value{}, invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	case len(m) > 1:
		return Value{}, invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	}
	for k, x := range m {
		return decodeKind(Kind(k), x, depth)
	}
	panic("unreachable")
}

func decodeKind(kind Kind, x any, depth int) (Value, *Error) {
	v := Value{Kind: kind}
	wrong := func() (Value, *Error) {
		return Value{}, serialization("Unexpected value type in payload: " + string(kind))
	}
	switch kind {
	case kindS, kindN, kindB:
		s, ok := x.(string)
		if !ok {
			return wrong()
		}
		return decodeScalar(kind, s)
	case kindBool, kindNull:
		b, ok := x.(bool)
		if !ok {
			return wrong()
		}
		if kind == kindNull && !b {
			return Value{}, badValues("Null attribute value types must have the value of true")
		}
		v.Bool = b
	case kindL:
		l, ok := x.([]any)
		if !ok {
			return wrong()
		}
		v.List = make([]Value, len(l))
		for i, e := range l {
			var err *Error
			if v.List[i], err = decodeValue(e, depth+1); err != nil {
				return Value{}, err
			}
		}
	case kindM:
		m, ok := x.(map[string]any)
		if !ok {
			return wrong()
		}
		var err *Error
		if v.Map, err = decodeMap(m, depth); err != nil {
			return Value{}, err
		}
	case kindSS, kindNS, kindBS:
		l, ok := x.([]any)
		if !ok {
			return wrong()
		}
		return decodeSet(kind, l)
	default:
		return Value{}, invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	}
	return v, nil
}

func decodeScalar(kind Kind, s string) (Value, *Error) {
	v := Value{Kind: kind, Str: s}
	switch kind {
	case kindN:
		n, err := ParseNumber(s)
		if err != nil {
			return Value{}, err
		}
		v.Str, v.Num = "", n
	case kindB:
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return Value{}, serialization("Invalid base64 in a binary value")
		}
		v.Str = string(b)
	}
	return v, nil
}

func decodeSet(kind Kind, l []any) (Value, *Error) {
	v := Value{Kind: kind, List: make([]Value, len(l))}
	if len(l) == 0 {
		name := map[Kind]string{kindSS: "string", kindNS: "number"}[kind]
		if kind == kindBS {
			return Value{}, badValues("Binary sets should not be empty")
		}
		return Value{}, badValues("An %s set  may not be empty", name)
	}
	for i, e := range l {
		s, ok := e.(string)
		if !ok {
			return Value{}, serialization("Unexpected value type in payload: " + string(kind))
		}
		var err *Error
		if v.List[i], err = decodeScalar(elementKinds[kind], s); err != nil {
			return Value{}, err
		}
	}
	sortSet(v.List)
	for i := 1; i < len(v.List); i++ {
		if v.List[i].Equal(v.List[i-1]) {
			var all []string
			for _, e := range v.List {
				all = append(all, e.text())
			}
			return Value{}, badValues("Input collection [%s] contains duplicates.", strings.Join(all, ", "))
		}
	}
	return v, nil
}

// MarshalJSON writes the protocol's form.
func (v Value) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	v.encode(&b)
	return b.Bytes(), nil
}

func (v Value) encode(b *bytes.Buffer) {
	b.WriteString(`{"`)
	b.WriteString(string(v.Kind))
	b.WriteString(`":`)
	switch v.Kind {
	case kindBool, kindNull:
		b.WriteString(strconv.FormatBool(v.Bool))
	case kindL:
		b.WriteByte('[')
		for i, e := range v.List {
			if i > 0 {
				b.WriteByte(',')
			}
			e.encode(b)
		}
		b.WriteByte(']')
	case kindM:
		encodeMap(b, v.Map)
	case kindSS, kindNS, kindBS:
		b.WriteByte('[')
		for i, e := range v.List {
			if i > 0 {
				b.WriteByte(',')
			}
			e.encodeScalar(b)
		}
		b.WriteByte(']')
	default:
		v.encodeScalar(b)
	}
	b.WriteByte('}')
}

// MarshalJSON writes the protocol's form.
func (it Item) MarshalJSON() ([]byte, error) {
	if it == nil {
		return []byte("null"), nil
	}
	var b bytes.Buffer
	encodeMap(&b, it)
	return b.Bytes(), nil
}

func encodeMap(b *bytes.Buffer, m map[string]Value) {
	b.WriteByte('{')
	for i, k := range sortedKeys(m) {
		if i > 0 {
			b.WriteByte(',')
		}
		quote(b, k)
		b.WriteByte(':')
		m[k].encode(b)
	}
	b.WriteByte('}')
}

func (v Value) encodeScalar(b *bytes.Buffer) {
	switch v.Kind {
	case kindN:
		quote(b, v.Num.String())
	case kindB:
		quote(b, base64.StdEncoding.EncodeToString([]byte(v.Str)))
	default:
		quote(b, v.Str)
	}
}

func quote(b *bytes.Buffer, s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			q, _ := json.Marshal(s) // a string always encodes
			b.Write(q)
			return
		}
	}
	b.WriteByte('"')
	b.WriteString(s)
	b.WriteByte('"')
}
