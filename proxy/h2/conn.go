package h2

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Windows, RFC 9113 6.9. Ours are what a handler that reads nothing makes us keep.
const (
	defaultWindow = 65535
	streamWindow  = 256 << 10
	connWindow    = 1 << 20
)

// conn is a connection. One goroutine reads from it; every handler has a goroutine, and whoever has
// something to send sends it, with what others have queued meanwhile.
type conn struct {
	ctx     context.Context
	nc      net.Conn
	o       Options
	handler http.Handler
	tls     *tls.ConnectionState
	local   net.Addr
	remote  string

	// Of the reading goroutine.
	in  input
	dec decoder

	running sync.WaitGroup // handlers, and whatever else must end before Serve does

	mu       sync.Mutex
	streams  map[uint32]*stream // those that are not closed
	closed   closedStreams
	last     uint32 // the highest stream of the client
	handlers int    // those that run, for streams that are closed too
	budget   budget
	err      error // why nothing can be sent any more

	window     int // what may be sent
	peerWindow int // what each new stream may send
	received   receiveWindow

	out        *[]byte // frames to be sent, nil without
	writing    bool    // somebody sends
	room       sync.Cond
	encoded    bool      // a header block was sent
	extended   time.Time // when the write deadline was moved last
	isDraining bool      // the client was told to go
	isLeaving  bool      // and knows which of its requests are served
	idleSince  time.Time
	idleTimer  *time.Timer
}

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// errDone ends a connection in order.
var errDone = errors.New("connection is done")

// serve reads frames until the connection ends, and says why it did.
func (c *conn) serve() error {
	if err := c.readPreface(); err != nil {
		return err
	}
	if err := c.readFirst(); err != nil {
		return err
	}
	c.watchIdle()
	for {
		c.in.relax()
		if c.in.isEmpty() && c.settle() {
			return errDone
		}
		h, payload, err := c.in.next(false)
		if err != nil {
			return c.orDone(err)
		}
		if err = c.take(h, payload); err != nil {
			return err
		}
	}
}

// greet sends what comes first: RFC 9113 3.4.
func (c *conn) greet() {
	c.mu.Lock()
	defer c.mu.Unlock()
	*c.queue() = appendSettings(*c.queue(),
		setting{settingMaxConcurrentStreams, uint32(c.o.MaxStreams)},
		setting{settingInitialWindowSize, streamWindow},
		setting{settingMaxHeaderListSize, uint32(c.o.MaxHeader)},
		setting{settingNoPriorities, 1})
	*c.queue() = appendWindowUpdate(*c.queue(), 0, connWindow-defaultWindow)
	c.flushBehind()
}

func (c *conn) readPreface() error {
	if err := c.in.need(len(preface), true); err != nil {
		return err
	}
	if !bytes.Equal(c.in.buf[c.in.r:c.in.r+len(preface)], []byte(preface)) {
		return &connError{ProtocolError, "invalid preface"}
	}
	c.in.r += len(preface)
	return nil
}

func (c *conn) readFirst() error {
	h, payload, err := c.in.next(true)
	if err != nil {
		return err
	}
	if h.kind != frameSettings || h.has(flagAck) {
		return &connError{ProtocolError, "first frame is not SETTINGS"}
	}
	return c.take(h, payload)
}

// take does what a frame says. It returns what ends the connection.
func (c *conn) take(h frameHead, payload []byte) error {
	err := c.takeFrame(h, payload)
	if s, ok := err.(*streamError); ok {
		return c.refuse(s)
	}
	return err
}

func (c *conn) takeFrame(h frameHead, payload []byte) error {
	switch h.kind {
	case frameData:
		return c.takeData(h, payload)
	case frameHeaders:
		return c.takeHeaders(h, payload)
	case framePriority:
		return c.takePriority(h, payload)
	case frameReset:
		return c.takeReset(h, payload)
	case frameSettings:
		return c.takeSettings(h, payload)
	case framePing:
		return c.takePing(h, payload)
	case frameGoAway:
		return c.takeGoAway(h, payload)
	case frameWindowUpdate:
		return c.takeWindowUpdate(h, payload)
	case framePushPromise, frameContinuation:
		return &connError{ProtocolError, "frame that may not come here"}
	}
	return c.spend(costFrame) // RFC 9113 5.5: unknown ones mean nothing
}

// spend is for frames that cost us something and nobody else.
func (c *conn) spend(cost int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.charge(cost)
}

// charge is spend with mu held.
func (c *conn) charge(cost int) error {
	if !c.budget.spend(cost) {
		return &connError{EnhanceYourCalm, "client costs more than it is worth"}
	}
	return nil
}

// refuse resets a stream because of what the client did.
func (c *conn) refuse(e *streamError) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reset(e.stream, e.code, e)
	return c.charge(costStreamError)
}

func (c *conn) takePriority(h frameHead, p []byte) error {
	switch {
	case h.stream == 0:
		return &connError{ProtocolError, "PRIORITY without a stream"}
	case len(p) != 5:
		return &streamError{h.stream, FrameSizeError, "PRIORITY of the wrong size"}
	case dependency(p) == h.stream:
		return c.dependsOnItself(h.stream)
	}
	return c.spend(costFrame) // RFC 9113 5.3.2: deprecated
}

func dependency(p []byte) uint32 { return binary.BigEndian.Uint32(p) & maxWindow }

// dependsOnItself is a stream error, but there is no resetting of an idle stream.
func (c *conn) dependsOnItself(id uint32) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.streams[id] == nil {
		return &connError{ProtocolError, "stream depends on itself"}
	}
	return &streamError{id, ProtocolError, "stream depends on itself"}
}

func (c *conn) takeReset(h frameHead, p []byte) error {
	if len(p) != 4 {
		return &connError{FrameSizeError, "RST_STREAM of the wrong size"}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isIdle(h.stream) {
		return &connError{ProtocolError, "RST_STREAM for an idle stream"}
	}
	st := c.streams[h.stream]
	if st == nil {
		return c.charge(costFrame)
	}
	isAnswered := st.sendDone
	st.gone(errReset)
	c.close(st, closedByClient)
	if isAnswered {
		return nil
	}
	return c.charge(costReset)
}

// isIdle says whether a stream was never opened. Those of even numbers are ours to open, and we
// open none.
func (c *conn) isIdle(id uint32) bool { return id == 0 || id%2 == 0 || id > c.last }

func (c *conn) takePing(h frameHead, p []byte) error {
	if h.stream != 0 {
		return &connError{ProtocolError, "PING on a stream"}
	}
	if len(p) != 8 {
		return &connError{FrameSizeError, "PING of the wrong size"}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if h.has(flagAck) {
		if c.isDraining && string(p) == drainPing {
			c.leave()
		}
		return c.charge(costFrame)
	}
	*c.queue() = appendPing(*c.queue(), flagAck, p)
	return c.charge(costPing)
}

func (c *conn) takeGoAway(h frameHead, p []byte) error {
	if h.stream != 0 {
		return &connError{ProtocolError, "GOAWAY on a stream"}
	}
	if len(p) < 8 {
		return &connError{FrameSizeError, "GOAWAY of the wrong size"}
	}
	return c.spend(costFrame) // it opens no more streams, and closes when it has its answers
}

func (c *conn) takeSettings(h frameHead, p []byte) error {
	switch {
	case h.stream != 0:
		return &connError{ProtocolError, "SETTINGS on a stream"}
	case h.has(flagAck) && len(p) != 0, len(p)%6 != 0:
		return &connError{FrameSizeError, "SETTINGS of the wrong size"}
	case h.has(flagAck):
		return c.spend(costFrame)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// The acknowledgement comes before whatever a larger window lets go.
	*c.queue() = appendHead(*c.queue(), 0, frameSettings, flagAck, 0)
	for ; len(p) > 0; p = p[6:] {
		s := setting{binary.BigEndian.Uint16(p), binary.BigEndian.Uint32(p[2:])}
		if err := c.set(s); err != nil {
			return err
		}
	}
	return c.charge(costSettings)
}

// set is one setting of the client. Its frame size and table size may be what they want: we use the
// smallest frames, and no table.
func (c *conn) set(s setting) error {
	switch s.id {
	case settingEnablePush:
		if s.value > 1 {
			return &connError{ProtocolError, "SETTINGS_ENABLE_PUSH is neither 0 nor 1"}
		}
	case settingInitialWindowSize:
		return c.setWindow(s.value)
	case settingMaxFrameSize:
		if s.value < maxFrame || s.value > 1<<24-1 {
			return &connError{ProtocolError, "SETTINGS_MAX_FRAME_SIZE out of range"}
		}
	}
	return nil
}

// setWindow changes the windows of all streams by the difference: RFC 9113 6.9.2.
func (c *conn) setWindow(value uint32) error {
	if value > maxWindow {
		return &connError{FlowControlError, "SETTINGS_INITIAL_WINDOW_SIZE out of range"}
	}
	delta := int(value) - c.peerWindow
	c.peerWindow = int(value)
	for _, st := range c.streams {
		if st.window += delta; st.window > maxWindow {
			return &connError{FlowControlError, "window is too large"}
		}
		if delta > 0 {
			st.mayWrite()
		}
	}
	return nil
}

func (c *conn) takeWindowUpdate(h frameHead, p []byte) error {
	if len(p) != 4 {
		return &connError{FrameSizeError, "WINDOW_UPDATE of the wrong size"}
	}
	n := int(binary.BigEndian.Uint32(p) & maxWindow)
	c.mu.Lock()
	defer c.mu.Unlock()
	if h.stream == 0 {
		return c.widen(n)
	}
	if c.isIdle(h.stream) {
		return &connError{ProtocolError, "WINDOW_UPDATE for an idle stream"}
	}
	st := c.streams[h.stream]
	if st == nil {
		return c.charge(costFrame)
	}
	if n == 0 {
		return &streamError{h.stream, ProtocolError, "WINDOW_UPDATE by nothing"}
	}
	if st.window += n; st.window > maxWindow {
		return &streamError{h.stream, FlowControlError, "window is too large"}
	}
	st.mayWrite()
	return c.charge(costFrame)
}

// widen is WINDOW_UPDATE for the connection.
func (c *conn) widen(n int) error {
	if n == 0 {
		return &connError{ProtocolError, "WINDOW_UPDATE by nothing"}
	}
	if c.window += n; c.window > maxWindow {
		return &connError{FlowControlError, "window is too large"}
	}
	for _, st := range c.streams {
		st.mayWrite()
	}
	return c.charge(costFrame)
}

// end closes the connection because of err, and all that is left of it.
func (c *conn) end(err error) {
	c.in.free()
	c.mu.Lock()
	if c.idleTimer != nil {
		c.idleTimer.Stop()
	}
	var e *connError
	if errors.As(err, &e) {
		*c.queue() = appendGoAway(*c.queue(), c.last, e.code)
	}
	isPolite := c.err == nil && (e != nil || err == errDone)
	if isPolite {
		c.flush()
		c.waitForWriter()
	}
	c.lose(err)
	c.mu.Unlock()
	if isPolite {
		partFrom(c.nc)
	}
	c.nc.Close()
}

// lose ends all streams, with mu held. Nothing is sent after it.
func (c *conn) lose(err error) {
	if c.err == nil {
		c.err = err
	}
	for _, st := range c.streams {
		st.gone(errGone)
		c.close(st, closedByUs)
	}
	c.room.Broadcast()
}

// partTime is how long a client may take to read the last frames, before a reset of the
// connection destroys them.
const partTime = time.Second

// partFrom says that nothing more comes, and waits until the client has closed, too.
func partFrom(nc net.Conn) {
	nc.SetDeadline(time.Now().Add(partTime))
	if t, ok := nc.(*tls.Conn); ok {
		t.CloseWrite()
		nc = t.NetConn()
	}
	half, ok := nc.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	io.CopyN(io.Discard, nc, 1<<20)
}
