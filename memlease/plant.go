package memlease

import "github.com/leasehold/leasehold/lease"

// entityType is the attribute that says what a row is.
const entityType = "entityType"

// Drop removes the table with all that is in it.
func (s *Store) Drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
}

// SetTable makes DescribeTable return t, and the store behave so: its rows can
// be used if t is usable, and its index if that is active. It is for tests of
// what waits for a table.
func (s *Store) SetTable(t lease.Table) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.table = t
}

// PlantUnreadable stores a row that does not parse, in place of what has its
// key. If the attribute at fault is "entityType", the row is not a lease but of
// an unknown kind. It is for tests of what reads a table.
func (s *Store) PlantUnreadable(u lease.UnreadableError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(u.Key)
	s.rows[u.Key] = row{unreadable: &u}
}
