//go:build unix && !linux

package demo

import "syscall"

// apart has a worker in a process group of its own.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
