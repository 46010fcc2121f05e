package cli

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
)

// Whatever is split and merged, each record is read once, and those of a key
// come in the order in which they were written.
func TestConsumeAcrossReshards(t *testing.T) {
	server := httptest.NewServer(newFakes().services)
	defer server.Close()
	env := environment("AWS_ENDPOINT_URL=" + server.URL)
	must := func(args ...string) string {
		t.Helper()
		status, stdout, stderr := run(t, env, args...)
		if status != 0 {
			t.Fatalf("%q: exit code %d\n%s", args, status, stderr)
		}
		return stdout
	}
	must("streams", "create", "orders", "2")
	changes := [][]string{
		{"split", "orders", "0"},      // 2 and 3
		{"merge", "orders", "3", "1"}, // 4
		{"split", "orders", "4"},      // 5 and 6
		{"merge", "orders", "2", "5"}, // 7
		{"merge", "orders", "7", "6"}, // 8
		{"split", "orders", "8"},      // 9 and 10
	}
	const each = 400
	written := 0
	for i := range len(changes) + 1 {
		var lines strings.Builder
		for n := range each {
			fmt.Fprintf(&lines, "u-%d\t%06d\n", n%50, written+n)
		}
		written += each
		status, _, stderr := runWith(t, env, lines.String(), "produce", "orders", "--key", "tab", "-q")
		if status != 0 {
			t.Fatalf("produce: exit code %d\n%s", status, stderr)
		}
		if i < len(changes) {
			must(append([]string{"streams"}, changes[i]...)...)
		}
	}
	out := must("consume", "orders", "--from", "trim-horizon", "--until-caught-up", "-f", `%k %d\n`)
	last := map[string]string{}
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	for _, line := range lines {
		key, number, _ := strings.Cut(line, " ")
		if number <= last[key] {
			t.Fatalf("key %s: %s after %s", key, number, last[key])
		}
		last[key] = number
	}
	if len(lines) != written {
		t.Errorf("%d records, want %d", len(lines), written)
	}
}
