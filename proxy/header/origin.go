// Package header decides which header fields cross the proxy, in both directions, and what the
// proxy says about itself and the client in them. It is pure: it opens nothing and waits for nothing.
package header

import (
	"crypto/rand"
	"encoding/hex"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Origin is where a request came from, as the application is told.
type Origin struct {
	Client string    // address of the client, without port
	Chain  string    // X-Forwarded-For: the client, then the trusted proxies in between
	Proto  string    // "http" or "https"
	Host   string    // what the client asked for, with port if it named one
	Port   string    // the port the client connected to
	ID     string    // request id
	Start  time.Time // when the request was read
}

// Trust are the networks whose X-Forwarded-* and X-Request-ID are believed. Nil believes nobody.
type Trust []netip.Prefix

// Origin finds out where r came from. Of what a client says about itself only the part is used
// that a trusted proxy has vouched for: in X-Forwarded-For the right-most address that is not
// trusted is the client, and everything to the left of it is the client's own invention.
func (t Trust) Origin(r *http.Request, now time.Time) Origin {
	peer := peerOf(r.RemoteAddr)
	o := Origin{Client: peer, Chain: peer, Proto: "http", Host: r.Host, Port: localPort(r), Start: now}
	if r.TLS != nil {
		o.Proto = "https"
	}
	if len(t) > 0 && t.trusts(peer) {
		t.believe(&o, r.Header)
	}
	if o.ID == "" {
		o.ID = NewID()
	}
	return o
}

// NewID is a new request id: 128 random bits in hex.
func NewID() string {
	var raw [16]byte
	rand.Read(raw[:])
	var text [32]byte
	hex.Encode(text[:], raw[:])
	return string(text[:])
}

func peerOf(remoteAddr string) string {
	host := remoteAddr
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	return strings.Trim(host, "[]")
}

func localPort(r *http.Request) string {
	switch a := r.Context().Value(http.LocalAddrContextKey).(type) {
	case *net.TCPAddr:
		return strconv.Itoa(a.Port)
	case *net.UDPAddr: // HTTP/3
		return strconv.Itoa(a.Port)
	}
	if r.TLS != nil {
		return "443"
	}
	return "80"
}

// Trusts says whether the other end of a connection is trusted.
func (t Trust) Trusts(addr net.Addr) bool { return len(t) > 0 && t.trusts(peerOf(addr.String())) }

func (t Trust) trusts(addr string) bool {
	a, err := netip.ParseAddr(addr)
	return err == nil && t.contains(a)
}

func (t Trust) contains(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, p := range t {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// believe takes over what a trusted peer says, each field only when it is well-formed.
func (t Trust) believe(o *Origin, h http.Header) {
	t.believeChain(o, h["X-Forwarded-For"])
	if v := last(h["X-Forwarded-Host"]); isHost(v) {
		o.Host = v
	}
	if v := strings.ToLower(last(h["X-Forwarded-Proto"])); v == "http" || v == "https" {
		o.Proto, o.Port = v, portOf(o.Host, v) // the port that the client connected to is not ours
	}
	if v := last(h["X-Forwarded-Port"]); isPort(v) {
		o.Port = v
	}
	if v := last(h["X-Request-Id"]); isID(v) {
		o.ID = v
	}
}

// portOf is the port of a host, which is the scheme's when the host names none.
func portOf(host, proto string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && isPort(host[i+1:]) && !strings.HasSuffix(host, "]") {
		return host[i+1:]
	}
	if proto == "https" {
		return "443"
	}
	return "80"
}

func (t Trust) believeChain(o *Origin, lines []string) {
	addrs := strings.Split(strings.Join(lines, ","), ",")
	for i := len(addrs) - 1; i >= 0; i-- {
		text := strings.TrimSpace(addrs[i])
		if text == "" {
			continue
		}
		a, ok := parseNode(text)
		if !ok {
			return
		}
		o.Client = a.Unmap().WithZone("").String()
		o.Chain = o.Client + ", " + o.Chain
		if !t.contains(a) {
			return
		}
	}
}

// parseNode is an address as proxies write it: with a port or without, and an IPv6 address in
// brackets or, without a port, as it is.
func parseNode(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		return a, true
	}
	if p, err := netip.ParseAddrPort(s); err == nil {
		return p.Addr(), true
	}
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		a, err := netip.ParseAddr(s[1 : len(s)-1])
		return a, err == nil
	}
	return netip.Addr{}, false
}

// last is the value the nearest proxy has set.
func last(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	v := lines[len(lines)-1]
	return strings.TrimSpace(v[strings.LastIndexByte(v, ',')+1:])
}

func isHost(s string) bool {
	return s != "" && len(s) <= 260 && !strings.ContainsFunc(s, func(c rune) bool {
		return !isAlnum(c) && !strings.ContainsRune(".-:[]", c)
	})
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

func isID(s string) bool {
	return s != "" && len(s) <= 128 && !strings.ContainsFunc(s, func(c rune) bool {
		return !isAlnum(c) && !strings.ContainsRune(".-_:=+/", c)
	})
}

func isAlnum(c rune) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
