package h1

import (
	"net/netip"
	"net/url"
	"strings"

	"sandwich/proxy/wire"
)

// parseTarget is what a request target (RFC 9112 3.2) means, and the host that it names itself: ""
// in origin-form. method CONNECT was refused before.
func parseTarget(method, target string) (u *url.URL, host string, refusal *Refusal) {
	switch {
	case target[0] == '/':
		u, refusal = parsePath(target)
		return u, "", refusal
	case target == "*" && method == "OPTIONS":
		return &url.URL{Path: "*"}, "", nil
	}
	return parseAbsolute(target)
}

// parsePath is net/url's meaning of a path with its query. Most paths have nothing to decode.
func parsePath(target string) (*url.URL, *Refusal) {
	path, query, hasQuery := strings.Cut(target, "?")
	if isPlain(path) {
		return &url.URL{Path: path, RawQuery: query, ForceQuery: hasQuery && query == ""}, nil
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, errEncoding
	}
	return u, nil
}

// isPlain says whether net/url would take the path for itself, decoded and encoded.
func isPlain(path string) bool {
	for i := range len(path) {
		if !isPlainByte[path[i]] {
			return false
		}
	}
	return true
}

var isPlainByte = func() (set [256]bool) {
	for c := range set {
		set[c] = '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	}
	for _, c := range []byte("/-_.~$&+,:;=@") {
		set[c] = true
	}
	return set
}()

func parseAbsolute(target string) (*url.URL, string, *Refusal) {
	u, err := url.ParseRequestURI(target)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.Opaque != "" {
		return nil, "", errTargetForm
	}
	if !isHost(u.Host) {
		return nil, "", errHost
	}
	return u, u.Host, nil
}

// isHost says whether s is a host name or an address, with or without a port: RFC 3986's rule
// without percent-encodings and without what no resolver takes.
func isHost(s string) bool {
	if strings.HasPrefix(s, "[") {
		addr, port, ok := strings.Cut(s[1:], "]")
		a, err := netip.ParseAddr(addr)
		return ok && err == nil && a.Is6() && a.Zone() == "" && isPortOrNothing(port)
	}
	name, port := s, ""
	if i := strings.IndexByte(s, ':'); i >= 0 {
		name, port = s[:i], s[i:]
	}
	for i := range len(name) {
		if !isHostByte(name[i]) {
			return false
		}
	}
	return name != "" && len(name) <= 255 && isPortOrNothing(port)
}

func isHostByte(c byte) bool {
	return wire.IsDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '.' || c == '-' || c == '_'
}

// isPortOrNothing is for what follows a host: nothing, or a colon and 1 to 65535.
func isPortOrNothing(s string) bool {
	if s == "" {
		return true
	}
	if s[0] != ':' || len(s) < 2 || len(s) > 6 {
		return false
	}
	n := 0
	for i := 1; i < len(s); i++ {
		if !wire.IsDigit(s[i]) {
			return false
		}
		n = 10*n + int(s[i]-'0')
	}
	return n > 0 && n < 1<<16
}
