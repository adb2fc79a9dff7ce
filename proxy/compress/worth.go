package compress

import (
	"bytes"
	"net/http"
	"strings"
)

// MinSize is what a body must have to be worth it, in bytes: below that the coding's own framing
// and the work for it cost more than they save.
const MinSize = 512

// texts are the types that become smaller, besides text/ and what ends in +json or +xml.
var texts = map[string]bool{
	"application/atom+xml": true, "application/geo+json": true, "application/javascript": true, "application/json": true,
	"application/ld+json": true, "application/manifest+json": true, "application/rss+xml": true, "application/vnd.ms-fontobject": true,
	"application/wasm": true, "application/x-javascript": true, "application/x-ndjson": true, "application/xhtml+xml": true,
	"application/xml": true, "application/yaml": true, "font/otf": true, "font/ttf": true, "image/bmp": true, "image/svg+xml": true,
	"image/x-icon": true, "image/vnd.microsoft.icon": true,
}

// Text says whether bodies of a media type become smaller by compressing them.
func Text(mediaType string) bool {
	kind, _, _ := strings.Cut(mediaType, ";")
	kind = strings.ToLower(trim(kind))
	return texts[kind] || strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "+json") || strings.HasSuffix(kind, "+xml")
}

// Possible says whether a response with this status and these fields may be sent in another coding:
// it is text, and nobody has coded, cut or signed its body, or forbidden to change it.
func Possible(status int, h http.Header) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusResetContent &&
		status != http.StatusPartialContent && status != http.StatusNotModified &&
		Text(first(h, "Content-Type")) && Changeable(h)
}

// fixed are the fields that speak of the bytes of a body as they are.
var fixed = []string{"Content-Encoding", "Content-Range", "Content-Md5", "Content-Digest", "Digest"}

// Changeable says whether nothing in a response's fields keeps its body as it is.
func Changeable(h http.Header) bool {
	for _, name := range fixed {
		if len(h[name]) > 0 {
			return false
		}
	}
	for _, v := range h["Cache-Control"] {
		if hasToken(v, "no-transform") { // RFC 9111 5.2.2.6
			return false
		}
	}
	return true
}

func hasToken(list, token string) bool {
	for item := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(trim(item), token) {
			return true
		}
	}
	return false
}

func first(h http.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// marks are how the tokens of Django and its templates stand in a page.
var marks = [][]byte{[]byte("csrfmiddlewaretoken"), []byte("csrf-token"), []byte("csrf_token"), []byte("csrfToken")}

// Secret says whether a response holds something that its length must not tell about: whoever can
// put text of his own beside a token, and sees how well both compress, reads the token (BREACH).
// body is what is known of it.
func Secret(h http.Header, body []byte) bool {
	if len(h["Set-Cookie"]) > 0 {
		return true
	}
	for _, mark := range marks {
		if bytes.Contains(body, mark) {
			return true
		}
	}
	return false
}

// Vary says that another client may get the body in another coding.
func Vary(h http.Header) {
	for _, v := range h["Vary"] {
		if hasToken(v, "Accept-Encoding") || hasToken(v, "*") {
			return
		}
	}
	h["Vary"] = []string{strings.Join(append(h["Vary"][:len(h["Vary"]):len(h["Vary"])], "Accept-Encoding"), ", ")}
}

// Mark changes the fields of a response whose body is going to be in the coding c: its validator
// is that of other bytes, which a strong one may not be (RFC 9110 8.8.1).
func Mark(h http.Header, c Coding) {
	h["Content-Encoding"] = names[c]
	delete(h, "Content-Length")
	delete(h, "Accept-Ranges")
	if tag := first(h, "Etag"); strings.HasPrefix(tag, `"`) {
		h["Etag"] = []string{"W/" + tag}
	}
}

var names = [Codings][]string{{"identity"}, {"gzip"}, {"zstd"}, {"br"}}

// Field is the value of Content-Encoding for c. It must not be changed.
func (c Coding) Field() []string { return names[c] }
