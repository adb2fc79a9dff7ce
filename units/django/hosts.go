package django

import "strings"

// HostAllowed says whether ALLOWED_HOSTS lets a host name through (django.http.request.validate_host).
func HostAllowed(name string, patterns []string) bool {
	for _, p := range patterns {
		p = strings.ToLower(p)
		if p == "*" || p == name || strings.HasPrefix(p, ".") && (strings.HasSuffix(name, p) || name == p[1:]) {
			return true
		}
	}
	return false
}
