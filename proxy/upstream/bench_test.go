package upstream_test

import (
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sandwich/proxy/route"
	"sandwich/proxy/upstream"
)

// BenchmarkRoundTrip asks an application that costs as little as one can for a page of 5 kB.
func BenchmarkRoundTrip(b *testing.B) {
	up := route.Upstream{Network: "unix", Address: filepath.Join(b.TempDir(), "app.sock")}
	l, err := net.Listen("unix", up.Address)
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go answerAll(l, []byte("HTTP/1.1 200 OK\r\nServer: gunicorn\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: 5000\r\n\r\n"+strings.Repeat("x", 5000)))
	r := &http.Request{Method: "GET"}
	head, page := []byte("GET / HTTP/1.1\r\nHost: demo.example\r\nConnection: close\r\n\r\n"), make([]byte, 8<<10)
	b.ReportAllocs()
	for b.Loop() {
		raw, err := upstream.Dial(b.Context(), up, never)
		if err != nil {
			b.Fatal(err)
		}
		c := upstream.NewConn(raw, time.Minute)
		c.Write(head)
		res, err := c.ReadResponse(r, nil)
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.ReadFull(res.Body, page[:5000]); n != 5000 {
			b.Fatal(n, err)
		}
		c.Release()
	}
}

func answerAll(l net.Listener, page []byte) {
	buf := make([]byte, 4<<10)
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		c.Read(buf)
		c.Write(page)
		c.Close()
	}
}
