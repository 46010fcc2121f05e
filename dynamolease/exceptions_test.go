package dynamolease

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/leasehold/leasehold/lease"
)

// An exception is an error that DynamoDB may answer, and what it is here.
type exception struct {
	err       smithy.APIError
	kind      error
	retryable bool
}

// exceptions are all errors that the SDK has a type for. Most are of calls that
// a Store does not make; a table or a proxy may answer any of them all the same.
var exceptions = []exception{
	// Too much, by the table's rate, the account's, or the number of changes
	// of tables at a time.
	{&types.ProvisionedThroughputExceededException{}, lease.ErrProvisionedThroughput, true},
	{&types.ThrottlingException{}, lease.ErrProvisionedThroughput, true},
	{&types.RequestLimitExceeded{}, lease.ErrProvisionedThroughput, true},
	{&types.LimitExceededException{}, lease.ErrProvisionedThroughput, true},

	// No such table.
	{&types.ResourceNotFoundException{}, lease.ErrInvalidState, false},
	{&types.TableNotFoundException{}, lease.ErrInvalidState, false},

	// Faults and conflicts that pass by themselves.
	{&types.InternalServerError{}, lease.ErrDependency, true},
	{&types.TransactionConflictException{}, lease.ErrDependency, true},
	{&types.TransactionInProgressException{}, lease.ErrDependency, true},
	{&types.ReplicatedWriteConflictException{}, lease.ErrDependency, true},
	{&types.ContinuousBackupsUnavailableException{}, lease.ErrDependency, true},

	// What the same call meets again. A write's condition that does not hold
	// and a table that is there already are no errors where they can be
	// expected; see outcomes.
	{&types.ConditionalCheckFailedException{}, lease.ErrDependency, false},
	{&types.ResourceInUseException{}, lease.ErrDependency, false},
	{&types.TransactionCanceledException{}, lease.ErrDependency, false},
	{&types.IdempotentParameterMismatchException{}, lease.ErrDependency, false},
	{&types.DuplicateItemException{}, lease.ErrDependency, false},
	{&types.ItemCollectionSizeLimitExceededException{}, lease.ErrDependency, false},
	{&types.IndexNotFoundException{}, lease.ErrDependency, false},
	{&types.InvalidEndpointException{}, lease.ErrDependency, false},
	{&types.PolicyNotFoundException{}, lease.ErrDependency, false},
	{&types.PointInTimeRecoveryUnavailableException{}, lease.ErrDependency, false},

	// Of backups, exports, imports and global tables. What they do not find is
	// not the lease table.
	{&types.BackupInUseException{}, lease.ErrDependency, false},
	{&types.BackupNotFoundException{}, lease.ErrDependency, false},
	{&types.ExportConflictException{}, lease.ErrDependency, false},
	{&types.ExportNotFoundException{}, lease.ErrDependency, false},
	{&types.GlobalTableAlreadyExistsException{}, lease.ErrDependency, false},
	{&types.GlobalTableNotFoundException{}, lease.ErrDependency, false},
	{&types.ImportConflictException{}, lease.ErrDependency, false},
	{&types.ImportNotFoundException{}, lease.ErrDependency, false},
	{&types.InvalidExportTimeException{}, lease.ErrDependency, false},
	{&types.InvalidRestoreTimeException{}, lease.ErrDependency, false},
	{&types.ReplicaAlreadyExistsException{}, lease.ErrDependency, false},
	{&types.ReplicaNotFoundException{}, lease.ErrDependency, false},
	{&types.TableAlreadyExistsException{}, lease.ErrDependency, false},
	{&types.TableInUseException{}, lease.ErrDependency, false},
}

// outcomes are the errors that are a result of a call: of a change that somebody
// else forestalled, and of a table that somebody else created.
var outcomes = map[string]string{
	"Change":      "ConditionalCheckFailedException",
	"CreateTable": "ResourceInUseException",
}

func (x exception) typ() reflect.Type { return reflect.TypeOf(x.err).Elem() }

// Nobody has thought of an exception that is not in the list: a new version of
// the SDK that has one fails this test until it is decided what it is here.
func TestEveryExceptionIsDecided(t *testing.T) {
	decided := map[string]bool{}
	for _, x := range exceptions {
		if decided[x.typ().Name()] {
			t.Errorf("exception %s is decided twice", x.typ().Name())
		}
		decided[x.typ().Name()] = true
	}
	declared := declaredExceptions(t)
	if len(declared) < 30 {
		t.Errorf("found %d exceptions in the SDK's source, want 30 at least: %q", len(declared), declared)
	}
	for _, name := range declared {
		if !decided[name] {
			t.Errorf("new exception %s: decide what it is", name)
		}
		delete(decided, name)
	}
	for name := range decided {
		t.Errorf("exception %s is gone", name)
	}
	// The SDK's own list of throttling is of all services.
	for code := range retry.DefaultThrottleErrorCodes {
		others := slices.Contains([]string{
			"TransactionInProgressException", // a conflict, however it is waited for
			"EC2ThrottledException",          // EC2's
			"PriorRequestNotComplete",        // Route 53's
		}, code)
		if throttleCodes[code] == others {
			t.Errorf("code %s is throttling for the SDK: got %v here, want %v", code, throttleCodes[code], !others)
		}
	}
}

// declaredExceptions returns the types of the SDK's source that are errors of
// the service.
func declaredExceptions(t *testing.T) []string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", reflect.TypeFor[types.ResourceNotFoundException]().PkgPath()).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(dir)), "errors.go"), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range f.Decls {
		fn, isFunc := d.(*ast.FuncDecl)
		if !isFunc || fn.Name.Name != "ErrorCode" || fn.Recv == nil {
			continue
		}
		recv := fn.Recv.List[0].Type
		if p, isPointer := recv.(*ast.StarExpr); isPointer {
			recv = p.X
		}
		names = append(names, recv.(*ast.Ident).Name)
	}
	return names
}

// Each exception comes as the service sends it through the real client, to a
// write, to reads of one item and of all, and to the creation of a table.
func TestErrorsByException(t *testing.T) {
	for _, x := range exceptions {
		code, status := x.err.ErrorCode(), 400
		if x.err.ErrorFault() == smithy.FaultServer {
			status = 500
		}
		t.Run(x.typ().Name(), func(t *testing.T) {
			for _, name := range []string{"Change", "Scan", "Get", "CreateTable"} {
				replies := []reply{failed(status, code)}
				switch name {
				case "CreateTable": // it looks first
					replies = []reply{failed(400, "ResourceNotFoundException"), failed(status, code)}
				case "Change": // it looks for the lease that made it fail
					replies = append(replies, ok(`{}`))
				}
				s, _ := newWire(replies...)
				err := calls[name](t.Context(), s)
				if outcomes[name] == code {
					if err != nil {
						t.Errorf("%s: got %v, want a result", name, err)
					}
					continue
				}
				if err := wantKind(err, x.kind, x.retryable); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if cause := reflect.New(reflect.TypeOf(x.err)); err == nil || !errors.As(err, cause.Interface()) {
					t.Errorf("%s: no %T is in %v", name, x.err, err)
				}
			}
		})
	}
}

// wantKind returns what is wrong with an error that should be a *lease.Error of
// this kind, and of no other.
func wantKind(err, kind error, retryable bool) error {
	e, isError := errors.AsType[*lease.Error](err)
	if !isError {
		return fmt.Errorf("got %v, want a *lease.Error", err)
	}
	if e.Kind != kind || e.Retryable != retryable {
		return fmt.Errorf("got kind %q, retryable %v, want %q, %v (%w)", e.Kind, e.Retryable, kind, retryable, err)
	}
	for _, k := range []error{lease.ErrProvisionedThroughput, lease.ErrInvalidState, lease.ErrDependency} {
		if errors.Is(err, k) != (k == kind) {
			return fmt.Errorf("%w: matches %q: %v", err, k, errors.Is(err, k))
		}
	}
	return nil
}

// Codes that AWS documents for all of its services, and that the SDK has no
// type for.
func TestErrorsWithoutAType(t *testing.T) {
	for _, tt := range []struct {
		status    int
		code      string
		kind      error
		retryable bool
	}{
		{400, "IncompleteSignature", lease.ErrDependency, false},
		{400, "InvalidClientTokenId", lease.ErrDependency, false},
		{400, "MalformedHttpRequestException", lease.ErrDependency, false},
		{400, "NotAuthorized", lease.ErrDependency, false},
		{400, "RequestExpired", lease.ErrDependency, false},
		{400, "SubscriptionRequiredException", lease.ErrDependency, false},
		{400, "ValidationError", lease.ErrDependency, false},
		{401, "UnauthorizedException", lease.ErrDependency, false},
		{403, "OptInRequired", lease.ErrDependency, false},
		{403, "SignatureDoesNotMatch", lease.ErrDependency, false},
		{404, "UnknownOperationException", lease.ErrDependency, false},
		{413, "RequestEntityTooLargeException", lease.ErrDependency, false},
		{400, "RequestAbortedException", lease.ErrDependency, true},
		{408, "RequestTimeoutException", lease.ErrDependency, true},
		{500, "InternalFailure", lease.ErrDependency, true},
		{500, "InternalServerErrorException", lease.ErrDependency, true},
		{503, "ServiceUnavailableException", lease.ErrDependency, true},
		{504, "GatewayTimeout", lease.ErrDependency, true},
		{400, "a code of tomorrow", lease.ErrDependency, false},
		{500, "a code of tomorrow", lease.ErrDependency, true},
		{503, "SlowDown", lease.ErrProvisionedThroughput, true},
		{400, "ThrottlingException:http://internal.amazon.com/coral/com.amazon.coral.availability/", lease.ErrProvisionedThroughput, true},
		{400, "ResourceNotFoundException:http://internal.amazon.com/coral/com.amazonaws.dynamodb.v20120810/", lease.ErrInvalidState, false},
	} {
		for _, name := range []string{"Change", "Scan", "Get"} {
			s, _ := newWire(failed(tt.status, tt.code))
			err := calls[name](t.Context(), s)
			if err := wantKind(err, tt.kind, tt.retryable); err != nil {
				t.Errorf("%s: %d %s: %v", name, tt.status, tt.code, err)
			}
			code, _, _ := strings.Cut(tt.code, ":")
			if api, isAPI := errors.AsType[smithy.APIError](err); !isAPI || api.ErrorCode() != code || api.ErrorMessage() != "no" {
				t.Errorf("%s: %d %s: got %v, want the code and the message in it", name, tt.status, tt.code, err)
			}
		}
	}
}

// A refused permission is mended by who reads what AWS says of it, so that has
// to be in the error, and so does what Leasehold was about to do.
func TestRefusedPermissionNamesActionAndResource(t *testing.T) {
	const (
		who      = "arn:aws:sts::123456789012:assumed-role/orders/i-0123"
		resource = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders"
	)
	for _, tt := range []struct {
		call, action, resource string
		op, key                string
	}{
		{"Change", "dynamodb:UpdateItem", resource, "renew lease", "k"},
		{"Get", "dynamodb:GetItem", resource, "get lease", "k"},
		{"Create", "dynamodb:PutItem", resource, "create lease", "k"},
		{"Delete", "dynamodb:DeleteItem", resource, "delete lease", "k"},
		{"Scan", "dynamodb:Scan", resource, "scan lease table", ""},
		{"KeysOf", "dynamodb:Query", resource + "/index/LeaseOwnerToLeaseKeyIndex", "list leases of worker", "w"},
		{"DescribeTable", "dynamodb:DescribeTable", resource, "describe lease table", ""},
		{"CreateTable", "dynamodb:CreateTable", resource, "create lease table", ""},
	} {
		denial := fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %[2]s action", who, tt.action, tt.resource)
		s, _ := newWire(reply{status: 400, body: fmt.Sprintf(`{"__type":"com.amazon.coral.service#AccessDeniedException","Message":%q}`, denial)})
		err := calls[tt.call](t.Context(), s)
		e, isError := errors.AsType[*lease.Error](err)
		if !isError || e.Op != tt.op || e.Key != tt.key || e.Kind != lease.ErrDependency || e.Retryable {
			t.Errorf("%s: got %#v, want operation %q of key %q, not retryable", tt.call, e, tt.op, tt.key)
			continue
		}
		if !strings.Contains(err.Error(), "AccessDeniedException: "+denial) {
			t.Errorf("%s: %v does not say what AWS said: %s", tt.call, err, denial)
		}
	}
}
