package socket

import (
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Detached is a connection that nobody waits for in Go: no more than a descriptor and two addresses.
// What Go has for one takes about as much again as all else that is known of an idle client.
type Detached struct {
	FD            int
	Remote, Local net.Addr
}

// Detach gives the descriptor of another handle to the connection, which stays usable until it is closed.
func (c *Conn) Detach() (d Detached, err error) {
	d.Remote, d.Local = c.RemoteAddr(), c.LocalAddr()
	if closed := c.raw.Control(func(fd uintptr) { d.FD, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) }); closed != nil {
		return d, closed
	}
	return d, syscallError("fcntl", err)
}

// Attach makes a connection again, whose Close closes the descriptor.
func (d Detached) Attach() *Conn {
	c, _ := New(&attached{os.NewFile(uintptr(d.FD), "socket"), d.Remote, d.Local})
	return c
}

// Close closes the descriptor.
func (d Detached) Close() error { return syscallError("close", unix.Close(d.FD)) }

// attached has of a file what is a connection's. net.FileConn would take eight more system calls.
type attached struct {
	file          *os.File
	remote, local net.Addr
}

func (a *attached) Read(p []byte) (int, error)         { return a.file.Read(p) }
func (a *attached) Write(p []byte) (int, error)        { return a.file.Write(p) }
func (a *attached) Close() error                       { return a.file.Close() }
func (a *attached) RemoteAddr() net.Addr               { return a.remote }
func (a *attached) LocalAddr() net.Addr                { return a.local }
func (a *attached) SetDeadline(t time.Time) error      { return a.file.SetDeadline(t) }
func (a *attached) SetReadDeadline(t time.Time) error  { return a.file.SetReadDeadline(t) }
func (a *attached) SetWriteDeadline(t time.Time) error { return a.file.SetWriteDeadline(t) }

// SyscallConn is for New.
func (a *attached) SyscallConn() (syscall.RawConn, error) { return a.file.SyscallConn() }

// CloseWrite is as a TCP connection's.
func (a *attached) CloseWrite() error {
	return control(a.file, func(fd int) error { return syscallError("shutdown", unix.Shutdown(fd, unix.SHUT_WR)) })
}

// SetLinger is as a TCP connection's.
func (a *attached) SetLinger(seconds int) error {
	option := unix.Linger{Onoff: 1, Linger: int32(seconds)}
	if seconds < 0 {
		option.Onoff = 0
	}
	return control(a.file, func(fd int) error {
		return syscallError("setsockopt", unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &option))
	})
}

func control(file *os.File, f func(fd int) error) (err error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	if closed := raw.Control(func(fd uintptr) { err = f(int(fd)) }); closed != nil {
		return closed
	}
	return err
}
