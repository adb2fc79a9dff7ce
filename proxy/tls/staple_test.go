package tls

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"sandwich/proxy/route"
)

// stapler is a CA that tells the status of what it has signed.
type stapler struct {
	*httptest.Server
	ca     *authority
	status atomic.Int64
	asked  atomic.Int64
	answer atomic.Pointer[func(http.ResponseWriter)] // instead
}

func newStapler(t *testing.T) *stapler {
	s := &stapler{ca: newAuthority()}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		if answer := s.answer.Load(); answer != nil {
			(*answer)(w)
			return
		}
		body, _ := io.ReadAll(r.Body)
		q, err := ocsp.ParseRequest(body)
		if err != nil || r.Header.Get("Content-Type") != "application/ocsp-request" {
			t.Errorf("it is asked %q: %v", body, err)
			return
		}
		now := time.Now()
		answer, err := ocsp.CreateResponse(s.ca.root, s.ca.root, ocsp.Response{Status: int(s.status.Load()), SerialNumber: q.SerialNumber,
			ThisUpdate: now.Add(-time.Minute), NextUpdate: now.Add(time.Hour), RevokedAt: now}, s.ca.key)
		if err != nil {
			t.Error(err)
		}
		w.Write(answer)
	}))
	t.Cleanup(s.Close)
	return s
}

// pair is a certificate of a.example that wants to be stapled.
func (s *stapler) pair(t *testing.T) *tls.Certificate {
	t.Helper()
	value, err := asn1.Marshal([]int{statusRequest})
	must(t, err)
	key := newKey()
	leaf := mustSign(&x509.Certificate{SerialNumber: serial(), DNSNames: []string{"a.example"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour),
		OCSPServer: []string{s.URL}, ExtraExtensions: []pkix.Extension{{Id: featureExtension, Value: value}}}, s.ca.root, key, s.ca.key)
	return &tls.Certificate{Certificate: [][]byte{leaf.Raw, s.ca.root.Raw}, PrivateKey: key, Leaf: leaf}
}

// newStapled is a keeper that serves such a pair from files.
func newStapled(t *testing.T, s *stapler, dir string) (*Keeper, files) {
	t.Helper()
	f := newFiles(t)
	certificate, key := f.parts(s.pair(t))
	must(t, os.WriteFile(f.key, key, 0o600))
	must(t, os.WriteFile(f.certificate, certificate, 0o600))
	k, _ := newKeeper(t, dir)
	k.Follow([]*route.Route{routeOf("a", f.want(), "a.example")})
	return k, f
}

// stapleOf is what a client is sent.
func stapleOf(t *testing.T, k *Keeper) []byte {
	t.Helper()
	pair, err := k.certificate(&tls.ClientHelloInfo{ServerName: "a.example"})
	must(t, err)
	return pair.OCSPStaple
}

func TestACertificateThatAsksForItIsStapled(t *testing.T) {
	s := newStapler(t)
	dir := t.TempDir()
	k, f := newStapled(t, s, dir)
	h := k.host("a.example")
	next, err := h.staple(t.Context())
	if r, perr := ocsp.ParseResponse(stapleOf(t, k), s.ca.root); err != nil || perr != nil || r.Status != ocsp.Good {
		t.Fatalf("%v, %v", err, perr)
	}
	if in := time.Until(next); in < 25*time.Minute || in > 30*time.Minute {
		t.Errorf("it is asked for again in %s", in)
	}
	h.loadFiles()
	if stapleOf(t, k) == nil {
		t.Error("it is gone when the files are read again")
	}

	// The next process has it at once, also while the CA is down.
	s.Close()
	again, _ := newKeeper(t, dir)
	again.Follow([]*route.Route{routeOf("a", f.want(), "a.example")})
	if _, err := again.host("a.example").staple(t.Context()); err != nil || stapleOf(t, again) == nil {
		t.Errorf("the next process has none: %v", err)
	}
}

func TestACertificateThatDoesNotAskIsNotStapled(t *testing.T) {
	f := newFiles(t)
	f.put("a.example")
	k, _ := newKeeper(t, t.TempDir())
	k.Follow([]*route.Route{routeOf("a", f.want(), "a.example")})
	if _, err := k.host("a.example").staple(t.Context()); err != nil || stapleOf(t, k) != nil {
		t.Errorf("it is: %v", err)
	}
}

func TestWhatIsNoGoodIsNotStapledAndSaid(t *testing.T) {
	s := newStapler(t)
	k, _ := newStapled(t, s, t.TempDir())
	h := k.host("a.example")
	stranger := newStapler(t)
	foreign, err := ocsp.CreateResponse(stranger.ca.root, stranger.ca.root, ocsp.Response{Status: ocsp.Good, SerialNumber: h.serving.Load().pair.Leaf.SerialNumber,
		ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour)}, stranger.ca.key)
	must(t, err)
	old, err := ocsp.CreateResponse(s.ca.root, s.ca.root, ocsp.Response{Status: ocsp.Good, SerialNumber: h.serving.Load().pair.Leaf.SerialNumber,
		ThisUpdate: time.Now().Add(-2 * time.Hour), NextUpdate: time.Now().Add(-time.Hour)}, s.ca.key)
	must(t, err)
	for what, c := range map[string]struct {
		status int64
		answer func(http.ResponseWriter)
		said   string
	}{
		"revoked":    {ocsp.Revoked, nil, "revoked"},
		"unknown":    {ocsp.Unknown, nil, "does not know it"},
		"an error":   {0, func(w http.ResponseWriter) { w.WriteHeader(500) }, "500"},
		"elsewhere":  {0, func(w http.ResponseWriter) { w.Header().Set("Location", stranger.URL); w.WriteHeader(302) }, "302"},
		"rubbish":    {0, func(w http.ResponseWriter) { w.Write(bytes.Repeat([]byte("x"), 1<<20)) }, "cannot use"},
		"a stranger": {0, func(w http.ResponseWriter) { w.Write(foreign) }, "cannot use"},
		"yesterday":  {0, func(w http.ResponseWriter) { w.Write(old) }, "not of now"},
	} {
		s.status.Store(c.status)
		s.answer.Store(nil)
		if c.answer != nil {
			s.answer.Store(&c.answer)
		}
		_, err := h.staple(t.Context())
		h.stapled(err)
		if err == nil || !strings.Contains(err.Error(), c.said) || stapleOf(t, k) != nil {
			t.Errorf("%s: %v", what, err)
		}
		if one := k.Certificates()[0]; one.State != Failing || !strings.Contains(one.Problem, c.said) {
			t.Errorf("%s: %+v", what, one)
		}
	}
	if files, _ := filepath.Glob(k.store.path("staples/*")); len(files) != 0 {
		t.Errorf("%v are kept", files)
	}
}

// A CA that does not answer keeps nobody waiting, and one that fails is asked less and less.
func TestAHandshakeDoesNotWaitForTheCA(t *testing.T) {
	s := newStapler(t)
	entered, leave := make(chan struct{}, 10), make(chan struct{})
	hang := func(http.ResponseWriter) { entered <- struct{}{}; <-leave }
	s.answer.Store(&hang)
	k, _ := newStapled(t, s, t.TempDir())
	start(t, k)
	<-entered
	if shown(t, k, "a.example") == nil || stapleOf(t, k) != nil {
		t.Error("a handshake gets another certificate")
	}
	s.answer.Store(nil)
	close(leave)                                                   // with an empty answer
	for h := k.host("a.example"); ; time.Sleep(time.Millisecond) { // nobody tells
		h.mu.Lock()
		said := h.unstapled
		h.mu.Unlock()
		if said != "" {
			break
		}
	}
	if n := s.asked.Load(); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
}
