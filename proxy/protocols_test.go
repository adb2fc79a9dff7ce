package proxy_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"sandwich/proxy/route"
)

// TestHTTP2Conformance is every case of h2spec against a file, a page of ours and a page of an
// application, over TLS.
func TestHTTP2Conformance(t *testing.T) {
	program := filepath.Join(t.TempDir(), "h2spec")
	out, err := exec.Command("go", "build", "-C", "../packaging/tools", "-o", program, "github.com/summerwind/h2spec/cmd/h2spec").CombinedOutput()
	if err != nil {
		t.Fatalf("cannot build h2spec: %v\n%s", err, out)
	}
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "a.css"), []byte(strings.Repeat("x", 1000)), 0o644))
	a := newApp(t, says("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5000\r\n\r\n"+strings.Repeat("x", 5000)))
	f := newSecureFront(t, internal(demo(a.socket, func(r *route.Route) {
		r.Domains = []string{"localhost"} // h2spec names the host that it connects to
		r.Static = []route.Static{{Prefix: "/static/", Root: dir, MaxAge: 60}}
	})))
	_, port, err := net.SplitHostPort(f.secure)
	must(t, err)
	for _, path := range []string{"/static/a.css", "/static/missing", "/"} {
		t.Run(path, func(t *testing.T) {
			out, err := exec.Command(program, "-t", "-k", "-S", "-h", "localhost", "-p", port, "-P", path).CombinedOutput()
			m := regexp.MustCompile(`(\d+) tests, (\d+) passed`).FindSubmatch(out)
			if err != nil || m == nil || string(m[1]) != string(m[2]) {
				t.Fatalf("h2spec: %v\n%s", err, out)
			}
			t.Logf("%s", m[0])
		})
	}
}

// withHTTP3 has the front speak HTTP/3 on a port of its own.
func withHTTP3(t *testing.T, f *front) *http.Client {
	t.Helper()
	addr := f.packets.LocalAddr().String()
	transport := &http3.Transport{
		TLSClientConfig: f.client("demo.example", http3.NextProtoH3),
		Dial: func(ctx context.Context, _ string, conf *tls.Config, q *quic.Config) (*quic.Conn, error) {
			return quic.DialAddr(ctx, addr, conf, q)
		},
	}
	t.Cleanup(func() { transport.Close() })
	return &http.Client{Transport: transport, Timeout: patience}
}

func TestHTTP3IsSpokenWhereItIsSwitchedOn(t *testing.T) {
	a := newApp(t, says(ok))
	f := newSecureFront(t, internal(demo(a.socket)))
	client := withHTTP3(t, f)
	res, err := client.Post("https://demo.example/form", "text/plain", strings.NewReader("hello"))
	must(t, err)
	body, err := io.ReadAll(res.Body)
	if res.StatusCode != 200 || string(body) != "ok" || err != nil || res.ProtoMajor != 3 || res.Header.Get("Alt-Svc") != "" {
		t.Errorf("%s %s %q, %v", res.Proto, res.Status, body, err)
	}
	head := within(t, a.heads, "the request")
	port := f.packets.LocalAddr().(*net.UDPAddr).Port
	for _, field := range []string{"POST /form HTTP/1.1\r\n", "X-Forwarded-Proto: https\r\n", "X-Real-IP: 127.0.0.1\r\n",
		fmt.Sprintf("X-Forwarded-Port: %d\r\n", port), "Content-Length: 5\r\n"} {
		if !strings.Contains(head, field) {
			t.Errorf("%q is missing in\n%s", field, head)
		}
	}
	res, err = client.Get("https://demo.example/")
	must(t, err)
	res.Body.Close()
	if head = within(t, a.heads, "the request"); strings.Contains(head, "Content-Length") {
		t.Errorf("a GET has a body:\n%s", head)
	}

	want := fmt.Sprintf(`h3=":%d"; ma=86400`, port)
	if res := f.askSecurely("demo.example", "GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n"); res.Header.Get("Alt-Svc") != want {
		t.Errorf("over HTTPS clients are told %q, want %q", res.Header.Get("Alt-Svc"), want)
	}
	if res := f.get("/"); res.Header.Get("Alt-Svc") != "" {
		t.Errorf("over HTTP clients are told %q", res.Header.Get("Alt-Svc"))
	}
}

func TestAnAnswerOverHTTP3IsFinishedAtTheEnd(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	a := newApp(t, func(c net.Conn, _ string, _ *bufio.Reader) {
		close(begun)
		<-finish
		io.WriteString(c, ok)
	})
	f := newSecureFront(t, internal(demo(a.socket)))
	client := withHTTP3(t, f)
	answered := make(chan string, 1)
	go func() {
		res, err := client.Get("https://demo.example/")
		if err != nil {
			answered <- err.Error()
			return
		}
		body, err := io.ReadAll(res.Body)
		answered <- fmt.Sprint(res.Status, " ", string(body), err)
	}()
	within(t, begun, "the request")
	stopped := make(chan error, 1)
	go func() { stopped <- f.stop() }()
	for note := ""; !strings.HasPrefix(note, "STOPPING=1"); {
		note = within(t, f.notes, "the beginning of the end")
	}
	close(finish)
	if got := within(t, answered, "the answer"); got != "200 OK ok<nil>" {
		t.Errorf("the answer is %s", got)
	}
	must(t, within(t, stopped, "the end"))
}
