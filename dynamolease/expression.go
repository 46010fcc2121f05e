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
//
// Every renewal makes one, so it is in one piece of memory, with room for the
// values of most requests, and its texts grow in one buffer each.
type expression struct {
	names      map[string]string
	values     map[string]types.AttributeValue
	conditions strings.Builder
	updates    strings.Builder // without removes, which are its end
	removes    []string

	// Room for what requests point to.
	conditionText, updateText string
	removed                   [8]string
	texts                     [8]types.AttributeValueMemberS
	numbers                   [6]types.AttributeValueMemberN
	nTexts, nNumbers          int
}

// name returns the placeholder of an attribute.
func (e *expression) name(attr string) string {
	if e.names == nil {
		e.names = make(map[string]string)
	}
	p, ready := placeholders[attr]
	if !ready {
		p = "#" + attr
	}
	e.names[p] = attr
	return p
}

// placeholders are those of what is written often, ready made.
var placeholders = map[string]string{
	attrKey:             "#" + attrKey,
	attrEntity:          "#" + attrEntity,
	attrOwner:           "#" + attrOwner,
	attrCheckpointOwner: "#" + attrCheckpointOwner,
	attrCounter:         "#" + attrCounter,
	attrSwitches:        "#" + attrSwitches,
	attrCheckpoint:      "#" + attrCheckpoint,
	attrCheckpointSub:   "#" + attrCheckpointSub,
	attrPending:         "#" + attrPending,
	attrPendingSub:      "#" + attrPendingSub,
	attrPendingState:    "#" + attrPendingState,
	attrThroughput:      "#" + attrThroughput,
	attrMark:            "#" + attrMark,
	attrStream:          "#" + attrStream,
}

// value returns the placeholder of a value.
func (e *expression) value(v types.AttributeValue) string {
	if e.values == nil {
		e.values = make(map[string]types.AttributeValue)
	}
	p := valuePlaceholder(len(e.values))
	e.values[p] = v
	return p
}

func valuePlaceholder(n int) string {
	const first = ":v0:v1:v2:v3:v4:v5:v6:v7:v8:v9"
	if n < 10 {
		return first[3*n : 3*n+3]
	}
	return ":v" + strconv.Itoa(n)
}

// textValue is text, in the room that there is.
func (e *expression) textValue(s string) types.AttributeValue {
	if e.nTexts == len(e.texts) {
		return text(s)
	}
	v := &e.texts[e.nTexts]
	e.nTexts++
	v.Value = s
	return v
}

// numberValue is number, in the room that there is.
func (e *expression) numberValue(n int64) types.AttributeValue {
	if e.nNumbers == len(e.numbers) {
		return number(n)
	}
	v := &e.numbers[e.nNumbers]
	e.nNumbers++
	v.Value = strconv.FormatInt(n, 10)
	return v
}

// text returns the placeholder of a string.
func (e *expression) text(s string) string { return e.value(e.textValue(s)) }

// number returns the placeholder of a whole number.
func (e *expression) number(n int64) string { return e.value(e.numberValue(n)) }

// set stores v, or removes the attribute if v is nil.
func (e *expression) set(attr string, v types.AttributeValue) {
	if v == nil {
		e.remove(attr)
		return
	}
	e.assign(e.name(attr), e.value(v))
}

// setText stores s, or removes the attribute if s is empty.
func (e *expression) setText(attr, s string) {
	if s == "" {
		e.remove(attr)
		return
	}
	e.assign(e.name(attr), e.text(s))
}

// setNumber stores n.
func (e *expression) setNumber(attr string, n int64) { e.assign(e.name(attr), e.number(n)) }

// increment adds one to a number, which must be there.
func (e *expression) increment(attr string) {
	name := e.name(attr)
	e.assign(name, name, " + ", e.number(1))
}

// assign adds to the update that name becomes what the other parts say.
func (e *expression) assign(name string, to ...string) {
	addTo(&e.updates, "SET ", ", ", name, " = ")
	for _, s := range to {
		e.updates.WriteString(s)
	}
}

// remove adds to the update that the attribute goes.
func (e *expression) remove(attr string) {
	if e.removes == nil {
		e.removes = e.removed[:0]
	}
	e.removes = append(e.removes, e.name(attr))
}

// where adds a condition.
func (e *expression) where(parts ...string) { addTo(&e.conditions, "", " AND ", parts...) }

// addTo writes parts to b: after begin if they are the first, else after sep.
func addTo(b *strings.Builder, begin, sep string, parts ...string) {
	if b.Len() == 0 {
		b.Grow(384) // few become longer
		b.WriteString(begin)
	} else {
		b.WriteString(sep)
	}
	for _, s := range parts {
		b.WriteString(s)
	}
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
	e.where(fmt.Sprintf(format, args...))
}

// requireEntity demands an item of this type, which absent items are not.
func (e *expression) requireEntity(entity string) {
	e.require("%s = %s", attrEntity, text(entity))
}

// requireLease demands that the item is a lease and satisfies c.
func (e *expression) requireLease(c lease.Cond) {
	if c.Counter != nil {
		e.where(e.name(attrCounter), " = ", e.number(*c.Counter))
	} else {
		// An update without any condition on what exists would create a row
		// that no reader can parse.
		e.where("attribute_exists(", e.name(attrCounter), ")")
	}
	e.requireLeaseType()
	if c.Owners != nil {
		e.requireOwners(*c.Owners)
	}
}

// requireLeaseType demands an item whose type, if it has one, is a lease's.
func (e *expression) requireLeaseType() {
	typ := e.name(attrEntity)
	e.where("(attribute_not_exists(", typ, ") OR ", typ, " = ", e.text(entityLease), ")")
}

// requireOwners demands a row that reads as owned by o; see parseOwners.
func (e *expression) requireOwners(o lease.Owners) {
	owner, checkpointOwner := e.name(attrOwner), e.name(attrCheckpointOwner)
	switch {
	case o.Owner == "":
		e.where("attribute_not_exists(", owner, ") AND attribute_not_exists(", checkpointOwner, ")")
	case o.Next != "":
		e.where(owner, " = ", e.text(o.Next), " AND ", checkpointOwner, " = ", e.text(o.Owner))
	default:
		o := e.text(o.Owner)
		e.where("((", owner, " = ", o, " AND attribute_not_exists(", checkpointOwner, ")) OR ",
			"(", checkpointOwner, " = ", o, " AND (attribute_not_exists(", owner, ") OR ", owner, " = ", o, ")))")
	}
}

// condition returns the condition, nil if there is none.
func (e *expression) condition() *string {
	if e.conditions.Len() == 0 {
		return nil
	}
	e.conditionText = e.conditions.String()
	return &e.conditionText
}

// update returns the update, nil if it changes nothing.
func (e *expression) update() *string {
	sep := "REMOVE "
	if e.updates.Len() > 0 {
		sep = " REMOVE "
	}
	for _, name := range e.removes {
		e.updates.WriteString(sep)
		e.updates.WriteString(name)
		sep = ", "
	}
	e.removes = nil
	if e.updates.Len() == 0 {
		return nil
	}
	e.updateText = e.updates.String()
	return &e.updateText
}

// orAbsent returns the condition, or that there is no item, in a table with
// this key. AND binds tighter than OR, and DynamoDB refuses parentheses within
// parentheses that add nothing.
func (e *expression) orAbsent(key string) *string {
	return new("attribute_not_exists(" + e.name(key) + ") OR " + *e.condition())
}
