// Package h3 serves HTTP/3 (RFC 9114) on a UDP socket that is there, by quic-go. Where the socket and
// the certificates come from, and what is answered, is left to others.
package h3

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"golang.org/x/time/rate"
)

// Options are what a client may. All are required but Shared, Secret and Log.
type Options struct {
	HeaderTime time.Duration // for a handshake
	IdleTime   time.Duration // how long there may be no request
	Grace      time.Duration // how long requests may take when the server ends
	Alone      time.Duration // how long they may when no other process has taken the socket over by then
	MaxHeader  int           // bytes of a header
	MaxStreams int           // requests at once
	Shared     string        // directory in which processes that serve on a socket find each other; "": there is one
	Secret     []byte        // which all of them know; nil: clients of one that died learn it by time
	Log        *slog.Logger  // for handlers that panic; nil: nobody
}

// Windows as those of HTTP/2: what a handler that reads nothing makes us keep.
const (
	streamWindow = 256 << 10
	connWindow   = 1 << 20
)

// Serve serves until ctx ends, and then for Grace at most, in which no new requests are taken. It
// fails when conn does, which stays open. Another process may serve on the same socket meanwhile.
//
// There is no 0-RTT, whose requests can be played back.
func Serve(ctx context.Context, conn *net.UDPConn, config *tls.Config, handler http.Handler, o Options) error {
	shared, err := newRelay(conn, o.Shared)
	if err != nil {
		return err
	}
	defer shared.close()
	shared.greet() // before anything is read: what belongs to others must be known
	var begun handshakes
	transport := newTransport(shared, o.Secret)
	transport.ConnContext = begun.begin
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
	go func() { failed <- s.ServeListener(accepting{listener}) }()
	select {
	case err = <-failed:
		err = fmt.Errorf("cannot serve HTTP/3 on %s: %w", conn.LocalAddr(), err)
	case <-ctx.Done():
		shared.drain() // the next process is to get the new connections
		finish(s, listener, &begun, &in, shared.handed, o)
		<-failed
	}
	s.Close()
	return err
}

// newTransport has keys that each process of the proxy has, so that the next one can tell the clients
// of one that died to begin anew (RFC 9000 10.3), and knows the addresses that it has checked.
func newTransport(conn *relay, secret []byte) *quic.Transport {
	t := &quic.Transport{Conn: conn, ConnectionIDGenerator: conn.tag, VerifySourceAddress: manyStrangers()}
	if secret != nil {
		reset, token := quic.StatelessResetKey(derive(secret, "stateless reset")), quic.TokenGeneratorKey(derive(secret, "token"))
		t.StatelessResetKey, t.TokenGeneratorKey = &reset, &token
	}
	return t
}

func derive(secret []byte, purpose string) [32]byte {
	return sha256.Sum256(append(append([]byte(nil), secret...), purpose...))
}

// strangers is how many connections may begin in a second before each client has to show that it is
// where it says it is, which costs it a round trip (RFC 9000 8.1.2).
const strangers = 500

func manyStrangers() func(net.Addr) bool {
	few := rate.NewLimiter(strangers, strangers)
	return func(net.Addr) bool { return !few.Allow() }
}

// finish waits for handshakes that have begun, tells the clients to go (RFC 9114 5.2) and waits for the
// requests, for Grace at most, and for Alone when no other process has taken the socket over. A client
// that has none may keep its connection: it is not waited for.
func finish(s *http3.Server, l *quic.Listener, begun *handshakes, in *requests, handed <-chan struct{}, o Options) {
	ctx, cancel := context.WithTimeout(context.Background(), o.Grace)
	defer cancel()
	alone := time.AfterFunc(o.Alone, func() {
		select {
		case <-handed:
		default:
			cancel()
		}
	})
	defer alone.Stop()
	begun.finish(ctx, o.HeaderTime)
	l.Close()
	go func() {
		in.wait(ctx)
		time.AfterFunc(ackTime, cancel)
	}()
	s.Shutdown(ctx)
}

// ackTime is how long the end of the last answers may take to arrive, after their handlers.
const ackTime = time.Second
