package awsfake

import (
	"bytes"
	"context"
	"io"
	"sync"
)

// pipeSize is how much a stream may be ahead of its reader, about as much as
// the buffers of a connection hold.
const pipeSize = 1 << 20

// A pipe is the body of a streamed response: its writer may run ahead of its
// reader, as over a network. It waits on channels only, so a synctest bubble
// sees it as idle.
type pipe struct {
	ctx    context.Context
	cancel context.CancelFunc

	mu     sync.Mutex // guards what follows
	buf    bytes.Buffer
	ended  bool
	change chan struct{} // closed and replaced at each change
}

func newPipe(ctx context.Context, cancel context.CancelFunc) *pipe {
	return &pipe{ctx: ctx, cancel: cancel, change: make(chan struct{})}
}

// changed wakes those who wait. The caller holds mu.
func (p *pipe) changed() {
	close(p.change)
	p.change = make(chan struct{})
}

func (p *pipe) Write(b []byte) (int, error) {
	for {
		p.mu.Lock()
		if p.ctx.Err() != nil || p.ended {
			p.mu.Unlock()
			return 0, io.ErrClosedPipe
		}
		if p.buf.Len() < pipeSize {
			p.buf.Write(b)
			p.changed()
			p.mu.Unlock()
			return len(b), nil
		}
		change := p.change
		p.mu.Unlock()
		select {
		case <-change:
		case <-p.ctx.Done():
		}
	}
}

func (p *pipe) Read(b []byte) (int, error) {
	for {
		p.mu.Lock()
		switch {
		case p.ctx.Err() != nil:
			p.mu.Unlock()
			return 0, context.Cause(p.ctx)
		case p.buf.Len() > 0:
			n, _ := p.buf.Read(b)
			p.changed()
			p.mu.Unlock()
			return n, nil
		case p.ended:
			p.mu.Unlock()
			return 0, io.EOF
		}
		change := p.change
		p.mu.Unlock()
		select {
		case <-change:
		case <-p.ctx.Done():
		}
	}
}

// closeWrite ends the stream after what was written.
func (p *pipe) closeWrite() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		p.ended = true
		p.changed()
	}
}

// Close is the reader's: the writer's context ends.
func (p *pipe) Close() error {
	p.cancel()
	return nil
}
