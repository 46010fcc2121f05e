package cli

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// The first signal asks to stop and the second does not wait; the same signal
// sent to the process and to its group is one.
func TestAskedTwice(t *testing.T) {
	type sent struct {
		after  time.Duration
		signal os.Signal
	}
	for _, tt := range []struct {
		name    string
		signals []sent
		want    os.Signal // that ends the process
	}{
		{"once", []sent{{0, syscall.SIGTERM}}, nil},
		{"one sent twice", []sent{{0, syscall.SIGTERM}, {time.Millisecond, syscall.SIGTERM}}, nil},
		{"two", []sent{{0, syscall.SIGINT}, {sameSignal, syscall.SIGINT}}, syscall.SIGINT},
		{"one sent twice, and another", []sent{{0, syscall.SIGINT}, {0, syscall.SIGINT}, {sameSignal, syscall.SIGINT}}, syscall.SIGINT},
		{"two kinds", []sent{{0, syscall.SIGINT}, {0, syscall.SIGTERM}}, syscall.SIGTERM},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				asked, quit := make(chan os.Signal), make(chan struct{})
				ended := make(chan *SignalError, 1)
				go func() { ended <- askedTwice(asked, cancel, quit) }()
				for _, s := range tt.signals {
					time.Sleep(s.after)
					asked <- s.signal
				}
				synctest.Wait()
				close(quit)
				why, ok := errors.AsType[*SignalError](context.Cause(ctx))
				if !ok || why.Signal != tt.signals[0].signal {
					t.Errorf("stopped because of %v, want %v", context.Cause(ctx), tt.signals[0].signal)
				}
				var got os.Signal
				if e := <-ended; e != nil {
					got = e.Signal
				}
				if got != tt.want {
					t.Errorf("ended by %v, want %v", got, tt.want)
				}
			})
		})
	}
}
