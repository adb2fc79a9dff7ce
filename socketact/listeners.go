// Package socketact is our side of systemd's protocols between a service and its manager: sockets
// that are handed over, and messages about the service's state. What is served on the sockets is
// left to others. It also holds the application servers' side, which is no Go.
package socketact

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/coreos/go-systemd/v22/activation"
	"golang.org/x/sys/unix"
)

// ErrNotActivated says that systemd handed no socket over.
var ErrNotActivated = errors.New("no socket was handed over by systemd (LISTEN_FDS is not set for this process)")

// Sockets are what systemd handed over, in its order.
type Sockets struct {
	Listeners []net.Listener   // TCP
	Packets   []net.PacketConn // UDP
}

// Receive takes the sockets that systemd handed over. It takes them out of the environment, so that
// it answers once. Anything among the descriptors that is neither a TCP listener nor a UDP socket is
// an error that lists all of them, because a socket that nobody accepts from would hang its clients.
func Receive() (Sockets, error) {
	return receive(activation.Files(true))
}

func receive(files []*os.File) (s Sockets, _ error) {
	if len(files) == 0 {
		return s, fmt.Errorf("cannot listen: %w", ErrNotActivated)
	}
	defer closeAll(files) // what net makes of them are duplicates
	for _, f := range files {
		if err := s.add(f); err != nil {
			closeAll(s.Listeners)
			closeAll(s.Packets)
			return Sockets{}, fmt.Errorf("cannot listen on socket %s: %w (received: %s)", f.Name(), err, describeAll(files))
		}
	}
	return s, nil
}

func closeAll[C interface{ Close() error }](list []C) {
	for _, c := range list {
		c.Close()
	}
}

// add adds one descriptor. What net makes of it is non-blocking.
func (s *Sockets) add(f *os.File) error {
	switch kind := describe(f); kind {
	case "TCP listener":
		l, err := net.FileListener(f)
		if err != nil {
			return err
		}
		s.Listeners = append(s.Listeners, l)
	case "UDP socket":
		c, err := net.FilePacketConn(f)
		if err != nil {
			return err
		}
		s.Packets = append(s.Packets, c)
	default:
		return fmt.Errorf("expected a TCP listener or a UDP socket, this is a %s", kind)
	}
	return nil
}

func describeAll(files []*os.File) string {
	words := make([]string, len(files))
	for i, f := range files {
		words[i] = f.Name() + " is a " + describe(f)
	}
	return strings.Join(words, ", ")
}

// describe says in a few words what a descriptor is.
func describe(f *os.File) string {
	fd := int(f.Fd())
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil {
		return "descriptor that is no socket"
	}
	kind, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	accepts, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	isInternet := domain == unix.AF_INET || domain == unix.AF_INET6
	switch {
	case isInternet && kind == unix.SOCK_STREAM && accepts == 1:
		return "TCP listener"
	case isInternet && kind == unix.SOCK_STREAM:
		return "TCP connection"
	case isInternet && kind == unix.SOCK_DGRAM:
		return "UDP socket"
	case domain == unix.AF_UNIX:
		return "unix socket"
	}
	return fmt.Sprintf("socket of family %d and type %d", domain, kind)
}
