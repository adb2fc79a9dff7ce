package h2

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"time"
)

// Why a stream has ended before its time.
var (
	errReset    = errors.New("client reset the stream")
	errGone     = errors.New("client closed the connection")
	errFinished = errors.New("handler has returned")
)

// lingerTime is how long a request may go on after its answer: what is wrong with it must still be
// told, and a client that sends a body reads the answer sooner when nothing is reset.
const lingerTime = time.Second

// stream is one request and its answer.
type stream struct {
	requestContext
	c   *conn
	id  uint32
	r   *http.Request
	res response

	// The rest is guarded by c.mu.

	err error // why it has ended before its time

	in       []byte // of the body, from inRead on
	inRead   int
	received receiveWindow
	declared int64 // by Content-Length, or -1
	got      int64
	recvDone bool // the client has sent all
	waits    bool // the client wants to hear 100 before it sends
	trailer  []field
	readable sync.Cond
	readBy   deadline

	window    int // what may be sent
	isBlocked bool
	sendDone  bool
	handled   bool  // the handler has returned
	tail      *tail // what the handler has left to be sent
	writable  sync.Cond
	writeBy   deadline
	later     *time.Timer // ends what goes on after the handler
}

// deadline is when a handler has waited enough.
type deadline struct {
	at    time.Time // zero: never
	timer *time.Timer
}

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
	}
}

// wait waits at cond, at most until at. c.mu is held, and let go meanwhile.
func (st *stream) wait(cond *sync.Cond, d *deadline, at time.Time) error {
	if !at.IsZero() {
		left := time.Until(at)
		if left <= 0 {
			return os.ErrDeadlineExceeded
		}
		if d.timer == nil {
			d.timer = time.AfterFunc(left, func() {
				st.c.mu.Lock()
				defer st.c.mu.Unlock()
				cond.Broadcast()
			})
		} else {
			d.timer.Reset(left)
		}
	}
	cond.Wait()
	return nil
}

// open begins a stream. c.mu is held.
func (c *conn) open(id uint32, h *head, endStream bool) *stream {
	st := &stream{
		c: c, id: id,
		received: receiveWindow{left: streamWindow, size: streamWindow},
		declared: h.length, recvDone: endStream, window: c.peerWindow,
	}
	st.requestContext.parent = c
	st.readable.L, st.writable.L = &c.mu, &c.mu
	st.res.st, st.res.declared = st, -1
	c.streams[id] = st
	return st
}

// run is the goroutine of a handler.
func (st *stream) run(handler http.Handler) {
	defer st.c.running.Done()
	defer st.cancel(errFinished)
	defer st.recovered()
	if st.isGone() {
		st.abandon()
		return
	}
	handler.ServeHTTP(&st.res, st.r)
	st.res.finish()
}

func (st *stream) isGone() bool {
	st.c.mu.Lock()
	defer st.c.mu.Unlock()
	return st.err != nil
}

// recovered resets the stream of a handler that panics.
func (st *stream) recovered() {
	reason := recover()
	if reason == nil {
		return
	}
	if reason != http.ErrAbortHandler {
		st.c.o.Log.Error(fmt.Sprintf("handler panicked: %v\n%s", reason, debug.Stack()))
	}
	st.abandon()
}

// abandon ends a stream whose handler did not come to an end.
func (st *stream) abandon() {
	c := st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	st.res.free()
	c.handlers--
	st.handled = true
	if st.err == nil {
		c.reset(st.id, InternalError, http.ErrAbortHandler)
	}
	c.flush()
}

// gone ends the stream before its time. c.mu is held.
func (st *stream) gone(err error) {
	if st.err == nil {
		st.err = err
	}
	st.tail = nil
	st.isBlocked = false
	st.readable.Broadcast()
	st.writable.Broadcast()
	st.cancel(err)
}

// reset ends a stream with RST_STREAM. c.mu is held.
func (c *conn) reset(id uint32, code ErrCode, err error) {
	if st := c.streams[id]; st != nil {
		st.gone(err)
		c.close(st, closedByUs)
	} else {
		c.closed.add(id, closedByUs)
	}
	*c.queue() = appendReset(*c.queue(), id, code)
}

// close forgets a stream. c.mu is held.
func (c *conn) close(st *stream, how closing) {
	delete(c.streams, st.id)
	c.closed.add(st.id, how)
	if how == closedInOrder {
		c.budget.earn(earnAnswer)
	} else {
		c.discard(st)
	}
	st.readBy.stop()
	st.writeBy.stop()
	if st.later != nil {
		st.later.Stop()
	}
	if len(c.streams) == 0 {
		c.idleSince = time.Now()
		c.wakeIfDone()
	}
}

// discard gives back what a stream holds of the connection's window. c.mu is held.
func (c *conn) discard(st *stream) {
	c.credit(len(st.in) - st.inRead)
	st.in, st.inRead = nil, 0
}

// credit counts bytes of content as used. c.mu is held.
func (c *conn) credit(n int) {
	if update := c.received.give(n); update > 0 && c.err == nil {
		*c.queue() = appendWindowUpdate(*c.queue(), 0, update)
	}
}

// sent is called when the answer is complete. c.mu is held.
func (c *conn) sent(st *stream) {
	st.sendDone = true
	st.tail = nil
	switch {
	case st.recvDone:
		c.close(st, closedInOrder)
	case st.later != nil:
		st.later.Reset(lingerTime)
	default:
		st.later = time.AfterFunc(lingerTime, st.endLate)
	}
}

// endLate resets what has gone on for too long after the handler: a request that was answered
// (RFC 9113 8.1), or an answer that is not taken.
func (st *stream) endLate() {
	c := st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.streams[st.id] != st {
		return
	}
	code := Cancel
	if st.sendDone {
		code = NoError
	}
	c.reset(st.id, code, os.ErrDeadlineExceeded)
	c.flushBehind()
}
