package awsfake

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestRandomIsRepeatable(t *testing.T) {
	draw := func(seed uint64, s Script) (got [3]int) {
		for n := range 3000 {
			switch f := s(Call{Caller: "a", Operation: "PutItem", Key: string(rune('a' + n%7))}); {
			case f == LoseReply():
				got[1]++
			case f == Throttle():
				got[2]++
			default:
				got[0]++
			}
		}
		return got
	}
	one := draw(1, Random(1, 0.2, LoseReply(), Throttle()))
	if again := draw(1, Random(1, 0.2, LoseReply(), Throttle())); again != one {
		t.Errorf("the same seed: got %v and %v", one, again)
	}
	if other := draw(2, Random(2, 0.2, LoseReply(), Throttle())); other == one {
		t.Errorf("another seed: got %v twice", one)
	}
	if one[1] < 200 || one[1] > 400 || one[2] < 200 || one[2] > 400 {
		t.Errorf("got %v, want about 300 of each fault", one)
	}
	// Other callers in between change nothing.
	alone, among := Random(3, 0.5, Refuse()), Random(3, 0.5, Refuse())
	for n := range 100 {
		among(Call{Caller: "b", Number: int64(n)})
		if got, want := among(Call{Caller: "a"}), alone(Call{Caller: "a"}); got != want {
			t.Fatalf("call %d of a: got %+v among others, %+v alone", n, got, want)
		}
	}
}

func TestPolicy(t *testing.T) {
	s := Policy(
		Statement{Caller: "reader", Action: "dynamodb:*Item"},
		Statement{Caller: "reader", Action: "dynamodb:Put*", Deny: true},
		Statement{Caller: "owner"},
		Statement{Resource: "secret", Deny: true},
	)
	for _, tt := range []struct {
		caller, operation, resource string
		allowed                     bool
	}{
		{"reader", "GetItem", "app", true},
		{"reader", "PutItem", "app", false},
		{"reader", "Scan", "app", false},
		{"owner", "Scan", "app", true},
		{"owner", "Scan", "secret", false},
		{"stranger", "GetItem", "app", false},
	} {
		f := s(Call{Service: "DynamoDB", Caller: tt.caller, Operation: tt.operation, Resource: tt.resource})
		if got := f.Code == ""; got != tt.allowed || !got && f.Code != "AccessDeniedException" {
			t.Errorf("%s %s %s: got %+v, want allowed %v", tt.caller, tt.operation, tt.resource, f, tt.allowed)
		}
	}
}

func TestPolicyDeniesOverLoopback(t *testing.T) {
	db := &DynamoDB{}
	newTable(t, db)
	db.SetScript(Policy(Statement{Action: "dynamodb:GetItem"}))
	c := far(t, db)
	_, err := renew(t.Context(), c, "s0", 1)
	wantCode(t, err, "AccessDeniedException")
	wantItem(t, get(t, c, "s0"), dbItem{})
}

func TestFirstAndTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &DynamoDB{}
		c := newTable(t, db)
		put(t, c, dbItem{"leaseKey": "s0", "leaseCounter": 1})
		isUpdate := func(c Call) bool { return c.Operation == "UpdateItem" }
		db.SetScript(First(Times(1, isUpdate, Fault{Delay: time.Minute}), Times(2, isUpdate, Fault{Delay: time.Second})))
		for n, want := range []time.Duration{time.Minute, time.Second, time.Second, 0} {
			start := time.Now()
			_, err := renew(t.Context(), c, "s0", n+1)
			wantCode(t, err, "")
			if took := time.Since(start); took != want {
				t.Errorf("call %d: took %v, want %v", n, took, want)
			}
		}
	})
}
