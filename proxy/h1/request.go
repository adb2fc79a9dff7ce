package h1

import (
	"context"
	"net/http"
	"strings"
)

// template is copied for each request: only so can a request be made with its context at once.
var template = new(http.Request)

var versions = [2]string{"HTTP/1.0", "HTTP/1.1"}

// request makes a request of a complete header. text is all of it. The body is left to the caller.
func (h *head) request(ctx context.Context, text string, m *meaning) (*http.Request, *Refusal) {
	method := internMethod(text[h.method.begin:h.method.end])
	if method == http.MethodConnect {
		return nil, errConnect
	}
	header, refusal := h.sort(text, m)
	if refusal != nil {
		return nil, refusal
	}
	target := text[h.target.begin:h.target.end]
	u, host, refusal := parseTarget(method, target)
	if refusal != nil {
		return nil, refusal
	}
	if host == "" { // otherwise the target's counts: RFC 9112 3.2.2
		host = m.host
	}
	r := template.WithContext(ctx)
	r.Method, r.URL, r.RequestURI, r.Host = method, u, target, host
	r.Proto, r.ProtoMajor, r.ProtoMinor = versions[h.minor], 1, h.minor
	r.Header, r.ContentLength, r.Close = header, m.length, m.close
	if m.chunked {
		r.ContentLength, r.TransferEncoding = -1, chunkedCoding
	}
	return r, nil
}

var chunkedCoding = []string{"chunked"}

// internMethod keeps a request's method from keeping all its header in memory.
func internMethod(m string) string {
	switch m {
	case http.MethodGet:
		return http.MethodGet
	case http.MethodHead:
		return http.MethodHead
	case http.MethodPost:
		return http.MethodPost
	}
	return strings.Clone(m)
}
