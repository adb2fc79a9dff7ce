package proxy

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"sandwich/proxy/header"
	"sandwich/proxy/spool"
	"sandwich/proxy/upstream"
)

// answer passes the application's response on.
func (x *exchange) answer(res *http.Response) {
	if res.StatusCode == http.StatusSwitchingProtocols {
		x.tunnel(res)
		return
	}
	if x.sendNamed(res) {
		return
	}
	h := x.Header()
	if err := header.CopyResponse(h, res.Header); err != nil {
		clear(h)
		h["X-Request-Id"] = []string{x.origin.ID}
		x.giveUp(fmt.Errorf("%w: %w", upstream.ErrBroken, err))
		return
	}
	x.setHeaders()
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // keeps net/http from guessing one
	}
	for name := range res.Trailer {
		h.Add("Trailer", name)
	}
	if res.ContentLength >= 0 {
		h["Content-Length"] = []string{strconv.FormatInt(res.ContentLength, 10)}
	}
	x.agree(res)
	switch {
	case res.Body == http.NoBody || x.r.Method == http.MethodHead:
		x.end()
		x.begin(res)
	case x.streams(res):
		x.passStream(res)
	default:
		x.passBuffered(res)
	}
}

// begin sends the head, with the application's own words for the status where there is room for them.
func (x *exchange) begin(res *http.Response) {
	if w, ok := x.ResponseWriter.(interface{ SetReason(string) }); ok {
		w.SetReason(upstream.Reason(res))
	}
	x.WriteHeader(res.StatusCode)
}

// streams says whether each part of the body is to reach the client as soon as it is there.
func (x *exchange) streams(res *http.Response) bool {
	return x.match.Stream || !x.p.route.BufferResponses || x.stream ||
		strings.EqualFold(res.Header.Get("X-Accel-Buffering"), "no") ||
		strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream")
}

func (x *exchange) passStream(res *http.Response) {
	buf := spool.Memory()
	defer spool.Free(buf)
	out := x.outlet(nil)
	defer out.close(false)
	x.begin(res)
	out.ctl.Flush()
	for {
		n, err := res.Body.Read(buf[:])
		if n > 0 {
			if _, err := out.Write(buf[:n]); err != nil {
				return
			}
			out.flush()
		}
		if err != nil {
			out.close(err == io.EOF)
			x.finish(res, err)
			return
		}
	}
}

// passBuffered frees the application as fast as it can speak. What fits into memory is read
// before the client gets the first byte, so that an answer that breaks off becomes a 502.
func (x *exchange) passBuffered(res *http.Response) {
	buf := spool.Memory()
	defer spool.Free(buf)
	n, err := fill(res.Body, buf[:])
	switch err {
	case nil:
		x.pump(res, buf[:])
	case io.EOF:
		x.end()
		x.leave()
		body := x.whole(buf[:n], len(res.Trailer) > 0)
		x.begin(res)
		x.Write(body)
		x.finish(res, io.EOF)
	default:
		x.giveUp(brokenOff(err))
	}
}

// fill reads until p is full (nil) or src has ended.
func fill(src io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = src.Read(p[n:])
		n += m
	}
	return n, err
}

// pump sends first and then the rest of the body, which a goroutine reads from the application
// into memory and disk while the client takes its time.
func (x *exchange) pump(res *http.Response, first []byte) {
	out := x.outlet(first)
	defer out.close(false)
	x.begin(res)
	pipe := x.s.spool.NewPipe()
	defer pipe.Close()
	reader := start(func() { pipe.CloseWrite(x.drainInto(pipe, res.Body)) }, nil)
	defer reader.stop()
	defer x.conn.Close()
	defer pipe.Abandon()
	if _, err := out.Write(first); err != nil {
		return
	}
	err := emptyInto(out, pipe, first)
	out.close(err == io.EOF)
	if disk := pipe.DiskError(); disk != nil {
		x.p.site.complain(x.log(), disk.Error()+", the application waits for the client instead")
	}
	x.finish(res, err)
}

// drainInto reads the body to its end and lets the application go.
func (x *exchange) drainInto(pipe *spool.Pipe, body io.Reader) error {
	buf := spool.Memory()
	defer spool.Free(buf)
	_, err := io.CopyBuffer(onlyWriter{pipe}, body, buf[:])
	x.conn.Close()
	x.leave()
	return err
}

// emptyInto writes what comes through the pipe to the client. The error is the reader's, io.EOF
// for a whole body; a client that is gone shows in the request's context.
func emptyInto(out *outlet, pipe *spool.Pipe, buf []byte) error {
	for {
		if pipe.Empty() {
			out.flush()
		}
		n, err := pipe.Read(buf)
		if n > 0 {
			if _, err := out.Write(buf[:n]); err != nil {
				return errClientGone
			}
		}
		if err != nil {
			return err
		}
	}
}

var errClientGone = errors.New("client is gone")

// finish ends a response whose head is sent: with its trailer, or cut off when it is incomplete.
func (x *exchange) finish(res *http.Response, err error) {
	if err == io.EOF {
		for name, values := range res.Trailer {
			x.Header()[name] = values
		}
		return
	}
	x.aborted = true
	if err != errClientGone && x.r.Context().Err() == nil {
		x.p.site.failed(x.log(), brokenOff(err))
	}
}

// brokenOff says what an error in the middle of a body means.
func brokenOff(err error) error {
	if errors.Is(err, upstream.ErrTimeout) {
		return err
	}
	return fmt.Errorf("%w: it broke off: %w", upstream.ErrBroken, err)
}
