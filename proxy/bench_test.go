package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sandwich/proxy/route"
)

// BenchmarkPage is a page of 5 kB from an application, over one kept-alive client connection. The
// client's and the application's share is in the figure too.
func BenchmarkPage(b *testing.B) {
	page := []byte("HTTP/1.1 200 OK\r\nServer: gunicorn\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nConnection: close\r\n" +
		"Content-Type: text/html; charset=utf-8\r\nX-Frame-Options: DENY\r\nContent-Length: 5000\r\nVary: Cookie\r\n\r\n" + strings.Repeat("x", 5000))
	socket := filepath.Join(b.TempDir(), "app.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	must(b, err)
	defer l.Close()
	go serveRaw(l, page)
	f := newFront(b, demo(socket))
	f.benchmark(b, "/")
}

// serveRaw costs as little as an application can.
func serveRaw(l *net.UnixListener, page []byte) {
	buf := make([]byte, 8<<10)
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

// BenchmarkFile is a static file of 1 kB over one kept-alive connection.
func BenchmarkFile(b *testing.B) {
	dir := b.TempDir()
	must(b, os.WriteFile(filepath.Join(dir, "a.css"), []byte(strings.Repeat("x", 1000)), 0o644))
	f := newFront(b, demo("/nowhere", func(r *route.Route) {
		r.Static = []route.Static{{Prefix: "/static/", Root: dir, MaxAge: 60}}
	}))
	f.benchmark(b, "/static/a.css")
}

func (f *front) benchmark(b *testing.B, path string) {
	c, err := net.Dial("tcp", f.addr)
	must(b, err)
	defer c.Close()
	request := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: demo.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"+
		"Accept: text/html,application/xhtml+xml\r\nAccept-Language: en\r\nAccept-Encoding: gzip\r\nCookie: csrftoken=0123456789; sessionid=0123456789\r\n\r\n", path)
	r := bufio.NewReaderSize(c, 16<<10)
	c.Write(request)
	res, err := http.ReadResponse(r, nil)
	must(b, err)
	n, err := io.Copy(io.Discard, res.Body)
	must(b, err)
	if res.StatusCode != 200 {
		b.Fatal(res.Status)
	}
	b.ReportAllocs()
	before := cpu()
	for b.Loop() {
		c.Write(request)
		skipResponse(b, r, n)
	}
	b.ReportMetric(float64(cpu()-before)/float64(b.N)/1000, "cpu-us/op")
}

func skipResponse(b *testing.B, r *bufio.Reader, body int64) {
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			b.Fatal(err)
		}
		if len(line) == 2 {
			r.Discard(int(body))
			return
		}
	}
}

// cpu is what this process has used so far, in nanoseconds.
func cpu() int64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}
