package dynamolease

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/leasehold/leasehold/lease"
)

// throttleCodes are the names under which AWS says "later" or "too much". The
// first two are what DynamoDB says of a table, the third of an account's
// operations on tables; its front ends use the others.
var throttleCodes = map[string]bool{
	"ProvisionedThroughputExceededException": true,
	"ThrottlingException":                    true,
	"LimitExceededException":                 true,
	"RequestLimitExceeded":                   true,
	"Throttling":                             true,
	"ThrottledException":                     true,
	"RequestThrottled":                       true,
	"RequestThrottledException":              true,
	"TooManyRequestsException":               true,
	"BandwidthLimitExceeded":                 true,
	"SlowDown":                               true,
}

// missingCodes say that there is no such table. The second is what calls about
// a table's backups say.
var missingCodes = map[string]bool{
	"ResourceNotFoundException": true,
	"TableNotFoundException":    true,
}

// passingCodes are refusals with a status of 400 that pass by themselves, a
// write that met somebody's transaction for one.
var passingCodes = map[string]bool{
	"ContinuousBackupsUnavailableException": true, // of a table that is new
	"RequestAbortedException":               true,
	"TransactionConflictException":          true,
	"TransactionInProgressException":        true,
	"ReplicatedWriteConflictException":      true,
	"RequestTimeout":                        true,
	"RequestTimeoutException":               true,
}

// fail returns err, which a call made with ctx returned, as the contract has it.
// Key is empty for an operation that is not about one lease or worker.
func (s *Store) fail(ctx context.Context, op, key string, err error) error {
	e := classify(ctx, op, key, err)
	if e.Kind == lease.ErrInvalidState {
		// DynamoDB does not say which table, and the cause is as a rule that
		// it is another one, or in another region, than was meant.
		e.Err = &cause{fmt.Sprintf("table %q: %v", s.table, e.Err), []error{e.Err}}
	}
	return e
}

func classify(ctx context.Context, op, key string, err error) *lease.Error {
	api, status := answer(err)
	e := &lease.Error{Op: op, Key: key, Kind: lease.ErrDependency, Err: readable(ctx, api, err)}
	switch {
	case api != nil && throttleCodes[api.ErrorCode()], status == http.StatusTooManyRequests:
		e.Kind, e.Retryable = lease.ErrProvisionedThroughput, true
	case api != nil && missingCodes[api.ErrorCode()]:
		e.Kind = lease.ErrInvalidState
	case api != nil:
		// The client marks a refusal that came of this machine's wrong clock;
		// it signs the next call by the service's.
		e.Retryable = status >= 500 || passingCodes[api.ErrorCode()] || api.ErrorFault() == smithy.FaultServer ||
			retry.RetryableError{}.IsErrorRetryable(err) == aws.TrueTernary
	case errors.Is(e.Err, context.Canceled):
	case errors.Is(e.Err, context.DeadlineExceeded):
		e.Retryable = true
	case status >= 400 && status < 500 && status != http.StatusRequestTimeout:
		// Not DynamoDB's words: a proxy's, as a rule.
	default:
		e.Retryable = status >= 500 || brokenReply(err) ||
			retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary
	}
	return e
}

// answer returns what DynamoDB refused the call with, nil if err is something
// else, and the status of its reply, 0 if there was none.
//
// A call for credentials, which the client makes to another service, fails
// inside DynamoDB's and by the same names: a ResourceNotFoundException of that
// service is no missing table.
func answer(err error) (smithy.APIError, int) {
	if op, ok := errors.AsType[*smithy.OperationError](err); ok {
		if _, others := errors.AsType[*smithy.OperationError](op.Err); others {
			return nil, 0
		}
	}
	api, _ := errors.AsType[smithy.APIError](err)
	return api, httpStatus(err)
}

// brokenReply reports whether an answer came but not whole, or not as one of
// DynamoDB's.
func brokenReply(err error) bool {
	_, garbled := errors.AsType[*smithy.DeserializationError](err)
	return garbled || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}

// httpStatus returns the status of the reply that err came with, 0 if there was
// none.
func httpStatus(err error) int {
	var r interface{ HTTPStatusCode() int }
	if !errors.As(err, &r) {
		return 0
	}
	return r.HTTPStatusCode()
}

// A cause is an error of the client in fewer words.
type cause struct {
	text string
	errs []error
}

func (c *cause) Error() string   { return c.text }
func (c *cause) Unwrap() []error { return c.errs }

// readable returns err with a text for people. The client's own has the
// operation, the status and the request's ID before what matters. The ID is
// kept, at the end, for AWS's support asks for it. Api is what DynamoDB
// answered, if it did.
//
// When ctx is done, its error is what matters, and is in the result even where
// the client has lost it on the way.
func readable(ctx context.Context, api smithy.APIError, err error) error {
	if api != nil {
		text := api.ErrorCode()
		if m := api.ErrorMessage(); m != "" {
			text += ": " + m
		}
		var r interface{ ServiceRequestID() string }
		if errors.As(err, &r) && r.ServiceRequestID() != "" {
			text += " (request " + r.ServiceRequestID() + ")"
		}
		return &cause{text, []error{err}}
	}
	if done := ctx.Err(); done != nil {
		return &cause{done.Error(), []error{done, err}}
	}
	if op, ok := errors.AsType[*smithy.OperationError](err); ok {
		return &cause{op.Err.Error(), []error{err}}
	}
	return err
}

// invalid returns the error of a value that this package refuses to store.
func invalid(op, key string, err error) error {
	return &lease.Error{Op: op, Key: key, Kind: lease.ErrDependency, Err: err}
}

// refusal reports whether err says that the condition did not hold, and then
// returns the present item if it came along.
func refusal(err error) (old map[string]types.AttributeValue, refused bool) {
	e, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	if !ok {
		return nil, false
	}
	return e.Item, true
}
