package h1_test

import (
	"io"
	"net"
	"strings"
	"time"
)

// memoryConn has said all that a client says, and keeps what it is told.
type memoryConn struct {
	io.Reader
	told strings.Builder
}

func (c *memoryConn) Write(p []byte) (int, error)      { return c.told.Write(p) }
func (c *memoryConn) Close() error                     { return nil }
func (c *memoryConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *memoryConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *memoryConn) SetDeadline(time.Time) error      { return nil }
func (c *memoryConn) SetReadDeadline(time.Time) error  { return nil }
func (c *memoryConn) SetWriteDeadline(time.Time) error { return nil }
