package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"sandwich/proxy"
)

const handshake = "GET /ws HTTP/1.1\r\nHost: demo.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

// socketServer accepts the handshake, greets, and sends everything back until the client has ended.
func socketServer(c net.Conn, head string, r *bufio.Reader) {
	if !strings.Contains(head, "Connection: Upgrade\r\nUpgrade: websocket\r\n") ||
		!strings.Contains(head, "Sec-Websocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n") {
		io.WriteString(c, "HTTP/1.1 400 No Handshake\r\nContent-Length: 0\r\n\r\n")
		return
	}
	io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\nhello ")
	io.Copy(c, r)
	io.WriteString(c, " bye")
}

func (f *front) shakeHands() (net.Conn, *bufio.Reader) {
	f.Helper()
	c := f.dial()
	r := bufio.NewReader(c)
	io.WriteString(c, handshake+"early ")
	res, err := http.ReadResponse(r, nil)
	must(f, err)
	if res.StatusCode != 101 || res.Header.Get("Sec-WebSocket-Accept") != "x" || res.Header.Get("Upgrade") != "websocket" {
		f.Fatalf("answer to the handshake is %s %v", res.Status, res.Header)
	}
	return c, r
}

func TestAWebSocketTunnelsBothWaysAndCloseByHalves(t *testing.T) {
	a := newApp(t, socketServer)
	f := newFront(t, demo(a.socket))
	c, r := f.shakeHands()
	io.WriteString(c, "and late")
	c.(*net.TCPConn).CloseWrite()
	all, err := io.ReadAll(r)
	if got := string(all); got != "hello early and late bye" || err != nil {
		t.Errorf("the tunnel brought %q, %v", got, err)
	}
	f.eventually("the tunnel is counted", func(st proxy.Status) bool { return st.Responses["1xx"] == 1 && st.InFlight == 0 })
}

func TestATunnelEndsWithEitherSide(t *testing.T) {
	ended := make(chan error, 1)
	a := newApp(t, func(c net.Conn, head string, r *bufio.Reader) {
		socketServer(c, head, r)
		ended <- nil
	})
	f := newFront(t, demo(a.socket))
	c, _ := f.shakeHands()
	c.(*net.TCPConn).SetLinger(0)
	c.Close()
	within(t, ended, "ending the tunnel")
}

func TestARefusedHandshakeIsAnOrdinaryAnswer(t *testing.T) {
	a := newApp(t, says("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"))
	f := newFront(t, demo(a.socket))
	c := f.dial()
	r := bufio.NewReader(c)
	io.WriteString(c, handshake)
	f.read(r, "GET").want(t, 403)
	io.WriteString(c, handshake)
	f.read(r, "GET").want(t, 403)
}

func TestAnUpgradeToSomethingElseIsATunnelToo(t *testing.T) {
	a := newApp(t, func(c net.Conn, head string, r *bufio.Reader) {
		if !strings.Contains(head, "Connection: Upgrade\r\nUpgrade: echo/1.0\r\n") {
			io.WriteString(c, "HTTP/1.1 400 No Upgrade\r\nContent-Length: 0\r\n\r\n")
			return
		}
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: Echo/1.0\r\nConnection: Upgrade\r\n\r\nhello ")
		io.Copy(c, r)
	})
	f := newFront(t, demo(a.socket))
	c := f.dial()
	r := bufio.NewReader(c)
	io.WriteString(c, "POST /x HTTP/1.1\r\nHost: demo.example\r\nConnection: upgrade\r\nUpgrade: echo/1.0\r\n\r\nearly ")
	res, err := http.ReadResponse(r, nil)
	must(t, err)
	if res.StatusCode != 101 || res.Header.Get("Upgrade") != "echo/1.0" {
		t.Fatalf("the answer is %s %v", res.Status, res.Header)
	}
	io.WriteString(c, "late")
	f.wantFrames(r, "hello early late")
	must(t, f.Hold("demo", time.Minute))
	must(t, f.Drain("demo", time.Minute)) // nobody can be told in a protocol that is not known
	if rest, _ := io.ReadAll(r); len(rest) > 0 {
		t.Errorf("at the end came %q", rest)
	}
}

func TestASwitchToAnotherProtocolThanAskedForIs502(t *testing.T) {
	a := newApp(t, says("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"))
	f := newFront(t, demo(a.socket))
	f.ask(handshake).want(t, 502)
}

func TestAnUpgradeToAnotherHTTPDoesNotPass(t *testing.T) {
	a := newApp(t, says(ok))
	f := newFront(t, demo(a.socket))
	f.get("/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__").want(t, 200)
	if head := within(t, a.heads, "the request"); strings.Contains(head, "h2c") || strings.Contains(head, "Settings") {
		t.Errorf("the application got\n%s", head)
	}
}

// chat accepts the handshake, sends a frame, and tells what it hears.
func chat(heard chan<- string) script {
	return func(c net.Conn, _ string, r *bufio.Reader) {
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n")
		io.CopyN(io.Discard, r, int64(len("early ")))
		io.WriteString(c, "\x81\x05hello")
		all, _ := io.ReadAll(r)
		heard <- string(all)
	}
}

func (f *front) wantFrames(r io.Reader, want ...string) {
	f.Helper()
	all := strings.Join(want, "")
	got := make([]byte, len(all))
	if n, err := io.ReadFull(r, got); err != nil || string(got) != all {
		f.Fatalf("the client got %q, %v, want %q", got[:n], err, all)
	}
}

// endsInOrder answers a close frame, which the application is to hear.
func (f *front) endsInOrder(c net.Conn, r io.Reader, heard <-chan string) {
	f.Helper()
	const farewell = "\x88\x82\x00\x00\x00\x00\x03\xf4"
	io.WriteString(c, farewell)
	c.(*net.TCPConn).CloseWrite()
	if got := within(f, heard, "the farewell"); got != farewell {
		f.Errorf("the application heard %q", got)
	}
	if rest, err := io.ReadAll(r); len(rest) > 0 || err != nil {
		f.Errorf("after the close frame came %q, %v", rest, err)
	}
}

func TestTunnelsOfADrainedGenerationAreToldToGo(t *testing.T) {
	heard := make(chan string, 1)
	f := newFront(t, twice(newApp(t, chat(heard)), newApp(t, says(ok))), named("beta", newApp(t, chat(heard)).socket, "beta.example"))
	c, r := f.shakeHands()
	f.wantFrames(r, "\x81\x05hello")
	must(t, f.Switch("demo", "next"))
	drained := make(chan error, 1)
	go func() { drained <- f.Drain("demo", 20*time.Millisecond) }()
	f.wantFrames(r, "\x88\x02\x03\xf4") // 1012
	f.endsInOrder(c, r, heard)
	must(t, within(t, drained, "the drain"))
}

func TestTunnelsAreToldAtOnceWhileVisitorsAreHeld(t *testing.T) {
	heard := make(chan string, 1)
	f := newFront(t, demo(newApp(t, chat(heard)).socket))
	c, r := f.shakeHands()
	f.wantFrames(r, "\x81\x05hello")
	must(t, f.Hold("demo", time.Minute))
	drained := make(chan error, 1)
	go func() { drained <- f.Drain("demo", time.Minute) }()
	f.wantFrames(r, "\x88\x02\x03\xf4")
	f.endsInOrder(c, r, heard)
	must(t, within(t, drained, "the drain"))
}

func TestATunnelWhoseClientDoesNotGoIsCut(t *testing.T) {
	f := newFront(t, demo(newApp(t, chat(make(chan string, 1))).socket))
	_, r := f.shakeHands()
	f.wantFrames(r, "\x81\x05hello")
	must(t, f.Hold("demo", time.Minute))
	started := time.Now()
	must(t, f.Drain("demo", time.Minute))
	if took := time.Since(started); took < 900*time.Millisecond || took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}
