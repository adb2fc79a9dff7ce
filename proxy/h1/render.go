package h1

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"sandwich/proxy/wire"
)

// appendStatus begins an answer. A reason that could break the line is replaced by the usual one.
func appendStatus(b []byte, status int, reason string) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, ' ')
	if reason == "" || len(reason) > 256 || !wire.IsText(reason) {
		reason = http.StatusText(status)
	}
	b = append(b, reason...)
	return append(b, "\r\n"...)
}

// appendFields leaves out what is ours to say, and whatever is no field.
func appendFields(b []byte, h http.Header) []byte {
	for name, values := range h {
		if isOurs(name) || !wire.IsName(name) {
			continue
		}
		for _, v := range values {
			b = append(b, name...)
			b = append(b, ": "...)
			b = appendValue(b, v)
			b = append(b, "\r\n"...)
		}
	}
	return b
}

func isOurs(name string) bool {
	switch name {
	case "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Proxy-Connection", "Upgrade":
		return true
	}
	return strings.HasPrefix(name, http.TrailerPrefix)
}

// appendValue writes a space in place of what would end the line or the field.
func appendValue(b []byte, v string) []byte {
	if wire.IsText(v) {
		return append(b, v...)
	}
	for i := range len(v) {
		if c := v[i]; c < ' ' && c != '\t' || c == 0x7f {
			b = append(b, ' ')
		} else {
			b = append(b, c)
		}
	}
	return b
}

// takeTrailers remembers which fields were announced in Trailer.
func (w *response) takeTrailers() {
	if w.framing != undecided || w.r.ProtoMinor == 0 {
		return
	}
	for _, line := range w.header["Trailer"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = http.CanonicalHeaderKey(strings.TrimSpace(name)); wire.MayTrail(name) {
				w.trailers = append(w.trailers, name)
			}
		}
	}
}

func (w *response) appendTrailers(b []byte) []byte {
	for _, name := range w.trailers {
		b = appendTrailer(b, name, w.header[name])
	}
	for key, values := range w.header {
		if name, ok := strings.CutPrefix(key, http.TrailerPrefix); ok && wire.MayTrail(name) {
			b = appendTrailer(b, name, values)
		}
	}
	return b
}

func appendTrailer(b []byte, name string, values []string) []byte {
	for _, v := range values {
		b = append(b, name...)
		b = append(b, ": "...)
		b = appendValue(b, v)
		b = append(b, "\r\n"...)
	}
	return b
}

// date is the text of a second.
type date struct {
	second int64
	text   [len(http.TimeFormat)]byte
}

var today atomic.Pointer[date]

// appendDate formats the time once a second.
func appendDate(b []byte) []byte {
	now := time.Now()
	d := today.Load()
	if d == nil || d.second != now.Unix() {
		d = &date{second: now.Unix()}
		now.UTC().AppendFormat(d.text[:0], http.TimeFormat)
		today.Store(d)
	}
	return append(b, d.text[:]...)
}
