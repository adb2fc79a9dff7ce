package upstream

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"syscall"
)

// ErrCut says that the connection ended in the head of a response, or between it and the first
// byte of its content: servers write the two apart, and may be killed in between.
var ErrCut = errors.New("application closed the connection before the content of its answer")

// AwaitContent waits for the first byte of the content of res, or for its end, so that a response
// of which nothing has come can still be given up. One without content is complete as it is. It
// fails with ErrCut or ErrTimeout; res.Body gives all of the content as before.
func (u *Conn) AwaitContent(res *http.Response) error {
	if res.Body == http.NoBody || res.Request.Method == http.MethodHead {
		return nil
	}
	c := &u.content
	c.ReadCloser = res.Body
	for c.n, c.err = 0, nil; c.n == 0 && c.err == nil; {
		c.n, c.err = res.Body.Read(c.first[:])
	}
	switch {
	case c.n > 0 || c.err == io.EOF:
		res.Body = c
		return nil
	case errors.Is(c.err, ErrTimeout):
		return c.err
	case u.state.Load() == refused:
		return ErrRefused
	case isEnd(c.err):
		return fmt.Errorf("%w: %w", ErrCut, c.err)
	}
	return fmt.Errorf("%w: %w", ErrBroken, c.err)
}

// content is a body whose first byte was read already.
type content struct {
	io.ReadCloser
	first [1]byte
	n     int   // of first, not yet given on
	err   error // what came with it
}

func (c *content) Read(p []byte) (int, error) {
	switch {
	case c.n > 0 && len(p) > 0:
		c.n = 0
		return copy(p, c.first[:]), nil
	case c.n == 0 && c.err != nil:
		return 0, c.err
	}
	return c.ReadCloser.Read(p)
}

// isEnd says whether the connection ended, rather than that what came over it makes no sense.
func isEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
