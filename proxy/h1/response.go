package h1

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// outSize is how much of an answer waits to be written at once: a page of 5 kB with its header is.
const outSize = 8 << 10

var outs = sync.Pool{New: func() any { return new([outSize]byte) }}

// framing is how the end of an answer's body is told.
type framing int

const (
	undecided  framing = iota // the header is rendered but for that
	bodiless                  // there is no body, whatever Content-Length says
	sized                     // Content-Length
	chunked                   // Transfer-Encoding
	untilClose                // for HTTP/1.0
)

// response is an answer. One goroutine writes it, the handler's.
type response struct {
	c      *conn
	r      *http.Request
	header http.Header
	reason string // of the status; "": the usual one

	status  int // 0: no answer yet
	framing framing
	length  int64 // of a sized body
	sent    int64 // of the body, so far
	last    bool  // the connection ends with it
	begun   bool  // something of it has been written
	err     error // writing has failed

	out      *[outSize]byte // nil while nothing waits
	n        int            // out[:n] waits
	waits    []byte         // body that waits for the framing to be decided
	trailers []string       // names of fields that follow a chunked body
}

func newResponse(c *conn, r *http.Request) *response {
	return &response{c: c, r: r, header: make(http.Header, 8), last: r.Close}
}

// Header is what the next WriteHeader sends.
func (w *response) Header() http.Header { return w.header }

// WriteHeader begins the answer. An informational one goes out at once.
func (w *response) WriteHeader(status int) {
	switch {
	case w.status != 0 || w.c.hijacked:
		return
	case status < 100 || status > 999:
		panic("no status: " + strconv.Itoa(status))
	case status < 200:
		w.inform(status)
		return
	}
	w.status = status
	w.decide()
	w.render()
}

// inform sends a 1xx. HTTP/1.0 knows none.
func (w *response) inform(status int) {
	if w.r.ProtoMinor == 0 || w.err != nil {
		return
	}
	b := make([]byte, 0, 512)
	b = appendStatus(b, status, w.reason)
	b = appendFields(b, w.header)
	w.reason = ""
	w.put(append(b, "\r\n"...))
	w.flush()
}

// decide finds out how the body ends, if the header says so, and whether the connection does.
func (w *response) decide() {
	w.length = contentLength(w.header)
	if w.c.neverContinue() {
		w.last = true // nobody knows whether the body comes
	}
	if w.c.body != nil && !w.c.body.isRead() || w.c.s.draining.Load() || saysClose(w.header) {
		w.last = true
	}
	switch {
	case w.status == http.StatusNoContent || w.status == http.StatusNotModified || w.r.Method == http.MethodHead:
		w.framing = bodiless
	case w.length >= 0:
		w.framing = sized
	}
}

func contentLength(h http.Header) int64 {
	lines := h["Content-Length"]
	if len(lines) != 1 {
		return -1
	}
	n, err := strconv.ParseInt(lines[0], 10, 64)
	if err != nil {
		return -1
	}
	return n
}

func saysClose(h http.Header) bool {
	for _, line := range h["Connection"] {
		for token := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(token), "close") {
				return true
			}
		}
	}
	return false
}

// render puts the header into the buffer: all of it, unless the framing is undecided.
func (w *response) render() {
	b := appendStatus(w.space(), w.status, w.reason)
	if _, ok := w.header["Date"]; !ok {
		b = append(b, "Date: "...)
		b = append(appendDate(b), "\r\n"...)
	}
	b = appendFields(b, w.header)
	w.takeTrailers()
	switch {
	case w.framing == bodiless && w.length >= 0 && w.status != http.StatusNoContent && w.status != http.StatusNotModified,
		w.framing == sized:
		b = appendLength(b, w.length)
	}
	if w.framing != undecided {
		b = w.appendConnection(b)
	}
	w.keep(b)
}

func appendLength(b []byte, n int64) []byte {
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, n, 10)
	return append(b, "\r\n"...)
}

// appendConnection ends the header.
func (w *response) appendConnection(b []byte) []byte {
	switch {
	case w.last:
		b = append(b, "Connection: close\r\n"...)
	case w.r.ProtoMinor == 0:
		b = append(b, "Connection: keep-alive\r\n"...)
	}
	return append(b, "\r\n"...)
}

// frame decides the framing of a body whose length is size, or not known (-1).
func (w *response) frame(size int64) {
	b := w.space()
	switch {
	case size >= 0 && len(w.trailers) == 0:
		w.framing, w.length = sized, size
		b = appendLength(b, size)
	case w.r.ProtoMinor == 0:
		w.framing, w.last = untilClose, true
	default:
		w.framing = chunked
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	}
	b = w.appendConnection(b)
	w.keep(b)
}

// Write takes a part of the body.
func (w *response) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	switch {
	case w.c.hijacked:
		return 0, http.ErrHijacked
	case w.err != nil:
		return 0, w.err
	case w.framing == bodiless && w.r.Method != http.MethodHead:
		return 0, http.ErrBodyNotAllowed
	case w.framing == bodiless:
		return len(p), nil
	case w.framing == sized && w.sent+int64(len(p)) > w.length:
		return 0, http.ErrContentLength
	}
	w.sent += int64(len(p))
	if w.framing == undecided {
		if len(w.waits)+len(p) <= outSize/2 {
			w.waits = append(w.waits, p...)
			return len(p), nil
		}
		w.settle(-1)
	}
	w.putBody(p)
	return len(p), w.err
}

// settle ends the wait for the framing.
func (w *response) settle(size int64) {
	w.frame(size)
	p := w.waits
	w.waits = nil
	w.putBody(p)
}

func (w *response) putBody(p []byte) {
	if w.framing != chunked {
		w.put(p)
		return
	}
	if len(p) == 0 {
		return // a chunk of no bytes would be the last
	}
	var line [18]byte
	w.put(append(strconv.AppendInt(line[:0], int64(len(p)), 16), "\r\n"...))
	w.put(p)
	w.put([]byte("\r\n"))
}

// Flush writes what waits.
func (w *response) Flush() { w.FlushError() }

// FlushError is Flush for http.ResponseController.
func (w *response) FlushError() error {
	if w.c.hijacked {
		return http.ErrHijacked
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.framing == undecided {
		w.settle(-1)
	}
	w.flush()
	return w.err
}

// end ends the answer and says whether the client has all of it. Unless the handler has done its
// work, it has not.
func (w *response) end(done bool) (whole bool) {
	if done {
		whole = w.finish()
	} else {
		w.breakOff()
	}
	if w.out != nil {
		outs.Put(w.out)
		w.out = nil
	}
	return whole
}

// breakOff sends what there is of an answer that will never be complete, in a way that shows that.
func (w *response) breakOff() {
	if w.status == 0 {
		return
	}
	w.FlushError()
	if w.framing == untilClose && w.c.socket != nil {
		w.c.socket.Reset() // otherwise its end would look like any other
	}
}

// finish ends the answer and says whether it is whole.
func (w *response) finish() bool {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.framing == undecided {
		w.settle(int64(len(w.waits)))
	}
	if w.framing == chunked {
		b := append(w.space(), "0\r\n"...)
		b = w.appendTrailers(b)
		w.keep(append(b, "\r\n"...))
	}
	w.flush()
	return w.err == nil && (w.framing != sized || w.sent == w.length)
}

// space is the buffer with what waits in it, to append to; keep takes it back.
func (w *response) space() []byte {
	if w.out == nil {
		w.out = outs.Get().(*[outSize]byte)
		w.n = 0
	}
	return w.out[:w.n]
}

// keep takes what was appended to space. What became too large for it is written.
func (w *response) keep(b []byte) {
	if len(b) <= outSize {
		w.n = len(b)
		return
	}
	w.n = 0
	w.write(b, nil)
}

// put writes p or has it wait.
func (w *response) put(p []byte) {
	b := w.space()
	if len(b)+len(p) <= outSize {
		w.n = len(append(b, p...))
		return
	}
	w.n = 0
	w.write(b, p)
}

func (w *response) flush() {
	if w.out == nil || w.n == 0 {
		return
	}
	b := w.out[:w.n]
	w.n = 0
	w.write(b, nil)
}

func (w *response) write(p, q []byte) {
	if w.err != nil {
		return
	}
	w.begun = true
	w.failed(w.c.write(p, q))
}

// failed has the handler notice that the client is gone.
func (w *response) failed(err error) {
	if err == nil || w.err != nil {
		return
	}
	w.err = err
	w.c.leave()
}

// SetReason replaces the words behind the status code: an application may have its own.
func (w *response) SetReason(reason string) { w.reason = reason }

// SetReadDeadline is for http.ResponseController.
func (w *response) SetReadDeadline(t time.Time) error { return w.c.nc.SetReadDeadline(t) }

// SetWriteDeadline is for http.ResponseController.
func (w *response) SetWriteDeadline(t time.Time) error { return w.c.nc.SetWriteDeadline(t) }

// EnableFullDuplex is for http.ResponseController: a body may always be read while answering.
func (w *response) EnableFullDuplex() error { return nil }

// Hijack is for http.ResponseController. What the client has sent already is in the reader.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.c.hijacked {
		return nil, nil, http.ErrHijacked
	}
	if w.status != 0 {
		return nil, nil, errors.New("cannot hijack: the answer has begun")
	}
	c := w.c
	c.hijacked = true
	c.patrolled.Store(0)
	early := append([]byte(nil), c.in.buffered()...)
	c.in.free()
	c.nc.SetDeadline(time.Time{})
	c.left()
	r := bufio.NewReaderSize(io.MultiReader(strings.NewReader(string(early)), c.nc), max(16, len(early)))
	r.Peek(len(early))
	return c.nc, bufio.NewReadWriter(r, bufio.NewWriterSize(c.nc, 16)), nil
}

// ReadFrom sends a file within the kernel when that is possible, and copies everything else.
func (w *response) ReadFrom(src io.Reader) (int64, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if file, n, ok := fileIn(src); ok && w.c.plain != nil && w.sends(n) {
		return w.sendFile(src, file, n)
	}
	return io.Copy(struct{ io.Writer }{w}, src)
}

// fileIn finds the file in what http.ServeContent copies from.
func fileIn(src io.Reader) (f *os.File, n int64, ok bool) {
	part, ok := src.(*io.LimitedReader)
	if !ok {
		return nil, 0, false
	}
	f, ok = part.R.(*os.File)
	return f, part.N, ok
}

// sends says whether n bytes of a file may go out by themselves. Few are copied together with the
// header: that is one system call less.
func (w *response) sends(n int64) bool {
	return w.framing == sized && w.err == nil && n > outSize && w.sent+n <= w.length
}

func (w *response) sendFile(src io.Reader, f *os.File, n int64) (int64, error) {
	if w.flush(); w.err != nil {
		return 0, w.err
	}
	sent, err := w.c.plain.WriteFile(f, n)
	w.sent += sent
	src.(*io.LimitedReader).N -= sent
	w.failed(err)
	return sent, err
}
