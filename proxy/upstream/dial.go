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

// ErrNoListener says that nobody accepted connections during the whole hold time.
var ErrNoListener = errors.New("nobody listens for the whole hold time")

// Dial connects to the application. While its socket is not there, refuses, or has a full queue,
// nothing was sent and nothing is lost, so it tries again until hold has passed and fails with
// ErrNoListener then. waiting is called when the first attempt failed. Canceling ctx ends the wait.
func Dial(ctx context.Context, up route.Upstream, hold time.Duration, waiting func()) (net.Conn, error) {
	conn, err := dialOnce(ctx, up)
	if err == nil {
		return conn, nil
	}
	if !comesBack(err) {
		return nil, fmt.Errorf("cannot connect to application: %w", err)
	}
	waiting()
	return dialUntil(ctx, up, hold, err)
}

// dialUntil begins with a pause, because an attempt has just failed with err.
func dialUntil(ctx context.Context, up route.Upstream, hold time.Duration, err error) (net.Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, hold, ErrNoListener)
	defer cancel()
	timer := time.NewTimer(firstPause)
	defer timer.Stop()
	for pause := firstPause; ; {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("cannot connect to application: %w: %w", context.Cause(ctx), err)
		case <-timer.C:
		}
		var conn net.Conn
		if conn, err = dialOnce(ctx, up); err == nil {
			return conn, nil
		}
		if !comesBack(err) && ctx.Err() == nil {
			return nil, fmt.Errorf("cannot connect to application: %w", err)
		}
		pause = min(2*pause, lastPause)
		timer.Reset(pause)
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
	return new(net.Dialer).DialContext(ctx, up.Network, up.Address)
}

// comesBack says whether the reason is one that a starting or busy application has: no socket yet,
// nobody listening on it, or a full queue (unix sockets say EAGAIN).
func comesBack(err error) bool {
	return errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EAGAIN)
}
