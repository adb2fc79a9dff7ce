package load

import (
	"bufio"
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// pool has the connections of one stream: kept ones, and a bound on how many there are at once.
type pool struct {
	load    Load
	address string
	slots   chan struct{} // one for each that is in use; nil without a bound

	mu     sync.Mutex
	idle   []*conn
	opened int // or being opened, and not closed yet
}

type conn struct {
	net.Conn
	reader *bufio.Reader
	stale  int // kept connections that were found closed before this one was taken
}

// errBusy is a request for which no connection became free in its time.
var errBusy = errors.New("all connections are busy")

func newPool(l Load, address string) *pool {
	p := &pool{load: l, address: address}
	if l.Connections > 0 {
		p.slots = make(chan struct{}, l.Connections)
	}
	return p
}

// take gives a connection: a kept one that the server has not closed, or a new one.
func (p *pool) take(deadline time.Time) (*conn, error) {
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	if err := p.enter(ctx); err != nil {
		return nil, err
	}
	stale := 0
	for kept := p.get(); kept != nil; kept = p.get() {
		if kept.open() {
			kept.stale = stale
			return kept, nil
		}
		p.drop(kept)
		stale++
	}
	c, err := p.dial(ctx)
	if err != nil {
		p.leave()
		return nil, err
	}
	c.stale = stale
	return c, nil
}

// dial opens the connection that get has counted.
func (p *pool) dial(ctx context.Context) (*conn, error) {
	fresh, err := p.load.Dial(ctx, "tcp", p.address)
	if err != nil {
		p.forget()
		return nil, err
	}
	return &conn{Conn: fresh, reader: bufio.NewReader(fresh)}, nil
}

func (p *pool) drop(c *conn) {
	c.Close()
	p.forget()
}

func (p *pool) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opened--
}

// give takes a connection back, to be kept if it may be used again.
func (p *pool) give(c *conn, reusable bool) {
	if reusable {
		p.mu.Lock()
		p.idle = append(p.idle, c)
		p.mu.Unlock()
	} else {
		p.drop(c)
	}
	p.leave()
}

func (p *pool) enter(ctx context.Context) error {
	if p.slots == nil {
		return nil
	}
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return errBusy
	}
}

func (p *pool) leave() {
	if p.slots != nil {
		<-p.slots
	}
}

// get gives a kept connection, or counts one that is to be opened. As many as there may be are opened
// first, and then used in turn: so they all stay in use, as those of many visitors do.
func (p *pool) get() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 || p.opened < p.load.Connections {
		p.opened++
		return nil
	}
	first := p.idle[0]
	p.idle = p.idle[1:]
	return first
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, kept := range p.idle {
		kept.Close()
	}
}

// open reports whether the server has neither closed the kept connection nor said anything on it.
// A request that was never sent has not failed.
func (c *conn) open() bool {
	socket, ok := c.Conn.(syscall.Conn)
	if !ok {
		return true
	}
	c.SetDeadline(time.Time{})
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	quiet := false
	err = raw.Read(func(fd uintptr) bool {
		_, _, peeked := unix.Recvfrom(int(fd), make([]byte, 1), unix.MSG_PEEK|unix.MSG_DONTWAIT)
		quiet = errors.Is(peeked, unix.EAGAIN)
		return true
	})
	return err == nil && quiet
}
