package ddb

// A units is a part of a consumedCapacity.
type units struct{ CapacityUnits float64 }

// A consumedCapacity is what a call says that it cost.
type consumedCapacity struct {
	TableName              string
	CapacityUnits          float64
	Table                  *units           `json:",omitempty"`
	GlobalSecondaryIndexes map[string]units `json:",omitempty"`
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
		for name, u := range c.indexes {
			if cc.GlobalSecondaryIndexes == nil {
				cc.GlobalSecondaryIndexes = map[string]units{}
			}
			cc.GlobalSecondaryIndexes[name] = units{u}
		}
	}
	return cc
}

func checkConsumed(how string) *Error {
	return oneOf("returnConsumedCapacity", how, "INDEXES", "TOTAL", "NONE")
}
