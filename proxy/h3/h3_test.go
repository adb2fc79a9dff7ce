package h3

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/qpack"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"
)

// patience is how long a test waits for what must come at once.
const patience = time.Minute

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// certificate is one of demo.example, made once.
var certificate = sync.OnceValue(func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"demo.example"},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	leaf, _ := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
})

func serverConfig() *tls.Config {
	return http3.ConfigureTLSConfig(&tls.Config{Certificates: []tls.Certificate{certificate()}})
}

func clientConfig() *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(certificate().Leaf)
	return &tls.Config{RootCAs: pool, ServerName: "demo.example", NextProtos: []string{http3.NextProtoH3}}
}

// server serves HTTP/3 on a port of its own.
type server struct {
	testing.TB
	conn *net.UDPConn
	stop context.CancelFunc
	done chan error
}

func serve(t testing.TB, handler http.HandlerFunc) *server {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(t, err)
	return serveOn(t, conn, Options{}, handler)
}

// serveOn is one process that serves on a socket.
func serveOn(t testing.TB, conn *net.UDPConn, o Options, handler http.HandlerFunc) *server {
	t.Helper()
	o.HeaderTime, o.IdleTime, o.Grace, o.MaxHeader, o.MaxStreams = patience, patience, patience, 64<<10, 100
	if o.Alone == 0 {
		o.Alone = patience
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &server{TB: t, conn: conn, stop: stop, done: make(chan error, 1)}
	go func() {
		s.done <- Serve(ctx, conn, serverConfig(), handler, o)
	}()
	t.Cleanup(func() {
		stop()
		if err := s.wait(); err != nil {
			t.Error(err)
		}
		conn.Close()
	})
	return s
}

func (s *server) wait() error {
	select {
	case err := <-s.done:
		s.done <- err
		return err
	case <-time.After(patience):
		return errors.New("it does not end")
	}
}

func (s *server) client() *http.Client {
	tr := &http3.Transport{TLSClientConfig: clientConfig(), Dial: func(ctx context.Context, _ string, t *tls.Config, q *quic.Config) (*quic.Conn, error) {
		return quic.DialAddr(ctx, s.conn.LocalAddr().String(), t, q)
	}}
	s.Cleanup(func() { tr.Close() })
	return &http.Client{Transport: tr, Timeout: patience}
}

func TestRequestsAndAnswers(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil || r.TLS == nil || r.Host != "demo.example" || r.RequestURI != "/a%20b?c" || r.URL.Path != "/a b" {
			t.Errorf("%v, %+v", err, r)
		}
		if r.Method == http.MethodGet && r.ContentLength != 0 {
			t.Errorf("%s with a body of %d", r.Method, r.ContentLength)
		}
		w.Header().Set("Connection", "close")
		io.WriteString(w, r.Proto+" "+string(b))
	})
	client := s.client()
	for method, sent := range map[string]string{"GET": "", "POST": "hello", "DELETE": "all"} {
		var body io.Reader
		if sent != "" {
			body = struct{ io.Reader }{strings.NewReader(sent)} // of no known length
		}
		q, err := http.NewRequest(method, "https://demo.example/a%20b?c", body)
		must(t, err)
		res, err := client.Do(q)
		must(t, err)
		came, err := io.ReadAll(res.Body)
		if string(came) != "HTTP/3.0 "+sent || err != nil {
			t.Errorf("%s: %q, %v", method, came, err)
		}
		if res.Header["Connection"] != nil {
			t.Errorf("%s: %v", method, res.Header)
		}
	}
}

// TestMalformedRequestsReachNobody tries what HTTP/2 is tried with.
func TestMalformedRequestsReachNobody(t *testing.T) {
	text, err := os.ReadFile("../h2/testdata/malformed.json")
	must(t, err)
	var malformed map[string][]string
	must(t, json.Unmarshal(text, &malformed))
	var reached atomic.Bool
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		reached.Store(err == nil)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	conn, err := quic.DialAddr(t.Context(), s.conn.LocalAddr().String(), clientConfig(), nil)
	must(t, err)
	defer conn.CloseWithError(0, "")
	must(t, greet(conn))
	// What quic-go keeps for itself reaches nobody either.
	for _, name := range []string{"no scheme", "empty scheme", "foreign scheme", "URL in the scheme", "content-length twice", "empty content-length"} {
		delete(malformed, name)
	}
	for name, fields := range malformed {
		t.Run(name, func(t *testing.T) {
			status, err := ask(t, conn, fields)
			var reset *quic.StreamError
			if status != "400" && !(errors.As(err, &reset) && reset.ErrorCode == quic.StreamErrorCode(http3.ErrCodeMessageError)) {
				t.Errorf("answered with %q, %v", status, err)
			}
			if reached.Swap(false) {
				t.Error("the handler was called")
			}
		})
	}
	if status, err := ask(t, conn, []string{":method: GET", ":scheme: https", ":authority: demo.example", ":path: /"}); status != "200" {
		t.Errorf("a good request is answered with %q, %v", status, err)
	}
}

// greet sends settings: RFC 9114 6.2.1.
func greet(conn *quic.Conn) error {
	str, err := conn.OpenUniStream()
	if err != nil {
		return err
	}
	_, err = str.Write([]byte{0, 4, 0})
	return err
}

// ask sends fields that are written "name: value" as a request and reads the status of the answer.
func ask(t *testing.T, conn *quic.Conn, fields []string) (status string, err error) {
	t.Helper()
	str, err := conn.OpenStreamSync(t.Context())
	must(t, err)
	must(t, str.SetDeadline(time.Now().Add(patience)))
	var block bytes.Buffer
	enc := qpack.NewEncoder(&block)
	for _, f := range fields {
		name, value, _ := strings.Cut(f[1:], ": ")
		must(t, enc.WriteField(qpack.HeaderField{Name: f[:1] + name, Value: value}))
	}
	if len(fields) == 0 {
		block.Write([]byte{0, 0})
	}
	str.Write(append(quicvarint.Append([]byte{1}, uint64(block.Len())), block.Bytes()...))
	str.Close()
	answer, err := io.ReadAll(str)
	if err != nil || len(answer) < 2 {
		return "", err
	}
	_, n, err := quicvarint.Parse(answer[1:])
	must(t, err)
	next := qpack.NewDecoder().Decode(answer[1+n:])
	f, err := next()
	return f.Value, err
}

func TestDrainingFinishesWhatIsOnItsWay(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-finish
		io.WriteString(w, "ok")
	})
	answer := make(chan string, 1)
	client := s.client()
	go func() {
		res, err := client.Get("https://demo.example/")
		if err != nil {
			answer <- err.Error()
			return
		}
		b, err := io.ReadAll(res.Body)
		answer <- string(b) + fmt.Sprint(err)
	}()
	<-begun
	s.stop()
	close(finish)
	if got := <-answer; got != "ok<nil>" {
		t.Errorf("the answer is %q", got)
	}
	must(t, s.wait()) // although the client keeps its connection
}
