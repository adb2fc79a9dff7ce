package h2

import (
	"net/http"
	"strconv"
	"strings"
)

// Responses are encoded without a dynamic table, as nginx does: what a block says does not depend
// on the blocks before it, so that handlers encode theirs without waiting for each other. The
// first block of a connection says so (tableUnused), which also settles whatever size the client
// wants the table to have.
const tableUnused = 0x20 // RFC 7541 6.3: a size update to 0

// nameCode is how a literal field that is not to be indexed begins (RFC 7541 6.2.2), by the name
// as http.Header has it.
var nameCodes = func() map[string]string {
	m := map[string]string{}
	for _, key := range []string{
		"Accept-Ranges", "Access-Control-Allow-Origin", "Age", "Allow", "Alt-Svc", "Cache-Control", "Content-Disposition",
		"Content-Encoding", "Content-Language", "Content-Length", "Content-Location", "Content-Range",
		"Content-Security-Policy", "Content-Type", "Cross-Origin-Opener-Policy", "Date", "Etag", "Expires", "Last-Modified",
		"Link", "Location", "Permissions-Policy", "Referrer-Policy", "Retry-After", "Server-Timing", "Set-Cookie",
		"Strict-Transport-Security", "Vary", "Www-Authenticate", "X-Content-Type-Options", "X-Frame-Options", "X-Request-Id",
	} {
		m[key] = string(appendName(nil, strings.ToLower(key)))
	}
	return m
}()

func appendName(b []byte, name string) []byte {
	first := byte(0)
	if name == "set-cookie" {
		first = 0x10 // not to be indexed by anybody: RFC 7541 7.1.3
	}
	if index := staticNames[name]; index > 0 {
		return appendInteger(b, first, 4, index)
	}
	return appendText(append(b, first), name)
}

// appendInteger writes n with a prefix of so many bits, whose byte begins with first: RFC 7541 5.1.
func appendInteger(b []byte, first byte, prefix uint, n int) []byte {
	most := 1<<prefix - 1
	if n < most {
		return append(b, first|byte(n))
	}
	b = append(b, first|byte(most))
	for n -= most; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

// appendText writes a string as it is: a Huffman code would save a quarter of it and cost more
// than everything else about a header.
func appendText(b []byte, s string) []byte {
	return append(appendInteger(b, 0, 7, len(s)), s...)
}

func appendStatus(b []byte, status int) []byte {
	switch status {
	case 200:
		return append(b, 0x80|8)
	case 204:
		return append(b, 0x80|9)
	case 206:
		return append(b, 0x80|10)
	case 304:
		return append(b, 0x80|11)
	case 404:
		return append(b, 0x80|13)
	}
	return appendText(append(b, 8), strconv.Itoa(status)) // the name of index 8
}

// appendField writes one field, key as in http.Header. A name or value that HTTP/2 does not have is
// left out.
func appendField(b []byte, key, value string) []byte {
	code, known := nameCodes[key]
	if !known {
		name := strings.ToLower(key)
		if nameFlaw(name) != "" {
			return b
		}
		if valueFlaw(name, value) != "" {
			return appendTrimmed(b, name, value)
		}
		return appendText(appendName(b, name), value)
	}
	if valueFlaw("", value) != "" {
		return appendTrimmed(b, strings.ToLower(key), value)
	}
	return appendText(append(b, code...), value)
}

// appendTrimmed is for a value that only its ends keep from being one.
func appendTrimmed(b []byte, name, value string) []byte {
	if value = strings.Trim(value, " \t"); valueFlaw(name, value) != "" {
		return b
	}
	return appendText(appendName(b, name), value)
}

// appendFields writes all fields but those that skip names.
func appendFields(b []byte, h http.Header, skip func(key string) bool) []byte {
	for key, values := range h {
		if skip(key) {
			continue
		}
		for _, value := range values {
			b = appendField(b, key, value)
		}
	}
	return b
}
