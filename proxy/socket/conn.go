// Package socket reads from and writes to connected stream sockets in the fewest system calls: it
// waits without a buffer, writes with a bound on how long the peer may take nothing, and sends
// files within the kernel. What the bytes mean is left to others.
package socket

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Patience is how long a peer may take no byte of what is written to it: nginx's send_timeout.
const Patience = 60 * time.Second

// Conn is a connected socket. One goroutine may read while another writes; Close, Gone and the
// deadlines may be used at any time.
type Conn struct {
	net.Conn
	raw syscall.RawConn

	in            reading
	out           writing
	remote, local net.Addr // what was said of them; nil: the socket's own

	limit atomic.Int64 // Unix nanoseconds after which nothing is written; 0: no such time
}

// New makes a Conn of a TCP or unix connection. It is false for anything else.
func New(c net.Conn) (*Conn, bool) {
	s, ok := c.(syscall.Conn)
	if !ok {
		return nil, false
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return nil, false
	}
	conn := &Conn{Conn: c, raw: raw}
	conn.in.try = conn.in.once
	conn.out.try = conn.out.once
	conn.out.conn = conn
	return conn, true
}

// Of finds the socket that c speaks through, for example below TLS; nil when there is none.
func Of(c net.Conn) *Conn {
	for {
		if s, ok := c.(*Conn); ok {
			return s
		}
		inner, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return nil
		}
		c = inner.NetConn()
	}
}

// NetConn is the connection below, which has no bound on how long a write may take.
func (c *Conn) NetConn() net.Conn { return c.Conn }

// Introduce has RemoteAddr and LocalAddr say what is known of the two ends. It is called before others
// use the connection.
func (c *Conn) Introduce(remote, local net.Addr) { c.remote, c.local = remote, local }

// RemoteAddr is the client's address.
func (c *Conn) RemoteAddr() net.Addr {
	if c.remote != nil {
		return c.remote
	}
	return c.Conn.RemoteAddr()
}

// LocalAddr is the address that the client has connected to.
func (c *Conn) LocalAddr() net.Addr {
	if c.local != nil {
		return c.local
	}
	return c.Conn.LocalAddr()
}

// Control has f use the descriptor, which is not closed meanwhile.
func (c *Conn) Control(f func(fd uintptr)) error { return c.raw.Control(f) }

// CloseWrite tells the peer that nothing more will come.
func (c *Conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Reset makes Close tell the peer that something was lost, instead of an end in order.
func (c *Conn) Reset() {
	if tcp, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
		tcp.SetLinger(0)
	}
}

// SetWriteDeadline bounds writes beyond the patience they have with the peer.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.setLimit(t)
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline bounds reads and writes.
func (c *Conn) SetDeadline(t time.Time) error {
	c.setLimit(t)
	return c.Conn.SetDeadline(t)
}

func (c *Conn) setLimit(t time.Time) {
	if t.IsZero() {
		c.limit.Store(0)
		return
	}
	c.limit.Store(t.UnixNano())
}

// until is the deadline of a write that waits from now on.
func (c *Conn) until(now time.Time) time.Time {
	deadline := now.Add(Patience)
	if limit := c.limit.Load(); limit != 0 && limit < deadline.UnixNano() {
		return time.Unix(0, limit)
	}
	return deadline
}

// Gone says whether the peer has left: it has closed the connection or at least its half of it,
// or has reset it. With whole, half is not enough. It reads nothing.
func (c *Conn) Gone(whole bool) (gone bool) {
	events := int16(unix.POLLRDHUP)
	if whole {
		events = 0 // POLLHUP and POLLERR are always told, poll(2)
	}
	err := c.raw.Control(func(fd uintptr) {
		list := []unix.PollFd{{Fd: int32(fd), Events: events}}
		n, err := unix.Poll(list, 0)
		gone = err == nil && n > 0
	})
	return gone || err != nil
}

func syscallError(name string, err error) error {
	if err == nil {
		return nil
	}
	return os.NewSyscallError(name, err)
}
