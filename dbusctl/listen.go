package dbusctl

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
)

// Reachable gives an address of this host at which a socket unit can be reached over TCP: the
// first it listens on, with loopback in place of "every address".
func (s *Systemd) Reachable(ctx context.Context, socket string) (netip.AddrPort, error) {
	if state, err := s.ActiveState(ctx, socket); err != nil || state != "active" {
		// Whoever answers there then is somebody else.
		return netip.AddrPort{}, errors.Join(err, fmt.Errorf("%s does not listen: it is %s (systemctl status %s)", socket, state, socket))
	}
	property, err := s.conn.GetUnitTypePropertyContext(ctx, socket, "Socket", "Listen")
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("cannot ask systemd where %s listens: %s", socket, busReason(err))
	}
	pairs, _ := property.Value.Value().([][]any)
	only, err := s.conn.GetUnitTypePropertyContext(ctx, socket, "Socket", "BindIPv6Only")
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("cannot ask systemd where %s listens: %s", socket, busReason(err))
	}
	if address, ok := reachable(pairs, only.Value.Value() == "ipv6-only"); ok {
		return address, nil
	}
	return netip.AddrPort{}, fmt.Errorf("cannot reach %s: it listens on no TCP address", socket)
}

// reachable reads the Listen property: pairs of a kind (Stream, Datagram, ...) and an address.
// Unless apart, a socket for every IPv6 address takes IPv4 too (systemd.socket(5), BindIPv6Only=).
func reachable(pairs [][]any, apart bool) (netip.AddrPort, bool) {
	for _, pair := range pairs {
		if len(pair) != 2 || pair[0] != "Stream" {
			continue
		}
		text, _ := pair[1].(string)
		address, err := netip.ParseAddrPort(text)
		if err != nil {
			continue
		}
		switch {
		case address.Addr() == netip.IPv6Unspecified() && apart:
			return netip.AddrPortFrom(netip.IPv6Loopback(), address.Port()), true
		case address.Addr().IsUnspecified():
			return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), address.Port()), true
		}
		return address, true
	}
	return netip.AddrPort{}, false
}
