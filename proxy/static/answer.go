package static

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"

	"sandwich/proxy/compress"
)

// answer is one response with a file.
type answer struct {
	w    http.ResponseWriter
	r    *http.Request
	e    *entry
	f    *form
	file *os.File // nil: the form has its body, or none is sent
}

// send answers, or returns why not as Serve does, or changed.
func (a *answer) send() (status int) {
	isGet := a.r.Method != http.MethodHead
	if a.r.Method == http.MethodGet || a.r.Method == http.MethodHead {
		switch judge(a.r.Header, a.f.etag[0], a.f.lastModified()) {
		case failed:
			return http.StatusPreconditionFailed
		case notModified:
			a.sendNotModified()
			return Answered
		}
	}
	parts, ok := a.parts()
	if !ok {
		a.w.Header()["Content-Range"] = []string{"bytes */" + strconv.FormatInt(a.f.size, 10)}
		return http.StatusRequestedRangeNotSatisfiable
	}
	if isGet && a.f.body == nil {
		var err error
		if a.file, err = a.e.open(a.f); err != nil {
			return changed
		}
		defer a.file.Close()
	}
	a.describe()
	switch {
	case len(parts) > 1:
		return a.sendParts(parts)
	case len(parts) == 1:
		return a.sendPart(parts[0])
	case a.f.length == nil:
		return a.sendStream(isGet)
	}
	return a.sendWhole(isGet)
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// sendNotModified says only what the client may have to update (RFC 9110 15.4.5).
func (a *answer) sendNotModified() {
	a.describe()
	delete(a.w.Header(), "Content-Type")
	delete(a.w.Header(), "Content-Encoding")
	a.w.WriteHeader(http.StatusNotModified)
}

// parts are those that the client wants, none for the whole; false when they are not there.
func (a *answer) parts() ([]span, bool) {
	fields := a.r.Header["Range"]
	if len(fields) != 1 || a.r.Method != http.MethodGet || !rangeHolds(a.r.Header, a.f.etag[0], a.f.modified) {
		return nil, true // RFC 9110 14.2: ranges are for GET
	}
	return spans(fields[0], a.f.size)
}

// describe sets the fields that each response about the file has. What an application has said of it is
// kept, but for its validators: they are those of a body that it did not send.
func (a *answer) describe() {
	h, e, f := a.w.Header(), a.e, a.f
	if _, said := h["Content-Type"]; !said {
		h["Content-Type"] = e.kind
	}
	if _, said := h["Cache-Control"]; !said && e.cache != nil {
		h["Cache-Control"] = e.cache
	}
	h["Etag"] = f.etag
	if f.modified != nil {
		h["Last-Modified"] = f.modified
	}
	if f.field != nil && h["Content-Encoding"] == nil {
		h["Content-Encoding"] = f.field
	}
	if e.vary {
		compress.Vary(h)
	}
	if f.name != "" {
		h["Accept-Ranges"] = bytesUnit
	}
	e.restrict(h)
}

var (
	bytesUnit = []string{"bytes"}
	nosniff   = []string{"nosniff"}
)

func (e *entry) restrict(h http.Header) {
	if e.nosniff {
		h["X-Content-Type-Options"] = nosniff
	}
	if e.policy != nil {
		h["Content-Security-Policy"] = e.policy
	}
	if e.disposition != nil && !strings.HasPrefix(strings.ToLower(first(h["Content-Disposition"])), "attachment") {
		h["Content-Disposition"] = e.disposition
	}
}

func (a *answer) sendWhole(isGet bool) int {
	a.w.Header()["Content-Length"] = a.f.length
	a.w.WriteHeader(http.StatusOK)
	switch {
	case !isGet:
		return Answered
	case a.file != nil:
		return a.copy(span{0, a.f.size})
	}
	a.w.Write(a.f.body)
	return Answered
}

func (a *answer) sendPart(s span) int {
	h := a.w.Header()
	h["Content-Range"] = []string{s.contentRange(a.f.size)}
	h["Content-Length"] = []string{strconv.FormatInt(s.length, 10)}
	a.w.WriteHeader(http.StatusPartialContent)
	return a.copy(s)
}

// copy sends a part of the file, by sendfile(2) where the writer can do that. The file may be cut
// meanwhile: then the client must not take what it has for all.
func (a *answer) copy(s span) int {
	if a.file == nil {
		a.w.Write(a.f.body[s.start : s.start+s.length])
		return Answered
	}
	if _, err := a.file.Seek(s.start, io.SeekStart); err != nil {
		return Broken
	}
	if _, err := io.CopyN(a.w, a.file, s.length); err != nil {
		return Broken
	}
	return Answered
}

// sendStream compresses a file that is too large to be kept compressed.
func (a *answer) sendStream(isGet bool) int {
	if !isGet {
		a.w.WriteHeader(http.StatusOK)
		return Answered
	}
	z := compress.NewWriter(a.w, a.f.coding, false)
	if z == nil {
		delete(a.w.Header(), "Content-Encoding")
		a.f = a.e.forms[compress.Identity]
		a.describe()
		return a.sendWhole(true)
	}
	a.w.WriteHeader(http.StatusOK)
	if _, err := io.CopyN(onlyWriter{z}, a.file, a.f.version.size); err != nil {
		z.Abandon()
		return Broken
	}
	z.Close()
	return Answered
}

type onlyWriter struct{ io.Writer }

// sendParts sends several parts as multipart/byteranges (RFC 9110 14.6).
func (a *answer) sendParts(parts []span) int {
	h := a.w.Header()
	boundary := fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64())
	heads, length := make([]string, len(parts)), int64(0)
	for i, s := range parts {
		heads[i] = fmt.Sprintf("\r\n--%s\r\nContent-Type: %s\r\nContent-Range: %s\r\n\r\n", boundary, h["Content-Type"][0], s.contentRange(a.f.size))
		length += int64(len(heads[i])) + s.length
	}
	end := "\r\n--" + boundary + "--\r\n"
	h["Content-Type"] = []string{"multipart/byteranges; boundary=" + boundary}
	h["Content-Length"] = []string{strconv.FormatInt(length+int64(len(end)), 10)}
	a.w.WriteHeader(http.StatusPartialContent)
	for i, s := range parts {
		if _, err := io.WriteString(a.w, heads[i]); err != nil {
			return Broken
		}
		if status := a.copy(s); status != Answered {
			return status
		}
	}
	io.WriteString(a.w, end)
	return Answered
}
