package project

import (
	"net/netip"
	"strings"
)

// labelForm is one part of a host name (RFC 1123, section 2.1).
var labelForm = newPattern(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// hostName is a host name in lower case, as it stands in a Host field without its port.
func hostName(_ *decoder, s string) (string, *fault) {
	const example = `Write only the name, for example "client-x.example".`
	s = strings.ToLower(s)
	switch {
	case s == "":
		return "", wrong("is no host name", example)
	case strings.Contains(s, "://"):
		return "", wrong("has a scheme", example)
	case strings.ContainsAny(s, "/?#"):
		return "", wrong("has a path", example)
	case strings.Contains(s, "*"):
		return "", wrong("is a wildcard", "Write each host name that the project answers to.")
	case isAddress(s):
		return "", wrong("is an IP address", "The proxy tells projects apart by name. "+example)
	case strings.Contains(s, ":"):
		return "", wrong("has a port", "The project answers on every port the proxy listens on. "+example)
	case !isASCII(s):
		return "", wrong("has letters that DNS does not know", `Write it in its ASCII form, which begins with "xn--".`)
	case !isHostName(s):
		return "", wrong("is no host name", "It may hold letters, digits, dashes and dots. "+example)
	}
	return s, nil
}

func isHostName(s string) bool {
	if len(s) > 253 || isAddress(s) {
		return false
	}
	labels := strings.Split(s, ".")
	for _, label := range labels {
		if !labelForm.MatchString(label) {
			return false
		}
	}
	return strings.Trim(labels[len(labels)-1], "0123456789") != ""
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return err == nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
