package awsfake

import (
	"net/http"
	"time"

	"github.com/leasehold/leasehold/awsfake/internal/ddb"
)

// DynamoDB is the service of that name in memory. The zero value is ready to
// use; its fields are set before the first call and not changed afterwards.
type DynamoDB struct {
	// Script decides what happens to each call. Nil: every call is served.
	// It can be replaced during a test with SetScript.
	Script Script

	// Trace is told every call when it has ended, in the goroutine that
	// served it.
	Trace func(Result)

	// Latency is how long every call takes, half of it before the call is
	// applied and half after.
	Latency time.Duration

	// TableTakes is how long a table is CREATING, UPDATING and DELETING.
	// Default: no longer than the answer that says so.
	TableTakes time.Duration

	// IndexTakes is how long an index added to a table is CREATING, and a
	// removed one DELETING. The table is UPDATING meanwhile. Default as for
	// TableTakes.
	IndexTakes time.Duration

	// IndexLag is how far an index is behind its table: a query of the index
	// shows what the table was that long ago.
	IndexLag time.Duration

	// ReadLag is the same for reads of the table that do not ask to be
	// consistent.
	ReadLag time.Duration

	// TTLTakes is how long an item stays after the time in the attribute that
	// UpdateTimeToLive named. Default 48 hours, as the service may take; -1
	// deletes it at once.
	TTLTakes time.Duration

	// Limits enforces the service's rates, in capacity units a second: 3,000 read
	// and 1,000 written of one partition key, of a table or of an index; what a
	// provisioned table or index was given, with five minutes of unused units
	// saved; and AccountUnits. A call over one of them is refused with
	// ProvisionedThroughputExceededException by a provisioned table and
	// ThrottlingException by one on demand; both name the limit. A call may
	// overdraw what is left, and the next ones pay for it.
	Limits bool

	// AccountUnits are what the account allows each table and index on demand,
	// of each kind, in units a second. Default 40,000.
	AccountUnits int

	// History is how far back a fault may make a read stale or torn. Default one
	// minute while there is a Script, and else nothing: what is remembered
	// costs memory.
	History time.Duration

	front front
	db    ddb.DB
}

func (d *DynamoDB) accountUnits() float64 {
	if d.AccountUnits == 0 {
		return 40000
	}
	return float64(d.AccountUnits)
}

func (d *DynamoDB) history() time.Duration {
	if d.History == 0 && d.front.scriptOr(d.Script) != nil {
		return time.Minute
	}
	return d.History
}

func (d *DynamoDB) ttlTakes() time.Duration {
	switch {
	case d.TTLTakes == 0:
		return 48 * time.Hour
	case d.TTLTakes < 0:
		return 0
	}
	return d.TTLTakes
}

// SetScript replaces the script; nil serves every call.
func (d *DynamoDB) SetScript(s Script) { d.front.setScript(s) }

// ServeHTTP serves one request of the DynamoDB API (JSON 1.0).
func (d *DynamoDB) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.front.serve(w, r, dynamoBackend{d})
}
