package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"sandwich/proxy/route"
)

// crowd are clients that cost next to nothing in this process: bare descriptors.
type crowd struct {
	testing.TB
	addr *syscall.SockaddrInet4
	fds  []int
}

func newCrowd(t testing.TB, addr string) *crowd {
	t.Helper()
	tcp, err := net.ResolveTCPAddr("tcp4", addr)
	must(t, err)
	c := &crowd{TB: t, addr: &syscall.SockaddrInet4{Port: tcp.Port, Addr: [4]byte{127, 0, 0, 1}}}
	t.Cleanup(c.leave)
	return c
}

func (c *crowd) join(n int) {
	c.Helper()
	for range n {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		must(c, err)
		c.fds = append(c.fds, fd)
		must(c, syscall.Connect(fd, c.addr))
	}
}

func (c *crowd) say(text string) {
	c.Helper()
	for _, fd := range c.fds {
		_, err := syscall.Write(fd, []byte(text))
		must(c, err)
	}
}

func (c *crowd) leave() {
	for _, fd := range c.fds {
		syscall.Close(fd)
	}
	c.fds = nil
}

// used is what this process has taken for its heap and its stacks and not given back.
func used() int64 {
	runtime.GC()
	runtime.GC() // shrinks the stacks a second time
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

func TestACrowdThatSendsHeadersByteByByteKeepsNobodyWaiting(t *testing.T) {
	const size = 1000
	a := newApp(t, says(ok))
	f := newFront(t, demo(a.socket))
	f.get("/").want(t, 200)
	before := used()
	c := newCrowd(t, f.addr)
	c.join(size)
	for _, b := range "GET / HT" {
		c.say(string(b))
		started := time.Now()
		f.get("/").want(t, 200)
		if took := time.Since(started); took > 20*time.Second { // a busy machine's own pauses are shorter
			t.Errorf("a request took %s", took)
		}
	}
	if each := (used() - before) / size; each > 24<<10 {
		t.Errorf("each connection takes %d bytes", each)
	}
}

// Handshakes that go on for ever, of clients that say less and less of their hello, keep nobody waiting
// who comes for the first time.
func TestACrowdThatDoesNotFinishItsHandshakesKeepsNobodyWaiting(t *testing.T) {
	const size = 1000
	f := newSecureFront(t, internal(demo(newApp(t, says(ok)).socket)))
	visit := func() {
		t.Helper()
		started := time.Now()
		f.askSecurely("demo.example", "GET / HTTP/1.1\r\nHost: demo.example\r\nConnection: close\r\n\r\n").want(t, 200)
		if took := time.Since(started); took > 20*time.Second { // a busy machine's own pauses are shorter
			t.Errorf("a request took %s", took)
		}
	}
	visit()
	before := used()
	c := newCrowd(t, f.secure)
	c.join(size)
	for _, part := range []string{"\x16", "\x03\x01\x40\x00", "\x01\x00\x3f\xfc\x03\x03", strings.Repeat("x", 2000)} {
		c.say(part)
		visit()
	}
	each := (used() - before) / size
	t.Logf("a handshake that does not go on takes %d bytes", each)
	if each > 64<<10 { // twice what it takes without the race detector
		t.Errorf("a handshake that does not go on takes %d bytes", each)
	}
}

// RFC 8446 4: a hello may say that it has 16 MB.
func TestAHelloWithoutAnEndIsRefused(t *testing.T) {
	f := newSecureFront(t, internal(demo("/nowhere")))
	before := used()
	for _, first := range []string{"\x01\xff\xff\xff", "\x01\x00\xff\xff"} {
		c, err := net.Dial("tcp", f.secure)
		must(t, err)
		defer c.Close()
		must(t, c.SetDeadline(time.Now().Add(patience)))
		sent := 0
		for record := "\x16\x03\x01\x40\x00" + first + strings.Repeat("x", 1<<14-4); sent < 16<<20; record = "\x16\x03\x01\x40\x00" + strings.Repeat("x", 1<<14) {
			n, err := io.WriteString(c, record)
			if sent += n; err != nil {
				break
			}
		}
		if sent >= 16<<20 {
			t.Errorf("%d bytes of a hello were taken", sent)
		}
	}
	if grown := used() - before; grown > 4<<20 {
		t.Errorf("%d bytes of memory are held", grown)
	}
	if text := f.log.String(); strings.Contains(text, "tls") {
		t.Errorf("strangers fill the journal:\n%s", text)
	}
}

func TestAnIdleConnectionCostsLittle(t *testing.T) {
	const size = 900
	a := newApp(t, says(strings.Replace(ok, "close", "keep-alive", 1)))
	f := newFront(t, demo(a.socket))
	f.get("/").want(t, 200)
	before := used()
	c := newCrowd(t, f.addr)
	c.join(size)
	c.say("GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n")
	for _, fd := range c.fds {
		_, err := syscall.Read(fd, make([]byte, 1000))
		must(t, err)
	}
	f.eventually("all requests are over", inFlight(0))
	each := (used() - before) / size
	t.Logf("an idle connection takes %d bytes", each)
	if each > 12<<10 { // twice what it takes without the race detector
		t.Errorf("an idle connection takes %d bytes", each)
	}
}

// A body without an end, to a project with a limit: what is taken of it is bounded.
func TestABodyWithoutAnEndIsRefusedAtTheLimit(t *testing.T) {
	a := newApp(t, echo)
	f := newFront(t, demo(a.socket, func(r *route.Route) { r.MaxBody = 1 << 20 }))
	c := f.dial()
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: demo.example\r\nTransfer-Encoding: chunked\r\n\r\n")
	chunk := "10000\r\n" + strings.Repeat("x", 64<<10) + "\r\n"
	sent := make(chan int, 1)
	go func() {
		n := 0
		for n < 1<<30 {
			m, err := io.WriteString(c, chunk)
			n += m
			if err != nil {
				break
			}
		}
		sent <- n
	}()
	res := f.read(bufio.NewReader(c), "POST").want(t, 413)
	if !res.Close || len(a.heads) > 0 {
		t.Errorf("close is %v; %d requests reached the application", res.Close, len(a.heads))
	}
	if left, _ := os.ReadDir(f.spool); len(left) > 0 {
		t.Errorf("the spool has %v", left)
	}
	c.Close()
	<-sent
}

func TestAGigabyteIsRefusedByItsLength(t *testing.T) {
	a := newApp(t, echo)
	f := newFront(t, demo(a.socket))
	c := f.dial()
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 1073741824\r\n\r\n")
	if res := f.read(bufio.NewReader(c), "POST").want(t, 413); !res.Close {
		t.Error("the connection is kept")
	}
}

// At the cap who comes waits in the queue, idle connections make room, and who is here is served.
func TestAtTheCapConnectionsWaitForRoom(t *testing.T) {
	a := newApp(t, says(strings.Replace(ok, "close", "keep-alive", 1)))
	f := newFrontFor(t, 8, demo(a.socket))
	c := newCrowd(t, f.addr)
	c.join(7)
	c.say("GET / HTTP/1.1\r\nHo")
	kept := f.dial()
	r := bufio.NewReader(kept)
	for range 2 {
		io.WriteString(kept, "GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n")
		f.read(r, "GET").want(t, 200)
	}
	late := f.dial() // takes the place of kept, which is idle
	io.WriteString(late, "GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n")
	lateReader := bufio.NewReader(late)
	f.read(lateReader, "GET").want(t, 200)
	if _, err := r.ReadByte(); err != io.EOF {
		t.Errorf("the idle connection: %v", err)
	}
	late.Close()
	c.leave()
	f.get("/").want(t, 200)
	for range 3 {
		f.told("WATCHDOG=1")
	}
	if !strings.Contains(f.log.String(), "8 connections are open") {
		t.Errorf("the log does not say why:\n%s", f.log)
	}
}

// newFrontFor starts a proxy that has room for so many connections.
func newFrontFor(t testing.TB, room int, r *route.Route) *front {
	t.Helper()
	dir := t.TempDir()
	f := &front{TB: t, routes: filepath.Join(dir, "routes"), spool: filepath.Join(dir, "spool"), room: room,
		log: new(logBuffer), notes: make(chan string, 100)}
	must(t, os.Mkdir(f.routes, 0o755))
	f.write(r)
	f.start(filepath.Join(dir, "proxy.json"))
	return f
}

// A reader at a snail's pace, and one that is gone, hold neither the worker nor memory.
func TestTenClientsThatLeaveFreeTheirWorkersAtOnce(t *testing.T) {
	freed := make(chan struct{}, 100)
	a := newApp(t, func(c net.Conn, _ string, r *bufio.Reader) {
		r.ReadByte() // until the front leaves
		freed <- struct{}{}
	})
	f := newFront(t, demo(a.socket))
	for range 10 {
		c := f.dial()
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n")
		within(t, a.heads, "the request")
		c.Close()
	}
	for i := range 10 {
		within(t, freed, fmt.Sprintf("freeing worker %d", i))
	}
	f.eventually("all requests are over", inFlight(0))
	if st := f.Status()[0]; st.Failures != 0 || st.Responses["5xx"] != 0 {
		t.Errorf("leaving counts as a failure: %+v", st)
	}
}
