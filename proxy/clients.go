package proxy

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// clients are the open connections of clients, without tunnels. Safe for concurrent use.
type clients struct {
	mu   sync.Mutex
	open map[*clientConn]struct{}
	last bool          // no connection is to be kept for long any more
	none chan struct{} // closed when the last one has ended; nil while nobody waits
}

// changed is what net/http tells of a connection.
func (cs *clients) changed(conn net.Conn, state http.ConnState) {
	c, ok := conn.(*clientConn)
	if !ok {
		return
	}
	switch state {
	case http.StateNew:
		cs.add(c)
	case http.StateIdle:
		c.becomesIdle(cs.closing())
	case http.StateHijacked, http.StateClosed:
		cs.remove(c)
	}
}

func (cs *clients) add(c *clientConn) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.open == nil {
		cs.open = map[*clientConn]struct{}{}
	}
	cs.open[c] = struct{}{}
}

func (cs *clients) remove(c *clientConn) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if delete(cs.open, c); len(cs.open) == 0 {
		wake(&cs.none)
	}
}

func (cs *clients) closing() bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return cs.last
}

// part waits until all have ended, or until ctx ends. It is false then. Connections without a
// request are closed when none has come for idleGrace: closing them at once would lose those that
// are on their way.
func (cs *clients) part(ctx context.Context) bool {
	cs.mu.Lock()
	cs.last = true
	list := make([]*clientConn, 0, len(cs.open))
	for c := range cs.open {
		list = append(list, c)
	}
	none := make(chan struct{})
	if cs.none = none; len(list) == 0 {
		wake(&cs.none)
	}
	cs.mu.Unlock()
	for _, c := range list {
		c.hurry()
	}
	select {
	case <-none:
		return true
	case <-ctx.Done():
		return false
	}
}

// idleGrace is how long a kept connection may still be used. Answers say that it is the last one.
const idleGrace = time.Second

// idleness is where a connection is between two requests. net/http says that it is idle, sets a
// deadline for the next request's first byte, and when that is there sets another deadline.
type idleness int

const (
	busy idleness = iota
	becomesIdle
	idle
)

func (c *clientConn) becomesIdle(last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idleness, c.last = becomesIdle, last
}

// hurry bounds how long the connection may be idle.
func (c *clientConn) hurry() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last = true; c.idleness == idle {
		c.Conn.SetReadDeadline(time.Now().Add(idleGrace))
	}
}

// SetReadDeadline is net/http's.
func (c *clientConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.idleness {
	case becomesIdle:
		if c.idleness = idle; c.last {
			t = time.Now().Add(idleGrace)
		}
	case idle:
		c.idleness = busy
	}
	return c.Conn.SetReadDeadline(t)
}
