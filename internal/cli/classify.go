package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"syscall"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/leasehold/leasehold"
	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

// serviceCodes maps the error codes of the services to exit codes. (API
// References of Kinesis and DynamoDB, Common Errors.)
var serviceCodes = map[string]code{
	"ResourceNotFoundException":              notFound,
	"AccessDeniedException":                  denied,
	"ExpiredTokenException":                  denied,
	"IncompleteSignature":                    denied,
	"InvalidClientTokenId":                   denied,
	"InvalidSignatureException":              denied,
	"KMSAccessDeniedException":               denied,
	"KMSOptInRequired":                       denied,
	"MissingAuthenticationToken":             denied,
	"MissingAuthenticationTokenException":    denied,
	"NotAuthorized":                          denied,
	"OptInRequired":                          denied,
	"RequestExpired":                         denied,
	"UnrecognizedClientException":            denied,
	"ExpiredIteratorException":               tryAgain,
	"InternalFailure":                        tryAgain,
	"InternalFailureException":               tryAgain,
	"InternalServerError":                    tryAgain,
	"KMSThrottlingException":                 tryAgain,
	"LimitExceededException":                 tryAgain,
	"ProvisionedThroughputExceededException": tryAgain,
	"RequestLimitExceeded":                   tryAgain,
	"RequestTimeout":                         tryAgain,
	"ServiceUnavailable":                     tryAgain,
	"ServiceUnavailableException":            tryAgain,
	"ThrottlingException":                    tryAgain,
}

// sentinels maps the errors of this module's packages to exit codes and to what
// is said about them. The first match counts.
var sentinels = []struct {
	err  error
	code code
	why  string
}{
	{stream.ErrNoStream, notFound, "the stream does not exist"},
	{stream.ErrNoShard, notFound, "the stream no longer has the shard"},
	{stream.ErrDenied, denied, "access is denied"},
	{stream.ErrThrottled, tryAgain, "the stream is throttled"},
	{lease.ErrInvalidState, notFound, "the lease table does not exist"},
	{lease.ErrProvisionedThroughput, tryAgain, "the lease table is throttled"},
	{context.DeadlineExceeded, tryAgain, "timed out"},
}

// hints are what to look at next, by exit code.
var hints = map[code]string{
	notFound: "check the name, --region and --profile, or the endpoint in force",
	denied:   "check the credentials and what their policy allows",
	tryAgain: "the same command may succeed in a moment",
}

// classify finds how the command ends for err and says why in one short line:
// the service's own message rather than the chain of the client's.
func classify(err error) *Error {
	e := &Error{Code: failed, Why: err.Error(), Err: err}
	if v, ok := errors.AsType[*leasehold.VersionError](err); ok {
		e.Code, e.Why = refused, v.Error()
		return e
	}
	matched := false
	for _, s := range sentinels {
		if errors.Is(err, s.err) {
			e.Code, e.Why, matched = s.code, s.why, true
			break
		}
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		if c, ok := serviceCodes[api.ErrorCode()]; ok && !matched {
			e.Code = c
		}
		switch reason := serviceReason(err, api); {
		case !matched:
			e.Why = reason
		case api.ErrorMessage() != "":
			e.Why += " (" + reason + ")"
		}
		if api.ErrorCode() == "AccessDeniedException" {
			e.Hint = tableHint(err)
		}
	} else if !matched {
		e.classifyNetwork(err)
	}
	if e.Hint == "" {
		e.Hint = hints[e.Code]
	}
	return e
}

// serviceReason is what a service answered: in the words of a lease table's
// store, which knows what the call was for, or in its own.
func serviceReason(err error, api smithy.APIError) string {
	if s, ok := errors.AsType[*lease.Error](err); ok && s.Err != nil {
		return s.Err.Error()
	}
	return cmp.Or(api.ErrorMessage(), api.ErrorCode())
}

// tableHint is what may help where a lease table's store was denied a call, and
// empty for every other call.
func tableHint(err error) string {
	if _, ok := errors.AsType[*lease.Error](err); !ok {
		return ""
	}
	call, ok := errors.AsType[*smithy.OperationError](err)
	switch {
	case !ok:
		return ""
	case call.OperationName == "GetItem":
		return "allow dynamodb:GetItem on the table with the application's name and on the one with -CoordinatorState after it; if the application never had the second, --" + singleTable + " does without"
	}
	return "allow dynamodb:" + call.OperationName + " on the application's tables and their indexes"
}

// classifyNetwork is classify for what went wrong before a service answered.
func (e *Error) classifyNetwork(err error) {
	if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
		e.Code, e.Why = tryAgain, "timed out"
		return
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		e.Why, e.Hint = "no address is known for "+dns.Name, "check the endpoint in force, or --region"
		return
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		e.Why = op.Error()
		if errors.Is(err, syscall.ECONNREFUSED) {
			e.Hint = "nothing listens there; \"leasehold local\" starts both services on this machine"
		}
		return
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		e.Why, e.Hint = fmt.Sprintf("%s: %v", u.URL, u.Err), "check the endpoint in force"
		return
	}
	if _, ok := errors.AsType[*smithy.DeserializationError](err); ok {
		e.Why, e.Hint = "the answer is not one of the service", "check the endpoint in force"
		if r, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
			e.Why += fmt.Sprintf(" (HTTP status %d)", r.HTTPStatusCode())
		}
		return
	}
	// The client has no type for these.
	for _, s := range []string{"no EC2 IMDS role found", "get credentials", "failed to refresh cached credentials", "static credentials are empty"} {
		if strings.Contains(e.Why, s) {
			e.Code, e.Why = denied, "no credentials were found"
			return
		}
	}
}
