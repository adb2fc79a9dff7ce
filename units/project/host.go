package project

import (
	"net/netip"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Host is the host file: how the front proxy listens, and what every project starts from. It is a
// plain value; only Outside is set by the caller, before the first Load.
type Host struct {
	HTTP           []string // addresses the proxy listens on, "0.0.0.0:80"
	HTTPS          []string // addresses of HTTPS, "0.0.0.0:443"
	HTTP3          bool     // HTTPS over QUIC, too, on the same addresses
	TrustedProxies []string // networks whose X-Forwarded-* are believed, "10.0.0.0/8"
	ProxyProtocol  bool     // they begin connections with a PROXY protocol header
	TLS            TLS      // what every project's tls block starts from
	Metrics        string   // where metrics are offered besides the socket, "127.0.0.1:9145", or ""
	MemoryBudget   int64    // bytes that all projects together may use before the longest unvisited is stopped; 0: any
	Source         *Source
	Outside        Outside

	defaults hcl.Body
}

// DefaultHost is a host without a host file.
func DefaultHost() *Host {
	return &Host{
		HTTP: []string{"0.0.0.0:80", "[::]:80"}, HTTPS: []string{"0.0.0.0:443", "[::]:443"},
		TLS: builtIn().TLS, Source: NewSource("", nil),
	}
}

// LoadHost turns the host file into a Host. Mistakes in its defaults are reported here as far as
// they show without a project; what only shows with one is reported by that project's Load. The
// Host is never nil: with mistakes it holds what could be read.
func LoadHost(filename string, src []byte) (*Host, hcl.Diagnostics) {
	h := DefaultHost()
	h.Source = NewSource(filename, src)
	body, diags := parse(filename, src)
	if diags.HasErrors() {
		return h, tidy(diags)
	}
	gs := &groups{byKey: map[string]*group{}}
	gs.add(&hostFile, "", "", *h.Source.At(""), body, map[string]bool{})
	d := &decoder{p: &Project{}, host: h, source: h.Source, context: &hcl.EvalContext{}}
	d.read(gs)
	h.defaults = defaultsOf(body)
	return h, tidy(append(append(diags, d.diags...), h.trial()...))
}

// defaultsOf is the body of the first defaults block. It stays as written until a project is
// loaded: only then are ${name} and ${root} known.
func defaultsOf(body *hclsyntax.Body) hcl.Body {
	for _, block := range body.Blocks {
		if block.Type == "defaults" {
			return block.Body
		}
	}
	return nil
}

// trial reads the defaults as those of a project that nothing is known of.
func (h *Host) trial() hcl.Diagnostics {
	if h.defaults == nil {
		return nil
	}
	d := newDecoder("trial", NewSource(h.Source.File, h.Source.Bytes), &scene{trial: true, dirs: []string{"/"}})
	d.read(gather(&top, *h.Source.At(""), h.defaults))
	d.whole()
	return d.diags
}

// hostFile is the top level of the host file. A defaults block is left as it is: trial reads it,
// and then each Load.
var hostFile = kind{decode: nothing, blocks: []kind{
	{name: "proxy", attrs: names(listenSettings), decode: decodeListen},
	{name: "tls", attrs: names(tlsSettings), blocks: tlsBlocks, decode: decodeHostTLS},
	{name: "defaults", opaque: true, decode: nothing},
}}

func nothing(*decoder, *group) {}

func decodeListen(d *decoder, g *group) {
	fill(d, g, listenSettings, d.host)
	if attr := g.attrs["http3"]; attr != nil && d.host.HTTP3 && len(d.host.HTTPS) == 0 {
		d.refuse(&attr.Range, "proxy.http3 without proxy.https", "HTTP/3 is spoken where HTTPS is. Give proxy.https an address, or remove http3.")
	}
}

var listenSettings = []setting[Host]{
	{"http", list(func(h *Host) *[]string { return &h.HTTP }, listenAddress, unique)},
	{"https", list(func(h *Host) *[]string { return &h.HTTPS }, listenAddress, unique)},
	{"http3", boolean(func(h *Host) *bool { return &h.HTTP3 })},
	{"metrics", text(func(h *Host) *string { return &h.Metrics }, loopbackAddress)},
	{"trusted_proxies", list(func(h *Host) *[]string { return &h.TrustedProxies }, network, unique)},
	{"memory_budget", size(func(h *Host) *int64 { return &h.MemoryBudget }, 1<<20)},
	{"proxy_protocol", boolean(func(h *Host) *bool { return &h.ProxyProtocol })},
}

// loopbackAddress is an address with a port that only this host can reach.
func loopbackAddress(_ *decoder, s string) (string, *fault) {
	at, err := netip.ParseAddrPort(s)
	if err != nil || !at.Addr().IsLoopback() || at.Port() < 1024 {
		return "", wrong("is no loopback address with a port from 1024", `Write it like "127.0.0.1:9145".`)
	}
	return at.String(), nil
}

// network is an address or a network of addresses.
func network(_ *decoder, s string) (string, *fault) {
	if prefix, err := netip.ParsePrefix(s); err == nil && prefix == prefix.Masked() {
		return prefix.String(), nil
	}
	if address, err := netip.ParseAddr(s); err == nil && address.Zone() == "" {
		return netip.PrefixFrom(address, address.BitLen()).String(), nil
	}
	return "", wrong("is no network", `Write it like "10.0.0.0/8" or "192.0.2.1".`)
}
