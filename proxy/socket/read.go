package socket

import (
	"io"

	"golang.org/x/sys/unix"
)

// Lender lends a buffer for as long as there is something to put into it.
type Lender interface {
	Lend() []byte
	TakeBack()
}

type reading struct {
	from Lender
	n    int
	err  error
	try  func(fd uintptr) bool
}

// ReadLent waits until there is something to read and only then reads it into a buffer of from. A
// connection that is silent holds no buffer. When nothing was read the buffer was taken back.
func (c *Conn) ReadLent(from Lender) (int, error) {
	c.in.from = from
	err := c.raw.Read(c.in.try)
	c.in.from = nil
	if err != nil {
		return 0, err
	}
	if c.in.err != nil {
		return 0, c.in.err
	}
	if c.in.n == 0 {
		return 0, io.EOF
	}
	return c.in.n, nil
}

// once is false when it is to be called again as soon as the socket is readable.
func (r *reading) once(fd uintptr) bool {
	for {
		var err error
		r.n, err = unix.Read(int(fd), r.from.Lend())
		if err == unix.EINTR {
			continue
		}
		r.err = syscallError("read", err)
		if r.n <= 0 {
			r.n = 0
			r.from.TakeBack()
		}
		return err != unix.EAGAIN
	}
}
