package wire

// MayTrail says whether a field of this canonical name may stand in a trailer: not what frames the
// message, routes it, or says how to read or keep it (RFC 9110 6.5.1).
func MayTrail(name string) bool {
	switch name {
	case "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Proxy-Connection", "Upgrade", "Te", "Trailer",
		"Host", "Authorization", "Set-Cookie", "Location", "Content-Type", "Content-Encoding", "Content-Range", "Cache-Control":
		return false
	}
	return IsName(name)
}
