package proxy

import "encoding/binary"

// frames follows WebSocket frames (RFC 6455 5.2) in a stream of bytes, to know where one ends: a
// frame of ours may stand there, even between the fragments of a message.
type frames struct {
	head [14]byte // of the frame that has begun
	size int      // how much of the head is there
	rest uint64   // bytes of its payload that are not
}

// between says whether the stream is at the end of a frame.
func (f *frames) between() bool { return f.size == 0 && f.rest == 0 }

// read follows all of p.
func (f *frames) read(p []byte) {
	for len(p) > 0 {
		p = p[f.readOne(p):]
	}
}

// readOne follows p up to the end of one frame, and says how many bytes that were.
func (f *frames) readOne(p []byte) (n int) {
	for n < len(p) {
		if f.rest > 0 {
			m := min(f.rest, uint64(len(p)-n))
			f.rest -= m
			n += int(m)
		} else {
			f.head[f.size] = p[n]
			f.size++
			n++
			f.endHead()
		}
		if f.between() {
			return n
		}
	}
	return n
}

// endHead turns a head that is complete into the length of its payload.
func (f *frames) endHead() {
	if f.size < 2 {
		return
	}
	length, size := uint64(f.head[1]&0x7f), 2
	switch length {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	begin := size
	if f.head[1]&0x80 != 0 { // a mask; servers send none
		size += 4
	}
	if f.size < size {
		return
	}
	switch length {
	case 126:
		length = uint64(binary.BigEndian.Uint16(f.head[2:begin]))
	case 127:
		length = binary.BigEndian.Uint64(f.head[2:begin])
	}
	f.size, f.rest = 0, length
}
