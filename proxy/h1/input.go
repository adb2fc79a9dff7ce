package h1

import (
	"bytes"
	"errors"
	"net"
	"sync"

	"sandwich/proxy/socket"
	"sandwich/proxy/wire"
)

// firstSize is enough for the header of nearly every request.
const firstSize = 4 << 10

var buffers = sync.Pool{New: func() any { return new([firstSize]byte) }}

// input is what comes from the client and was not used yet. It has no buffer while there is
// nothing in it.
type input struct {
	conn   net.Conn
	socket *socket.Conn // conn itself, or nil

	pooled *[firstSize]byte
	buf    []byte // pooled, or a larger one; nil
	r, w   int    // buf[r:w] is there
	one    [1]byte
}

// Lend and TakeBack are for the socket: it borrows a buffer when it has something for it.
func (in *input) Lend() []byte {
	in.need()
	return in.buf[in.w:]
}

// TakeBack gives the buffer back when it is empty.
func (in *input) TakeBack() {
	if in.r == in.w {
		in.free()
	}
}

func (in *input) need() {
	if in.buf == nil {
		in.pooled = buffers.Get().(*[firstSize]byte)
		in.buf, in.r, in.w = in.pooled[:], 0, 0
	}
}

func (in *input) free() {
	if in.pooled != nil {
		buffers.Put(in.pooled)
	}
	in.pooled, in.buf, in.r, in.w = nil, nil, 0, 0
}

func (in *input) buffered() []byte { return in.buf[in.r:in.w] }

func (in *input) discard(n int) { in.r += n }

// wait returns when there is something in the buffer.
func (in *input) wait() error {
	if in.r < in.w {
		return nil
	}
	in.free()
	if in.socket != nil {
		n, err := in.socket.ReadLent(in)
		in.w += n
		return err
	}
	n, err := 0, error(nil)
	for n == 0 && err == nil {
		n, err = in.conn.Read(in.one[:]) // what is below has buffers of its own
	}
	if n == 0 {
		return err
	}
	in.need()
	in.buf[0], in.w = in.one[0], 1
	return nil
}

var errFull = errors.New("buffer is full")

// fill reads more behind what is there, and makes room for that, up to limit bytes in all.
func (in *input) fill(limit int) error {
	in.need()
	if in.r > 0 {
		copy(in.buf, in.buf[in.r:in.w])
		in.r, in.w = 0, in.w-in.r
	}
	if in.w == len(in.buf) {
		if in.w >= limit {
			return errFull
		}
		in.grow(limit)
	}
	n, err := 0, error(nil)
	for n == 0 && err == nil {
		n, err = in.conn.Read(in.buf[in.w:])
	}
	if in.w += n; n > 0 {
		return nil
	}
	return err
}

func (in *input) grow(limit int) {
	larger := make([]byte, min(4*len(in.buf), limit))
	copy(larger, in.buf[:in.w])
	if in.pooled != nil {
		buffers.Put(in.pooled)
		in.pooled = nil
	}
	in.buf = larger
}

// read is for a body: from the buffer first, then past it.
func (in *input) read(p []byte) (int, error) {
	if in.r < in.w {
		n := copy(p, in.buffered())
		in.discard(n)
		return n, nil
	}
	return in.conn.Read(p)
}

// ReadLine is for the chunks of a body.
func (in *input) ReadLine(limit int) ([]byte, error) {
	for scanned := 0; ; {
		p := in.buffered()
		if i := bytes.IndexByte(p[scanned:], '\n'); i >= 0 {
			end := scanned + i
			if end == 0 || p[end-1] != '\r' || end-1 > limit {
				return nil, wire.ErrLine
			}
			in.discard(end + 1)
			return p[:end-1], nil
		}
		if scanned = len(p); scanned > limit+1 {
			return nil, wire.ErrLine
		}
		if err := in.fill(wire.MaxLine + 2); err != nil {
			return nil, err
		}
	}
}
