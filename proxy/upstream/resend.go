package upstream

import (
	"errors"
	"net/http"
)

// MayResend says whether a request that failed with err may be sent again: only when not a byte of
// the content of its answer has come, when doing it twice means the same as doing it once (RFC 9110
// 9.2.2), and when what was sent of its body is still here.
func MayResend(err error, method string, hasBody, bodyKept bool) bool {
	return (errors.Is(err, ErrReset) || errors.Is(err, ErrCut)) && isIdempotent(method) && (!hasBody || bodyKept)
}

func isIdempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}
