package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sandwich/proxy/h2"
	"sandwich/proxy/route"
	certs "sandwich/proxy/tls"
)

// serveSecure speaks HTTP after a handshake. One that fails is nobody's trouble but the client's.
func (s *Server) serveSecure(c net.Conn) {
	conn := tls.Server(c, s.conf.TLS.Config())
	if err := shake(conn); err != nil {
		sayPlain(err)
		c.Close()
		s.clients.remove()
		return
	}
	switch conn.ConnectionState().NegotiatedProtocol {
	case "", "http/1.1":
		s.h1.ServeConn(conn, s.clients.remove)
		return
	case h2.Protocol:
		s.streams.serve(conn, s)
	default: // a CA has seen what it came for (RFC 8737 3)
		conn.Close()
	}
	s.clients.remove()
}

func shake(conn *tls.Conn) error {
	ctx, cancel := context.WithTimeout(context.Background(), headerTime)
	defer cancel()
	return conn.HandshakeContext(ctx)
}

// sayPlain tells somebody who spoke HTTP where HTTPS is spoken.
func sayPlain(err error) {
	var record tls.RecordHeaderError
	if !errors.As(err, &record) || record.Conn == nil || record.RecordHeader[0] < 'A' || record.RecordHeader[0] > 'Z' {
		return
	}
	record.Conn.SetWriteDeadline(time.Now().Add(time.Second))
	io.WriteString(record.Conn, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\nThis port speaks HTTPS.\n")
}

// isAstray says whether a request came over a connection that was made for another project: its
// certificate is none for this host, and what was agreed on there is not for here (RFC 9110 7.4).
func (v *visit) isAstray(now *snapshot) bool {
	if v.r.TLS == nil || v.r.TLS.ServerName == "" {
		return false
	}
	if route.NormalHost(v.r.TLS.ServerName) == route.NormalHost(v.r.Host) {
		return false
	}
	shaken, _, ok := now.find(v.r.TLS.ServerName, "/")
	return !ok || v.p == nil || shaken != v.p
}

// wantsHTTPS says whether a request is to come again over HTTPS.
func (v *visit) wantsHTTPS() bool {
	t := v.p.route.TLS
	if t == nil || v.s.conf.TLS == nil || v.origin.Proto == "https" {
		return false
	}
	switch t.Redirect {
	case route.RedirectAlways:
		return true
	case route.RedirectNever:
		return false
	}
	return v.s.conf.TLS.Trusted(route.NormalHost(v.r.Host))
}

// toHTTPS keeps the method of what is no plain page: 308 is 301 that does (RFC 9110 15.4.9).
func (v *visit) toHTTPS() {
	status := http.StatusPermanentRedirect
	if v.r.Method == http.MethodGet || v.r.Method == http.MethodHead {
		status = http.StatusMovedPermanently
	}
	v.Header().Set("Location", "https://"+route.NormalHost(v.r.Host)+v.s.httpsPort()+v.r.URL.RequestURI())
	v.WriteHeader(status)
}

// promise tells browsers to come over HTTPS only, when the project wants that (RFC 6797 7.2: not
// over plain HTTP).
func (v *visit) promise(h http.Header) {
	if value := v.p.hsts; value != nil && v.origin.Proto == "https" {
		h["Strict-Transport-Security"] = value
	}
}

// challenge answers a CA. Its questions reach no application: only files that a project has there
// of its own are somebody else's.
func (v *visit) challenge() bool {
	if !strings.HasPrefix(v.r.URL.Path, certs.ChallengePath) {
		return false
	}
	if v.s.conf.TLS != nil && v.s.conf.TLS.Challenge(&v.reply, v.r, route.NormalHost(v.r.Host)) {
		return true
	}
	if v.match.Static != nil && strings.HasPrefix(v.match.Static.Prefix, "/.well-known/") {
		return false
	}
	v.fail(http.StatusNotFound)
	return true
}

// httpsPort is what follows the host in an address of HTTPS here: nothing for port 443.
func (s *Server) httpsPort() string {
	for _, l := range s.conf.Listeners {
		a, ok := l.Addr().(*net.TCPAddr)
		if ok && s.settings.Load().IsHTTPS(a) && a.Port != 443 {
			return ":" + strconv.Itoa(a.Port)
		}
	}
	return ""
}
