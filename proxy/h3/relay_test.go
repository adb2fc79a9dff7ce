package h3

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// again is the same socket for another process.
func again(t testing.TB, conn *net.UDPConn) *net.UDPConn {
	t.Helper()
	file, err := conn.File()
	must(t, err)
	defer file.Close()
	copied, err := net.FilePacketConn(file)
	must(t, err)
	return copied.(*net.UDPConn)
}

// generations are processes that serve on one socket, each when it is started.
type generations struct {
	testing.TB
	conn *net.UDPConn
	o    Options
}

func newGenerations(t testing.TB) *generations {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	return &generations{t, conn, Options{Shared: filepath.Join(t.TempDir(), "http3"), Secret: []byte("known to all")}}
}

func (g *generations) start(name string, handler http.HandlerFunc) *server {
	g.Helper()
	return serveOn(g, again(g, g.conn), g.o, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/name" {
			io.WriteString(w, name)
			return
		}
		handler(w, r)
	})
}

// named asks until a process of that name answers a newcomer.
func (g *generations) named(s *server, name string) {
	g.Helper()
	for range 100 {
		res, err := s.client().Get("https://demo.example/name")
		must(g, err)
		b, err := io.ReadAll(res.Body)
		must(g, err)
		if string(b) == name {
			return
		}
	}
	g.Fatalf("%s never answers", name)
}

func TestAProcessFinishesItsRequestsWhileTheNextOneServes(t *testing.T) {
	g := newGenerations(t)
	large := bytes.Repeat([]byte("0123456789abcdef"), 25_000)
	begun, finish := make(chan struct{}, 3), make(chan struct{})
	first := g.start("first", func(w http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		<-finish
		b, err := io.ReadAll(r.Body)
		if err != nil || !bytes.Equal(b, large) {
			t.Errorf("of the upload came %d bytes: %v", len(b), err)
		}
		w.Write(large)
	})
	answers := make(chan error, 3)
	for range cap(answers) {
		client := first.client()
		go func() {
			res, err := client.Post("https://demo.example/", "", bytes.NewReader(large))
			if err == nil {
				var b []byte
				if b, err = io.ReadAll(res.Body); err == nil && !bytes.Equal(b, large) {
					err = fmt.Errorf("%d bytes came", len(b))
				}
			}
			answers <- err
		}()
	}
	for range cap(answers) {
		<-begun
	}
	second := g.start("second", nil)
	first.stop()
	g.named(second, "second")
	third := g.start("third", nil)
	second.stop()
	g.named(third, "third")
	close(finish)
	for range cap(answers) {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
	must(t, first.wait())
	must(t, second.wait())
}

// A client that is in the middle of its handshake when the process ends is not refused.
func TestAHandshakeThatHasBegunIsFinished(t *testing.T) {
	g := newGenerations(t)
	first := g.start("first", nil)
	asked, verified := make(chan struct{}, 10), make(chan struct{})
	config := clientConfig()
	config.VerifyConnection = func(tls.ConnectionState) error {
		asked <- struct{}{}
		<-verified
		return nil
	}
	tr := &http3.Transport{TLSClientConfig: config, Dial: func(ctx context.Context, _ string, t *tls.Config, q *quic.Config) (*quic.Conn, error) {
		return quic.DialAddr(ctx, g.conn.LocalAddr().String(), t, q)
	}}
	defer tr.Close()
	answer := make(chan string, 1)
	go func() {
		res, err := tr.RoundTrip(httptest.NewRequest("GET", "https://demo.example/name", nil))
		if err != nil {
			answer <- err.Error()
			return
		}
		b, _ := io.ReadAll(res.Body)
		answer <- string(b)
	}()
	<-asked
	second := g.start("second", nil)
	first.stop()
	g.named(second, "second")
	close(verified)
	if got := <-answer; got != "first" {
		t.Errorf("it gets %q", got)
	}
}

func TestWhoComesBetweenTwoProcessesIsServedByTheNext(t *testing.T) {
	g := newGenerations(t)
	begun, finish := make(chan struct{}), make(chan struct{})
	first := g.start("first", func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-finish
	})
	client := first.client()
	ended := make(chan error, 1)
	go func() {
		_, err := client.Get("https://demo.example/")
		ended <- err
	}()
	<-begun
	first.stop()
	answer := make(chan string, 1)
	newcomer := first.client()
	go func() {
		res, err := newcomer.Get("https://demo.example/name")
		if err != nil {
			answer <- err.Error()
			return
		}
		b, _ := io.ReadAll(res.Body)
		answer <- string(b)
	}()
	g.start("second", nil)
	if got := <-answer; got != "second" {
		t.Errorf("it gets %q", got)
	}
	close(finish)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestClientsOfAProcessThatDiedAreToldSo(t *testing.T) {
	g := newGenerations(t)
	dead, err := newRelay(again(t, g.conn), g.o.Shared)
	must(t, err)
	died := newTransport(dead, g.o.Secret)
	listener, err := died.Listen(serverConfig(), &quic.Config{MaxIdleTimeout: patience})
	must(t, err)
	client, err := quic.DialAddr(t.Context(), g.conn.LocalAddr().String(), clientConfig(), &quic.Config{MaxIdleTimeout: patience})
	must(t, err)
	_, err = listener.Accept(t.Context())
	must(t, err)
	died.Close() // which tells nobody
	dead.inbox.Close()

	g.start("next", nil)
	str, err := client.OpenStream()
	must(t, err)
	for err == nil {
		_, err = str.Write([]byte("hello"))
	}
	<-client.Context().Done() // a moment after its streams are told
	var reset *quic.StatelessResetError
	if !errors.As(context.Cause(client.Context()), &reset) {
		t.Errorf("the client finds out by %v", context.Cause(client.Context()))
	}
	if inboxes, _ := os.ReadDir(g.o.Shared); len(inboxes) != 1 {
		t.Errorf("there are %v", inboxes)
	}
}

func TestAProcessAloneEndsSoon(t *testing.T) {
	g := newGenerations(t)
	g.o.Alone = 1
	begun := make(chan struct{})
	s := g.start("only", func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
	})
	client := s.client()
	go client.Get("https://demo.example/")
	<-begun
	s.stop()
	must(t, s.wait())
	if inboxes, _ := os.ReadDir(g.o.Shared); len(inboxes) != 0 {
		t.Errorf("it leaves %v", inboxes)
	}
}

func TestSocketsOfOtherAddressesAreNobodysBusiness(t *testing.T) {
	g := newGenerations(t)
	s := g.start("one", nil)
	other := newGenerations(t)
	other.o.Shared = g.o.Shared
	o := other.start("other", nil)
	g.named(s, "one")
	g.named(o, "other")
	g.named(s, "one")
}

func FuzzEnvelopes(f *testing.F) {
	whole := envelope{&net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443}, []byte("control"), []byte("packet")}.encode()
	f.Add(whole[1:])
	f.Add([]byte{})
	f.Add([]byte{255, 1})
	f.Add([]byte(strings.Repeat("\x06", 40)))
	f.Fuzz(func(t *testing.T, data []byte) {
		tagOf(data)
		e, ok := openEnvelope(data)
		if !ok {
			return
		}
		same, ok := openEnvelope(e.encode()[1:])
		if !ok || same.from.String() != e.from.String() || !bytes.Equal(same.control, e.control) || !bytes.Equal(same.packet, e.packet) {
			t.Errorf("%+v becomes %+v", e, same)
		}
	})
}
