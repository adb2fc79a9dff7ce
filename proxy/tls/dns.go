package tls

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"sandwich/proxy/route"
)

// resolve asks as this host resolves names: its hosts file, then its name servers.
func resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// lookLimit bounds a look at where a name leads.
const lookLimit = 20 * time.Second

// leadsHere says why a CA that follows the name would not find this proxy. It asks no CA: a name
// that leads elsewhere costs a validation that was bound to fail.
func (h *host) leadsHere(ctx context.Context) error {
	if h.want.Unchecked {
		return nil
	}
	if why := notPublic(h.name); why != "" && isPublic(h.want.Directory()) {
		return fmt.Errorf("%s: no public CA gives a certificate for it (tls mode internal, or a ca of your own, is for such names)", why)
	}
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	addrs, err := h.k.conf.Resolve(ctx, h.name)
	if err != nil {
		var dns *net.DNSError
		if errors.As(err, &dns) && dns.IsNotFound {
			return errors.New("the name is not in DNS")
		}
		return fmt.Errorf("cannot look the name up in DNS: %w", err)
	}
	if len(addrs) == 0 {
		return errors.New("the name has no address in DNS")
	}
	for _, a := range addrs { // the CA takes any of them
		if err := h.isHere(ctx, a.Unmap()); err != nil {
			return err
		}
	}
	return nil
}

// isHere says why an address is not this proxy's: it is none of the host's own, and who answers
// there does not know our mark. Behind an address translation only the mark tells.
func (h *host) isHere(ctx context.Context, a netip.Addr) error {
	if !a.IsLoopback() || !isPublic(h.want.Directory()) {
		if isOwn(a) {
			return nil
		}
	}
	if a.IsLoopback() || a.IsUnspecified() || a.IsMulticast() {
		return fmt.Errorf("DNS leads the name to %s, which no CA reaches", a)
	}
	mark, err := h.askMark(ctx, a)
	if err == nil && mark != h.k.authority.mark(h.name) {
		err = errors.New("another server answers there")
	}
	if err != nil {
		return fmt.Errorf("DNS leads the name to %s, which is not this host (%v); tls check_dns = false orders all the same", a, err)
	}
	return nil
}

// isOwn says whether an address is one of this host's: only then can a socket have it. To list the
// addresses takes a netlink socket, which the proxy's sandbox has none of.
func isOwn(a netip.Addr) bool {
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, 0)))
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// askMark asks the server at an address for the mark of the host.
func (h *host) askMark(ctx context.Context, a netip.Addr) (string, error) {
	address := netip.AddrPortFrom(a, h.k.conf.HTTPPort).String()
	client := &http.Client{
		Timeout:       5 * time.Second,
		Transport:     &http.Transport{DisableKeepAlives: true, Proxy: nil},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+ChallengePath+markToken, nil)
	if err != nil {
		return "", err
	}
	r.Host = h.name
	if h.k.conf.HTTPPort != 80 {
		r.Host = net.JoinHostPort(h.name, strconv.Itoa(int(h.k.conf.HTTPPort)))
	}
	res, err := client.Do(r)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 100))
	return string(body), err
}

// reserved are names that mean nothing in public DNS: RFC 6761, RFC 6762, RFC 8375, RFC 9476, and
// what ICANN has set aside for private use.
var reserved = []string{"example", "test", "invalid", "localhost", "local", "internal", "home.arpa", "alt", "lan", "localdomain"}

func notPublic(host string) string {
	if !strings.Contains(host, ".") {
		return "the name has no dot"
	}
	for _, top := range reserved {
		if host == top || strings.HasSuffix(host, "."+top) {
			return "names that end in ." + top + " are not public"
		}
	}
	return ""
}

// publicCAs are the hosts of CAs that browsers trust and that reach a name only over the internet.
var publicCAs = []string{"api.letsencrypt.org", "zerossl.com", "pki.goog", "buypass.com", "ssl.com", "digicert.com", "sectigo.com", "actalis.com"}

func isPublic(directory string) bool {
	u, err := url.Parse(directory)
	return err == nil && slices.ContainsFunc(publicCAs, func(ca string) bool {
		return strings.HasSuffix(u.Hostname(), ca)
	})
}

func isLetsEncrypt(directory string) bool { return directory == route.LetsEncrypt }
