package h1

import (
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"sandwich/proxy/wire"
)

// body is the body of a request. One goroutine reads it at a time; it may be another one than the
// handler's, until the handler returns.
type body struct {
	c       *conn
	left    int64 // bytes to come, of the body or of the chunk
	chunks  *wire.Chunks
	err     error // io.EOF: all was read
	ended   atomic.Bool
	reading sync.Mutex
}

// newBody is nil when the request has none.
func newBody(c *conn, m *meaning) *body {
	switch {
	case m.chunked:
		return &body{c: c, chunks: new(wire.Chunks)}
	case m.length > 0:
		return &body{c: c, left: m.length}
	}
	return nil
}

// Read asks the client for the body first, if it waits for that.
func (b *body) Read(p []byte) (n int, err error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	if b.ended.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	if b.err == nil && len(p) > 0 {
		b.c.sayContinue()
		if n, b.err = b.read(p); b.err != nil {
			b.c.uploading.Store(false)
		}
	}
	return n, b.err
}

func (b *body) read(p []byte) (n int, err error) {
	if b.chunks != nil && b.left == 0 {
		if b.left, err = b.chunks.Next(&b.c.in, nil); err != nil {
			return 0, err
		}
	}
	n, err = b.c.in.read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	switch {
	case err == io.EOF:
		return n, io.ErrUnexpectedEOF
	case b.left == 0 && b.chunks == nil:
		return n, io.EOF
	}
	return n, err
}

// Close does nothing: what was not read ends the connection.
func (b *body) Close() error { return nil }

// end makes sure that nobody reads any more, and says whether the next request follows: all of the
// body was read, or it is in the buffer and can be left out.
func (b *body) end() (whole bool) {
	if !b.reading.TryLock() { // somebody does, whom nobody has told to stop
		b.ended.Store(true)
		b.c.interrupt()
		b.reading.Lock()
	}
	defer b.reading.Unlock()
	b.ended.Store(true)
	if b.skippable() {
		b.c.in.discard(int(b.left))
		b.left, b.err = 0, io.EOF
	}
	return b.err == io.EOF
}

// skippable is whether the whole rest is in the buffer. Only a handler that is not reading may ask.
func (b *body) skippable() bool {
	return b.err == nil && b.chunks == nil && !b.c.expects && b.left <= int64(len(b.c.in.buffered()))
}

// isRead says, without waiting, whether the connection can be used after this body.
func (b *body) isRead() bool {
	if !b.reading.TryLock() {
		return false
	}
	defer b.reading.Unlock()
	return b.err == io.EOF || b.skippable()
}
