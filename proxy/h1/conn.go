package h1

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"sandwich/proxy/socket"
)

// conn is a connection of a client.
type conn struct {
	s      *Server
	nc     net.Conn
	socket *socket.Conn // what nc speaks through, or nil
	plain  *socket.Conn // nc itself when nothing is in between, or nil
	ctx    context.Context
	remote string
	tls    *tls.ConnectionState
	in     input

	mu     sync.Mutex
	state  state
	cancel context.CancelFunc // of the request that is served
	opened time.Time
	until  time.Time // when an idle connection is closed

	patrolled atomic.Uint32 // how often the patrol has met the request that is served; see look
	uploading atomic.Bool   // its body has not ended

	continuing sync.Mutex // held while expects is looked at
	expects    bool       // the client waits to be asked for the body

	body   *body
	linger bool // something may come that nobody will read
	cut    bool // the answer is incomplete

	hijacked bool
	ended    func() // is called when the connection is the server's no more
}

// state is what a connection does.
type state int

const (
	opening state = iota // no request has come yet
	idle                 // between two requests
	parked               // its descriptor is in the server's lot
	busy                 // a request is being read or served
	gone                 // it is to end
)

func newConn(s *Server, nc net.Conn, ended func()) *conn {
	c := &conn{s: s, nc: nc, socket: socket.Of(nc), remote: nc.RemoteAddr().String(), opened: time.Now(), ended: ended}
	c.plain, _ = nc.(*socket.Conn)
	c.in.conn, c.in.socket = nc, c.plain
	c.ctx = context.WithValue(context.Background(), http.LocalAddrContextKey, nc.LocalAddr())
	if t, ok := nc.(*tls.Conn); ok {
		state := t.ConnectionState()
		c.tls = &state
	}
	return c
}

// serve serves one request after the other, until the connection ends or is parked.
func (c *conn) serve() {
	leave := c.end
	defer func() { leave() }()
	for {
		switch c.await() {
		case gone:
			return
		case parked:
			leave = func() { c.s.remove(c) }
			return
		}
		if !c.next() {
			return
		}
	}
}

// next serves a request and is true when another one may follow.
func (c *conn) next() bool {
	r, refusal := c.readRequest()
	if refusal != nil {
		c.refuse(refusal)
	}
	return r != nil && c.handle(r)
}

// await waits for the first byte of a request: the connection is busy then. Otherwise it is gone, or is
// parked and somebody else's to serve.
func (c *conn) await() state {
	c.becomesIdle()
	for {
		err := c.in.wait()
		if err == nil {
			c.becomesBusy()
			return busy
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return gone
		}
		if is := c.silent(); is != idle {
			return is
		}
	}
}

func (c *conn) becomesBusy() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == idle {
		c.opened = time.Time{}
	}
	c.state = busy
}

func (c *conn) becomesIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == opening {
		c.until = c.opened.Add(c.s.conf.HeaderTime)
		c.nc.SetReadDeadline(c.until)
		return
	}
	c.state = idle
	now := time.Now()
	if c.s.draining.Load() {
		c.until = now.Add(c.s.conf.Grace)
		c.nc.SetReadDeadline(c.until)
		return
	}
	c.until = now.Add(c.s.conf.IdleTime)
	c.stay(now)
}

// stay waits for a request until it is time to park, or the connection's time is over.
func (c *conn) stay(now time.Time) {
	if park := now.Add(c.s.conf.Park); c.parks() && park.Before(c.until) {
		c.nc.SetReadDeadline(park)
	} else {
		c.nc.SetReadDeadline(c.until)
	}
}

// parks says whether the connection is one that can be parked: without TLS, whose state has buffers.
func (c *conn) parks() bool { return c.plain != nil && c.s.conf.Park > 0 }

// silent is what becomes of a connection on which nothing came until its deadline.
func (c *conn) silent() state {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if !now.Before(c.until) {
		return gone
	}
	if c.state == idle && c.parks() && !c.s.draining.Load() {
		if c.s.park(c) {
			c.state = parked
			return parked
		}
	}
	c.stay(now)
	return idle
}

// hurry bounds how long the connection may be idle.
func (c *conn) hurry() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == idle {
		c.until = time.Now().Add(c.s.conf.Grace)
		c.nc.SetReadDeadline(c.until)
	}
}

func (c *conn) closeIdle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != idle {
		return false
	}
	c.until = past
	c.nc.SetReadDeadline(past)
	return true
}

// past is a deadline that makes a read fail now.
var past = time.Unix(1, 0)

func (c *conn) interrupt() { c.nc.SetReadDeadline(past) }

// abort ends the connection and what is done for it.
func (c *conn) abort() {
	if c.socket != nil {
		c.socket.Close() // TLS would wait for a write in progress
	} else {
		c.nc.Close()
	}
	c.leave()
}

var parsers = sync.Pool{New: func() any { return new(head) }}

// readRequest reads a header. There is neither a request nor a refusal when the client has left.
func (c *conn) readRequest() (*http.Request, *Refusal) {
	h := parsers.Get().(*head)
	defer parsers.Put(h)
	h.reset()
	var m meaning
	if err := c.readHead(h); err != nil {
		return nil, c.judge(err)
	}
	text := string(c.in.buffered()[:h.line])
	c.in.discard(h.line)
	ctx, cancel := context.WithCancel(c.ctx)
	r, refusal := h.request(ctx, text, &m)
	if refusal != nil {
		cancel()
		return nil, refusal
	}
	r.RemoteAddr, r.TLS = c.remote, c.tls
	c.begin(r, &m, cancel)
	return r, nil
}

func (c *conn) begin(r *http.Request, m *meaning, cancel context.CancelFunc) {
	c.body, c.expects = newBody(c, m), m.expects
	if c.body != nil {
		r.Body = c.body
		c.nc.SetReadDeadline(time.Now().Add(c.s.conf.BodyTime))
	} else {
		r.Body = http.NoBody
		c.in.TakeBack()
	}
	c.mu.Lock()
	c.cancel = cancel
	c.mu.Unlock()
	c.uploading.Store(c.body != nil)
	c.patrolled.Store(1)
}

func (c *conn) readHead(h *head) error {
	for hurried := false; ; {
		done, refusal := h.parse(c.in.buffered())
		if refusal != nil {
			return refusal
		}
		if done {
			return nil
		}
		if !hurried && c.opened.IsZero() {
			hurried = true
			c.nc.SetReadDeadline(time.Now().Add(c.s.conf.HeaderTime))
		}
		if err := c.in.fill(maxHead + firstSize); err != nil {
			return err
		}
	}
}

// judge is what to tell a client whose header did not come to its end; nil: nothing.
func (c *conn) judge(err error) *Refusal {
	var refusal *Refusal
	switch {
	case errors.As(err, &refusal):
		return refusal
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errHeadTooSlow
	case errors.Is(err, errFull):
		return errHeadTooLarge
	}
	return nil
}

// handle has the handler answer, and is true when another request may follow.
func (c *conn) handle(r *http.Request) bool {
	w := newResponse(c, r)
	whole := c.call(w, r)
	c.patrolled.Store(0)
	if !c.hijacked {
		whole = w.end(whole)
	}
	c.served()
	if c.hijacked {
		return false
	}
	read := c.body == nil || c.body.end()
	c.linger, c.cut = !read || c.in.r < c.in.w, !whole
	if w.status == http.StatusRequestTimeout {
		c.linger = false // who was too slow would be so for half a minute more
	}
	return whole && read && !w.last
}

// served cancels what was done for the request.
func (c *conn) served() {
	c.mu.Lock()
	cancel := c.cancel
	c.cancel = nil
	c.mu.Unlock()
	cancel()
}

// call is false when the handler has panicked: the answer is incomplete then.
func (c *conn) call(w *response, r *http.Request) (ok bool) {
	defer func() {
		if ok {
			return
		}
		if why := recover(); why != http.ErrAbortHandler {
			c.s.conf.Log.Error(fmt.Sprintf("panic while serving %s: %v\n%s", c.remote, why, debug.Stack()))
		}
	}()
	c.s.conf.Handler.ServeHTTP(w, r)
	return true
}

// isWaiting says whether the client may be waiting for an answer without anybody reading from it.
func (c *conn) isWaiting() bool { return c.patrolled.Load() > 0 }

// look cancels the request of a client that has left. A request is young when the patrol meets it
// first: most are answered before the second time.
func (c *conn) look() {
	switch c.patrolled.Load() {
	case 0:
		return
	case 1:
		c.patrolled.CompareAndSwap(1, 2)
		return
	}
	if c.socket != nil && c.socket.Gone(c.uploading.Load()) {
		c.leave()
	}
}

// sayContinue asks for the body when the client waits for that.
func (c *conn) sayContinue() {
	c.continuing.Lock()
	defer c.continuing.Unlock()
	if c.expects {
		c.expects = false
		c.write([]byte("HTTP/1.1 100 Continue\r\n\r\n"), nil)
	}
}

// neverContinue is for an answer that comes first. It says whether the client was not asked.
func (c *conn) neverContinue() bool {
	c.continuing.Lock()
	defer c.continuing.Unlock()
	waits := c.expects
	c.expects = false
	return waits
}

func (c *conn) end() {
	c.in.free()
	if c.hijacked {
		return
	}
	if c.linger && !c.cut {
		c.lingeringClose()
	}
	c.nc.Close()
	c.left()
}

func (c *conn) left() {
	c.s.remove(c)
	c.ended()
}

// write writes p and then q, which may be kept from growing old by a client that takes nothing.
func (c *conn) write(p, q []byte) error {
	if c.plain != nil {
		_, err := c.plain.WriteTwo(p, q)
		return err
	}
	if err := c.writePieces(p); err != nil {
		return err
	}
	return c.writePieces(q)
}

// writePieces is for a connection that has no patience of its own: that of a test, or TLS above
// such a one.
func (c *conn) writePieces(p []byte) error {
	for len(p) > 0 {
		if c.socket == nil {
			c.nc.SetWriteDeadline(time.Now().Add(socket.Patience))
		}
		n, err := c.nc.Write(p[:min(len(p), 16<<10)])
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// leave cancels the request that is served: its client is gone.
func (c *conn) leave() {
	c.mu.Lock()
	cancel := c.cancel
	c.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}
