package proxy_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"sandwich/proxy/route"
)

func compressed(r *route.Route) { r.Compress = true }

// plain is the body without its coding.
func (a answer) plain(t testing.TB) string {
	t.Helper()
	return decoded(t, a.Header.Get("Content-Encoding"), strings.NewReader(a.body))
}

func decoded(t testing.TB, coding string, r io.Reader) string {
	t.Helper()
	switch coding {
	case "gzip":
		z, err := gzip.NewReader(r)
		must(t, err)
		r = z
	case "zstd":
		z, err := zstd.NewReader(r)
		must(t, err)
		defer z.Close()
		r = z
	}
	body, err := io.ReadAll(r)
	must(t, err)
	return string(body)
}

// words is text of n bytes.
func words(n int) string { return strings.Repeat("what is said is said again ", n/27+1)[:n] }

func reply(body string, fields ...string) string {
	return "HTTP/1.1 200 OK\r\n" + lines(fields) + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)) + body
}

func TestTextOfTheApplicationIsCompressedForWhoTakesIt(t *testing.T) {
	const html = "Content-Type: text/html; charset=utf-8"
	page, large := words(5000), words(300<<10)
	chunked := "HTTP/1.1 200 OK\r\n" + html + "\r\nTransfer-Encoding: chunked\r\n\r\n1388\r\n" + page + "\r\n0\r\n\r\n"
	cases := []struct{ name, accept, raw, body, coding, vary string }{
		{"gzip", "gzip", reply(page, html), page, "gzip", "Accept-Encoding"},
		{"zstd", "gzip, zstd", reply(page, html), page, "zstd", "Accept-Encoding"},
		{"not made: brotli", "br", reply(page, html), page, "", "Accept-Encoding"},
		{"not taken", "identity", reply(page, html), page, "", "Accept-Encoding"},
		{"refused", "gzip;q=0", reply(page, html), page, "", "Accept-Encoding"},
		{"json", "gzip", reply(page, "Content-Type: application/json"), page, "gzip", "Accept-Encoding"},
		{"chunked", "gzip", chunked, page, "gzip", "Accept-Encoding"},
		{"large", "gzip", reply(large, html), large, "gzip", "Accept-Encoding"},
		{"large zstd", "zstd", reply(large, html), large, "zstd", "Accept-Encoding"},
		{"error page", "gzip", strings.Replace(reply(page, html), "200 OK", "500 Oops", 1), page, "gzip", "Accept-Encoding"},
		{"other vary", "gzip", reply(page, html, "Vary: Cookie"), page, "gzip", "Cookie, Accept-Encoding"},
		{"small", "gzip", reply(words(100), html), words(100), "", ""},
		{"small chunked", "gzip", "HTTP/1.1 200 OK\r\n" + html + "\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "ok", "", "Accept-Encoding"},
		{"image", "gzip", reply(page, "Content-Type: image/png"), page, "", ""},
		{"no type", "gzip", reply(page), page, "", ""},
		{"no-transform", "gzip", reply(page, html, "Cache-Control: no-transform"), page, "", ""},
		{"partial", "gzip", strings.Replace(reply(page, html, "Content-Range: bytes 0-4999/9999"), "200 OK", "206 Partial Content", 1), page, "", ""},
		{"cookie", "gzip", reply(page, html, "Set-Cookie: sessionid=x"), page, "", ""},
		{"token", "gzip", reply(page+"<input name=csrfmiddlewaretoken>", html), page + "<input name=csrfmiddlewaretoken>", "", "Accept-Encoding"},
		{"token in a large one", "gzip", reply("csrf-token"+large, html), "csrf-token" + large, "", "Accept-Encoding"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, says(c.raw))
			f := newFront(t, demo(a.socket, compressed))
			res := f.get("/", "Accept-Encoding: "+c.accept)
			if res.Header.Get("Content-Encoding") != c.coding || strings.Join(res.Header["Vary"], "; ") != c.vary { // one field
				t.Errorf("coding %q, vary %q", res.Header.Get("Content-Encoding"), res.Header["Vary"])
			}
			if got := res.plain(t); got != c.body {
				t.Errorf("body has %d bytes, want %d", len(got), len(c.body))
			}
			if c.coding != "" && len(res.body) > len(c.body)/10 {
				t.Errorf("%d bytes became %d", len(c.body), len(res.body))
			}
		})
	}
}

func TestWhatIsCompressedAlreadyStaysAsItIs(t *testing.T) {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	io.WriteString(w, words(5000))
	w.Close()
	a := newApp(t, says(reply(z.String(), "Content-Type: text/html", "Content-Encoding: gzip", `Etag: "x"`)))
	f := newFront(t, demo(a.socket, compressed))
	res := f.get("/", "Accept-Encoding: gzip, zstd")
	if res.body != z.String() || res.Header.Get("Etag") != `"x"` || len(res.Header["Content-Encoding"]) != 1 {
		t.Errorf("%v", res.Header)
	}
}

func TestNothingIsCompressedWhenTheProjectSaysSo(t *testing.T) {
	a := newApp(t, says(reply(words(5000), "Content-Type: text/html", `Etag: "x"`)))
	f := newFront(t, demo(a.socket))
	if res := f.get("/", "Accept-Encoding: gzip"); res.body != words(5000) || res.Header.Get("Vary") != "" || res.Header.Get("Etag") != `"x"` {
		t.Errorf("%v", res.Header)
	}
}

func TestAStrongValidatorBecomesWeakOnlyWhenTheBodyChanges(t *testing.T) {
	a := newApp(t, says(reply(words(5000), "Content-Type: text/html", `Etag: "x"`, "Accept-Ranges: bytes")))
	f := newFront(t, demo(a.socket, compressed))
	if h := f.get("/", "Accept-Encoding: gzip").Header; h.Get("Etag") != `W/"x"` || h.Get("Accept-Ranges") != "" {
		t.Errorf("compressed: %v", h)
	}
	if h := f.get("/").Header; h.Get("Etag") != `"x"` || h.Get("Accept-Ranges") != "bytes" {
		t.Errorf("as it is: %v", h)
	}
}

func TestSecretsAreCompressedOnlyWhenAskedAndThenTheLengthTellsLittle(t *testing.T) {
	a := newApp(t, says(reply(words(5000), "Content-Type: text/html", "Set-Cookie: csrftoken=x")))
	f := newFront(t, demo(a.socket, compressed, func(r *route.Route) { r.CompressAll = true }))
	lengths := map[int]bool{}
	for range 20 {
		res := f.get("/", "Accept-Encoding: gzip, zstd")
		if res.Header.Get("Content-Encoding") != "gzip" || res.plain(t) != words(5000) {
			t.Fatalf("%v", res.Header)
		}
		lengths[len(res.body)] = true
	}
	if len(lengths) < 5 {
		t.Errorf("20 answers have %d lengths", len(lengths))
	}
}

func TestHEADTellsWhatGETWould(t *testing.T) {
	page := words(5000)
	a := newApp(t, func(c net.Conn, head string, _ *bufio.Reader) {
		raw := reply(page, "Content-Type: text/html", `Etag: "x"`)
		if strings.HasPrefix(head, "HEAD") {
			raw = strings.TrimSuffix(raw, page)
		}
		io.WriteString(c, raw)
	})
	f := newFront(t, demo(a.socket, compressed))
	for _, accept := range []string{"gzip", "identity"} {
		get := f.get("/", "Accept-Encoding: "+accept).Header
		head := f.ask("HEAD / HTTP/1.1\r\nHost: demo.example\r\nAccept-Encoding: " + accept + "\r\n\r\n").Header
		for _, name := range []string{"Content-Encoding", "Etag", "Vary", "Content-Type"} {
			if get.Get(name) != head.Get(name) {
				t.Errorf("%s, %s: GET %q, HEAD %q", accept, name, get.Get(name), head.Get(name))
			}
		}
	}
}

func TestAStreamIsCompressedPieceByPiece(t *testing.T) {
	more := make(chan struct{})
	a := newApp(t, func(c net.Conn, _ string, _ *bufio.Reader) {
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nX-Accel-Buffering: no\r\n\r\n")
		for range 2 {
			<-more
			io.WriteString(c, "{\"a\":1}\n")
		}
	})
	f := newFront(t, demo(a.socket, compressed))
	c := f.dial()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: demo.example\r\nAccept-Encoding: gzip\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	must(t, err)
	more <- struct{}{}
	z, err := gzip.NewReader(res.Body)
	must(t, err)
	buf := make([]byte, 8)
	for i := range 2 {
		if _, err := io.ReadFull(z, buf); err != nil || string(buf) != "{\"a\":1}\n" {
			t.Fatalf("%q, %v", buf, err)
		}
		if i == 0 {
			more <- struct{}{}
		}
	}
}

func TestEventsAreNotCompressed(t *testing.T) {
	a := newApp(t, says("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"+words(1000)))
	f := newFront(t, demo(a.socket, compressed))
	if res := f.get("/", "Accept-Encoding: gzip"); res.body != words(1000) || res.Header.Get("Content-Encoding") != "" {
		t.Errorf("%v", res.Header)
	}
}

func TestACompressedAnswerThatBreaksOffIsCut(t *testing.T) {
	a := newApp(t, says("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 300000\r\n\r\n"+words(200<<10)))
	f := newFront(t, demo(a.socket, compressed))
	c := f.dial()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: demo.example\r\nAccept-Encoding: gzip\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	must(t, err)
	if _, err := io.ReadAll(res.Body); err == nil {
		t.Error("half an answer looks whole")
	}
}

func TestATrailerComesAfterACompressedBody(t *testing.T) {
	a := newApp(t, says("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"+
		"1388\r\n"+words(5000)+"\r\n0\r\nX-Sum: 42\r\n\r\n"))
	f := newFront(t, demo(a.socket, compressed))
	if res := f.get("/", "Accept-Encoding: gzip"); res.Trailer.Get("X-Sum") != "42" || res.plain(t) != words(5000) || res.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("%v, trailer %v", res.Header, res.Trailer)
	}
}

func TestABodyOfARequestIsNeverInflated(t *testing.T) {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	for range 64 {
		w.Write(make([]byte, 1<<20))
	}
	w.Close()
	a := newApp(t, echo)
	f := newFront(t, demo(a.socket, compressed))
	res := f.ask(fmt.Sprintf("POST / HTTP/1.1\r\nHost: demo.example\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", z.Len(), z.String()))
	if res.want(t, 200).body != z.String() {
		t.Errorf("%d bytes became %d", z.Len(), len(res.body))
	}
	if head := <-a.heads; !strings.Contains(head, "Content-Encoding: gzip") {
		t.Error(head)
	}
}

func TestHTTP10IsSentWhatItUnderstands(t *testing.T) {
	a := newApp(t, says(reply(words(5000), "Content-Type: text/html")))
	f := newFront(t, demo(a.socket, compressed))
	if res := f.ask("GET / HTTP/1.0\r\nHost: demo.example\r\nAccept-Encoding: gzip\r\n\r\n"); res.body != words(5000) {
		t.Errorf("%v", res.Header)
	}
}
