package socket

import (
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// writing is what is being written: first and then second, or a part of a file.
type writing struct {
	conn          *Conn
	first, second []byte
	file          int // descriptor
	left          int64
	sent          int64
	err           error
	try           func(fd uintptr) bool

	waited   bool      // a deadline is set
	extended time.Time // when
}

// Write writes all of p.
func (c *Conn) Write(p []byte) (int, error) { return c.WriteTwo(p, nil) }

// WriteTwo writes all of p and then all of q, with one system call when the socket takes both.
func (c *Conn) WriteTwo(p, q []byte) (int, error) {
	if len(p)+len(q) == 0 {
		return 0, nil
	}
	w := &c.out
	w.first, w.second, w.left = p, q, 0
	n, err := c.write()
	w.first, w.second = nil, nil
	return int(n), err
}

func (c *Conn) write() (int64, error) {
	w := &c.out
	w.sent, w.err = 0, nil
	err := c.raw.Write(w.try)
	if w.waited {
		w.waited, w.extended = false, time.Time{}
		c.rest()
	}
	if err == nil {
		err = w.err
	}
	return w.sent, err
}

// rest leaves the deadline as somebody else has set it.
func (c *Conn) rest() {
	if limit := c.limit.Load(); limit != 0 {
		c.Conn.SetWriteDeadline(time.Unix(0, limit))
		return
	}
	c.Conn.SetWriteDeadline(time.Time{})
}

// once is false when it is to be called again as soon as the socket takes more.
func (w *writing) once(fd uintptr) bool {
	for {
		n, err := w.some(int(fd))
		if n > 0 {
			w.sent += int64(n)
			if !w.took(n) {
				continue
			}
			return true
		}
		switch err {
		case unix.EINTR:
		case unix.EAGAIN:
			w.extend()
			return false
		case nil: // the file has become shorter
			w.err = io.ErrUnexpectedEOF
			return true
		default:
			w.err = syscallError("write", err)
			return true
		}
	}
}

// sliceSize is how much of a file one system call may send, so that the bound on how long the peer
// may take nothing is looked at in between.
const sliceSize = 2 << 20

func (w *writing) some(fd int) (int, error) {
	switch {
	case w.left > 0:
		return unix.Sendfile(fd, w.file, nil, int(min(w.left, sliceSize)))
	case len(w.first) == 0:
		return unix.Write(fd, w.second)
	case len(w.second) == 0:
		return unix.Write(fd, w.first)
	}
	parts := [2][]byte{w.first, w.second}
	return unix.Writev(fd, parts[:])
}

// took is true when all is written.
func (w *writing) took(n int) bool {
	if w.left > 0 {
		w.left -= int64(n)
		return w.left == 0
	}
	m := min(n, len(w.first))
	w.first, w.second = w.first[m:], w.second[n-m:]
	return len(w.first)+len(w.second) == 0
}

// extend gives the peer time again. Only a write that has to wait sets a deadline, at most one each
// second.
func (w *writing) extend() {
	now := time.Now()
	if w.waited && now.Sub(w.extended) < time.Second {
		return
	}
	w.waited, w.extended = true, now
	w.conn.Conn.SetWriteDeadline(w.conn.until(now))
}

// WriteFile sends n bytes of f from its offset on with sendfile(2). It fails with
// io.ErrUnexpectedEOF when there are fewer.
func (c *Conn) WriteFile(f *os.File, n int64) (sent int64, err error) {
	if n <= 0 {
		return 0, nil
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	outer := raw.Control(func(fd uintptr) {
		c.out.file, c.out.left = int(fd), n
		sent, err = c.write()
		c.out.left = 0
	})
	if err == nil {
		err = outer
	}
	return sent, err
}
