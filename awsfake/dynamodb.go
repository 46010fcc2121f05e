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

	front front
	db    ddb.DB
}

// SetScript replaces the script; nil serves every call.
func (d *DynamoDB) SetScript(s Script) { d.front.setScript(s) }

// ServeHTTP serves one request of the DynamoDB API (JSON 1.0).
func (d *DynamoDB) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.front.serve(w, r, dynamoBackend{d})
}
