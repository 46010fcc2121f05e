package ddb

import "time"

// recoveryDays is how far back a table can be restored, by default.
const recoveryDays = 35

// A recovery is a table's point-in-time recovery. Nothing can be restored
// here; the setting is kept and told.
type recovery struct {
	enabled bool
	since   time.Time
	days    int
}

// backups is what the service says of a table's backups.
func (t *table) backups(now time.Time) Output {
	p := map[string]any{"PointInTimeRecoveryStatus": "DISABLED"}
	if t.recovery.enabled {
		earliest := now.AddDate(0, 0, -t.recovery.days)
		if earliest.Before(t.recovery.since) {
			earliest = t.recovery.since
		}
		p = map[string]any{
			"PointInTimeRecoveryStatus":  "ENABLED",
			"RecoveryPeriodInDays":       t.recovery.days,
			"EarliestRestorableDateTime": seconds(earliest),
			"LatestRestorableDateTime":   seconds(now),
		}
	}
	return Output{Body: map[string]any{"ContinuousBackupsDescription": map[string]any{
		"ContinuousBackupsStatus":        "ENABLED",
		"PointInTimeRecoveryDescription": p,
	}}}
}

// useBackups is use with the errors of operations on backups.
func (db *DB) useBackups(name string) (*table, *Error) {
	t, err := db.use(name)
	if err != nil && err.Code == codeNotFound {
		err = &Error{Code: "TableNotFoundException", Message: "Table not found: " + name}
	}
	return t, err
}

type describeContinuousBackups struct{ TableName string }

func (op *describeContinuousBackups) target() string { return op.TableName }

func (op *describeContinuousBackups) do(db *DB, _ Options) (Output, *Error) {
	t, err := db.useBackups(op.TableName)
	if err != nil {
		return Output{}, err
	}
	defer t.mu.Unlock()
	return t.backups(time.Now()), nil
}

type updateContinuousBackups struct {
	TableName                        string
	PointInTimeRecoverySpecification *struct {
		PointInTimeRecoveryEnabled *bool
		RecoveryPeriodInDays       *int
	}
}

func (op *updateContinuousBackups) target() string { return op.TableName }

func (op *updateContinuousBackups) do(db *DB, _ Options) (Output, *Error) {
	spec := op.PointInTimeRecoverySpecification
	days := recoveryDays
	switch {
	case spec == nil:
		return Output{}, violated("", "pointInTimeRecoverySpecification", "Member must not be null")
	case spec.PointInTimeRecoveryEnabled == nil:
		return Output{}, violated("", "pointInTimeRecoverySpecification.pointInTimeRecoveryEnabled", "Member must not be null")
	case spec.RecoveryPeriodInDays != nil:
		days = *spec.RecoveryPeriodInDays
		if days < 1 || days > recoveryDays {
			return Output{}, violated(itoa(days), "pointInTimeRecoverySpecification.recoveryPeriodInDays", "Member must have value between 1 and 35")
		}
	}
	t, err := db.useBackups(op.TableName)
	if err != nil {
		return Output{}, err
	}
	defer t.mu.Unlock()
	now := time.Now()
	if s := t.at(now); s == creating || s == deleting {
		return Output{}, &Error{Code: "ContinuousBackupsUnavailableException", Message: "Backups are being enabled for the table: " + t.name + ". Please retry later"}
	}
	since := now
	if t.recovery.enabled {
		since = t.recovery.since
	}
	t.recovery = recovery{*spec.PointInTimeRecoveryEnabled, since, days}
	return t.backups(now), nil
}
