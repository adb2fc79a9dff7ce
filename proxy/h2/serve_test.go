package h2

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what must come at once.
const patience = time.Minute

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// certificate is one of 127.0.0.1, made once.
var certificate = sync.OnceValue(func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"demo.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	leaf, _ := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
})

// server serves HTTP/2 over TLS on a port of its own.
type server struct {
	testing.TB
	addr string
	stop context.CancelFunc // tells the clients to go
	done chan struct{}      // closed when all connections have ended
}

func serve(t testing.TB, o Options, handler http.HandlerFunc) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	s := &server{TB: t, addr: l.Addr().String(), stop: stop, done: make(chan struct{})}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(testWriter{t}, nil))
	}
	go s.accept(ctx, l, handler, o)
	t.Cleanup(func() {
		stop()
		l.Close()
		select {
		case <-s.done:
		case <-time.After(patience):
			t.Error("connections did not end")
		}
	})
	return s
}

func (s *server) accept(ctx context.Context, l net.Listener, handler http.Handler, o Options) {
	var all sync.WaitGroup
	defer close(s.done)
	defer all.Wait()
	conf := &tls.Config{Certificates: []tls.Certificate{certificate()}, NextProtos: []string{Protocol}, DynamicRecordSizingDisabled: true}
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		all.Go(func() {
			t := tls.Server(c, conf)
			if t.HandshakeContext(ctx) != nil {
				c.Close()
				return
			}
			Serve(ctx, t, handler, o)
		})
	}
}

type testWriter struct{ testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

func pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(certificate().Leaf)
	return p
}

// client is Go's own.
func (s *server) client() *http.Client {
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool()}, ForceAttemptHTTP2: true}
	s.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patience}
}

func TestGoTalksToIt(t *testing.T) {
	s := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		io.WriteString(w, r.Method+" "+r.URL.Path+" "+r.Proto+" "+string(b))
	})
	res, err := s.client().Post("https://"+s.addr+"/a%20b", "text/plain", strings.NewReader("hello"))
	must(t, err)
	b, err := io.ReadAll(res.Body)
	if string(b) != "POST /a b HTTP/2.0 hello" || err != nil || res.ProtoMajor != 2 {
		t.Errorf("%q, %v, %s", b, err, res.Proto)
	}
	if res.Header.Get("Date") == "" || res.Header.Get("Content-Length") != "24" || res.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%v", res.Header)
	}
}
