package header

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The limits of gunicorn's defaults: limit_request_line, limit_request_fields (our own fields come on
// top: gunicorn's settings file makes room for them), and limit_request_field_size, which counts
// the CR LF. They are checked here so that every application server refuses the same requests, and
// so that the answer is ours.
const (
	maxLine      = 4094
	maxFields    = 100
	maxFieldSize = 8188
)

// What AppendRequest refuses.
var (
	ErrLineTooLong    = errors.New("request line is longer than 4094 bytes") // 414
	ErrFieldsTooLarge = errors.New("header has more than 100 fields or one above 8188 bytes")
)

// Lengths of a request body that are no number of bytes.
const (
	NoBody  int64 = -1
	Chunked int64 = -2
)

// AppendRequest appends the head of the request that the application gets to b: request line,
// what o says, and those fields of r that may cross. length is the body's, or NoBody or Chunked.
// upgrade is what Upgrade said. r was parsed strictly, so no name or value in it
// has a line break.
func AppendRequest(b []byte, r *http.Request, o *Origin, length int64, upgrade string) ([]byte, error) {
	uri := target(r)
	if len(r.Method)+len(uri)+len("  HTTP/1.1") > maxLine {
		return b, ErrLineTooLong
	}
	b = append(b, r.Method...)
	b = append(b, ' ')
	b = append(b, uri...)
	b = append(b, " HTTP/1.1\r\n"...)
	b = field(b, "Host", r.Host)
	b = appendOrigin(b, o)
	b = appendFraming(b, r.Method, length)
	b, err := appendPassed(b, r.Header)
	if err != nil {
		return b, err
	}
	b = appendConnection(b, upgrade)
	return append(b, "\r\n"...), nil
}

// target is the request target in origin-form, byte for byte as the client sent it: of an
// absolute-form, what follows the host.
func target(r *http.Request) string {
	uri := r.RequestURI
	if strings.HasPrefix(uri, "/") || uri == "*" {
		return uri
	}
	_, uri, _ = strings.Cut(uri, "://")
	i := strings.IndexAny(uri, "/?")
	switch {
	case i < 0:
		return "/"
	case uri[i] == '?':
		return "/" + uri[i:]
	}
	return uri[i:]
}

func field(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}

func appendOrigin(b []byte, o *Origin) []byte {
	b = field(b, "X-Forwarded-For", o.Chain)
	b = field(b, "X-Forwarded-Proto", o.Proto)
	b = field(b, "X-Forwarded-Host", o.Host)
	b = field(b, "X-Forwarded-Port", o.Port)
	b = field(b, "X-Real-IP", o.Client)
	b = field(b, "X-Request-ID", o.ID)
	b = append(b, "X-Request-Start: t="...)
	ms := o.Start.UnixMilli()
	b = strconv.AppendInt(b, ms/1000, 10)
	b = append(b, '.', byte('0'+ms/100%10), byte('0'+ms/10%10), byte('0'+ms%10))
	b = append(b, "\r\nForwarded: for="...)
	b = appendNode(b, o.Client)
	b = append(b, ";host=\""...)
	b = append(b, o.Host...)
	b = append(b, "\";proto="...)
	b = append(b, o.Proto...)
	return append(b, "\r\n"...)
}

// appendNode writes an address as RFC 7239 6 wants it.
func appendNode(b []byte, addr string) []byte {
	if strings.IndexByte(addr, ':') < 0 {
		return append(b, addr...)
	}
	b = append(b, "\"["...)
	b = append(b, addr...)
	return append(b, "]\""...)
}

func appendFraming(b []byte, method string, length int64) []byte {
	switch {
	case length == Chunked:
		return append(b, "Transfer-Encoding: chunked\r\n"...)
	case length >= 0:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, length, 10)
		return append(b, "\r\n"...)
	case method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch:
		return append(b, "Content-Length: 0\r\n"...) // RFC 9110 8.6
	}
	return b
}

func appendPassed(b []byte, h http.Header) ([]byte, error) {
	fields := 1 // Host
	listed := h["Connection"]
	for name, values := range h {
		if !passes(name) || (len(listed) > 0 && isListed(listed, name)) {
			continue
		}
		if name == "Cookie" && len(values) > 1 {
			values = []string{joinCookies(values)}
		}
		for _, v := range values {
			if fields++; fields > maxFields || len(name)+len(": ")+len(v) > maxFieldSize {
				return b, ErrFieldsTooLarge
			}
			b = field(b, name, v)
		}
	}
	return b, nil
}

// joinCookies makes one field of several, as RFC 9113 8.2.3 wants it for what is not HTTP/2.
func joinCookies(values []string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" }), "; ")
}

// appendConnection ends the header: one request on a connection, unless it becomes another protocol.
func appendConnection(b []byte, upgrade string) []byte {
	if upgrade != "" {
		return field(append(b, "Connection: Upgrade\r\n"...), "Upgrade", upgrade)
	}
	return append(b, "Connection: close\r\n"...)
}

// passes says whether a request field of this canonical name may reach the application. Names
// with '_' may not: WSGI cannot tell them from names with '-', and gunicorn believes a field named
// SCRIPT_NAME from a unix socket.
func passes(name string) bool {
	if strings.IndexByte(name, '_') >= 0 || strings.HasPrefix(name, "X-Forwarded-") {
		return false
	}
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade", "Http2-Settings", // hop by hop, RFC 9110 7.6.1
		"Host", "Content-Length", "Expect", // ours to say
		"Forwarded", "X-Real-Ip", "X-Request-Id", "X-Request-Start",
		"Proxy": // would become $HTTP_PROXY, CVE-2016-5385
		return false
	}
	return true
}

// isListed says whether Connection names the field as one of this hop only. Fields that never
// came from the client need no protection from it; the others that matter are kept.
func isListed(connection []string, name string) bool {
	switch name {
	case "Cookie", "Authorization", "Content-Type", "Content-Encoding", "Origin", "Cache-Control":
		return false
	}
	return hasToken(connection, name)
}

// hasToken looks for a token in a comma-separated field.
func hasToken(lines []string, token string) bool {
	for _, line := range lines {
		for t := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

// Upgrade is the protocol that r asks for in place of HTTP/1.1, if it may have it, and "" otherwise.
// Another version of HTTP is ours to speak, not the application's: a tunnel to it would carry
// requests that nobody looks at.
func Upgrade(r *http.Request) string {
	if r.ProtoMajor != 1 || r.ProtoMinor == 0 || len(r.Header["Upgrade"]) != 1 || !hasToken(r.Header["Connection"], "upgrade") || r.ContentLength != 0 {
		return ""
	}
	protocol := strings.ToLower(r.Header["Upgrade"][0])
	switch {
	case protocol == WebSocket && r.Method != http.MethodGet, // RFC 6455 4.1
		protocol == "", !isProtocol(protocol),
		strings.HasPrefix(protocol, "h2"), strings.HasPrefix(protocol, "h3"), strings.HasPrefix(protocol, "http"), strings.HasPrefix(protocol, "tls"):
		return ""
	}
	return protocol
}

// WebSocket is the protocol that nearly every upgrade is to.
const WebSocket = "websocket"

// isProtocol says whether s is one token, or two with a slash (RFC 9110 7.8).
func isProtocol(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return !isAlnum(c) && !strings.ContainsRune("-._+/", c) })
}
