// Package upstream speaks HTTP/1.1 to an application server: one connection for each request,
// over a unix socket or TCP. It waits for a listener that is not there yet. Which requests go
// where, what is in their header, and what the client is told on failure is left to others.
package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"sandwich/proxy/route"
)

// The back-off between two attempts to connect: short enough that nobody notices a listener's
// first millisecond, long enough that 500 waiting requests cost little.
const (
	firstPause = time.Millisecond
	lastPause  = 50 * time.Millisecond
)

// tcpTimeout is for a host that does not answer at all.
const tcpTimeout = 10 * time.Second

// ErrNoListener says that nobody accepted connections as long as the request could wait.
var ErrNoListener = errors.New("nobody listens for the time a request may wait")

// Dial connects to the application. While its socket is not there, refuses, or has a full queue,
// nothing was sent and nothing is lost, so it tries again and again until giveUp says no, which is
// asked before each pause, and fails with ErrNoListener then. Canceling ctx ends the wait.
func Dial(ctx context.Context, up route.Upstream, giveUp func() bool) (net.Conn, error) {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		conn, err := dialOnce(ctx, up)
		switch {
		case err == nil:
			return conn, nil
		case !comesBack(err):
			return nil, fmt.Errorf("cannot connect to application: %w", err)
		case giveUp():
			return nil, fmt.Errorf("cannot connect to application: %w: %w", ErrNoListener, err)
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, fmt.Errorf("cannot connect to application: %w: %w", context.Cause(ctx), err)
		case <-timer.C:
		}
	}
}

// dialOnce never waits for a unix socket: its connect(2) succeeds or fails at once.
func dialOnce(ctx context.Context, up route.Upstream) (net.Conn, error) {
	if up.Network == "unix" {
		c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: up.Address, Net: "unix"})
		if err != nil {
			return nil, err // not c: a nil *UnixConn is no nil net.Conn
		}
		return c, nil
	}
	return (&net.Dialer{Timeout: tcpTimeout}).DialContext(ctx, up.Network, up.Address)
}

// comesBack says whether the reason is one that a starting or busy application has: no socket yet,
// nobody listening on it, or a full queue (unix sockets say EAGAIN). A lack of descriptors ends, too.
func comesBack(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EAGAIN)
}
