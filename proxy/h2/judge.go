package h2

import (
	"net/http"
	"strings"
)

// Flaw says why a request of another protocol is none by the rules of this one, or "": what cannot
// come over HTTP/2 is not to come over HTTP/3 either. The parser before it has seen to what is
// lost in an http.Request, as fields that were there twice.
func Flaw(r *http.Request) string {
	h := &head{method: r.Method, scheme: "https", path: r.RequestURI, authority: r.Host, length: -1, header: r.Header.Clone()}
	if r.Method == http.MethodConnect {
		h.scheme, h.path = "", ""
	}
	for key, values := range r.Header {
		name := strings.ToLower(key)
		if flaw := nameFlaw(name); flaw != "" {
			return flaw
		}
		for _, value := range values {
			if flaw := valueFlaw(name, value); flaw != "" {
				return flaw
			}
		}
	}
	return h.judge()
}
