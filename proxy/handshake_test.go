package proxy_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sandwich/proxy/route"
	certs "sandwich/proxy/tls"
)

// newSecureFront is newFront with HTTPS, and certificates of the internal CA where a route wants them.
func newSecureFront(t testing.TB, routes ...*route.Route) *front {
	t.Helper()
	dir := t.TempDir()
	f := &front{TB: t, routes: filepath.Join(dir, "routes"), spool: filepath.Join(dir, "spool"), run: filepath.Join(dir, "run"), logs: filepath.Join(dir, "logs"),
		log: new(logBuffer), notes: make(chan string, 100)}
	must(t, os.Mkdir(f.routes, 0o755))
	must(t, os.Mkdir(f.run, 0o700))
	must(t, os.Mkdir(f.logs, 0o700))
	for _, r := range routes {
		f.write(r)
	}
	f.keeper = certs.New(certs.Config{Dir: filepath.Join(dir, "tls"), Log: slog.New(slog.NewTextHandler(f.log, nil))})
	f.start(filepath.Join(dir, "proxy.json"))
	return f
}

func (f *front) listenSecure(settings string) net.Listener {
	f.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(f, err)
	f.secure = l.Addr().String()
	must(f, os.WriteFile(settings, fmt.Appendf(nil, `{"version": 1, "https": [%q]}`, f.secure), 0o644))
	return l
}

// internal is a route that is served over HTTPS by the internal CA.
func internal(r *route.Route) *route.Route {
	r.TLS = &route.TLS{Mode: route.TLSInternal}
	return r
}

// client is what a browser that trusts the internal CA shakes hands with.
func (f *front) client(name string, protocols ...string) *tls.Config {
	f.Helper()
	root, err := os.ReadFile(filepath.Join(filepath.Dir(f.routes), "tls", certs.RootFile))
	must(f, err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(root)
	return &tls.Config{ServerName: name, RootCAs: pool, NextProtos: protocols}
}

func (f *front) shake(conf *tls.Config) (*tls.Conn, error) {
	f.Helper()
	c, err := net.Dial("tcp", f.secure)
	must(f, err)
	f.Cleanup(func() { c.Close() })
	must(f, c.SetDeadline(time.Now().Add(patience)))
	secure := tls.Client(c, conf)
	return secure, secure.Handshake()
}

func (f *front) askSecurely(name, raw string) answer {
	f.Helper()
	c, err := f.shake(f.client(name))
	must(f, err)
	_, err = io.WriteString(c, raw)
	must(f, err)
	return f.read(bufio.NewReader(c), raw)
}

func TestAProjectAnswersOverHTTPSAtOnce(t *testing.T) {
	a := newApp(t, says(ok))
	f := newSecureFront(t, internal(demo(a.socket)))
	f.askSecurely("demo.example", "GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n").want(t, 200)
	head := within(t, a.heads, "the request")
	_, port, _ := net.SplitHostPort(f.secure)
	for _, field := range []string{"X-Forwarded-Proto: https\r\n", "X-Forwarded-Port: " + port + "\r\n", "proto=https"} {
		if !strings.Contains(head, field) {
			t.Errorf("%q is missing in\n%s", field, head)
		}
	}
	f.get("/").want(t, 200) // plain HTTP goes on while browsers would not trust the certificate
}

func TestHTTP2IsSpokenToThoseWhoWantIt(t *testing.T) {
	a := newApp(t, says(ok))
	f := newSecureFront(t, internal(demo(a.socket)))
	transport := &http.Transport{TLSClientConfig: f.client("demo.example"), ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequest("GET", "https://"+f.secure+"/", nil)
	must(t, err)
	r.Host = "demo.example"
	res, err := transport.RoundTrip(r)
	must(t, err)
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); res.ProtoMajor != 2 || res.StatusCode != 200 || string(body) != "ok" {
		t.Errorf("%s %s %q", res.Proto, res.Status, body)
	}
}

func TestANameThatNobodyHasIsRefused(t *testing.T) {
	plain := demo("/nowhere")
	plain.Name, plain.Domains = "plain", []string{"plain.example"}
	f := newSecureFront(t, internal(demo("/nowhere")), plain)
	for _, name := range []string{"other.example", "plain.example", ""} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			var shown []*x509.Certificate
			conf := &tls.Config{ServerName: name, InsecureSkipVerify: true, MaxVersion: version, VerifyConnection: func(s tls.ConnectionState) error {
				shown = s.PeerCertificates
				return nil
			}}
			_, err := f.shake(conf)
			if err == nil || !strings.HasSuffix(err.Error(), "tls: unrecognized name") {
				t.Errorf("%q: %v", name, err)
			}
			if shown != nil {
				t.Errorf("%q: a certificate of %s was shown", name, shown[0].DNSNames)
			}
		}
	}
	if text := f.log.String(); strings.Contains(text, "handshake") {
		t.Errorf("strangers fill the journal:\n%s", text)
	}
}

func TestWeakCiphersAndVersionsAreRefused(t *testing.T) {
	f := newSecureFront(t, internal(demo("/nowhere")))
	weak := f.client("demo.example")
	weak.MaxVersion = tls.VersionTLS12
	weak.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_128_GCM_SHA256}
	old := f.client("demo.example")
	old.MinVersion, old.MaxVersion = tls.VersionTLS11, tls.VersionTLS11
	for what, conf := range map[string]*tls.Config{"suite": weak, "version": old} {
		if _, err := f.shake(conf); err == nil {
			t.Errorf("an old %s is accepted", what)
		}
	}
}

// two are two projects, each with its own application.
func two(t *testing.T) (*front, *app, *app) {
	a, b := newApp(t, says(ok)), newApp(t, says(ok))
	other := internal(demo(b.socket))
	other.Name, other.Domains = "other", []string{"other.example", "www.other.example"}
	return newSecureFront(t, internal(demo(a.socket)), other), a, b
}

func TestARequestForAnotherProjectThanTheHandshakesIsAstray(t *testing.T) {
	f, _, _ := two(t)
	f.askSecurely("demo.example", "GET / HTTP/1.1\r\nHost: other.example\r\n\r\n").want(t, 421)
	f.askSecurely("demo.example", "GET https://other.example/ HTTP/1.1\r\nHost: demo.example\r\n\r\n").want(t, 421)
	f.askSecurely("other.example", "GET / HTTP/1.1\r\nHost: www.other.example\r\n\r\n").want(t, 200)
}

// CVE-2025-23419: what was agreed on with one host is not good for another.
func TestASessionIsResumedWithItsHostOnly(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		f, _, _ := two(t)
		cache := &oneSession{}
		for _, step := range []struct {
			name    string
			resumes bool
		}{{"demo.example", false}, {"demo.example", true}, {"other.example", false}} {
			conf := f.client(step.name)
			conf.ClientSessionCache, conf.MaxVersion = cache, version
			conf.InsecureSkipVerify = true // or crypto/tls as a client would look first whom the session was with
			c, err := f.shake(conf)
			must(t, err)
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: "+step.name+"\r\nConnection: close\r\n\r\n")
			io.Copy(io.Discard, c) // the ticket comes with the answer
			if did := c.ConnectionState().DidResume; did != step.resumes {
				t.Errorf("%s is resumed: %v", step.name, did)
			}
		}
	}
}

// oneSession offers the same session to every host.
type oneSession struct{ state *tls.ClientSessionState }

func (s *oneSession) Get(string) (*tls.ClientSessionState, bool) { return s.state, s.state != nil }
func (s *oneSession) Put(_ string, state *tls.ClientSessionState) {
	if state != nil {
		s.state = state
	}
}

func TestPlainHTTPIsSentToHTTPSWhenAsked(t *testing.T) {
	r := internal(demo(newApp(t, says(ok)).socket))
	r.TLS.Redirect, r.TLS.HSTS = route.RedirectAlways, 3600
	f := newSecureFront(t, r)
	_, port, _ := net.SplitHostPort(f.secure)
	for method, status := range map[string]int{"GET": 301, "HEAD": 301, "POST": 308} {
		res := f.ask(method+" /a%20b?c=d HTTP/1.1\r\nHost: Demo.example:80\r\nContent-Length: 0\r\n\r\n").want(t, status)
		if got := res.Header.Get("Location"); got != "https://demo.example:"+port+"/a%20b?c=d" {
			t.Errorf("%s leads to %s", method, got)
		}
		if got := res.Header.Get("Strict-Transport-Security"); got != "" {
			t.Errorf("plain HTTP promises %q", got)
		}
	}
	// A CA comes over plain HTTP; what nobody asked it for is not there, and no application's.
	f.get("/.well-known/acme-challenge/abcdefghijklmnopqrst").want(t, 404)
	res := f.askSecurely("demo.example", "GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n").want(t, 200)
	if got := res.Header.Get("Strict-Transport-Security"); got != "max-age=3600" {
		t.Errorf("HTTPS promises %q", got)
	}
}

func TestAChallengeOfNobodysIsNoApplicationsButFilesOfAProjectAreItsOwn(t *testing.T) {
	a := newApp(t, says(ok))
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "own-token-of-certbot"), []byte("own"), 0o644))
	r := demo(a.socket)
	f := newFront(t, r)
	for _, path := range []string{"own-token-of-certbot", "x", "", "%2e%2e/%2e%2e/secret", "a/b"} {
		f.get("/.well-known/acme-challenge/"+path).want(t, 404)
	}
	r.Static = append(r.Static, route.Static{Prefix: "/.well-known/acme-challenge/", Root: dir})
	f.write(r)
	must(t, f.Apply("demo"))
	if got := f.get("/.well-known/acme-challenge/own-token-of-certbot").want(t, 200).body; got != "own" {
		t.Errorf("the file is %q", got)
	}
	if len(a.heads) > 0 {
		t.Error("the application was asked")
	}
}

func TestWhoSpeaksHTTPToThePortOfHTTPSIsToldSo(t *testing.T) {
	f := newSecureFront(t, internal(demo("/nowhere")))
	f.addr = f.secure
	if body := f.get("/").want(t, 400).body; !strings.Contains(body, "speaks HTTPS") {
		t.Errorf("it is told %q", body)
	}
}

func TestAWebSocketGoesThroughHTTPS(t *testing.T) {
	a := newApp(t, chat(make(chan string, 1)))
	f := newSecureFront(t, internal(demo(a.socket)))
	c, err := f.shake(f.client("demo.example"))
	must(t, err)
	io.WriteString(c, handshake+"early ")
	r := bufio.NewReader(c)
	res, err := http.ReadResponse(r, nil)
	must(t, err)
	if res.StatusCode != 101 {
		t.Fatal(res.Status)
	}
	f.wantFrames(r, "\x81\x05hello")
}

func TestASecureConnectionIsKeptUntilTheEnd(t *testing.T) {
	a := newApp(t, says(ok))
	f := newSecureFront(t, internal(demo(a.socket)))
	c, err := f.shake(f.client("demo.example"))
	must(t, err)
	r := bufio.NewReader(c)
	for range 2 {
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n")
		f.read(r, "GET").want(t, 200)
	}
	must(t, f.stop())
	if _, err := r.ReadByte(); err == nil {
		t.Error("the connection is open after the end")
	}
}
