package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// self is a listener within the process: a self-check connects through it and takes the way of
// every request from there on, through net/http and the route table.
type self struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// selfAddr is the remote address that net.Pipe has.
const selfAddr = "pipe"

func newSelf() *self {
	return &self{conns: make(chan net.Conn), closed: make(chan struct{})}
}

// Accept is the next self-check.
func (l *self) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close makes Accept fail.
func (l *self) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr names the listener in messages.
func (l *self) Addr() net.Addr { return selfListener{} }

type selfListener struct{}

func (selfListener) Network() string { return selfAddr }
func (selfListener) String() string  { return selfAddr }

// check asks for a host that nobody can have and wants to hear that within timeout.
func (l *self) check(ctx context.Context, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ours, theirs := net.Pipe()
	defer ours.Close()
	select {
	case l.conns <- theirs:
	case <-ctx.Done():
		return fmt.Errorf("cannot connect: %w", ctx.Err())
	}
	deadline, _ := ctx.Deadline()
	ours.SetDeadline(deadline)
	io.WriteString(ours, "GET / HTTP/1.1\r\nHost: -self-check-\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(ours), nil)
	if err != nil {
		return fmt.Errorf("cannot read answer: %w", err)
	}
	if res.StatusCode != http.StatusMisdirectedRequest {
		return fmt.Errorf("answer is %s", res.Status)
	}
	return nil
}
