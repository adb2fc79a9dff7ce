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

// Listeners are the listening TCP sockets that systemd handed over, in its order. It takes them out
// of the environment, so that it answers once. Anything else among the descriptors is an error
// that lists all of them, because a socket that nobody accepts from would hang its clients.
func Listeners() ([]net.Listener, error) {
	return listeners(activation.Files(true))
}

func listeners(files []*os.File) ([]net.Listener, error) {
	if len(files) == 0 {
		return nil, fmt.Errorf("cannot listen: %w", ErrNotActivated)
	}
	defer closeAll(files) // net.FileListener has duplicates
	var list []net.Listener
	for _, f := range files {
		l, err := listen(f)
		if err != nil {
			closeAll(list)
			return nil, fmt.Errorf("cannot listen on socket %s: %w (received: %s)", f.Name(), err, describeAll(files))
		}
		list = append(list, l)
	}
	return list, nil
}

func closeAll[C interface{ Close() error }](list []C) {
	for _, c := range list {
		c.Close()
	}
}

// listen turns one descriptor into a listener. net.FileListener makes it non-blocking.
func listen(f *os.File) (net.Listener, error) {
	if kind := describe(f); kind != "TCP listener" {
		return nil, fmt.Errorf("expected a TCP listener, this is a %s", kind)
	}
	return net.FileListener(f)
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
