package leasehold_test

import (
	"os/exec"
	"strings"
	"testing"
)

// A program that imports the root package links none of the command's
// dependencies, no store and no stream implementation, and so not the SDK.
func TestRootLinksOnlyWhatItNeeds(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "github.com/leasehold/leasehold").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	for pkg := range strings.Lines(string(out)) {
		pkg = strings.TrimSpace(pkg)
		first, _, _ := strings.Cut(pkg, "/")
		if strings.HasPrefix(pkg, "github.com/leasehold/leasehold") {
			for _, no := range []string{"dynamolease", "memlease", "kinesisstream", "awsfake", "internal/cli"} {
				if strings.HasSuffix(pkg, "/"+no) {
					t.Errorf("the root imports %s", pkg)
				}
			}
			continue
		}
		if strings.Contains(first, ".") && !strings.HasPrefix(pkg, "golang.org/x/") && !strings.HasPrefix(pkg, "vendor/") {
			t.Errorf("the root links %s", pkg)
		}
	}
}
