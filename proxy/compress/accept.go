// Package compress says which answers are worth compressing and safe to compress, agrees with the
// client on a coding, and does it. What is in an answer, and where it goes, is left to others.
package compress

import "strings"

// Coding is a content coding of RFC 9110 8.4.1. The better of two that a client likes as much
// comes later.
type Coding int

// The codings known here. Brotli is never made, only sent from files.
const (
	Identity Coding = iota
	Gzip
	Zstd
	Brotli
	Codings // how many there are
)

// String is the coding's name in header fields.
func (c Coding) String() string { return [Codings]string{"identity", "gzip", "zstd", "br"}[c] }

// Accepted is how much a client wants each coding, in thousandths; 0 is not at all.
type Accepted [Codings]int

// unlisted is the weight of identity when the client does not speak of it: it is acceptable, and
// anything else that is comes first (RFC 9110 12.5.3).
const unlisted = 1

// Accepts reads the Accept-Encoding fields of a request. What cannot be read counts as not wanted.
func Accepts(fields []string) Accepted {
	a, seen, others := Accepted{Identity: unlisted}, [Codings]bool{}, -1
	for _, field := range fields {
		for item := range strings.SplitSeq(field, ",") {
			name, weight := weighted(item)
			if c, ok := codingOf(name); ok {
				a[c], seen[c] = weight, true
			} else if name == "*" {
				others = weight
			}
		}
	}
	for c := range a {
		if !seen[c] && others >= 0 {
			a[c] = others
		}
	}
	return a
}

func codingOf(name string) (Coding, bool) {
	switch {
	case strings.EqualFold(name, "gzip"), strings.EqualFold(name, "x-gzip"):
		return Gzip, true
	case strings.EqualFold(name, "zstd"):
		return Zstd, true
	case strings.EqualFold(name, "br"):
		return Brotli, true
	case strings.EqualFold(name, "identity"):
		return Identity, true
	}
	return 0, false
}

// weighted is an item of a list with its q-value.
func weighted(item string) (name string, weight int) {
	name, parameters, _ := strings.Cut(item, ";")
	weight = 1000
	for parameters != "" {
		var p string
		p, parameters, _ = strings.Cut(parameters, ";")
		if key, value, ok := strings.Cut(p, "="); ok && strings.EqualFold(trim(key), "q") {
			weight = thousandths(trim(value))
		}
	}
	return trim(name), weight
}

func trim(s string) string { return strings.Trim(s, " \t") }

// thousandths reads a qvalue: 0, 1, or up to three digits after the point (RFC 9110 12.4.2).
func thousandths(s string) int {
	if s == "" || len(s) > 5 || s[0] != '0' && s[0] != '1' || len(s) > 1 && s[1] != '.' {
		return 0
	}
	n, scale := int(s[0]-'0')*1000, 100
	for i := 2; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0
		}
		n += int(s[i]-'0') * scale
		scale /= 10
	}
	if n > 1000 {
		return 0
	}
	return n
}

// Best is the coding that the client wants most of those that can be had; identity always can.
func (a Accepted) Best(have [Codings]bool) Coding {
	best := Identity
	for c := Gzip; c < Codings; c++ {
		if have[c] && a[c] > 0 && a[c] >= a[best] {
			best = c
		}
	}
	return best
}
