package h2

import (
	"io"
	"net"
	"sync"
	"time"
)

// inputSize has room for the largest frame and the beginning of the next.
const inputSize = maxFrame + frameHeadSize + 4<<10

var inputs = sync.Pool{New: func() any { return new([inputSize]byte) }}

// input reads frames. It holds a buffer only while there is something in it, so that an idle
// connection costs none.
type input struct {
	conn    net.Conn
	timeout time.Duration // for the rest of what has begun

	buf  *[inputSize]byte // nil while empty
	r, w int
	head [frameHeadSize]byte // where an idle connection reads to
	late bool                // a deadline is set
}

// next is the next frame; its payload is valid until the call after it. begun says that it belongs
// to what has begun already: the time it has does not begin again.
func (in *input) next(begun bool) (h frameHead, payload []byte, err error) {
	if err = in.need(frameHeadSize, begun); err != nil {
		return h, nil, err
	}
	h = parseHead(in.buf[in.r:])
	if h.length > maxFrame {
		return h, nil, &connError{FrameSizeError, "frame is larger than SETTINGS_MAX_FRAME_SIZE"}
	}
	if err = in.need(frameHeadSize+h.length, begun); err != nil {
		return h, nil, err
	}
	payload = in.buf[in.r+frameHeadSize : in.r+frameHeadSize+h.length]
	in.r += frameHeadSize + h.length
	return h, payload, nil
}

// need returns when n bytes are there.
func (in *input) need(n int, begun bool) error {
	if in.r == in.w {
		in.free()
		if err := in.wait(begun); err != nil {
			return err
		}
	}
	for in.w-in.r < n {
		in.hurry(n)
		if err := in.fill(); err != nil {
			return err
		}
	}
	return nil
}

// wait waits for the first bytes with no buffer but that of a head.
func (in *input) wait(begun bool) error {
	if begun {
		in.hurry(0)
	}
	n, err := in.conn.Read(in.head[:])
	for n == 0 && err == nil { // io.Reader allows that
		n, err = in.conn.Read(in.head[:])
	}
	if n == 0 {
		return err
	}
	in.buf = inputs.Get().(*[inputSize]byte)
	in.r, in.w = 0, copy(in.buf[:], in.head[:n])
	return nil
}

func (in *input) fill() error {
	if in.r > 0 && inputSize-in.w < maxFrame {
		in.w = copy(in.buf[:], in.buf[in.r:in.w])
		in.r = 0
	}
	n, err := in.conn.Read(in.buf[in.w:])
	in.w += n
	if n > 0 {
		return nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// isEmpty says whether the next frame must be waited for, as far as is known here.
func (in *input) isEmpty() bool { return in.r == in.w }

func (in *input) free() {
	if in.buf != nil {
		inputs.Put(in.buf)
		in.buf, in.r, in.w = nil, 0, 0
	}
}

// minRate is how fast a frame must come, in bytes per second, when its time is over.
const minRate = 256

// hurry bounds how long the rest of a frame of n bytes may take.
func (in *input) hurry(n int) {
	if !in.late {
		in.late = true
		in.conn.SetReadDeadline(time.Now().Add(in.timeout + time.Duration(n/minRate)*time.Second))
	}
}

// relax lets the next frame take as long as it likes.
func (in *input) relax() {
	if in.late {
		in.late = false
		in.conn.SetReadDeadline(time.Time{})
	}
}
