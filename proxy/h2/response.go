package h2

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// draft is an answer that is not sent yet: small ones go out whole.
type draft struct {
	block   []byte // the header block, after the byte for tableUnused
	content []byte
}

var drafts = sync.Pool{New: func() any {
	return &draft{block: make([]byte, 0, 1<<10), content: make([]byte, 0, maxFrame)}
}}

// response is an http.ResponseWriter.
type response struct {
	st      *stream
	header  http.Header
	draft   *draft
	status  int
	isBegun bool // the header is written, as handlers see it; guarded by c.mu, too

	isHeadSent bool
	declared   int64 // by Content-Length, or -1
	written    int64
	trailers   []string // what Trailer promises
}

// Header is the header to be sent.
func (w *response) Header() http.Header {
	if w.header == nil {
		w.header = make(http.Header, 12)
	}
	return w.header
}

// WriteHeader begins the answer, or sends an informational one.
func (w *response) WriteHeader(status int) {
	switch {
	case w.isBegun:
		return
	case status < 100 || status > 999:
		panic("invalid status " + strconv.Itoa(status))
	case status < 200:
		w.inform(status)
		return
	}
	w.begin(status)
}

// inform sends an informational answer: RFC 9110 15.2.
func (w *response) inform(status int) {
	if status == http.StatusSwitchingProtocols { // RFC 9113 8.6
		return
	}
	block := appendStatus([]byte{tableUnused}, status)
	block = appendFields(block, w.Header(), w.isNotSent)
	w.st.c.mu.Lock()
	defer w.st.c.mu.Unlock()
	w.st.waits = false
	w.st.c.sendBlock(w.st, block, false)
	w.st.c.flush()
}

func (w *response) begin(status int) {
	w.st.c.mu.Lock()
	w.isBegun = true
	w.st.c.mu.Unlock()
	w.status = status
	w.draft = drafts.Get().(*draft)
	h := w.Header()
	w.promise(h["Trailer"])
	w.readLength(h)
	w.draft.block = appendStatus(append(w.draft.block[:0], tableUnused), status)
	w.draft.block = appendFields(w.draft.block, h, w.isNotSent)
	if _, ok := h["Date"]; !ok {
		w.draft.block = appendField(w.draft.block, "Date", date())
	}
}

func (w *response) promise(lines []string) {
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			w.trailers = append(w.trailers, http.CanonicalHeaderKey(strings.TrimSpace(name)))
		}
	}
}

// readLength finds out how long the content is to be.
func (w *response) readLength(h http.Header) {
	values := h["Content-Length"]
	if len(values) == 0 {
		return
	}
	n, err := strconv.ParseUint(values[0], 10, 63)
	if err != nil || len(values) > 1 || !w.hasContent() && w.status != http.StatusNotModified {
		delete(h, "Content-Length")
		return
	}
	w.declared = int64(n)
}

// hasContent says whether an answer of this status has content, RFC 9110 6.4.1.
func (w *response) hasContent() bool {
	return w.status != http.StatusNoContent && w.status != http.StatusNotModified
}

// isNotSent says which fields are none of HTTP/2, or come at the end.
func (w *response) isNotSent(key string) bool {
	switch key {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade", "Te", "Http2-Settings":
		return true
	}
	return strings.HasPrefix(key, http.TrailerPrefix) || w.isPromised(key)
}

func (w *response) isPromised(key string) bool {
	for _, name := range w.trailers {
		if name == key {
			return true
		}
	}
	return false
}

// Write sends content when there is more of it than a frame has room for, and keeps it otherwise.
func (w *response) Write(p []byte) (int, error) {
	ok, err := w.mayWrite(len(p))
	if !ok {
		return len(p), err
	}
	if err != nil {
		return 0, err
	}
	for n := 0; n < len(p); {
		if len(w.draft.content) == 0 && len(p)-n >= maxFrame {
			whole := (len(p) - n) / maxFrame * maxFrame
			err = w.send(p[n : n+whole])
			n += whole
		} else {
			n += w.keep(p[n:])
			err = w.sendIfFull()
		}
		if err != nil {
			return n, err
		}
	}
	return len(p), nil
}

// mayWrite counts n bytes of content. It is false when they are not to be sent, which an error says
// why when it is one.
func (w *response) mayWrite(n int) (ok bool, err error) {
	if !w.isBegun {
		w.begin(http.StatusOK)
	}
	if !w.hasContent() {
		return true, http.ErrBodyNotAllowed
	}
	if w.written += int64(n); w.declared >= 0 && w.written > w.declared {
		return true, http.ErrContentLength
	}
	return w.st.r.Method != http.MethodHead, nil
}

func (w *response) keep(p []byte) int {
	room := p[:min(len(p), maxFrame-len(w.draft.content))]
	w.draft.content = append(w.draft.content, room...)
	return len(room)
}

func (w *response) sendIfFull() error {
	if len(w.draft.content) < maxFrame {
		return nil
	}
	return w.sendContent()
}

func (w *response) sendContent() error {
	err := w.send(w.draft.content)
	w.draft.content = w.draft.content[:0]
	return err
}

// ReadFrom sends all of src.
func (w *response) ReadFrom(src io.Reader) (sent int64, err error) {
	if ok, err := w.mayWrite(0); !ok || err != nil {
		n, err := io.Copy(struct{ io.Writer }{w}, src)
		return n, err
	}
	for err == nil {
		content := w.draft.content
		var n int
		n, err = src.Read(content[len(content):maxFrame])
		if w.written += int64(n); w.declared >= 0 && w.written > w.declared {
			return sent, http.ErrContentLength
		}
		w.draft.content = content[:len(content)+n]
		sent += int64(n)
		if full := w.sendIfFull(); full != nil {
			return sent, full
		}
	}
	if err == io.EOF {
		err = nil
	}
	return sent, err
}

// send sends the header when it was not, and content.
func (w *response) send(p []byte) error {
	c := w.st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sendHead(w, p)
	if err := c.sendData(w.st, p); err != nil {
		return err
	}
	c.flush()
	return w.st.err
}

// sendHead queues the header, once. mu is held.
func (c *conn) sendHead(w *response, content []byte) {
	if w.isHeadSent {
		return
	}
	w.isHeadSent = true
	w.guessType(content)
	c.sendBlock(w.st, w.draft.block, false)
}

// guessType does what net/http does for a handler that does not say what it sends.
func (w *response) guessType(content []byte) {
	if _, ok := w.header["Content-Type"]; ok || w.header.Get("Content-Encoding") != "" || len(content) == 0 {
		return
	}
	w.draft.block = appendField(w.draft.block, "Content-Type", http.DetectContentType(content))
}

// Flush sends what there is.
func (w *response) Flush() { w.FlushError() }

// FlushError sends what there is.
func (w *response) FlushError() error {
	if !w.isBegun {
		w.begin(http.StatusOK)
	}
	return w.sendContent()
}

// SetReadDeadline is for http.ResponseController.
func (w *response) SetReadDeadline(t time.Time) error {
	w.st.c.mu.Lock()
	defer w.st.c.mu.Unlock()
	w.st.readBy.at = t
	w.st.readable.Broadcast()
	return nil
}

// SetWriteDeadline is for http.ResponseController.
func (w *response) SetWriteDeadline(t time.Time) error {
	w.st.c.mu.Lock()
	defer w.st.c.mu.Unlock()
	w.st.writeBy.at = t
	w.st.writable.Broadcast()
	return nil
}

// EnableFullDuplex is what HTTP/2 is anyway.
func (w *response) EnableFullDuplex() error { return nil }

// finish is the end of the handler. It waits for nobody: what the client does not take yet is sent
// when it does.
func (w *response) finish() {
	if !w.isBegun {
		w.begin(http.StatusOK)
	}
	trailer := w.trailer()
	w.complete(trailer != nil)
	c := w.st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handlers--
	w.st.handled = true
	switch {
	case w.st.err != nil:
	case w.isShort():
		c.reset(w.st.id, InternalError, errShort)
	default:
		c.discard(w.st)
		c.sendEnd(w, trailer)
	}
	w.free()
	c.flush()
}

var errShort = errors.New("handler wrote less than its Content-Length")

func (w *response) isShort() bool {
	return w.declared >= 0 && w.written < w.declared && w.hasContent() && w.st.r.Method != http.MethodHead
}

// complete adds what is known of an answer that goes out whole.
func (w *response) complete(hasTrailer bool) {
	if w.isHeadSent || w.declared >= 0 || hasTrailer || !w.hasContent() || w.st.r.Method == http.MethodHead {
		return
	}
	w.draft.block = appendField(w.draft.block, "Content-Length", strconv.Itoa(len(w.draft.content)))
}

// trailer is the header block of the trailer, or nil.
func (w *response) trailer() (block []byte) {
	for key, values := range w.header {
		name, isTrailer := strings.CutPrefix(key, http.TrailerPrefix)
		if !isTrailer && !w.isPromised(key) {
			continue
		}
		for _, value := range values {
			if block == nil {
				block = []byte{tableUnused}
			}
			block = appendField(block, http.CanonicalHeaderKey(name), value)
		}
	}
	if len(block) == 1 {
		return nil
	}
	return block
}

// free gives the buffers back.
func (w *response) free() {
	if w.draft != nil {
		w.draft.block, w.draft.content = w.draft.block[:0], w.draft.content[:0]
		if cap(w.draft.block) <= 8<<10 {
			drafts.Put(w.draft)
		}
		w.draft = nil
	}
}

// second is a second as Date has it.
type second struct {
	unix int64
	text string
}

var lastSecond atomic.Pointer[second]

// date is the time for a Date field.
func date() string {
	now := time.Now()
	s := lastSecond.Load()
	if s == nil || s.unix != now.Unix() {
		s = &second{now.Unix(), now.UTC().Format(http.TimeFormat)}
		lastSecond.Store(s)
	}
	return s.text
}
