package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"sandwich/proxy"
	"sandwich/proxy/route"
)

func TestASlowPostDoesNotConnectTheApplication(t *testing.T) {
	a := newApp(t, echo)
	f := newFront(t, demo(a.socket))
	for i, size := range []int{100, 300 << 10} {
		body := strings.Repeat("x", size)
		c := f.dial()
		io.WriteString(c, "POST / HTTP/1.1\r\nHost: demo.example\r\nTransfer-Encoding: chunked\r\n\r\n")
		w := io.Writer(c)
		io.WriteString(w, hex(size-1)+"\r\n"+body[1:]+"\r\n")
		f.eventually("the request has come in", func(st proxy.Status) bool { return st.Requests == uint64(i+1) && st.InFlight == 0 })
		if n := len(a.heads); n != 0 {
			t.Fatalf("the application was connected before the body was there")
		}
		io.WriteString(w, "1\r\nx\r\n0\r\n\r\n")
		if res := f.read(bufio.NewReader(c), "POST").want(t, 200); res.body != body {
			t.Errorf("the body of %d bytes came back as %d bytes", size, len(res.body))
		}
		head := within(t, a.heads, "the request")
		if !strings.Contains(head, "Content-Length: ") || strings.Contains(head, "chunked") {
			t.Errorf("chunked in is not CL out:\n%s", head)
		}
	}
}

func TestATooLargeBodyIsRefused(t *testing.T) {
	a := newApp(t, echo)
	f := newFront(t, demo(a.socket, func(r *route.Route) { r.MaxBody = 10; r.Stream = []string{"/stream"} }))
	const post = "POST / HTTP/1.1\r\nHost: demo.example\r\n"
	cases := map[string]string{
		"before reading":   post + "Content-Length: 11\r\nExpect: 100-continue\r\n\r\n",
		"chunked":          post + "Transfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n",
		"streamed chunked": strings.Replace(post, "/", "/stream", 1) + "Transfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n",
		"streamed":         strings.Replace(post, "/", "/stream", 1) + "Content-Length: 11\r\n\r\n",
	}
	for name, raw := range cases {
		if res := f.ask(raw).want(t, 413); !res.Close {
			t.Errorf("%s: the connection is kept", name)
		}
	}
	f.ask(post+"Content-Length: 10\r\n\r\n0123456789").want(t, 200)
	if st := f.Status()[0]; st.Failures != 0 || len(a.heads) > 2 { // the streamed one had to begin
		t.Errorf("%d requests reached the application; status is %+v", len(a.heads), st)
	}
	if !strings.Contains(f.log.String(), "proxy.max_body of demo") {
		t.Errorf("the log does not name the setting:\n%s", f.log)
	}
}

func TestABodyIsAskedFor(t *testing.T) {
	a := newApp(t, echo)
	f := newFront(t, demo(a.socket))
	c := f.dial()
	r := bufio.NewReader(c)
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
	if line, _ := r.ReadString('\n'); line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("got %q", line)
	}
	r.ReadString('\n')
	io.WriteString(c, "abc")
	f.read(r, "POST").want(t, 200)
	if head := within(t, a.heads, "the request"); strings.Contains(head, "Expect") {
		t.Errorf("Expect was passed on:\n%s", head)
	}
}

func TestAStreamedBodyArrivesWhileItIsSent(t *testing.T) {
	for _, framing := range []string{"Transfer-Encoding: chunked", "Content-Length: 6"} {
		parts := make(chan string)
		a := newApp(t, func(c net.Conn, head string, r *bufio.Reader) {
			req, _ := http.ReadRequest(bufio.NewReader(io.MultiReader(strings.NewReader(head+"\r\n"), r)))
			buf := make([]byte, 3)
			for range 2 {
				io.ReadFull(req.Body, buf)
				parts <- string(buf)
			}
			io.WriteString(c, ok)
		})
		f := newFront(t, demo(a.socket, func(r *route.Route) { r.BufferRequests = false }))
		c := f.dial()
		send := func(s string) {
			if strings.HasPrefix(framing, "T") {
				s = "3\r\n" + s + "\r\n"
			}
			io.WriteString(c, s)
		}
		io.WriteString(c, "POST / HTTP/1.1\r\nHost: demo.example\r\n"+framing+"\r\n\r\n")
		send("abc")
		if got := within(t, parts, "the first part"); got != "abc" {
			t.Errorf("first part is %q", got)
		}
		send("def")
		if got := within(t, parts, "the second part"); got != "def" {
			t.Errorf("second part is %q", got)
		}
		if framing[0] == 'T' {
			io.WriteString(c, "0\r\n\r\n")
		}
		f.read(bufio.NewReader(c), "POST").want(t, 200)
	}
}

func TestAnApplicationMayAnswerWithoutReadingTheBody(t *testing.T) {
	a := newApp(t, says("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"))
	f := newFront(t, demo(a.socket))
	body := strings.Repeat("x", 1<<20)
	f.ask("POST / HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 1048576\r\n\r\n"+body).want(t, 403)
}

func TestAFullSpoolIs507(t *testing.T) {
	a := newApp(t, echo)
	f := newFront(t, demo(a.socket))
	must(t, os.RemoveAll(f.spool))
	body := strings.Repeat("x", 100<<10)
	f.ask("POST / HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 102400\r\n\r\n"+body).want(t, 507)
	f.ask("POST / HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 3\r\n\r\nabc").want(t, 200)
}

func TestNothingIsLeftInTheSpool(t *testing.T) {
	a := newApp(t, echo)
	f := newFront(t, demo(a.socket))
	body := strings.Repeat("x", 1<<20)
	if res := f.ask("PUT / HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 1048576\r\n\r\n"+body).want(t, 200); res.body != body {
		t.Errorf("the body came back with %d bytes", len(res.body))
	}
	left, err := os.ReadDir(f.spool)
	must(t, err)
	if len(left) != 0 {
		t.Errorf("the spool has %v", left)
	}
}
