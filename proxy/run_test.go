package proxy_test

import (
	"bufio"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"sandwich/proxy"
	"sandwich/proxy/route"
)

func TestTheEndWaitsForRequestsInFlight(t *testing.T) {
	release := make(chan struct{})
	a := newApp(t, func(c net.Conn, _ string, _ *bufio.Reader) { <-release; io.WriteString(c, ok) })
	f := newFront(t, demo(a.socket))
	c := f.dial()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n")
	within(t, a.heads, "the request")
	ended := make(chan error, 1)
	go func() { ended <- f.stop() }()
	f.told("STOPPING=1")
	for { // until nobody listens
		c, err := net.Dial("tcp", f.addr)
		if err != nil {
			break
		}
		c.Close()
	}
	close(release)
	if res := f.read(bufio.NewReader(c), "GET").want(t, 200); !res.Close || res.body != "ok" {
		t.Errorf("the last answer is %q, close %v", res.body, res.Close)
	}
	if err := within(t, ended, "the end"); err != nil {
		t.Error(err)
	}
}

func TestTheEndTellsTunnelsToGo(t *testing.T) {
	heard := make(chan string, 1)
	a := newApp(t, chat(heard))
	f := newFront(t, demo(a.socket))
	c, r := f.shakeHands()
	ended := make(chan error, 1)
	go func() { ended <- f.stop() }()
	f.wantFrames(r, "\x81\x05hello", "\x88\x02\x03\xe9") // 1001
	f.endsInOrder(c, r, heard)
	must(t, within(t, ended, "the end"))
}

func TestAKeptConnectionMayBeUsedAtTheEnd(t *testing.T) {
	a := newApp(t, says(strings.Replace(ok, "close", "keep-alive", 1)))
	f := newFront(t, demo(a.socket))
	c, idle := f.dial(), f.dial()
	r, idleReader := bufio.NewReader(c), bufio.NewReader(idle)
	for range 2 {
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n")
		if f.read(r, "GET").want(t, 200).Close {
			t.Fatal("the connection is not kept")
		}
		io.WriteString(idle, "GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n")
		f.read(idleReader, "GET").want(t, 200)
	}
	ended := make(chan error, 1)
	go func() { ended <- f.stop() }()
	f.told("STOPPING=1")
	started := time.Now()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n")
	if !f.read(r, "GET").want(t, 200).Close {
		t.Error("the last answer does not say so")
	}
	if _, err := idleReader.ReadByte(); err != io.EOF {
		t.Errorf("the idle connection ends with %v", err)
	}
	if took := time.Since(started); took < 900*time.Millisecond || took > 3*time.Second {
		t.Errorf("the idle connection was open for %s", took)
	}
	must(t, within(t, ended, "the end"))
}

// The answer had begun before the end did, so its head could not say that it is the last.
func TestAConnectionWhoseAnswerSaidNothingMayBeUsedAtTheEnd(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	a := newApp(t, func(c net.Conn, head string, _ *bufio.Reader) {
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Accel-Buffering: no\r\n\r\no")
		if strings.HasPrefix(head, "GET /slow") {
			close(begun)
			<-release
		}
		io.WriteString(c, "k")
	})
	f := newFront(t, demo(a.socket))
	c := f.dial()
	r := bufio.NewReader(c)
	io.WriteString(c, "GET /slow HTTP/1.1\r\nHost: demo.example\r\n\r\n")
	within(t, begun, "the beginning")
	if _, err := r.Peek(20); err != nil {
		t.Fatal(err)
	}
	go f.stop()
	f.told("STOPPING=1")
	close(release)
	if f.read(r, "GET").want(t, 200).Close {
		t.Fatal("the head was sent later than this test wants it")
	}
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n")
	if !f.read(r, "GET").want(t, 200).Close {
		t.Error("the last answer does not say so")
	}
}

// told waits until the supervisor was told.
func (f *front) told(what string) string {
	f.Helper()
	for {
		if note := within(f, f.notes, what); strings.Contains(note, what) {
			return note
		}
	}
}

func TestTheSupervisorIsToldHowThingsAre(t *testing.T) {
	f := newFront(t, demo("/nowhere/app.sock"))
	if note := f.told("READY=1"); !strings.Contains(note, "STATUS=Serving 1 projects") {
		t.Errorf("told %q", note)
	}
	f.told("WATCHDOG=1")
	f.ask("GET / HTTP/1.1\r\nHost: other.example\r\n\r\n").want(t, 421)
	f.told("; 1 requests for unknown hosts") // self-checks are not counted
	f.Reload()
	f.told("RELOADING=1")
	f.told("READY=1")
}

func TestAListenerThatFailsEndsTheServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	l.Close()
	s, err := proxy.New(proxy.Config{Routes: t.TempDir(), Spool: t.TempDir(), Listeners: []net.Listener{l}, Log: quiet()})
	must(t, err)
	if err := s.Run(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "cannot serve on ") {
		t.Errorf("Run: %v", err)
	}
}

// Whatever clients and applications do, nothing may stay behind.
func TestNothingLeaks(t *testing.T) {
	large := strings.Repeat("x", 1<<20)
	a := newApp(t, func(c net.Conn, head string, r *bufio.Reader) {
		switch {
		case strings.Contains(head, "/reset"):
			return
		case strings.Contains(head, "/hang"):
			r.ReadByte()
		case strings.Contains(head, "/large"):
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n"+large)
		default:
			echo(c, head, r)
		}
	})
	f := newFront(t, demo(a.socket, func(r *route.Route) { r.Stream = []string{"/stream"} }))
	visits := []string{
		"GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n",
		"GET /reset HTTP/1.1\r\nHost: demo.example\r\n\r\n",
		"GET /hang HTTP/1.1\r\nHost: demo.example\r\n\r\n",
		"GET /large HTTP/1.1\r\nHost: demo.example\r\n\r\n",
		"GET /stream/large HTTP/1.1\r\nHost: demo.example\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 1048576\r\n\r\n" + large,
		"POST / HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 1048576\r\n\r\nhalf",
		"POST /stream HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 1048576\r\n\r\nhalf",
		"POST /stream HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 1048576\r\n\r\n" + large,
		"GET / HTTP/1.1\r\nHo",
	}
	round := func() {
		for _, raw := range visits {
			c := f.dial()
			io.WriteString(c, raw)
			c.SetReadDeadline(time.Now().Add(5 * time.Millisecond)) // the client's patience, not ours
			c.Read(make([]byte, 100))
			c.Close()
		}
		f.eventually("all requests are over", inFlight(0))
	}
	round()
	goroutines, files := baseline(t)
	for range 10 {
		round()
	}
	deadline := time.Now().Add(patience)
	for {
		g, n := baseline(t)
		if g <= goroutines && n <= files {
			return
		}
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, were %d; %d descriptors, were %d\n%s", g, goroutines, n, files, stacks[:runtime.Stack(stacks, true)])
		}
		runtime.Gosched()
	}
}

func baseline(t *testing.T) (goroutines, files int) {
	t.Helper()
	list, err := filepath.Glob("/proc/self/fd/*")
	must(t, err)
	for _, name := range list {
		if file, _ := os.Readlink(name); !strings.HasSuffix(file, ".access.log") { // open once it is needed
			files++
		}
	}
	return runtime.NumGoroutine(), files
}
