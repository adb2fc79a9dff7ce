package proxy_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sandwich/proxy"
	"sandwich/proxy/route"
	certs "sandwich/proxy/tls"
)

// patience bounds every wait of a test. Nothing waits for it when all goes well.
const patience = time.Minute

// front is a proxy that serves on a TCP port of its own.
type front struct {
	testing.TB
	*proxy.Server
	addr   string
	routes string
	spool  string
	run    string // its runtime directory
	logs   string // of access logs

	maintenance string // where projects are closed
	proxied     bool   // its settings say proxy_protocol
	room        int    // how many connections it takes; 0: as many as it can
	log         *logBuffer
	notes       chan string // what the supervisor was told
	stop        func() error

	keeper *certs.Keeper // nil: no HTTPS
	secure string        // address of HTTPS

	packets net.PacketConn // of HTTP/3
}

// newFront starts a proxy with these routes and stops it with the test.
func newFront(t testing.TB, routes ...*route.Route) *front {
	t.Helper()
	dir := t.TempDir()
	f := &front{TB: t, routes: filepath.Join(dir, "routes"), spool: filepath.Join(dir, "spool"), run: filepath.Join(dir, "run"), logs: filepath.Join(dir, "logs"), maintenance: filepath.Join(dir, "maintenance"),
		log: new(logBuffer), notes: make(chan string, 100)}
	must(t, os.Mkdir(f.routes, 0o755))
	must(t, os.Mkdir(f.run, 0o700))
	must(t, os.Mkdir(f.logs, 0o700))
	for _, r := range routes {
		f.write(r)
	}
	f.start(filepath.Join(dir, "proxy.json"))
	return f
}

func (f *front) start(settings string) {
	f.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(f, err)
	f.addr = l.Addr().String()
	listeners := []net.Listener{l}
	if f.keeper != nil {
		listeners = append(listeners, f.listenSecure(settings))
	}
	var packets []net.PacketConn
	if f.keeper != nil {
		f.packets, err = net.ListenPacket("udp", "127.0.0.1:0")
		must(f, err)
		packets = append(packets, f.packets)
	}
	f.Server, err = proxy.New(proxy.Config{
		TLS: f.keeper, Clients: f.room, Packets: packets,
		Routes: f.routes, Settings: settings, Spool: f.spool, Runtime: f.run, Logs: f.logs, Maintenance: f.maintenance,
		Listeners: listeners, Drain: patience, Tunnels: 20 * time.Millisecond, Watchdog: 100 * time.Millisecond,
		Log: slog.New(slog.NewTextHandler(f.log, nil)),
		Notify: func(state ...string) {
			select {
			case f.notes <- strings.Join(state, "\n"):
			default:
			}
		},
	})
	must(f, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	f.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	f.Cleanup(func() {
		if err := f.stop(); err != nil {
			f.Errorf("Run: %v", err)
		}
		if text := f.log.String(); strings.Contains(text, "panic") {
			f.Errorf("the proxy has panicked:\n%s", text)
		}
	})
}

// write puts a route file in place without telling the proxy.
func (f *front) write(r *route.Route) {
	f.Helper()
	data, err := route.Encode(r)
	must(f, err)
	must(f, os.WriteFile(filepath.Join(f.routes, r.Name+".json"), data, 0o644))
}

func (f *front) dial() net.Conn {
	f.Helper()
	c, err := net.Dial("tcp", f.addr)
	must(f, err)
	must(f, c.SetDeadline(time.Now().Add(patience)))
	f.Cleanup(func() { c.Close() })
	return c
}

// answer is a response that was read to its end.
type answer struct {
	*http.Response
	body string
}

// ask sends the bytes of one request on a connection of its own and reads one answer.
func (f *front) ask(raw string) answer {
	f.Helper()
	c := f.dial()
	defer c.Close()
	_, err := io.WriteString(c, raw)
	must(f, err)
	return f.read(bufio.NewReader(c), raw)
}

func (f *front) get(path string, fields ...string) answer {
	f.Helper()
	return f.ask("GET " + path + " HTTP/1.1\r\nHost: demo.example\r\n" + lines(fields) + "\r\n")
}

func lines(fields []string) string {
	var b strings.Builder
	for _, field := range fields {
		b.WriteString(field + "\r\n")
	}
	return b.String()
}

func (f *front) read(r *bufio.Reader, request string) answer {
	f.Helper()
	method, _, _ := strings.Cut(request, " ")
	res, err := http.ReadResponse(r, &http.Request{Method: method})
	must(f, err)
	body, err := io.ReadAll(res.Body)
	must(f, err)
	return answer{res, string(body)}
}

// demo is a route for demo.example with the usual settings, changed by the given functions.
func demo(socket string, changes ...func(*route.Route)) *route.Route {
	r := &route.Route{
		Version: route.Version, Name: "demo", Domains: []string{"demo.example", "www.demo.example"},
		Upstream: route.Upstream{Network: "unix", Address: socket, Unit: "sandwich-demo.service"},
		MaxBody:  10 << 20, TimeoutMS: patience.Milliseconds(), HoldMS: patience.Milliseconds(),
		BufferRequests: true, BufferResponses: true,
	}
	for _, change := range changes {
		change(r)
	}
	return r
}

// app is an application server that does what its script says.
type app struct {
	testing.TB
	socket string
	heads  chan string // of the requests that came in
	wait   sync.WaitGroup
	l      net.Listener
}

// script answers one request. The head was read from r already.
type script func(c net.Conn, head string, r *bufio.Reader)

func newApp(t testing.TB, s script) *app {
	t.Helper()
	a := &app{TB: t, socket: filepath.Join(t.TempDir(), "app.sock"), heads: make(chan string, 1000)}
	a.listen(s)
	return a
}

func (a *app) listen(s script) {
	a.Helper()
	l, err := net.Listen("unix", a.socket)
	must(a, err)
	a.l = l
	a.wait.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			a.wait.Go(func() { a.serve(c, s) })
		}
	})
	a.Cleanup(a.close)
}

func (a *app) close() {
	a.l.Close()
	a.wait.Wait()
}

func (a *app) serve(c net.Conn, s script) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	r := bufio.NewReader(c)
	var head strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		if line == "\r\n" {
			break
		}
		head.WriteString(line)
	}
	a.heads <- head.String()
	s(c, head.String(), r)
}

// says answers every request with the same bytes.
func says(raw string) script {
	return func(c net.Conn, _ string, _ *bufio.Reader) { io.WriteString(c, raw) }
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

// echo answers with the body it was sent.
func echo(c net.Conn, head string, r *bufio.Reader) {
	req, err := http.ReadRequest(bufio.NewReader(io.MultiReader(strings.NewReader(head+"\r\n"), r)))
	if err != nil {
		io.WriteString(c, "HTTP/1.1 500 Cannot Read Request\r\n\r\n"+err.Error())
		return
	}
	body, _ := io.ReadAll(req.Body)
	(&http.Response{StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(body)),
		Body: io.NopCloser(bytes.NewReader(body))}).Write(c)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (a answer) want(t testing.TB, status int) answer {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("status is %s, want %d; body: %.200s", a.Status, status, a.body)
	}
	return a
}

// logBuffer collects what is logged.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// within fails the test when ch brings nothing.
func within[T any](t testing.TB, ch <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(patience):
		t.Fatalf("%s did not happen within %s", what, patience)
	}
	return v
}

func hex(n int) string { return strconv.FormatInt(int64(n), 16) }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
