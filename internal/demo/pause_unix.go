//go:build unix

package demo

import (
	"os"
	"syscall"
)

// canPause says that a process can be stopped and continued.
const canPause = true

func pause(p *os.Process) error  { return p.Signal(syscall.SIGSTOP) }
func resume(p *os.Process) error { return p.Signal(syscall.SIGCONT) }
