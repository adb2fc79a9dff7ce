package static

import (
	"net/http"
	"strings"
)

// verdict is what the conditions of a request make of it.
type verdict int

const (
	passed verdict = iota
	notModified
	failed
)

// judge evaluates the conditions of a GET or HEAD in the order of RFC 9110 13.2.2. modified is in
// seconds, 0 when nothing is said about it.
func judge(h http.Header, etag string, modified int64) verdict {
	switch match, since := h["If-Match"], h["If-Unmodified-Since"]; {
	case len(match) > 0:
		if !names(match, etag, strongly) {
			return failed
		}
	case len(since) > 0:
		if t, ok := date(since); ok && modified != 0 && modified > t {
			return failed
		}
	}
	switch none, since := h["If-None-Match"], h["If-Modified-Since"]; {
	case len(none) > 0:
		if names(none, etag, weakly) {
			return notModified
		}
	case len(since) > 0:
		if t, ok := date(since); ok && modified != 0 && modified <= t {
			return notModified
		}
	}
	return passed
}

// date is an HTTP-date in seconds. Several of them, or one that cannot be read, say nothing.
func date(fields []string) (int64, bool) {
	if len(fields) != 1 {
		return 0, false
	}
	t, err := http.ParseTime(fields[0])
	return t.Unix(), err == nil
}

// rangeHolds says whether the Range field counts: without If-Range always, with one only if what the
// client has a part of is exactly this (RFC 9110 13.1.5).
func rangeHolds(h http.Header, etag string, lastModified []string) bool {
	fields := h["If-Range"]
	switch {
	case len(fields) == 0:
		return true
	case len(fields) > 1:
		return false
	case strings.HasSuffix(fields[0], `"`):
		return strongly(strings.TrimSpace(fields[0]), etag)
	}
	want, err := http.ParseTime(fields[0])
	if err != nil || len(lastModified) == 0 {
		return false
	}
	have, err := http.ParseTime(lastModified[0])
	return err == nil && want.Equal(have)
}

// strongly and weakly are the two comparisons of RFC 9110 8.8.3.2.
func strongly(a, b string) bool { return a == b && strings.HasPrefix(a, `"`) }

func weakly(a, b string) bool { return strings.TrimPrefix(a, "W/") == strings.TrimPrefix(b, "W/") }

// names says whether a list of entity tags holds one, or is "*". What comes after something that is
// no entity tag counts for nothing.
func names(fields []string, etag string, same func(a, b string) bool) bool {
	for _, rest := range fields {
		if strings.TrimSpace(rest) == "*" {
			return true
		}
		for {
			rest = strings.TrimLeft(rest, " \t,")
			tag, after := entityTag(rest)
			if tag == "" {
				break
			}
			if same(tag, etag) {
				return true
			}
			rest = after
		}
	}
	return false
}

// entityTag is the tag at the begin of a text, "" when there is none.
func entityTag(s string) (tag, rest string) {
	opaque := strings.TrimPrefix(s, "W/")
	if !strings.HasPrefix(opaque, `"`) {
		return "", ""
	}
	end := strings.IndexByte(opaque[1:], '"')
	if end < 0 {
		return "", ""
	}
	n := len(s) - len(opaque) + end + 2
	return s[:n], s[n:]
}
