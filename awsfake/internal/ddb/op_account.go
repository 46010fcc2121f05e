package ddb

// The capacity of an account that nobody has raised, in units a second.
// (DynamoDB Developer Guide, Quotas.)
const (
	accountUnits = 80000
	tableUnits   = 40000
)

type describeLimits struct{}

func (*describeLimits) target() string { return "" }

func (*describeLimits) do(*DB, Options) (Output, *Error) {
	return Output{Body: map[string]int{
		"AccountMaxReadCapacityUnits":  accountUnits,
		"AccountMaxWriteCapacityUnits": accountUnits,
		"TableMaxReadCapacityUnits":    tableUnits,
		"TableMaxWriteCapacityUnits":   tableUnits,
	}}, nil
}

type describeEndpoints struct{}

func (*describeEndpoints) target() string { return "" }

// do names the address that the caller used: a client that goes where it is
// told stays here.
func (*describeEndpoints) do(_ *DB, o Options) (Output, *Error) {
	return Output{Body: map[string]any{"Endpoints": []map[string]any{
		{"Address": o.Host, "CachePeriodInMinutes": 1440},
	}}}, nil
}
