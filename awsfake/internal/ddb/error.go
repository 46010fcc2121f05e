package ddb

import (
	"encoding/json"
	"fmt"
)

// An Error is the service's answer to a call that it refuses.
type Error struct {
	// Code is the error's name, such as "ValidationException".
	Code    string
	Message string
	// Status is the HTTP status, 400 if it is 0.
	Status int

	// Item is what a failed condition met, if the caller asked for it.
	Item Item
	// Reasons say why a transaction was cancelled, one for each of its items.
	Reasons []Reason

	// Throttling says which limits a throttled call is over.
	Throttling []ThrottlingReason

	// ReadUnits and WriteUnits are what the refused call cost.
	ReadUnits, WriteUnits float64
}

// A Reason is why one item of a transaction cancelled it; Code "None" if it
// did not.
type Reason struct {
	Code    string
	Message string `json:",omitempty"`
	Item    Item   `json:",omitempty"`
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// The names of errors.
const (
	codeConditionFailed = "ConditionalCheckFailedException"
	codeInUse           = "ResourceInUseException"
	codeNotFound        = "ResourceNotFoundException"
	codeLimit           = "LimitExceededException"
	codeValidation      = "ValidationException"
	codeSerialization   = "SerializationException"
	codeUnknown         = "UnknownOperationException"
	codeCancelled       = "TransactionCanceledException"
	codeThroughput      = "ProvisionedThroughputExceededException"
	codeThrottling      = "ThrottlingException"
	codeIdempotent      = "IdempotentParameterMismatchException"
)

// namespaces are those of errors that come from the service's framework and
// not from DynamoDB itself.
var namespaces = map[string]string{
	codeValidation:          "com.amazon.coral.validate#",
	codeSerialization:       "com.amazon.coral.service#",
	codeUnknown:             "com.amazon.coral.service#",
	"ExpiredTokenException": "com.amazon.coral.service#",
	"AccessDeniedException": "com.amazon.coral.service#",
	codeThrottling:          "com.amazon.coral.availability#",
}

// MarshalJSON encodes e as the service does. ConditionalCheckFailedException
// says "Message" where the others say "message"; SDKs read both.
func (e *Error) MarshalJSON() ([]byte, error) {
	ns, ok := namespaces[e.Code]
	if !ok {
		ns = "com.amazonaws.dynamodb.v20120810#"
	}
	m := map[string]any{"__type": ns + e.Code}
	switch e.Code {
	case codeConditionFailed:
		m["Message"] = e.Message
		if e.Item != nil {
			m["Item"] = e.Item
		}
	case codeCancelled:
		m["Message"] = e.Message
		m["CancellationReasons"] = e.Reasons
	case codeUnknown:
	default:
		m["message"] = e.Message
		if len(e.Throttling) > 0 {
			m["ThrottlingReasons"] = e.Throttling
		}
	}
	return json.Marshal(m)
}

func invalid(format string, args ...any) *Error {
	return &Error{Code: codeValidation, Message: fmt.Sprintf(format, args...)}
}

// badValues is a ValidationException about the values of parameters.
func badValues(format string, args ...any) *Error {
	return invalid("One or more parameter values were invalid: "+format, args...)
}

func notFound(format string, args ...any) *Error {
	return &Error{Code: codeNotFound, Message: fmt.Sprintf(format, args...)}
}

func inUse(format string, args ...any) *Error {
	return &Error{Code: codeInUse, Message: fmt.Sprintf(format, args...)}
}

func limitExceeded(format string, args ...any) *Error {
	return &Error{Code: codeLimit, Message: fmt.Sprintf(format, args...)}
}
