package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"sandwich/proxy"
	"sandwich/proxy/route"
)

func TestAnswersPassWhateverTheirFraming(t *testing.T) {
	large := strings.Repeat("0123456789", 20<<10) // does not fit into memory
	chunks := "19000\r\n" + large[:0x19000] + "\r\n19000\r\n" + large[0x19000:] + "\r\n0\r\n\r\n"
	cases := []struct {
		name, method, raw string
		status            int
		length            int64
		body              string
	}{
		{"length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef", 200, 3, "abc"},
		{"chunked", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2;x=y\r\nbc\r\n0\r\n\r\n", 200, 3, "abc"},
		{"end of connection", "GET", "HTTP/1.0 200 OK\r\n\r\nabc", 200, 3, "abc"},
		{"empty", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, 0, ""},
		{"large with length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 204800\r\n\r\n" + large, 200, 204800, large},
		{"large chunked", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks, 200, -1, large},
		{"large to the end", "GET", "HTTP/1.1 200 OK\r\n\r\n" + large, 200, -1, large},
		{"no reason", "GET", "HTTP/1.1 200\r\nContent-Length: 1\r\n\r\na", 200, 1, "a"},
		{"chunked in capitals", "GET", "HTTP/1.1 200 OK\r\nTRANSFER-ENCODING: Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", 200, 1, "a"},
		{"HEAD with a body", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, 3, ""},
		{"HEAD chunked", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, -1, ""},
		{"HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", 200, 3, ""},
		{"HEAD without length", "HEAD", "HTTP/1.1 200 OK\r\n\r\n", 200, -1, ""},
		{"204", "GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, 0, ""},
		{"304", "GET", "HTTP/1.1 304 Not Modified\r\nEtag: \"x\"\r\nContent-Length: 3\r\n\r\n", 304, 0, ""},
		{"100 before", "GET", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", 200, 1, "a"},
		{"error of the application", "GET", "HTTP/1.1 500 Oops\r\nContent-Length: 1\r\n\r\na", 500, 1, "a"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, says(c.raw))
			f := newFront(t, demo(a.socket))
			res := f.ask(c.method+" / HTTP/1.1\r\nHost: demo.example\r\n\r\n").want(t, c.status)
			if res.ContentLength != c.length || res.body != c.body {
				t.Errorf("length is %d, want %d; body has %d bytes, want %d", res.ContentLength, c.length, len(res.body), len(c.body))
			}
		})
	}
}

func TestBrokenAnswersAre502AndPoisonNobody(t *testing.T) {
	cases := map[string]string{
		"no HTTP":              "hello\r\n\r\n",
		"no status":            "HTTP/1.1 OK\r\n\r\n",
		"two lengths":          "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"broken chunk":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
		"unknown coding":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nxyz\r\n",
		"short body":           "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
		"end in header":        "HTTP/1.1 200 OK\r\nContent-Le",
		"NUL in value":         "HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n",
		"CR in value":          "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n",
		"2 MB header":          "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2<<20) + "\r\n\r\n",
		"equal lengths":        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab",
		"list of lengths":      "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nab",
		"signed length":        "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nab",
		"negative length":      "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nab",
		"padded length":        "HTTP/1.1 200 OK\r\nContent-Length: 02\r\n\r\nab",
		"huge length":          "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nab",
		"length and coding":    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
		"two codings":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
		"coding of HTTP/1.0":   "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
		"chunk with 0x":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nab\r\n0\r\n\r\n",
		"chunk without end":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
		"chunk that overflows": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nab\r\n0\r\n\r\n",
		"no last chunk":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
		"broken trailer":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX\r\n\r\n",
		"bare LF":              "HTTP/1.1 200 OK\nContent-Length: 2\n\nab",
		"folded field":         "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nab",
		"space before colon":   "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nab",
		"field without colon":  "HTTP/1.1 200 OK\r\nX\r\nContent-Length: 2\r\n\r\nab",
		"NUL in name":          "HTTP/1.1 200 OK\r\nX\x00: a\r\nContent-Length: 2\r\n\r\nab",
		"control in reason":    "HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nab",
		"HTTP/2":               "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nab",
		"status of two digits": "HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nab",
		"status of four":       "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nab",
		"status 999":           "HTTP/1.1 999 OK\r\nContent-Length: 2\r\n\r\nab",
		"many fields":          "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 2000) + "Content-Length: 2\r\n\r\nab",
		"101 nobody asked for": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
	}
	for name, raw := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(c net.Conn, head string, _ *bufio.Reader) {
				if strings.HasPrefix(head, "GET /good") {
					io.WriteString(c, ok)
					return
				}
				io.WriteString(c, raw)
			})
			f := newFront(t, demo(a.socket))
			c := f.dial()
			r := bufio.NewReader(c)
			io.WriteString(c, "GET /bad HTTP/1.1\r\nHost: demo.example\r\n\r\n")
			if res := f.read(r, "GET").want(t, 502); strings.Contains(res.body, "sock") {
				t.Errorf("the page tells too much: %s", res.body)
			}
			io.WriteString(c, "GET /good HTTP/1.1\r\nHost: demo.example\r\n\r\n")
			if res := f.read(r, "GET").want(t, 200); res.body != "ok" {
				t.Errorf("the next answer is %q", res.body)
			}
		})
	}
}

func TestALargeAnswerThatBreaksOffIsCut(t *testing.T) {
	large := strings.Repeat("x", 200<<10)
	for _, framing := range []string{"Content-Length: 300000", "Transfer-Encoding: chunked"} {
		a := newApp(t, says("HTTP/1.1 200 OK\r\n"+framing+"\r\n\r\n32000\r\n"+large))
		f := newFront(t, demo(a.socket))
		c := f.dial()
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n")
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		must(t, err)
		if _, err := io.ReadAll(res.Body); err == nil {
			t.Errorf("%s: half an answer looks whole", framing)
		}
		f.eventually("the failure is counted", func(st proxy.Status) bool { return st.Failures == 1 })
	}
}

func TestTheApplicationsOwnReasonPasses(t *testing.T) {
	a := newApp(t, func(c net.Conn, head string, _ *bufio.Reader) {
		if strings.HasPrefix(head, "GET /broken") {
			io.WriteString(c, "HTTP/1.1 200 Not so fine\r\nContent-Length: 5\r\n\r\na")
			return
		}
		io.WriteString(c, "HTTP/1.1 422 No \xc3\x9cnicorn\r\nContent-Length: 0\r\n\r\n")
	})
	f := newFront(t, demo(a.socket))
	if res := f.get("/").want(t, 422); res.Status != "422 No \xc3\x9cnicorn" {
		t.Errorf("status is %q", res.Status)
	}
	if res := f.get("/broken").want(t, 502); res.Status != "502 Bad Gateway" {
		t.Errorf("status is %q", res.Status)
	}
}

func TestTrailersPass(t *testing.T) {
	a := newApp(t, says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, Content-Length\r\n\r\n1\r\na\r\n0\r\nX-Sum: 42\r\nX-Other: 1\r\nContent-Length: 9\r\n\r\n"))
	f := newFront(t, demo(a.socket))
	if res := f.get("/").want(t, 200); res.Trailer.Get("X-Sum") != "42" || len(res.Trailer) != 1 {
		t.Errorf("trailer is %v", res.Trailer)
	}
}

func TestEarlyHintsPass(t *testing.T) {
	a := newApp(t, says("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nServer: x\r\n\r\n"+ok))
	f := newFront(t, demo(a.socket))
	c := f.dial()
	r := bufio.NewReader(c)
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n")
	hints := f.read(r, "GET").want(t, 103)
	if hints.Header.Get("Link") == "" || hints.Header.Get("Server") != "" {
		t.Errorf("hints are %v", hints.Header)
	}
	if res := f.read(r, "GET").want(t, 200); res.Header.Get("Link") != "" || res.body != "ok" {
		t.Errorf("answer is %v %q", res.Header, res.body)
	}
}

func TestOtherInformationalAnswersPassButContinue(t *testing.T) {
	a := newApp(t, says("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 199 Miscellaneous\r\nX-A: b\r\n\r\n"+ok))
	f := newFront(t, demo(a.socket))
	c := f.dial()
	r := bufio.NewReader(c)
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n")
	f.read(r, "GET").want(t, 102)
	if res := f.read(r, "GET").want(t, 199); res.Header.Get("X-A") != "b" {
		t.Errorf("the fields are %v", res.Header)
	}
	f.read(r, "GET").want(t, 200)
	f.ask("GET / HTTP/1.0\r\nHost: demo.example\r\n\r\n").want(t, 200) // which knows none of them
}

func TestInformationalAnswersWithoutEndAreBounded(t *testing.T) {
	a := newApp(t, func(c net.Conn, _ string, _ *bufio.Reader) {
		for err := error(nil); err == nil; {
			_, err = io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
		}
	})
	f := newFront(t, demo(a.socket))
	c := f.dial()
	r := bufio.NewReader(c)
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n")
	n := 0
	for ; f.read(r, "GET").StatusCode == 103; n++ {
	}
	if n > 10_000 {
		t.Errorf("%d informational answers", n)
	}
}

func TestASlowReaderFreesTheWorker(t *testing.T) {
	const size = 20 << 20 // more than all socket buffers together
	freed := make(chan error, 1)
	a := newApp(t, func(c net.Conn, _ string, _ *bufio.Reader) {
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size)
		_, err := io.CopyN(c, zeros{}, size)
		freed <- err
	})
	f := newFront(t, demo(a.socket))
	c := f.dial()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n")
	if err := within(t, freed, "freeing the worker"); err != nil {
		t.Fatalf("the application could not send: %v", err)
	}
	f.eventually("the request is not in flight", inFlight(0))
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	must(t, err)
	if n, err := io.Copy(io.Discard, res.Body); n != size || err != nil {
		t.Errorf("the reader got %d bytes: %v", n, err)
	}
}

func TestAFullSpoolMakesTheApplicationWaitInstead(t *testing.T) {
	const size = 5 << 20
	a := newApp(t, func(c net.Conn, _ string, _ *bufio.Reader) {
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size)
		io.CopyN(c, zeros{}, size)
	})
	f := newFront(t, demo(a.socket))
	must(t, os.RemoveAll(f.spool))
	if res := f.get("/").want(t, 200); len(res.body) != size {
		t.Errorf("the reader got %d bytes", len(res.body))
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestAStreamedAnswerArrivesWhileItIsMade(t *testing.T) {
	cases := map[string]struct {
		path, fields string
		change       func(*route.Route)
	}{
		"server-sent events": {"/", "Content-Type: text/event-stream\r\n", func(*route.Route) {}},
		"asked for":          {"/", "X-Accel-Buffering: no\r\n", func(*route.Route) {}},
		"prefix":             {"/events/1", "", func(r *route.Route) { r.Stream = []string{"/events/"} }},
		"project":            {"/", "", func(r *route.Route) { r.BufferResponses = false }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			more := make(chan struct{})
			a := newApp(t, func(conn net.Conn, _ string, _ *bufio.Reader) {
				io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+c.fields+"\r\n")
				<-more
				io.WriteString(conn, "data: 1\n\n")
				<-more
				io.WriteString(conn, "data: 2\n\n")
			})
			f := newFront(t, demo(a.socket, c.change))
			conn := f.dial()
			io.WriteString(conn, "GET "+c.path+" HTTP/1.1\r\nHost: demo.example\r\n\r\n")
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			must(t, err)
			if res.Header.Get("X-Accel-Buffering") != "" {
				t.Error("X-Accel-Buffering was passed on")
			}
			buf := make([]byte, 9)
			for _, want := range []string{"data: 1\n\n", "data: 2\n\n"} {
				more <- struct{}{}
				if _, err := io.ReadFull(res.Body, buf); err != nil || string(buf) != want {
					t.Fatalf("got %q, %v, want %q", buf, err, want)
				}
			}
		})
	}
}

func TestAClientThatLeavesAStreamFreesTheWorker(t *testing.T) {
	freed := make(chan error, 1)
	a := newApp(t, func(c net.Conn, _ string, r *bufio.Reader) {
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
		_, err := r.ReadByte()
		freed <- err
	})
	f := newFront(t, demo(a.socket))
	c := f.dial()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n")
	_, err := http.ReadResponse(bufio.NewReader(c), nil)
	must(t, err)
	c.Close()
	within(t, freed, "freeing the worker")
	f.eventually("the request is over", inFlight(0))
	if st := f.Status()[0]; st.Failures != 0 {
		t.Errorf("status is %+v", st)
	}
}

func TestHTTP10GetsAnAnswerItUnderstands(t *testing.T) {
	large := strings.Repeat("x", 100<<10)
	a := newApp(t, says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n19000\r\n"+large+"\r\n0\r\n\r\n"))
	f := newFront(t, demo(a.socket))
	res := f.ask("GET / HTTP/1.0\r\nHost: demo.example\r\n\r\n").want(t, 200)
	if res.body != large || len(res.TransferEncoding) != 0 {
		t.Errorf("body has %d bytes, coding %v", len(res.body), res.TransferEncoding)
	}
}
