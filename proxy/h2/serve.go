// Package h2 serves HTTP/2 (RFC 9113) on connections that are there and whose client wants it. It
// is for a front that everybody may speak to: requests that could mean something else to an
// HTTP/1.1 application are refused, and what costs us more than the client ends the connection.
// Listening, TLS and what is answered are left to others.
package h2

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Options are what a connection may. Zero values are the defaults.
type Options struct {
	HeaderTime   time.Duration // for the preface, a frame or a header block that has begun; 10 s
	IdleTime     time.Duration // how long there may be no request; 75 s
	ProgressTime time.Duration // how long a client may take nothing of what is sent; 60 s
	MaxHeader    int           // bytes of a header, counted as RFC 9113 6.5.2 does; 64 KiB
	MaxStreams   int           // requests at once; 128
	Log          *slog.Logger  // for handlers that panic; nil: nobody
}

func (o Options) withDefaults() Options {
	o.HeaderTime = or(o.HeaderTime, 10*time.Second)
	o.IdleTime = or(o.IdleTime, 75*time.Second)
	o.ProgressTime = or(o.ProgressTime, 60*time.Second)
	o.MaxHeader = or(o.MaxHeader, 64<<10)
	o.MaxStreams = or(o.MaxStreams, 128)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

func or[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}

// Protocol is the name of HTTP/2 over TLS in ALPN.
const Protocol = "h2"

// Serve serves one connection until it has ended and every handler has returned. A *tls.Conn must
// have agreed on Protocol. When ctx ends, the client is told to go and the requests that are on
// their way are finished; closing nc ends them, too. Serve closes nc.
//
// Requests have ctx's values, and http.LocalAddrContextKey. The http.ResponseWriter can Flush, has
// trailers as net/http has them, and knows SetReadDeadline, SetWriteDeadline and EnableFullDuplex
// of http.ResponseController. A panic with http.ErrAbortHandler resets the stream.
func Serve(ctx context.Context, nc net.Conn, handler http.Handler, o Options) {
	c := newConn(ctx, nc, handler, o.withDefaults())
	c.greet()
	stop := context.AfterFunc(ctx, c.drain)
	defer stop()
	c.end(c.serve())
	c.running.Wait()
}

func newConn(ctx context.Context, nc net.Conn, handler http.Handler, o Options) *conn {
	c := &conn{
		ctx: context.WithoutCancel(ctx), nc: nc, o: o, handler: handler,
		local: nc.LocalAddr(), remote: nc.RemoteAddr().String(),
		in:         input{conn: nc, timeout: o.HeaderTime},
		dec:        decoder{maxList: o.MaxHeader, limit: tableSize},
		streams:    map[uint32]*stream{},
		window:     defaultWindow,
		peerWindow: defaultWindow,
		received:   receiveWindow{left: connWindow, size: connWindow},
		idleSince:  time.Now(),
		budget:     budget{since: time.Now()},
	}
	c.room.L = &c.mu
	if t, ok := nc.(*tls.Conn); ok {
		state := t.ConnectionState()
		c.tls = &state
	}
	return c
}
