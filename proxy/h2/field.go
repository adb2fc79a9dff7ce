package h2

import (
	"net/http"
	"strings"
)

// field is a field of a request as it came, judged when it was decoded: most fields are judged once
// and then come from the tables.
type field struct {
	name, value string
	key         string // the name as http.Header has it; "" for pseudo-header fields
	flaw        string // why the request is malformed, or ""
}

func newField(name, value string) field {
	f := field{name: name, value: value}
	if strings.HasPrefix(name, ":") {
		if hasControl(value) {
			f.flaw = "control character in a pseudo-header field"
		}
		return f
	}
	if f.flaw = nameFlaw(name); f.flaw == "" {
		f.flaw = valueFlaw(name, value)
	}
	f.key = keyOf(name)
	return f
}

// size is what a field counts in tables and limits: RFC 7541 4.1.
func (f *field) size() int { return len(f.name) + len(f.value) + 32 }

// keys are the names of the fields that come often.
var keys = func() map[string]string {
	m := map[string]string{}
	for _, key := range []string{
		"Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language", "Access-Control-Request-Headers",
		"Access-Control-Request-Method", "Authorization", "Cache-Control", "Content-Encoding", "Content-Length",
		"Content-Type", "Cookie", "Dnt", "Expect", "Forwarded", "Host", "Hx-Request", "If-Match", "If-Modified-Since",
		"If-None-Match", "If-Range", "If-Unmodified-Since", "Origin", "Pragma", "Priority", "Purpose", "Range", "Referer",
		"Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site",
		"Sec-Fetch-User", "Sec-Gpc", "Te", "Upgrade-Insecure-Requests", "User-Agent", "Via", "X-Csrftoken",
		"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Real-Ip", "X-Request-Id",
		"X-Requested-With",
	} {
		m[strings.ToLower(key)] = key
	}
	return m
}()

func keyOf(name string) string {
	if key, ok := keys[name]; ok {
		return key
	}
	return http.CanonicalHeaderKey(name)
}

// nameFlaw says what is wrong with a name: it must be a token in lower case (RFC 9113 8.2.1) and
// must not be about one connection of HTTP/1.1 (8.2.2).
func nameFlaw(name string) string {
	if name == "" {
		return "empty field name"
	}
	for i := range len(name) {
		if !isToken[name[i]] || 'A' <= name[i] && name[i] <= 'Z' {
			return "field name is no token in lower case"
		}
	}
	switch name {
	case "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade", "http2-settings":
		return "connection-specific field"
	}
	return ""
}

func valueFlaw(name, value string) string {
	if hasControl(value) {
		return "control character in a field value"
	}
	if value != "" && (isBlank(value[0]) || isBlank(value[len(value)-1])) {
		return "field value begins or ends with a blank" // RFC 9113 8.2.1
	}
	if name == "te" && value != "trailers" {
		return "TE is not trailers"
	}
	return ""
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// hasControl looks for what no field value may have. RFC 9110 5.5 lets a recipient refuse more than
// CR, LF and NUL, and nothing sane has the others.
func hasControl(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

// isToken are the characters of a token, RFC 9110 5.6.2.
var isToken = func() (set [256]bool) {
	for c := range 256 {
		set[c] = '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' ||
			c < 0x80 && strings.IndexByte("!#$%&'*+-.^_`|~", byte(c)) >= 0
	}
	return set
}()
