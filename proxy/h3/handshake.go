package h3

import (
	"context"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
)

// handshakes counts those that have begun: a listener that is closed refuses their clients.
type handshakes struct{ counter }

// overKey is of what is called when a connection's handshake has come to its end.
type overKey struct{}

// begin is a quic.Transport's ConnContext. ctx ends with the connection.
func (h *handshakes) begin(ctx context.Context, _ *quic.ClientInfo) (context.Context, error) {
	h.count(1)
	over := sync.OnceFunc(func() { h.count(-1) })
	context.AfterFunc(ctx, over)
	return context.WithValue(ctx, overKey{}, over), nil
}

// accepting is a listener that knows of them.
type accepting struct{ *quic.Listener }

// Accept is for http3.Server.
func (l accepting) Accept(ctx context.Context) (*quic.Conn, error) {
	c, err := l.Listener.Accept(ctx)
	if err != nil {
		return nil, err
	}
	c.Context().Value(overKey{}).(func())()
	return c, nil
}

// firstTime is how long the first request may take to come after a handshake: it is sent with its end.
const firstTime = 250 * time.Millisecond

// finish lets handshakes that have begun come to their end, and their clients send a request.
func (h *handshakes) finish(ctx context.Context, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	h.wait(ctx)
	select {
	case <-time.After(firstTime):
	case <-ctx.Done():
	}
}
