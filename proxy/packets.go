package proxy

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"sandwich/proxy/h3"
)

// HTTP/3 is spoken on every UDP socket that is handed over: there is one when it is switched on.

// quicAlone is how long requests over HTTP/3 may take at the end when no next process shares the socket
// by then: whoever wants its address is waiting for it.
const quicAlone = 5 * time.Second

const (
	maxHeader  = 64 << 10 // bytes of a header, above what applications take
	maxStreams = 128      // requests at once on a connection
)

func (s *Server) servePackets(ctx context.Context, c net.PacketConn) error {
	defer c.Close()
	if s.conf.TLS == nil {
		s.log.Warn(fmt.Sprintf("there is no HTTPS, so nothing is spoken on %s/udp", c.LocalAddr()))
		<-ctx.Done()
		return nil
	}
	socket, ok := c.(*net.UDPConn)
	if !ok {
		return fmt.Errorf("cannot speak HTTP/3 on %s: it is no UDP socket", c.LocalAddr())
	}
	return h3.Serve(ctx, socket, s.conf.TLS.Config(), s, h3.Options{
		HeaderTime: headerTime, IdleTime: idleTime, Grace: s.conf.Drain, Alone: quicAlone, MaxHeader: maxHeader, MaxStreams: maxStreams,
		Shared: s.inboxes(), Secret: s.conf.TLS.Secret("HTTP/3"), Log: s.log,
	})
}

// inboxes is where processes find each other that share the sockets.
func (s *Server) inboxes() string {
	if s.conf.Runtime == "" {
		return ""
	}
	return filepath.Join(s.conf.Runtime, "http3")
}

// altSvc tells clients where HTTP/3 is spoken: RFC 7838. Each answer says it anew, for a day.
func altSvc(conf Config) []string {
	if conf.TLS == nil {
		return nil
	}
	for _, c := range conf.Packets {
		if a, ok := c.LocalAddr().(*net.UDPAddr); ok {
			return []string{fmt.Sprintf(`h3=":%d"; ma=86400`, a.Port)}
		}
	}
	return nil
}

// announce adds that to an answer over another protocol.
func (s *Server) announce(h http.Header, r *http.Request) {
	if s.altSvc != nil && r.TLS != nil && r.ProtoMajor < 3 {
		h["Alt-Svc"] = s.altSvc
	}
}
