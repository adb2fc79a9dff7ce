// Package machine looks at the host under the projects: who has a port, how much room a disk has,
// where a name leads, what certificate is shown. What that means for a project is said elsewhere.
package machine

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Room is what is left for an ordinary user on a file system.
type Room struct {
	Free       uint64 // bytes
	FreeInodes uint64
	Inodes     bool // it counts inodes
}

// RoomOf gives the room on the file system of a path.
func RoomOf(path string) (Room, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return Room{}, fmt.Errorf("cannot tell the room on the disk of %s: %w", path, err)
	}
	return Room{Free: s.Bavail * uint64(s.Bsize), FreeInodes: s.Ffree, Inodes: s.Files > 0}, nil
}

// Stopped says whether a process was stopped by a signal, as with Ctrl-Z.
func Stopped(pid uint32) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	// The name in parentheses may hold anything.
	_, rest, ok := strings.Cut(string(stat[max(0, strings.LastIndex(string(stat), ")")):]), " ")
	return ok && (strings.HasPrefix(rest, "T") || strings.HasPrefix(rest, "t"))
}

// nameLimit bounds a look-up and a handshake: nobody waits longer for an answer about a failure.
const nameLimit = 3 * time.Second

// ErrNoAnswer means that nobody could say where a name leads.
var ErrNoAnswer = errors.New("no name server answers")

// Where gives the addresses of a host name. A name that leads nowhere is another error than
// ErrNoAnswer.
func Where(ctx context.Context, name string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, nameLimit)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return nil, errors.New("there is no such name")
	}
	if err != nil {
		return nil, fmt.Errorf("%w for %s: %w", ErrNoAnswer, name, err)
	}
	for i := range addresses {
		addresses[i] = addresses[i].Unmap()
	}
	return addresses, nil
}

// Addresses are this machine's own.
func Addresses() []netip.Addr {
	list, _ := net.InterfaceAddrs()
	var own []netip.Addr
	for _, a := range list {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			own = append(own, prefix.Addr().Unmap())
		}
	}
	return own
}

// Public says whether an address is one that the whole internet reaches.
func Public(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() && !shared.Contains(a)
}

// shared is the space between providers and their customers (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")

// Expiry gives when the certificate ends that is shown for a host name at an address. It is not
// asked whether anybody trusts it.
func Expiry(ctx context.Context, address, name string) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, nameLimit)
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{ServerName: name, InsecureSkipVerify: true}}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return time.Time{}, fmt.Errorf("cannot see the certificate of %s: %w", name, err)
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].NotAfter, nil
}
