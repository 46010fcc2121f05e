package awsfake

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"path"
	"strings"
	"sync"
)

// First is the script that asks others in turn until one has a fault.
func First(scripts ...Script) Script {
	return func(c Call) Fault {
		for _, s := range scripts {
			if f := s(c); f != (Fault{}) {
				return f
			}
		}
		return Fault{}
	}
}

// Times gives a fault to the first n calls for which the condition holds.
func Times(n int, when func(Call) bool, f Fault) Script {
	var mu sync.Mutex
	return func(c Call) Fault {
		mu.Lock()
		defer mu.Unlock()
		if n <= 0 || !when(c) {
			return Fault{}
		}
		n--
		return f
	}
}

// Random gives one of the faults, each as likely, to a share of the calls, from
// 0 for none to 1 for all. Which calls these are depends on the seed, and on
// the caller, operation, resource and key and how often they came together, but
// not on how the calls of several callers fall between one another: a test that
// is repeated with its seed meets the same faults.
func Random(seed uint64, share float64, faults ...Fault) Script {
	type kind struct{ caller, operation, resource, key string }
	var mu sync.Mutex
	seen := map[kind]uint64{}
	return func(c Call) Fault {
		k := kind{c.Caller, c.Operation, c.Resource, c.Key}
		mu.Lock()
		seen[k]++
		n := seen[k]
		mu.Unlock()
		h := fnv.New64a()
		fmt.Fprintf(h, "%q %d", k, n)
		r := rand.New(rand.NewPCG(seed, h.Sum64()))
		if len(faults) == 0 || r.Float64() >= share {
			return Fault{}
		}
		return faults[r.IntN(len(faults))]
	}
}

// A Statement allows or denies calls, as one of an IAM policy does. Its fields
// are patterns as [path.Match] has them; an empty one matches everything.
type Statement struct {
	Deny bool
	// Caller is the access key ID.
	Caller string
	// Action is what IAM calls it, such as "dynamodb:PutItem" or "kinesis:*".
	Action string
	// Resource is a table or stream, by its plain name.
	Resource string
}

// Policy is the script that denies every call that no statement allows, or
// that one denies.
func Policy(statements ...Statement) Script {
	return func(c Call) Fault {
		action := strings.ToLower(c.Service) + ":" + c.Operation
		allowed := false
		for _, s := range statements {
			if !matches(s.Caller, c.Caller) || !matches(s.Action, action) || !matches(s.Resource, c.Resource) {
				continue
			}
			if s.Deny {
				return denied(c, action, "with an explicit deny in an identity-based policy")
			}
			allowed = true
		}
		if allowed {
			return Fault{}
		}
		return denied(c, action, "because no identity-based policy allows the "+action+" action")
	}
}

func matches(pattern, s string) bool {
	ok, err := path.Match(pattern, s)
	return pattern == "" || pattern == "*" || ok && err == nil
}

func denied(c Call, action, why string) Fault {
	f := Deny()
	f.Message = fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s %s", c.Caller, action, c.Resource, why)
	return f
}
