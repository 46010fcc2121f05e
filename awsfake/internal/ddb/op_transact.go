package ddb

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"
)

// tokenLife is how long a ClientRequestToken is remembered. (DynamoDB API
// Reference, TransactWriteItems.)
const tokenLife = 10 * time.Minute

// A doneToken is a transaction that was made.
type doneToken struct {
	request []byte
	at      time.Time
}

// locked are tables by name, all locked.
type locked map[string]*table

// lockAll locks the tables of several writes, in the order of their names, so
// that two calls never wait for each other.
func (db *DB) lockAll(writes []planner, o Options) (locked, *Error) {
	for _, p := range writes {
		if err := p.compile(); err != nil {
			return nil, err
		}
	}
	var all []string
	for _, p := range writes {
		all = append(all, p.target())
	}
	return db.lock(all, o)
}

// lock locks tables in the order of their names.
func (db *DB) lock(all []string, o Options) (locked, *Error) {
	slices.Sort(all)
	l := locked{}
	for _, name := range slices.Compact(all) {
		t, err := db.useItems(name, o)
		if err != nil {
			l.unlock()
			return nil, err
		}
		l[name] = t
	}
	return l, nil
}

func (l locked) unlock() {
	for _, t := range l {
		t.mu.Unlock()
	}
}

// distinct refuses two writes of one item.
func (l locked) distinct(writes []planner, message string) *Error {
	type place struct {
		table string
		key   rowKey
	}
	seen := map[place]bool{}
	for _, p := range writes {
		t := l[p.target()]
		key, err := p.keyIn(t)
		if err != nil {
			return err
		}
		at := place{t.name, t.schema.place(key)}
		if seen[at] {
			return invalid("%s", message)
		}
		seen[at] = true
	}
	return nil
}

// commit makes all writes, and returns what they cost, times factor.
func (l locked) commit(writes []write, factor float64, o Options) map[string]cost {
	costs := map[string]cost{}
	for _, w := range writes {
		costs[w.t.name] = costs[w.t.name].plus(w.cost, factor)
		if !w.check {
			w.commit(o)
		}
	}
	return costs
}

// A conditionCheck is the part of a transaction that changes nothing.
type conditionCheck struct {
	condParams
	Key Item

	cond Cond
}

func (op *conditionCheck) compile() (err *Error) {
	if err := op.check(); err != nil {
		return err
	}
	switch {
	case op.Key == nil:
		return violated("", "key", "Member must not be null")
	case op.ConditionExpression == nil:
		return violated("", "conditionExpression", "Member must not be null")
	}
	op.cond, _, err = op.condition(nil, false)
	return err
}

func (op *conditionCheck) keyIn(t *table) (Item, *Error) { return op.Key, t.schema.checkKey(op.Key) }

func (op *conditionCheck) plan(t *table) (write, *Error) {
	if err := t.schema.checkKey(op.Key); err != nil {
		return write{}, err
	}
	w, err := t.plan(op.Key, op.cond, func(old Item) (Item, *Error) { return old, nil }, op.wantOld())
	w.check = true
	return w, err
}

type transactWriteItems struct {
	TransactItems []struct {
		ConditionCheck *conditionCheck
		Put            *putItem
		Delete         *deleteItem
		Update         *updateItem
	}
	ClientRequestToken          string
	ReturnConsumedCapacity      string
	ReturnItemCollectionMetrics string
}

func (op *transactWriteItems) planners() (ps []planner, err *Error) {
	for _, it := range op.TransactItems {
		var one []planner
		if it.ConditionCheck != nil {
			one = append(one, it.ConditionCheck)
		}
		if it.Put != nil {
			one = append(one, it.Put)
		}
		if it.Delete != nil {
			one = append(one, it.Delete)
		}
		if it.Update != nil {
			one = append(one, it.Update)
		}
		if len(one) != 1 {
			return nil, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
		}
		ps = append(ps, one...)
	}
	switch {
	case len(ps) == 0:
		return nil, violated("[]", "transactItems", "Member must have length greater than or equal to 1")
	case len(ps) > 100:
		return nil, violated("[...]", "transactItems", "Member must have length less than or equal to 100")
	}
	return ps, nil
}

func (op *transactWriteItems) target() string {
	ps, err := op.planners()
	if err != nil {
		return ""
	}
	for _, p := range ps {
		if p.target() != ps[0].target() {
			return ""
		}
	}
	return ps[0].target()
}

func (op *transactWriteItems) do(db *DB, o Options) (Output, *Error) {
	ps, err := op.planners()
	if err != nil {
		return Output{}, err
	}
	if err := together(checkConsumed(op.ReturnConsumedCapacity), checkMetrics(op.ReturnItemCollectionMetrics)); err != nil {
		return Output{}, err
	}
	if len(op.ClientRequestToken) > 36 {
		return Output{}, violated(op.ClientRequestToken, "clientRequestToken", "Member must have length less than or equal to 36")
	}
	l, err := db.lockAll(ps, o)
	if err != nil {
		return Output{}, err
	}
	defer l.unlock()
	if err := l.distinct(ps, "Transaction request cannot include multiple operations on one item"); err != nil {
		return Output{}, err
	}
	done, err := db.token(op)
	if err != nil {
		return Output{}, err
	}
	if done {
		return op.again(l, ps), nil
	}

	cancelled := &Error{Code: codeCancelled}
	var codes []string
	var writes []write
	for _, p := range ps {
		w, err := p.plan(l[p.target()])
		r := Reason{Code: "None"}
		switch {
		case err == nil:
			writes = append(writes, w)
		case err.throttles():
			r = Reason{"ThrottlingError", err.Message, nil}
			if err.Code == codeThroughput {
				r.Code = "ProvisionedThroughputExceeded"
			}
		case err.Code == codeConditionFailed:
			r = Reason{"ConditionalCheckFailed", err.Message, err.Item}
		default:
			r = Reason{"ValidationError", err.Message, nil}
		}
		if err != nil {
			cancelled.WriteUnits += 2 * max(1, err.WriteUnits)
		}
		codes = append(codes, r.Code)
		cancelled.Reasons = append(cancelled.Reasons, r)
	}
	if len(writes) < len(ps) {
		cancelled.Message = cancelledBecause(codes)
		return Output{}, cancelled
	}
	bytes := 0
	for _, w := range writes {
		bytes += w.new.bytes()
	}
	if bytes > maxTransaction {
		return Output{}, invalid("Transaction size cannot exceed 4 MB")
	}
	for _, w := range writes {
		w.charge(2)
	}
	costs := l.commit(writes, 2, o)
	db.remember(op)
	body := struct {
		ConsumedCapacity      []*consumedCapacity          `json:",omitempty"`
		ItemCollectionMetrics map[string][]*itemCollection `json:",omitempty"`
	}{consumedAll(op.ReturnConsumedCapacity, costs), collections(op.ReturnItemCollectionMetrics, writes)}
	return Output{Body: body, WriteUnits: total(costs)}, nil
}

// again is the answer to a transaction that was made before: it costs what
// reading its items does.
func (op *transactWriteItems) again(l locked, ps []planner) Output {
	costs := map[string]cost{}
	for _, p := range ps {
		t := l[p.target()]
		if key, err := p.keyIn(t); err == nil {
			u := readUnits(t.rows.get(t.schema.place(key)).bytes(), true)
			costs[t.name] = costs[t.name].plus(cost{table: u}, 2)
		}
	}
	body := struct {
		ConsumedCapacity []*consumedCapacity `json:",omitempty"`
	}{consumedAll(op.ReturnConsumedCapacity, costs)}
	return Output{Body: body, ReadUnits: total(costs)}
}

// token reports whether the transaction was made before, under its token.
func (db *DB) token(op *transactWriteItems) (done bool, err *Error) {
	db.tokensMu.Lock()
	defer db.tokensMu.Unlock()
	d, ok := db.tokens[op.ClientRequestToken]
	switch {
	case op.ClientRequestToken == "" || !ok || time.Since(d.at) > tokenLife:
		return false, nil
	case !bytes.Equal(d.request, op.text()):
		return false, &Error{Code: codeIdempotent, Message: "The request uses the same client token as a previous, but non-identical request."}
	}
	return true, nil
}

func (db *DB) remember(op *transactWriteItems) {
	if op.ClientRequestToken == "" {
		return
	}
	db.tokensMu.Lock()
	defer db.tokensMu.Unlock()
	if db.tokens == nil {
		db.tokens = map[string]doneToken{}
	}
	db.tokens[op.ClientRequestToken] = doneToken{op.text(), time.Now()}
}

func (op *transactWriteItems) text() []byte {
	b, _ := json.Marshal(op) // what was decoded can be encoded
	return b
}
