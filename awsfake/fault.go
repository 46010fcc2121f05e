package awsfake

import "time"

// A Fault says what happens to a call instead of being served, or besides. The
// zero Fault is none.
type Fault struct {
	// Refuse breaks the connection before the call is applied.
	Refuse bool

	// LoseReply applies the call and breaks the connection.
	LoseReply bool

	// Delay is how long the call waits before it is applied. A caller that
	// gives up meanwhile stops it.
	Delay time.Duration

	// Late lets a delayed call be applied after its Delay even if its caller
	// has given up, as a packet that was stuck in the network is.
	Late bool

	// DelayReply is how long the reply waits after the call was applied.
	DelayReply time.Duration

	// Duplicate applies the call twice, as a client does that repeats a call
	// whose reply it lost. The caller gets the second answer.
	Duplicate bool

	// Code, if not empty, is the error that the service answers, such as
	// "ThrottlingException", with Status and Message, below. The call is not
	// applied.
	Code string
	// CutBody applies the call and breaks the connection in the middle of the
	// reply's body.
	CutBody bool

	// Stale shows DynamoDB's reads of an index, and its reads that need not be
	// consistent, what there was that long ago, up to History of the fake.
	Stale time.Duration

	// Torn makes a Scan or Query of DynamoDB take that long, longer than its
	// Delay: of some of the items it sees the state at its beginning, and of the
	// others the state at its end.
	Torn time.Duration

	// Unprocessed is how many items of BatchGetItem or BatchWriteItem, from the
	// request's end, are handed back unprocessed.
	Unprocessed int

	// Status is the HTTP status of the answer with Code. Default 500 for the services'
	// internal errors, 503 for ServiceUnavailable, else 400.
	Status int
	// Message is the text of the answer with Code. Default: some text.
	Message string
}

// A Script decides what happens to each call. It runs in the goroutine that
// serves the call, so that several calls may ask it at once; calls of one
// goroutine ask it in order.
type Script func(Call) Fault

// Throttle is the answer of a table or shard over its capacity. Both services
// spell it alike, and the SDKs repeat the call.
func Throttle() Fault {
	return Fault{
		Code:    "ProvisionedThroughputExceededException",
		Message: "The level of configured provisioned throughput for the table or shard was exceeded.",
	}
}

// ServerError is an internal failure of the service: the call was not applied,
// but its caller cannot know. The SDKs repeat the call.
func ServerError() Fault {
	return Fault{Code: codeInternal, Status: 500, Message: "Internal server error"}
}

// Refuse is a service that cannot be reached.
func Refuse() Fault { return Fault{Refuse: true} }

// LoseReply applies the call and loses the reply.
func LoseReply() Fault { return Fault{LoseReply: true} }

// Deny is the answer to a caller without the permission.
func Deny() Fault {
	return Fault{Code: "AccessDeniedException", Message: "User is not authorized to perform the operation"}
}

// ExpiredCredentials is the answer to a caller whose session has ended. The
// SDKs do not repeat the call.
func ExpiredCredentials() Fault {
	return Fault{Code: "ExpiredTokenException", Message: "The security token included in the request is expired"}
}

// TableGone is DynamoDB's answer about a table that somebody has deleted.
func TableGone() Fault {
	return Fault{Code: "ResourceNotFoundException", Message: "Requested resource not found"}
}

// Unavailable is a service that is overloaded: HTTP status 503. The SDKs
// repeat the call.
func Unavailable() Fault {
	return Fault{Code: "ServiceUnavailable", Message: "The service is temporarily unavailable"}
}

// CutBody applies the call and breaks off in the middle of the reply.
func CutBody() Fault { return Fault{CutBody: true} }

// Fail answers with the given error code.
func Fail(code string) Fault { return Fault{Code: code} }

const (
	codeInternal      = "InternalServerError"
	codeUnknown       = "UnknownOperationException"
	codeSerialization = "SerializationException"
	codeValidation    = "ValidationException"
)

func (f Fault) status() int {
	switch {
	case f.Status != 0:
		return f.Status
	case f.Code == codeInternal, f.Code == "InternalFailure":
		return 500
	case f.Code == "ServiceUnavailable", f.Code == "ServiceUnavailableException":
		return 503
	}
	return 400
}

func (f Fault) message() string {
	if f.Message != "" {
		return f.Message
	}
	return "the test asked for this error"
}
