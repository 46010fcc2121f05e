package demo_test

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// A demo that is killed leaves no process behind.
func TestKilledDemoLeavesNoWorker(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "demo", "--duration", "1s", "-v")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// Two workers are there once the second has a lease.
	process := regexp.MustCompile(`[ab]: process (\d+)$`)
	var workers []int
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if m := process.FindStringSubmatch(lines.Text()); m != nil {
			pid, _ := strconv.Atoi(m[1])
			workers = append(workers, pid)
		}
		if len(workers) == 2 && bytes.Contains(lines.Bytes(), []byte("b: lease.gained")) {
			break
		}
	}
	if len(workers) != 2 {
		cmd.Process.Kill()
		cmd.Wait()
		t.Fatalf("workers %v, want 2", workers)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	limit := time.After(30 * time.Second)
	for _, pid := range workers {
		for running(pid) {
			select {
			case <-limit:
				t.Fatalf("worker %d is still there", pid)
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
}

// running reports whether there is such a process that has not ended. One whose
// new parent does not ask for its end is shown for ever.
func running(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, state, _ := bytes.Cut(stat, []byte(") "))
	return len(state) > 0 && state[0] != 'Z' && state[0] != 'X'
}
