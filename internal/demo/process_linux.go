package demo

import "syscall"

// apart has a worker in a process group of its own, and ends it when its starter
// dies, also while it is stopped and reads no stdin.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
