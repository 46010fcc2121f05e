package dynamolease

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/leasehold/leasehold/lease"
)

// An expression collects the parts of a request's condition and update, and the
// names and values they use. All names are placeholders, since DynamoDB
// reserves hundreds of words.
type expression struct {
	names         map[string]string
	values        map[string]types.AttributeValue
	sets, removes []string
	conditions    []string
}

// name returns the placeholder of an attribute.
func (e *expression) name(attr string) string {
	if e.names == nil {
		e.names = make(map[string]string)
	}
	e.names["#"+attr] = attr
	return "#" + attr
}

// value returns the placeholder of a value.
func (e *expression) value(v types.AttributeValue) string {
	if e.values == nil {
		e.values = make(map[string]types.AttributeValue)
	}
	p := ":v" + strconv.Itoa(len(e.values))
	e.values[p] = v
	return p
}

// set stores v, or removes the attribute if v is nil.
func (e *expression) set(attr string, v types.AttributeValue) {
	if v == nil {
		e.removes = append(e.removes, e.name(attr))
		return
	}
	e.sets = append(e.sets, e.name(attr)+" = "+e.value(v))
}

// setText stores s, or removes the attribute if s is empty.
func (e *expression) setText(attr, s string) {
	if s == "" {
		e.set(attr, nil)
		return
	}
	e.set(attr, text(s))
}

// increment adds one to a number, which must be there.
func (e *expression) increment(attr string) {
	n := e.name(attr)
	e.sets = append(e.sets, n+" = "+n+" + "+e.value(number(1)))
}

// require adds a condition. In format, each %s is the next argument, which is
// an attribute's name or, if it is a value, a value.
func (e *expression) require(format string, args ...any) {
	for i, a := range args {
		switch a := a.(type) {
		case string:
			args[i] = e.name(a)
		case types.AttributeValue:
			args[i] = e.value(a)
		}
	}
	e.conditions = append(e.conditions, fmt.Sprintf(format, args...))
}

// requireEntity demands an item of this type, which absent items are not.
func (e *expression) requireEntity(entity string) {
	e.require("%s = %s", attrEntity, text(entity))
}

// requireLease demands that the item is a lease and satisfies c.
func (e *expression) requireLease(c lease.Cond) {
	if c.Counter != nil {
		e.require("%s = %s", attrCounter, number(*c.Counter))
	} else {
		// An update without any condition on what exists would create a row
		// that no reader can parse.
		e.require("attribute_exists(%s)", attrCounter)
	}
	e.requireLeaseType()
	if c.Owners != nil {
		e.requireOwners(*c.Owners)
	}
}

// requireLeaseType demands an item whose type, if it has one, is a lease's.
func (e *expression) requireLeaseType() {
	e.require("(attribute_not_exists(%[1]s) OR %[1]s = %[2]s)", attrEntity, text(entityLease))
}

// requireOwners demands a row that reads as owned by o; see parseOwners.
func (e *expression) requireOwners(o lease.Owners) {
	switch {
	case o.Owner == "":
		e.require("attribute_not_exists(%s) AND attribute_not_exists(%s)", attrOwner, attrCheckpointOwner)
	case o.Next != "":
		e.require("%s = %s AND %s = %s", attrOwner, text(o.Next), attrCheckpointOwner, text(o.Owner))
	default:
		e.require("((%[1]s = %[3]s AND attribute_not_exists(%[2]s)) OR "+
			"(%[2]s = %[3]s AND (attribute_not_exists(%[1]s) OR %[1]s = %[3]s)))",
			attrOwner, attrCheckpointOwner, text(o.Owner))
	}
}

// condition returns the condition, nil if there is none.
func (e *expression) condition() *string {
	if len(e.conditions) == 0 {
		return nil
	}
	return new(strings.Join(e.conditions, " AND "))
}

// update returns the update, nil if it changes nothing.
func (e *expression) update() *string {
	var parts []string
	if len(e.sets) > 0 {
		parts = append(parts, "SET "+strings.Join(e.sets, ", "))
	}
	if len(e.removes) > 0 {
		parts = append(parts, "REMOVE "+strings.Join(e.removes, ", "))
	}
	if len(parts) == 0 {
		return nil
	}
	return new(strings.Join(parts, " "))
}

// orAbsent returns the condition, or that there is no item. AND binds tighter
// than OR, and DynamoDB refuses parentheses within parentheses that add nothing.
func (e *expression) orAbsent() *string {
	return new("attribute_not_exists(" + e.name(attrKey) + ") OR " + *e.condition())
}
