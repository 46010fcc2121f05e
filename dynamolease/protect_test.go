package dynamolease

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leasehold/leasehold/awsfake"
	"github.com/leasehold/leasehold/lease"
)

// The settings of a new table, as they are on the wire.
func TestSettingsOfANewTable(t *testing.T) {
	type tag struct{ Key, Value string }
	type request struct {
		BillingMode               string
		DeletionProtectionEnabled *bool
		Tags                      *[]tag
	}
	for _, tt := range []struct {
		name string
		cfg  Config
		want request
	}{
		{"none", Config{}, request{"PAY_PER_REQUEST", new(false), nil}},
		{"empty tags are none", Config{Tags: map[string]string{}}, request{"PAY_PER_REQUEST", new(false), nil}},
		{"all", Config{DeletionProtection: true, Tags: map[string]string{"team": "mail", "cost": "7", "stage": ""}},
			request{"PAY_PER_REQUEST", new(true), &[]tag{{"cost", "7"}, {"stage", ""}, {"team", "mail"}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := &wire{replies: []reply{failed(400, "ResourceNotFoundException"), ok(`{}`)}}
			s, err := NewWithConfig(clientOver(w), "orders", tt.cfg)
			if err != nil {
				t.Fatal(err)
			}
			if created, err := s.CreateTable(t.Context(), 0, 0); !created || err != nil {
				t.Fatalf("CreateTable: got %v, %v", created, err)
			}
			var got request
			if err := json.Unmarshal([]byte(w.requests[1].body), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", w.requests[1].body, diff)
			}
		})
	}
}

// tableSettings are what a table has.
type tableSettings struct {
	Protected, Recoverable bool
	Tags                   map[string]string
}

func settings(t *testing.T, c *dynamodb.Client, table string) tableSettings {
	t.Helper()
	ctx := t.Context()
	d, err := c.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		t.Fatal(err)
	}
	tags, err := c.ListTagsOfResource(ctx, &dynamodb.ListTagsOfResourceInput{ResourceArn: d.Table.TableArn})
	if err != nil {
		t.Fatal(err)
	}
	backups, err := c.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: &table})
	if err != nil {
		t.Fatal(err)
	}
	got := tableSettings{Tags: map[string]string{}}
	got.Protected = d.Table.DeletionProtectionEnabled != nil && *d.Table.DeletionProtectionEnabled
	got.Recoverable = backups.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus == types.PointInTimeRecoveryStatusEnabled
	for _, tag := range tags.Tags {
		got.Tags[*tag.Key] = *tag.Value
	}
	return got
}

// Tags and deletion protection are given to a new table only; point-in-time
// recovery, by a call of its own, also to one that was there.
func TestSettingsOfATable(t *testing.T) {
	all := Config{Tags: map[string]string{"team": "mail", "cost": "7"}, DeletionProtection: true, PointInTimeRecovery: true}
	for _, tt := range []struct {
		name      string
		cfg       Config
		wasThere  bool
		protected bool // ProtectTable was called
		want      tableSettings
	}{
		{"none", Config{}, false, true, tableSettings{}},
		{"all, before the table is protected", all, false, false, tableSettings{Protected: true, Tags: all.Tags}},
		{"all", all, false, true, tableSettings{true, true, all.Tags}},
		{"all, for a table that was there", all, true, true, tableSettings{Recoverable: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := awsfake.Config(&awsfake.DynamoDB{}, "w-1")
			client := dynamodb.NewFromConfig(cfg)
			if tt.wasThere {
				if _, err := New(client, "orders").CreateTable(t.Context(), 0, 0); err != nil {
					t.Fatal(err)
				}
			}
			s, err := NewWithConfig(client, "orders", tt.cfg)
			if err != nil {
				t.Fatal(err)
			}
			if created, err := s.CreateTable(t.Context(), 0, 0); created == tt.wasThere || err != nil {
				t.Fatalf("CreateTable: got %v, %v", created, err)
			}
			for range 2 { // every start calls it
				if tt.protected {
					if err := s.ProtectTable(t.Context()); err != nil {
						t.Fatalf("ProtectTable: %v", err)
					}
				}
			}
			if diff := cmp.Diff(tt.want, settings(t, client, "orders"), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestProtectTable(t *testing.T) {
	recoverable := Config{PointInTimeRecovery: true}
	for _, tt := range []struct {
		name      string
		cfg       Config
		reply     reply
		kind      error
		retryable bool
		calls     int
	}{
		{"not wanted", Config{Tags: map[string]string{"a": "b"}, DeletionProtection: true}, failed(400, "AccessDeniedException"), nil, false, 0},
		{"wanted", recoverable, ok(`{}`), nil, false, 1},
		{"of a table that is new", recoverable, failed(400, "ContinuousBackupsUnavailableException"), lease.ErrDependency, true, 1},
		{"not allowed", recoverable, failed(400, "AccessDeniedException"), lease.ErrDependency, false, 1},
		{"throttled", recoverable, failed(400, "LimitExceededException"), lease.ErrProvisionedThroughput, true, 1},
		{"no table", recoverable, failed(400, "TableNotFoundException"), lease.ErrInvalidState, false, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := &wire{replies: []reply{tt.reply}}
			s, err := NewWithConfig(clientOver(w), "orders", tt.cfg)
			if err != nil {
				t.Fatal(err)
			}
			err = s.ProtectTable(t.Context())
			if e, isError := errors.AsType[*lease.Error](err); !errors.Is(err, tt.kind) || isError && e.Retryable != tt.retryable {
				t.Errorf("got %v, want kind %v, retryable %v", err, tt.kind, tt.retryable)
			}
			if len(w.requests) != tt.calls {
				t.Errorf("%d calls, want %d", len(w.requests), tt.calls)
			}
		})
	}
}
