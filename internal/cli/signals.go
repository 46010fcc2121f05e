package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// A SignalError is why a context is done: the process was asked to stop.
type SignalError struct{ Signal os.Signal }

func (e *SignalError) Error() string { return "stopped by signal: " + e.Signal.String() }

// ExitCode is 128 and the number of the signal, as shells report it.
func (e *SignalError) ExitCode() int {
	if n, ok := e.Signal.(syscall.Signal); ok {
		return 128 + int(n)
	}
	return int(failed)
}

// Signals returns a context that is done, with a [*SignalError] as its cause,
// at the first SIGINT or SIGTERM. A second one ends the process at once.
//
// It also asks for SIGPIPE: a process that does not is killed by writing to a
// closed pipe, and cannot stop cleanly.
func Signals(ctx context.Context) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	asked := make(chan os.Signal, 2)
	signal.Notify(asked, os.Interrupt, syscall.SIGTERM)
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	quit := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for first := true; ; first = false {
			select {
			case s := <-asked:
				why := &SignalError{s}
				if !first {
					os.Exit(why.ExitCode())
				}
				cancel(why)
			case <-quit:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(asked)
		signal.Stop(pipe)
		close(quit)
		<-ended
		cancel(nil)
	}
}
