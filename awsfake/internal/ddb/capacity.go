package ddb

// A units is a part of a consumedCapacity.
type units struct{ CapacityUnits float64 }

// A consumedCapacity is what a call says that it cost.
type consumedCapacity struct {
	TableName              string
	CapacityUnits          float64
	Table                  *units           `json:",omitempty"`
	GlobalSecondaryIndexes map[string]units `json:",omitempty"`
	LocalSecondaryIndexes  map[string]units `json:",omitempty"`
}

// consumed is what the answer to a request says of c: nothing, the total, or
// all of it.
func consumed(how, table string, c cost) *consumedCapacity {
	if how != "TOTAL" && how != "INDEXES" {
		return nil
	}
	cc := &consumedCapacity{TableName: table, CapacityUnits: c.total()}
	if how == "INDEXES" {
		cc.Table = &units{c.table}
		cc.GlobalSecondaryIndexes = unitsOf(c.indexes)
		cc.LocalSecondaryIndexes = unitsOf(c.locals)
	}
	return cc
}

func unitsOf(m map[string]float64) map[string]units {
	us := map[string]units{}
	for name, u := range m {
		us[name] = units{u}
	}
	return us
}

func checkConsumed(how string) *Error {
	return oneOf("returnConsumedCapacity", how, "INDEXES", "TOTAL", "NONE")
}
