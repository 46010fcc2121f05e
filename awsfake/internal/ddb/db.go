package ddb

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"
)

// A DB is the tables of one account. The zero DB is empty.
type DB struct {
	mu     sync.Mutex // guards what follows; never held together with a table's
	tables map[string]*table

	tokensMu sync.Mutex           // guards tokens; taken last
	tokens   map[string]doneToken // of transactions
}

// Options are how the service behaves. They may be others at each call.
type Options struct {
	// TableTakes and IndexTakes are how long a state other than ACTIVE lasts.
	TableTakes, IndexTakes time.Duration
	// IndexLag and ReadLag are how far indexes, and reads that need not be
	// consistent, are behind. ReadLag is either 0 or not, always.
	IndexLag, ReadLag time.Duration
	// TTLTakes is how long an expired item stays.
	TTLTakes time.Duration
	// Limits enforces the service's rates; AccountUnits are those of a table on
	// demand, in units a second.
	Limits       bool
	AccountUnits float64
	// Unprocessed is how many items of a batch, from its end, are left.
	Unprocessed int
	// History is how long changes are remembered for Stale and Torn, which are
	// how long ago this call sees all, or some, items.
	History, Stale, Torn time.Duration
	// Host is the address that the caller used.
	Host string
}

// An Op is a decoded request.
type Op interface {
	// target is the table, empty if there is not one.
	target() string
	do(*DB, Options) (Output, *Error)
}

// An Output is the answer to a request.
type Output struct {
	Body                  any
	ReadUnits, WriteUnits float64
}

// operations make an empty request for each operation.
var operations = map[string]func() Op{
	"BatchGetItem":              func() Op { return new(batchGetItem) },
	"BatchWriteItem":            func() Op { return new(batchWriteItem) },
	"CreateTable":               func() Op { return new(createTable) },
	"DeleteItem":                func() Op { return new(deleteItem) },
	"DeleteTable":               func() Op { return new(deleteTable) },
	"DescribeContinuousBackups": func() Op { return new(describeContinuousBackups) },
	"DescribeEndpoints":         func() Op { return new(describeEndpoints) },
	"DescribeLimits":            func() Op { return new(describeLimits) },
	"DescribeTimeToLive":        func() Op { return new(describeTimeToLive) },
	"DescribeTable":             func() Op { return new(describeTable) },
	"GetItem":                   func() Op { return new(getItem) },
	"ListTables":                func() Op { return new(listTables) },
	"ListTagsOfResource":        func() Op { return new(listTags) },
	"PutItem":                   func() Op { return new(putItem) },
	"Query":                     func() Op { return new(query) },
	"Scan":                      func() Op { return new(scan) },
	"TagResource":               func() Op { return new(tagResource) },
	"TransactGetItems":          func() Op { return new(transactGetItems) },
	"UntagResource":             func() Op { return new(untagResource) },
	"UpdateContinuousBackups":   func() Op { return new(updateContinuousBackups) },
	"UpdateTimeToLive":          func() Op { return new(updateTimeToLive) },
	"TransactWriteItems":        func() Op { return new(transactWriteItems) },
	"UpdateItem":                func() Op { return new(updateItem) },
	"UpdateTable":               func() Op { return new(updateTable) },
}

// Decode reads a request.
func Decode(operation string, body []byte) (Op, *Error) {
	empty, ok := operations[operation]
	if !ok {
		return nil, &Error{Code: codeUnknown}
	}
	op := empty()
	if err := json.Unmarshal(body, op); err != nil {
		if e, ok := errors.AsType[*Error](err); ok {
			return nil, e
		}
		return nil, serialization(err.Error())
	}
	return op, nil
}

// Do serves a request.
func (db *DB) Do(op Op, o Options) (Output, *Error) { return op.do(db, o) }

// Address returns the table that a request is for, and the key of its item as
// text, each empty if it has none.
func (db *DB) Address(op Op) (name, key string) {
	name = op.target()
	var it Item
	switch op := op.(type) {
	case *getItem:
		it = op.Key
	case *putItem:
		it = op.Item
	case *updateItem:
		it = op.Key
	case *deleteItem:
		it = op.Key
	}
	if it == nil {
		return name, ""
	}
	db.mu.Lock()
	t := db.tables[name]
	db.mu.Unlock()
	if t == nil {
		return name, ""
	}
	return name, t.schema.text(it) // a table's key never changes
}

// use finds a table and locks it. The caller unlocks it.
func (db *DB) use(name string) (*table, *Error) {
	if err := checkTableName(name); err != nil {
		return nil, err
	}
	for {
		db.mu.Lock()
		t := db.tables[name]
		db.mu.Unlock()
		if t == nil {
			return nil, notFound("Requested resource not found")
		}
		t.mu.Lock()
		if !t.gone(t.settle()) {
			return t, nil
		}
		t.mu.Unlock()

		// It was deleted. By now there may be another of its name.
		db.mu.Lock()
		if db.tables[name] == t {
			delete(db.tables, name)
		}
		db.mu.Unlock()
	}
}

// useItems is use for operations on items: the table must be ready for them.
func (db *DB) useItems(name string, o Options) (*table, *Error) {
	t, err := db.use(name)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if s := t.at(now); s == creating || s == deleting {
		t.mu.Unlock()
		return nil, notFound("Requested resource not found")
	}
	t.o = Options{} // what expires is deleted whatever the limits
	t.expire(now, o)
	t.o = o
	return t, nil
}

// plainName reports whether a name has only what tables and indexes may have.
func plainName(name string) bool {
	for i := range len(name) {
		if c := name[i]; !letter(c) && !digit(c) && c != '.' && c != '-' {
			return false
		}
	}
	return name != ""
}

func checkTableName(name string) *Error {
	switch {
	case name == "":
		return violated("", "tableName", "Member must not be null")
	case len(name) < 3:
		return violated(name, "tableName", "Member must have length greater than or equal to 3")
	case len(name) > 255:
		return violated(name, "tableName", "Member must have length less than or equal to 255")
	case !plainName(name):
		return violated(name, "tableName", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
	}
	return nil
}

// violated is the answer to a parameter out of its bounds.
func violated(value, name, rule string) *Error {
	if value == "" {
		value = "null"
	} else {
		value = "'" + value + "'"
	}
	return invalid("1 validation error detected: Value %s at '%s' failed to satisfy constraint: %s", value, name, rule)
}

// together is the answer to several parameters out of their bounds.
func together(errs ...*Error) *Error {
	const one = "1 validation error detected: "
	var rules []string
	for _, e := range errs {
		if e != nil {
			rules = append(rules, strings.TrimPrefix(e.Message, one))
		}
	}
	switch len(rules) {
	case 0:
		return nil
	case 1:
		return invalid("%s%s", one, rules[0])
	}
	return invalid("%d validation errors detected: %s", len(rules), strings.Join(rules, "; "))
}

// oneOf checks a parameter that is one of a few words or absent.
func oneOf(name, value string, words ...string) *Error {
	if value == "" {
		return nil
	}
	set := ""
	for i, w := range words {
		if w == value {
			return nil
		}
		if i > 0 {
			set += ", "
		}
		set += w
	}
	return violated(value, name, "Member must satisfy enum value set: ["+set+"]")
}
