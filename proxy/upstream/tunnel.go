package upstream

import (
	"io"
	"net"
)

// Tunnel copies bytes between two connections in both directions until both have ended. When one
// side has said all, the other is told and may still speak. It closes both.
func Tunnel(client net.Conn, app net.Conn) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		copyHalf(client, app)
	}()
	copyHalf(app, client)
	<-done
	app.Close()
	client.Close()
}

// copyHalf ends one direction: in order by half-closing, after an error by closing both, because
// then the other direction has nobody to speak to either.
func copyHalf(dst, src net.Conn) {
	if _, err := io.Copy(dst, src); err != nil {
		dst.Close()
		src.Close()
		return
	}
	if half, ok := dst.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
		return
	}
	dst.Close()
}
