package dynamolease

import (
	"strings"
	"testing"
)

func TestConfig(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  Config
		want []string // each part of the error, none for no error
	}{
		{"zero", Config{}, nil},
		{"everything", Config{
			Keys: EitherKeys, Tags: map[string]string{"team": "a"}, DeletionProtection: true, PointInTimeRecovery: true,
			Segments: 1_000_000, CoordinatorTable: "c", WorkerTable: "w", SingleTable: true,
		}, nil},
		{"every mistake is named", Config{Keys: 9, Segments: -1, CoordinatorTable: "orders"}, []string{"9 of Keys", "-1 of Segments", `CoordinatorTable "orders"`}},
		{"too many segments", Config{Segments: 1_000_001}, []string{"1000001 of Segments"}},
		{"workers in the lease table", Config{WorkerTable: "orders"}, []string{`WorkerTable "orders"`, "SingleTable"}},
		{"one table for both", Config{CoordinatorTable: "x", WorkerTable: "x"}, []string{"not three tables"}},
		{"one by default for both", Config{CoordinatorTable: "orders-WorkerMetricStats"}, []string{"not three tables"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := NewWithConfig(nil, "orders", tt.cfg)
			if (err != nil) != (tt.want != nil) || (s == nil) != (err != nil) {
				t.Errorf("got %v, %v, want an error: %v", s, err, tt.want != nil)
			}
			for _, want := range tt.want {
				if err != nil && !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want it to name %q", err, want)
				}
			}
		})
	}
}

func TestNamesOfSeparateTables(t *testing.T) {
	for _, tt := range []struct {
		cfg            Config
		state, workers string
	}{
		{Config{}, "orders-CoordinatorState", "orders-WorkerMetricStats"},
		{Config{CoordinatorTable: "c", WorkerTable: "w"}, "c", "w"},
	} {
		s, err := NewWithConfig(nil, "orders", tt.cfg)
		if err != nil {
			t.Fatal(err)
		}
		if l := s.separateTables(); l.state.table != tt.state || l.workers.table != tt.workers {
			t.Errorf("%+v: got %+v, want %s and %s", tt.cfg, l, tt.state, tt.workers)
		}
	}
}
