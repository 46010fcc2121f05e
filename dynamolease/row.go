package dynamolease

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/leasehold/leasehold/lease"
)

// A row reads the attributes of one item. The first that cannot be read is
// kept in bad, and what is read after it does not matter.
//
// It is stricter than Java KCL with text of a wrong type, which Java takes for
// absent: an owner or a parent that silently is not there is worse than a row
// that is reported.
type row struct {
	item map[string]types.AttributeValue
	bad  *lease.UnreadableError
}

func newRow(item map[string]types.AttributeValue) *row { return &row{item: item} }

// key returns the item's key.
func (r *row) key() string {
	if k, ok := r.item[attrKey].(*types.AttributeValueMemberS); ok {
		return k.Value
	}
	return ""
}

func (r *row) fail(attr, format string, args ...any) {
	if r.bad == nil {
		r.bad = &lease.UnreadableError{Key: r.key(), Attribute: attr, Reason: fmt.Sprintf(format, args...)}
	}
}

// err is the first failure, a nil error if there is none.
func (r *row) err() error {
	if r.bad == nil {
		return nil
	}
	return r.bad
}

func (r *row) has(attr string) bool { return r.item[attr] != nil }

// text returns a string, empty if there is none.
func (r *row) text(attr string) string {
	switch v := r.item[attr].(type) {
	case nil:
		return ""
	case *types.AttributeValueMemberS:
		return v.Value
	default:
		r.fail(attr, "has type %s, not S", typeName(v))
		return ""
	}
}

// name is text for an attribute that says who: an empty one is a mistake, as no
// condition could match both it and an absent one.
func (r *row) name(attr string) string {
	s := r.text(attr)
	if s == "" && r.has(attr) {
		r.fail(attr, "is empty")
	}
	return s
}

// required is name for an attribute that must be there.
func (r *row) required(attr string) string {
	if !r.has(attr) {
		r.fail(attr, "is missing")
	}
	return r.name(attr)
}

// whole returns a whole number, 0 if there is none. As for Java KCL, "1.0" is
// not a whole number.
func (r *row) whole(attr string) int64 {
	switch v := r.item[attr].(type) {
	case nil:
		return 0
	case *types.AttributeValueMemberN:
		n, err := strconv.ParseInt(v.Value, 10, 64)
		if err != nil {
			r.fail(attr, "is %q, not a whole number of 64 bits", v.Value)
		}
		return n
	default:
		r.fail(attr, "has type %s, not N", typeName(v))
		return 0
	}
}

// requiredWhole is whole for an attribute that must be there.
func (r *row) requiredWhole(attr string) int64 {
	if !r.has(attr) {
		r.fail(attr, "is missing")
	}
	return r.whole(attr)
}

// counter is requiredWhole for a counter: no write can follow a negative one.
func (r *row) counter(attr string) int64 {
	n := r.requiredWhole(attr)
	if n < 0 {
		r.fail(attr, "is negative")
	}
	return n
}

// rate is float for a rate. What is none counts as absent: it is a hint, for
// which no lease should stand still.
func (r *row) rate(attr string) *float64 {
	f := r.float(attr)
	if lease.RoundThroughput(f) == nil {
		return nil
	}
	return f
}

// float returns a number, nil if there is none.
func (r *row) float(attr string) *float64 {
	switch v := r.item[attr].(type) {
	case nil:
		return nil
	case *types.AttributeValueMemberN:
		f, err := strconv.ParseFloat(v.Value, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			r.fail(attr, "is %q, not a number", v.Value)
		}
		return &f
	default:
		r.fail(attr, "has type %s, not N", typeName(v))
		return nil
	}
}

// set returns the members of a string set in order, nil if there is none.
func (r *row) set(attr string) []string {
	switch v := r.item[attr].(type) {
	case nil:
		return nil
	case *types.AttributeValueMemberSS:
		ss := slices.Clone(v.Value)
		slices.Sort(ss)
		return ss
	default:
		r.fail(attr, "has type %s, not SS", typeName(v))
		return nil
	}
}

// position returns the position of two attributes, the zero Position where the
// first is absent.
func (r *row) position(attr, subAttr string) lease.Position {
	s, sub := r.text(attr), r.whole(subAttr)
	if !r.has(attr) || r.bad != nil {
		return lease.Position{}
	}
	p, err := lease.ParsePosition(s, sub)
	if err != nil {
		r.fail(attr, "is not a position: %v", err)
	}
	return p
}

// typeName is DynamoDB's name of a value's type.
func typeName(v types.AttributeValue) string {
	switch v.(type) {
	case *types.AttributeValueMemberS:
		return "S"
	case *types.AttributeValueMemberN:
		return "N"
	case *types.AttributeValueMemberB:
		return "B"
	case *types.AttributeValueMemberSS:
		return "SS"
	case *types.AttributeValueMemberNS:
		return "NS"
	case *types.AttributeValueMemberBS:
		return "BS"
	case *types.AttributeValueMemberM:
		return "M"
	case *types.AttributeValueMemberL:
		return "L"
	case *types.AttributeValueMemberBOOL:
		return "BOOL"
	case *types.AttributeValueMemberNULL:
		return "NULL"
	}
	return fmt.Sprintf("%T", v)
}
