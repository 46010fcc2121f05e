package memlease

import (
	"fmt"

	"github.com/leasehold/leasehold/lease"
)

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
// key. It is for tests of what reads a table.
func (s *Store) PlantUnreadable(u lease.UnreadableError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(u.Key)
	s.rows[u.Key] = row{unreadable: &u}
}

// ShowRow returns all that is stored under key, of whatever kind, as a text that
// changes with it; empty if there is nothing. It is for tests of what must leave
// a row alone.
func (s *Store) ShowRow(key string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r := s.rows[key]; {
	case r.lease != nil:
		l := *r.lease
		rate := "unknown"
		if l.Throughput != nil {
			rate, l.Throughput = fmt.Sprint(*l.Throughput), nil
		}
		return fmt.Sprintf("lease %+v, throughput %s", l, rate)
	case r.worker != nil:
		return fmt.Sprintf("worker %+v", *r.worker)
	case r.lock != nil:
		return fmt.Sprintf("lock %+v", *r.lock)
	case r.version != nil:
		return fmt.Sprintf("version %q", *r.version)
	case r.unreadable != nil:
		return fmt.Sprintf("unreadable %+v", *r.unreadable)
	}
	return ""
}
