package acme

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sandwich/proxy"
	"sandwich/proxy/route"
	certs "sandwich/proxy/tls"
)

// patience bounds every wait. Nothing waits for it when all goes well.
const patience = 3 * time.Minute

// front is a front proxy with an authority that it gets its certificates from.
type front struct {
	testing.TB
	*authority
	server  *proxy.Server
	keeper  *certs.Keeper
	dir     string
	log     *journal
	plain   net.Listener
	secure  net.Listener
	changed chan string
	stop    func()
	points  func(host string) ([]netip.Addr, error) // where names lead
	bound   *binding
}

type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

// newFront listens, and starts with the routes that demo makes of hosts.
func newFront(t testing.TB, nonceReject string, hosts ...string) *front {
	t.Helper()
	return newBoundFront(t, nonceReject, nil, hosts...)
}

func newBoundFront(t testing.TB, nonceReject string, b *binding, hosts ...string) *front {
	t.Helper()
	f := &front{TB: t, dir: t.TempDir(), log: new(journal), changed: make(chan string, 10000), bound: b}
	f.points = func(string) ([]netip.Addr, error) { return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil }
	var err error
	f.plain, err = net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	f.secure, err = net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	f.authority = newAuthority(t, port(f.plain), port(f.secure), nonceReject, b)
	must(t, os.MkdirAll(filepath.Join(f.dir, "routes"), 0o755))
	must(t, os.WriteFile(filepath.Join(f.dir, "proxy.json"), fmt.Appendf(nil, `{"version": 1, "https": [%q]}`, f.secure.Addr()), 0o644))
	if len(hosts) > 0 {
		f.route(hosts...)
	}
	t.Cleanup(func() {
		f.plain.Close()
		f.secure.Close()
		if t.Failed() {
			t.Log(f.log.String())
		}
	})
	return f
}

func port(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

// route is the one project of the front.
func (f *front) route(hosts ...string) {
	f.Helper()
	r := &route.Route{
		Version: route.Version, Name: "demo", Domains: hosts, Upstream: route.Upstream{Network: "unix", Address: "/nowhere"},
		MaxBody: 1, TimeoutMS: 1000, HoldMS: 1, BufferRequests: true, BufferResponses: true,
		TLS: &route.TLS{Mode: route.TLSAuto, CA: f.directory, CARoot: f.authority.root, Email: "ops@demo.example"},
	}
	if f.bound != nil {
		r.TLS.EABKeyID, r.TLS.EABKeyFile = f.bound.id, filepath.Join(f.dir, "eab.key")
		must(f, os.WriteFile(r.TLS.EABKeyFile, []byte(f.bound.told+"\n"), 0o600))
	}
	data, err := route.Encode(r)
	must(f, err)
	must(f, os.WriteFile(filepath.Join(f.dir, "routes", "demo.json"), data, 0o644))
}

// start starts a process of the proxy, beside another one perhaps.
func (f *front) start() {
	f.Helper()
	log := slog.New(slog.NewTextHandler(f.log, nil))
	f.keeper = certs.New(certs.Config{
		Dir: filepath.Join(f.dir, "tls"), Log: log, HTTPPort: uint16(port(f.plain)),
		Changed: func(host string) { f.changed <- host },
		Resolve: func(_ context.Context, host string) ([]netip.Addr, error) { return f.points(host) },
	})
	var err error
	f.server, err = proxy.New(proxy.Config{
		Routes: filepath.Join(f.dir, "routes"), Settings: filepath.Join(f.dir, "proxy.json"), Spool: filepath.Join(f.dir, "spool"),
		Listeners: []net.Listener{again(f, f.plain), again(f, f.secure)}, TLS: f.keeper, Drain: time.Second, Tunnels: time.Second, Log: log,
	})
	must(f, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	server := f.server
	go func() { ended <- server.Run(ctx) }()
	f.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			f.Errorf("the proxy ended with %v", err)
		}
	})
	f.Cleanup(f.stop)
}

// again is the same socket for another process.
func again(t testing.TB, l net.Listener) net.Listener {
	t.Helper()
	file, err := l.(*net.TCPListener).File()
	must(t, err)
	defer file.Close()
	copied, err := net.FileListener(file)
	must(t, err)
	return copied
}

// shake is the certificate that a browser gets, and whether it trusts it.
func (f *front) shake(host string) (*x509.Certificate, error) {
	f.Helper()
	conf := &tls.Config{ServerName: host, RootCAs: f.trust()}
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", f.secure.Addr().String(), conf)
	if err != nil {
		var unknown *tls.CertificateVerificationError
		if errors.As(err, &unknown) {
			return unknown.UnverifiedCertificates[0], err
		}
		return nil, err
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0], nil
}

// await returns when a browser trusts each host.
func (f *front) await(hosts ...string) {
	f.Helper()
	missing := map[string]bool{}
	for _, host := range hosts {
		missing[host] = true
	}
	deadline := time.After(patience)
	for len(missing) > 0 {
		select {
		case host := <-f.changed:
			if _, err := f.shake(host); err == nil {
				delete(missing, host)
			}
		case <-deadline:
			f.Fatalf("%d hosts have no certificate; they are\n%+v", len(missing), f.keeper.Certificates())
		}
	}
}

// logged returns when the journal has the text.
func (f *front) logged(text string) {
	f.Helper()
	for deadline := time.Now().Add(patience); !strings.Contains(f.log.String(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			f.Fatalf("%q is not in the journal", text)
		}
	}
}

func (f *front) state(host string) certs.Certificate {
	f.Helper()
	for _, c := range f.keeper.Certificates() {
		if c.Host == host {
			return c
		}
	}
	f.Fatalf("there is no %s", host)
	return certs.Certificate{}
}
