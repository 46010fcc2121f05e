package dynamolease

import (
	"errors"
	"fmt"
)

// Config says how a lease table is made and read. The zero Config is that of
// Java KCL 3.5.
type Config struct {
	// Keys says what names a lease. Default [ByShard].
	Keys Keys

	// Tags are given to a table that this store creates.
	Tags map[string]string

	// DeletionProtection is switched on for a table that this store creates.
	DeletionProtection bool

	// PointInTimeRecovery is switched on by [Store.ProtectTable], for a table
	// that was there before too. It is never switched off.
	PointInTimeRecovery bool

	// Segments is in how many parts a scan reads the table at once, at most
	// 1,000,000. Default: one for each MiB that the table was last seen to
	// have, up to 16.
	Segments int

	// CoordinatorTable and WorkerTable are the tables beside the lease table
	// in which an application that began with Java KCL 3.0 to 3.4 keeps its
	// lock and its workers. They are used if they exist, and never made; see
	// the package comment. Defaults: the lease table's name and
	// "-CoordinatorState" and "-WorkerMetricStats".
	CoordinatorTable, WorkerTable string

	// SingleTable asserts that the application has no such tables, or is
	// through with Java KCL's table migration. Then the store does not ask, and
	// needs no permission on another table. If it is wrong, workers of the
	// other library do not see those of this one, and there are two leaders.
	SingleTable bool
}

// maxSegments is the most that DynamoDB takes. (Amazon DynamoDB API Reference,
// Scan: TotalSegments.)
const maxSegments = 1_000_000

func (c Config) withDefaults(table string) Config {
	if c.CoordinatorTable == "" {
		c.CoordinatorTable = table + "-CoordinatorState"
	}
	if c.WorkerTable == "" {
		c.WorkerTable = table + "-WorkerMetricStats"
	}
	return c
}

func (c Config) validate(table string) error {
	var errs []error
	if c.Keys > EitherKeys {
		errs = append(errs, fmt.Errorf("value %d of Keys is unknown", c.Keys))
	}
	if c.Segments < 0 || c.Segments > maxSegments {
		errs = append(errs, fmt.Errorf("value %d of Segments is not between 0 and %d", c.Segments, maxSegments))
	}
	if d := c.withDefaults(table); d.CoordinatorTable == table || d.WorkerTable == table || d.CoordinatorTable == d.WorkerTable {
		errs = append(errs, fmt.Errorf("lease table, CoordinatorTable %q and WorkerTable %q are not three tables; an application with one table needs SingleTable", d.CoordinatorTable, d.WorkerTable))
	}
	return errors.Join(errs...)
}
