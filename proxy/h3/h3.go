// Package h3 serves HTTP/3 (RFC 9114) on a UDP socket that is there, by quic-go. Where the socket and
// the certificates come from, and what is answered, is left to others.
package h3

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// Options are what a client may. All are required but Log.
type Options struct {
	HeaderTime time.Duration // for a handshake
	IdleTime   time.Duration // how long there may be no request
	Grace      time.Duration // how long requests may take when the server ends
	MaxHeader  int           // bytes of a header
	MaxStreams int           // requests at once
	Log        *slog.Logger  // for handlers that panic; nil: nobody
}

// Windows as those of HTTP/2: what a handler that reads nothing makes us keep.
const (
	streamWindow = 256 << 10
	connWindow   = 1 << 20
)

// Serve serves until ctx ends, and then for Grace at most, in which no new requests are taken. It
// fails when conn does, which stays open. A process that serves on the same socket meanwhile gets
// packets of this one and this one gets its: neither answers what it does not know, and both sides
// send again, but that is why Grace is to be short.
//
// There is no 0-RTT, whose requests can be played back.
func Serve(ctx context.Context, conn net.PacketConn, config *tls.Config, handler http.Handler, o Options) error {
	transport := &quic.Transport{Conn: conn}
	defer transport.Close()
	listener, err := transport.Listen(http3.ConfigureTLSConfig(config), &quic.Config{
		HandshakeIdleTimeout:           o.HeaderTime,
		MaxIdleTimeout:                 o.IdleTime,
		InitialStreamReceiveWindow:     streamWindow,
		MaxStreamReceiveWindow:         streamWindow,
		InitialConnectionReceiveWindow: connWindow,
		MaxConnectionReceiveWindow:     connWindow,
		MaxIncomingStreams:             int64(o.MaxStreams),
		MaxIncomingUniStreams:          8, // RFC 9114 6.2: three are of use
	})
	if err != nil {
		return fmt.Errorf("cannot serve HTTP/3 on %s: %w", conn.LocalAddr(), err)
	}
	in := requests{handler: handler}
	s := &http3.Server{Handler: &in, MaxHeaderBytes: o.MaxHeader, IdleTimeout: o.IdleTime, Logger: o.Log}
	if o.Log == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	failed := make(chan error, 1)
	go func() { failed <- s.ServeListener(listener) }()
	select {
	case err = <-failed:
		err = fmt.Errorf("cannot serve HTTP/3 on %s: %w", conn.LocalAddr(), err)
	case <-ctx.Done():
		listener.Close() // the next process is to get the new connections
		finish(s, &in, o.Grace)
		<-failed
	}
	s.Close()
	return err
}

// finish tells the clients to go (RFC 9114 5.2) and waits for the requests, for grace at most. A
// client that has none may keep its connection: it is not waited for.
func finish(s *http3.Server, in *requests, grace time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	go func() {
		in.wait(ctx)
		time.AfterFunc(ackTime, cancel)
	}()
	s.Shutdown(ctx)
}

// ackTime is how long the end of the last answers may take to arrive, after their handlers.
const ackTime = time.Second
