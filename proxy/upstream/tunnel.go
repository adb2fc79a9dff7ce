package upstream

import (
	"io"
	"net"
)

// tunnelBuffer is what a silent tunnel costs: a message of a chat fits into it.
const tunnelBuffer = 4 << 10

// Tunnel carries bytes between two connections in both directions until both have ended. What the
// application says goes through toClient, which must write it. When one side has said all, the
// other is told and may still speak. It closes both.
func Tunnel(client, app net.Conn, toClient func([]byte) error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		endHalf(client, app, pass(app, toClient))
	}()
	_, err := io.Copy(app, client)
	endHalf(app, client, err)
	<-done
	app.Close()
	client.Close()
}

func pass(src net.Conn, write func([]byte) error) error {
	buf := make([]byte, tunnelBuffer)
	for {
		n, err := src.Read(buf)
		if n > 0 {
			if err := write(buf[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// endHalf ends one direction: in order by half-closing, after an error by closing both, because
// then the other direction has nobody to speak to either.
func endHalf(dst, src net.Conn, err error) {
	if err != nil {
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
