package proxy_test

import (
	"bufio"
	"io"
	"net"
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

func TestTheEndClosesTunnels(t *testing.T) {
	a := newApp(t, socketServer)
	f := newFront(t, demo(a.socket))
	_, r := f.shakeHands()
	must(t, f.stop())
	if _, err := io.ReadAll(r); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("the tunnel ended with %v", err)
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
	return runtime.NumGoroutine(), len(list)
}
