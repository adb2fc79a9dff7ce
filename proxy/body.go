package proxy

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"sandwich/proxy/header"
	"sandwich/proxy/spool"
)

// minRate is the slowest a body may arrive on average after its first minute, in bytes per second.
const minRate = 256

// takeBody reads the request's body to its end, before the application hears of it: a slow client
// must not hold a worker. It returns the status to answer with when that fails, or 0. A body that
// is to be streamed is left where it is.
func (x *exchange) takeBody() (status int) {
	x.body = new(spool.Body)
	limit := x.p.route.MaxBody
	if limit > 0 && x.r.ContentLength > limit {
		return x.tooLarge()
	}
	if x.r.ContentLength == 0 {
		return 0
	}
	x.length = x.r.ContentLength
	if x.stream = x.match.Stream || !x.p.route.BufferRequests; x.stream {
		if x.length < 0 {
			x.length = header.Chunked
		}
		return 0
	}
	in := newClientBody(x.r, x.ResponseWriter, 0)
	body, err := x.s.spool.ReadAll(in, limit)
	in.done()
	x.spent.wait, x.spent.received = time.Since(in.started), in.received
	if err != nil {
		return x.bodyStatus(err)
	}
	x.body, x.length = body, body.Size()
	return 0
}

func (x *exchange) tooLarge() int {
	x.Header()["Connection"] = closing
	x.p.site.complain(x.log(), fmt.Sprintf("request body is larger than %d bytes, answering 413: proxy.max_body of %s",
		x.p.route.MaxBody, x.p.route.Name))
	return http.StatusRequestEntityTooLarge
}

func (x *exchange) bodyStatus(err error) int {
	x.Header()["Connection"] = closing
	var disk *spool.DiskError
	switch {
	case errors.Is(err, spool.ErrTooLarge):
		return x.tooLarge()
	case errors.As(err, &disk):
		x.p.site.complain(x.log(), err.Error()+", answering 507")
		return http.StatusInsufficientStorage
	case errors.Is(err, os.ErrDeadlineExceeded):
		return http.StatusRequestTimeout
	}
	return http.StatusBadRequest
}

// clientBody is the body of a request from a client that may be slow, but not without bound, and
// not larger than limit (0: no limit).
type clientBody struct {
	r        *http.Request
	ctl      *http.ResponseController
	started  time.Time
	received int64
	limit    int64

	canceled atomic.Bool // nobody wants the rest
	err      error       // what the client did wrong before that
}

func newClientBody(r *http.Request, w http.ResponseWriter, limit int64) *clientBody {
	return &clientBody{r: r, ctl: http.NewResponseController(w), started: time.Now(), limit: limit}
}

func (b *clientBody) Read(p []byte) (int, error) {
	now := time.Now()
	deadline := b.started.Add(progressTime + time.Duration(b.received/minRate)*time.Second)
	if next := now.Add(progressTime); next.Before(deadline) {
		deadline = next
	}
	b.ctl.SetReadDeadline(deadline)
	n, err := b.r.Body.Read(p)
	b.received += int64(n)
	if b.limit > 0 && b.received > b.limit {
		n, err = 0, spool.ErrTooLarge
	}
	if err != nil && err != io.EOF && !b.canceled.Load() {
		b.err = err
	}
	return n, err
}

// cancel makes a Read of another goroutine fail now.
func (b *clientBody) cancel() {
	b.canceled.Store(true)
	b.ctl.SetReadDeadline(time.Unix(1, 0))
}

// done lets the connection live without a deadline again: net/http watches it for the client's
// going away while the application works.
func (b *clientBody) done() { b.ctl.SetReadDeadline(time.Time{}) }
