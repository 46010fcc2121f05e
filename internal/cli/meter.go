package cli

import (
	"fmt"
	"strconv"
	"time"
)

// A meter counts what was sent and shows it while it grows.
type meter struct {
	p               *program
	began, shown    time.Time
	records, bytes  int64
	retried, failed int
}

func newMeter(p *program) *meter {
	now := time.Now()
	return &meter{p: p, began: now, shown: now}
}

// stored counts a record. On a terminal the sum is shown once a second.
func (m *meter) stored(r outRecord) {
	m.records++
	m.bytes += int64(len(r.data))
	if now := time.Now(); m.p.stderr.terminal && !m.p.flags.quiet && now.Sub(m.shown) >= time.Second {
		m.shown = now
		fmt.Fprintf(m.p.stderr, "\r\x1b[K%s", m)
	}
}

// end shows the last sum.
func (m *meter) end() {
	if m.p.stderr.terminal && !m.p.flags.quiet {
		fmt.Fprint(m.p.stderr, "\r\x1b[K")
	}
	m.p.say("%s", m)
}

func (m *meter) String() string {
	rate := float64(m.records) / max(time.Since(m.began).Seconds(), 0.001)
	return fmt.Sprintf("%s records, %s, %s/s, %d retried, %d failed", thousands(m.records), size(m.bytes), thousands(int64(rate)), m.retried, m.failed)
}

// thousands writes n with commas.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// size writes a number of bytes.
func size(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
}
