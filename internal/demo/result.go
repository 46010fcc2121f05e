package demo

import (
	"fmt"
	"strings"
)

// String is the sum in one line.
func (r Result) String() string {
	return fmt.Sprintf("written %d · lost %d · out of order %d · twice %s · table writes %d",
		r.Produced, r.Lost, r.OutOfOrder, r.twice(), r.TableWrites)
}

// twice says how many records came twice, and why.
func (r Result) twice() string {
	if r.Repeated == 0 {
		return "0"
	}
	var parts []string
	for _, p := range []struct {
		n   int
		why string
	}{
		{r.AfterCrash, "after the crash"},
		{r.AfterPause, "after the pause"},
		{r.AfterLoss, "after leases lost to a busy machine"},
		{r.Unexplained, "without an explanation"},
	} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.why))
		}
	}
	text := strings.Join(parts, " + ")
	if r.Unexplained == 0 {
		text += ", all explained"
	}
	return text
}
