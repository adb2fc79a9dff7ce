package h2

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// head is a request as its fields say it.
type head struct {
	method, scheme, path, authority, protocol string

	header  http.Header
	cookies int
	length  int64 // what Content-Length says, -1 without
}

// parseFields turns the fields of a header block into a request head. flaw says why they are none:
// RFC 9113 8.1.1 calls that malformed, and nothing of it may reach an application.
func parseFields(fields []field) (h *head, flaw string) {
	h = &head{length: -1}
	n := pseudoFields(fields)
	if flaw = h.pseudo(fields[:n]); flaw != "" {
		return nil, flaw
	}
	if flaw = h.regular(fields[n:]); flaw != "" {
		return nil, flaw
	}
	return h, h.judge()
}

// pseudoFields counts the pseudo-header fields at the beginning.
func pseudoFields(fields []field) int {
	for i := range fields {
		if fields[i].key != "" || !strings.HasPrefix(fields[i].name, ":") {
			return i
		}
	}
	return len(fields)
}

func (h *head) pseudo(fields []field) (flaw string) {
	for i := range fields {
		f := &fields[i]
		if f.flaw != "" {
			return f.flaw
		}
		at := h.pseudoField(f.name)
		if at == nil {
			return "unknown pseudo-header field"
		}
		if *at != "" || f.value == "" {
			return "pseudo-header field that is empty or there twice"
		}
		*at = f.value
	}
	return ""
}

func (h *head) pseudoField(name string) *string {
	switch name {
	case ":method":
		return &h.method
	case ":scheme":
		return &h.scheme
	case ":path":
		return &h.path
	case ":authority":
		return &h.authority
	case ":protocol":
		return &h.protocol
	}
	return nil
}

// regular puts the other fields into a header, with one array for all the values.
func (h *head) regular(fields []field) (flaw string) {
	h.header = make(http.Header, len(fields)+1)
	values := make([]string, 0, len(fields))
	for i := range fields {
		f := &fields[i]
		if f.flaw != "" {
			return f.flaw
		}
		if f.key == "" {
			return "pseudo-header field after others"
		}
		if old := h.header[f.key]; old != nil {
			if flaw = h.again(f, old); flaw != "" {
				return flaw
			}
			continue
		}
		values = append(values, f.value)
		h.header[f.key] = values[len(values)-1 : len(values) : len(values)]
	}
	if h.cookies > 0 {
		h.joinCookies(fields)
	}
	return ""
}

// again is a field that was there before.
func (h *head) again(f *field, old []string) (flaw string) {
	switch f.key {
	case "Cookie":
		h.cookies++
	case "Content-Length", "Host":
		return f.key + " is there twice"
	default:
		h.header[f.key] = append(old, f.value)
	}
	return ""
}

// joinCookies makes one field of the crumbs that HTTP/2 may cut cookies into: RFC 9113 8.2.3.
func (h *head) joinCookies(fields []field) {
	var all []string
	for i := range fields {
		if fields[i].key == "Cookie" {
			all = append(all, fields[i].value)
		}
	}
	h.header["Cookie"] = []string{strings.Join(all, "; ")}
}

// judge looks at what the fields mean together.
func (h *head) judge() (flaw string) {
	if h.method == "" || !isMethod(h.method) {
		return ":method is missing or no method"
	}
	if flaw = h.judgeHost(); flaw != "" {
		return flaw
	}
	if flaw = h.judgeLength(); flaw != "" {
		return flaw
	}
	if h.method == http.MethodConnect && h.protocol == "" {
		return h.judgeConnect()
	}
	if h.protocol != "" && h.method != http.MethodConnect {
		return ":protocol without CONNECT"
	}
	if h.scheme != "https" && h.scheme != "http" {
		return ":scheme is missing or not https"
	}
	return h.judgePath()
}

// judgeConnect: RFC 9113 8.5.
func (h *head) judgeConnect() (flaw string) {
	if h.scheme != "" || h.path != "" {
		return "CONNECT with :scheme or :path"
	}
	return ""
}

// judgeHost makes sure that there is one host, whichever field names it: RFC 9113 8.3.1.
func (h *head) judgeHost() (flaw string) {
	host, ok := h.header["Host"]
	if ok && h.authority == "" {
		h.authority = host[0]
	}
	if ok && !strings.EqualFold(host[0], h.authority) {
		return "Host is not what :authority is"
	}
	if !isHost(h.authority) {
		return ":authority is missing or no host"
	}
	delete(h.header, "Host")
	return ""
}

func (h *head) judgeLength() (flaw string) {
	values, ok := h.header["Content-Length"]
	if !ok {
		return ""
	}
	n, err := strconv.ParseUint(values[0], 10, 63)
	if err != nil {
		return "Content-Length is no number"
	}
	h.length = int64(n)
	return ""
}

func (h *head) judgePath() (flaw string) {
	if h.path == "*" && h.method == http.MethodOptions {
		return ""
	}
	if !strings.HasPrefix(h.path, "/") {
		return ":path does not begin with a slash"
	}
	for i := range len(h.path) {
		if c := h.path[i]; c <= ' ' || c == '#' || c == 0x7f {
			return "blank, control character or fragment in :path"
		}
	}
	return ""
}

func isMethod(s string) bool {
	for i := range len(s) {
		if !isToken[s[i]] {
			return false
		}
	}
	return true
}

// isHost says whether s is a name or an address, with or without a port, and nothing else: no user,
// no path, nothing that means something in a header.
func isHost(s string) bool {
	name, port := s, ""
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		name, port = s[:i], s[i+1:]
		if port == "" || strings.Trim(port, "0123456789") != "" || len(port) > 5 {
			return false
		}
	}
	if inner, ok := strings.CutPrefix(name, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		return ok && inner != "" && strings.Trim(inner, "0123456789abcdefABCDEF:.") == ""
	}
	return name != "" && len(name) <= 255 && strings.IndexFunc(name, notInName) < 0
}

func notInName(c rune) bool {
	return !('0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '.' || c == '-' || c == '_')
}

// url is the target as net/http has it. Most need no parser.
func (h *head) url() (*url.URL, error) {
	if h.method == http.MethodConnect && h.protocol == "" {
		return &url.URL{Host: h.authority}, nil
	}
	path, query, has := strings.Cut(h.path, "?")
	for i := range len(path) {
		if !isPlain[path[i]] {
			return url.ParseRequestURI(h.path)
		}
	}
	return &url.URL{Path: path, RawQuery: query, ForceQuery: has && query == ""}, nil
}

// isPlain are the characters of a path that mean themselves, and are written so.
var isPlain = func() (set [256]bool) {
	for c := range 256 {
		set[c] = '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' ||
			c == '/' || c == '.' || c == '-' || c == '_' || c == '~'
	}
	return set
}()

// trailerFlaw says why a block cannot end a request: RFC 9113 8.1 and RFC 9110 6.5.1.
func trailerFlaw(fields []field) (flaw string) {
	for i := range fields {
		f := &fields[i]
		if f.flaw != "" {
			return f.flaw
		}
		if f.key == "" {
			return "pseudo-header field in a trailer"
		}
		switch f.key {
		case "Content-Length", "Host", "Te", "Trailer", "Expect", "Authorization", "Cookie", "Content-Type", "Content-Encoding":
			return f.key + " in a trailer"
		}
	}
	return ""
}
