package ddb

import "time"

// The rates of one partition key, in units a second, whatever the table may
// do. (DynamoDB Developer Guide, Best practices for partition keys.)
const (
	keyReads  = 3000
	keyWrites = 1000
)

// burst is how long a provisioned table or index saves units that it does not
// use. (DynamoDB Developer Guide, Burst capacity.)
const burst = 300 * time.Second

// The two kinds of units.
type use int

const (
	reading use = iota
	writing
)

func (u use) String() string { return [...]string{"Read", "Write"}[u] }

// A bucket has the units that may still be used. A call may overdraw it, since
// what it costs is known when it is done; the next ones then wait.
type bucket struct {
	units float64
	at    time.Time
}

// fill adds what has come in since the last time. A new bucket has one
// second's worth.
func (b *bucket) fill(now time.Time, rate float64, save time.Duration) *bucket {
	if b.at.IsZero() {
		b.units = rate
	} else {
		b.units = min(b.units+rate*now.Sub(b.at).Seconds(), rate*save.Seconds())
	}
	b.at = now
	return b
}

// A limiter meters a table or an index: both kinds of units, of all of it and
// of each partition key that is in use.
type limiter struct {
	all  [2]bucket
	keys [2]map[string]*bucket
}

// fill brings the buckets of one use up to date, and returns them. Part is a
// partition key, empty if there is not one: then keyed is nil.
func (l *limiter) fill(u use, part string, rate float64, save time.Duration, now time.Time) (all, keyed *bucket) {
	all = l.all[u].fill(now, rate, save)
	if part == "" {
		return all, nil
	}
	keys := l.keys[u]
	// A bucket that is full again says nothing. Looking for them at each
	// doubling costs little for each call.
	if n := len(keys); n >= 1024 && n&(n-1) == 0 {
		for k, b := range keys {
			if now.Sub(b.at) > 10*time.Second && b.units >= 0 {
				delete(keys, k)
			}
		}
	}
	if keys == nil {
		keys = map[string]*bucket{}
		l.keys[u] = keys
	}
	if keys[part] == nil {
		keys[part] = new(bucket)
	}
	return all, keys[part].fill(now, [...]float64{keyReads, keyWrites}[u], time.Second)
}

// rate is what the table, or an index of it, may use in a second, and for how
// long it saves what it does not. The caller holds t's lock.
func (t *table) rate(x *index, u use) (float64, time.Duration) {
	if t.onDemand {
		return t.o.AccountUnits, time.Second
	}
	tp := &t.desc.ProvisionedThroughput
	if x != nil {
		tp = x.desc.ProvisionedThroughput
	}
	return [...]float64{float64(tp.ReadCapacityUnits), float64(tp.WriteCapacityUnits)}[u], burst
}

// limiter is the one that counts for x, nil being the table. A local index
// has none of its own.
func (t *table) limiter(x *index) (*limiter, *index) {
	if x == nil || x.local {
		return &t.limits, nil
	}
	return &x.limits, x
}

// allow refuses the use of a partition of the table or of x, if the limits are
// to be kept and nothing is left.
func (t *table) allow(x *index, u use, part string) *Error {
	if !t.o.Limits {
		return nil
	}
	l, x := t.limiter(x)
	rate, save := t.rate(x, u)
	all, keyed := l.fill(u, part, rate, save, time.Now())
	switch {
	case keyed != nil && keyed.units <= 0:
		return t.throttled(x, u, "KeyRangeThroughputExceeded")
	case all.units > 0:
		return nil
	case t.onDemand:
		return t.throttled(x, u, "AccountLimitExceeded")
	}
	return t.throttled(x, u, "ProvisionedThroughputExceeded")
}

// charge takes units that were used.
func (t *table) charge(x *index, u use, part string, units float64) {
	if !t.o.Limits || units == 0 {
		return
	}
	l, x := t.limiter(x)
	rate, save := t.rate(x, u)
	all, keyed := l.fill(u, part, rate, save, time.Now())
	all.units -= units
	if keyed != nil {
		keyed.units -= units
	}
}

// throttled is the answer to a use that is over a limit.
func (t *table) throttled(x *index, u use, limit string) *Error {
	of, arn := "Table", t.desc.TableArn
	if x != nil {
		of, arn = "Index", x.desc.IndexArn
	}
	e := &Error{
		Code:       codeThroughput,
		Message:    "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.",
		Throttling: []ThrottlingReason{{of + u.String() + limit, arn}},
	}
	switch {
	case t.onDemand:
		e.Code = codeThrottling
		e.Message = "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or index so please try again shortly."
	case x != nil:
		e.Message = "The level of configured provisioned throughput for one or more global secondary indexes of the table was exceeded. Consider increasing your provisioning level for the under-provisioned global secondary indexes with the UpdateTable API."
	}
	return e
}

// A ThrottlingReason names a limit and what is over it.
type ThrottlingReason struct {
	Reason   string `json:"reason"`
	Resource string `json:"resource"`
}

// throttles reports whether the service refused only for now.
func (e *Error) throttles() bool {
	return e != nil && (e.Code == codeThroughput || e.Code == codeThrottling)
}

// allow refuses the write if an index that it changes has nothing left.
func (w write) allow() *Error {
	for _, x := range w.t.indexes {
		if x.local || w.cost.indexes[x.name] == 0 {
			continue
		}
		for _, r := range []*row{x.row(w.old.image()), x.row(w.new.image())} {
			if r == nil {
				continue
			}
			if err := w.t.allow(x, writing, r.key.part); err != nil {
				return err
			}
		}
	}
	return nil
}

// charge takes what the write cost, times factor.
func (w write) charge(factor float64) {
	if !w.t.o.Limits {
		return
	}
	r := w.new
	if r == nil {
		r = w.old
	}
	part := ""
	if r != nil {
		part = r.key.part
	}
	units := w.cost.table
	for _, u := range w.cost.locals {
		units += u
	}
	w.t.charge(nil, writing, part, factor*units)
	for _, x := range w.t.indexes {
		if u := w.cost.indexes[x.name]; u > 0 {
			xr := x.row(w.new.image())
			if xr == nil {
				xr = x.row(w.old.image())
			}
			w.t.charge(x, writing, xr.key.part, factor*u)
		}
	}
}
