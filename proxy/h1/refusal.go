package h1

import (
	"net/http"
)

// Refusal is why a request is not served: it is no HTTP, or could be read in two ways. Nothing that
// follows it on its connection is read.
type Refusal struct {
	Status int
	Reason string
}

// Error is for logs.
func (r *Refusal) Error() string { return r.Reason }

func bad(reason string) *Refusal { return &Refusal{http.StatusBadRequest, reason} }

// What a client can do wrong before a request has a meaning.
var (
	errNoHTTP        = bad("this is no HTTP request")
	errLineEnd       = bad("a line does not end with CR LF")
	errRequestLine   = bad("the request line is not METHOD TARGET VERSION")
	errMethod        = bad("the method is not made of capital letters")
	errTarget        = bad("the request target has a character that must be encoded")
	errTargetForm    = bad("the request target is neither a path nor an http or https address")
	errEncoding      = bad("the request target has a broken percent-encoding")
	errFolded        = bad("a header field is continued on the next line")
	errName          = bad("a header field has no name of letters, digits and dashes before its colon")
	errValue         = bad("a header field has a control character in its value")
	errNoHost        = bad("there is no Host field")
	errTwoHosts      = bad("there are two Host fields")
	errHost          = bad("the host is no host name or address")
	errLength        = bad("Content-Length is no number")
	errTwoLengths    = bad("there are two Content-Length fields")
	errTwoFramings   = bad("there are both Content-Length and Transfer-Encoding")
	errTwoCodings    = bad("there are two Transfer-Encoding fields")
	errCoding        = bad("Transfer-Encoding is not chunked")
	errCodingInOld   = bad("HTTP/1.0 has no Transfer-Encoding")
	errDisguised     = bad("a name with an underscore looks like a field that says where the request ends")
	errUnknownCoding = &Refusal{http.StatusNotImplemented, "no Transfer-Encoding but chunked is known here"}
	errConnect       = &Refusal{http.StatusNotImplemented, "CONNECT is not known here"}
	errVersion       = &Refusal{http.StatusHTTPVersionNotSupported, "this version of HTTP is not spoken here"}
	errExpectation   = &Refusal{http.StatusExpectationFailed, "no expectation but 100-continue is known here"}
	errLineTooLong   = &Refusal{http.StatusRequestURITooLong, "the request line is too long"}
	errFieldTooLarge = &Refusal{http.StatusRequestHeaderFieldsTooLarge, "a header field is too large"}
	errTooManyFields = &Refusal{http.StatusRequestHeaderFieldsTooLarge, "there are too many header fields"}
	errHeadTooLarge  = &Refusal{http.StatusRequestHeaderFieldsTooLarge, "the header is too large"}
	errHeadTooSlow   = &Refusal{http.StatusRequestTimeout, "the header took too long"}
)
