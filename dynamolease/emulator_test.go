package dynamolease

import (
	"testing"

	"github.com/leasehold/leasehold/internal/emul"
	"github.com/leasehold/leasehold/leasetest"
)

func TestEmulatorKeepsTheContract(t *testing.T) {
	for _, s := range emul.DynamoDBs(t) {
		t.Run(s.Name, func(t *testing.T) {
			leasetest.TestStore(t, func(t *testing.T) leasetest.Target {
				return indexed{newTarget(t, s.Config(), emul.Name(t))}
			}, contractDifferences[s.Name]...)
		})
	}
}

func TestEmulatorKeepsTheLayout(t *testing.T) {
	for _, s := range emul.DynamoDBs(t) {
		t.Run(s.Name, func(t *testing.T) {
			testLayout(t, func(t *testing.T) *target { return newTarget(t, s.Config(), emul.Name(t)) })
		})
	}
}
