package proxy

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"sandwich/proxy/header"
	"sandwich/proxy/route"
	"sandwich/proxy/static"
)

// visit is one request and what is known about it.
type visit struct {
	reply
	s      *Server
	r      *http.Request
	p      *serving // nil while no project is known
	match  route.Match
	origin header.Origin
	spent  spent
	user   string        // who the visitor has proved to be; "": nobody
	retry  time.Duration // when it is worth coming back, for fail
}

var closing = []string{"close"}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := s.current.Load()
	v := &visit{reply: reply{ResponseWriter: w, draining: &s.draining}, s: s, r: r, origin: now.trust.Origin(r, time.Now())}
	h := w.Header()
	h["X-Request-Id"] = []string{v.origin.ID}
	s.announce(h, r)
	if r.TransferEncoding != nil {
		// A request may have had Content-Length too, and net/http hides it: RFC 9112 6.1.
		h["Connection"] = closing
	}
	if status := refuses(r); status != 0 {
		h["Connection"] = closing
		v.fail(status)
		return
	}
	v.find(now)
	if v.aborted {
		panic(http.ErrAbortHandler) // the response is cut, and the client must notice
	}
}

// refuses is the status for requests that nobody here answers, or 0.
func refuses(r *http.Request) int {
	switch {
	case r.Method == http.MethodConnect || r.Method == http.MethodTrace:
		return http.StatusNotImplemented
	case !isOriginForm(r) && !isAbsoluteForm(r),
		strings.IndexByte(r.RequestURI, '#') >= 0,
		strings.IndexByte(r.URL.Path, 0) >= 0:
		return http.StatusBadRequest
	}
	return 0
}

func isOriginForm(r *http.Request) bool { return strings.HasPrefix(r.RequestURI, "/") }

// isAbsoluteForm also means that net/http has put the host of the target into r.Host, whatever
// the Host field said (RFC 9112 3.2.2), so that there is one host only from here on.
func isAbsoluteForm(r *http.Request) bool {
	return (r.URL.Scheme == "http" || r.URL.Scheme == "https") && r.URL.Host != "" && r.URL.User == nil
}

func (v *visit) find(now *snapshot) {
	var ok bool
	if v.p, v.match, ok = now.find(v.r.Host, v.r.URL.Path); !ok {
		v.misdirected()
		return
	}
	if v.isAstray(now) {
		v.p = nil
		v.misdirected()
		return
	}
	v.p.site.requests.Add(1)
	v.p.site.recent.add(v.origin.Start)
	defer v.record()
	switch {
	case v.challenge():
	case v.match.Redirect != nil:
		v.redirect()
	case v.wantsHTTPS():
		v.toHTTPS()
	case v.refused():
	case v.match.Static != nil:
		v.file()
	case v.match.Missing:
		v.fail(http.StatusNotFound)
	default:
		v.application()
	}
}

// misdirected answers for a host that no project has: RFC 9110 15.5.20.
func (v *visit) misdirected() {
	if v.r.RemoteAddr != selfAddr {
		v.s.unknownHosts.Add(1)
	}
	v.Header()["Connection"] = closing
	v.fail(http.StatusMisdirectedRequest)
}

func (v *visit) redirect() {
	uri := v.r.URL.EscapedPath()
	if v.r.URL.RawQuery != "" {
		uri += "?" + v.r.URL.RawQuery
	}
	v.setHeaders()
	v.Header().Set("Location", strings.TrimSuffix(v.match.Redirect.To, "/")+uri)
	v.WriteHeader(v.match.Redirect.Status)
}

func (v *visit) file() {
	v.setHeaders()
	v.served(v.p.statics[v.match.Static].Serve(v, v.r, v.match.Rest))
}

// served completes what a directory of files has answered, or not.
func (v *visit) served(status int) {
	switch status {
	case static.Answered:
	case static.Broken:
		v.aborted = true
	default:
		v.fail(status)
	}
}

// setHeaders sets what the project wants on every response.
func (v *visit) setHeaders() {
	h := v.Header()
	for name, values := range v.p.headers {
		h[name] = values
	}
	v.promise(h)
}

// log is the journal with what is known about this request.
func (v *visit) log() *slog.Logger {
	return v.s.log.With("project", v.p.route.Name, "request_id", v.origin.ID)
}
