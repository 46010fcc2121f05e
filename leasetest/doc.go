// Package leasetest tests any lease.Store, and lease.Manager over it, against
// their contracts.
//
// Writing a store starts with these lines, in which a [Target] is the store
// and, where it can, the hooks that make what a store itself cannot make:
//
//	func TestStore(t *testing.T) {
//		leasetest.TestStore(t, func(t *testing.T) leasetest.Target { return target{mystore.New(t)} })
//	}
//
// Each promise of the contracts is a rule, and each rule a subtest on a fresh
// table: Store/Change/refused_by_counter, Manager/RenewLease/lost_reply. A rule
// whose hook the target lacks is skipped and names the hook. What a service
// itself does otherwise is listed as a [Difference], which must stay one.
//
// Scans, the owner index and the lock may answer with what was true a moment
// ago. Rules look at them again for a while before they complain. All else
// must hold at once.
//
// [Faulty] makes any store fail on demand, for tests of what uses a store.
package leasetest
