//go:build !unix

package demo

import (
	"errors"
	"os"
	"syscall"
)

// canPause says that a process can be stopped and continued.
const canPause = false

func pause(*os.Process) error  { return errors.ErrUnsupported }
func resume(*os.Process) error { return errors.ErrUnsupported }

func apart() *syscall.SysProcAttr { return nil }
