package proxy

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"sandwich/proxy/socket"
)

// serveOn serves every connection that l accepts, until l is closed or broken.
func (s *Server) serveOn(l net.Listener) error {
	secure := s.conf.TLS != nil && s.settings.Load().IsHTTPS(l.Addr())
	for {
		if _, ours := l.(*self); !ours {
			s.makeRoom(l)
		}
		c, err := s.accept(l)
		if err != nil {
			return fmt.Errorf("cannot serve on %s: %w", l.Addr(), err)
		}
		s.clients.add()
		go s.serveConn(c, secure)
	}
}

// serveConn speaks HTTP/1 on a connection, or HTTP/2 when that was agreed on in a handshake.
func (s *Server) serveConn(c net.Conn, secure bool) {
	if sock, ok := socket.New(c); ok {
		if !s.introduced(sock) {
			sock.Close()
			s.clients.remove()
			return
		}
		c = sock
	}
	if secure {
		s.serveSecure(c)
		return
	}
	s.h1.ServeConn(c, s.clients.remove)
}

// makeRoom waits until there may be another connection: those that are here need descriptors to be
// answered. Who connects meanwhile waits in the socket's queue.
func (s *Server) makeRoom(l net.Listener) {
	full := s.clients.full(s.room)
	if full == nil {
		return
	}
	closed := s.h1.CloseIdle(idleToClose)
	s.log.Warn(fmt.Sprintf("%d connections are open, accepting none on %s until one ends; %d idle ones are closed for it", s.room, l.Addr(), closed))
	select {
	case <-full:
	case <-s.stopped:
	}
}

// roomFor is how many connections may be open with this many descriptors. Each may need another one
// for an application or a file, and there are listeners, logs and directories.
func roomFor(descriptors uint64) int {
	const others = 32
	return int(max(1, min(descriptors, 1<<24)-min(descriptors, others)) / 2)
}

func descriptors() uint64 {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 1024 // what getrlimit(2) says in general
	}
	return limit.Cur
}

// The pauses before accepting again when that has failed for a reason that goes by.
const (
	firstAcceptPause = 5 * time.Millisecond
	lastAcceptPause  = 500 * time.Millisecond
)

// accept is the next connection. Those that cannot be accepted now wait in the socket's queue.
func (s *Server) accept(l net.Listener) (net.Conn, error) {
	for pause := firstAcceptPause; ; pause = min(2*pause, lastAcceptPause) {
		c, err := l.Accept()
		if err == nil || !goesBy(err) {
			return c, err
		}
		closed := s.h1.CloseIdle(idleToClose)
		s.log.Warn(fmt.Sprintf("cannot accept connections on %s, trying again: %v; %d idle ones are closed for it", l.Addr(), err, closed))
		s.pause(pause)
	}
}

// idleToClose is how many kept connections are given up at a time when there are too many.
const idleToClose = 64

// goesBy says whether the reason is one connection that has left, or a lack that may end.
func goesBy(err error) bool {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return false
	}
	switch errno {
	case syscall.ECONNABORTED, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EPERM, syscall.EPROTO:
		return true
	}
	return false
}

// pause waits, but not when the server ends.
func (s *Server) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.stopped:
	}
}

// unwrapped is the connection itself, for a tunnel, which may be silent as long as it likes.
func unwrapped(c net.Conn) net.Conn {
	if s, ok := c.(*socket.Conn); ok {
		s.SetDeadline(time.Time{})
		return s.NetConn()
	}
	if t, ok := c.(*tls.Conn); ok {
		t.SetDeadline(time.Time{})
	}
	return c
}
