package upstream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// maxResponseHead bounds the header of a response, all 1xx before it included.
const maxResponseHead = 256 << 10

// What can go wrong after connecting.
var (
	// ErrReset says that the connection ended before the first byte of a response.
	ErrReset = errors.New("application closed the connection without an answer")
	// ErrTimeout says that the application took longer than it may.
	ErrTimeout = errors.New("application did not answer in time")
	// ErrBroken says that what the application sent is no HTTP/1.1 response.
	ErrBroken = errors.New("application sent a broken answer")
	// ErrRefused says that Refuse was called.
	ErrRefused = errors.New("application will not answer")
)

// Conn is a connection that carries one request and its response. Not safe for concurrent use,
// but Close may be called at any time, and one goroutine may write while another reads.
type Conn struct {
	net.Conn
	timeout time.Duration
	in      *bufio.Reader
	head    int64 // bytes of response head that may still be read; -1 when the head is complete
	leave   func() bool
	content content
	ended   bool // the connection has: what was read of it is all there is

	state atomic.Int32 // asked, answered or refused
}

// What has become of the request: it is decided once whether it was answered or given up.
const (
	asked int32 = iota
	answered
	refused
)

// Refuse gives the request up unless a byte of its response is here: ReadResponse fails with
// ErrRefused then. It may be called at any time.
func (u *Conn) Refuse() {
	if u.state.CompareAndSwap(asked, refused) {
		u.Conn.Close()
	}
}

var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 16<<10) }}

// NewConn uses c for one request. Each wait for the application is bounded by timeout.
func NewConn(c net.Conn, timeout time.Duration) *Conn {
	u := &Conn{Conn: c, timeout: timeout, in: readers.Get().(*bufio.Reader), head: maxResponseHead}
	u.in.Reset((*source)(u))
	return u
}

// CloseWith closes the connection when ctx ends.
func (u *Conn) CloseWith(ctx context.Context) {
	u.leave = context.AfterFunc(ctx, func() { u.Conn.Close() })
}

// Hijack is the connection itself, without deadlines and contexts, after a 101. What Buffered
// returns comes before what is read from it. Release is still to be called.
func (u *Conn) Hijack() net.Conn {
	if u.leave != nil {
		u.leave()
	}
	u.Conn.SetDeadline(time.Time{})
	return u.Conn
}

// Release closes the connection and gives its buffer back. Nothing may use u after it.
func (u *Conn) Release() {
	if u.leave != nil {
		u.leave()
	}
	u.Conn.Close()
	if u.in != nil {
		u.in.Reset(nil)
		readers.Put(u.in)
		u.in = nil
	}
}

// Write sends a part of the request, each in the time the application has for an answer.
func (u *Conn) Write(p []byte) (int, error) {
	u.SetWriteDeadline(time.Now().Add(u.timeout))
	n, err := u.Conn.Write(p)
	return n, timeoutOr(err)
}

// WriteAll sends several parts of the request with one system call.
func (u *Conn) WriteAll(parts *net.Buffers) error {
	u.SetWriteDeadline(time.Now().Add(u.timeout))
	_, err := parts.WriteTo(u.Conn)
	return timeoutOr(err)
}

// ReadResponse reads the head of the response to r and hands each 1xx before it to informed,
// except 100, which was not asked for. It fails with ErrReset, ErrCut, ErrTimeout, ErrBroken
// or ErrRefused.
func (u *Conn) ReadResponse(r *http.Request, informed func(*http.Response)) (*http.Response, error) {
	told := false
	for {
		res, err := u.readHead(r)
		if err != nil {
			return nil, u.explain(err, told)
		}
		if res.StatusCode >= 200 || res.StatusCode == http.StatusSwitchingProtocols {
			u.head = -1
			return res, nil
		}
		if res.StatusCode != http.StatusContinue {
			informed(res)
			told = true
		}
	}
}

// explain tells what an error in the head of a response means, and whether a part of it has been
// passed on before.
func (u *Conn) explain(err error, told bool) error {
	switch {
	case u.state.Load() == refused:
		return ErrRefused
	case errors.Is(timeoutOr(err), ErrTimeout):
		return ErrTimeout
	case u.state.Load() != answered:
		return fmt.Errorf("%w: %w", ErrReset, err)
	case u.ended && !told:
		return fmt.Errorf("%w: %w", ErrCut, err)
	}
	return fmt.Errorf("%w: %w", ErrBroken, err)
}

// Buffered is what the application sent right after the head of a 101.
func (u *Conn) Buffered() []byte {
	p, _ := u.in.Peek(u.in.Buffered())
	return p
}

// source is the reading side of a Conn below its buffer.
type source Conn

var errHeadTooLarge = errors.New("header is larger than 256 KiB")

func (s *source) Read(p []byte) (int, error) {
	if s.head == 0 {
		return 0, errHeadTooLarge
	}
	if s.head > 0 && int64(len(p)) > s.head {
		p = p[:s.head]
	}
	s.Conn.SetReadDeadline(time.Now().Add(s.timeout))
	n, err := s.Conn.Read(p)
	if n > 0 {
		if !s.state.CompareAndSwap(asked, answered) && s.state.Load() == refused {
			return 0, ErrRefused
		}
	}
	if s.head > 0 {
		s.head -= int64(n)
	}
	s.ended = s.ended || isEnd(err)
	if err == io.EOF {
		return n, err // bare, as bufio and net/http compare it
	}
	return n, timeoutOr(err)
}

func timeoutOr(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return ErrTimeout
	}
	return err
}
