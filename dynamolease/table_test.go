package dynamolease

import (
	"errors"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/lease"
)

const (
	bare      = `{"Table":{"TableStatus":"ACTIVE","BillingModeSummary":{"BillingMode":"PAY_PER_REQUEST"}}}`
	withIndex = `{"Table":{"TableStatus":"UPDATING","GlobalSecondaryIndexes":[{"IndexName":"other","IndexStatus":"ACTIVE"},{"IndexName":"LeaseOwnerToLeaseKeyIndex","IndexStatus":"CREATING"}]}}`
)

// Many workers prepare one table at the same time.
func TestRacesForTheTable(t *testing.T) {
	missing := failed(400, "ResourceNotFoundException")
	for _, tt := range []struct {
		name    string
		replies []reply
		create  bool // else CreateIndex
		created bool
		kind    error
		calls   string
	}{
		{"table exists", []reply{ok(bare)}, true, false, nil, "DescribeTable"},
		{"look fails, table is missing", []reply{failed(500, "InternalServerError"), ok(`{}`)}, true, true, nil, "DescribeTable CreateTable"},
		{"another creates it meanwhile", []reply{missing, failed(400, "ResourceInUseException")}, true, false, nil, "DescribeTable CreateTable"},
		{"too many tables", []reply{missing, failed(400, "LimitExceededException")}, true, false, lease.ErrProvisionedThroughput, "DescribeTable CreateTable"},
		{"index exists", []reply{ok(withIndex)}, false, false, nil, "DescribeTable"},
		{"no table for the index", []reply{missing}, false, false, lease.ErrInvalidState, "DescribeTable"},
		{"table is busy", []reply{ok(bare), failed(400, "ResourceInUseException"), ok(bare)}, false, false, nil, "DescribeTable UpdateTable"},
		{"another has just made the index", []reply{ok(bare), failed(400, "ValidationException"), ok(withIndex)}, false, false, nil, "DescribeTable UpdateTable DescribeTable"},
		{"too many indexes are being made, this one too", []reply{ok(bare), failed(400, "LimitExceededException"), ok(withIndex)}, false, false, nil, "DescribeTable UpdateTable DescribeTable"},
		{"too many indexes are being made", []reply{ok(bare), failed(400, "LimitExceededException"), ok(bare)}, false, false, lease.ErrProvisionedThroughput, "DescribeTable UpdateTable DescribeTable"},
		{"index not allowed", []reply{ok(bare), failed(400, "AccessDeniedException"), ok(bare)}, false, false, lease.ErrDependency, "DescribeTable UpdateTable DescribeTable"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, w := newWire(tt.replies...)
			var created bool
			var err error
			if tt.create {
				created, err = s.CreateTable(t.Context(), 0, 0)
			} else {
				err = s.CreateIndex(t.Context())
			}
			if created != tt.created || !errors.Is(err, tt.kind) {
				t.Errorf("got %v, %v, want %v, %v", created, err, tt.created, tt.kind)
			}
			var ops []string
			for _, r := range w.requests {
				ops = append(ops, r.op)
			}
			if got := strings.Join(ops, " "); got != tt.calls {
				t.Errorf("calls: got %s, want %s", got, tt.calls)
			}
		})
	}
}

func TestDescribeTable(t *testing.T) {
	const key = `"AttributeDefinitions":[{"AttributeName":"leaseKey","AttributeType":"S"},{"AttributeName":"leaseOwner","AttributeType":"S"}],"KeySchema":[{"AttributeName":"leaseKey","KeyType":"HASH"}]`
	index := func(hash, status string) string {
		return `,"GlobalSecondaryIndexes":[{"IndexName":"LeaseOwnerToLeaseKeyIndex","IndexStatus":"` + status +
			`","KeySchema":[{"AttributeName":"` + hash + `","KeyType":"HASH"},{"AttributeName":"leaseKey","KeyType":"RANGE"}]}]`
	}
	for _, tt := range []struct {
		name, body string
		want       lease.Table
		fails      bool
	}{
		{"without index", `{"TableStatus":"ACTIVE",` + key + `}`, lease.Table{Status: lease.Active}, false},
		{"index in the making", `{"TableStatus":"UPDATING",` + key + index("leaseOwner", "CREATING") + `}`, lease.Table{Status: lease.Updating, Index: lease.Creating}, false},
		{"being made", `{"TableStatus":"CREATING",` + key + `}`, lease.Table{Status: lease.Creating}, false},
		{"being removed", `{"TableStatus":"DELETING",` + key + `}`, lease.Table{Status: lease.Deleting}, false},
		{"archived", `{"TableStatus":"ARCHIVED",` + key + `}`, lease.Table{}, true},
		{"key of another type", `{"TableStatus":"ACTIVE",` + strings.Replace(key, `"S"`, `"N"`, 1) + `}`,
			lease.Table{Status: lease.Active, Foreign: "its key is leaseKey N HASH, not leaseKey S HASH"}, false},
		{"index of another key", `{"TableStatus":"ACTIVE",` + key + index("owner", "ACTIVE") + `}`,
			lease.Table{Status: lease.Active, Index: lease.Active,
				Foreign: "the key of its index LeaseOwnerToLeaseKeyIndex is owner  HASH, leaseKey S RANGE, not leaseOwner S HASH, leaseKey S RANGE"}, false},
	} {
		s, _ := newWire(ok(`{"Table":` + tt.body + `}`))
		got, err := s.DescribeTable(t.Context())
		if got != tt.want || (err != nil) != tt.fails || err != nil && !errors.Is(err, lease.ErrDependency) {
			t.Errorf("%s: got %+v, %v, want %+v", tt.name, got, err, tt.want)
		}
	}
	s, _ := newWire(failed(400, "ResourceNotFoundException"))
	if got, err := s.DescribeTable(t.Context()); got != (lease.Table{}) || err != nil {
		t.Errorf("missing: got %+v, %v, want no table and no error", got, err)
	}
}
