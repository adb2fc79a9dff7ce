package upstream

import "net/http"

// MayResend says whether a request whose connection ended without a byte of response may be sent
// again: only when doing it twice means the same as doing it once (RFC 9110 9.2.2), and when
// what was sent of its body is still here.
func MayResend(method string, hasBody, bodyKept bool) bool {
	return isIdempotent(method) && (!hasBody || bodyKept)
}

func isIdempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}
