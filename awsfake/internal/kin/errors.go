package kin

import "fmt"

// An Error is what the service answers in place of a result.
type Error struct {
	// Code is the error's name in the API, such as "ResourceNotFoundException".
	Code string
	// Message is for people.
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func errf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) *Error {
	return errf("ResourceNotFoundException", format, args...)
}

func inUse(format string, args ...any) *Error {
	return errf("ResourceInUseException", format, args...)
}

func invalid(format string, args ...any) *Error {
	return errf("InvalidArgumentException", format, args...)
}

func limitExceeded(format string, args ...any) *Error {
	return errf("LimitExceededException", format, args...)
}

func throttled(format string, args ...any) *Error {
	return errf("ProvisionedThroughputExceededException", format, args...)
}

// Invalid is the answer to an input that breaks a constraint of the API's
// model: a wrong length, range or pattern.
func Invalid(format string, args ...any) *Error {
	return errf("ValidationException", "1 validation error detected: "+format, args...)
}
