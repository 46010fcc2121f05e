package kinesisstream

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"github.com/leasehold/leasehold/stream"
)

// denied are the errors of a caller that the service does not know or does not
// let do this. (Kinesis API Reference, common errors.)
var denied = map[string]bool{
	"AccessDeniedException":               true,
	"ExpiredTokenException":               true,
	"IncompleteSignature":                 true,
	"IncompleteSignatureException":        true,
	"InvalidClientTokenId":                true,
	"InvalidSignatureException":           true,
	"KMSAccessDeniedException":            true,
	"MissingAuthenticationToken":          true,
	"MissingAuthenticationTokenException": true,
	"NotAuthorized":                       true,
	"OptInRequired":                       true,
	"SignatureDoesNotMatch":               true,
	"UnauthorizedOperation":               true,
	"UnrecognizedClientException":         true,
	"KMSOptInRequired":                    true,
}

// errNoCredentials marks the failure of a provider of credentials, which has no
// type of its own.
var errNoCredentials = errors.New("no credentials")

// code returns the service's name for an error, empty if it is not an answer of
// the service.
func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

func isNotFound(err error) bool {
	_, ok := errors.AsType[*types.ResourceNotFoundException](err)
	return ok
}

func isInvalid(err error) bool {
	_, ok := errors.AsType[*types.InvalidArgumentException](err)
	return ok
}

func isExpired(err error) bool {
	_, ok := errors.AsType[*types.ExpiredIteratorException](err)
	return ok
}

func isThrottled(err error) bool {
	c := code(err)
	_, ok := retry.DefaultThrottleErrorCodes[c]
	return ok || c == "KMSThrottlingException"
}

// classify adds to a client's error what it is, in the words of package stream.
// Where something was not found, it takes that to be the stream.
func classify(err error) error {
	switch {
	case errors.Is(err, stream.ErrNoShard), errors.Is(err, stream.ErrNoStream):
		return err
	case errors.Is(err, errNoCredentials), denied[code(err)]:
		return fmt.Errorf("%w: %w", stream.ErrDenied, err)
	case isNotFound(err):
		return fmt.Errorf("%w: %w", stream.ErrNoStream, err)
	case isThrottled(err):
		return fmt.Errorf("%w: %w", stream.ErrThrottled, err)
	}
	return err
}

// failed is the error of something that was being done. If ctx is done it
// matches ctx's error and its cause, whatever the client made of it.
func failed(ctx context.Context, doing string, err error) error {
	if done := ctx.Err(); done != nil {
		if cause := context.Cause(ctx); cause != done {
			return fmt.Errorf("%s: %w: %w", doing, done, cause)
		}
		return fmt.Errorf("%s: %w", doing, done)
	}
	return fmt.Errorf("%s: %w", doing, classify(err))
}

// once makes a call a single try, and marks the failure to get credentials.
func once(o *kinesis.Options) {
	o.Retryer = aws.NopRetryer{}
	if o.Credentials != nil && !aws.IsCredentialsProvider(o.Credentials, (*aws.AnonymousCredentials)(nil)) {
		o.Credentials = marked{o.Credentials}
	}
}

// marked provides credentials and marks its failures.
type marked struct{ from aws.CredentialsProvider }

func (m marked) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := m.from.Retrieve(ctx)
	if err != nil {
		return c, fmt.Errorf("%w: %w", errNoCredentials, err)
	}
	return c, nil
}
