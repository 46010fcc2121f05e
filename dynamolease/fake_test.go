package dynamolease

import (
	"testing"

	"github.com/leasehold/leasehold/awsfake"
	"github.com/leasehold/leasehold/leasetest"
)

// fake returns a target on a DynamoDB in memory.
func fake(t *testing.T) *target {
	return newTarget(t, awsfake.Config(&awsfake.DynamoDB{}, "w-1"), "orders")
}

func TestStore(t *testing.T) {
	leasetest.TestStore(t, func(t *testing.T) leasetest.Target { return newStateful(t) })
}

func TestLayout(t *testing.T) { testLayout(t, fake) }
