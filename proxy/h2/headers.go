package h2

import (
	"net/http"
	"strings"
)

// maxContinuations bounds the frames of one header block. One that MaxHeader allows needs four.
const maxContinuations = 32

// takeHeaders is HEADERS: a request, or the end of one.
func (c *conn) takeHeaders(h frameHead, p []byte) error {
	if h.stream == 0 {
		return &connError{ProtocolError, "HEADERS without a stream"}
	}
	block, err := unpad(h, p)
	if err != nil {
		return err
	}
	dependsOn := uint32(0)
	if h.has(flagPriority) {
		if len(block) < 5 {
			return &connError{FrameSizeError, "HEADERS too short for its priority"}
		}
		dependsOn, block = dependency(block), block[5:]
	}
	if !h.has(flagEndHeaders) {
		if block, err = c.continued(h.stream, block); err != nil {
			return err
		}
	}
	fields, tooLarge, err := c.dec.decode(block)
	if err != nil {
		return err
	}
	if dependsOn == h.stream {
		c.mu.Lock()
		c.last = max(c.last, h.stream)
		c.mu.Unlock()
		return &streamError{h.stream, ProtocolError, "stream depends on itself"}
	}
	return c.takeBlock(h, fields, tooLarge)
}

// unpad takes the padding away: RFC 9113 6.1.
func unpad(h frameHead, p []byte) ([]byte, error) {
	if !h.has(flagPadded) {
		return p, nil
	}
	if len(p) == 0 {
		return nil, &connError{FrameSizeError, "no room for the size of the padding"}
	}
	n := int(p[0])
	if n >= len(p) {
		return nil, &connError{ProtocolError, "more padding than frame"}
	}
	return p[1 : len(p)-n], nil
}

// continued reads the rest of a header block: RFC 9113 6.10. CVE-2024-27316 is what it is bounded
// for.
func (c *conn) continued(stream uint32, first []byte) ([]byte, error) {
	block := append([]byte(nil), first...)
	for range maxContinuations {
		h, p, err := c.in.next(true)
		if err != nil {
			return nil, err
		}
		if h.kind != frameContinuation || h.stream != stream {
			return nil, &connError{ProtocolError, "header block is interrupted"}
		}
		if block = append(block, p...); len(block) > c.o.MaxHeader {
			break
		}
		if h.has(flagEndHeaders) {
			return block, c.spend(costEmpty)
		}
	}
	return nil, &connError{EnhanceYourCalm, "header block does not end"}
}

// takeBlock is what a header block means for its stream.
func (c *conn) takeBlock(h frameHead, fields []field, tooLarge bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if st := c.streams[h.stream]; st != nil {
		return c.takeTrailer(st, h, fields)
	}
	if h.stream%2 == 0 {
		return &connError{ProtocolError, "HEADERS for a stream that is ours to open"}
	}
	if h.stream <= c.last {
		return c.takeLate(h)
	}
	if c.isLeaving {
		return nil // the client knows that it is not served: RFC 9113 6.8
	}
	c.last = h.stream
	if len(c.streams) >= c.o.MaxStreams || c.handlers >= c.o.MaxStreams {
		c.reset(h.stream, RefusedStream, nil)
		return c.charge(costRefused)
	}
	return c.begin(h, fields, tooLarge)
}

// takeLate is for HEADERS of a stream that is closed.
func (c *conn) takeLate(h frameHead) error {
	switch c.closed.how(h.stream) {
	case closedByUs:
		return c.charge(costFrame)
	case closedByClient:
		return &streamError{h.stream, StreamClosed, "HEADERS after RST_STREAM"}
	case closedInOrder:
		return &connError{StreamClosed, "HEADERS after the end of the stream"}
	}
	return &connError{ProtocolError, "stream is lower than one before it"}
}

// takeTrailer is the end of a request that has a trailer.
func (c *conn) takeTrailer(st *stream, h frameHead, fields []field) error {
	switch flaw := trailerFlaw(fields); {
	case st.recvDone:
		return &streamError{st.id, StreamClosed, "HEADERS after the end of the request"}
	case !h.has(flagEndStream):
		return &streamError{st.id, ProtocolError, "HEADERS within a request"}
	case flaw != "":
		return &streamError{st.id, ProtocolError, flaw}
	}
	if !st.handled {
		st.trailer = append([]field(nil), fields...)
	}
	return c.ended(st)
}

// ended is the end of a request's body.
func (c *conn) ended(st *stream) error {
	if st.declared >= 0 && st.got != st.declared {
		return &streamError{st.id, ProtocolError, "body is not as long as Content-Length says"}
	}
	st.recvDone = true
	st.readable.Broadcast()
	if st.sendDone {
		c.close(st, closedInOrder)
	}
	return nil
}

// begin starts a handler for a new request.
func (c *conn) begin(h frameHead, fields []field, tooLarge bool) error {
	handler := c.handler
	rq := &head{method: http.MethodGet, path: "/", length: -1, header: http.Header{}}
	if tooLarge {
		handler = http.HandlerFunc(refuseHeader)
		if err := c.charge(costRefused); err != nil {
			return err
		}
	} else if r, flaw := parseFields(fields); flaw != "" {
		return &streamError{h.stream, ProtocolError, flaw}
	} else {
		rq = r
	}
	if h.has(flagEndStream) && rq.length > 0 {
		return &streamError{h.stream, ProtocolError, "body is missing"}
	}
	u, err := rq.url()
	if err != nil {
		return &streamError{h.stream, ProtocolError, ":path cannot be understood"}
	}
	st := c.open(h.stream, rq, h.has(flagEndStream))
	st.r = c.request(st, rq)
	st.r.URL = u
	c.handlers++
	c.running.Add(1)
	go st.run(handler)
	return nil
}

func refuseHeader(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusRequestHeaderFieldsTooLarge)
}

var noRequest http.Request

// request is the request as handlers know them.
func (c *conn) request(st *stream, h *head) *http.Request {
	r := noRequest.WithContext(st)
	r.Method, r.Header, r.Host = h.method, h.header, h.authority
	r.Proto, r.ProtoMajor = "HTTP/2.0", 2
	r.RemoteAddr, r.TLS = c.remote, c.tls
	r.RequestURI = h.path
	if h.method == http.MethodConnect {
		r.RequestURI = h.authority
	}
	r.Body, r.ContentLength = http.NoBody, 0
	if !st.recvDone {
		r.Body, r.ContentLength = (*body)(st), h.length
		st.waits = strings.EqualFold(r.Header.Get("Expect"), "100-continue")
	}
	return r
}
