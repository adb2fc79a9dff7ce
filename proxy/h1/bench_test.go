package h1_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"sandwich/proxy/h1"
)

const browser = "GET /accounts/login/?next=/ HTTP/1.1\r\nHost: demo.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n" +
	"Accept: text/html,application/xhtml+xml\r\nAccept-Language: en\r\nAccept-Encoding: gzip\r\nCookie: csrftoken=0123456789; sessionid=0123456789\r\n\r\n"

// again says the same request n times.
type again struct {
	request string
	n, at   int
}

func (a *again) Read(p []byte) (int, error) {
	if a.n == 0 {
		return 0, io.EOF
	}
	n := copy(p, a.request[a.at:])
	if a.at += n; a.at == len(a.request) {
		a.n, a.at = a.n-1, 0
	}
	return n, nil
}

type discarding struct{ memoryConn }

func (*discarding) Write(p []byte) (int, error) { return len(p), nil }

// BenchmarkRequest is all that is done for one request but for system calls: its parse, a small
// answer, and what is in between.
func BenchmarkRequest(b *testing.B) {
	served := 0
	page := []byte(strings.Repeat("x", 1000))
	s := h1.New(config(func(w http.ResponseWriter, r *http.Request) {
		served++
		w.Header()["Content-Length"] = []string{"1000"}
		w.Write(page)
	}))
	b.ReportAllocs()
	c := &discarding{memoryConn{Reader: &again{request: browser, n: b.N}}}
	s.ServeConn(c, func() {})
	if served != b.N {
		b.Fatalf("%d requests were served of %d", served, b.N)
	}
}
