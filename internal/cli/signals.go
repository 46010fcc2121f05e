package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
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
// at the first SIGINT or SIGTERM. A second one ends the process at once, unless
// it is the first sent twice, as "timeout" does.
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
		if why := askedTwice(asked, cancel, quit); why != nil {
			os.Exit(why.ExitCode())
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

// sameSignal is how long after a signal the same signal is no second one: some
// senders tell the process and then its group. No person is that quick.
const sameSignal = 100 * time.Millisecond

// askedTwice calls cancel at the first signal and returns the second, or nil
// once quit is closed.
func askedTwice(asked <-chan os.Signal, cancel context.CancelCauseFunc, quit <-chan struct{}) *SignalError {
	var first os.Signal
	var at time.Time
	for {
		select {
		case s := <-asked:
			switch {
			case first == nil:
				first, at = s, time.Now()
				cancel(&SignalError{s})
			case s != first || time.Since(at) >= sameSignal:
				return &SignalError{s}
			}
		case <-quit:
			return nil
		}
	}
}
