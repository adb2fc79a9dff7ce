package h2

import (
	"io"
	"net/http"
	"time"
)

// body is the body of a request.
type body stream

// Read reads what has come, or waits for it.
func (b *body) Read(p []byte) (int, error) {
	st := (*stream)(b)
	c := st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(p) == 0 {
		return 0, nil
	}
	for st.in == nil || st.inRead == len(st.in) {
		if err := st.waitForBody(); err != nil {
			return 0, err
		}
	}
	if d := st.readBy.at; !d.IsZero() && !time.Now().Before(d) {
		return 0, st.wait(&st.readable, &st.readBy, d)
	}
	n := copy(p, st.in[st.inRead:])
	st.inRead += n
	if st.inRead == len(st.in) {
		st.in, st.inRead = st.in[:0], 0
	}
	st.used(n)
	return n, nil
}

// waitForBody waits for more of the body; io.EOF says that there is no more.
func (st *stream) waitForBody() error {
	switch {
	case st.err != nil:
		return st.err
	case st.handled:
		return http.ErrBodyReadAfterClose
	case st.recvDone:
		st.addTrailer()
		return io.EOF
	}
	st.encourage()
	return st.wait(&st.readable, &st.readBy, st.readBy.at)
}

// addTrailer gives the request the fields that came after its body.
func (st *stream) addTrailer() {
	for _, f := range st.trailer {
		if st.r.Trailer == nil {
			st.r.Trailer = http.Header{}
		}
		st.r.Trailer[f.key] = append(st.r.Trailer[f.key], f.value)
	}
	st.trailer = nil
}

// encourage tells a client that waits for it to send its body: RFC 9110 10.1.1.
func (st *stream) encourage() {
	if !st.waits || st.got > 0 || st.res.isBegun {
		return
	}
	st.waits = false
	st.c.sendBlock(st, []byte{tableUnused, 8, 3, '1', '0', '0'}, false)
	st.c.flush()
}

// used lets the client send as much again as was read. c.mu is held.
func (st *stream) used(n int) {
	c := st.c
	if update := st.received.give(n); update > 0 && !st.recvDone && c.err == nil {
		*c.queue() = appendWindowUpdate(*c.queue(), st.id, update)
	}
	c.credit(n)
	c.flush()
}

// Close lets the rest of the body go.
func (b *body) Close() error { return nil }

// takeData is DATA.
func (c *conn) takeData(h frameHead, p []byte) error {
	if h.stream == 0 {
		return &connError{ProtocolError, "DATA without a stream"}
	}
	data, err := unpad(h, p)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.received.take(len(p)) {
		return &connError{FlowControlError, "more DATA than the window of the connection"}
	}
	st := c.streams[h.stream]
	if st == nil {
		return c.takeLateData(h, len(p))
	}
	c.credit(len(p) - len(data))
	if err := st.check(h, len(p), len(data)); err != nil {
		c.credit(len(data))
		return err
	}
	st.keep(data)
	if h.has(flagEndStream) {
		if err := c.ended(st); err != nil {
			return err
		}
	}
	c.budget.carried(len(data))
	if len(data) == 0 && !h.has(flagEndStream) {
		return c.charge(costEmpty)
	}
	return c.charge(costFrame)
}

// takeLateData is DATA of a stream that is no more.
func (c *conn) takeLateData(h frameHead, n int) error {
	if c.isIdle(h.stream) && !c.isLeaving {
		return &connError{ProtocolError, "DATA for an idle stream"}
	}
	c.credit(n)
	switch c.closed.how(h.stream) {
	case closedByUs:
		return c.charge(costFrame)
	case closedInOrder:
		return &connError{StreamClosed, "DATA after the end of the stream"}
	}
	return &streamError{h.stream, StreamClosed, "DATA for a closed stream"}
}

// check says what is wrong with DATA of so many bytes, with and without padding.
func (st *stream) check(h frameHead, whole, n int) error {
	switch {
	case st.recvDone:
		return &streamError{st.id, StreamClosed, "DATA after the end of the request"}
	case !st.received.take(whole):
		return &streamError{st.id, FlowControlError, "more DATA than the window of the stream"}
	case st.declared >= 0 && st.got+int64(n) > st.declared:
		return &streamError{st.id, ProtocolError, "body is longer than Content-Length says"}
	}
	st.received.owed += whole - n
	st.got += int64(n)
	return nil
}

// keep keeps content for the handler; what none will read is let go, and another stream may have
// the room.
func (st *stream) keep(data []byte) {
	if st.handled {
		st.c.credit(len(data))
		return
	}
	if st.inRead > 0 && len(st.in)+len(data) > cap(st.in) {
		st.in = st.in[:copy(st.in, st.in[st.inRead:])]
		st.inRead = 0
	}
	st.in = append(st.in, data...)
	st.readable.Broadcast()
}
