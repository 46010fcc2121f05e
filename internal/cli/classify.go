package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"syscall"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/leasehold/leasehold/internal/coordinator"
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
	if v, ok := errors.AsType[*coordinator.VersionError](err); ok {
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
		switch {
		case matched && api.ErrorMessage() != "":
			e.Why += " (" + api.ErrorMessage() + ")"
		case matched:
		case api.ErrorMessage() != "":
			e.Why = api.ErrorMessage()
		default:
			e.Why = api.ErrorCode()
		}
	} else if !matched {
		e.classifyNetwork(err)
	}
	if e.Hint == "" {
		e.Hint = hints[e.Code]
	}
	return e
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
