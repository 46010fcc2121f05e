package ddb

import (
	"slices"
	"strings"
)

// maxTransaction is how many bytes the items of a transaction may have.
// (DynamoDB Developer Guide, Quotas.)
const maxTransaction = 4 << 20

type transactGetItems struct {
	TransactItems          []struct{ Get *getItem }
	ReturnConsumedCapacity string
}

func (op *transactGetItems) target() string {
	name := ""
	for _, it := range op.TransactItems {
		switch {
		case it.Get == nil:
			return ""
		case name == "":
			name = it.Get.TableName
		case name != it.Get.TableName:
			return ""
		}
	}
	return name
}

func (op *transactGetItems) check() *Error {
	switch n := len(op.TransactItems); {
	case n == 0:
		return violated("[]", "transactItems", "Member must have length greater than or equal to 1")
	case n > 100:
		return violated("[...]", "transactItems", "Member must have length less than or equal to 100")
	}
	for _, it := range op.TransactItems {
		switch {
		case it.Get == nil:
			return violated("", "transactItems.member.get", "Member must not be null")
		case it.Get.Key == nil:
			return violated("", "transactItems.member.get.key", "Member must not be null")
		}
	}
	return checkConsumed(op.ReturnConsumedCapacity)
}

func (op *transactGetItems) do(db *DB, o Options) (Output, *Error) {
	if err := op.check(); err != nil {
		return Output{}, err
	}
	var chosen []Projection
	var tables []string
	for _, it := range op.TransactItems {
		pr, err := it.Get.compile()
		if err != nil {
			return Output{}, err
		}
		chosen = append(chosen, pr)
		tables = append(tables, it.Get.TableName)
	}
	l, err := db.lock(tables, o)
	if err != nil {
		return Output{}, err
	}
	defer l.unlock()

	cancelled := &Error{Code: codeCancelled}
	var codes []string
	type place struct {
		table string
		key   rowKey
	}
	seen := map[place]bool{}
	responses := make([]struct {
		Item *Item `json:",omitempty"`
	}, len(op.TransactItems))
	costs := map[string]cost{}
	bytes := 0
	for i, it := range op.TransactItems {
		t := l[it.Get.TableName]
		r := Reason{Code: "None"}
		if err := t.schema.checkKey(it.Get.Key); err != nil {
			r = Reason{"ValidationError", err.Message, nil}
		} else {
			at := place{t.name, t.schema.place(it.Get.Key)}
			if seen[at] {
				return Output{}, invalid("Transaction request cannot include multiple operations on one item")
			}
			seen[at] = true
			if err := t.allow(nil, reading, at.key.part); err != nil {
				return Output{}, err
			}
			row := t.rows.get(at.key)
			if row != nil {
				responses[i].Item = new(chosen[i].of(row.image()))
			}
			bytes += row.bytes()
			u := 2 * readUnits(row.bytes(), true)
			t.charge(nil, reading, at.key.part, u)
			costs[t.name] = costs[t.name].plus(cost{table: u}, 1)
		}
		codes = append(codes, r.Code)
		cancelled.Reasons = append(cancelled.Reasons, r)
	}
	if slices.Contains(codes, "ValidationError") {
		cancelled.Message = cancelledBecause(codes)
		cancelled.ReadUnits = total(costs)
		return Output{}, cancelled
	}
	if bytes > maxTransaction {
		return Output{}, invalid("Transaction size cannot exceed 4 MB")
	}
	return Output{Body: struct {
		Responses        any
		ConsumedCapacity []*consumedCapacity `json:",omitempty"`
	}{responses, consumedAll(op.ReturnConsumedCapacity, costs)}, ReadUnits: total(costs)}, nil
}

// cancelledBecause is the message of a cancelled transaction.
func cancelledBecause(codes []string) string {
	return "Transaction cancelled, please refer cancellation reasons for specific reasons [" + strings.Join(codes, ", ") + "]"
}
