package tls

import (
	"context"
	"net"
	"net/netip"
)

// resolve asks as this host resolves names: its hosts file, then its name servers.
func resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}
