package proxy

import (
	"io"
	"net"
	"net/http"
	"net/http/httputil"

	"sandwich/proxy/header"
)

// send sends the request. A body that fits into the socket's buffer goes out at once with the
// head; another one has a goroutine, so that an application that answers without reading it is
// heard. What goes wrong shows when the answer is read.
func (x *exchange) send(head []byte) {
	if x.stream {
		x.sendStream(head)
		return
	}
	body, ok := x.body.Bytes()
	switch {
	case !ok || len(body) > 32<<10:
		x.conn.Write(head)
		x.sender = start(func() { io.Copy(onlyWriter{x.conn}, x.body.Reader()) }, nil)
	case len(body) > 0:
		buffers := net.Buffers{head, body}
		x.conn.WriteAll(&buffers)
	default:
		x.conn.Write(head)
	}
}

type onlyWriter struct{ io.Writer }

func (x *exchange) sendStream(head []byte) {
	x.conn.Write(head)
	http.NewResponseController(x.ResponseWriter).EnableFullDuplex()
	in := newClientBody(x.r, x.ResponseWriter, x.p.route.MaxBody)
	x.streamed = in
	x.Header()["Connection"] = closing // an answer may come before the end of the body
	x.sender = start(func() { x.copyStream(in) }, in.cancel)
}

func (x *exchange) copyStream(in *clientBody) {
	var out io.Writer = onlyWriter{x.conn}
	chunked := x.length == header.Chunked
	if chunked {
		out = httputil.NewChunkedWriter(out)
	}
	if _, err := io.Copy(out, in); err != nil {
		// Neither the application nor a retry may take half a body for a whole one.
		x.conn.Close()
		return
	}
	in.done()
	if chunked {
		io.WriteString(x.conn, "0\r\n\r\n")
	}
}

// sender is the goroutine that sends a body while the answer is awaited.
type sender struct {
	done   chan struct{}
	cancel func()
}

func start(send, cancel func()) *sender {
	s := &sender{done: make(chan struct{}), cancel: cancel}
	go func() {
		defer close(s.done)
		send()
	}()
	return s
}

// stop ends the sender and waits for it. The connection to the application is closed already.
func (s *sender) stop() {
	select {
	case <-s.done:
		return
	default:
	}
	if s.cancel != nil {
		s.cancel()
	}
	<-s.done
}
