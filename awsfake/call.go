package awsfake

import "time"

// A Call is one request as a fake sees it.
type Call struct {
	// Service is "DynamoDB" or "Kinesis".
	Service string
	// Operation is the API's name for what is asked, such as "UpdateItem".
	Operation string
	// Resource is the table or stream, empty if the request names none.
	Resource string
	// Key is the item's key as text (partition key, and "/" and the sort key
	// where there is one), or the shard's ID, or empty.
	Key string
	// Caller is the access key ID that signed the request, see [Config].
	Caller string
	// Number counts the calls of a fake from 1, in order of arrival.
	Number int64
	// At is when the call arrived.
	At time.Time

	input func() map[string]any
}

// Input is the body of the request as encoding/json decodes it, with numbers
// as json.Number; nil if the body is no object. The caller may not change it.
func (c Call) Input() map[string]any {
	if c.input == nil {
		return nil
	}
	return c.input()
}

// A Result is a call and what became of it.
type Result struct {
	Call Call
	// Err is the error code that the service answered, such as
	// "ConditionalCheckFailedException", and empty if the call succeeded.
	// Three values are no codes: "refused", the call never arrived; "lost", it
	// was applied and its caller was not told; "gone", its caller gave up
	// before it was applied.
	Err string
	// ReadUnits and WriteUnits are the capacity that the call used.
	ReadUnits, WriteUnits float64
	// Took is the time from the arrival to the end of the call.
	Took time.Duration
}

// The values of [Result.Err] that are no error codes.
const (
	errRefused = "refused"
	errLost    = "lost"
	errGone    = "gone"
)
