package route

import "strings"

// FileName is the name, relative to the static root, of the file that the decoded rest of a path
// asks for. It is false for everything that is not plainly one file: an empty or dot segment, a
// name beginning with a dot (but for .well-known, whose files are meant for everybody: RFC 8615), a NUL, a backslash, and a slash that was encoded in rawPath (what the
// client sent; it may be empty when nothing was encoded), because such a path means one thing to us
// and another to whoever compares prefixes in front of or behind us.
func FileName(rest, rawPath string) (name string, ok bool) {
	if rest == "" || strings.ContainsAny(rest, "\x00\\") || hasEncodedSlash(rawPath) {
		return "", false
	}
	for segment := range strings.SplitSeq(strings.TrimPrefix(rest, ".well-known/"), "/") {
		if segment == "" || segment[0] == '.' {
			return "", false
		}
	}
	return rest, true
}

func hasEncodedSlash(rawPath string) bool {
	for i := 0; i+2 < len(rawPath); i++ {
		if rawPath[i] != '%' {
			continue
		}
		switch rawPath[i+1 : i+3] {
		case "2f", "2F", "5c", "5C":
			return true
		}
	}
	return false
}

// NormalHost is the name to look a Host header up by: without port and trailing dot, lower case.
// What is no host name stays something that no table has.
func NormalHost(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	host = strings.TrimSuffix(host, ".")
	return strings.ToLower(host) // returns host itself when it is lower case already
}
