package dynamolease

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/leasehold/leasehold/lease"
)

// API is the part of DynamoDB that a Store uses. *dynamodb.Client has it.
type API interface {
	CreateTable(context.Context, *dynamodb.CreateTableInput, ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error)
	DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error)
	UpdateTable(context.Context, *dynamodb.UpdateTableInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateTableOutput, error)
	UpdateContinuousBackups(context.Context, *dynamodb.UpdateContinuousBackupsInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateContinuousBackupsOutput, error)
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
}

// A Store is a lease table in DynamoDB. It is safe for concurrent use.
type Store struct {
	client API
	table  string
	cfg    Config

	layout atomic.Pointer[layout] // nil while it is not known

	// The size of the lease table in bytes, as its last description and its
	// last scan had it; 0 if there was none.
	described, scanned atomic.Int64
}

var (
	_ lease.Store     = (*Store)(nil)
	_ lease.Protector = (*Store)(nil)
	_ API             = (*dynamodb.Client)(nil)
)

// New returns a Store on the table of this name, as the zero [Config] says. The
// table need not exist yet; that of a KCL application has the application's
// name.
//
// The client's retryer is not used for the Store's calls; its other settings
// are.
func New(client API, table string) *Store {
	s, err := NewWithConfig(client, table, Config{})
	if err != nil {
		panic(err) // the zero Config is valid
	}
	return s
}

// NewWithConfig returns a Store on the table of this name. It calls nobody.
func NewWithConfig(client API, table string, cfg Config) (*Store, error) {
	if err := cfg.validate(table); err != nil {
		return nil, fmt.Errorf("lease table %q: %w", table, err)
	}
	s := &Store{client: client, table: table, cfg: cfg.withDefaults(table)}
	if cfg.SingleTable {
		s.layout.Store(s.singleTable())
	}
	return s, nil
}

// Name returns the name of the table.
func (s *Store) Name() string { return s.table }

// once makes a call a single try. It is an option of every call, since the
// client may have been made with any retryer: the default one waits for up to
// a second after a throttled call, and its tries draw on a budget that reads
// could use up.
func once(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }

// item reads one item of the lease table consistently, nil if there is none.
func (s *Store) item(ctx context.Context, k string) (map[string]types.AttributeValue, error) {
	return s.itemAt(ctx, s.leases(), k)
}

func (s *Store) itemAt(ctx context.Context, p place, k string) (map[string]types.AttributeValue, error) {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &p.table,
		Key:            p.primary(k),
		ConsistentRead: new(true),
	}, once)
	if err != nil {
		return nil, err
	}
	return p.row(out.Item), nil
}

// present returns the item of the lease table that made a condition fail: old,
// which came with the refusal, or else what a consistent read finds, nil if
// nothing.
func (s *Store) present(ctx context.Context, k string, old map[string]types.AttributeValue) (map[string]types.AttributeValue, error) {
	return s.presentAt(ctx, s.leases(), k, old)
}

func (s *Store) presentAt(ctx context.Context, p place, k string, old map[string]types.AttributeValue) (map[string]types.AttributeValue, error) {
	if len(old) > 0 {
		return p.row(old), nil
	}
	return s.itemAt(ctx, p, k)
}
