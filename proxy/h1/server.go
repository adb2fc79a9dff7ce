// Package h1 is an HTTP/1 server for connections that others accept: it reads requests strictly,
// hands them to an http.Handler, and writes the answers. What can be read in two ways is refused,
// and nothing that follows it on its connection is read. An idle connection costs little: it has no
// buffer, and after a while no goroutine. Which connections there are, and what requests mean, is left to others.
package h1

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a Server needs from outside.
type Config struct {
	Handler http.Handler
	Log     *slog.Logger

	HeaderTime time.Duration // for a whole header, and for the first one since the connection began
	IdleTime   time.Duration // between two requests
	Park       time.Duration // how long an idle connection keeps its goroutine; 0: always
	BodyTime   time.Duration // for each part of a body, unless the handler sets a deadline of its own
	Grace      time.Duration // how long an idle connection may still be used after Drain

	Refused func(why *Refusal) // is told of what never becomes a request; nil: nobody
}

// Server serves connections. Its methods are safe for concurrent use.
type Server struct {
	conf     Config
	draining atomic.Bool
	lot      atomic.Pointer[lot] // once a connection was to be parked, while Run runs
	wanted   chan struct{}       // has one when there should be a lot

	mu     sync.Mutex
	conns  map[*conn]struct{} // but those that are parked
	closed bool
}

// New makes a server. Run must run while it serves.
func New(conf Config) *Server {
	return &Server{conf: conf, wanted: make(chan struct{}, 1), conns: map[*conn]struct{}{}}
}

// ServeConn serves the requests that come through nc, which is a *socket.Conn, a *tls.Conn after
// its handshake, or any other connection, until it ends, and closes it. It returns before that when the
// connection is idle for long. A connection whose handler
// hijacks it is left to that handler. ended is called once: when the connection has ended, or when
// it is hijacked.
func (s *Server) ServeConn(nc net.Conn, ended func()) {
	s.serve(newConn(s, nc, ended))
}

func (s *Server) serve(c *conn) {
	if s.add(c) {
		c.serve()
	} else {
		c.end()
	}
}

// wake serves a connection that was parked.
func (s *Server) wake(w waiting) {
	c := newConn(s, w.Attach(), w.ended)
	c.state, c.opened = idle, time.Time{}
	s.serve(c)
}

// add is false when no connection is to be served any more.
func (s *Server) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// all is a copy: what is done with each may take its lock, or remove it.
func (s *Server) all() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		list = append(list, c)
	}
	return list
}

// Drain makes every answer from now on the last one of its connection, and closes connections that
// are idle when no request has come for the grace: closing them at once would lose those that are
// on their way. It does not wait.
func (s *Server) Drain() {
	s.draining.Store(true)
	for _, c := range s.all() {
		c.hurry()
	}
	if lot := s.lot.Load(); lot != nil {
		lot.hurry(time.Now().Add(s.conf.Grace))
	}
}

// CloseIdle closes connections that wait for a request, n at most, and says how many those were.
func (s *Server) CloseIdle(n int) (closed int) {
	for _, w := range s.parked(func(waiting) bool { closed++; return closed <= n }) {
		w.end()
	}
	closed = min(closed, n)
	for _, c := range s.all() {
		if closed == n {
			break
		}
		if c.closeIdle() {
			closed++
		}
	}
	return closed
}

// Close ends every connection now, whatever it does.
func (s *Server) Close() {
	s.draining.Store(true)
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	for _, c := range s.all() {
		c.abort()
	}
	for _, w := range s.parked(always) {
		w.end()
	}
}

// parked takes those of the parked connections that are as wanted.
func (s *Server) parked(wanted func(waiting) bool) []waiting {
	if lot := s.lot.Load(); lot != nil {
		return lot.some(wanted)
	}
	return nil
}

func always(waiting) bool { return true }

// patrolPause is how often clients are looked at that wait for an answer.
const patrolPause = 250 * time.Millisecond

// Run serves connections that have been silent, and notices clients that leave while they are owed an
// answer, until ctx ends: the contexts of their requests are canceled then.
func (s *Server) Run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { s.parking(ctx) })
	s.patrol(ctx)
}

// parking has a lot as soon as one is wanted.
func (s *Server) parking(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-s.wanted:
	}
	lot, err := newLot()
	if err != nil {
		s.conf.Log.Warn(fmt.Sprintf("idle connections take more memory than they need: %v", err))
		return
	}
	s.lot.Store(lot)
	defer context.AfterFunc(ctx, func() {
		s.lot.Store(nil)
		for _, w := range lot.close() {
			go s.wake(w)
		}
	})()
	lot.run(s.wake)
}

// park is false when the connection has to keep its goroutine.
func (s *Server) park(c *conn) bool {
	if lot := s.lot.Load(); lot != nil {
		return lot.add(c)
	}
	select {
	case s.wanted <- struct{}{}:
	default:
	}
	return false
}

func (s *Server) patrol(ctx context.Context) {
	tick := time.NewTicker(patrolPause)
	defer tick.Stop()
	var list []*conn
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			list = s.look(list[:0])
			s.endLate(now)
		}
	}
}

// endLate ends parked connections whose time is over.
func (s *Server) endLate(now time.Time) {
	for _, w := range s.parked(func(w waiting) bool { return !now.Before(w.until) }) {
		w.end()
	}
}

// look lends the list for its work.
func (s *Server) look(list []*conn) []*conn {
	s.mu.Lock()
	for c := range s.conns {
		if c.isWaiting() {
			list = append(list, c)
		}
	}
	s.mu.Unlock()
	for _, c := range list {
		c.look()
	}
	clear(list)
	return list
}
