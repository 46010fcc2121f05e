package awsfake

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/leasehold/leasehold/awsfake/internal/kin"
)

// The two forms of a Kinesis body. The SDK for Go speaks the first, that for Java the second
// unless told otherwise.
const (
	jsonType = "application/x-amz-json-1.1"
	cborType = "application/x-amz-cbor-1.1"
)

// A body is a reply being written, in either form, in one pass.
type body struct {
	b    []byte
	cbor bool
	more bool // the next key or element needs a comma before it
}

// CBOR's major types, and what begins and ends a value of unsaid length.
const (
	cborUint  = 0 << 5
	cborNeg   = 1 << 5
	cborBytes = 2 << 5
	cborText  = 3 << 5
	cborTag   = 6 << 5

	cborList  = 0x9f
	cborMap   = 0xbf
	cborBreak = 0xff
	cborFalse = 0xf4
	cborTrue  = 0xf5
)

func (w *body) head(major byte, n uint64) {
	switch {
	case n < 24:
		w.b = append(w.b, major|byte(n))
	case n < 1<<8:
		w.b = append(w.b, major|24, byte(n))
	case n < 1<<16:
		w.b = binary.BigEndian.AppendUint16(append(w.b, major|25), uint16(n))
	case n < 1<<32:
		w.b = binary.BigEndian.AppendUint32(append(w.b, major|26), uint32(n))
	default:
		w.b = binary.BigEndian.AppendUint64(append(w.b, major|27), n)
	}
}

func (w *body) comma() {
	if w.more && !w.cbor {
		w.b = append(w.b, ',')
	}
	w.more = true
}

func (w *body) begin(json, cbor byte) {
	if w.cbor {
		json = cbor
	}
	w.b, w.more = append(w.b, json), false
}

func (w *body) end(json byte) {
	if w.cbor {
		json = cborBreak
	}
	w.b, w.more = append(w.b, json), true
}

// object writes an object whose members f writes, each as a key and a value.
func (w *body) object(f func()) {
	w.begin('{', cborMap)
	f()
	w.end('}')
}

// list writes a list of n elements, each of which f writes.
func (w *body) list(n int, f func(i int)) {
	w.begin('[', cborList)
	for i := range n {
		w.comma()
		f(i)
	}
	w.end(']')
}

// key writes the name of an object's member. It needs no escaping.
func (w *body) key(name string) *body {
	w.comma()
	if w.cbor {
		w.head(cborText, uint64(len(name)))
		w.b = append(w.b, name...)
		return w
	}
	w.b = append(w.b, '"')
	w.b = append(w.b, name...)
	w.b = append(w.b, '"', ':')
	return w
}

func (w *body) text(s string) {
	if w.cbor {
		w.head(cborText, uint64(len(s)))
		w.b = append(w.b, s...)
		return
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			q, err := json.Marshal(s)
			if err != nil {
				panic(err) // every string can be encoded
			}
			w.b = append(w.b, q...)
			return
		}
	}
	w.b = append(w.b, '"')
	w.b = append(w.b, s...)
	w.b = append(w.b, '"')
}

// sequence writes a sequence number as text.
func (w *body) sequence(s kin.Sequence) {
	var room [64]byte
	digits := s.Append(room[:0])
	if w.cbor {
		w.head(cborText, uint64(len(digits)))
		w.b = append(w.b, digits...)
		return
	}
	w.b = append(w.b, '"')
	w.b = append(w.b, digits...)
	w.b = append(w.b, '"')
}

func (w *body) texts(s []string) {
	w.list(len(s), func(i int) { w.text(s[i]) })
}

func (w *body) blob(p []byte) {
	if w.cbor {
		w.head(cborBytes, uint64(len(p)))
		w.b = append(w.b, p...)
		return
	}
	w.b = append(w.b, '"')
	w.b = base64.StdEncoding.AppendEncode(w.b, p)
	w.b = append(w.b, '"')
}

func (w *body) int(n int64) {
	switch {
	case !w.cbor:
		w.b = strconv.AppendInt(w.b, n, 10)
	case n < 0:
		w.head(cborNeg, uint64(-1-n))
	default:
		w.head(cborUint, uint64(n))
	}
}

func (w *body) bool(v bool) {
	switch {
	case !w.cbor:
		w.b = strconv.AppendBool(w.b, v)
	case v:
		w.b = append(w.b, cborTrue)
	default:
		w.b = append(w.b, cborFalse)
	}
}

// time writes a time in Unix milliseconds: in JSON as seconds, in CBOR as whole
// milliseconds, which is the services' own way.
func (w *body) time(ms int64) {
	if w.cbor {
		w.head(cborTag, 1)
		w.int(ms)
		return
	}
	if ms < 0 {
		w.b = strconv.AppendFloat(w.b, float64(ms)/1000, 'f', 3, 64)
		return
	}
	w.b = strconv.AppendInt(w.b, ms/1000, 10)
	w.b = append(w.b, '.', byte('0'+ms/100%10), byte('0'+ms/10%10), byte('0'+ms%10))
}

// jsonOf turns a request in CBOR into the same one in JSON.
func jsonOf(p []byte) ([]byte, error) {
	v, err := cbor.Decode(p)
	if err != nil {
		return nil, err
	}
	tree, err := plain(v)
	if err != nil {
		return nil, err
	}
	return json.Marshal(tree)
}

// plain is v as encoding/json has it.
func plain(v cbor.Value) (any, error) {
	switch v := v.(type) {
	case cbor.Uint:
		return uint64(v), nil
	case cbor.NegInt:
		return json.Number("-" + strconv.FormatUint(uint64(v), 10)), nil
	case cbor.Float32:
		return float64(v), nil
	case cbor.Float64:
		return float64(v), nil
	case cbor.Bool:
		return bool(v), nil
	case cbor.String:
		return string(v), nil
	case cbor.Slice:
		return []byte(v), nil
	case *cbor.Nil, *cbor.Undefined:
		return nil, nil
	case cbor.List:
		out := make([]any, len(v))
		for i := range v {
			var err error
			if out[i], err = plain(v[i]); err != nil {
				return nil, err
			}
		}
		return out, nil
	case cbor.Map:
		out := make(map[string]any, len(v))
		for k := range v {
			var err error
			if out[k], err = plain(v[k]); err != nil {
				return nil, err
			}
		}
		return out, nil
	case *cbor.Tag:
		return plainTag(v)
	}
	return nil, fmt.Errorf("cbor value of type %T", v)
}

// plainTag takes times, which come as whole milliseconds or as seconds.
func plainTag(t *cbor.Tag) (any, error) {
	if t.ID != 1 {
		return nil, errors.New("cbor tag that is no time")
	}
	switch v := t.Value.(type) {
	case cbor.Uint:
		return json.Number(fmt.Sprintf("%d.%03d", uint64(v)/1000, uint64(v)%1000)), nil
	case cbor.Float64, cbor.Float32, cbor.NegInt:
		return plain(v)
	}
	return nil, errors.New("cbor time that is no number")
}
