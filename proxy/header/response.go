package header

import (
	"fmt"
	"net/http"
	"strings"
)

// CopyResponse puts those fields of an application's response into dst that may reach the client.
// It refuses a value with a control character. Content-Length is left to whoever sends the body.
func CopyResponse(dst, src http.Header) error {
	listed := src["Connection"]
	for name, values := range src {
		if !returns(name) || (len(listed) > 0 && hasToken(listed, name) && !isListedAnyway(name)) {
			continue
		}
		for _, v := range values {
			if !isClean(v) {
				return fmt.Errorf("response field %s has a control character in its value", name)
			}
		}
		if name == "Date" {
			values = values[:1]
		}
		dst[name] = values
	}
	return nil
}

func isListedAnyway(name string) bool { return name == "Set-Cookie" || name == "Content-Type" }

func returns(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
		"Content-Length", "X-Request-Id", "X-Sendfile",
		"Server": // tells the application server's version
		return false
	}
	return !strings.HasPrefix(name, "X-Accel-") // what nginx is told, and we
}

func isClean(v string) bool {
	for i := range len(v) {
		if c := v[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
