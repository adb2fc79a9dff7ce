package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sandwich/proxy"
	"sandwich/proxy/route"
)

// eventually waits until the project's status is as wanted.
func (f *front) eventually(what string, is func(proxy.Status) bool) {
	f.Helper()
	deadline := time.Now().Add(patience)
	for !is(f.Status()[0]) {
		if time.Now().After(deadline) {
			f.Fatalf("%s: not within %s; status is %+v", what, patience, f.Status()[0])
		}
		time.Sleep(time.Millisecond) // there is no event to wait for: counters are read from outside
	}
}

func held(n int64) func(proxy.Status) bool {
	return func(st proxy.Status) bool { return st.Held == n }
}

func TestARequestWaitsForAListener(t *testing.T) {
	a := &app{TB: t, socket: filepath.Join(t.TempDir(), "app.sock"), heads: make(chan string, 10)}
	f := newFront(t, demo(a.socket))
	got := make(chan answer, 2)
	go func() { got <- f.get("/") }()
	go func() {
		got <- f.ask("POST / HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 3\r\n\r\nabc")
	}()
	f.eventually("both requests held", held(2))
	a.listen(echo)
	within(t, got, "an answer").want(t, 200)
	within(t, got, "an answer").want(t, 200)
	if st := f.Status()[0]; st.HeldTotal != 2 || st.Held != 0 {
		t.Errorf("status is %+v", st)
	}
}

func TestAStaleSocketIsWaitedForToo(t *testing.T) {
	a := &app{TB: t, socket: filepath.Join(t.TempDir(), "app.sock"), heads: make(chan string, 10)}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: a.socket, Net: "unix"})
	must(t, err)
	l.SetUnlinkOnClose(false)
	l.Close() // what is left refuses connections
	f := newFront(t, demo(a.socket))
	got := make(chan answer, 1)
	go func() { got <- f.get("/") }()
	f.eventually("the request is held", held(1))
	must(t, syscall.Unlink(a.socket))
	a.listen(echo)
	within(t, got, "an answer").want(t, 200)
}

// shortQueue is a socket whose queue has room for next to nothing, and from which nobody accepts.
func shortQueue(t *testing.T) (path string, fd int) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "app.sock")
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	must(t, err)
	t.Cleanup(func() { syscall.Close(fd) })
	must(t, syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}))
	must(t, syscall.Listen(fd, 0))
	return path, fd
}

func TestAFullQueueIsWaitedFor(t *testing.T) {
	socket, fd := shortQueue(t)
	f := newFront(t, demo(socket))
	var full int
	for ; ; full++ { // until the queue says EAGAIN
		c, err := net.Dial("unix", socket)
		if err != nil {
			break
		}
		defer c.Close()
	}
	got := make(chan answer, 1)
	go func() { got <- f.get("/") }()
	f.eventually("the request is held", held(1))
	for range full {
		c, _, err := syscall.Accept(fd)
		must(t, err)
		syscall.Close(c)
	}
	c, _, err := syscall.Accept(fd)
	must(t, err)
	syscall.Write(c, []byte(ok))
	buf := make([]byte, 4096)
	syscall.Read(c, buf) // closing with unread bytes would be a reset
	syscall.Close(c)
	within(t, got, "an answer").want(t, 200)
}

// nginx makes a 502 of this.
func TestAQueueThatStaysFullIs503(t *testing.T) {
	socket, _ := shortQueue(t)
	c, err := net.Dial("unix", socket)
	must(t, err)
	defer c.Close()
	f := newFront(t, demo(socket, func(r *route.Route) { r.HoldMS = 300 }))
	answers := make(chan answer, 20)
	for range cap(answers) {
		go func() { answers <- f.get("/") }()
	}
	for range cap(answers) {
		if res := within(t, answers, "an answer").want(t, 503); res.Header.Get("Retry-After") == "" {
			t.Errorf("there is no Retry-After in %v", res.Header)
		}
	}
	if st := f.Status()[0]; st.HeldTotal != 20 || st.Held != 0 || st.InFlight != 0 {
		t.Errorf("status is %+v", st)
	}
}

func TestNobodyListeningAtAllIs503(t *testing.T) {
	f := newFront(t, demo("/nowhere/app.sock", func(r *route.Route) { r.HoldMS = 30 }))
	res := f.get("/", "Accept: text/html").want(t, 503)
	if res.Header.Get("Retry-After") == "" || !strings.Contains(res.body, "<h1>503") {
		t.Errorf("header %v, body %q", res.Header, res.body)
	}
	if strings.Contains(res.body, "nowhere") {
		t.Error("the page tells where the socket is")
	}
	res = f.get("/", "Accept: application/json").want(t, 503)
	if strings.Contains(res.body, "<") {
		t.Errorf("a program gets a page: %q", res.body)
	}
	st := f.Status()[0]
	if st.Failures != 2 || !strings.Contains(st.LastError, "nobody listens") || st.Responses["5xx"] != 2 {
		t.Errorf("status is %+v", st)
	}
	if n := strings.Count(f.log.String(), "nobody listens"); n != 1 {
		t.Errorf("%d lines are logged, want 1:\n%s", n, f.log)
	}
}

func TestAnAnswerThatDoesNotComeIs504(t *testing.T) {
	freed := make(chan error, 1)
	a := newApp(t, func(c net.Conn, _ string, r *bufio.Reader) {
		_, err := r.ReadByte()
		freed <- err
	})
	f := newFront(t, demo(a.socket, func(r *route.Route) { r.TimeoutMS = 50 }))
	f.get("/").want(t, 504)
	if err := within(t, freed, "closing the connection"); err != io.EOF {
		t.Errorf("the application saw %v", err)
	}
}

// reset closes a connection so that the other side sees ECONNRESET: with bytes it has not read.
func reset(c net.Conn) { c.Close() }

func TestWhichRequestsAreSentAgainAfterAReset(t *testing.T) {
	large := strings.Repeat("x", 100<<10)
	cases := []struct {
		request string
		early   string // what the application says before the reset
		status  int
		sent    int
	}{
		{"GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n", "", 200, 2},
		{"HEAD / HTTP/1.1\r\nHost: demo.example\r\n\r\n", "", 200, 2},
		{"DELETE / HTTP/1.1\r\nHost: demo.example\r\n\r\n", "", 200, 2},
		{"PUT / HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 3\r\n\r\nabc", "", 200, 2},
		{"PUT / HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 102400\r\n\r\n" + large, "", 200, 2},
		{"POST / HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 3\r\n\r\nabc", "", 502, 1},
		{"PATCH / HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 3\r\n\r\nabc", "", 502, 1},
		{"PUT /stream HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 3\r\n\r\nabc", "", 502, 1},
		{"GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n", "H", 200, 2},
		{"GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n", 502, 1},
		{"GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", 200, 2},
		{"GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, 2},
		{"GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no", 502, 1},
		{"POST / HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", 502, 1},
		{"HEAD / HTTP/1.1\r\nHost: demo.example\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", 200, 1},
	}
	for _, c := range cases {
		method, _, _ := strings.Cut(c.request, "\r")
		t.Run(fmt.Sprintf("%s after %.20q", method, c.early), func(t *testing.T) {
			first := make(chan bool, 1)
			first <- true
			a := newApp(t, func(conn net.Conn, head string, r *bufio.Reader) {
				select {
				case <-first:
					io.WriteString(conn, c.early)
					reset(conn)
				default:
					echo(conn, head, r)
				}
			})
			f := newFront(t, demo(a.socket, func(r *route.Route) { r.Stream = []string{"/stream"} }))
			res := f.ask(c.request)
			if c.early != "" && res.StatusCode == 103 {
				return // ask reads one answer
			}
			res.want(t, c.status)
			if len(a.heads) != c.sent {
				t.Errorf("sent %d times, want %d", len(a.heads), c.sent)
			}
			if st := f.Status()[0]; st.Retried != uint64(c.sent-1) {
				t.Errorf("retried is %d, want %d", st.Retried, c.sent-1)
			}
		})
	}
}

func TestARequestIsSentAgainTwiceAtMost(t *testing.T) {
	a := newApp(t, func(c net.Conn, _ string, _ *bufio.Reader) { reset(c) })
	f := newFront(t, demo(a.socket))
	f.get("/").want(t, 502)
	if len(a.heads) != 3 {
		t.Errorf("sent %d times, want 3", len(a.heads))
	}
}

func TestAWorkerThatOutlivesItsMainProcessForAMomentCostsNothing(t *testing.T) {
	resets := make(chan bool, 2)
	resets <- true
	resets <- true
	a := newApp(t, func(conn net.Conn, head string, r *bufio.Reader) {
		select {
		case <-resets:
			reset(conn)
		default:
			echo(conn, head, r)
		}
	})
	newFront(t, demo(a.socket)).get("/").want(t, 200)
}

func TestTheCapOfOneProjectIsNotAnothers(t *testing.T) {
	release := make(chan struct{})
	a := newApp(t, func(c net.Conn, _ string, _ *bufio.Reader) { <-release; io.WriteString(c, ok) })
	other := demo(a.socket)
	other.Name, other.Domains = "other", []string{"other.example"}
	b := newApp(t, says(ok))
	other.Upstream.Address = b.socket
	f := newFront(t, demo(a.socket, func(r *route.Route) { r.InFlight = 1 }), other)
	got := make(chan answer, 1)
	go func() { got <- f.get("/") }()
	within(t, a.heads, "the first request")
	if res := f.get("/").want(t, 503); res.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	f.ask("GET / HTTP/1.1\r\nHost: other.example\r\n\r\n").want(t, 200)
	close(release)
	within(t, got, "the first answer").want(t, 200)
	f.get("/").want(t, 200)
	if !strings.Contains(f.log.String(), "proxy.in_flight of demo") {
		t.Errorf("the log does not name the setting:\n%s", f.log)
	}
}

func TestAClientThatLeavesFreesTheWorker(t *testing.T) {
	freed := make(chan error, 1)
	a := newApp(t, func(c net.Conn, _ string, r *bufio.Reader) {
		_, err := r.ReadByte()
		freed <- err
	})
	f := newFront(t, demo(a.socket))
	c := f.dial()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n")
	within(t, a.heads, "the request")
	c.Close()
	if err := within(t, freed, "closing the connection"); err != io.EOF {
		t.Errorf("the application saw %v", err)
	}
	f.eventually("the request is counted", func(st proxy.Status) bool { return st.Responses["0xx"] == 1 && st.InFlight == 0 })
	if st := f.Status()[0]; st.Failures != 0 || st.Retried != 0 {
		t.Errorf("the client's going is the application's failure: %+v", st)
	}
}

func TestAClientThatLeavesWhileHeldIsForgotten(t *testing.T) {
	f := newFront(t, demo("/nowhere/app.sock"))
	c := f.dial()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n")
	f.eventually("the request is held", held(1))
	c.Close()
	f.eventually("the request is let go", held(0))
}

func inFlight(n int64) func(proxy.Status) bool {
	return func(st proxy.Status) bool { return st.InFlight == n }
}
