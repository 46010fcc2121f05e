package linear

import (
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/leasehold/leasehold/lease"
)

// What the model allows, by histories short enough to judge by eye. Each begins
// with a lease of a's at counter 5, and each part of it lasts from one time to
// another.
func TestModel(t *testing.T) {
	const ever = 1000
	at := func(counter int64, owner string) state {
		return state{exists: true, counter: counter, owner: owner, values: values{checkpoint: lease.TrimHorizon}}
	}
	part := func(from, to int64, in input, seen state) porcupine.Operation {
		return porcupine.Operation{Input: &in, Output: seen, Call: from, Return: to}
	}
	w := func(role role, k kind, id int, counter int64, owner string, mine ...int) input {
		return input{role: role, kind: k, id: id, counter: counter, owner: owner, mine: mine}
	}
	look := input{role: read, kind: get}
	none := state{}

	for _, tt := range []struct {
		name    string
		allowed bool
		parts   []porcupine.Operation
	}{
		{"renewed and seen", true, []porcupine.Operation{
			part(10, 11, w(success, renew, 2, 5, ""), at(6, "a")),
			part(12, 13, look, at(6, "a"))}},
		{"renewed and not seen", false, []porcupine.Operation{
			part(10, 11, w(success, renew, 2, 5, ""), at(6, "a")),
			part(12, 13, look, at(5, "a"))}},
		{"renewed and not seen at the same time", true, []porcupine.Operation{
			part(10, 12, w(success, renew, 2, 5, ""), at(6, "a")),
			part(11, 13, look, at(5, "a"))}},
		{"two win one counter", false, []porcupine.Operation{
			part(10, 15, w(success, take, 2, 5, "b"), at(6, "b")),
			part(10, 15, w(success, take, 3, 5, "c"), at(6, "c"))}},
		{"nobody wins", false, []porcupine.Operation{
			part(10, 15, w(refusal, take, 2, 5, "b"), none),
			part(10, 15, w(refusal, take, 3, 5, "c"), none)}},

		{"unknown, never done", true, []porcupine.Operation{
			part(10, ever, w(effect, renew, 2, 5, ""), none),
			part(20, 21, look, at(5, "a"))}},
		{"unknown, done late", true, []porcupine.Operation{
			part(10, ever, w(effect, renew, 2, 5, ""), none),
			part(20, 21, look, at(5, "a")),
			part(22, 23, look, at(6, "a"))}},
		{"unknown, done and undone", false, []porcupine.Operation{
			part(10, ever, w(effect, renew, 2, 5, ""), none),
			part(20, 21, look, at(6, "a")),
			part(22, 23, look, at(5, "a"))}},
		{"unknown, done before it began", false, []porcupine.Operation{
			part(20, ever, w(effect, renew, 2, 5, ""), none),
			part(10, 11, look, at(6, "a"))}},
		{"done twice", false, []porcupine.Operation{
			part(10, 15, w(success, renew, 2, 5, ""), at(6, "a")),
			part(20, 21, look, at(7, "a"))}},

		{"refused by one's own try", false, []porcupine.Operation{
			part(10, ever, w(effect, renew, 2, 5, ""), none),
			part(10, 15, w(refusal, renew, 2, 5, ""), none),
			part(20, 21, look, at(6, "a"))}},
		{"refused by another's write", true, []porcupine.Operation{
			part(10, ever, w(effect, renew, 2, 5, ""), none),
			part(10, 15, w(refusal, renew, 2, 5, ""), none),
			part(11, 12, w(success, take, 3, 5, "b"), at(6, "b"))}},
		{"done, overwritten and then refused", true, []porcupine.Operation{
			part(10, ever, w(effect, renew, 2, 5, ""), none),
			part(10, 15, w(refusal, renew, 2, 5, ""), none),
			part(11, 12, w(success, take, 3, 6, "b"), at(7, "b"))}},
		{"done, refused and then overwritten", false, []porcupine.Operation{
			part(10, ever, w(effect, renew, 2, 5, ""), none),
			part(10, 15, w(refusal, renew, 2, 5, ""), none),
			part(20, 21, w(success, take, 3, 6, "b"), at(7, "b"))}},
		{"a clean refusal was not done", false, []porcupine.Operation{
			part(10, 15, w(refusal, renew, 2, 5, ""), none),
			part(11, 12, w(success, take, 3, 6, "b"), at(7, "b"))}},

		{"on top of one's own renewal", true, []porcupine.Operation{
			part(10, ever, w(effect, renew, 2, 5, ""), none),
			part(20, 21, w(success, take, 3, 5, "b", 2), at(7, "b"))}},
		{"lost to one's own renewal", false, []porcupine.Operation{
			part(10, ever, w(effect, renew, 2, 5, ""), none),
			part(20, 21, w(refusal, take, 3, 5, "b", 2), none),
			part(22, 23, look, at(6, "a"))}},
		{"on top of another's renewal", false, []porcupine.Operation{
			part(10, 11, w(success, renew, 2, 5, ""), at(6, "a")),
			part(20, 21, w(success, take, 3, 5, "b"), at(7, "b"))}},

		{"evicted whatever the counter", true, []porcupine.Operation{
			part(10, 11, w(success, renew, 2, 5, ""), at(6, "a")),
			part(20, 21, w(success, evict, 3, 5, "a"), at(7, ""))}},
		{"another owner evicted", false, []porcupine.Operation{
			part(20, 21, w(success, evict, 2, 5, "b"), at(6, ""))}},
		{"not evicted though it is the owner", false, []porcupine.Operation{
			part(20, 21, w(refusal, evict, 2, 5, "a"), none)}},
		{"a late evict of an owner who came back", false, []porcupine.Operation{
			part(10, ever, w(effect, evict, 2, 5, "a"), none),
			part(20, 21, w(success, take, 3, 5, "a"), at(6, "a")),
			part(30, 31, look, at(7, ""))}},

		{"deleted, and nothing to renew", true, []porcupine.Operation{
			part(10, 11, w(success, remove, 2, 5, ""), none),
			part(12, 13, w(refusal, renew, 3, 5, ""), none),
			part(14, 15, w(success, remove, 4, 5, ""), none)}},
		{"deleted and seen", false, []porcupine.Operation{
			part(10, 11, w(success, remove, 2, 5, ""), none),
			part(12, 13, look, at(5, "a"))}},
		{"created where there is one", false, []porcupine.Operation{
			part(10, 11, w(success, create, 2, 1000, "b"), at(1000, "b"))}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			first := input{role: success, kind: create, id: 1, counter: 5, owner: "a", values: values{checkpoint: lease.TrimHorizon}}
			ops := append(tt.parts,
				part(1, 2, first, at(5, "a")),
				part(ever-1, ever-1, input{role: end}, none))
			if got := porcupine.CheckOperations(contract, ops); got != tt.allowed {
				t.Errorf("allowed: got %v, want %v", got, tt.allowed)
			}
		})
	}
}
