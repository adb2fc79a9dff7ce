package proxy

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// listener accepts connections that bound how long a client may take no byte.
type listener struct{ net.Listener }

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &clientConn{Conn: c}, nil
}

// clientConn is a connection to a client. A write to it fails when nothing of it was taken for
// progressTime. One goroutine writes at a time, as net/http does.
type clientConn struct {
	net.Conn
	extended time.Time // when the write deadline was moved last

	corked  bool
	pending []byte // what was written while corked

	mu       sync.Mutex
	idleness idleness
	last     bool // it is not to be idle for long
}

// unwrapped is the connection itself, for a tunnel, which may be silent as long as it likes.
func unwrapped(c net.Conn) net.Conn {
	if c, ok := c.(*clientConn); ok {
		c.Conn.SetDeadline(time.Time{})
		return c.Conn
	}
	return c
}

// extend moves the deadline at most once a second: doing it for each write shows in profiles.
func (c *clientConn) extend() {
	if now := time.Now(); now.Sub(c.extended) > time.Second {
		c.extended = now
		c.Conn.SetWriteDeadline(now.Add(progressTime))
	}
}

func (c *clientConn) Write(p []byte) (int, error) {
	c.extend()
	if !c.corked {
		return c.Conn.Write(p)
	}
	if len(p) <= corkSize {
		c.pending = append(c.pending, p...)
		return len(p), nil
	}
	parts := net.Buffers{c.pending, p}
	_, err := parts.WriteTo(c.Conn)
	c.pending = c.pending[:0]
	return len(p), err
}

// corkSize is up to where copying is cheaper than another system call.
const corkSize = 16 << 10

// cork collects what is written until uncork: net/http writes a page of 5 kB in two pieces.
func (c *clientConn) cork() { c.corked = true }

func (c *clientConn) uncork() {
	if c.corked = false; len(c.pending) > 0 {
		c.Write(c.pending) // a client that is gone shows in the request's context
		c.pending = c.pending[:0]
	}
}

// connKey finds the connection in the context of its requests.
type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// writeAtOnce writes p and what net/http has buffered before it with one system call.
func writeAtOnce(w http.ResponseWriter, r *http.Request, p []byte) {
	c, ok := r.Context().Value(connKey{}).(*clientConn)
	if !ok || len(p) < 2<<10 { // a smaller one waits in net/http's buffer anyway
		w.Write(p)
		return
	}
	c.cork()
	defer c.uncork()
	w.Write(p)
	http.NewResponseController(w).Flush()
}

// sliceSize is how much of a file goes out under one deadline: 2 KiB/s is progress.
const sliceSize = 128 << 10

// ReadFrom sends a file by sendfile(2), slice by slice. Only files come this way: net/http copies
// everything else itself.
func (c *clientConn) ReadFrom(src io.Reader) (int64, error) {
	out, canSend := c.Conn.(io.ReaderFrom)
	file, isPart := src.(*io.LimitedReader)
	if !canSend || !isPart {
		return io.Copy(struct{ io.Writer }{c}, src)
	}
	var sent int64
	for file.N > 0 {
		c.extend()
		n, err := out.ReadFrom(&io.LimitedReader{R: file.R, N: min(file.N, sliceSize)})
		file.N -= n
		sent += n
		if err != nil || n == 0 {
			return sent, err
		}
	}
	return sent, nil
}

// CloseWrite is for net/http, which lets a client read an answer to a request it still sends.
func (c *clientConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
